/** Disks that turn read-only and directories that go away, real ones: what lies there is offline and named once, the rest goes on. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { nodeEnv } from '@ottla/env/node'
import { ErrorCode } from '@ottla/protocol'
import { BrokerProcess, PROGRAM } from './broker-process.ts'
import { DiskClient, partitionsIn } from './disk-client.ts'
import { SmallDisk, whyNoMount } from './disk-mount.ts'

const LIMIT = { timeout: 60_000 }
const PARTITIONS = 4
const GROUPS = ['a', 'b', 'c', 'd', 'e', 'f']
const DISK_BYTES = 16 << 20

const env = nodeEnv({ logLevel: 'silent' })
const alive = setInterval(() => {}, 1 << 30)
after(() => clearInterval(alive))

/** A broker on two log directories, one record in each of its partitions, and groups on both. */
class Scene {
  readonly directory = mkdtempSync(join(tmpdir(), 'ottla-e2e-'))
  readonly failing: string
  readonly sound = `${this.directory}/sound`
  broker!: BrokerProcess
  client!: DiskClient
  /** The partitions that lie where it fails, and the others. */
  lost: number[] = []
  kept: number[] = []

  constructor(failing?: string) {
    this.failing = failing ?? `${this.directory}/failing`
  }

  async start(): Promise<void> {
    const overrides = {
      'log.dirs': `${this.failing},${this.sound}`,
      'offsets.topic.num.partitions': 2,
      'replica.high.watermark.checkpoint.interval.ms': 20,
    }
    this.broker = await BrokerProcess.start(overrides, { directory: this.directory })
    this.client = await DiskClient.open(env, this.broker, this.client?.acknowledged)
  }

  async begin(): Promise<void> {
    await this.start()
    const { client } = this
    await client.createTopic('t', PARTITIONS)
    this.lost = partitionsIn(this.failing, 't', PARTITIONS)
    this.kept = partitionsIn(this.sound, 't', PARTITIONS)
    assert.deepEqual([this.lost.length, this.kept.length], [2, 2])
    await client.createTopic('u', PARTITIONS)
    assert.equal(await client.findCoordinator('a'), 0)
    for (let partition = 0; partition < PARTITIONS; partition++) assert.equal(await client.produce('t', partition), 0)
    for (const group of GROUPS) assert.equal(await client.commit(group, 't'), 0)
  }

  /** Ends in good order, which its exit code says. */
  async end(): Promise<void> {
    this.client.close()
    assert.equal(await this.broker.end(), 0)
    assert.doesNotMatch(this.broker.output, /nobody foresaw|an append failed|Error:.*\n\s+at /)
  }

  /** Until a fault is noticed appends may go on; then these partitions refuse everything, and all others serve. */
  async untilOffline(line: RegExp, offline: readonly number[]): Promise<void> {
    const { broker, client } = this
    const said = broker.says(line)
    const isSaid = said.then(() => true)
    while (!(await Promise.race([isSaid, client.produce('t', offline[0]!).then(() => false)])));
    await this.checkOffline(offline)
    assert.equal([...broker.output.matchAll(new RegExp(line, 'g'))].length, 1, broker.output)
  }

  async checkOffline(offline: readonly number[]): Promise<void> {
    const { client } = this
    for (let round = 0; round < 5; round++) {
      for (let partition = 0; partition < PARTITIONS; partition++) {
        const code = offline.includes(partition) ? ErrorCode.KAFKA_STORAGE_ERROR : 0
        assert.equal(await client.produce('t', partition), code, `partition ${partition}`)
        assert.equal((await client.fetch('t', partition, 0)).errorCode, code, `partition ${partition}`)
      }
    }
    for (const { partitionIndex, errorCode, leaderId, replicaNodes, offlineReplicas } of await client.metadata('t')) {
      const isOffline = offline.includes(partitionIndex)
      assert.equal(errorCode, isOffline ? ErrorCode.LEADER_NOT_AVAILABLE : 0)
      assert.equal(leaderId === -1, isOffline)
      assert.deepEqual(offlineReplicas, isOffline ? replicaNodes : [])
    }
  }

  /** Some commit; those whose partition is offline look for another coordinator. */
  async checkGroups(some: boolean): Promise<void> {
    const codes = await Promise.all(GROUPS.map((group) => this.client.commit(group, 't')))
    assert.equal(codes.includes(ErrorCode.NOT_COORDINATOR), some)
    assert.ok(codes.includes(0))
    for (const [at, code] of codes.entries()) {
      assert.ok(code === 0 || code === ErrorCode.NOT_COORDINATOR, `code ${code}`)
      assert.equal(await this.client.findCoordinator(GROUPS[at]!), code === 0 ? 0 : ErrorCode.COORDINATOR_NOT_AVAILABLE)
    }
  }

  async checkAll(partitions: readonly number[]): Promise<void> {
    for (const partition of partitions) await this.client.check('t', partition)
  }

  /** After a restart all is there again. */
  async comeBackWhole(): Promise<void> {
    await this.start()
    await this.checkAll([...this.lost, ...this.kept])
    await this.checkGroups(false)
    await this.end()
  }

  async remove(): Promise<void> {
    await this.broker.end('SIGKILL')
    rmSync(this.directory, { recursive: true, force: true })
  }
}

test('a file system that turns read-only while running, and is so at a start', { ...LIMIT, skip: whyNoMount() }, async () => {
  const disk = new SmallDisk(DISK_BYTES)
  const scene = new Scene(`${disk.path}/logs`)
  try {
    await scene.begin()
    disk.coverReadOnly()
    await scene.untilOffline(/logs: the disk failed; its partitions are offline until a restart/, scene.lost)
    await scene.checkGroups(true)
    await scene.checkAll(scene.kept)
    await scene.end()

    await scene.start()
    assert.match(scene.broker.output, /read-only.*logs: the disk failed; its partitions are offline until a restart/)
    await scene.checkOffline(scene.lost)
    await scene.checkGroups(true)
    await scene.end()

    disk.uncover()
    disk.setReadOnly(true)
    await scene.start()
    await scene.checkOffline(scene.lost)
    // what lies in the directory that is offline must not begin anew in the other one
    assert.deepEqual(partitionsIn(scene.sound, 't', PARTITIONS), scene.kept)
    await scene.end()

    disk.setReadOnly(false)
    await scene.comeBackWhole()
  } finally {
    await scene.remove()
    disk.remove()
  }
})

test('a partition whose directory is removed is offline alone', LIMIT, async () => {
  const scene = new Scene()
  try {
    await scene.begin()
    const [gone] = scene.lost as [number]
    rmSync(`${scene.failing}/t-${gone}`, { recursive: true, maxRetries: 20 })
    await scene.untilOffline(new RegExp(`t-${gone}: its files are gone from the disk`), [gone])
    await scene.checkGroups(false)
    await scene.end()
    await scene.start()
    assert.match(scene.broker.output, new RegExp(`t-${gone} has no directory in log.dirs: it begins anew, empty`))
    scene.client.acknowledged.delete(`t-${gone}`)
    assert.equal(await scene.client.produce('t', gone), 0)
    await scene.checkAll([...scene.lost, ...scene.kept])
    await scene.end()
  } finally {
    await scene.remove()
  }
})

test('a log directory that is renamed away is offline, and back with all it had', LIMIT, async () => {
  const scene = new Scene()
  try {
    await scene.begin()
    renameSync(scene.failing, `${scene.failing}-away`)
    await scene.untilOffline(/failing: the disk failed; its partitions are offline until a restart/, scene.lost)
    await scene.checkGroups(true)
    await checkProduceSays(scene)
    await scene.client.deleteTopic('u')
    await scene.end()
    renameSync(`${scene.failing}-away`, scene.failing)
    await scene.comeBackWhole()
  } finally {
    await scene.remove()
  }
})

/** `ottla produce` says once what it waits for. */
async function checkProduceSays({ broker, lost }: Scene): Promise<void> {
  const words = ['produce', 't', '--partition', String(lost[0]), '--bootstrap', `127.0.0.1:${broker.port}`]
  const child = spawn(PROGRAM, words, { stdio: ['pipe', 'ignore', 'pipe'] })
  child.stdin.end('one\ntwo\n')
  const gone = once(child, 'close')
  const [said] = (await Promise.race([once(child.stderr, 'data'), gone])) as [Buffer]
  assert.match(String(said), /^Not written yet, .*LEADER_NOT_AVAILABLE/)
  child.kill()
  await gone
}

test('a log directory that is removed is offline, and the broker stops and starts in good order', LIMIT, async () => {
  const scene = new Scene()
  try {
    await scene.begin()
    // new files may come in while it goes on
    rmSync(scene.failing, { recursive: true, maxRetries: 20 })
    await scene.untilOffline(/failing: the disk failed; its partitions are offline until a restart/, scene.lost)
    await scene.checkGroups(true)
    await scene.end()
    await scene.start()
    for (const partition of scene.lost) scene.client.acknowledged.delete(`t-${partition}`)
    for (const partition of scene.lost) assert.equal(await scene.client.produce('t', partition), 0)
    await scene.checkAll([...scene.lost, ...scene.kept])
    await scene.end()
  } finally {
    await scene.remove()
  }
})
