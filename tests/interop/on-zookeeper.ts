/** Ottla's broker with its tree on a real ZooKeeper: one is killed, then the other, and clients notice little. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { BrokerProcess } from './broker.ts'
import { lastWords, run } from './processes.ts'
import { failed, passed, skipped } from './report.ts'
import * as toolchains from './toolchains.ts'
import { ZooKeeperServer } from './zookeeper/servers.ts'

const OTTLA = fileURLToPath(new URL('../../bin/ottla', import.meta.url))
const SESSION_TIMEOUT_MS = 6_000
const CHROOT = '/of/ottla'
const JOINED_MS = 30_000

export async function onZooKeeper(directory: string): Promise<void> {
  const title = "Ottla's broker on ZooKeeper 3.9"
  const classPath = await toolchains.zooKeeper().catch((error: Error) => skipped(title, error.message))
  if (classPath === undefined) return
  mkdirSync(directory, { recursive: true })
  const place = new Place(directory, classPath)
  try {
    await place.start()
    for (const [what, check] of CHECKS) {
      await check(place)
      passed(`${title}: ${what}`)
    }
  } catch (error) {
    failed(title, new Error(`${(error as Error).message}; the broker: ${place.broker?.lastOutput() ?? 'none'}`))
  } finally {
    await place.stop()
  }
}

const CHECKS: readonly (readonly [what: string, check: (place: Place) => Promise<void>])[] = [
  [
    'its chroot is made, it is registered and controller, and records come back',
    async (place) => {
      await place.ottla('topics', 'create', 'lines', '--partitions', '3')
      await place.produce(100)
      await place.consume()
      const { host, port } = JSON.parse(await place.get('/brokers/ids/1')) as { host: string; port: number }
      wanted(`${host}:${port}`, place.broker!.bootstrap)
      wanted((JSON.parse(await place.get('/controller')) as { brokerid: number }).brokerid, 1)
    },
  ],
  [
    'killed, it is back at once, not after the end of its session',
    async (place) => {
      await place.broker!.stop('SIGKILL')
      await place.broker!.start()
      if (place.output().includes('waiting for the end')) throw new Error('it waited for the end of its former session')
      await place.consume()
    },
  ],
  [
    'without ZooKeeper records go on and a topic is refused; with it again, topics are made',
    async (place) => {
      await place.zooKeeper!.stop()
      await place.produce(100)
      await place.consume()
      const created = place.ottla('topics', 'create', 'later')
      await place.startZooKeeper()
      await created
      await place.joined(1)
    },
  ],
  [
    'gone for longer than its session, it registers anew and follows what was changed',
    async (place) => {
      const owner = await place.owner()
      place.broker!.signal('SIGSTOP')
      const giveUpAt = Date.now() + 5 * SESSION_TIMEOUT_MS
      while ((await place.children('/brokers/ids')).length > 0) {
        if (Date.now() > giveUpAt) throw new Error('its session does not end')
        await pause(200)
      }
      await place.zk('set', '/config/topics/lines', '{"version":1,"config":{"retention.ms":"123456789"}}')
      place.broker!.signal('SIGCONT')
      await place.joined(2)
      if ((await place.owner()) === owner) throw new Error('it has the old session')
      const told = await place.ottla('topics', 'describe', 'lines')
      if (!told.includes('123456789')) throw new Error(`it does not follow: ${told}`)
      await place.produce(100)
      await place.consume()
    },
  ],
  [
    'stopped, it leaves neither a registration nor a controller',
    async (place) => {
      await place.broker!.stop('SIGTERM')
      wanted((await place.children('/brokers/ids')).length, 0)
      wanted((await place.children('/')).includes('controller'), false)
    },
  ],
]

function wanted(found: unknown, expected: unknown): void {
  if (found !== expected) throw new Error(`${String(found)}, where ${String(expected)} is due`)
}

class Place {
  broker: BrokerProcess | undefined
  zooKeeper: ZooKeeperServer | undefined
  readonly #directory: string
  readonly #classPath: string
  #lines: string[] = []

  constructor(directory: string, classPath: string) {
    this.#directory = directory
    this.#classPath = classPath
  }

  async start(): Promise<void> {
    await this.startZooKeeper()
    this.broker = await BrokerProcess.ottla(`${this.#directory}/broker`, {
      'keeper.port': -1,
      'zookeeper.connect': this.#connect,
      'zookeeper.session.timeout.ms': SESSION_TIMEOUT_MS,
    })
  }

  async startZooKeeper(): Promise<void> {
    this.zooKeeper = await ZooKeeperServer.zooKeeper(`${this.#directory}/zookeeper`, this.#classPath, this.zooKeeper?.port)
  }

  async stop(): Promise<void> {
    await this.broker?.stop('SIGKILL')
    await this.zooKeeper?.stop()
  }

  get #connect(): string {
    return `${this.zooKeeper!.connect}${CHROOT}`
  }

  output(): string {
    return readFileSync(`${this.#directory}/broker/broker.out`, 'utf8')
  }

  /** So often, so far. */
  async joined(times: number): Promise<void> {
    const giveUpAt = Date.now() + JOINED_MS
    while (this.output().split('joined to its cluster again').length - 1 < times) {
      if (Date.now() > giveUpAt) throw new Error('it does not join again')
      await pause(100)
    }
  }

  ottla(...words: readonly string[]): Promise<string> {
    return ended([OTTLA, ...words, '--bootstrap', this.broker!.bootstrap])
  }

  zk(...words: readonly string[]): Promise<string> {
    return ended([OTTLA, 'zk', '--connect', this.#connect, ...words])
  }

  get(path: string): Promise<string> {
    return this.zk('get', path)
  }

  async owner(): Promise<string> {
    return (JSON.parse(await this.zk('--json', 'stat', '/controller')) as { ephemeralOwner: string }).ephemeralOwner
  }

  async children(path: string): Promise<string[]> {
    return (await this.zk('ls', path)).split('\n').filter((name) => name !== '')
  }

  async produce(count: number): Promise<void> {
    const lines = Array.from({ length: count }, (_, index) => `line ${this.#lines.length + index}`)
    const file = `${this.#directory}/lines`
    writeFileSync(file, lines.map((line) => `${line}\n`).join(''))
    await this.ottla('produce', 'lines', '--file', file)
    this.#lines.push(...lines)
  }

  /** All that was acknowledged, once. */
  async consume(): Promise<void> {
    const read = (await this.ottla('consume', 'lines', '--from', 'beginning', '--exit')).trim().split('\n')
    wanted(read.sort().join(), [...this.#lines].sort().join())
  }
}

async function ended(command: readonly string[]): Promise<string> {
  const program = await run(command, { timeoutMs: 60_000 })
  if (program.status !== 0) throw new Error(`${command.slice(1, 4).join(' ')}: ${lastWords(program)}`)
  return program.stdout.toString()
}
