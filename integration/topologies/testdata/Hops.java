import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import org.apache.kafka.connect.mirror.RemoteClusterUtils;

/**
 * Says how far clusters are from each other by MirrorMaker 2's own client: arguments
 * are the file for the answer, the class of the replication policy and alias=address of
 * every cluster. Every line of the answer is an alias, the clusters upstream of it and
 * over how many hops, separated by tabs.
 */
public class Hops {
    public static void main(String[] args) throws Exception {
        List<String> out = new ArrayList<>();
        for (int i = 2; i < args.length; i++) {
            String[] cluster = args[i].split("=");
            Map<String, Object> props = new HashMap<>();
            props.put("bootstrap.servers", cluster[1]);
            props.put("replication.policy.class", args[1]);
            Map<String, Integer> hops = new TreeMap<>();
            for (String upstream : new TreeSet<>(RemoteClusterUtils.upstreamClusters(props))) {
                hops.put(upstream, RemoteClusterUtils.replicationHops(props, upstream));
            }
            out.add(cluster[0] + "\t" + hops);
        }
        Files.write(Path.of(args[0]), out);
    }
}
