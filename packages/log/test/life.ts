import assert from 'node:assert/strict'
import { Slab } from '@ottla/wire'
import { decodeBatch, KafkaError, recordBatch } from '@ottla/protocol'
import type { Host, World } from '@ottla/env/sim'
import { LogDirectory, type LogConfig, type PartitionLog } from '../src/index.ts'
import { batch, TOPIC_ID } from './batches.ts'

/** What a partition's clients know, across the lives of the broker. */
export class Memory {
  /** Batches by base offset, as acknowledged. */
  readonly acked = new Map<number, string>()
  /** The end of what a consumer was shown, and of what was said to be synced. */
  shown = 0
  flushed = 0
}

export const PATH = '/logs'
export const PARTITIONS = 2

/** One life of a broker that holds a few partitions: opens, checks what must be there, then appends until it is stopped. */
export class Life {
  readonly host: Host
  readonly config: LogConfig
  readonly memories: Memory[]
  directory: LogDirectory | null = null
  logs: PartitionLog[] = []
  /** Acknowledged in this life. */
  ackedCount = 0
  stopping = false
  #sent = 0

  constructor(host: Host, config: LogConfig, memories: Memory[]) {
    this.host = host
    this.config = config
    this.memories = memories
  }

  /** `lossy`: the power failed since, so what was only written may be gone. */
  async begin(lossy: boolean): Promise<void> {
    this.directory = await LogDirectory.open(
      this.host,
      PATH,
      { brokerId: 1, clusterId: null },
      { recoveryPointIntervalMs: 200, retentionIntervalMs: 1e9 },
    )
    await this.directory.load(() => this.config)
    for (let p = 0; p < PARTITIONS; p++) {
      const log: PartitionLog = await this.directory.create('t', p, TOPIC_ID, this.config)
      assert.equal(log.failed, null, log.failed?.message)
      this.logs[p] = log
      await this.check(log, this.memories[p]!, lossy)
    }
  }

  /** Everything that was promised is there. */
  async check(log: PartitionLog, memory: Memory, lossy: boolean): Promise<void> {
    const end = log.logEndOffset
    assert.ok(end >= memory.flushed, `ends at ${end}, synced to ${memory.flushed}`)
    assert.ok(end >= memory.shown || (lossy && !this.hasPolicy), `ends at ${end}, shown to ${memory.shown}`)
    const found = await contents(log)
    for (const [offset, text] of memory.acked) {
      if (lossy && !this.config.flushBeforeAck && offset >= end) {
        memory.acked.delete(offset)
        continue
      }
      assert.equal(found.get(offset), text, `acknowledged at ${offset}, log end ${end}`)
    }
    memory.shown = Math.min(memory.shown, end)
  }

  get hasPolicy(): boolean {
    return this.config.flushBeforeAck || this.config.flushMs !== null || this.config.flushMessages !== null
  }

  /** Producers append, one after another in each of `count`. */
  produce(world: World, count: number): void {
    for (let i = 0; i < count; i++) this.#next(world, i % PARTITIONS)
  }

  #next(world: World, partition: number): void {
    if (this.stopping) return
    const log = this.logs[partition]!
    const memory = this.memories[partition]!
    const text = `${this.host.life}.${this.#sent++}`
    const bytes = batch({
      text: `${text}:`,
      count: 1 + world.dice.below(3),
      valueBytes: 12 + world.dice.below(700),
      timestamp: this.host.clock.now(),
    })
    const slab = new Slab(Buffer.concat([bytes, Buffer.alloc(100)]), world.dice.chance(0.5))
    let answered = false
    const again = (): void => void this.host.clock.after(world.dice.below(6), () => this.#next(world, partition))
    try {
      const { baseOffset } = log.append(slab, 0, bytes.length, { acks: world.dice.chance(0.5) ? 1 : -1, origin: 'client' }, (error) => {
        assert.ok(answered, 'stored was called from inside append')
        if (error === null) {
          memory.acked.set(baseOffset, text)
          this.ackedCount++
        }
        again()
      })
      answered = true
      // what a socket's buffer gets next
      if (slab.common) slab.bytes.fill(0xee)
    } catch (error) {
      assert.ok(error instanceof KafkaError, `${(error as Error).stack}`)
      again()
    }
    memory.shown = Math.max(memory.shown, log.visibleEnd)
    memory.flushed = Math.max(memory.flushed, log.flushedOffset)
    assert.ok(log.visibleEnd <= log.highWatermark)
    if (this.hasPolicy) assert.ok(log.visibleEnd <= log.flushedOffset, 'shown before it was synced')
  }
}

/** The text of each batch, by its base offset. */
export async function contents(log: PartitionLog): Promise<Map<number, string>> {
  const found = new Map<number, string>()
  let expected = log.logStartOffset
  for await (const bytes of log.readBatches(log.logStartOffset)) {
    assert.ok(recordBatch.crcIsRight(bytes, 0))
    assert.equal(recordBatch.baseOffset(bytes, 0), expected)
    expected = recordBatch.lastOffset(bytes, 0) + 1
    const record = decodeBatch(bytes, 0)[0]!
    found.set(recordBatch.baseOffset(bytes, 0), idOf(record.value!))
  }
  assert.equal(expected, log.logEndOffset)
  return found
}

/** `<text>:<number>` of `batch`, repeated. */
function idOf(value: Buffer): string {
  return value.toString('latin1').split(':')[0]!
}

/** Whether a sync is under way on a host's disk. */
export function watchSyncs(host: Host): () => boolean {
  let count = 0
  let ofLife = host.life
  const { disk } = host
  const later = disk.later.bind(disk)
  disk.later = (operation, path, work, failed) => {
    const { life } = host
    if (life !== ofLife) count = 0
    ofLife = life
    const result = later(operation, path, work, failed)
    if (operation !== 'sync') return result
    count++
    const ended = (): void => {
      if (life === ofLife) count--
    }
    result.then(ended, ended)
    return result
  }
  return () => ofLife === host.life && count > 0
}
