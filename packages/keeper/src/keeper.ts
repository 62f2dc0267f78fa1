import {
  EnvError,
  type Clock,
  type Disk,
  type Address,
  type Lock,
  type Logger,
  type Loop,
  type Net,
  type Random,
  type Timer,
} from '@ottla/env'
import type { ZooKeeper } from '@ottla/zookeeper'
import { SUPER } from './access.ts'
import { ClientPort, type ClientPortOptions } from './client-port.ts'
import { ClientSessions, type SessionTimes } from './client-sessions.ts'
import { readEntryTxn } from './entry-txn.ts'
import { InProcessZooKeeper } from './in-process.ts'
import { ENTRY_KIND, type LogEntry } from './log-entry.ts'
import { LogError } from './log-recovery.ts'
import { Server } from './server.ts'
import { sessionSecret } from './session-secret.ts'
import { IN_PROCESS, serverOf, SessionIds } from './sessions.ts'
import { SnapshotFiles } from './snapshot-files.ts'
import { Snapshotter } from './snapshotter.ts'
import { Standalone } from './standalone.ts'
import { TransactionLog } from './transaction-log.ts'
import { vanishing } from './transients.ts'
import type { DataTree } from './tree.ts'
import { epochOf } from './zxid.ts'

/** What of an Env a keeper needs. */
export interface KeeperEnv {
  readonly clock: Clock
  readonly random: Random
  readonly loop: Loop
  readonly disk: Disk
  readonly net: Net
  readonly log: Logger
}

/** The side of a keeper that clients outside this process see. */
export interface ClientServing extends ClientPortOptions, SessionTimes {
  readonly addresses: readonly Address[]
}

export interface KeeperOptions {
  /** A snapshot is written after so many transactions; unless told, after 1,000 or as many as there are znodes. */
  readonly snapshotAfterTxns?: number
  /** A log segment that is larger is followed by a new one; 16 MiB unless told. */
  readonly segmentBytes?: number
  /** Without it nobody but this process can connect, and sessions of clients of a former life are ended. */
  readonly clients?: ClientServing
  /** The disk failed: all sessions are disconnected, and nothing but `close` and a new `openKeeper` helps. */
  readonly onFailure?: (error: Error) => void
}

/** What the snapshot says of a session in this process, should a real ZooKeeper load it. */
const SESSION_TIMEOUT_MS = 18_000
/** In the ids of sessions of clients outside this process, while the keeper is alone. */
const CLIENTS_SERVER_ID = 1
const VANISHING_CHECK_MS = 60_000

/**
 * Opens the keeper in `directory`, which is made where it does not exist: loads the newest snapshot, replays the log, ends the in-process
 * sessions of a former life, and listens for clients where `options` say so. Rejects with EnvError (`locked`: another process has it;
 * `in-use`: the port), or with LogError where the files are damaged.
 */
export async function openKeeper(env: KeeperEnv, directory: string, options: KeeperOptions = {}): Promise<Keeper> {
  await env.disk.createDirectory(directory)
  if ((await env.disk.list(directory)).every(({ name }) => name === 'lock')) await syncAncestors(env.disk, directory)
  const lock = env.disk.lock(`${directory}/lock`)
  try {
    const files = new SnapshotFiles(env, directory)
    const snapshot = await files.load()
    const { tree } = snapshot
    const logOptions = options.segmentBytes === undefined ? {} : { segmentBytes: options.segmentBytes }
    const log = await TransactionLog.open(env, directory, snapshot, (entry) => replay(tree, entry), logOptions)
    // Without any snapshot the log must have everything, from its first entry on.
    if (snapshot.index === 0 && snapshot.damagedCount > 0 && log.lastIndex === 0) {
      throw new LogError(`no snapshot in ${directory} can be read, and there is no log; restore the directory from a backup`)
    }
    const since = log.lastIndex - snapshot.index
    const parts = { files, log, tree: () => tree, logger: env.log }
    const snapshotter = new Snapshotter(parts, since, options.snapshotAfterTxns ?? null, () => snapshot.attributes)
    const outside = options.clients === undefined ? null : { secret: await sessionSecret(env, directory), directory }
    const keeper = new Keeper(env, options, lock, log, tree, snapshotter, outside)
    await keeper.listen()
    return keeper
  } catch (error) {
    lock.release()
    throw error
  }
}

/** A new directory lasts once the names on the way to it do. */
export async function syncAncestors(disk: Disk, directory: string): Promise<void> {
  for (let at = directory.lastIndexOf('/'); at >= 0; at = directory.lastIndexOf('/', at - 1)) {
    try {
      await disk.syncDirectory(at === 0 ? '/' : directory.slice(0, at))
    } catch (error) {
      // What this process may not open, it did not make.
      if (!(error instanceof EnvError) || error.code !== 'denied') throw error
    }
    if (at === 0) return
  }
}

function replay(tree: DataTree, entry: LogEntry): void {
  if (entry.kind !== ENTRY_KIND.txn) throw new LogError(`the log has an entry of unknown kind ${entry.kind}; a newer version wrote it`)
  tree.apply(readEntryTxn(entry.payload).txn)
}

/** A ZooKeeper alone, on its own directory. Writes are answered once they are on disk; those of all sessions share the sync. */
export class Keeper {
  readonly #env: KeeperEnv
  readonly #lock: Lock
  readonly #log: TransactionLog
  readonly #server: Server
  readonly #snapshotter: Snapshotter
  readonly #sessionIds: SessionIds
  readonly #clients = new Set<InProcessZooKeeper>()
  readonly #clientOptions: ClientServing | null
  readonly #clientSessions: ClientSessions | null = null
  readonly #port: ClientPort | null = null
  readonly #onFailure: (error: Error) => void
  #timer: Timer | null = null
  #closing: Promise<void> | null = null

  /** Use `openKeeper`. `outside` is there where clients from outside are served. */
  constructor(
    env: KeeperEnv,
    options: KeeperOptions,
    lock: Lock,
    log: TransactionLog,
    tree: DataTree,
    snapshotter: Snapshotter,
    outside: { readonly secret: Buffer; readonly directory: string } | null,
  ) {
    this.#env = env
    this.#lock = lock
    this.#log = log
    this.#snapshotter = snapshotter
    this.#onFailure = options.onFailure ?? (() => {})
    this.#sessionIds = new SessionIds(IN_PROCESS, env.clock.now())
    this.#server = new Server(tree, IN_PROCESS, env.random.bytes(6).readUIntBE(0, 6))
    const term = Math.max(1, log.lastTerm, epochOf(tree.lastZxid))
    this.#server.start(
      new Standalone(env.clock, log, this.#server, term, {
        applied: (index, entryTerm) => this.#snapshotter.applied(index, entryTerm),
        failed: (error) => this.#failed(error),
      }),
    )
    this.#clientOptions = options.clients ?? null
    for (const sessionId of tree.sessions.keys()) {
      if (this.#clientOptions === null || serverOf(sessionId) === IN_PROCESS) this.#endSession(sessionId)
    }
    if (this.#clientOptions !== null && outside !== null) {
      this.#clientSessions = new ClientSessions(env.clock, this.#server, CLIENTS_SERVER_ID, outside.secret, this.#clientOptions)
      this.#port = new ClientPort(env, outside.directory, this.#server, this.#clientSessions, this.#clientOptions)
    }
    this.#watchTransients()
  }

  /** Where clients connect. */
  get addresses(): readonly Address[] {
    return this.#port?.addresses ?? []
  }

  /** Part of `openKeeper`. */
  async listen(): Promise<void> {
    try {
      for (const address of this.#clientOptions?.addresses ?? []) await this.#port?.listen(this.#env.net, address)
    } catch (error) {
      await this.close()
      throw error
    }
  }

  /** The zxid of the last change that is on disk and visible. */
  get lastZxid(): number {
    return this.#server.tree.lastZxid
  }

  /** A session in this process, which may do anything. It can be used at once. It ends with `close`, or with this process. */
  connect(): ZooKeeper {
    const sessionId = this.#sessionIds.next((id) => this.#server.tree.sessions.has(id))
    const client = new InProcessZooKeeper(sessionId, this.#env.log, (ended) => this.#clients.delete(ended))
    const connection = this.#server.connect(sessionId, client, [SUPER])
    client.attach(connection)
    this.#clients.add(client)
    // Reads need not wait for the session to be on disk, but they must not see the ephemerals of a former life.
    connection.submit({ type: 'sync', path: '/' }, () => {})
    this.#server.write(sessionId, 0, [SUPER], { type: 'createSession', timeoutMs: SESSION_TIMEOUT_MS }, (result) => {
      if (result.type === 'createSession') client.opened()
    })
    return client
  }

  /** Ends all sessions, finishes what is being written and lets go of the directory. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    this.#timer?.cancel()
    this.#timer = null
    this.#clientSessions?.close()
    await this.#port?.close()
    this.#log.waitNoMore()
    await Promise.allSettled([...this.#clients].map((client) => client.close()))
    await this.#snapshotter.finish()
    this.#server.fail()
    await this.#log.close()
    this.#lock.release()
  }

  #endSession(sessionId: bigint): void {
    this.#server.write(sessionId, 0, [SUPER], { type: 'closeSession' }, () => {})
  }

  #watchTransients(): void {
    this.#timer = this.#env.clock.after(VANISHING_CHECK_MS, () => {
      for (const path of vanishing(this.#server.tree, this.#env.clock.now())) {
        this.#server.write(0n, 0, [SUPER], { type: 'deleteContainer', path }, () => {})
      }
      this.#watchTransients()
    })
  }

  #failed(error: Error): void {
    this.#env.log.error('The keeper stops: its log can not be written', { error })
    this.#onFailure(error)
  }
}
