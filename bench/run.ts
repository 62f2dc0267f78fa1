/** `npm run bench`: Ottla and Apache Kafka on this machine in turns; prints ratios with their conditions and keeps the raw runs. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { KAFKA_VERSION, javaVersion, kafkaLibraries } from './kafka-jars.ts'
import { Load } from './load.ts'
import { describeCommit, describeMachine, realtimeAllowed } from './machine.ts'
import { CONTENDER_TITLES, kafkaContender, ottlaContender, type Contender } from './peers.ts'
import { summaryOf, tableOf, withSummary } from './report.ts'
import { newestResult, type Result, type RowResult, type Run } from './results.ts'
import type { Plan, Row } from './row.ts'
import { JAVA_ROWS, ROWS } from './rows.ts'
import { BUSY_CORES_MAX, SharedBroker, measureRow } from './turns.ts'

const USAGE = `Usage: npm run bench -- [options]

  --rows a,b       only these rows: ${ROWS.map(({ name }) => name).join(', ')}
  --runs N         runs of each row on each side (default 5, with --quick 2)
  --seconds N      length of a run that time bounds (default 2, with --quick 1)
  --quick          a first look in a few minutes: 2 runs of 1 s without warming up, slow rows once and smaller
  --alone          Ottla alone
  --summary        measures nothing: writes README.md's table from the newest of bench/results/
  --no-realtime    no real-time priority, even where it is allowed

All rows with at least 5 runs on both sides: the raw runs go to bench/results/ and the table into README.md. Anything less is printed, and
its raw runs stay in node_modules/.cache/bench/.`

const RUNS_WHOLE = 5
const root = fileURLToPath(new URL('..', import.meta.url))
const cache = `${root}node_modules/.cache/bench`

const { values: options } = parseArgs({
  options: {
    rows: { type: 'string' },
    runs: { type: 'string' },
    seconds: { type: 'string' },
    quick: { type: 'boolean', default: false },
    alone: { type: 'boolean', default: false },
    summary: { type: 'boolean', default: false },
    realtime: { type: 'boolean', default: true },
    help: { type: 'boolean', default: false },
  },
  allowNegative: true,
})
if (options.help) {
  console.log(USAGE)
  process.exit(0)
}
if (options.summary) {
  writeSummary()
  process.exit(0)
}
if (process.platform !== 'linux') throw new Error('the benchmark reads /proc and needs Linux')

const plan: Plan = {
  runs: positive('runs', options.runs ?? (options.quick ? '2' : '5')),
  seconds: positive('seconds', options.seconds ?? (options.quick ? '1' : '2')),
  quick: options.quick,
}
const chosen = chooseRows(options.rows)

const begin = performance.now()
const startedAt = new Date().toISOString()
const base = mkdtempSync(`${process.env['TMPDIR'] ?? tmpdir()}/ottla-bench-`)
process.on('exit', () => rmSync(base, { recursive: true, force: true, maxRetries: 5 }))

const warnings: string[] = []
const warn = (warning: string): void => {
  console.warn(`warning: ${warning}`)
  warnings.push(warning)
}

const java = await javaVersion()
const libraries = java === undefined ? undefined : await kafkaLibraries(cache).catch(withoutKafka)
const realtime = options.realtime && (await realtimeAllowed())
if (java === undefined) warn('there is no Java: Ottla is measured alone, without the Java clients')
if (!realtime) warn('no real-time priority (chrt -r 10 is not allowed, or not wanted): figures may be less stable')
const load = new Load({ realtime, cache, libraries })
await load.compile()

const contenders: Contender[] = [ottlaContender(base, load)]
if (libraries !== undefined && !options.alone) contenders.push(kafkaContender(base, libraries, load))
const rows = chosen.filter(({ name }) => libraries !== undefined || !JAVA_ROWS.has(name))
const sides = contenders.map((contender) => ({ contender, shared: new SharedBroker(contender, load, plan) }))

console.log(
  `${contenders.map(({ name }) => CONTENDER_TITLES[name]).join(' and ')}: ${rows.length} rows, ${plan.runs} runs of ${plan.seconds} s`,
)
const measured: RowResult[] = []
for (const row of rows) measured.push(await measureRow(row, sides, plan, load, warn))
for (const { shared } of sides) await shared.discard()
warnOfBusyRuns(measured.flatMap(({ runs }) => runs))

const result: Result = {
  startedAt,
  minutes: Math.round((performance.now() - begin) / 6000) / 10,
  ...describeCommit(root),
  machine: describeMachine(base),
  node: process.version.slice(1),
  ...(contenders.length > 1 && java !== undefined ? { kafka: { version: KAFKA_VERSION, java } } : {}),
  realtime,
  plan,
  warnings,
  rows: measured,
}
console.log(`\n${tableOf(result)}\n`)
keep(result)
process.exit(measured.some(({ errors }) => errors.length > 0) ? 1 : 0)

function withoutKafka(error: Error): undefined {
  warn(`Apache Kafka's jars can't be had, Ottla is measured alone, without the Java clients: ${error.message}`)
}

function warnOfBusyRuns(runs: readonly Run[]): void {
  const busy = runs.filter(({ busyCores }) => busyCores > BUSY_CORES_MAX)
  if (busy.length > 0) warn(`something else was running before ${busy.length} of ${runs.length} runs: figures mean little`)
}

function keep(done: Result): void {
  const whole = rows.length === ROWS.length && plan.runs >= RUNS_WHOLE && !plan.quick && done.kafka !== undefined
  const directory = whole ? `${root}bench/results` : `${cache}/results`
  mkdirSync(directory, { recursive: true })
  const file = `${directory}/${done.startedAt.slice(0, 19).replaceAll(':', '')}-${done.commit.slice(0, 10)}.json`
  writeFileSync(file, `${JSON.stringify(done, null, 1)}\n`)
  console.log(`${done.minutes} minutes; raw runs in ${file}`)
  if (whole) writeSummary()
}

function writeSummary(): void {
  const readme = `${root}README.md`
  writeFileSync(readme, withSummary(readFileSync(readme, 'utf8'), summaryOf(newestResult(`${root}bench/results`))))
  console.log('README.md has its table')
}

function chooseRows(names: string | undefined): readonly Row[] {
  if (names === undefined) return ROWS
  return names.split(',').map((name) => {
    const row = ROWS.find((one) => one.name === name)
    if (row === undefined) throw new Error(`there is no row '${name}'\n\n${USAGE}`)
    return row
  })
}

function positive(name: string, text: string): number {
  const value = Number(text)
  if (!(value > 0)) throw new Error(`--${name} wants a number above 0, not '${text}'`)
  return value
}
