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
import org.apache.kafka.common.acl.*;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.quota.*;
import org.apache.kafka.common.resource.*;
import org.apache.kafka.common.serialization.*;

/**
 * What the take-over test asks of Kafka's own client: `fill` a broker with all that a directory can hold, go `on` where the broker before
 * left off, print a `digest` of what a broker serves, and be `live` clients that outlast the change of brokers:
 * TakeOver <mode> <host:port> <metadata>, the last `kraft` or `zookeeper`, where the first broker keeps its own.
 */
public class TakeOver {
  static final String[] CODECS = {"none", "gzip", "snappy", "lz4", "zstd"};
  static final String[] GROUPS = {"group-classic", "group-consumer", "group-txn"};
  static String servers;
  static boolean kraft;

  public static void main(String[] words) throws Exception {
    servers = words[1];
    kraft = words[2].equals("kraft");
    switch (words[0]) {
      case "fill" -> fill();
      case "on" -> goOn();
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
      long anHourAgo = System.currentTimeMillis() - 3600000;
      for (String codec : CODECS) {
        try (var producer = producer("compression.type", codec, "linger.ms", "5")) {
          for (int i = 0; i < 2000; i++) {
            var record = new ProducerRecord<>("codec-" + codec, i % 2, anHourAgo + i, "k" + i, codec + i + "x".repeat(i % 700));
            if (i % 3 == 0) record.headers().add("number", ("n" + i).getBytes(StandardCharsets.UTF_8)).add("nothing", null);
            producer.send(record);
          }
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
      rewrite("first");
      transact();
      consume("group-classic", "classic", "codec-gzip", 0);
      consume("group-consumer", kraft ? "consumer" : "classic", "codec-zstd", 0);
    }
    System.out.println("filled");
  }

  /** What a broker finds of the one before it goes on: groups from where they were, compaction of what is written again. */
  static void goOn() throws Exception {
    consume("group-classic", "classic", "codec-gzip", 1);
    // who serves no groups of KIP-848 serves their members when they come as classic ones
    consume("group-consumer", "classic", "codec-zstd", 1);
    rewrite("again");
    try (var producer = producer("compression.type", "lz4")) {
      send(producer, "grown", 0, 25, "grown more");
    }
    System.out.println("went on");
  }

  /** Writes the same keys over and over, until the broker has compacted some of it away. */
  static void rewrite(String what) throws Exception {
    TopicPartition at = new TopicPartition("cleaned", 0);
    try (var producer = producer()) {
      for (int i = 0; i < 3000; i++) {
        String value = i % 100 == 99 ? null : what + " " + i + " " + "y".repeat(1000);
        producer.send(new ProducerRecord<>("cleaned", 0, "k" + (i % 150), value));
      }
    }
    long giveUpAt = System.currentTimeMillis() + 90000;
    for (;;) {
      List<Long> offsets = new ArrayList<>();
      each(at, "read_uncommitted", record -> offsets.add(record.offset()));
      long removed = offsets.get(offsets.size() - 1) + 1 - offsets.size();
      if (removed >= (what.equals("first") ? 1000 : 4000)) return;
      if (System.currentTimeMillis() > giveUpAt) throw new IllegalStateException("the broker does not compact " + at + ": " + offsets.size());
      Thread.sleep(200);
    }
  }

  static void createTopics(Admin admin) throws Exception {
    List<NewTopic> topics = new ArrayList<>();
    for (String codec : CODECS) topics.add(new NewTopic("codec-" + codec, 2, (short) 1).configs(Map.of("segment.bytes", "1048576")));
    // all in its active segment, which nobody compacts
    topics.add(new NewTopic("compacted", 1, (short) 1).configs(Map.of("cleanup.policy", "compact")));
    topics.add(new NewTopic("cleaned", 1, (short) 1).configs(
      Map.of("cleanup.policy", "compact", "segment.bytes", "1048576", "min.cleanable.dirty.ratio", "0.01")));
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
      new ConfigResource(ConfigResource.Type.BROKER, "1"), List.of(op("log.cleaner.io.max.bytes.per.second", "10000000"))
    )).all().get();
    if (kraft) {
      admin.incrementalAlterConfigs(Map.of(new ConfigResource(ConfigResource.Type.GROUP, "group-consumer"),
        List.of(op("consumer.session.timeout.ms", "46000")))).all().get();
    }
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
    admin.createAcls(List.of(
      allow(ResourceType.TOPIC, "grown", PatternType.LITERAL, AclOperation.READ),
      allow(ResourceType.GROUP, "group-", PatternType.PREFIXED, AclOperation.ALL),
      allow(ResourceType.CLUSTER, "kafka-cluster", PatternType.LITERAL, AclOperation.DESCRIBE))).all().get();
  }

  static AclBinding allow(ResourceType type, String name, PatternType pattern, AclOperation operation) {
    return new AclBinding(new ResourcePattern(type, name, pattern),
      new AccessControlEntry("User:alice", "10.0.0.1", operation, AclPermissionType.ALLOW));
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
    // the offsets of a transaction count with it
    for (long offset : new long[] {77, 99}) {
      producer.beginTransaction();
      producer.sendOffsetsToTransaction(Map.of(new TopicPartition("codec-none", 0), new OffsetAndMetadata(offset)), new ConsumerGroupMetadata("group-txn"));
      if (offset == 77) producer.commitTransaction();
      else producer.abortTransaction();
    }
    producer.close();
    var offsets = producer("transactional.id", "t3", "transaction.timeout.ms", "600000");
    offsets.initTransactions();
    offsets.beginTransaction();
    offsets.sendOffsetsToTransaction(Map.of(new TopicPartition("codec-none", 0), new OffsetAndMetadata(88)), new ConsumerGroupMetadata("group-txn"));
    var open = producer("transactional.id", "t2", "transaction.timeout.ms", "600000");
    open.initTransactions();
    open.beginTransaction();
    send(open, "txn-open", 0, 4, "open");
    try (var after = producer()) {
      send(after, "txn-open", 0, 6, "after it");
    }
  }

  /** 500 records and some; the first of each partition is the one that the group had not had. */
  static void consume(String group, String protocol, String topic, int round) {
    try (var consumer = new KafkaConsumer<String, String>(properties("group.id", group, "group.protocol", protocol,
        "auto.offset.reset", round == 0 ? "earliest" : "none", "enable.auto.commit", "false", "max.poll.records", "50"))) {
      consumer.subscribe(List.of(topic));
      Map<TopicPartition, Long> first = new HashMap<>();
      for (int count = 0; count < 500; ) {
        for (var record : consumer.poll(Duration.ofMillis(200))) {
          count++;
          first.putIfAbsent(new TopicPartition(topic, record.partition()), record.offset());
        }
        // what was committed is what comes first
        if (count > 0 && round > 0) {
          var committed = consumer.committed(first.keySet());
          first.forEach((at, offset) -> {
            if (committed.get(at).offset() != offset) throw new IllegalStateException(group + " goes on at " + at + " " + offset + ", not " + committed.get(at));
          });
        }
      }
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
          if (topic.isInternal() || topic.name().equals("live")) continue;
          for (var partition : topic.partitions()) {
            var at = new TopicPartition(topic.name(), partition.partition());
            // how much a broker has compacted is its own affair: what counts is the last value of each key
            if (topic.name().equals("cleaned")) lines.put("records " + at + " " + isolation, latest(at, isolation));
            else lines.put("records " + at + " " + isolation, records(at, isolation));
          }
        }
      }
      for (String group : GROUPS) {
        lines.put("group " + group, new TreeMap<>(admin.listConsumerGroupOffsets(group).partitionsToOffsetAndMetadata().get()
          .entrySet().stream().collect(Collectors.toMap(entry -> entry.getKey().toString(), entry -> entry.getValue().offset()))).toString());
      }
      optionally(lines, "quotas", () -> admin.describeClientQuotas(ClientQuotaFilter.all()).entities().get().entrySet().stream()
        .map(entry -> new TreeMap<>(entry.getKey().entries()) + "" + new TreeMap<>(entry.getValue())).sorted().toList().toString());
      optionally(lines, "credentials", () -> admin.describeUserScramCredentials().all().get().toString());
      optionally(lines, "acls", () -> new TreeSet<>(admin.describeAcls(AclBindingFilter.ANY).values().get().stream().map(AclBinding::toString).toList()).toString());
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

  interface Visit {
    void record(ConsumerRecord<String, String> record);
  }

  static final Map<String, KafkaConsumer<String, String>> READERS = new HashMap<>();

  /** From the partition's beginning to its end; answers both. */
  static String each(TopicPartition at, String isolation, Visit visit) {
    var consumer = READERS.computeIfAbsent(isolation,
      level -> new KafkaConsumer<>(properties("isolation.level", level, "enable.auto.commit", "false")));
    consumer.assign(List.of(at));
    consumer.seekToBeginning(List.of(at));
    long end = consumer.endOffsets(List.of(at)).get(at);
    long start = consumer.position(at);
    while (consumer.position(at) < end) consumer.poll(Duration.ofMillis(200)).forEach(visit::record);
    return start + "-" + end;
  }

  static String told(ConsumerRecord<String, String> record) {
    StringBuilder told = new StringBuilder();
    told.append(record.offset()).append(' ').append(record.timestampType()).append(' ').append(record.timestamp()).append(' ');
    for (var header : record.headers()) {
      told.append(header.key()).append('=').append(header.value() == null ? null : new String(header.value(), StandardCharsets.UTF_8)).append(' ');
    }
    return told.append(record.key()).append(' ').append(record.value()).append('\n').toString();
  }

  static String hash(Collection<String> lines) throws Exception {
    MessageDigest digest = MessageDigest.getInstance("SHA-1");
    for (String line : lines) digest.update(line.getBytes(StandardCharsets.UTF_8));
    return lines.size() + " " + HexFormat.of().formatHex(digest.digest()).substring(0, 12);
  }

  static String records(TopicPartition at, String isolation) throws Exception {
    List<String> lines = new ArrayList<>();
    String bounds = each(at, isolation, record -> lines.add(told(record)));
    return bounds + " " + hash(lines);
  }

  static String latest(TopicPartition at, String isolation) throws Exception {
    SortedMap<String, String> lines = new TreeMap<>();
    String bounds = each(at, isolation, record -> {
      if (record.value() == null) lines.remove(record.key());
      else lines.put(record.key(), told(record));
    });
    return bounds + " " + hash(lines.values());
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
