import type { Admin, Consumer, ConsumerRecord, TopicPartition } from '@ottla/client'
import { clientCommand, parse, withClient, type ConnectionOptions } from './connection.ts'
import { jsonFields } from './json-record.ts'
import { place, wholeNumber, type Place } from './option-values.ts'
import { nearestOffsets, partitionsOf } from './partitions.ts'
import { UsageError } from '../usage-error.ts'

interface Options extends ConnectionOptions {
  readonly group?: string
  readonly from?: Place
  readonly partition?: number
  readonly max?: number
  readonly exit: boolean
  readonly json: boolean
  readonly keys: boolean
  readonly committed: boolean
}

/** `ottla consume <topic...>`: prints records, and follows. */
export function run(words: readonly string[]): Promise<number> {
  const consume = clientCommand('ottla consume', 'Prints the values of records, and goes on as new ones come; Ctrl-C stops')
    .argument('<topic...>')
    .option('-g, --group <name>', 'as a member of this group: partitions are shared, offsets are committed')
    .option(
      '--from <where>',
      'beginning, end, an offset, or a time such as 2026-11-25T10:00:00Z; in a group beginning or end, where nothing is committed',
      place,
    )
    .option('-p, --partition <number>', 'this partition alone', wholeNumber)
    .option('-n, --max <count>', 'stop after so many records', wholeNumber)
    .option('-e, --exit', 'stop at the end instead of waiting for more', false)
    .option('-k, --keys', 'the key and a tab before each value', false)
    .option(
      '--json',
      'a JSON object a line: topic, partition, offset, timestamp, key, value, headers; keyBase64, valueBase64 where bytes are no UTF-8',
      false,
    )
    .option('--committed', 'records of aborted transactions are left out', false)
  consume.action((topics: string[], options: Options) =>
    withClient(options, async (client) => {
      const { group, from: start = group === undefined ? 'latest' : 'earliest' } = options
      if (group !== undefined && start !== 'earliest' && start !== 'latest') {
        throw new UsageError('a group starts from beginning or end; ottla groups reset moves it to an offset or a time')
      }
      const consumer = client.consumer({
        ...(group === undefined ? {} : { groupId: group }),
        autoOffsetReset: start === 'latest' ? 'latest' : 'earliest',
        isolation: options.committed ? 'read_committed' : 'read_uncommitted',
        allowAutoTopicCreation: false,
      })
      const stop = stopSignal()
      try {
        if (group !== undefined) consumer.subscribe(topics)
        else await assign(consumer, client.admin(), await partitionsOf(client.admin(), topics, options.partition), start)
        await print(consumer, options, stop)
      } finally {
        await consumer.close()
      }
    }),
  )
  return parse(consume, words)
}

async function assign(consumer: Consumer, admin: Admin, partitions: readonly TopicPartition[], start: Place): Promise<void> {
  consumer.assign(partitions)
  if (typeof start === 'object') await seekWithin(consumer, admin, partitions, start.offset)
  else if (start === 'earliest') consumer.seekToBeginning()
  else if (start === 'latest') consumer.seekToEnd()
  else await consumer.seekToTime(start as number)
}

/** An offset that a partition doesn't have would be reset without a word: here with one, to the nearest that it has. */
async function seekWithin(consumer: Consumer, admin: Admin, partitions: readonly TopicPartition[], asked: number): Promise<void> {
  for (const { topic, partition, offset } of await nearestOffsets(admin, partitions, asked)) {
    if (offset !== asked) console.error(`${topic}-${partition} has no offset ${asked}; it is read from ${offset} on`)
    consumer.seek({ topic, partition }, offset)
  }
}

/** On the way out it seeks to what comes after the last record that was printed: that is what `close` commits. */
async function print(consumer: Consumer, options: Options, stop: Stop): Promise<void> {
  const { max = Infinity, exit } = options
  let count = 0
  while (count < max) {
    const batch = await Promise.race([consumer.next(exit ? 1000 : Infinity), stop])
    if (batch === null) {
      if (!exit || stop.stopped || (await atEnd(consumer))) return
      continue
    }
    for (const record of batch.records) {
      await write(line(record, batch, options), stop)
      if (++count < max && !stop.stopped) continue
      consumer.seek(batch, record.offset + 1)
      return
    }
    if (!exit || !(await atEnd(consumer))) continue
    consumer.seek(batch, batch.nextOffset)
    return
  }
}

async function atEnd(consumer: Consumer): Promise<boolean> {
  const ends = await consumer.endOffsets()
  return ends.length > 0 && ends.every((end) => consumer.position(end) >= end.offset)
}

function line(record: ConsumerRecord, { topic, partition }: TopicPartition, { json, keys }: Options): Buffer {
  const { offset, timestamp, key, value } = record
  if (json) {
    const fields = { topic, partition, offset, timestamp, ...jsonFields(record) }
    return Buffer.from(`${JSON.stringify(fields)}\n`)
  }
  return Buffer.concat([...(keys ? [key ?? EMPTY, TAB] : []), value ?? EMPTY, LF])
}
const EMPTY = Buffer.alloc(0)
const TAB = Buffer.from('\t')
const LF = Buffer.from('\n')

/** Waits where the reader of our output is slower than the broker; one that went away would be waited for in vain. */
function write(bytes: Buffer, stop: Stop): Promise<unknown> | void {
  if (!process.stdout.write(bytes)) return Promise.race([new Promise((resolve) => process.stdout.once('drain', resolve)), stop])
}

type Stop = Promise<null> & { stopped?: boolean }

function stopSignal(): Stop {
  const stop: Stop = new Promise((resolve) => {
    const now = (): void => {
      stop.stopped = true
      resolve(null)
    }
    process.once('SIGINT', now)
    process.once('SIGTERM', now)
    process.stdout.on('error', now)
  })
  return stop
}
