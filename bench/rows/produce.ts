import { nodeEnv } from '@ottla/env/node'
import { createClient } from '@ottla/client'
import { settleDisk } from '../machine.ts'
import type { Broker } from '../peers.ts'
import { ratioAtLeast, ratioAtMost, type Figure, type Row, type Stand, type Values } from '../row.ts'
import type { Throughput } from '../load.ts'

interface ProduceRow {
  readonly name: string
  readonly title: string
  readonly how: string
  readonly flags: readonly (string | number)[]
  readonly figures: readonly Figure[]
  readonly values: (throughput: Throughput) => Values
  /** Settings that the topic gets on each side. */
  readonly configs?: Readonly<Record<'ottla' | 'kafka', Record<string, string>>>
}

/** Above it the load generator is the limit. */
const CLIENT_SHARE_MAX = 0.95
let topics = 0

/** Each run has a topic of its own, deleted after it, so that the disk in use stays bounded. */
function produceRow({ name, title, how, flags, figures, values, configs }: ProduceRow): Row {
  return {
    name,
    title,
    how: `${how}: kload produce ${flags.join(' ')}`,
    figures,
    warmUp: true,
    slow: false,
    async open(stand) {
      const broker = await stand.broker()
      return {
        async measure() {
          const topic = `${name}-${++topics}`
          if (configs !== undefined) await createTopic(broker, topic, configs[stand.contender.name])
          const throughput = await stand.load.produce(broker, ['-t', topic, ...flags, '-d', stand.plan.seconds])
          if (throughput.clientCpuSeconds > stand.plan.seconds * CLIENT_SHARE_MAX) {
            stand.warn(
              `${name}, ${stand.contender.name}: the load generator used ${throughput.clientCpuSeconds} s of ${stand.plan.seconds} s`,
            )
          }
          await stand.load.deleteTopic(broker, topic)
          await settleDisk()
          return values(throughput)
        },
      }
    },
  }
}

async function createTopic(broker: Broker, name: string, configs: Record<string, string>): Promise<void> {
  const client = createClient(nodeEnv(), { bootstrap: broker.address })
  try {
    await client.admin().createTopic({ name, partitions: 1, replicationFactor: 1, configs })
  } finally {
    client.close()
  }
}

const rate = (atLeast: number): Figure => ({ name: 'throughput', unit: 'MB/s', targets: [ratioAtLeast(atLeast)] })
const cost = (atMost: number): Figure => ({ name: 'CPU of the broker', unit: 's/GB', targets: [ratioAtMost(atMost)] })
const rateAndCost = (throughput: Throughput): Values => [throughput.megabytesPerSecond, throughput.cpuSecondsPerGb]

const SYNC_CONFIGS = { ottla: { 'flush.before.ack': 'true' }, kafka: { 'flush.messages': '1' } }
const SYNC_HOW =
  'acks=all, each answer after the disk has it (Ottla: flush.before.ack=true, Kafka: flush.messages=1), 5 requests in flight each'

export const PRODUCE_ROWS: readonly Row[] = [
  produceRow({
    name: 'produce-200b',
    title: 'produce, 200 B, one record a request, 1 connection',
    how: 'acks=1, 5 requests in flight',
    flags: ['-r', 200, '-n', 1],
    figures: [
      { name: 'requests', unit: 'req/s', targets: [ratioAtLeast(6)] },
      { name: 'CPU of the broker', unit: 'us each', targets: [ratioAtMost(1 / 6)] },
    ],
    values: (throughput) => [throughput.requestsPerSecond, throughput.cpuMicrosPerRequest],
  }),
  produceRow({
    name: 'produce-15k',
    title: 'produce, 1 KiB x 15, 1 connection',
    how: 'acks=1, 5 requests in flight',
    flags: ['-r', 1024, '-n', 15],
    figures: [rate(3), cost(1 / 4)],
    values: rateAndCost,
  }),
  produceRow({
    name: 'produce-8x15k',
    title: 'produce, 16 KiB batches, 8 connections, 8 partitions',
    how: 'acks=1, 5 requests in flight each',
    flags: ['-r', 1024, '-n', 15, '-c', 8, '-p', 8],
    figures: [rate(1), cost(1 / 2)],
    values: rateAndCost,
  }),
  produceRow({
    name: 'produce-128k',
    title: 'produce, 128 KiB batches, 1 connection',
    how: 'acks=1, 5 requests in flight',
    flags: ['-r', 1024, '-n', 127],
    figures: [rate(1), cost(3 / 4)],
    values: rateAndCost,
  }),
  ...(
    [
      [1, 1.5],
      [100, 10],
    ] as const
  ).map(([connections, atLeast]) =>
    produceRow({
      name: `sync-${connections}`,
      title: `produce, synced before the ack, 1 KiB x 15, ${connections} connection${connections === 1 ? '' : 's'}`,
      how: SYNC_HOW,
      flags: ['-r', 1024, '-n', 15, '-a', 'all', '-c', connections],
      figures: [{ name: 'requests', unit: 'req/s', targets: [ratioAtLeast(atLeast)] }],
      values: (throughput) => [throughput.requestsPerSecond],
      configs: SYNC_CONFIGS,
    }),
  ),
]

/** Fills a topic for consumers to read: `sizeBytes` of records. */
export async function fillTopic(stand: Stand, broker: Broker, topic: string, sizeBytes: number, flags: readonly number[]): Promise<void> {
  const [recordBytes = 1024, records = 1] = flags
  await stand.load.produce(broker, ['-t', topic, '-r', recordBytes, '-n', records, '-B', sizeBytes])
}
