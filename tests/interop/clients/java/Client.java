import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.kafka.clients.consumer.CommitFailedException;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.RebalanceInProgressException;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/** Java's producer and consumer under the suite's contract; see ../javascript/contract.mjs. */
public final class Client {
    private static final PrintStream OUT = new PrintStream(new java.io.BufferedOutputStream(System.out, 1 << 16));

    public static void main(String[] words) throws Exception {
        Map<String, String> options = new HashMap<>();
        for (int at = 1; at < words.length; at++) {
            String name = words[at].substring(2);
            options.put(name, name.equals("idempotent") ? "true" : words[++at]);
        }
        try {
            if (words[0].equals("produce")) produce(options);
            else if (words[0].equals("consume")) consume(options);
            else follow(options);
        } finally {
            OUT.flush();
        }
    }

    private static Properties properties(Map<String, String> options) {
        Properties properties = new Properties();
        properties.put("bootstrap.servers", options.get("bootstrap"));
        for (String kind : List.of("key", "value")) {
            properties.put(kind + ".serializer", ByteArraySerializer.class.getName());
            properties.put(kind + ".deserializer", ByteArrayDeserializer.class.getName());
        }
        return properties;
    }

    private static void produce(Map<String, String> options) throws Exception {
        Properties properties = properties(options);
        properties.put("acks", "all");
        properties.put("batch.size", "8192");
        properties.put("compression.type", options.get("codec"));
        properties.put("enable.idempotence", options.containsKey("idempotent"));
        AtomicReference<Exception> failure = new AtomicReference<>();
        byte[] input = Files.readAllBytes(Path.of(options.get("input")));
        try (KafkaProducer<byte[], byte[]> producer = new KafkaProducer<>(properties)) {
            int line = 0;
            for (int start = 0; start < input.length; line++) {
                int tab = indexOf(input, '\t', start);
                int end = indexOf(input, '\n', start);
                int number = line;
                byte[] key = Arrays.copyOfRange(input, start, tab);
                byte[] value = Arrays.copyOfRange(input, tab + 1, end);
                producer.send(new ProducerRecord<>(options.get("topic"), key, value), (metadata, error) -> {
                    if (error != null) failure.compareAndSet(null, error);
                    else OUT.printf("{\"line\":%d,\"partition\":%d,\"offset\":%d}%n", number, metadata.partition(), metadata.offset());
                });
                start = end + 1;
            }
        }
        if (failure.get() != null) throw failure.get();
    }

    private static int indexOf(byte[] bytes, char wanted, int from) {
        int at = from;
        while (bytes[at] != wanted) at++;
        return at;
    }

    private static Properties groupProperties(Map<String, String> options) {
        Properties properties = properties(options);
        properties.put("group.id", options.get("group"));
        properties.put("auto.offset.reset", "earliest");
        properties.put("enable.auto.commit", "false");
        return properties;
    }

    /** Goes on until the standard input ends; commits what each poll brought, then prints it. */
    private static void follow(Map<String, String> options) {
        AtomicBoolean ended = new AtomicBoolean();
        Thread reader = new Thread(() -> {
            try {
                while (System.in.read() >= 0) continue;
            } catch (java.io.IOException gone) {
                // as good as its end
            }
            ended.set(true);
        });
        reader.setDaemon(true);
        reader.start();
        try (KafkaConsumer<byte[], byte[]> consumer = new KafkaConsumer<>(groupProperties(options))) {
            consumer.subscribe(List.of(options.get("topic")));
            while (!ended.get()) {
                ConsumerRecords<byte[], byte[]> records = consumer.poll(Duration.ofMillis(100));
                if (records.isEmpty()) continue;
                try {
                    consumer.commitSync();
                } catch (CommitFailedException | RebalanceInProgressException rebalancing) {
                    // others will read these again: once at least is what a group promises
                }
                for (ConsumerRecord<byte[], byte[]> record : records) print(record);
                OUT.flush();
            }
        }
    }

    private static void consume(Map<String, String> options) {
        int wanted = Integer.parseInt(options.get("count"));
        long deadline = System.nanoTime() + Duration.ofSeconds(Long.parseLong(options.get("timeout"))).toNanos();
        Map<TopicPartition, OffsetAndMetadata> following = new HashMap<>();
        int count = 0;
        try (KafkaConsumer<byte[], byte[]> consumer = new KafkaConsumer<>(groupProperties(options))) {
            consumer.subscribe(List.of(options.get("topic")));
            while (count < wanted && System.nanoTime() < deadline) {
                for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofMillis(200))) {
                    if (count == wanted) break;
                    count++;
                    print(record);
                    following.put(new TopicPartition(record.topic(), record.partition()), new OffsetAndMetadata(record.offset() + 1));
                }
            }
            consumer.commitSync(following);
        }
        if (count < wanted) throw new IllegalStateException(count + " of " + wanted + " records came in time");
    }

    private static void print(ConsumerRecord<byte[], byte[]> record) {
        OUT.printf("{\"partition\":%d,\"offset\":%d,\"key\":%s,\"value\":%s}%n",
            record.partition(), record.offset(), text(record.key()), text(record.value()));
    }

    private static String text(byte[] bytes) {
        return bytes == null ? "null" : '"' + Base64.getEncoder().encodeToString(bytes) + '"';
    }
}
