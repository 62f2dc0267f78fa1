/**
 * A disk that does not answer, under the shipped process (`disk-shim.c`): first syncs, durable writes and cold reads hang, as they do when a
 * device stops; later writes to the page cache as well, as the kernel lets them once too much waits for the device. All else is served.
 */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { BrokerConnection } from '@ottla/client'
import { nodeEnv } from '@ottla/env/node'
import { ErrorCode } from '@ottla/protocol'
import { Fetch } from '@ottla/protocol/messages/01-fetch'
import { BrokerProcess } from './broker-process.ts'
import { DiskClient, partitionsIn } from './disk-client.ts'
import { DiskShim, whyNoShim } from './disk-shim.ts'

const LIMIT = { timeout: 60_000, skip: whyNoShim() }
/** More than the process has threads for. */
const COLD_PARTITIONS = 64
const PARTITIONS = 4
const ROUNDS = 30

const env = nodeEnv({ logLevel: 'silent' })
const alive = setInterval(() => {}, 1 << 30)
after(() => clearInterval(alive))

interface Scene {
  readonly broker: BrokerProcess
  readonly shim: DiskShim
  readonly open: () => Promise<DiskClient>
}

/** A broker with one log directory that obeys and one that is sound. */
async function onTwoDisks(work: (scene: Scene, failing: string, sound: string) => Promise<void>): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'ottla-e2e-'))
  const clients: DiskClient[] = []
  const failing = `${directory}/failing`
  const sound = `${directory}/sound`
  const shim = new DiskShim(directory, failing, `${failing}/cold-`)
  const overrides = {
    'log.dirs': `${failing},${sound}`,
    'offsets.topic.num.partitions': 2,
    'replica.high.watermark.checkpoint.interval.ms': 50,
  }
  const broker = await BrokerProcess.start(overrides, { directory, environment: shim.environment })
  const acknowledged = new Map<string, string[]>()
  const open = async (): Promise<DiskClient> => {
    const client = await DiskClient.open(env, broker, acknowledged)
    clients.push(client)
    return client
  }
  try {
    await work({ broker, shim, open }, failing, sound)
    assert.doesNotMatch(broker.output, /nobody foresaw|an append failed/)
  } finally {
    for (const client of clients) client.close()
    await broker.end('SIGKILL')
    rmSync(directory, { recursive: true })
  }
}

test('a stalled disk stalls no reader or producer elsewhere, nor readers of what is in memory', LIMIT, () =>
  onTwoDisks(async ({ broker, shim, open }, failing, sound) => {
    const client = await open()
    await client.createTopic('t', PARTITIONS)
    await client.createTopic('synced', PARTITIONS, { 'flush.before.ack': 'true' })
    await client.createTopic('cold', COLD_PARTITIONS)
    const [stalled, stalledToo] = partitionsIn(failing, 't', PARTITIONS) as [number, number]
    const well = partitionsIn(sound, 't', PARTITIONS)[0]!
    const syncedWell = partitionsIn(sound, 'synced', PARTITIONS)[0]!
    const syncedStalled = partitionsIn(failing, 'synced', PARTITIONS)[0]!
    const cold = partitionsIn(failing, 'cold', COLD_PARTITIONS)
    const coldWell = partitionsIn(sound, 'cold', COLD_PARTITIONS)[0]!
    for (let partition = 0; partition < PARTITIONS; partition++) assert.equal(await client.produce('t', partition), 0)
    for (const partition of [...cold, coldWell]) assert.equal(await client.produce('cold', partition), 0)

    shim.order('stall-sync')
    shim.order('stall-read')
    const appended = (await open()).produce('t', stalled)
    assert.equal(await appended, 0, 'the page cache takes it')
    await broker.says(/failing: the disk does not answer/)
    shim.order('stall-write')

    const waiting = await Promise.all([open(), open()])
    const answers = waiting.map((each, at) => each.produce('t', [stalled, stalledToo][at]!))
    const synced = (await open()).produce('synced', syncedStalled)
    assert.ok((await fetchFirst(broker, { cold })).every(({ errorCode, isEmpty }) => errorCode === 0 && isEmpty))
    for (let round = 0; round < ROUNDS; round++) {
      assert.equal(await client.produce('t', well), 0)
      assert.equal(await client.produce('synced', syncedWell), 0)
      assert.equal((await client.fetch('t', well, round + 1)).values.length, 1)
      assert.equal((await client.fetch('cold', coldWell, 0)).values.length, 1)
      assert.equal((await client.fetch('t', stalled, 1)).values.length, 1, 'what is in memory is served')
    }
    assert.deepEqual((await client.fetch('t', stalled, 2, 0)).values, [], 'nothing is seen before it is written')
    const mixed = await fetchFirst(broker, { cold: [cold[0]!], t: [well] })
    assert.deepEqual(mixed, [
      { errorCode: 0, isEmpty: true },
      { errorCode: 0, isEmpty: false },
    ])
    assert.equal([...broker.output.matchAll(/the disk does not answer/g)].length, 1)

    for (const order of ['stall-write', 'stall-sync', 'stall-read'] as const) shim.lift(order)
    for (const answer of answers) assert.equal(await answer, 0)
    assert.equal(await synced, 0)
    await broker.says(/failing: the disk answers again/)
    for (const partition of cold) await client.check('cold', partition)
    for (let partition = 0; partition < PARTITIONS; partition++) await client.check('t', partition)
    assert.equal(await broker.end(), 0)
  }),
)

/** One fetch of the first records of many partitions, on a connection of its own. */
async function fetchFirst(
  broker: BrokerProcess,
  asked: Readonly<Record<string, number[]>>,
): Promise<{ errorCode: number; isEmpty: boolean }[]> {
  const connection = await BrokerConnection.open(env, { host: '127.0.0.1', port: broker.port }, { clientId: 'first' })
  const topics = Object.entries(asked).map(([topic, numbers]) => {
    return { topic, partitions: numbers.map((partition) => ({ partition, fetchOffset: 0, partitionMaxBytes: 1 << 20 })) }
  })
  const answer = await connection.request(Fetch, { maxWaitMs: 100, minBytes: 1, topics, forgottenTopicsData: [] }, { versionMax: 12 })
  connection.close()
  return answer.responses.flatMap(({ partitions }) =>
    partitions.map(({ errorCode, records }) => ({ errorCode, isEmpty: records!.length === 0 })),
  )
}

for (const operation of ['sync', 'write', 'read'] as const) {
  test(`a device that fails to ${operation} takes its log directory offline, and nothing else`, LIMIT, () =>
    onTwoDisks(async ({ broker, shim, open }, failing, sound) => {
      const client = await open()
      await client.createTopic('t', PARTITIONS)
      await client.createTopic('cold', 2)
      const lost = partitionsIn(failing, 't', PARTITIONS)
      const kept = partitionsIn(sound, 't', PARTITIONS)
      const [cold] = partitionsIn(failing, 'cold', 2) as [number]
      for (const partition of [...lost, ...kept]) assert.equal(await client.produce('t', partition), 0)
      assert.equal(await client.produce('cold', cold), 0)

      shim.order(`fail-${operation}`)
      if (operation === 'read') assert.equal((await client.fetch('cold', cold, 0)).errorCode, ErrorCode.KAFKA_STORAGE_ERROR)
      if (operation === 'write') assert.equal(await client.produce('t', lost[0]!), ErrorCode.KAFKA_STORAGE_ERROR)
      await broker.says(/failing: the disk failed; its partitions are offline until a restart/)
      for (const partition of lost) assert.equal(await client.produce('t', partition), ErrorCode.KAFKA_STORAGE_ERROR)
      for (const partition of kept) {
        assert.equal(await client.produce('t', partition), 0)
        await client.check('t', partition)
      }
      shim.lift(`fail-${operation}`)
      assert.equal(await broker.end(), 0)
      assert.equal([...broker.output.matchAll(/"level":"(error|warn)"/g)].length, 1, broker.output)
    }),
  )
}
