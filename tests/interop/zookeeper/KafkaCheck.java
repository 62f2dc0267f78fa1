import java.time.Duration;
import java.util.*;
import java.util.concurrent.*;
import org.apache.kafka.clients.admin.*;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.clients.producer.*;
import org.apache.kafka.common.serialization.*;

/**
 * A client of two Kafka brokers: `first BOOTSTRAP` makes a topic with two replicas and fills it; `then BOOTSTRAP CONTROLLER` waits for that
 * broker to be the controller, makes another topic, writes on, and reads all. Each prints one line.
 */
public class KafkaCheck {
  static final int RECORDS = 1000;
  static final long WAIT_MS = 30_000;
  static Map<String, Object> client;

  public static void main(String[] words) throws Exception {
    client = Map.of("bootstrap.servers", words[1], "request.timeout.ms", 5000, "default.api.timeout.ms", 60000, "metadata.max.age.ms", 500,
        "reconnect.backoff.max.ms", 200);
    try (Admin admin = Admin.create(client)) {
      if (words[0].equals("first")) {
        create(admin, "one", (short) 2);
        produce("one", 0);
        // with both brokers there, for the offsets too have two replicas
        int read = consume("one", RECORDS, "first");
        System.out.println("controller " + controller(admin) + " in sync " + inSync(admin, "one") + " read " + read);
        return;
      }
      int wanted = Integer.parseInt(words[2]);
      until(() -> controller(admin) == wanted, "broker " + wanted + " does not become the controller");
      create(admin, "two", (short) 1);
      produce("one", RECORDS);
      produce("two", 0);
      System.out.println("controller " + controller(admin) + " read " + consume("one", 2 * RECORDS, "then") + " and " + consume("two", RECORDS, "then"));
    }
  }

  static int controller(Admin admin) throws Exception {
    return admin.describeCluster().controller().get().id();
  }

  static void create(Admin admin, String topic, short replicas) throws Exception {
    admin.createTopics(List.of(new NewTopic(topic, 3, replicas))).all().get();
    until(() -> inSync(admin, topic) == 3 * replicas, "the replicas of " + topic + " do not come in sync");
  }

  static int inSync(Admin admin, String topic) throws Exception {
    return admin.describeTopics(List.of(topic)).allTopicNames().get().get(topic).partitions().stream().mapToInt(one -> one.isr().size()).sum();
  }

  static void produce(String topic, int from) throws Exception {
    Map<String, Object> options = new HashMap<>(client);
    options.put("acks", "all");
    options.remove("default.api.timeout.ms");
    List<Future<RecordMetadata>> sent = new ArrayList<>();
    try (Producer<String, String> producer = new KafkaProducer<>(options, new StringSerializer(), new StringSerializer())) {
      for (int at = from; at < from + RECORDS; at++) sent.add(producer.send(new ProducerRecord<>(topic, "key" + at, "value" + at)));
      for (Future<RecordMetadata> one : sent) one.get();
    }
  }

  /** How many different values a new group reads until it has `count`. */
  static int consume(String topic, int count, String group) {
    Map<String, Object> options = new HashMap<>(client);
    options.put("group.id", group + "-" + topic);
    options.put("auto.offset.reset", "earliest");
    Set<String> values = new HashSet<>();
    try (Consumer<String, String> consumer = new KafkaConsumer<>(options, new StringDeserializer(), new StringDeserializer())) {
      consumer.subscribe(List.of(topic));
      long giveUpAt = System.currentTimeMillis() + WAIT_MS;
      while (values.size() < count && System.currentTimeMillis() < giveUpAt)
        for (ConsumerRecord<String, String> one : consumer.poll(Duration.ofMillis(200))) values.add(one.value());
      consumer.commitSync();
    }
    return values.size();
  }

  /** What fails meanwhile is asked again: brokers come and go. */
  static void until(Callable<Boolean> condition, String otherwise) throws Exception {
    long giveUpAt = System.currentTimeMillis() + WAIT_MS;
    while (System.currentTimeMillis() < giveUpAt) {
      try {
        if (condition.call()) return;
      } catch (ExecutionException error) {
        // not yet
      }
      Thread.sleep(100);
    }
    throw new IllegalStateException(otherwise);
  }
}
