/** A full disk, a real one: what it has is served, what is refused is said once, and with room again all goes on without a restart. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
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
    await client.findCoordinator('a')
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
