/**
 * Everything outside the program: time, chance, the turn of the loop, disk, network and the operator's log. `node/` is the real one,
 * `sim/` a world in memory, and `conformance/` the suite that both pass. Three rules:
 * - A method without a promise is done when it returns and touches memory only (the page cache, a queue). What may wait for a device
 *   or a peer returns a promise or calls a Receiver.
 * - Callbacks come one at a time, never from inside the call that asked for them. Each is an event, and so is what a promise continues.
 * - Events come in turns: one, or all that one poll of the system brought. A turn ends with the tasks given to `atEndOfTurn`, then
 *   everything that connections were given to send. So no acknowledgement leaves before the write that it speaks of.
 */
export interface Env {
  readonly clock: Clock
  readonly random: Random
  readonly loop: Loop
  readonly disk: Disk
  readonly net: Net
  readonly log: Logger
}

export interface Clock {
  /** Wall clock, whole milliseconds since 1970. It may jump: for timestamps that people and clients see, never for a duration. */
  now(): number
  /** Milliseconds with fractions since some start. Never goes back: for every duration. */
  monotonic(): number
  /** Calls `fire` once, not before `delayMs` have passed. Does not keep the process alive. */
  after(delayMs: number, fire: () => void): Timer
}

export interface Timer {
  cancel(): void
}

export interface Random {
  /** Fit for secrets in the real world. */
  bytes(count: number): Buffer
  /** A whole number from 0 up to `limit`, exclusive. */
  below(limit: number): number
}

export interface Loop {
  /** Runs `task` when the turn ends, before anything is sent: here a log writes, in one go, what the turn appended. */
  atEndOfTurn(task: () => void): void
  /**
   * Work of the processor that would hold the loop up. `later` has other threads do it, and is what the real world calls; the simulated one
   * calls `now`, with the same outcome, as an event of its own: what threads do is in no seed.
   */
  elsewhere<T>(now: () => T, later: () => Promise<T>): Promise<T>
}

/** The operator's log: one sentence and its facts. */
export interface Logger {
  debug(message: string, facts?: object): void
  info(message: string, facts?: object): void
  warn(message: string, facts?: object): void
  error(message: string, facts?: object): void
}

/**
 * `full`: no space left. `no-descriptor`: the process has as many files and connections open as it may. `locked`: another process has it.
 * `io`: the device failed, or what was asked makes no sense to it.
 */
export type EnvErrorCode = 'not-found' | 'exists' | 'locked' | 'full' | 'no-descriptor' | 'refused' | 'in-use' | 'denied' | 'io'

/** Failures of disk and net throw or reject with this. `code` is a closed list: whoever handles one can name them all. */
export class EnvError extends Error {
  readonly code: EnvErrorCode
  constructor(code: EnvErrorCode, message: string, cause?: unknown) {
    super(message, { cause })
    this.name = 'EnvError'
    this.code = code
  }
}

/** Paths are joined with '/'. Changes of names (`open` that creates, `rename`, `remove`) survive a crash only after `syncDirectory`. */
export interface Disk {
  /** `create` fails where the file exists; `write` makes it where it doesn't; `read` wants it and refuses writes. */
  open(path: string, mode: 'read' | 'write' | 'create'): File
  /** Rejects with `not-found` where there is no such directory. */
  list(path: string): Promise<Entry[]>
  /** With all its parents; fine where it exists. */
  createDirectory(path: string): Promise<void>
  /** Replaces the file `to`, at once for all who look. Directories too. */
  rename(from: string, to: string): Promise<void>
  /** A file, or a directory with all in it; fine where there is none. Open files stay readable until closed. */
  remove(path: string): Promise<void>
  syncDirectory(path: string): Promise<void>
  /** Takes the file `path` for this process until `release`; throws `locked` where another has it. */
  lock(path: string): Lock
  freeBytes(path: string): Promise<number>
  /**
   * This disk for one who has all files on one device. Of the calls that wait for it only so many run at once that, should the device
   * hang, those of other lanes still run; the rest wait in line.
   */
  lane(): Disk
  /** Since when, on the monotonic clock, the oldest call under way of this lane waits; Infinity: none does. */
  readonly waitingSinceMs: number
  /** How many files and connections this process may have open; Infinity where that is unknown. */
  readonly openFilesMax: number
}

export interface Entry {
  readonly name: string
  readonly directory: boolean
  readonly sizeBytes: number
  readonly modifiedMs: number
}

export interface Lock {
  release(): void
}

/** Positions are the caller's: a file has no cursor. */
export interface File {
  readonly path: string
  sizeBytes(): number
  /** One system call for all views, into the page cache. After an error any prefix may be there: the caller cuts it off. */
  write(position: number, views: readonly Uint8Array[]): void
  /** The same off the loop; the views must stay as they are until then. `durable`: resolves once the bytes survive a crash. */
  writeLater(position: number, views: readonly Uint8Array[], durable: boolean): Promise<void>
  /** Fills `into` from the page cache; fewer bytes only at the end of the file; -1 where it would wait for the device: use `readLater`. */
  read(position: number, into: Uint8Array): number
  readLater(position: number, into: Uint8Array): Promise<number>
  /** False where reading or sending this range would wait for the device: `warm` it first. */
  cached(position: number, length: number): boolean
  /** Brings the range into the page cache, off the loop. */
  warm(position: number, length: number): Promise<void>
  /** Once resolved, everything written before the call survives a crash. An error is final: reopen and recover, never retry. */
  sync(): Promise<void>
  truncate(sizeBytes: number): Promise<void>
  /**
   * Takes room on the disk for the file to grow to `sizeBytes`, in one piece if there is one; its size stays as it is. What is not used is
   * given back by `truncate`. A help and no promise: where it can't be had, nothing is done.
   */
  reserve(sizeBytes: number): void
  /** Transfers and Later calls under way finish first. */
  close(): void
}

export interface Net {
  /** What this machine calls itself. */
  readonly hostName: string
  /** `accept` is called for each new connection and says who receives its bytes. Port 0: any free one, told by the Listener. */
  listen(address: Address, accept: (connection: Connection) => Receiver): Promise<Listener>
  /** Rejects with `refused` where nobody listens. */
  connect(address: Address, receiver: (connection: Connection) => Receiver): Promise<Connection>
}

export interface Address {
  readonly host: string
  readonly port: number
}

export interface Listener {
  readonly address: Address
  /** Accepts no more. Connections that are open stay. */
  close(): Promise<void>
}

/** The side of a connection that its owner implements. */
export interface Receiver {
  /**
   * Where the next bytes go; asked for right after `received`, and posted till the next one. So a buffer that many share lives for
   * ever, and what a turn still needs of it is copied out at once.
   */
  space(): Uint8Array
  /** `length` bytes lie at the start of what `space` gave. */
  received(length: number): void
  /** `unsentBytes` fell to 0. */
  drained(): void
  /** The last call, exactly once, whoever closed. */
  closed(reason: CloseReason): void
}

export type CloseReason = 'here' | 'peer' | 'reset' | 'unreachable'

export interface Connection {
  readonly local: Address
  readonly remote: Address
  /** What earlier turns gave and the system has not taken, file ranges too. A server pauses while this is large. */
  readonly unsentBytes: number
  /** Sent at the end of the turn, in order, all of it in one go. The view is the connection's from now on. */
  write(view: Uint8Array): void
  /** Sends a range that the file has, after what was given so far; never more than a small piece of it is in memory. */
  sendFile(file: File, position: number, length: number): void
  /** No more `received` until `resume`. */
  pause(): void
  resume(): void
  /** Sends what was given first. */
  close(): void
  /** Drops what was given. */
  abort(): void
}
