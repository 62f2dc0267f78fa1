/** A full disk, a real one: what it has is served, what is refused is said once, and with room again all goes on without a restart. */
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { nodeEnv } from '@ottla/env/node'
import { ErrorCode } from '@ottla/protocol'
import { BrokerProcess } from './broker-process.ts'
import { DiskClient, partitionsIn } from './disk-client.ts'
import { SmallDisk, whyNoMount } from './disk-mount.ts'

const LIMIT = { timeout: 60_000, skip: whyNoMount() }
const RECORD_BYTES = 50_000
const BALLAST_BYTES = 1 << 20

const env = nodeEnv({ logLevel: 'silent' })
const alive = setInterval(() => {}, 1 << 30)
let directory: string

before(() => {
  directory = mkdtempSync(join(tmpdir(), 'ottla-e2e-'))
})

after(() => {
  clearInterval(alive)
  rmSync(directory, { recursive: true })
})

const linesOf = (broker: BrokerProcess, pattern: RegExp): string[] => broker.output.split('\n').filter((line) => pattern.test(line))

test('a full disk refuses, is told once, serves what it has, and takes more when there is room', LIMIT, async () => {
  const disk = new SmallDisk(6 << 20)
  const overrides = {
    'log.dirs': `${disk.path}/logs,${directory}/logs`,
    'offsets.topic.num.partitions': 2,
    'replica.high.watermark.checkpoint.interval.ms': 50,
    'log.segment.bytes': 1 << 20,
  }
  let broker = await BrokerProcess.start(overrides, { directory })
  try {
    writeFileSync(`${disk.path}/ballast`, Buffer.alloc(BALLAST_BYTES))
    let client = await DiskClient.open(env, broker)
    await client.createTopic('t', 4)
    const [full, fullToo] = partitionsIn(`${disk.path}/logs`, 't', 4) as [number, number]
    const [well] = partitionsIn(`${directory}/logs`, 't', 4) as [number]
    const groups = ['a', 'b', 'c', 'd', 'e', 'f']
    assert.equal(await client.findCoordinator('a'), 0)
    for (const group of groups) assert.equal(await client.commit(group, 't'), 0)

    while ((await client.produce('t', full, RECORD_BYTES)) === 0);
    for (let i = 0; i < 50; i++) {
      assert.equal(await client.produce('t', full, RECORD_BYTES), ErrorCode.KAFKA_STORAGE_ERROR)
      assert.equal(await client.produce('t', fullToo, RECORD_BYTES), ErrorCode.KAFKA_STORAGE_ERROR)
      assert.equal(await client.produce('t', well), 0)
    }
    await broker.says(/no space left/)
    assert.equal(linesOf(broker, /"level":"(error|warn)"/).length, 1, broker.output)
    assert.ok((await client.metadata('t')).every(({ errorCode, leaderId }) => errorCode === 0 && leaderId >= 0))
    for (const partition of [full, fullToo, well]) await client.check('t', partition)
    const commits = await Promise.all(groups.map((group) => client.commit(group, 't')))
    assert.ok(commits.includes(0), 'groups of the other disk commit')
    for (const code of commits) assert.ok(code === 0 || code === ErrorCode.NOT_COORDINATOR)

    rmSync(`${disk.path}/ballast`)
    for (const partition of [full, fullToo]) assert.equal(await client.produce('t', partition, RECORD_BYTES), 0)
    await broker.says(/there is room again/)
    for (const group of groups) assert.equal(await client.commit(group, 't'), 0)

    while ((await client.produce('t', full, RECORD_BYTES)) === 0);
    client.close()
    assert.equal(await broker.end(), 0, 'it stops in good order on a full disk')
    broker = await BrokerProcess.start(overrides, { directory })
    client = await DiskClient.open(env, broker, client.acknowledged)
    for (const partition of [full, fullToo, well]) await client.check('t', partition)
    assert.equal(await client.produce('t', full, RECORD_BYTES), ErrorCode.KAFKA_STORAGE_ERROR)
    client.close()
    assert.equal(await broker.end('SIGKILL'), null)
    broker = await BrokerProcess.start(overrides, { directory })
    client = await DiskClient.open(env, broker, client.acknowledged)
    for (const partition of [full, fullToo, well]) await client.check('t', partition)
    assert.equal(await client.produce('t', well), 0)
    client.close()
    assert.doesNotMatch(broker.output, /nobody foresaw|an append failed/)
  } finally {
    await broker.end()
    disk.remove()
  }
})

/** Makes topics, each refused for its log, until the one whose znodes find no room for so many-th time; resolves when that is answered. */
async function createUntilFull(client: DiskClient, broker: BrokerProcess, count: number): Promise<void> {
  const isFull = (): boolean => linesOf(broker, /keeper: no space left/).length >= count
  for (let number = 0; !isFull(); number++) await client.createTopic(`w${count}-${number}`, 1).catch(() => {})
}

test('where topics are kept on the full disk too, changes of them wait for room, and a stop waits for nothing', LIMIT, async () => {
  const disk = new SmallDisk(4 << 20)
  const home = { directory: `${disk.path}/home` }
  mkdirSync(home.directory)
  let broker = await BrokerProcess.start({}, home)
  try {
    let client = await DiskClient.open(env, broker)
    const ballast = (sizeBytes: number): void => writeFileSync(`${disk.path}/ballast`, Buffer.alloc(sizeBytes))
    const fill = async (): Promise<void> => {
      for (const sizeBytes of [RECORD_BYTES, 1000, 10]) while ((await client.produce('t', 0, sizeBytes)) === 0);
    }
    await client.createTopic('t', 1)
    ballast(BALLAST_BYTES)
    await fill()
    const other = await DiskClient.open(env, broker)
    const made = createUntilFull(other, broker, 1)
    await broker.says(/keeper: no space left/)
    await client.check('t', 0)
    rmSync(`${disk.path}/ballast`)
    await broker.says(/keeper: there is room again/)
    await made
    other.close()
    await client.createTopic('v', 1)
    assert.equal(await client.produce('v', 0), 0)

    ballast(BALLAST_BYTES / 4)
    await fill()
    const never = await DiskClient.open(env, broker)
    const unanswered = createUntilFull(never, broker, 2)
    await broker.says(/keeper: no space left/, 2)
    client.close()
    assert.equal(await broker.end(), 0)
    await unanswered
    rmSync(`${disk.path}/ballast`)
    broker = await BrokerProcess.start({}, home)
    client = await DiskClient.open(env, broker, client.acknowledged)
    for (const topic of ['t', 'v']) await client.check(topic, 0)
    client.close()
    assert.doesNotMatch(broker.output, /nobody foresaw/)
  } finally {
    await broker.end('SIGKILL')
    disk.remove()
  }
})
