import type { Admin, ConfigChange } from '@ottla/client'
import { clientCommand, parse, withClient, type ConnectionOptions } from './connection.ts'
import { gather, int32, keyAndValue, offsetOrEnd, wholeNumber } from './option-values.ts'
import { show, table } from './output.ts'
import { partitionsOf } from './partitions.ts'
import { UsageError } from '../usage-error.ts'

interface Options extends ConnectionOptions {
  readonly json: boolean
}
interface CreateOptions extends Options {
  readonly partitions?: number
  readonly config?: readonly string[]
  readonly ifNotExists: boolean
}
interface DeleteRecordsOptions extends Options {
  readonly partition?: number
  readonly before: number | 'latest'
}
interface AlterOptions extends Options {
  readonly set?: readonly string[]
  readonly delete?: readonly string[]
}

/** `ottla topics …` */
export function run(words: readonly string[]): Promise<number> {
  const topics = clientCommand('ottla topics', 'Lists, creates, describes, alters and deletes topics')
  topics.option('--json', 'a JSON object a line', false)
  const add = (usage: string, description: string): typeof topics => topics.command(usage).description(description) as typeof topics

  add('list', 'all topics').action(() => act(topics.opts(), list))
  add('create <topic>', 'a new topic')
    .option('-p, --partitions <count>', "its partitions; the broker's num.partitions unless told", int32)
    .option('-c, --config <key=value>', 'a configuration; may be repeated', gather)
    .option('--if-not-exists', 'no error where there is one already', false)
    .action((name: string, options: CreateOptions) => act(topics.opts(), (admin) => create(admin, name, options)))
  add('describe <topic...>', 'partitions, configurations, and what each ack means').action((names: string[]) =>
    act(topics.opts(), (admin, options) => describe(admin, names, options)),
  )
  add('alter <topic>', 'sets or deletes configurations')
    .option('--set <key=value>', 'may be repeated', gather)
    .option('--delete <key>', "back to the broker's; may be repeated", gather)
    .action((name: string, options: AlterOptions) => act(topics.opts(), (admin) => alter(admin, name, options)))
  add('delete-records <topic>', 'the oldest ones, for good; the topic stays')
    .requiredOption('--before <offset>', 'the first that stays; end: none does', offsetOrEnd)
    .option('-p, --partition <number>', 'all of them unless told', wholeNumber)
    .action((name: string, options: DeleteRecordsOptions) =>
      act(topics.opts(), (admin, { json }) => deleteRecords(admin, name, { ...options, json })),
    )
  add('delete <topic...>', 'for good').action((names: string[]) => act(topics.opts(), (admin) => remove(admin, names)))
  return parse(topics, words)
}

function act(options: Options, work: (admin: Admin, options: Options) => Promise<void>): Promise<void> {
  return withClient(options, (client) => work(client.admin(), options))
}

async function list(admin: Admin, { json }: Options): Promise<void> {
  const topics = await admin.listTopics()
  const rows = topics
    .map(({ name, topicId, partitions, isInternal }) => ({
      topic: name,
      partitions: partitions.length,
      id: topicId,
      internal: isInternal ? 'yes' : 'no',
    }))
    .sort((a, b) => (a.topic < b.topic ? -1 : 1))
  show(rows, json, 'There are no topics; ottla topics create <topic> makes one.')
}

async function create(admin: Admin, name: string, { partitions, config = [], ifNotExists }: CreateOptions): Promise<void> {
  const configs = Object.fromEntries(config.map(keyAndValue))
  const [result] = await admin.createTopics([{ name, configs, ...(partitions === undefined ? {} : { partitions }) }])
  if (result?.error !== null && result !== undefined) {
    if (ifNotExists && result.error.message.includes('exists already')) return
    throw result.error
  }
  console.log(`Created '${name}'.`)
}

async function alter(admin: Admin, name: string, { set = [], delete: unset = [] }: AlterOptions): Promise<void> {
  const changes: ConfigChange[] = [
    ...set.map(keyAndValue).map(([key, value]) => ({ name: key, operation: 'set' as const, value })),
    ...unset.map((key) => ({ name: key, operation: 'delete' as const })),
  ]
  if (changes.length === 0) throw new UsageError('nothing to alter: give --set key=value or --delete key')
  await admin.incrementalAlterConfigs({ type: 'topic', name }, changes)
  console.log(`Altered '${name}'.`)
}

async function deleteRecords(admin: Admin, name: string, { partition, before, json }: DeleteRecordsOptions): Promise<void> {
  const partitions = await partitionsOf(admin, [name], partition)
  const starts = await admin.deleteRecords(partitions.map((each) => ({ ...each, before })))
  show(
    starts.map((start) => ({ topic: name, partition: start.partition, first: start.offset })),
    json,
    'The topic has no partitions.',
  )
}

async function remove(admin: Admin, names: readonly string[]): Promise<void> {
  for (const { name, error } of await admin.deleteTopics(names)) {
    if (error !== null) throw error
    console.log(`Deleted '${name}'.`)
  }
}

async function describe(admin: Admin, names: readonly string[], { json }: Options): Promise<void> {
  for (const topic of await admin.describeTopics(names)) {
    const partitions = topic.partitions.map(({ partition }) => ({ topic: topic.name, partition }))
    const [first, last, [configs = []]] = await Promise.all([
      admin.listOffsets(partitions.map((one) => ({ ...one, at: 'earliest' as const }))),
      admin.listOffsets(partitions.map((one) => ({ ...one, at: 'latest' as const }))),
      admin.describeConfigs([{ type: 'topic', name: topic.name }]),
    ])
    const rows = topic.partitions.map(({ partition, leaderId, leaderEpoch, replicas, isr }, index) => ({
      partition,
      leader: leaderId,
      epoch: leaderEpoch,
      replicas: replicas.join(','),
      isr: isr.join(','),
      first: first[index]?.offset ?? null,
      next: last[index]?.offset ?? null,
    }))
    const set = Object.fromEntries(configs.filter(({ source }) => source === 'topic').map(({ name, value }) => [name, value]))
    const acks = acksTable((key) => configs.find(({ name }) => name === key)?.value ?? null)
    if (json) console.log(JSON.stringify({ topic: topic.name, id: topic.topicId, partitions: rows, configs: set, acks }))
    else {
      console.log(`Topic ${topic.name}, id ${topic.topicId}`)
      console.log(table(rows))
      console.log(
        Object.keys(set).length === 0
          ? 'No configuration of its own.'
          : Object.entries(set)
              .map(([key, value]) => `${key}=${value}`)
              .join('\n'),
      )
      console.log(`\n${table(acks)}\n`)
    }
  }
}

/** What an acknowledgement is worth in this topic: the one table of it. */
export function acksTable(config: (key: string) => string | null): { acks: string; 'an acknowledged record survives': string }[] {
  const replicas = Number(config('min.insync.replicas') ?? 1) - 1
  const waitsFor = config('flush.before.ack') === 'true' ? 'flush.before.ack' : config('flush.messages') === '1' ? 'flush.messages=1' : null
  const synced = `the loss of power everywhere at once: the answer waits for the disk (${waitsFor})`
  const all =
    waitsFor !== null
      ? synced
      : replicas > 0
        ? `the end of the process, and the loss of power at ${replicas} broker(s) (min.insync.replicas - 1)`
        : 'the end of the process (kill -9); for the loss of power set flush.before.ack=true'
  const meaning = 'an acknowledged record survives'
  return [
    { acks: '0', [meaning]: 'nothing: there is no answer' },
    { acks: '1', [meaning]: waitsFor !== null ? synced : 'the end of the process (kill -9)' },
    { acks: 'all', [meaning]: all },
  ] as { acks: string; 'an acknowledged record survives': string }[]
}
