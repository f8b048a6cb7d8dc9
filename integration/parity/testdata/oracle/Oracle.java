import com.fasterxml.jackson.databind.ObjectMapper;

import org.apache.kafka.common.config.AbstractConfig;
import org.apache.kafka.common.config.ConfigDef;
import org.apache.kafka.common.config.ConfigTransformer;
import org.apache.kafka.common.config.provider.ConfigProvider;
import org.apache.kafka.common.utils.Utils;
import org.apache.kafka.connect.connector.Connector;
import org.apache.kafka.connect.connector.policy.AllConnectorClientConfigOverridePolicy;
import org.apache.kafka.connect.connector.policy.ConnectorClientConfigOverridePolicy;
import org.apache.kafka.connect.mirror.MirrorCheckpointConfig;
import org.apache.kafka.connect.mirror.MirrorCheckpointConnector;
import org.apache.kafka.connect.mirror.MirrorHeartbeatConfig;
import org.apache.kafka.connect.mirror.MirrorHeartbeatConnector;
import org.apache.kafka.connect.mirror.MirrorMakerConfig;
import org.apache.kafka.connect.mirror.MirrorSourceConfig;
import org.apache.kafka.connect.mirror.MirrorSourceConnector;
import org.apache.kafka.connect.mirror.SourceAndTarget;
import org.apache.kafka.connect.runtime.ConnectorConfig;
import org.apache.kafka.connect.runtime.Worker;
import org.apache.kafka.connect.runtime.WorkerConfig;
import org.apache.kafka.connect.runtime.distributed.DistributedConfig;
import org.apache.kafka.connect.runtime.isolation.Plugins;
import org.apache.kafka.connect.util.ConnectorTaskId;

import java.io.File;
import java.lang.reflect.Field;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Asks MirrorMaker 2's own classes what they compute. The first argument is the
 * file for the answer. Without others it gets the definitions of all
 * configurations, one line a key; otherwise the others are properties files, and
 * it gets one JSON object: file to either {"rejected": why} or {"flows": ...} in
 * the form of `strait config --java --output json`.
 */
public class Oracle {
    private static final String CLUSTER_ID = "metrics.context.connect.kafka.cluster.id";

    public static void main(String[] args) throws Exception {
        if (args.length == 1) {
            Files.writeString(Path.of(args[0]), Definitions.lines());
            return;
        }
        Map<String, Object> answers = new TreeMap<>();
        for (String file : Arrays.asList(args).subList(1, args.length)) {
            Map<String, Object> answer = new TreeMap<>();
            try {
                answer.put("flows", flows(Utils.propsToStringMap(Utils.loadProps(file))));
            } catch (Throwable t) {
                answer.put("rejected", why(t));
            }
            answers.put(new File(file).getName(), answer);
        }
        new ObjectMapper().writeValue(new File(args[0]), answers);
    }

    private static String why(Throwable t) {
        while (t instanceof InvocationTargetException && t.getCause() != null) {
            t = t.getCause();
        }
        return t.toString();
    }

    /** What MirrorMaker.main does up to the first connection. */
    private static Map<String, Object> flows(Map<String, String> props) throws Exception {
        props.putIfAbsent("plugin.discovery", "service_load"); // quick; reaches no connector, worker or client
        MirrorMakerConfig config = new MirrorMakerConfig(props);
        List<SourceAndTarget> pairs = config.clusterPairs();
        if (pairs.isEmpty()) {
            throw new IllegalArgumentException("No source->target replication flows.");
        }
        Map<String, Object> flows = new TreeMap<>();
        for (SourceAndTarget pair : pairs) {
            flows.put(pair.toString(), flow(config, pair));
        }
        return flows;
    }

    private static Map<String, Object> flow(MirrorMakerConfig config, SourceAndTarget pair) throws Exception {
        Map<String, Object> flow = new TreeMap<>();
        Map<String, String> worker = config.workerConfig(pair);
        flow.put("worker", worker);
        DistributedConfig distributed = new DistributedConfig(worker);
        Map<String, String> source = config.connectorBaseConfig(pair, MirrorSourceConnector.class);
        Map<String, String> checkpoint = config.connectorBaseConfig(pair, MirrorCheckpointConnector.class);
        Map<String, String> heartbeat = config.connectorBaseConfig(pair, MirrorHeartbeatConnector.class);
        flow.put("source_connector", source);
        flow.put("checkpoint_connector", checkpoint);
        flow.put("heartbeat_connector", heartbeat);

        // The herder hands connectors what the worker's transformer makes of
        // their configuration.
        Plugins plugins = (Plugins) read(MirrorMakerConfig.class, config, "plugins");
        Map<String, ConfigProvider> providers = new HashMap<>();
        for (String name : distributed.getList(WorkerConfig.CONFIG_PROVIDERS_CONFIG)) {
            providers.put(name, plugins.newConfigProvider(distributed, WorkerConfig.CONFIG_PROVIDERS_CONFIG + "." + name,
                Plugins.ClassLoaderUsage.PLUGINS));
        }
        ConfigTransformer transformer = new ConfigTransformer(providers);
        MirrorSourceConfig typed = new MirrorSourceConfig(transformer.transform(source).data());
        new MirrorCheckpointConfig(transformer.transform(checkpoint).data());
        new MirrorHeartbeatConfig(transformer.transform(heartbeat).data());

        flow.put("source_consumer", call(typed, "sourceConsumerConfig", "replication-consumer"));
        flow.put("offset_syncs_producer", call(typed, "offsetSyncsTopicProducerConfig"));
        flow.put("source_admin", call(typed, "sourceAdminConfig", "replication-source-admin"));
        flow.put("target_admin", call(typed, "targetAdminConfig", "replication-target-admin"));
        flow.put("record_producer", recordProducer(distributed, plugins, transformer.transform(source).data()));
        return flow;
    }

    /** The producer of the first task, with or without exactly-once support. */
    private static Map<String, Object> recordProducer(DistributedConfig worker, Plugins plugins, Map<String, String> source)
            throws Exception {
        ConnectorConfig connector = new ConnectorConfig(plugins, source);
        ConnectorClientConfigOverridePolicy policy = new AllConnectorClientConfigOverridePolicy();
        ConnectorTaskId id = new ConnectorTaskId("MirrorSourceConnector", 0);
        Map<String, Object> producer;
        if (worker.exactlyOnceSourceEnabled()) {
            Method m = Worker.class.getDeclaredMethod("exactlyOnceSourceTaskProducerConfigs", ConnectorTaskId.class,
                WorkerConfig.class, ConnectorConfig.class, Class.class, ConnectorClientConfigOverridePolicy.class, String.class);
            m.setAccessible(true);
            producer = cast(m.invoke(null, id, worker, connector, MirrorSourceConnector.class, policy, "unknown"));
        } else {
            Method m = Worker.class.getDeclaredMethod("baseProducerConfigs", String.class, String.class,
                WorkerConfig.class, ConnectorConfig.class, Class.class, ConnectorClientConfigOverridePolicy.class, String.class);
            m.setAccessible(true);
            producer = cast(m.invoke(null, id.connector(), "connector-producer-" + id, worker, connector,
                MirrorSourceConnector.class, policy, "unknown"));
        }
        producer.remove(CLUSTER_ID, "unknown"); // only a connection tells
        return producer;
    }

    private static Object call(Object on, String name, String... args) throws Exception {
        Class<?>[] types = new Class<?>[args.length];
        Arrays.fill(types, String.class);
        for (Class<?> c = on.getClass(); c != null; c = c.getSuperclass()) {
            try {
                Method m = c.getDeclaredMethod(name, types);
                m.setAccessible(true);
                return m.invoke(on, (Object[]) args);
            } catch (NoSuchMethodException e) {
                continue;
            }
        }
        throw new NoSuchMethodException(name);
    }

    private static Object read(Class<?> c, Object from, String name) throws Exception {
        Field f = c.getDeclaredField(name);
        f.setAccessible(true);
        return f.get(from);
    }

    @SuppressWarnings("unchecked")
    private static Map<String, Object> cast(Object map) {
        return (Map<String, Object>) map;
    }

    /** The definitions of keys, for the table that strait embeds. */
    private static class Definitions {
        static String lines() throws Exception {
            Map<String, ConfigDef> defs = new TreeMap<>();
            String mirror = "org.apache.kafka.connect.mirror.";
            defs.put("source", constant(mirror + "MirrorSourceConfig", "CONNECTOR_CONFIG_DEF"));
            defs.put("checkpoint", constant(mirror + "MirrorCheckpointConfig", "CONNECTOR_CONFIG_DEF"));
            defs.put("heartbeat", constant(mirror + "MirrorHeartbeatConfig", "CONNECTOR_CONFIG_DEF"));
            defs.put("client", constant(mirror + "MirrorClientConfig", "CLIENT_CONFIG_DEF"));
            Method file = MirrorMakerConfig.class.getDeclaredMethod("config");
            file.setAccessible(true);
            defs.put("file", (ConfigDef) file.invoke(null));
            String bytes = "org.apache.kafka.connect.converters.ByteArrayConverter";
            defs.put("worker", (ConfigDef) read(AbstractConfig.class, new DistributedConfig(new HashMap<>(Map.of(
                "bootstrap.servers", "x:1", "group.id", "g", "offset.storage.topic", "o", "config.storage.topic", "c",
                "status.storage.topic", "s", "key.converter", bytes, "value.converter", bytes))), "definition"));
            Map<String, String> lines = new TreeMap<>();
            defs.forEach((user, def) -> def.configKeys().values().forEach(k ->
                lines.merge(line(k), user, (a, b) -> a + "," + b)));
            StringBuilder text = new StringBuilder();
            lines.forEach((line, users) -> text.append(line).append('\t').append(users).append('\n'));
            return text.toString();
        }

        private static ConfigDef constant(String type, String field) throws Exception {
            return (ConfigDef) read(Class.forName(type), null, field);
        }

        private static String line(ConfigDef.ConfigKey k) {
            String byDefault = k.defaultValue == ConfigDef.NO_DEFAULT_VALUE ? "!required"
                : k.defaultValue == null ? "!null" : ConfigDef.convertToString(k.defaultValue, k.type);
            return k.name + "\t" + k.type.toString().toLowerCase() + "\t" + byDefault + "\t" + rule(k.validator);
        }

        private static String rule(ConfigDef.Validator v) {
            if (v == null) {
                return "";
            }
            String name = v.getClass().getSimpleName();
            String text = v.toString();
            switch (name) {
                case "ValidList":
                    try {
                        return (Boolean) read(ConfigDef.ValidList.class, v, "isEmptyAllowed") ? "elements" : "elements some";
                    } catch (Exception e) {
                        throw new IllegalStateException(e);
                    }
                case "Range":
                    return "range " + text;
                case "ValidString":
                    return "word " + sorted(text);
                case "CaseInsensitiveValidString":
                    return "anycase " + sorted(text);
                case "NonEmptyStringWithoutControlChars":
                    return "some";
                case "ListenersValidator":
                    return "listeners";
                case "ResponseHttpHeadersValidator":
                    return "headers";
                case "PluginVersionValidator":
                    return "version";
                default:
                    return text.startsWith("[") ? "anycase " + sorted(text)
                        : text.startsWith("Positive number") ? "positive or -1"
                        : text.contains("unique") ? "unique"
                        : text.contains("MAC algorithms") ? "macs"
                        : text.contains("MAC algorithm") ? "mac"
                        : text.contains("KeyGenerator") ? "keygen"
                        : text.contains("concrete subclass") ? "" : "!" + text;
            }
        }

        private static String sorted(String text) {
            String[] words = text.substring(text.indexOf('[') + 1, text.lastIndexOf(']')).split(", ");
            Arrays.sort(words);
            return String.join("|", words);
        }
    }
}
