import { numberIn } from '../load.ts'
import { settleDisk } from '../machine.ts'
import type { Figure, Row } from '../row.ts'
import { fillTopic } from './produce.ts'

const RECORD_BYTES = 100
/** Whole batches of 150 records. */
const CONSUMED_BYTES = 390e6
const PERFORMANCE_RECORDS = 1_000_000
const PERFORMANCE_QUICK_RECORDS = 300_000
const figures: readonly Figure[] = [
  { name: 'records', unit: 'rec/s', targets: [] },
  { name: 'CPU of the broker', unit: 's/GB', targets: [] },
]
const perGb = (cpuSeconds: number, records: number): number => cpuSeconds / ((records * RECORD_BYTES) / 1e9)
let topics = 0

/** The clients that people use: here the client is most of the work. */
export const CLIENT_ROWS: readonly Row[] = [
  {
    name: 'librdkafka-produce',
    title: 'librdkafka produces 100 B records',
    how: 'its defaults, one topic of one partition, until all are acknowledged',
    figures,
    warmUp: true,
    slow: false,
    async open(stand) {
      await stand.load.compileRdkafka()
      const broker = await stand.broker()
      return {
        async measure() {
          const topic = `rdkafka-${++topics}`
          // the topic is there before the clock runs
          await fillTopic(stand, broker, topic, RECORD_BYTES, [RECORD_BYTES, 1])
          const command = stand.load.rdkafka(['produce', broker.address, topic, RECORD_BYTES, stand.plan.seconds])
          const { printed, cpuSeconds } = await stand.load.client(broker, command)
          await stand.load.deleteTopic(broker, topic)
          await settleDisk()
          return [numberIn(printed, /([\d.]+) rec\/s/), perGb(cpuSeconds, numberIn(printed, /(\d+) records/))]
        },
      }
    },
  },
  {
    name: 'librdkafka-consume',
    title: 'librdkafka consumes 100 B records',
    how: 'its defaults, one partition of 3.9 M records in the page cache, in batches of 150, from the first record to the last',
    figures,
    warmUp: true,
    slow: false,
    async open(stand) {
      await stand.load.compileRdkafka()
      const broker = await stand.broker()
      const topic = `rdkafka-${++topics}`
      await fillTopic(stand, broker, topic, CONSUMED_BYTES, [RECORD_BYTES, 150])
      const records = CONSUMED_BYTES / RECORD_BYTES
      return {
        async measure() {
          const { printed, cpuSeconds } = await stand.load.client(broker, stand.load.rdkafka(['consume', broker.address, topic, records]))
          return [numberIn(printed, /([\d.]+) rec\/s/), perGb(cpuSeconds, records)]
        },
        close: () => stand.load.deleteTopic(broker, topic),
      }
    },
  },
  {
    name: 'java-produce',
    title: "Java's ProducerPerformance, 100 B records",
    how: "its defaults (acks=all, idempotent), one topic of one partition, 1 M records (--quick: 0.3 M), without the Java machine's own start",
    figures,
    warmUp: true,
    slow: false,
    async open(stand) {
      const broker = await stand.broker()
      return {
        async measure() {
          const topic = `java-${++topics}`
          await fillTopic(stand, broker, topic, RECORD_BYTES, [RECORD_BYTES, 1])
          const words = ['--bootstrap-server', broker.address, '--topic', topic, '--throughput', '-1']
          const records = stand.plan.quick ? PERFORMANCE_QUICK_RECORDS : PERFORMANCE_RECORDS
          const amount = ['--num-records', String(records), '--record-size', String(RECORD_BYTES)]
          const command = stand.load.java('org.apache.kafka.tools.ProducerPerformance', [...words, ...amount])
          const { printed, cpuSeconds } = await stand.load.client(broker, command)
          await stand.load.deleteTopic(broker, topic)
          await settleDisk()
          const summary =
            printed
              .trim()
              .split('\n')
              .findLast((line) => line.includes('99.9th')) ?? printed
          return [numberIn(summary, /([\d.]+) records\/sec/), perGb(cpuSeconds, records)]
        },
      }
    },
  },
]
