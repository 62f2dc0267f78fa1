import java.time.Duration;
import java.util.*;
import java.util.stream.Collectors;
import org.apache.kafka.clients.admin.*;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.clients.producer.*;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.*;

/**
 * What the compaction test asks of Kafka's own client: `create` the topics, `fill` them with updates and deletes and print the last value of
 * each key, and print every record that a broker serves as a `digest`: Compaction <mode> <host:port> [<seed> <topics>].
 */
public class Compaction {
  static final int RECORDS = 7000;
  static final int KEYS = 400;
  static final int TRANSACTION = 100;
  static String servers;

  public static void main(String[] words) throws Exception {
    servers = words[1];
    List<String> topics = List.of(words[3].split(","));
    switch (words[0]) {
      case "create" -> create(topics);
      case "fill" -> fill(Long.parseLong(words[2]), topics);
      case "digest" -> digest(topics);
      default -> throw new IllegalArgumentException(words[0]);
    }
    System.out.flush();
  }

  static Properties properties(String... pairs) {
    Properties properties = new Properties();
    properties.put("bootstrap.servers", servers);
    for (String side : List.of("key", "value")) {
      properties.put(side + ".serializer", StringSerializer.class.getName());
      properties.put(side + ".deserializer", StringDeserializer.class.getName());
    }
    for (int i = 0; i < pairs.length; i += 2) properties.put(pairs[i], pairs[i + 1]);
    return properties;
  }

  static void create(List<String> topics) throws Exception {
    Map<String, String> configs = Map.of(
        "cleanup.policy", "compact", "segment.bytes", "1048576", "min.cleanable.dirty.ratio", "0.01", "delete.retention.ms", "1000",
        "file.delete.delay.ms", "100");
    try (Admin admin = Admin.create(properties())) {
      admin.createTopics(topics.stream().map(topic -> new NewTopic(topic, 1, (short) 1).configs(configs)).collect(Collectors.toList())).all().get();
    }
  }

  /** A topic is named after its codec; that of transactions has every third one aborted. */
  static void fill(long seed, List<String> topics) {
    for (String topic : topics) {
      boolean isTransactional = topic.endsWith("transactions");
      Properties properties = properties("compression.type", isTransactional ? "none" : topic.substring(topic.indexOf('-') + 1));
      if (isTransactional) properties.put("transactional.id", topic);
      Random random = new Random(seed);
      Map<String, String> latest = new TreeMap<>();
      try (KafkaProducer<String, String> producer = new KafkaProducer<>(properties)) {
        if (isTransactional) producer.initTransactions();
        for (int from = 0; from < RECORDS; from += TRANSACTION) {
          if (isTransactional) producer.beginTransaction();
          boolean isAborted = isTransactional && from / TRANSACTION % 3 == 1;
          for (int i = from; i < from + TRANSACTION; i++) {
            String key = "k" + random.nextInt(KEYS);
            String value = random.nextInt(20) == 0 ? null : seed + "-" + i + "-" + noise(random);
            producer.send(new ProducerRecord<>(topic, 0, key, value));
            if (!isAborted) latest.put(key, value == null ? "-" : value);
          }
          if (isTransactional && isAborted) producer.flush();
          if (isAborted) producer.abortTransaction();
          else if (isTransactional) producer.commitTransaction();
        }
      }
      latest.forEach((key, value) -> System.out.println(topic + "\t" + key + "\t" + value));
    }
  }

  /** Compresses to about a half. */
  static String noise(Random random) {
    StringBuilder text = new StringBuilder();
    while (text.length() < 700) text.append(Long.toHexString(random.nextLong()));
    return text.toString();
  }

  static void digest(List<String> topics) {
    Properties properties = properties("isolation.level", "read_committed");
    try (KafkaConsumer<String, String> consumer = new KafkaConsumer<>(properties)) {
      List<TopicPartition> partitions = topics.stream().map(topic -> new TopicPartition(topic, 0)).collect(Collectors.toList());
      consumer.assign(partitions);
      consumer.seekToBeginning(partitions);
      Map<TopicPartition, Long> ends = consumer.endOffsets(partitions);
      while (partitions.stream().anyMatch(partition -> consumer.position(partition) < ends.get(partition))) {
        for (ConsumerRecord<String, String> record : consumer.poll(Duration.ofSeconds(1))) {
          System.out.println(record.topic() + "\t" + record.key() + "\t" + (record.value() == null ? "-" : record.value()));
        }
      }
    }
  }
}
