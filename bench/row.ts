import type { Load } from './load.ts'
import type { Broker, Contender } from './peers.ts'

/** What a figure is to reach: its ratio (Ottla's median over Kafka's), or Ottla's median itself. Printed, never asserted. */
export interface Target {
  readonly of: 'ratio' | 'ottla'
  readonly bound: 'at least' | 'at most'
  readonly value: number
}

/** One number of a row. */
export interface Figure {
  readonly name: string
  readonly unit: string
  readonly targets: readonly Target[]
}

export const ratioAtLeast = (value: number): Target => ({ of: 'ratio', bound: 'at least', value })
export const ratioAtMost = (value: number): Target => ({ of: 'ratio', bound: 'at most', value })
export const ottlaAtMost = (value: number): Target => ({ of: 'ottla', bound: 'at most', value })

/** How much is measured. */
export interface Plan {
  readonly runs: number
  readonly seconds: number
  readonly quick: boolean
}

/** What a row is given: one side, the load generators, and how much to do. */
export interface Stand {
  readonly contender: Contender
  readonly plan: Plan
  readonly load: Load
  /** A broker of this side that runs for the whole benchmark, warm after the first rows. */
  broker(): Promise<Broker>
  /** For what makes figures doubtful: printed, and kept with them. */
  warn(warning: string): void
}

/** The values of one run, in the order of the row's figures. */
export type Values = readonly number[]

/** A row under way on one side. */
export interface Bout {
  measure(): Promise<Values>
  close?(): Promise<void>
}

/** One line of the table: what is measured, how, and what it should come to. */
export interface Row {
  /** For `--rows`. */
  readonly name: string
  readonly title: string
  /** The conditions, in words and flags. */
  readonly how: string
  readonly figures: readonly Figure[]
  /** Whether a first run is thrown away on each side (not with --quick): code is compiled and files are made then. */
  readonly warmUp: boolean
  /** With --quick it is run once. */
  readonly slow: boolean
  /** Prepares one side. Both are prepared before the first run, then they are measured in turns. */
  open(stand: Stand): Promise<Bout>
}
