import { setTimeout as pause } from 'node:timers/promises'
import { residentMb, settledMb } from '../machine.ts'
import type { Broker } from '../peers.ts'
import { ottlaAtMost, type Row, type Stand } from '../row.ts'

const IDLE_MS = 60_000
const IDLE_QUICK_MS = 15_000
const LOAD_BYTES = 5e9
const LOAD_QUICK_BYTES = 1e9

const startFresh = async ({ contender }: Stand): Promise<Broker> => contender.start(await contender.newHome())

/** All are started first, so that the minutes pass at once. */
const idleRow: Row = {
  name: 'memory-idle',
  title: 'memory, idle 60 s after the start',
  how: 'VmRSS of the broker process, a new broker each run (--quick: 15 s)',
  figures: [{ name: 'resident', unit: 'MB', targets: [ottlaAtMost(90)] }],
  warmUp: false,
  slow: false,
  async open(stand) {
    const waiting: { readonly broker: Broker; readonly readyAt: number }[] = []
    for (let run = 0; run < stand.plan.runs; run++) {
      const broker = await startFresh(stand)
      waiting.push({ broker, readyAt: performance.now() + (stand.plan.quick ? IDLE_QUICK_MS : IDLE_MS) })
    }
    return {
      async measure() {
        const { broker, readyAt } = waiting.shift()!
        await pause(Math.max(0, readyAt - performance.now()))
        const resident = residentMb(broker.pid)
        await broker.discard()
        return [resident]
      },
      async close() {
        for (const { broker } of waiting) await broker.discard()
      },
    }
  },
}

/** A row that measures a new broker each time. */
function freshRow(row: Omit<Row, 'warmUp' | 'slow' | 'open'>, measure: (stand: Stand, broker: Broker) => Promise<number[]>): Row {
  return {
    ...row,
    warmUp: false,
    slow: true,
    open: async (stand) => ({
      async measure() {
        const broker = await startFresh(stand)
        try {
          return await measure(stand, broker)
        } finally {
          await broker.discard()
        }
      },
    }),
  }
}

const loadedRow = freshRow(
  {
    name: 'memory-loaded',
    title: 'memory, after 5 GB in and out',
    how: 'VmRSS right after 5 GB produced in 128 KiB batches and fetched in 1 MiB answers, a new broker each run (--quick: 1 GB)',
    figures: [{ name: 'resident', unit: 'MB', targets: [ottlaAtMost(150)] }],
  },
  async ({ load, plan }, broker) => {
    const sizeBytes = plan.quick ? LOAD_QUICK_BYTES : LOAD_BYTES
    await load.produce(broker, ['-r', 1024, '-n', 127, '-B', sizeBytes])
    await load.fetch(broker, ['-m', 1 << 20, '-B', sizeBytes])
    return [residentMb(broker.pid)]
  },
)

const MIB = 1.048576
const CONNECTIONS = 5000
const connectionsRow = freshRow(
  {
    name: 'connections-5000',
    title: '5,000 connections',
    how: 'each opened and answered ApiVersions once, a new broker each run: kload conns -c 5000',
    figures: [
      { name: 'memory added', unit: 'MB', targets: [ottlaAtMost(60)] },
      { name: 'time to open', unit: 's', targets: [] },
    ],
  },
  async ({ load }, broker) => {
    const printed = await load.kload(broker, 'conns', ['-c', CONNECTIONS])
    const [, seconds, before, after] = /connections in ([\d.]+) s.*broker rss (\d+) -> (\d+) MiB/.exec(printed) ?? []
    return [(Number(after) - Number(before)) * MIB, Number(seconds)]
  },
)

const TOPICS = 1000
const TOPICS_QUICK = 200
const PARTITIONS = 10
const partitionsRow = freshRow(
  {
    name: 'partitions-10000',
    title: '10,000 partitions',
    how: `${TOPICS} topics of ${PARTITIONS}, 50 topics a request, until all have leaders; a new broker each run (--quick: ${TOPICS_QUICK} topics)`,
    figures: [
      { name: 'memory added', unit: 'MB', targets: [ottlaAtMost(120)] },
      { name: 'time to create', unit: 's', targets: [] },
    ],
  },
  async ({ load, plan }, broker) => {
    const before = residentMb(broker.pid)
    const printed = await load.kload(broker, 'topics', ['-t', 'many', '-n', plan.quick ? TOPICS_QUICK : TOPICS, '-p', PARTITIONS, '-g', 50])
    return [(await settledMb(broker.pid)) - before, Number(/all led after ([\d.]+) s/.exec(printed)?.[1])]
  },
)

export const MEMORY_ROWS: readonly Row[] = [idleRow, loadedRow]
export const SCALE_ROWS: readonly Row[] = [connectionsRow, partitionsRow]
