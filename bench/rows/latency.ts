import { readdirSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import type { Latency } from '../load.ts'
import { settleDisk } from '../machine.ts'
import type { Broker } from '../peers.ts'
import { runProgram } from '../processes.ts'
import { ottlaAtMost, ratioAtMost, type Row, type Stand } from '../row.ts'
import { fillTopic } from './produce.ts'

/** A 99th percentile wants records: at 1k/s, 4 s less the first that warm up. */
const SECONDS_MIN = 4
const latencySeconds = (stand: Stand): number => (stand.plan.quick ? 3 : Math.max(SECONDS_MIN, stand.plan.seconds))

function endToEndRow(name: string, recordsPerSecond: number): Row {
  return {
    name,
    title: `end to end at ${recordsPerSecond / 1000}k records/s`,
    how: `200 B, due at fixed times, acks=1, no linger, one consumer at the tail: kload e2e -R ${recordsPerSecond}`,
    figures: [
      { name: 'p50', unit: 'ms', targets: [ratioAtMost(0.6)] },
      { name: 'p99', unit: 'ms', targets: [ratioAtMost(0.6)] },
    ],
    warmUp: true,
    slow: false,
    async open(stand) {
      const broker = await stand.broker()
      return {
        async measure() {
          const { p50Ms, p99Ms } = await stand.load.endToEnd(broker, ['-t', name, '-R', recordsPerSecond, '-d', latencySeconds(stand)])
          return [p50Ms, p99Ms]
        },
        close: () => stand.load.deleteTopic(broker, name),
      }
    },
  }
}

const COLD_BYTES = 2e9
const COLD_QUICK_BYTES = 0.5e9
const coldBytes = (stand: Stand): number => (stand.plan.quick ? COLD_QUICK_BYTES : COLD_BYTES)
const COLD_TOPIC = 'tail-cold'
const TAIL_TOPIC = 'tail'
/** kload leaves out the first tenth, at most a second. */
const WARM_SHARE = 0.1
const COLD_SECONDS_MIN = 1
const COLD_SECONDS_MAX = 15

/** Another consumer reads what is not in the page cache while records flow to one at the tail. */
const tailRow: Row = {
  name: 'tail-cold',
  title: 'end to end at 1k records/s while another consumer reads 2 GB that are not in the page cache',
  how: '200 B, acks=1; the reader takes 1 MiB answers; its segments are dropped from the page cache before each run (--quick: 0.5 GB)',
  figures: [
    { name: 'p99', unit: 'ms', targets: [ratioAtMost(1)] },
    { name: 'p99 over p99 without the reader', unit: 'x', targets: [ottlaAtMost(2)] },
  ],
  warmUp: false,
  slow: false,
  async open(stand) {
    const broker = await stand.broker()
    await fillTopic(stand, broker, COLD_TOPIC, coldBytes(stand), [1024, 127])
    await settleDisk()
    await dropFromCache(broker)
    const begin = performance.now()
    await readCold(stand, broker)
    const coldSeconds = Math.min(COLD_SECONDS_MAX, Math.max(COLD_SECONDS_MIN, (performance.now() - begin) / 1000))
    // the reader is at work for as long as latencies are counted
    const seconds = coldSeconds / (1 - WARM_SHARE)
    const warmMs = Math.min(1, seconds * WARM_SHARE) * 1000
    const tail = (): Promise<Latency> => stand.load.endToEnd(broker, ['-t', TAIL_TOPIC, '-R', 1000, '-d', seconds.toFixed(2)])
    await tail()
    return {
      async measure() {
        const without = await tail()
        await dropFromCache(broker)
        const [latency] = await stand.load.together(broker, () => Promise.all([tail(), pause(warmMs).then(() => readCold(stand, broker))]))
        return [latency.p99Ms, latency.p99Ms / without.p99Ms]
      },
      async close() {
        await stand.load.deleteTopic(broker, COLD_TOPIC)
        await stand.load.deleteTopic(broker, TAIL_TOPIC)
      },
    }
  },
}

async function readCold(stand: Stand, broker: Broker): Promise<void> {
  await stand.load.fetch(broker, ['-t', COLD_TOPIC, '-m', 1 << 20, '-B', coldBytes(stand)])
}

/** Needs no right over the machine: the advice is for these files only. */
async function dropFromCache(broker: Broker): Promise<void> {
  const directory = broker.partitionDirectory(COLD_TOPIC, 0)
  for (const name of readdirSync(directory)) {
    if (!name.endsWith('.log')) continue
    await runProgram(['sync', `${directory}/${name}`])
    await runProgram(['dd', `if=${directory}/${name}`, 'iflag=nocache', 'count=0', 'status=none'])
  }
}

export const LATENCY_ROWS: readonly Row[] = [endToEndRow('end-to-end-1k', 1000), endToEndRow('end-to-end-10k', 10_000), tailRow]
