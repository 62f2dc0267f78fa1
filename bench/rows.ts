import type { Row } from './row.ts'
import { CLIENT_ROWS } from './rows/clients.ts'
import { FETCH_ROWS } from './rows/fetch.ts'
import { GROUP_ROWS } from './rows/groups.ts'
import { LATENCY_ROWS } from './rows/latency.ts'
import { MEMORY_ROWS, SCALE_ROWS } from './rows/memory.ts'
import { PRODUCE_ROWS } from './rows/produce.ts'
import { START_ROWS } from './rows/start.ts'

/** Everything that is measured, in order: what starts brokers of its own comes before the two that then run to the end. */
export const ROWS: readonly Row[] = [
  ...START_ROWS,
  ...MEMORY_ROWS,
  ...SCALE_ROWS,
  ...PRODUCE_ROWS,
  ...FETCH_ROWS,
  ...LATENCY_ROWS,
  ...GROUP_ROWS,
  ...CLIENT_ROWS,
]

/** Rows that need Java as a client, whichever broker is measured. */
export const JAVA_ROWS: ReadonlySet<string> = new Set(['groups', 'java-produce'])
