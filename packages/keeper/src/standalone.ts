import assert from 'node:assert/strict'
import type { Clock } from '@ottla/env'
import { writeEntryTxn, type EntryTxn } from './entry-txn.ts'
import { ENTRY_KIND } from './log-entry.ts'
import type { LogError } from './log-recovery.ts'
import { Preparer } from './prepare.ts'
import type { Write } from './requests.ts'
import type { Sequencer, Server } from './server.ts'
import type { TransactionLog } from './transaction-log.ts'
import { EPOCH_MAX, epochOf, nextZxid } from './zxid.ts'

export interface StandaloneListener {
  /** The entry is applied. */
  applied(index: number, term: number): void
  failed(error: LogError): void
}

/** The sequencer of a server alone: what its own log holds is committed. */
export class Standalone implements Sequencer {
  readonly #clock: Clock
  readonly #log: TransactionLog
  readonly #server: Server
  readonly #listener: StandaloneListener
  readonly #preparer: Preparer
  readonly #pending: (EntryTxn & { index: number; term: number })[] = []
  readonly #waiting: { index: number; done: () => void }[] = []
  #term: number
  #zxid: number
  #timeMs = 0

  /** `term` is at least that of the log and of the tree's zxids. */
  constructor(clock: Clock, log: TransactionLog, server: Server, term: number, listener: StandaloneListener) {
    this.#clock = clock
    this.#log = log
    this.#server = server
    this.#term = term
    this.#zxid = server.tree.lastZxid
    this.#preparer = new Preparer(server.tree)
    this.#listener = listener
    log.listen(
      (index) => this.#durable(index),
      (error) => this.#fail(error),
    )
  }

  submit(write: Write): void {
    const zxid = nextZxid(this.#zxid, this.#term)
    this.#term = epochOf(zxid)
    assert(this.#term <= EPOCH_MAX, 'the zxids are used up')
    const { origin } = write
    // The wall clock may jump back; a znode's mtime should not come before its ctime.
    this.#timeMs = Math.max(this.#timeMs, this.#clock.now())
    const txn = this.#preparer.prepare(write, zxid, this.#timeMs)
    const index = this.#log.append(this.#term, ENTRY_KIND.txn, (writer) => writeEntryTxn(writer, { origin, txn }))
    this.#zxid = zxid
    this.#pending.push({ index, term: this.#term, origin, txn })
  }

  waitForAll(done: () => void): void {
    const last = this.#pending.at(-1)
    if (last === undefined) done()
    else this.#waiting.push({ index: last.index, done })
  }

  #durable(index: number): void {
    let count = 0
    for (const entry of this.#pending) {
      if (entry.index > index) break
      count++
    }
    // Answers may bring new writes, which go behind these.
    for (const entry of this.#pending.splice(0, count)) {
      this.#server.apply(entry)
      this.#preparer.applied(entry.txn.header.zxid)
      while (this.#waiting.length > 0 && this.#waiting[0]!.index <= entry.index) this.#waiting.shift()!.done()
      this.#listener.applied(entry.index, entry.term)
    }
  }

  #fail(error: LogError): void {
    this.#server.fail()
    this.#listener.failed(error)
  }
}
