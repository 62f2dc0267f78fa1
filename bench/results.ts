import { existsSync, readdirSync, readFileSync } from 'node:fs'
import type { Machine } from './machine.ts'
import type { Contender } from './peers.ts'
import type { Figure, Plan, Values } from './row.ts'

/** One run of one row on one side. */
export interface Run {
  readonly contender: Contender['name']
  readonly values: Values
  /** Just before the run, while the benchmark itself did nothing. */
  readonly busyCores: number
  readonly loadAverage: number
}

export interface RowResult {
  readonly name: string
  readonly title: string
  readonly how: string
  readonly figures: readonly Figure[]
  readonly runs: readonly Run[]
  /** What went wrong, by side. */
  readonly errors: readonly string[]
}

/** A file of `bench/results/`. */
export interface Result {
  /** ISO 8601, UTC. */
  readonly startedAt: string
  readonly minutes: number
  readonly commit: string
  /** The working tree differed from the commit. */
  readonly changed: boolean
  readonly machine: Machine
  readonly node: string
  /** Absent where there is no Java: then Ottla alone was measured. */
  readonly kafka?: { readonly version: string; readonly java: string }
  readonly realtime: boolean
  readonly plan: Plan
  readonly warnings: readonly string[]
  readonly rows: readonly RowResult[]
}

/** The newest result of a directory; undefined where there is none. */
export function newestResult(directory: string): Result | undefined {
  if (!existsSync(directory)) return undefined
  const results = readdirSync(directory)
    .filter((name) => name.endsWith('.json'))
    .map((name) => JSON.parse(readFileSync(`${directory}/${name}`, 'utf8')) as Result)
  return results.toSorted((a, b) => (a.startedAt < b.startedAt ? 1 : -1))[0]
}
