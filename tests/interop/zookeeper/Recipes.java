import java.nio.charset.StandardCharsets;
import java.util.*;
import java.util.concurrent.*;
import org.apache.curator.framework.*;
import org.apache.curator.framework.recipes.atomic.DistributedAtomicLong;
import org.apache.curator.framework.recipes.barriers.*;
import org.apache.curator.framework.recipes.cache.*;
import org.apache.curator.framework.recipes.leader.LeaderLatch;
import org.apache.curator.framework.recipes.locks.*;
import org.apache.curator.framework.recipes.nodes.*;
import org.apache.curator.framework.recipes.queue.SimpleDistributedQueue;
import org.apache.curator.framework.recipes.shared.SharedCount;
import org.apache.curator.retry.RetryOneTime;
import org.apache.zookeeper.CreateMode;
import org.apache.zookeeper.KeeperException;

/** Curator's recipes against the server of the first word; prints what happens, the same for every server that works. */
public class Recipes {
  static final int WAIT_S = 20;
  static final ExecutorService threads = Executors.newCachedThreadPool(work -> {
    Thread thread = new Thread(work);
    thread.setDaemon(true);
    return thread;
  });
  static String server;

  public static void main(String[] words) throws Exception {
    server = words[0];
    CuratorFramework a = client(), b = client();
    locks(a, b);
    leaders(a, b);
    barriers(a, b);
    numbers(a, b);
    nodes(a, b);
    caches(a, b);
    transactions(a);
    a.close();
    b.close();
    say("done");
    System.exit(0);
  }

  static CuratorFramework client() throws Exception {
    CuratorFramework client = CuratorFrameworkFactory.newClient(server, 8000, 8000, new RetryOneTime(100));
    client.start();
    client.blockUntilConnected(WAIT_S, TimeUnit.SECONDS);
    return client;
  }

  static void say(Object... words) {
    StringJoiner line = new StringJoiner(" ");
    for (Object word : words) line.add(String.valueOf(word));
    System.out.println(line);
  }

  static <T> Future<T> later(Callable<T> work) {
    return threads.submit(work);
  }

  static void until(Callable<Boolean> condition, String what) throws Exception {
    for (int turn = 0; turn < WAIT_S * 100; turn++) {
      if (condition.call()) {
        say(what);
        return;
      }
      Thread.sleep(10);
    }
    say("never:", what);
  }

  static void locks(CuratorFramework a, CuratorFramework b) throws Exception {
    InterProcessMutex one = new InterProcessMutex(a, "/j/mutex"), two = new InterProcessMutex(b, "/j/mutex");
    say("mutex", one.acquire(WAIT_S, TimeUnit.SECONDS), two.acquire(100, TimeUnit.MILLISECONDS), one.acquire(1, TimeUnit.SECONDS));
    Future<Boolean> got = later(() -> two.acquire(WAIT_S, TimeUnit.SECONDS));
    one.release();
    one.release();
    say("the second", got.get());
    CuratorFramework c = client();
    new InterProcessSemaphoreMutex(c, "/j/lost").acquire();
    InterProcessSemaphoreMutex heir = new InterProcessSemaphoreMutex(a, "/j/lost");
    say("held", heir.acquire(100, TimeUnit.MILLISECONDS));
    c.close();
    say("after the holder's session", heir.acquire(WAIT_S, TimeUnit.SECONDS));
    InterProcessReadWriteLock rwA = new InterProcessReadWriteLock(a, "/j/rw"), rwB = new InterProcessReadWriteLock(b, "/j/rw");
    say("readers", rwA.readLock().acquire(1, TimeUnit.SECONDS), rwB.readLock().acquire(1, TimeUnit.SECONDS));
    rwA.readLock().release();
    say("writer", rwA.writeLock().acquire(100, TimeUnit.MILLISECONDS));
    rwB.readLock().release();
    say("writer", rwA.writeLock().acquire(WAIT_S, TimeUnit.SECONDS), "reader", rwB.readLock().acquire(100, TimeUnit.MILLISECONDS));
    rwA.writeLock().release();
    InterProcessSemaphoreV2 seats = new InterProcessSemaphoreV2(a, "/j/semaphore", 2), same = new InterProcessSemaphoreV2(b, "/j/semaphore", 2);
    Lease first = seats.acquire(1, TimeUnit.SECONDS), second = same.acquire(1, TimeUnit.SECONDS);
    say("semaphore", first != null, second != null, same.acquire(100, TimeUnit.MILLISECONDS) == null);
    seats.returnLease(first);
    say("a seat is free", same.acquire(WAIT_S, TimeUnit.SECONDS) != null);
  }

  static void leaders(CuratorFramework a, CuratorFramework b) throws Exception {
    LeaderLatch first = new LeaderLatch(a, "/j/leader", "a");
    first.start();
    say("latch", first.await(WAIT_S, TimeUnit.SECONDS), first.getLeader().getId());
    LeaderLatch second = new LeaderLatch(b, "/j/leader", "b");
    second.start();
    until(() -> second.getParticipants().size() == 2, "two stand for election");
    say(second.hasLeadership());
    first.close();
    say("the second", second.await(WAIT_S, TimeUnit.SECONDS), second.getLeader().getId());
    second.close();
  }

  static void barriers(CuratorFramework a, CuratorFramework b) throws Exception {
    DistributedBarrier barrier = new DistributedBarrier(a, "/j/barrier");
    barrier.setBarrier();
    Future<Boolean> passed = later(() -> new DistributedBarrier(b, "/j/barrier").waitOnBarrier(WAIT_S, TimeUnit.SECONDS));
    barrier.removeBarrier();
    say("barrier", passed.get());
    DistributedDoubleBarrier one = new DistributedDoubleBarrier(a, "/j/double", 2), two = new DistributedDoubleBarrier(b, "/j/double", 2);
    Future<Boolean> in = later(() -> one.enter(WAIT_S, TimeUnit.SECONDS));
    say("double barrier", two.enter(WAIT_S, TimeUnit.SECONDS), in.get());
    Future<Boolean> out = later(() -> one.leave(WAIT_S, TimeUnit.SECONDS));
    say("double barrier", two.leave(WAIT_S, TimeUnit.SECONDS), out.get());
  }

  static void numbers(CuratorFramework a, CuratorFramework b) throws Exception {
    DistributedAtomicLong one = new DistributedAtomicLong(a, "/j/long", new RetryOneTime(10));
    say("long", one.increment().postValue(), one.add(41L).postValue(), one.compareAndSet(42L, 7L).succeeded(), one.get().postValue());
    SharedCount shared = new SharedCount(a, "/j/count", 3), other = new SharedCount(b, "/j/count", 3);
    shared.start();
    other.start();
    shared.setCount(9);
    until(() -> other.getCount() == 9, "the count is shared");
    say(other.trySetCount(other.getVersionedValue(), 10), shared.getCount() >= 9);
    SimpleDistributedQueue queue = new SimpleDistributedQueue(a, "/j/queue");
    for (String item : List.of("x", "y")) queue.offer(item.getBytes());
    SimpleDistributedQueue reader = new SimpleDistributedQueue(b, "/j/queue");
    say("queue", text(reader.peek()), text(reader.poll()), text(reader.take()), reader.poll(50, TimeUnit.MILLISECONDS));
  }

  static void nodes(CuratorFramework a, CuratorFramework b) throws Exception {
    PersistentNode node = new PersistentNode(a, CreateMode.EPHEMERAL, false, "/j/node", "v".getBytes());
    node.start();
    say("node", node.waitForInitialCreate(WAIT_S, TimeUnit.SECONDS));
    b.delete().forPath("/j/node");
    until(() -> b.checkExists().forPath("/j/node") != null, "it comes back");
    node.close();
    say(b.checkExists().forPath("/j/node"));
    GroupMember member = new GroupMember(a, "/j/group", "a", "1".getBytes()), peer = new GroupMember(b, "/j/group", "b", "2".getBytes());
    member.start();
    peer.start();
    until(() -> peer.getCurrentMembers().size() == 2, "two members");
    member.close();
    until(() -> peer.getCurrentMembers().keySet().equals(Set.of("b")), "one member");
    peer.close();
  }

  static void caches(CuratorFramework a, CuratorFramework b) throws Exception {
    b.create().creatingParentsIfNeeded().forPath("/j/cache/x", "1".getBytes());
    CuratorCache cache = CuratorCache.build(a, "/j/cache");
    CountDownLatch whole = new CountDownLatch(1);
    Queue<String> events = new ConcurrentLinkedQueue<>();
    cache.listenable().addListener(CuratorCacheListener.builder().forInitialized(whole::countDown)
        .forAll((type, old, now) -> events.add(type + " " + (now == null ? old : now).getPath())).build());
    cache.start();
    say("cache", whole.await(WAIT_S, TimeUnit.SECONDS));
    TreeCache tree = TreeCache.newBuilder(a, "/j/cache").build();
    tree.start();
    b.setData().forPath("/j/cache/x", "2".getBytes());
    until(() -> text(cache.get("/j/cache/x").get().getData()).equals("2"), "it hears of data");
    b.create().forPath("/j/cache/y", "3".getBytes());
    b.delete().forPath("/j/cache/x");
    until(() -> cache.get("/j/cache/x").isEmpty() && cache.get("/j/cache/y").isPresent(), "it follows");
    until(() -> tree.getCurrentData("/j/cache/y") != null && tree.getCurrentData("/j/cache/x") == null, "the tree cache too");
    say(new TreeSet<>(events));
    tree.close();
    cache.close();
  }

  static void transactions(CuratorFramework a) throws Exception {
    say(a.transaction().forOperations(a.transactionOp().create().forPath("/j/t", "1".getBytes()), a.transactionOp().setData().forPath("/j/t", "2".getBytes()),
        a.transactionOp().check().withVersion(1).forPath("/j/t")).size(), text(a.getData().forPath("/j/t")));
    try {
      a.transaction().forOperations(a.transactionOp().delete().forPath("/j/t"), a.transactionOp().delete().forPath("/j/absent"));
    } catch (KeeperException error) {
      say(error.code(), a.checkExists().forPath("/j/t").getVersion());
    }
    say(a.create().withMode(CreateMode.CONTAINER).forPath("/j/container"), a.create().withTtl(9999).withMode(CreateMode.PERSISTENT_WITH_TTL).forPath("/j/ttl"));
    a.delete().deletingChildrenIfNeeded().forPath("/j");
    say(a.checkExists().forPath("/j"));
  }

  static String text(byte[] bytes) {
    return bytes == null ? "null" : new String(bytes, StandardCharsets.UTF_8);
  }
}
