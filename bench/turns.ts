import type { Load } from './load.ts'
import { lookAtLoad } from './machine.ts'
import type { Broker, Contender } from './peers.ts'
import type { RowResult, Run } from './results.ts'
import type { Bout, Plan, Row, Stand } from './row.ts'

const WARM_TOPIC = 'warm'
const WARM_SECONDS = 3

/** The broker of one side that many rows share: started at its first use, and anew after a row that failed. */
export class SharedBroker {
  readonly #contender: Contender
  readonly #load: Load
  readonly #warmSeconds: number
  #broker: Broker | undefined

  constructor(contender: Contender, load: Load, plan: Plan) {
    this.#contender = contender
    this.#load = load
    this.#warmSeconds = plan.quick ? 1 : WARM_SECONDS
  }

  async get(): Promise<Broker> {
    if (this.#broker === undefined) {
      this.#broker = await this.#contender.start(await this.#contender.newHome())
      await this.#warm(this.#broker)
    }
    return this.#broker
  }

  /** Its hot paths are compiled before the first row: a Java machine takes seconds for that. */
  async #warm(broker: Broker): Promise<void> {
    const produce = ['-t', WARM_TOPIC, '-d', this.#warmSeconds]
    await this.#load.produce(broker, [...produce, '-r', 200, '-n', 1])
    await this.#load.produce(broker, [...produce, '-r', 1024, '-n', 15])
    await this.#load.fetch(broker, ['-t', WARM_TOPIC, '-m', 1 << 20, '-d', this.#warmSeconds])
    await this.#load.deleteTopic(broker, WARM_TOPIC)
  }

  async discard(): Promise<void> {
    await this.#broker?.discard()
    this.#broker = undefined
  }
}

export interface Side {
  readonly contender: Contender
  readonly shared: SharedBroker
}

/** With both brokers idle a quiet machine uses less. */
export const BUSY_CORES_MAX = 0.5

/** Measures a row on all sides in turns; who goes first changes with each run. A side that fails is left out, and said. */
export async function measureRow(
  row: Row,
  sides: readonly Side[],
  plan: Plan,
  load: Load,
  warn: (text: string) => void,
): Promise<RowResult> {
  const runs: Run[] = []
  const errors: string[] = []
  const bouts = new Map<Side, Bout>()
  const attempt = async <T>(side: Side, act: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await act()
    } catch (error) {
      errors.push(`${side.contender.name}: ${(error as Error).message}`)
      console.error(`${row.name}: ${errors.at(-1)}`)
      bouts.delete(side)
      await side.shared.discard()
      return undefined
    }
  }
  for (const side of sides) {
    const stand: Stand = { contender: side.contender, plan, load, warn, broker: () => side.shared.get() }
    const bout = await attempt(side, () => row.open(stand))
    if (bout !== undefined) bouts.set(side, bout)
  }
  if (row.warmUp && !plan.quick) for (const [side, bout] of bouts) await attempt(side, () => bout.measure())
  const count = plan.quick && row.slow ? 1 : plan.runs
  for (let run = 0; run < count; run++) {
    const turns = [...bouts]
    if (run % 2 === 1) turns.reverse()
    for (const [side, bout] of turns) {
      const before = await lookAtLoad()
      if (before.busyCores > BUSY_CORES_MAX) console.warn(`${row.name}  something else is running: ${before.busyCores} cores are busy`)
      const values = await attempt(side, () => bout.measure())
      if (values !== undefined) runs.push({ contender: side.contender.name, values: values.map(shorten), ...before })
    }
    console.log(`${row.name}  run ${run + 1}/${count}  ${progress(row, runs)}`)
  }
  for (const [side, bout] of bouts) await attempt(side, async () => bout.close?.())
  return { name: row.name, title: row.title, how: row.how, figures: row.figures, runs, errors }
}

function progress(row: Row, runs: readonly Run[]): string {
  const latest = (['ottla', 'kafka'] as const).flatMap((name) => {
    const last = runs.findLast(({ contender }) => contender === name)
    return last === undefined ? [] : [`${name} ${last.values.map((value, at) => `${value} ${row.figures[at]?.unit ?? ''}`).join(', ')}`]
  })
  return `${latest.join('  |  ')}  (load average ${runs.at(-1)?.loadAverage ?? '-'})`
}

/** Six digits are more than any figure here means. */
const shorten = (value: number): number => Number(value.toPrecision(6))
