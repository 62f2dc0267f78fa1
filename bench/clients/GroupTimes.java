import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.WakeupException;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/** How long a classic group with default settings takes to settle: 10 consumers join together, one more joins, one leaves. */
public class GroupTimes {
  static final int PARTITIONS = 20;
  /** An assignment that stays for so long is taken as the last. */
  static final long QUIET_MS = 1000;
  /**
   * So long after the last change the next member comes or goes: the group has settled, and the others' heartbeats (every 3 s), by which they
   * learn of it, are halfway to the next, the mean of all moments.
   */
  static final long STEADY_MS = 4500;
  static final long PATIENCE_MS = 120_000;

  final String address;
  final String topic;
  final String group;
  final List<Member> members = new ArrayList<>();
  /** Guarded by this, as the members' partitions: when an assignment last changed. */
  long changedAt;

  GroupTimes(String address, String topic, String group) {
    this.address = address;
    this.topic = topic;
    this.group = group;
  }

  class Member extends Thread implements ConsumerRebalanceListener {
    final KafkaConsumer<byte[], byte[]> consumer;
    final CountDownLatch begin = new CountDownLatch(1);
    final Set<TopicPartition> partitions = new HashSet<>();
    volatile boolean leaving;

    Member() {
      super("member");
      setDaemon(true);
      consumer = new KafkaConsumer<>(
          Map.of("bootstrap.servers", address, "group.id", group), new ByteArrayDeserializer(), new ByteArrayDeserializer());
    }

    @Override
    public void run() {
      try {
        begin.await();
        consumer.subscribe(List.of(topic), this);
        try {
          while (!leaving) consumer.poll(Duration.ofMillis(100));
        } catch (WakeupException leave) {
          // told to leave while it polled
        }
        consumer.close();
      } catch (Exception error) {
        error.printStackTrace();
        System.exit(1);
      }
    }

    @Override
    public void onPartitionsAssigned(Collection<TopicPartition> added) {
      synchronized (GroupTimes.this) {
        partitions.addAll(added);
        changedAt = System.nanoTime();
      }
    }

    @Override
    public void onPartitionsRevoked(Collection<TopicPartition> removed) {
      synchronized (GroupTimes.this) {
        partitions.removeAll(removed);
        changedAt = System.nanoTime();
      }
    }
  }

  /** Every partition has one owner, and no member has two more than another. */
  synchronized boolean settled() {
    Set<TopicPartition> owned = new HashSet<>();
    int sum = 0;
    int least = PARTITIONS / members.size();
    for (Member member : members) {
      int count = member.partitions.size();
      if (count < least || count > least + 1) return false;
      sum += count;
      owned.addAll(member.partitions);
    }
    return sum == PARTITIONS && owned.size() == PARTITIONS;
  }

  /** Milliseconds from `begin` to the last change, once the group has settled and stayed so. */
  double millisToSettle(long begin) throws InterruptedException {
    while (System.nanoTime() - begin < PATIENCE_MS * 1_000_000) {
      Thread.sleep(5);
      synchronized (this) {
        if (settled() && changedAt > begin && System.nanoTime() - changedAt > QUIET_MS * 1_000_000) return (changedAt - begin) / 1e6;
      }
    }
    throw new IllegalStateException("the group did not settle in " + PATIENCE_MS + " ms");
  }

  /** Waits until the group has been steady for a while. */
  void rest() throws InterruptedException {
    long sinceMs;
    synchronized (this) {
      sinceMs = (System.nanoTime() - changedAt) / 1_000_000;
    }
    Thread.sleep(Math.max(0, STEADY_MS - sinceMs));
  }

  double join(int count) throws InterruptedException {
    List<Member> joining = new ArrayList<>();
    for (int i = 0; i < count; i++) joining.add(new Member());
    for (Member member : joining) member.start();
    synchronized (this) {
      members.addAll(joining);
    }
    long begin = System.nanoTime();
    for (Member member : joining) member.begin.countDown();
    return millisToSettle(begin);
  }

  double leave() throws InterruptedException {
    Member member;
    synchronized (this) {
      member = members.remove(0);
    }
    long begin = System.nanoTime();
    member.leaving = true;
    member.consumer.wakeup();
    return millisToSettle(begin);
  }

  void end() throws InterruptedException {
    for (Member member : members) member.leaving = true;
    for (Member member : members) member.join(10_000);
  }

  public static void main(String[] words) throws Exception {
    String address = words[0];
    String topic = words[1];
    try (Admin admin = Admin.create(Map.of("bootstrap.servers", address))) {
      admin.createTopics(List.of(new NewTopic(topic, Optional.of(PARTITIONS), Optional.empty()))).all().get();
    }
    // classes are loaded and the offsets topic is there before the clock runs
    GroupTimes first = new GroupTimes(address, topic, topic + "-first");
    first.join(1);
    first.end();
    GroupTimes measured = new GroupTimes(address, topic, topic + "-measured");
    double together = measured.join(10);
    measured.rest();
    double joins = measured.join(1);
    measured.rest();
    double leaves = measured.leave();
    System.out.printf(java.util.Locale.ROOT, "together=%.1f joins=%.1f leaves=%.1f%n", together, joins, leaves);
    measured.end();
  }
}
