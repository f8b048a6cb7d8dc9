import java.time.Duration;
import java.util.Arrays;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.CountDownLatch;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Grouped;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.Named;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.kstream.Repartitioned;
import org.apache.kafka.streams.state.Stores;

/**
 * Counts the values of records with Kafka Streams until it is told to stop: arguments
 * are the address, the application's id, the topics to read, separated by commas, the
 * topic for the counts and a directory. It has a repartition and a changelog topic.
 */
public class Counter {
    public static void main(String[] args) throws Exception {
        Properties props = new Properties();
        props.put("bootstrap.servers", args[0]);
        props.put("application.id", args[1]);
        props.put("state.dir", args[4]);
        props.put("commit.interval.ms", "200");
        props.put("statestore.cache.max.bytes", "0");
        props.put("replication.factor", "1");
        props.put("default.dsl.store", "in_memory");
        props.put("consumer.auto.offset.reset", "earliest");
        props.put("session.timeout.ms", "6000"); // it does not leave its group when it ends
        StreamsBuilder builder = new StreamsBuilder();
        builder.stream(Arrays.asList(args[2].split(",")), Consumed.with(Serdes.String(), Serdes.String()))
            .selectKey((key, word) -> word)
            .repartition(Repartitioned.with(Serdes.String(), Serdes.String()).withName("words"))
            .groupByKey(Grouped.with(Serdes.String(), Serdes.String()))
            .count(Named.as("count"), Materialized.<String, Long>as(Stores.inMemoryKeyValueStore("counts"))
                .withKeySerde(Serdes.String()).withValueSerde(Serdes.Long()).withLoggingEnabled(Map.of()))
            .toStream()
            .mapValues(n -> Long.toString(n))
            .to(args[3], Produced.with(Serdes.String(), Serdes.String()));
        KafkaStreams app = new KafkaStreams(builder.build(), props);
        CountDownLatch ended = new CountDownLatch(1);
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            app.close(Duration.ofSeconds(20));
            ended.countDown();
        }));
        app.setUncaughtExceptionHandler(e -> {
            e.printStackTrace();
            return StreamThreadExceptionResponse.SHUTDOWN_CLIENT;
        });
        app.start();
        ended.await();
    }
}
