"""kazoo's recipes against the server of the first word; prints what happens, the same for every server that works."""

import re
import sys
import threading

from kazoo.client import KazooClient
from kazoo.exceptions import KazooException, LockTimeout
from kazoo.recipe.cache import TreeCache, TreeEvent
from kazoo.recipe.watchers import PatientChildrenWatch
from kazoo.security import make_acl, make_digest_acl

SERVER = sys.argv[1]
WAIT_S = 20
started = []


def say(*words):
    text = " ".join(str(word) for word in words)
    print(re.sub(r"[0-9a-f]{32}", "ID", text), flush=True)


def client(**options):
    one = KazooClient(hosts=SERVER, timeout=8, **options)
    one.start(timeout=WAIT_S)
    started.append(one)
    return one


def background(work):
    """Runs `work` in a thread; the answer waits for its end."""
    result = []
    thread = threading.Thread(target=lambda: result.append(work()), daemon=True)
    thread.start()

    def wait():
        thread.join(WAIT_S)
        return result[0] if result else "did not end"

    return wait


def until(condition, what):
    event = threading.Event()
    for _ in range(WAIT_S * 100):
        if condition():
            return say(what)
        event.wait(0.01)
    say("never:", what)


def locks(a, b):
    first, second = a.Lock("/r/lock", "first"), b.Lock("/r/lock", "second")
    say("lock", first.acquire(), second.acquire(blocking=False))
    got = background(lambda: second.acquire(timeout=WAIT_S))
    until(lambda: len(a.get_children("/r/lock")) == 2, "two contend")
    say("contenders", first.contenders())
    first.release()
    say("the second has it", got(), second.contenders())
    try:
        first.acquire(timeout=0.2)
    except LockTimeout:
        say("the first waits in vain")
    second.release()
    third = client()
    lost = third.Lock("/r/lock", "third")
    lost.acquire()
    got = background(lambda: first.acquire(timeout=WAIT_S))
    third.stop()
    say("the holder's session ended", got())
    first.release()


def read_write_locks(a, b):
    read_a, read_b, write = a.ReadLock("/r/rw", "ra"), b.ReadLock("/r/rw", "rb"), b.WriteLock("/r/rw", "w")
    say("readers", read_a.acquire(), read_b.acquire(), "writer", write.acquire(blocking=False))
    got = background(lambda: write.acquire(timeout=WAIT_S))
    read_b.release()
    until(lambda: any("lock" in name for name in a.get_children("/r/rw")), "the writer stands in line")
    read_a.release()
    say("writer", got(), "reader", read_a.acquire(blocking=False))
    write.release()
    say("reader", read_a.acquire())
    read_a.release()


def semaphores(a, b):
    one, two, three = (c.Semaphore("/r/semaphore", max_leases=2) for c in (a, b, a))
    say("semaphore", one.acquire(), two.acquire(), three.acquire(blocking=False), sorted(one.lease_holders()) != [])
    got = background(lambda: three.acquire(timeout=WAIT_S))
    two.release()
    say("the third", got())
    one.release()
    three.release()


def elections(a, b):
    leads, goes = threading.Event(), threading.Event()

    def lead():
        leads.set()
        goes.wait(WAIT_S)

    first, second = a.Election("/r/election", "a"), b.Election("/r/election", "b")
    done = background(lambda: first.run(lead))
    leads.wait(WAIT_S)
    led = []
    then = background(lambda: second.run(lambda: led.append("b leads")))
    until(lambda: second.contenders() == ["a", "b"], "a leads, b waits")
    goes.set()
    say(done(), then(), led)


def barriers(a, b):
    barrier = a.Barrier("/r/barrier")
    barrier.create()
    say("barrier", b.Barrier("/r/barrier").wait(0.1))
    passed = background(lambda: b.Barrier("/r/barrier").wait(WAIT_S))
    barrier.remove()
    say("barrier", passed())
    doubles = [a.DoubleBarrier("/r/double", 2, "a"), b.DoubleBarrier("/r/double", 2, "b")]
    for step in ("enter", "leave"):
        waits = [background(getattr(double, step)) for double in doubles]
        say("double barrier", step, [wait() for wait in waits], [double.participating for double in doubles])


def queues(a, b):
    queue = a.Queue("/r/queue")
    for value, priority in ((b"low", 200), (b"one", 100), (b"two", 100), (b"first", 1)):
        queue.put(value, priority)
    say("queue", len(queue), [b.Queue("/r/queue").get() for _ in range(5)])
    locking, other = a.LockingQueue("/r/locking"), b.LockingQueue("/r/locking")
    locking.put_all([b"x", b"y"])
    say("locking queue", locking.get(), other.get(1), other.holds_lock())
    say("consumed", locking.consume(), other.release(), len(locking), locking.get(WAIT_S), locking.consume(), len(other))


def counters(a, b):
    one, two = a.Counter("/r/counter", default=5), b.Counter("/r/counter", default=5)

    def add(counter):
        for _ in range(50):
            counter += 2

    for wait in [background(lambda counter=counter: add(counter)) for counter in (one, two)]:
        wait()
    two -= 1
    say("counter", one.value, two.value)
    real = a.Counter("/r/real", default=1.5)
    real += 0.25
    say("counter", real.value)


def parties(a, b):
    one, two = a.Party("/r/party", "a"), b.Party("/r/party", "b")
    one.join()
    two.join()
    say("party", sorted(one), len(two))
    two.leave()
    say("party", sorted(one), "b" in list(two))
    shallow = a.ShallowParty("/r/shallow", "s")
    shallow.join()
    say("shallow party", sorted(b.ShallowParty("/r/shallow")))
    one.leave()


def caches(a, b):
    events = []
    cache = TreeCache(a, "/r/cache")
    cache.listen(lambda event: events.append((TreeEvent_names[event.event_type], getattr(event.event_data, "path", None))))
    b.ensure_path("/r/cache/x/y")
    cache.start()
    until(lambda: ("INITIALIZED", None) in events, "the cache is whole")
    b.set("/r/cache/x/y", b"1")
    until(lambda: cache.get_data("/r/cache/x/y").data == b"1", "it hears of data")
    b.create("/r/cache/z", b"2")
    until(lambda: cache.get_children("/r/cache") == {"x", "z"}, "and of children")
    b.delete("/r/cache/x", recursive=True)
    until(lambda: cache.get_children("/r/cache") == {"z"}, "and of deletions")
    drop(a)
    b.set("/r/cache/z", b"3")
    until(lambda: cache.get_data("/r/cache/z").data == b"3", "and over a lost connection")
    say("events", sorted(set(events), key=str))
    cache.close()


def watches(a, b):
    data, children = [], []
    a.DataWatch("/r/watched", lambda value, stat: data.append(value))
    until(lambda: data == [None], "absent")
    b.create("/r/watched", b"1")
    until(lambda: data[-1] == b"1", "made")
    a.ChildrenWatch("/r/watched", lambda names: children.append(sorted(names)))
    b.create("/r/watched/a")
    until(lambda: children[-1] == ["a"], "a child")
    session = a.client_id
    a.create("/r/own", ephemeral=True)
    drop(a)
    b.set("/r/watched", b"2")
    b.create("/r/watched/b")
    until(lambda: data[-1] == b"2" and children[-1] == ["a", "b"], "over a lost connection")
    say("the same session", session == a.client_id, b.exists("/r/own").ephemeralOwner == session[0])
    b.delete("/r/watched/a")
    b.delete("/r/watched/b")
    b.delete("/r/watched")
    until(lambda: data[-1] is None, "deleted")
    # what changes quickly may be told together
    say(data, children[:3])
    waiting = PatientChildrenWatch(b, "/r", time_boundary=0.1).start()
    waiting.wait(WAIT_S)
    say("patient", waiting.value is not None and "own" in waiting.value[0])


def others(a, b):
    say(a.server_version()[:2], a.command(b"ruok"))
    many = a.transaction()
    many.check("/r", 0)
    many.create("/r/many", b"x")
    many.set_data("/r/many", b"y")
    many.delete("/r/absent")
    say("transaction", many.commit())
    few = a.transaction()
    few.create("/r/many", b"x")
    few.create("/r/many/q-", b"", sequence=True)
    few.set_data("/r/many", b"y", 0)
    say("transaction", [result if isinstance(result, str) else result.version for result in few.commit()])
    say(a.create("/r/made", b"v", makepath=True, include_data=True)[1].dataLength, a.create("/r/null", None), a.get("/r/null")[0])
    try:
        b.set("/r/made", b"w", version=7)
    except KazooException as error:
        say(type(error).__name__)
    acl = [make_digest_acl("bob", "secret", all=True), make_acl("world", "anyone", read=True)]
    a.create("/r/secret", b"s", acl=acl)
    say(b.get("/r/secret")[0], b.get_acls("/r/secret")[0][0].id)
    for words in (("set", "/r/secret", b"t"), ("create", "/r/secret/x"), ("set_acls", "/r/secret", acl)):
        try:
            say(getattr(b, words[0])(*words[1:]))
        except KazooException as error:
            say(words[0], type(error).__name__)
    bob = client(auth_data=[("digest", "bob:secret")])
    say(bob.set("/r/secret", b"t").version, bob.sync("/r"))
    chrooted = KazooClient(hosts=SERVER + "/r/many", timeout=8)
    chrooted.start()
    started.append(chrooted)
    say(chrooted.create("/inside"), a.exists("/r/many/inside") is not None, sorted(chrooted.get_children("/")))
    lease = a.NonBlockingLease("/r/lease", __import__("datetime").timedelta(seconds=100), identifier="a")
    say("lease", bool(lease), bool(b.NonBlockingLease("/r/lease", __import__("datetime").timedelta(seconds=100), identifier="b")))
    say("large", a.create("/r/large", b"x" * 1_000_000) and len(b.get("/r/large")[0]))
    pending = [a.create_async("/r/async-", sequence=True) for _ in range(500)]
    say("pipelined", [one.get()[-3:] for one in pending] == sorted(one.get()[-3:] for one in pending))


def drop(one):
    """The connection breaks; the session does not."""
    one._connection._socket.shutdown(2)


TreeEvent_names = {value: name for name, value in vars(TreeEvent).items() if isinstance(value, int)}


def main():
    a, b = client(), client()
    if a.exists("/r"):
        a.delete("/r", recursive=True)
    a.create("/r")
    for play in (locks, read_write_locks, semaphores, elections, barriers, queues, counters, parties, caches, watches, others):
        say("#", play.__name__)
        play(a, b)
    for one in started:
        one.stop()
        one.close()
    say("done")


main()
