/**
 * Disks that fail and disks that are full, under the whole server: what lies on them is offline and says KAFKA_STORAGE_ERROR, all else
 * goes on, the process lives, and after a restart all that was acknowledged is there.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BatchBuilder, ErrorCode } from '@ottla/protocol'
import { Produce } from '@ottla/protocol/messages/00-produce'
import type { Client } from '@ottla/client'
import { Ledger, newPassage } from '../long/ledger.ts'
import { endsOf, readOn } from '../long/reading.ts'
import { Sender } from './actors.ts'
import { trySeeds } from './seeds.ts'
import { Stage } from './stage.ts'

const SEEDS_MIN = 10
const BUDGET_MS = 2_000
/** Seeds that once failed. */
const KEPT: readonly number[] = []
const TOPIC = 'disks'
const PARTITIONS = 2
/** More than a full disk has room for. */
const LARGE_BYTES = 4000
const DIRECTORIES = ['/data/logs-a', '/data/logs-b']
const TWO_DISKS = { 'log.dirs': DIRECTORIES.join(','), 'log.flush.before.ack': 'true' }

/** A server with one partition on each of its two directories, and producers that send to both. */
class Scene {
  readonly stage: Stage
  readonly checker: Client
  readonly ledger = new Ledger(PARTITIONS, ['inOrder', 'once'])
  readonly senders: readonly Sender[]

  constructor(seed: number, settings: Readonly<Record<string, string>>) {
    this.stage = new Stage(seed, { stallRate: 0.01, coldRate: 0.1, diskMs: 4 }, settings)
    this.checker = this.stage.client('checker')
    const alice = this.stage.client('alice')
    const options = [
      { acks: 'all', idempotent: false },
      { acks: 'all', maxInFlight: 1 },
    ] as const
    this.senders = options.map((each, id) => new Sender(this.stage.world.host('alice'), alice, TOPIC, this.ledger, id, each))
  }

  async begin(): Promise<void> {
    const { stage } = this
    await stage.start()
    await stage.complete(this.checker.admin().createTopic({ name: TOPIC, partitions: PARTITIONS }))
    for (const sender of this.senders) sender.start()
    await stage.pass(stage.world.dice.fraction() * 400)
  }

  /** What a produce of one record to the partition is answered. */
  async produce(partition: number, sizeBytes = 10): Promise<number> {
    const builder = new BatchBuilder({ sizeBytesMax: 6000, codec: 0 })
    builder.append(null, Buffer.alloc(sizeBytes, 'probe'), [], this.stage.host.clock.now())
    const { cluster } = this.checker
    const { topicId } = await cluster.topic(TOPIC)
    const connection = await cluster.any()
    const topicData = [{ name: TOPIC, topicId, partitionData: [{ index: partition, records: builder.build() }] }]
    const answer = await connection.request(Produce, { acks: -1, timeoutMs: 5000, topicData })
    return answer.responses[0]!.partitionResponses[0]!.errorCode
  }

  /** All senders end, and what they were told is there. */
  async finish(): Promise<void> {
    const { stage, checker, ledger } = this
    await stage.complete(Promise.all(this.senders.map((sender) => sender.stop())))
    const ends = await stage.complete(endsOf(checker, TOPIC, PARTITIONS))
    const passages = ends.map(newPassage)
    await stage.complete(readOn(checker, TOPIC, ledger, passages, ends))
    for (const [partition, passage] of passages.entries()) ledger.complete(partition, passage)
    await stage.end('stop')
  }
}

test('a disk that fails takes its partitions offline, and nothing else', async (t) => {
  let acked = 0
  const count = await trySeeds(KEPT, SEEDS_MIN, BUDGET_MS, async (seed) => {
    const scene = new Scene(seed, TWO_DISKS)
    const { stage } = scene
    const { dice } = stage.world
    await scene.begin()
    const failing = dice.below(PARTITIONS)
    const directory = DIRECTORIES.find((path) => stage.host.disk.peek(`${path}/${TOPIC}-${failing}/partition.metadata`) !== null)
    assert.ok(directory !== undefined)
    stage.host.disk.failNext(dice.chance(0.5) ? 'write' : 'sync', 'io', `${directory}/${TOPIC}-${failing}`)
    await stage.pass(500)
    assert.equal(await stage.complete(scene.produce(failing)), ErrorCode.KAFKA_STORAGE_ERROR)
    assert.equal(await stage.complete(scene.produce(1 - failing)), ErrorCode.NONE)
    await stage.end(dice.chance(0.5) ? 'crash' : 'kill')
    await stage.start()
    await scene.finish()
    acked += scene.ledger.ackedCount
  })
  t.diagnostic(`${count} seeds, ${acked} records acknowledged`)
  assert.ok(acked > count * 20)
})

test('a full disk refuses records and takes them again once there is room', async (t) => {
  let acked = 0
  const count = await trySeeds(KEPT, SEEDS_MIN, BUDGET_MS, async (seed) => {
    const scene = new Scene(seed, {})
    const { stage } = scene
    const { host } = stage
    const { dice } = stage.world
    await scene.begin()
    const room = await stage.complete(host.disk.freeBytes('/'))
    const whole = host.disk.capacityBytes
    host.disk.capacityBytes = whole - room + dice.below(LARGE_BYTES)
    await stage.pass(300)
    const before = scene.ledger.ackedCount
    const answers = await stage.complete(Promise.all([0, 1].map((partition) => scene.produce(partition, LARGE_BYTES))))
    assert.ok(answers.includes(ErrorCode.KAFKA_STORAGE_ERROR), `a full disk answers ${answers.join()}`)
    if (dice.chance(0.3)) await stage.end('kill')
    host.disk.capacityBytes = whole
    if (stage.server === null) await stage.start()
    await stage.pass(1500)
    assert.ok(scene.ledger.ackedCount > before, 'nothing is taken though there is room again')
    await scene.finish()
    acked += scene.ledger.ackedCount
  })
  t.diagnostic(`${count} seeds, ${acked} records acknowledged`)
})
