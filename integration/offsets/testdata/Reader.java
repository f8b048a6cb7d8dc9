import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.lang.reflect.Method;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.MessageFormatter;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.connect.mirror.MirrorClient;
import org.apache.kafka.connect.mirror.RemoteClusterUtils;

/**
 * Says what MirrorMaker 2's client, console formatters and record classes make of
 * a target's topics: arguments are the file for the answer, the target's address,
 * the source's alias, the topic of offset syncs and groups. Every line of the answer
 * is a question and its answer, separated by a tab.
 */
public class Reader {
    static final List<String> OUT = new ArrayList<>();

    public static void main(String[] args) throws Exception {
        Map<String, Object> props = new HashMap<>();
        props.put("bootstrap.servers", args[1]);
        String source = args[2];
        try (MirrorClient client = new MirrorClient(props)) {
            say("replicationHops", client.replicationHops(source));
            say("upstreamClusters", new TreeSet<>(client.upstreamClusters()));
            say("heartbeatTopics", new TreeSet<>(client.heartbeatTopics()));
            say("checkpointTopics", new TreeSet<>(client.checkpointTopics()));
            say("remoteTopics", new TreeSet<>(client.remoteTopics()));
            for (String group : Arrays.copyOfRange(args, 4, args.length)) {
                say("remoteConsumerOffsets " + group, offsets(client.remoteConsumerOffsets(group, source, Duration.ofSeconds(30))));
                say("translateOffsets " + group, offsets(RemoteClusterUtils.translateOffsets(props, source, group, Duration.ofSeconds(30))));
            }
        }
        records(args[1], "heartbeats", "Heartbeat");
        records(args[1], source + ".checkpoints.internal", "Checkpoint");
        records(args[1], args[3], "OffsetSync");
        Files.write(Path.of(args[0]), OUT);
    }

    static void say(String question, Object answer) {
        OUT.add(question + "\t" + answer);
    }

    static Map<String, String> offsets(Map<TopicPartition, OffsetAndMetadata> all) {
        Map<String, String> out = new TreeMap<>();
        all.forEach((tp, o) -> out.put(tp.toString(), o.offset() + o.metadata()));
        return out;
    }

    /** Has every record of a topic read, written again and formatted. */
    static void records(String servers, String topic, String name) throws Exception {
        Map<String, Object> props = new HashMap<>();
        props.put("bootstrap.servers", servers);
        TopicPartition tp = new TopicPartition(topic, 0);
        Class<?> type = Class.forName("org.apache.kafka.connect.mirror." + name);
        MessageFormatter formatter = (MessageFormatter) Class.forName("org.apache.kafka.connect.mirror.formatters." + name + "Formatter")
            .getDeclaredConstructor().newInstance();
        int read = 0, same = 0, formatted = 0;
        try (KafkaConsumer<byte[], byte[]> consumer = new KafkaConsumer<>(props, new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
            consumer.assign(List.of(tp));
            consumer.seekToBeginning(List.of(tp));
            long end = consumer.endOffsets(List.of(tp)).get(tp);
            while (consumer.position(tp) < end) {
                for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofMillis(200))) {
                    read++;
                    Object parsed = call(type, null, "deserializeRecord", record);
                    if (Arrays.equals(record.key(), (byte[]) call(type, parsed, "recordKey"))
                        && Arrays.equals(record.value(), (byte[]) call(type, parsed, "recordValue"))) {
                        same++;
                    }
                    ByteArrayOutputStream text = new ByteArrayOutputStream();
                    formatter.writeTo(record, new PrintStream(text, true, StandardCharsets.UTF_8));
                    formatted += text.toString(StandardCharsets.UTF_8).startsWith(name + "{") ? 1 : 0;
                }
            }
        }
        say(name + " records not as they were", read - same);
        say(name + " records not formatted", read - formatted);
        say(name + " records", read > 0);
    }

    static Object call(Class<?> type, Object on, String method, Object... args) throws Exception {
        for (Method m : type.getDeclaredMethods()) {
            if (m.getName().equals(method) && m.getParameterCount() == args.length) {
                m.setAccessible(true);
                return m.invoke(on, args);
            }
        }
        throw new NoSuchMethodException(type + "." + method);
    }
}
