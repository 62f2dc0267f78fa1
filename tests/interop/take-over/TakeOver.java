import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.*;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import org.apache.kafka.clients.admin.*;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.clients.producer.*;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.quota.*;
import org.apache.kafka.common.serialization.*;

/**
 * What the take-over test asks of Kafka's own client: `fill` a broker with all that a directory can hold, print a `digest` of what a broker
 * serves, and be `live` clients that outlast the change of brokers: TakeOver <mode> <host:port>.
 */
public class TakeOver {
  static final String[] CODECS = {"none", "gzip", "snappy", "lz4", "zstd"};
  static String servers;

  public static void main(String[] words) throws Exception {
    servers = words[1];
    switch (words[0]) {
      case "fill" -> fill();
      case "digest" -> digest();
      case "live" -> live();
      default -> throw new IllegalArgumentException(words[0]);
    }
    // some transactions are left open on purpose: nothing is closed
    System.out.flush();
    Runtime.getRuntime().halt(0);
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

  static KafkaProducer<String, String> producer(String... pairs) {
    return new KafkaProducer<>(properties(pairs));
  }

  static void send(Producer<String, String> producer, String topic, int partition, int count, String what) {
    for (int i = 0; i < count; i++) producer.send(new ProducerRecord<>(topic, partition, "k" + i, what + " " + i));
    producer.flush();
  }

  static void fill() throws Exception {
    try (Admin admin = Admin.create(properties())) {
      createTopics(admin);
      configure(admin);
      for (String codec : CODECS) {
        try (var producer = producer("compression.type", codec, "linger.ms", "5")) {
          for (int i = 0; i < 2000; i++) producer.send(new ProducerRecord<>("codec-" + codec, i % 2, "k" + i, codec + i + "x".repeat(i % 700)));
        }
      }
      for (int round = 0; round < 3; round++) {
        try (var producer = producer()) {
          for (int i = 0; i < 300; i++) producer.send(new ProducerRecord<>("compacted", 0, "k" + (i % 20), "round " + round + " " + i));
          producer.send(new ProducerRecord<>("compacted", 0, "k0", null));
        }
      }
      try (var producer = producer()) {
        for (int partition = 0; partition < 4; partition++) send(producer, "grown", partition, 25, "grown");
        send(producer, "trimmed", 0, 100, "trimmed");
        send(producer, "removed", 0, 10, "removed");
      }
      admin.deleteRecords(Map.of(new TopicPartition("trimmed", 0), RecordsToDelete.beforeOffset(40))).all().get();
      admin.deleteTopics(List.of("removed")).all().get();
      transact();
      consume("group-classic", "classic", "codec-gzip");
      consume("group-consumer", "consumer", "codec-zstd");
    }
    System.out.println("filled");
  }

  static void createTopics(Admin admin) throws Exception {
    List<NewTopic> topics = new ArrayList<>();
    for (String codec : CODECS) topics.add(new NewTopic("codec-" + codec, 2, (short) 1).configs(Map.of("segment.bytes", "1048576")));
    topics.add(new NewTopic("compacted", 1, (short) 1).configs(Map.of("cleanup.policy", "compact")));
    for (String name : List.of("txn", "txn-open", "grown", "trimmed", "removed", "live")) topics.add(new NewTopic(name, 1, (short) 1));
    admin.createTopics(topics).all().get();
    admin.createPartitions(Map.of("grown", NewPartitions.increaseTo(4))).all().get();
  }

  static AlterConfigOp op(String key, String value) {
    return new AlterConfigOp(new ConfigEntry(key, value), value == null ? AlterConfigOp.OpType.DELETE : AlterConfigOp.OpType.SET);
  }

  static void configure(Admin admin) throws Exception {
    ConfigResource grown = new ConfigResource(ConfigResource.Type.TOPIC, "grown");
    admin.incrementalAlterConfigs(Map.of(
      grown, List.of(op("retention.ms", "123456789"), op("max.message.bytes", "2000000")),
      new ConfigResource(ConfigResource.Type.BROKER, "1"), List.of(op("log.cleaner.io.max.bytes.per.second", "10000000")),
      new ConfigResource(ConfigResource.Type.GROUP, "group-consumer"), List.of(op("consumer.session.timeout.ms", "46000"))
    )).all().get();
    admin.incrementalAlterConfigs(Map.of(grown, List.of(op("max.message.bytes", null)))).all().get();
    Map<String, String> everyClient = new HashMap<>();
    everyClient.put("client-id", null);
    admin.alterClientQuotas(List.of(
      quota(Map.of("user", "alice"), "producer_byte_rate", 1e6),
      quota(Map.of("user", "alice", "client-id", "app/1"), "request_percentage", 50.5),
      quota(everyClient, "consumer_byte_rate", 4e6),
      quota(Map.of("ip", "10.0.0.1"), "connection_creation_rate", 10.0)
    )).all().get();
    admin.alterUserScramCredentials(List.of(
      new UserScramCredentialUpsertion("alice", new ScramCredentialInfo(ScramMechanism.SCRAM_SHA_256, 4096), "secret"))).all().get();
  }

  static ClientQuotaAlteration quota(Map<String, String> entity, String key, double value) {
    return new ClientQuotaAlteration(new ClientQuotaEntity(entity), List.of(new ClientQuotaAlteration.Op(key, value)));
  }

  static void transact() {
    var producer = producer("transactional.id", "t1");
    producer.initTransactions();
    for (String what : List.of("aborted", "committed", "aborted again")) {
      producer.beginTransaction();
      send(producer, "txn", 0, 5, what);
      if (what.equals("committed")) producer.commitTransaction();
      else producer.abortTransaction();
    }
    producer.close();
    var open = producer("transactional.id", "t2", "transaction.timeout.ms", "600000");
    open.initTransactions();
    open.beginTransaction();
    send(open, "txn-open", 0, 4, "open");
    try (var after = producer()) {
      send(after, "txn-open", 0, 6, "after it");
    }
  }

  static void consume(String group, String protocol, String topic) {
    try (var consumer = new KafkaConsumer<String, String>(properties("group.id", group, "group.protocol", protocol,
        "auto.offset.reset", "earliest", "enable.auto.commit", "false", "max.poll.records", "50"))) {
      consumer.subscribe(List.of(topic));
      for (int count = 0; count < 500; ) count += consumer.poll(Duration.ofMillis(200)).count();
      consumer.commitSync();
    }
  }

  /** A line a fact: what it is of, then what it is. What a broker does not serve is left out. */
  static void digest() throws Exception {
    SortedMap<String, String> lines = new TreeMap<>();
    try (Admin admin = Admin.create(properties())) {
      lines.put("cluster", admin.describeCluster().clusterId().get());
      var topics = admin.describeTopics(admin.listTopics(new ListTopicsOptions().listInternal(true)).names().get()).allTopicNames().get();
      for (var topic : topics.values()) lines.put("topic " + topic.name(), topic.topicId() + " " + topic.partitions().size());
      var resources = topics.keySet().stream().map(name -> new ConfigResource(ConfigResource.Type.TOPIC, name)).toList();
      admin.describeConfigs(resources).all().get().forEach((resource, config) -> lines.put("configs " + resource.name(),
        config.entries().stream().filter(entry -> entry.source() == ConfigEntry.ConfigSource.DYNAMIC_TOPIC_CONFIG)
          .map(entry -> entry.name() + "=" + entry.value()).sorted().collect(Collectors.joining(","))));
      for (String isolation : List.of("read_committed", "read_uncommitted")) {
        for (var topic : topics.values()) {
          if (topic.isInternal() || topic.name().equals("live") || topic.name().equals("compacted")) continue;
          for (var partition : topic.partitions()) {
            var at = new TopicPartition(topic.name(), partition.partition());
            lines.put("records " + at + " " + isolation, records(at, isolation));
          }
        }
      }
      for (String group : List.of("group-classic", "group-consumer")) {
        lines.put("group " + group, new TreeMap<>(admin.listConsumerGroupOffsets(group).partitionsToOffsetAndMetadata().get()
          .entrySet().stream().collect(Collectors.toMap(entry -> entry.getKey().toString(), entry -> entry.getValue().offset()))).toString());
      }
      optionally(lines, "quotas", () -> admin.describeClientQuotas(ClientQuotaFilter.all()).entities().get().entrySet().stream()
        .map(entry -> new TreeMap<>(entry.getKey().entries()) + "" + new TreeMap<>(entry.getValue())).sorted().toList().toString());
      optionally(lines, "credentials", () -> admin.describeUserScramCredentials().all().get().toString());
      optionally(lines, "features", () -> new TreeMap<>(admin.describeFeatures().featureMetadata().get().finalizedFeatures()).toString());
    }
    lines.forEach((key, value) -> System.out.println(key + "\t" + value));
  }

  interface Asked {
    String ask() throws Exception;
  }

  static void optionally(Map<String, String> lines, String key, Asked asked) throws Exception {
    try {
      lines.put(key, asked.ask());
    } catch (ExecutionException refused) {
      if (!(refused.getCause() instanceof org.apache.kafka.common.errors.UnsupportedVersionException)) throw refused;
    }
  }

  static String records(TopicPartition at, String isolation) throws Exception {
    try (var consumer = new KafkaConsumer<String, String>(properties("isolation.level", isolation, "enable.auto.commit", "false"))) {
      consumer.assign(List.of(at));
      consumer.seekToBeginning(List.of(at));
      long end = consumer.endOffsets(List.of(at)).get(at);
      long start = consumer.position(at);
      int count = 0;
      MessageDigest digest = MessageDigest.getInstance("SHA-1");
      while (consumer.position(at) < end) {
        for (var record : consumer.poll(Duration.ofMillis(200))) {
          count++;
          digest.update((record.offset() + " " + record.key() + " " + record.value() + "\n").getBytes(StandardCharsets.UTF_8));
        }
      }
      return start + "-" + end + " " + count + " " + HexFormat.of().formatHex(digest.digest()).substring(0, 12);
    }
  }

  /** Produces and consumes until standard input ends, then says whether each acknowledged record is there, once, and was consumed. */
  static void live() throws Exception {
    var ended = new Thread(() -> {
      try {
        while (System.in.read() >= 0) { }
      } catch (java.io.IOException gone) {
        // ended all the same
      }
    });
    ended.start();
    AtomicInteger acknowledged = new AtomicInteger();
    AtomicInteger failed = new AtomicInteger();
    Set<String> consumed = new HashSet<>();
    var producer = producer("linger.ms", "0", "delivery.timeout.ms", "300000");
    var consumer = new KafkaConsumer<String, String>(properties("group.id", "group-live", "auto.offset.reset", "earliest"));
    consumer.subscribe(List.of("live"));
    for (int i = 0; ended.isAlive(); i++) {
      producer.send(new ProducerRecord<>("live", 0, null, "live " + i), (metadata, error) -> (error == null ? acknowledged : failed).incrementAndGet());
      for (var record : consumer.poll(Duration.ofMillis(10))) consumed.add(record.value());
      if (i == 50) System.out.println("runs");
    }
    // only now is it known how many there are to wait for
    producer.flush();
    while (consumed.size() < acknowledged.get()) {
      for (var record : consumer.poll(Duration.ofMillis(10))) consumed.add(record.value());
    }
    String all = records(new TopicPartition("live", 0), "read_uncommitted");
    System.out.println("acknowledged " + acknowledged + " failed " + failed + " consumed " + consumed.size() + " stored " + all.split(" ")[1]);
  }
}
