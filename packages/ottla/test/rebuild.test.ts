import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { BrokerProcess } from './ottla-process.ts'

async function started(t: TestContext): Promise<BrokerProcess> {
  const broker = new BrokerProcess()
  t.after(() => broker.stop())
  await broker.start()
  return broker
}

/** Everything below a directory: names, sizes, times. Taking a lock touches its file. */
function listing(directory: string): string[] {
  return readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .filter((name) => !name.endsWith('.lock'))
    .sort()
    .map((name) => {
      const { size, mtimeMs, ino } = statSync(join(directory, name))
      return `${name} ${size} ${mtimeMs} ${ino}`
    })
}

/** The keeper's log of the transactions since its newest snapshot, or all. */
function keeperLog({ keeper }: BrokerProcess): string {
  const names = readdirSync(keeper).filter((name) => /^entries\.[0-9a-f]+$/.test(name))
  assert.equal(names.length, 1)
  return names[0]!
}

/** Flips a bit of the keeper's log, far below its end. */
function flipKeeperBit(broker: BrokerProcess, at = 60): string {
  const path = join(broker.keeper, keeperLog(broker))
  const bytes = readFileSync(path)
  bytes[at]! ^= 1
  writeFileSync(path, bytes)
  return path
}

test('without the tree of its logs a start is refused: what was found, what may be wrong, what can be done; and nothing is written', async (t) => {
  const broker = await started(t)
  await broker.run(['produce', 'kept'], 'one\n')
  await broker.end('SIGTERM')
  const { 'cluster.id': clusterId } = Object.fromEntries(
    readFileSync(join(broker.logs, 'meta.properties'), 'utf8')
      .split('\n')
      .map((line) => line.split('=')),
  ) as Record<string, string>
  rmSync(broker.keeper, { recursive: true })
  for (const emptied of [false, true]) {
    if (emptied) mkdirSync(broker.keeper)
    const before = listing(broker.directory)
    await assert.rejects(broker.start(), ({ message }: Error) => {
      assert.match(
        message,
        new RegExp(`ended with 1: .*hold the logs of cluster ${clusterId}, broker 1 \\(${broker.logs}/meta.properties\\)`),
      )
      assert.match(
        message,
        /1 topic\(s\): kept, but keeper\.dir=\S+\/keeper holds no tree .* nothing was written.*set keeper\.dir.*ottla rebuild/,
      )
      return true
    })
    assert.deepEqual(listing(broker.directory), before)
  }
})

test('a damaged log of the keeper is told with its place and with what can be done', async (t) => {
  const broker = await started(t)
  await broker.run(['produce', 'kept'], 'one\n')
  await broker.end('SIGTERM')
  const path = flipKeeperBit(broker)
  await assert.rejects(broker.start(), ({ message }: Error) => {
    assert.match(message, new RegExp(`${path} is damaged at \\d+, in entry \\d+.*backup.*ottla rebuild --from-keeper.*ottla rebuild`))
    return true
  })
})

const RECORDS = '{"key":"k","value":"one","timestamp":1700000000000,"headers":{"h":"x"}}\n{"value":"two","timestamp":1700000000001}\n'

/** Topics with records, a group that has read some, and what they look like from outside. */
async function filled(t: TestContext): Promise<{ broker: BrokerProcess; records: string; topics: string }> {
  const broker = await started(t)
  await Promise.all([
    broker.run(['topics', 'create', 'kept', '-p', '3']),
    broker.run(['topics', 'create', 'own', '-c', 'cleanup.policy=compact', '-c', 'max.message.bytes=5000']),
  ])
  await broker.run(['produce', 'kept', '--json', '-p', '1'], RECORDS)
  await broker.run(['produce', 'own', '--json'], RECORDS.replace('"value":"two"', '"key":"l","value":"two"'))
  await broker.run(['consume', 'kept', '--group', 'readers', '--max', '1'])
  return { broker, records: await recordsOf(broker), topics: await topicsOf(broker) }
}

const recordsOf = async (broker: BrokerProcess): Promise<string> =>
  (await broker.run(['consume', 'kept', 'own', '--json', '--from', 'beginning', '--exit'])).out.split('\n').sort().join('\n')

const topicsOf = async (broker: BrokerProcess): Promise<string> => (await broker.run(['topics', '--json', 'list'])).out

test('a lost tree is rebuilt from the logs: first shown, then written; the same topics, ids and records, and groups go on', async (t) => {
  const { broker, records, topics } = await filled(t)
  await broker.end('SIGTERM')
  rmSync(broker.keeper, { recursive: true })
  const before = listing(broker.directory)
  const words = ['rebuild', ...broker.overrides, '--config', 'own:cleanup.policy=compact']
  const shown = await broker.run(words)
  assert.equal(shown.code, 0, shown.err)
  assert.match(shown.out, /^kept +\S{22} +3 +0 +\d+ +lost retention.ms=-1 retention.bytes=-1$/m)
  assert.match(shown.out, /^own +\S{22} +1 +0 +\d+ +given .*cleanup.policy=compact$/m)
  assert.match(shown.out, /^__consumer_offsets +\S{22} +1 +0 +\d+ +the brokers' own cleanup.policy=compact/m)
  assert.match(
    shown.out,
    /configurations of these topics are lost: kept;.*nothing is deleted.*--config topic:key=value.*ottla topics alter/,
  )
  assert.match(shown.out, /Nothing was written: with --yes/)
  assert.deepEqual(listing(broker.directory), before)
  const done = await broker.run([...words, '--yes'])
  assert.deepEqual([done.code, done.err], [0, ''])
  await broker.start()
  assert.equal(await topicsOf(broker), topics)
  assert.equal(await recordsOf(broker), records)
  assert.equal((await broker.run(['consume', 'kept', '--group', 'readers', '--max', '1'])).out, 'two\n')
  assert.equal((await broker.run(['produce', 'kept'], 'three\n')).code, 0)
  await broker.end('SIGTERM')
  const again = await broker.run(['rebuild', ...broker.overrides, '--yes'])
  assert.equal(again.code, 1)
  assert.match(again.err, /holds the whole tree of cluster \S+, so nothing needs to be rebuilt/)
})

test('a damaged tree is read up to the damage, what is behind it comes from the logs; the old directory is kept', async (t) => {
  const { broker, records, topics } = await filled(t)
  await broker.end('SIGTERM')
  // a later life's transactions come behind those of the topics
  await broker.start()
  const end = statSync(join(broker.keeper, keeperLog(broker))).size
  await broker.run(['topics', 'create', 'late', '-c', 'max.message.bytes=4000'])
  await broker.end('SIGTERM')
  const path = flipKeeperBit(broker, end + 40)
  const damaged = readFileSync(path)
  const shown = await broker.run(['rebuild', ...broker.overrides])
  assert.match(
    shown.out,
    /is damaged at \d+, in entry \d+; transactions can be read to 0x[0-9a-f]+, those after it, to 0x[0-9a-f]+ at least, are lost/,
  )
  const done = await broker.run(['rebuild', ...broker.overrides, '--from-keeper', '--yes'])
  assert.deepEqual([done.code, done.err], [0, ''])
  assert.match(done.out, /^own +\S+ +1 +0 +\d+ +from the old tree (?=.*cleanup.policy=compact)(?=.*max.message.bytes=5000)/m)
  assert.match(done.out, /configurations of these topics are lost: late;/)
  const aside = /what was there is in (\S+),/.exec(done.out)![1]!
  assert.deepEqual(readFileSync(path.replace(broker.keeper, aside)), damaged)
  const missed = await broker.run(['rebuild', ...broker.overrides.slice(0, 4), '--override', `keeper.dir=${broker.keeper}/`])
  assert.match(missed.err, /holds the whole tree/)
  await broker.start()
  assert.deepEqual(
    (await topicsOf(broker)).split('\n').filter((line) => !line.includes('"late"')),
    topics.split('\n'),
  )
  assert.equal(await recordsOf(broker), records)
  assert.match((await broker.run(['topics', '--json', 'describe', 'own'])).out, /"cleanup.policy":"compact"/)
  assert.equal((await broker.run(['consume', 'kept', '--group', 'readers', '--max', '1'])).out, 'two\n')
})

test('what must be settled first is told, and nothing is written', async (t) => {
  const broker = await started(t)
  await broker.run(['topics', 'create', 'kept', '-p', '3'])
  const running = await broker.run(['rebuild', ...broker.overrides])
  assert.equal(running.code, 1)
  assert.match(running.err, /another process/)
  await broker.end('SIGTERM')
  rmSync(broker.keeper, { recursive: true })
  rmSync(join(broker.logs, 'kept-1'), { recursive: true })
  const file = join(broker.directory, 'file')
  writeFileSync(file, 'precious')
  const before = listing(broker.directory)
  const settle = async (words: string[], sentence: RegExp): Promise<void> => {
    const { code, err } = await broker.run(['rebuild', ...broker.overrides, '--yes', ...words])
    assert.equal(code, 1)
    assert.match(err, sentence)
    assert.deepEqual(listing(broker.directory), before)
  }
  await settle(['--override', `keeper.dir=${file}`], /keeper\.dir=\S+ is a file: it must be a directory/)
  for (const path of [broker.logs, join(broker.logs, 'kept-0'), join(broker.logs, 'keeper'), broker.directory]) {
    await settle(
      ['--override', `keeper.dir=${path}`],
      new RegExp(`keeper\\.dir=${path} and ${broker.logs} of log\\.dirs lie one within the other`),
    )
  }
  await settle([], /kept has no directory for partition 1 of 3.*--make-missing[^]*Nothing was written/)
  await settle(['--from-keeper'], /nothing can be read in \S+: leave out --from-keeper/)
  assert.equal((await broker.run(['rebuild', '--config', 'x'])).code, 2)
  const done = await broker.run(['rebuild', ...broker.overrides, '--make-missing', '--yes'])
  assert.equal(done.code, 0, done.err)
  await broker.start()
  assert.equal((await broker.run(['produce', 'kept', '-p', '1'], 'new\n')).code, 0)
})
