/**
 * `node bench/long-logs.ts`: how a broker starts on much that is there already, after a stop in order and after a kill under load; and
 * what very many partitions cost. Each start prints the time from its spawn to the first answers, and what it read.
 */
import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { createClient } from '@ottla/client'
import { nodeEnv } from '@ottla/env/node'
import { kafkaLibraries } from './kafka-jars.ts'
import { Load } from './load.ts'
import { cpuSeconds, residentMb, settleDisk } from './machine.ts'
import { FirstAnswers, allAnswer, type Topics } from './first-answers.ts'
import { CONTENDER_TITLES, kafkaContender, ottlaContender, type Contender, type Home } from './peers.ts'
import { runProgram, startDaemon, type Daemon } from './processes.ts'

const USAGE = `Usage: node bench/long-logs.ts [options]

  --gigabytes N        of the large log directory (default 10); 0: none
  --partitions N       that share them (default 1000)
  --many N             partitions of the directory with one record in each (default 20000); 0: none
  --descriptors a,b    limits that it is started with (ulimit -n; default 1024,20000)
  --kafka              Apache Kafka as well, on the same load
  --directory DIR      where the data goes (default a new one under the temporary directory); removed at the end`

const { values: options } = parseArgs({
  options: {
    gigabytes: { type: 'string', default: '10' },
    partitions: { type: 'string', default: '1000' },
    many: { type: 'string', default: '20000' },
    descriptors: { type: 'string', default: '1024,20000' },
    kafka: { type: 'boolean', default: false },
    directory: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
})
if (options.help) {
  console.log(USAGE)
  process.exit(0)
}
if (process.platform !== 'linux') throw new Error('it reads /proc and needs Linux')

const seconds = (since: number): string => `${((performance.now() - since) / 1000).toFixed(2)} s`
const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`
const TOPIC = 'long'
const TOPIC_PARTITIONS_MAX = 1000
const cache = fileURLToPath(new URL('../node_modules/.cache/bench', import.meta.url))
const base = mkdtempSync(`${options.directory ?? tmpdir()}/long-logs-`)
process.on('exit', () => rmSync(base, { recursive: true, force: true }))

const libraries = options.kafka ? await kafkaLibraries(cache) : undefined
const load = new Load({ realtime: false, cache, libraries: undefined })
await load.compile()
const contenders = [ottlaContender(base, load), ...(libraries === undefined ? [] : [kafkaContender(base, libraries, load)])]
for (const contender of contenders) {
  if (Number(options.gigabytes) > 0) await large(contender, Number(options.gigabytes) * 1e9, Number(options.partitions))
  if (Number(options.many) > 0) {
    for (const limit of options.descriptors.split(',')) await many(contender, Number(options.many), Number(limit))
  }
}

/** Few long logs. */
async function large(contender: Contender, bytes: number, partitions: number): Promise<void> {
  const home = await contender.newHome()
  const title = `${CONTENDER_TITLES[contender.name]}, ${bytes / 1e9} GB in ${partitions} partitions`
  const topics = topicsOf(partitions)
  let broker = await start(`${title}: new`, contender, home, null)
  for (const [topic, count] of topics) {
    const share = Math.round((bytes * count) / partitions)
    const words = ['-t', topic, '-p', count, '-r', 1000, '-n', 100, '-c', Math.min(250, count), '-i', 1, '-B', share]
    console.log(await kload(broker, 'produce', words))
  }
  await broker.stop()
  await settleDisk()
  for (const time of ['first', 'second']) {
    broker = await start(`${title}: after a stop in order, the ${time} time`, contender, home, topics)
    await broker.stop()
  }
  broker = await start(`${title}: before the kill`, contender, home, topics)
  const [topic, count] = topics[0]!
  const writing = kload(broker, 'produce', [
    '-t',
    topic,
    '-p',
    Math.min(100, count),
    '-r',
    1000,
    '-n',
    10,
    '-c',
    20,
    '-i',
    1,
    '-d',
    10,
    '-R',
    2000,
  ])
  await Promise.race([pause(4000), writing])
  const above = bytesAbove(`${home.directory}/data`)
  await broker.kill()
  await writing.catch(() => {})
  console.log(`  killed with ${megabytes(above)} above the recovery points`)
  for (const time of ['first', 'second']) {
    broker = await start(`${title}: after kill -9, the ${time} time`, contender, home, topics)
    await broker.kill()
  }
  rmSync(home.directory, { recursive: true, force: true })
}

/** Many short ones, one record in each. */
async function many(contender: Contender, partitions: number, descriptorsMax: number): Promise<void> {
  const home = await contender.newHome()
  const title = `${CONTENDER_TITLES[contender.name]}, ${partitions} partitions, ulimit -n ${descriptorsMax}`
  const topics = topicsOf(partitions)
  let broker = await start(`${title}: new`, contender, home, null, descriptorsMax)
  let began = performance.now()
  await fill(broker.address, topics, true)
  broker.look(`made and written to in ${seconds(began)}`)
  await broker.stop()
  for (const time of ['first', 'second']) {
    broker = await start(`${title}: after a stop in order, the ${time} time`, contender, home, topics, descriptorsMax)
    if (time === 'first') {
      began = performance.now()
      await fill(broker.address, topics, false)
      broker.look(`all written to again in ${seconds(began)}`)
    }
    await broker.stop()
  }
  broker = await start(`${title}: before the kill`, contender, home, topics, descriptorsMax)
  await fill(broker.address, topics, false)
  await broker.kill()
  broker = await start(`${title}: after kill -9`, contender, home, topics, descriptorsMax)
  await broker.kill()
  rmSync(home.directory, { recursive: true, force: true })
}

interface Started {
  readonly address: string
  look(title: string): void
  stop(): Promise<void>
  kill(): Promise<void>
}

/** Starts it, waits until all partitions of `topics` answer, and says when the first ones did. */
async function start(title: string, contender: Contender, home: Home, topics: Topics | null, descriptorsMax = 0): Promise<Started> {
  const command = contender.command(home)
  const limited = descriptorsMax === 0 ? command : ['sh', '-c', `ulimit -n ${descriptorsMax} && exec "$@"`, 'sh', ...command]
  const address = `127.0.0.1:${home.ports[0]}`
  const began = performance.now()
  const daemon = startDaemon(limited, { logFile: `${home.directory}/log`, cwd: home.directory })
  const answers = new FirstAnswers(address, began)
  const gone = daemon.ended.then(() => {
    throw new Error(`it ended: ${readFileSync(`${home.directory}/log`, 'utf8').slice(-2000)}`)
  })
  gone.catch(() => {})
  await Promise.race([answers.listening(), gone])
  if (topics !== null) {
    await Promise.race([answers.of(topics[0]!), gone])
    await Promise.race([allAnswer(address, topics), gone])
  }
  console.log(title)
  const look = (what: string): void => console.log(`  ${what}: ${costOf(daemon)}`)
  look(`${answers.described}${topics === null ? '' : `, all partitions ${seconds(began)}`}`)
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    const asked = performance.now()
    daemon.kill(signal)
    await daemon.ended
    if (signal === 'SIGTERM') console.log(`  stopped in ${seconds(asked)}`)
  }
  return { address, look, stop: () => end('SIGTERM'), kill: () => end('SIGKILL') }
}

function costOf({ pid }: Daemon): string {
  const io = readFileSync(`/proc/${pid}/io`, 'utf8')
  const counted = (name: string): number => Number(new RegExp(`^${name}: (\\d+)`, 'm').exec(io)?.[1])
  const descriptors = readdirSync(`/proc/${pid}/fd`).length
  const cpu = `cpu ${cpuSeconds(pid).toFixed(2)} s, ${residentMb(pid).toFixed(0)} MB resident`
  return `${cpu}, ${descriptors} descriptors, read ${megabytes(counted('rchar'))} (${megabytes(counted('read_bytes'))} of the device)`
}

function kload(broker: Started, mode: string, words: readonly (string | number)[]): Promise<string> {
  return runProgram([`${cache}/kload`, mode, broker.address, ...words.map(String)]).then((printed) => `  ${printed.trim()}`)
}

function topicsOf(partitions: number): [string, number][] {
  const topics: [string, number][] = []
  for (let left = partitions; left > 0; left -= TOPIC_PARTITIONS_MAX)
    topics.push([`${TOPIC}-${topics.length}`, Math.min(left, TOPIC_PARTITIONS_MAX)])
  return topics
}

async function fill(address: string, topics: Topics, create: boolean): Promise<void> {
  const client = createClient(nodeEnv({ logLevel: 'error' }), { bootstrap: address, requestTimeoutMs: 120_000 })
  try {
    for (const [name, partitions] of topics) {
      if (create) await client.admin().createTopic({ name, partitions, replicationFactor: 1 })
      const producer = client.producer({ acks: 1, idempotent: false, lingerMs: 20 })
      await producer.sendMany(Array.from({ length: partitions }, (_, partition) => ({ topic: name, partition, value: Buffer.from('one') })))
      await producer.close()
    }
  } finally {
    client.close()
  }
}

/** Of all segments, from the recovery points on; within a segment by the share of its offsets, since its records are all alike. */
function bytesAbove(directory: string): number {
  const points = new Map<string, number>()
  try {
    for (const line of readFileSync(`${directory}/recovery-point-offset-checkpoint`, 'utf8').split('\n').slice(2)) {
      const [topic, partition, offset] = line.split(' ')
      if (offset !== undefined) points.set(`${topic}-${partition}`, Number(offset))
    }
  } catch {}
  let bytes = 0
  for (const name of readdirSync(directory)) {
    if (!name.startsWith(`${TOPIC}-`)) continue
    const log = `${directory}/${name}/${'0'.repeat(20)}.log`
    const { size } = statSync(log)
    const recordBytes = 1008
    bytes += Math.max(0, size - (points.get(name) ?? 0) * recordBytes)
  }
  return bytes
}
