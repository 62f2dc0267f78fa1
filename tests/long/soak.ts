/**
 * Whatever comes to mind, for as long as it is given: topics created, changed and deleted, producers of every kind, groups whose members
 * come and go, and the broker killed, stopped in good order, and killed on its way up. What was acknowledged holds: topics, configs,
 * records, offsets, deletions.
 */
import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { createClient, type Client } from '@ottla/client'
import { nodeEnv } from '@ottla/env/node'
import { checkSegment } from '@ottla/log'
import { BrokerProcess } from './broker-process.ts'
import { endsOf } from './reading.ts'
import { SoakGroup } from './soak-group.ts'
import { choose, SoakTopic } from './soak-topic.ts'

const TOPICS_MAX = 4
const MEMBERS_MAX = 3
const STEP_MS = 700
const FINISH_MS = 60_000
/** No step takes so long but where someone waits for ever. */
const STEP_MAX_MS = 45_000
const SETTINGS = {
  'log.flush.offset.checkpoint.interval.ms': 200,
  'replica.high.watermark.checkpoint.interval.ms': 200,
  'log.segment.delete.delay.ms': 500,
  'offsets.topic.segment.bytes': 1 << 16,
  'offsets.topic.num.partitions': 3,
  'group.initial.rebalance.delay.ms': 0,
  'auto.create.topics.enable': false,
}

/** Throws with what is wrong; `say` is told of every step. */
export async function soak(directory: string, durationMs: number, say: (line: string) => void): Promise<void> {
  const env = nodeEnv({ logLevel: 'error' })
  const broker = await BrokerProcess.create(directory, SETTINGS)
  await broker.start()
  const client = createClient(env, { bootstrap: broker.bootstrap, retryBackoffMs: 20, retryBackoffMaxMs: 200, requestTimeoutMs: 20_000 })
  const test = new Soak(broker, client, say)
  try {
    const endMs = performance.now() + durationMs
    await test.createTopic()
    while (performance.now() < endMs) await test.step()
    await test.end()
    say(await checkFiles(broker.logDirectory))
  } finally {
    client.close()
    await broker.stop('SIGKILL').catch(() => {})
  }

  /** The segments and indexes of all partitions, as they lie there after an orderly stop. */
  async function checkFiles(logDirectory: string): Promise<string> {
    let segments = 0
    for (const name of readdirSync(logDirectory).filter((one) => /-\d+$/.test(one))) {
      for (const file of readdirSync(`${logDirectory}/${name}`).filter((one) => one.endsWith('.log'))) {
        const { problems } = await checkSegment(env.disk, `${logDirectory}/${name}`, Number(file.slice(0, -'.log'.length)))
        assert.deepEqual(problems, [], `${name}/${file}`)
        segments++
      }
    }
    return `${segments} segments with their indexes are as they should be`
  }
}

async function within<T>(limitMs: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`this step did not end within ${limitMs / 1000} s`)), limitMs)
  })
  return Promise.race([work, late]).finally(() => clearTimeout(timer))
}

class Soak {
  readonly #broker: BrokerProcess
  readonly #client: Client
  readonly #say: (line: string) => void
  readonly #topics = new Map<string, SoakTopic>()
  readonly #deleted = new Set<string>()
  #group: SoakGroup | null = null
  #created = 0

  constructor(broker: BrokerProcess, client: Client, say: (line: string) => void) {
    this.#broker = broker
    this.#client = client
    this.#say = say
  }

  async step(): Promise<void> {
    const acts = [
      () => this.createTopic(),
      () => this.#deleteTopic(),
      () => this.#changeConfig(),
      () => this.#changeConfig(),
      () => this.#changeGroup(),
      () => this.#changeGroup(),
      () => this.#restart('SIGKILL'),
      () => this.#restart('SIGKILL'),
      () => this.#restart('SIGTERM'),
      () => this.#killTwice(),
      () => this.#checkTopic(),
    ]
    await within(STEP_MAX_MS, choose(acts)())
    await pause(Math.random() * STEP_MS)
    this.#check()
  }

  async createTopic(): Promise<void> {
    if (this.#topics.size >= TOPICS_MAX) return this.#deleteTopic()
    // a name that was there before is the more interesting one
    const name = this.#deleted.size > 0 && Math.random() < 0.5 ? choose([...this.#deleted]) : `soak-${++this.#created}`
    const topic = await SoakTopic.create(this.#client, name)
    this.#deleted.delete(name)
    this.#topics.set(name, topic)
    this.#say(`${name} created, ${topic.partitions} partitions`)
  }

  async #deleteTopic(): Promise<void> {
    const topic = choose([...this.#topics.values()])
    if (this.#topics.size < 2 || topic.name === this.#group?.topic) return
    this.#say(`${topic.name} is to be deleted`)
    await topic.stop()
    const records = await topic.checkAll()
    this.#topics.delete(topic.name)
    await this.#client
      .admin()
      .deleteTopics([topic.name])
      .then(([result]) => {
        if (result?.error !== null && !/UNKNOWN_TOPIC_OR_PARTITION/.test(String(result?.error))) throw result!.error
      })
    this.#deleted.add(topic.name)
    this.#say(`${topic.name} deleted, with its ${records} records`)
  }

  async #changeConfig(): Promise<void> {
    const topic = choose([...this.#topics.values()])
    this.#say(`${topic.name}: ${await topic.changeConfig()}`)
  }

  /** A member comes or goes; the first one brings the group. */
  async #changeGroup(): Promise<void> {
    if (this.#group === null) {
      const topic = choose([...this.#topics.values()])
      this.#group = new SoakGroup(this.#client, topic.name, topic.partitions)
    }
    const joins = this.#group.size === 0 || (this.#group.size < MEMBERS_MAX && Math.random() < 0.6)
    if (joins) this.#group.join()
    else await this.#group.leave()
    this.#say(`the group of ${this.#group.topic} has ${this.#group.size} members, and was given ${this.#group.count} records`)
  }

  async #restart(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    await this.#broker.stop(signal)
    const startMs = await this.#broker.start()
    this.#say(`${signal}; up again in ${Math.round(startMs)} ms`)
    await this.#checkMetadata()
  }

  /** Killed, and killed again while it recovers. */
  async #killTwice(): Promise<void> {
    await this.#broker.stop('SIGKILL')
    await this.#broker.beginToStart()
    await pause(Math.random() * 400)
    await this.#broker.stop('SIGKILL')
    await this.#restart('SIGKILL').catch((error: Error) => {
      throw new Error(`after a kill on the way up: ${error.message}`, { cause: error })
    })
  }

  async #checkMetadata(): Promise<void> {
    const names = (await this.#client.admin().listTopics()).map(({ name }) => name).filter((name) => name.startsWith('soak-'))
    assert.deepEqual(names.toSorted(), [...this.#topics.keys()].toSorted(), 'the topics that were acknowledged')
    for (const topic of this.#topics.values()) await topic.checkConfigs()
  }

  async #checkTopic(): Promise<void> {
    const topic = choose([...this.#topics.values()])
    this.#say(`${topic.name}: ${await topic.check()} records are as they should be`)
  }

  async end(): Promise<void> {
    let records = 0
    let acked = 0
    for (const topic of this.#topics.values()) await topic.stop()
    await this.#restart('SIGKILL')
    for (const topic of this.#topics.values()) {
      records += await topic.checkAll()
      acked += topic.ledger.ackedCount
    }
    if (this.#group !== null) {
      const { topic } = this.#group
      if (this.#group.size === 0) this.#group.join()
      await this.#group.finish(await endsOf(this.#client, topic, this.#topics.get(topic)!.partitions), FINISH_MS)
    }
    await this.#checkMetadata()
    await this.#broker.stop('SIGTERM')
    this.#say(
      `${acked} records acknowledged in the ${this.#topics.size} topics that are left, ${records} found; ${this.#broker.lives} lives`,
    )
  }

  #check(): void {
    for (const topic of this.#topics.values()) if (topic.failure !== null) throw topic.failure
    if (this.#group !== null && this.#group.failure !== null) throw this.#group.failure
    if (this.#broker.endedByItself) throw new Error(`the broker ended by itself: ${this.#broker.lastOutput()}`)
  }
}
