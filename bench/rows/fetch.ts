import { ratioAtLeast, ratioAtMost, type Row } from '../row.ts'
import { fillTopic } from './produce.ts'

const FILLED_BYTES = 1e9

interface FetchRow {
  readonly name: string
  readonly title: string
  readonly answerBytes: number
  readonly recordBytes: number
  readonly records: number
  readonly rateAtLeast: number
  readonly costAtMost: number
}

/** One topic a side, in the page cache, read from its start to its end again and again. */
function fetchRow({ name, title, answerBytes, recordBytes, records, rateAtLeast, costAtMost }: FetchRow): Row {
  return {
    name,
    title,
    how: `1 GB in the page cache, batches of ${records} x ${recordBytes} B, 1 consumer: kload fetch -m ${answerBytes} -w 0`,
    figures: [
      { name: 'throughput', unit: 'MB/s', targets: [ratioAtLeast(rateAtLeast)] },
      { name: 'CPU of the broker', unit: 's/GB', targets: [ratioAtMost(costAtMost)] },
    ],
    warmUp: true,
    slow: false,
    async open(stand) {
      const broker = await stand.broker()
      await fillTopic(stand, broker, name, FILLED_BYTES, [recordBytes, records])
      return {
        async measure() {
          const throughput = await stand.load.fetch(broker, ['-t', name, '-m', answerBytes, '-d', stand.plan.seconds])
          return [throughput.megabytesPerSecond, throughput.cpuSecondsPerGb]
        },
        close: () => stand.load.deleteTopic(broker, name),
      }
    },
  }
}

export const FETCH_ROWS: readonly Row[] = [
  fetchRow({
    name: 'fetch-1m',
    title: 'fetch, 1 MiB answers',
    answerBytes: 1 << 20,
    recordBytes: 1024,
    records: 127,
    rateAtLeast: 0.9,
    costAtMost: 1,
  }),
  fetchRow({
    name: 'fetch-64k',
    title: 'fetch, 64 KiB answers',
    answerBytes: 1 << 16,
    recordBytes: 1000,
    records: 10,
    rateAtLeast: 1.5,
    costAtMost: 1 / 2,
  }),
]
