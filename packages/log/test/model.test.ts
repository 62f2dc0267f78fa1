import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { World, type Host } from '@ottla/env/sim'
import { recordBatch } from '@ottla/protocol'
import { Slab } from '@ottla/wire'
import { checkSegment, LogDirectory, type LogConfig, type PartitionLog } from '../src/index.ts'
import { batch, CLIENT, config, TOPIC_ID } from './batches.ts'

type Step =
  | { readonly kind: 'append'; readonly count: number; readonly valueBytes: number; readonly timestamp: number; readonly common: boolean }
  | { readonly kind: 'read'; readonly offset: number; readonly maxBytes: number; readonly end: number }
  | { readonly kind: 'time'; readonly timestamp: number }
  | { readonly kind: 'cut'; readonly offset: number }
  | { readonly kind: 'deleteBefore'; readonly offset: number }
  | { readonly kind: 'reopen' | 'kill' | 'flush' | 'retention' }

const fraction = fc.double({ min: 0, max: 1, noNaN: true })
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('append' as const),
      count: fc.integer({ min: 1, max: 4 }),
      valueBytes: fc.integer({ min: 0, max: 300 }),
      timestamp: fc.integer({ min: 0, max: 5000 }),
      common: fc.boolean(),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('read' as const),
      offset: fraction,
      maxBytes: fc.integer({ min: 1, max: 3000 }),
      end: fraction,
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('time' as const), timestamp: fc.integer({ min: 0, max: 5200 }) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('cut' as const), offset: fraction }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('deleteBefore' as const), offset: fraction }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constantFrom('reopen' as const, 'kill' as const, 'flush' as const, 'retention' as const) }),
  },
)

interface Kept {
  readonly baseOffset: number
  readonly lastOffset: number
  readonly bytes: Buffer
  readonly timestamps: readonly number[]
}

/** A log beside an array of the batches that it should hold. */
class Both {
  readonly host: Host
  readonly config: LogConfig
  directory!: LogDirectory
  log!: PartitionLog
  kept: Kept[] = []
  start = 0

  constructor(host: Host, settings: LogConfig) {
    this.host = host
    this.config = settings
  }

  async open(): Promise<void> {
    this.directory = await LogDirectory.open(this.host, '/logs', { brokerId: 1, clusterId: null })
    await this.directory.load(() => this.config)
    this.log = await this.directory.create('t', 0, TOPIC_ID, this.config)
    assert.equal(this.log.failed, null)
    assert.equal(this.log.logEndOffset, this.end)
  }

  get end(): number {
    return (this.kept.at(-1)?.lastOffset ?? this.start - 1) + 1
  }

  async take(each: Step): Promise<void> {
    if (each.kind === 'append') await this.#append(each)
    else if (each.kind === 'read') await this.#read(each)
    else if (each.kind === 'time') await this.#time(each.timestamp)
    else if (each.kind === 'flush') await this.log.flush()
    else if (each.kind === 'retention') await this.directory.runRetention()
    else if (each.kind === 'cut') await this.#cut(this.#at(each.offset))
    else if (each.kind === 'deleteBefore') {
      this.start = Math.max(this.start, this.#at(each.offset))
      assert.equal(this.log.deleteRecordsBefore(this.start), this.start)
    } else {
      if (each.kind === 'reopen') await this.directory.close()
      else await this.log.flush().then(() => this.directory.checkpoint())
      this.host.kill()
      await this.open()
      assert.equal(this.log.logStartOffset, this.start)
    }
    assert.equal(this.log.logEndOffset, this.end)
  }

  #at(part: number): number {
    return this.start + Math.floor(part * (this.end - this.start))
  }

  async #append(each: Step & { kind: 'append' }): Promise<void> {
    const bytes = batch(each)
    const slab = new Slab(Buffer.from(bytes), each.common)
    const stored = new Promise<void>((resolve, reject) => {
      const { baseOffset } = this.log.append(slab, 0, bytes.length, CLIENT, (error) => (error === null ? resolve() : reject(error)))
      assert.equal(baseOffset, this.end)
    })
    const now = Buffer.from(slab.bytes)
    if (each.common) slab.bytes.fill(0)
    const timestamps = Array.from({ length: each.count }, (_, i) => each.timestamp + i)
    this.kept.push({ baseOffset: this.end, lastOffset: this.end + each.count - 1, bytes: now, timestamps })
    await stored
  }

  async #read(each: Step & { kind: 'read' }): Promise<void> {
    const offset = this.#at(each.offset)
    const stop = this.kept.find((one) => one.baseOffset >= this.#at(each.end))?.baseOffset ?? this.end
    let slice = this.log.read(offset, each.maxBytes, stop, true)
    for (let tries = 0; slice !== null && !slice.cached && tries < 50; tries++) {
      await slice.warm()
      slice = this.log.read(offset, each.maxBytes, stop, true)
    }
    const expected = this.kept.filter((one) => one.lastOffset >= offset && one.baseOffset < stop)
    if (offset >= stop) {
      assert.equal(slice, null)
      return
    }
    assert.ok(slice !== null && slice.length > 0)
    const bytes = Buffer.alloc(slice.length)
    assert.equal(await slice.file.readLater(slice.position, bytes), slice.length)
    const whole = Buffer.concat(expected.map((one) => one.bytes))
    assert.ok(whole.subarray(0, bytes.length).equals(bytes), 'other bytes than were appended')
    assert.ok(bytes.length >= Math.min(expected[0]!.bytes.length, whole.length))
    assert.ok(bytes.length <= Math.max(each.maxBytes, expected[0]!.bytes.length))
  }

  async #time(timestamp: number): Promise<void> {
    const found = await this.log.offsetForTimestamp(timestamp)
    const expected = this.#records().find((record) => record.timestamp >= timestamp)
    assert.deepEqual(found && { offset: found.offset, timestamp: found.timestamp }, expected ?? null)
    const latest = await this.log.maxTimestamp()
    const largest = Math.max(...this.kept.flatMap((one) => one.timestamps))
    if (this.start === 0) assert.equal(latest?.timestamp ?? -Infinity, largest)
  }

  #records(): { offset: number; timestamp: number }[] {
    const all = this.kept.flatMap((one) => one.timestamps.map((timestamp, i) => ({ offset: one.baseOffset + i, timestamp })))
    return all.filter((record) => record.offset >= this.start)
  }

  async #cut(offset: number): Promise<void> {
    const end = this.kept.findLast((one) => one.lastOffset < offset)?.lastOffset
    const at = end === undefined ? (this.kept[0]?.baseOffset ?? 0) : end + 1
    if (at < this.start) return
    await this.log.truncateTo(at)
    this.kept = this.kept.filter((one) => one.lastOffset < at)
  }
}

test('a log holds what an array of batches would', async () => {
  const property = fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 60 }), fc.integer(), async (steps, seed) => {
    const world = new World(seed, { coldRate: 0.1, diskMs: 1 })
    const settings = config({ segmentBytes: 1500, indexIntervalBytes: 200, retentionMs: -1, fileDeleteDelayMs: 10 })
    const both = new Both(world.host('a'), settings)
    await world.complete(both.open(), 60_000)
    for (const each of steps) await world.complete(both.take(each), 60_000)
    await world.complete(both.directory.close(), 60_000)
    for (const segment of both.log.segments) {
      const report = await world.complete(checkSegment(both.host.disk, both.log.directory, segment.baseOffset), 60_000)
      assert.deepEqual(report.problems, [])
    }
    assert.ok(both.kept.every((one) => recordBatch.crcIsRight(one.bytes, 0)))
  })
  await fc.assert(property, { numRuns: Number(process.env['LOG_RUNS'] ?? 60), interruptAfterTimeLimit: 15_000 })
})
