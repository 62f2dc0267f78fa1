import type { Contender } from './peers.ts'
import type { Result, RowResult } from './results.ts'
import type { Target } from './row.ts'
import { median, ratio, spread } from './statistics.ts'

/** One figure of a row, summed up over its runs. */
interface Line {
  readonly title: string
  readonly figure: string
  readonly ottla: string
  readonly kafka: string
  readonly ratio: string
  readonly target: string
  readonly met: string
  readonly spread: string
}

const MISSING = '–'

/** Three digits that mean something, thousands apart. */
function readable(value: number): string {
  if (!Number.isFinite(value)) return MISSING
  if (value === 0) return '0'
  const decimals = Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value))))
  return Number(value.toPrecision(3)).toLocaleString('en-GB', { maximumFractionDigits: Math.min(decimals, 6) })
}

const percent = (share: number): string => `${Math.round(share * 100)}%`

function linesOf(row: RowResult): Line[] {
  return row.figures.map(({ name, unit, targets }, at) => {
    const of = (contender: Contender['name']): number[] =>
      row.runs.filter((run) => run.contender === contender).map((run) => run.values[at] ?? Number.NaN)
    const [ottla, kafka] = [of('ottla'), of('kafka')]
    const quotient = ratio(ottla, kafka)
    return {
      title: row.title,
      figure: `${name}, ${unit}`,
      ottla: readable(median(ottla)),
      kafka: readable(median(kafka)),
      ratio: quotient === undefined ? MISSING : `${readable(quotient)}x`,
      target: targets.map(describeTarget).join(', ') || MISSING,
      met: targets.length === 0 ? '' : targets.map((target) => isMet(target, median(ottla), quotient)).join(', '),
      spread: `${percent(spread(ottla))} / ${kafka.length === 0 ? MISSING : percent(spread(kafka))}`,
    }
  })
}

function describeTarget({ of, bound, value }: Target): string {
  return `${bound === 'at least' ? '≥' : '≤'} ${readable(value)}${of === 'ratio' ? 'x' : ''}`
}

function isMet({ of, bound, value }: Target, ottla: number, quotient: number | undefined): string {
  const reached = of === 'ratio' ? quotient : ottla
  if (reached === undefined || Number.isNaN(reached)) return 'not measured'
  return (bound === 'at least' ? reached >= value : reached <= value) ? 'yes' : 'no'
}

/** The conditions that all rows share, a sentence each. */
function conditionsOf(result: Result): string[] {
  const { machine, plan, commit, changed, kafka } = result
  const code = commit === 'none' ? 'uncommitted code' : `commit ${commit.slice(0, 10)}${changed ? ' with changes' : ''}`
  const priority = result.realtime
    ? 'Both sides ran with a real-time priority (`chrt -r 10`) in the throughput, latency and client rows.'
    : 'No real-time priority: figures may be less stable.'
  const peer =
    kafka === undefined
      ? 'Apache Kafka was not measured: Ottla alone.'
      : `Beside it Apache Kafka ${kafka.version} (KRaft, its stock server settings, 1 GiB heap, Java ${kafka.java}).`
  return [
    `Measured ${result.startedAt.slice(0, 10)}, ${code}, Node ${result.node}. ${peer}`,
    `One machine: ${machine.cores} cores (${machine.processor}), ${machine.memoryGb} GB, Linux ${machine.kernel}.`,
    `Medians of ${plan.runs} runs, the two sides in turns, ${plan.seconds} s each where time bounds a run.`,
    priority,
  ]
}

/** The table for a terminal, with the spread of the runs (from least to most, as a share of the median). */
export function tableOf(result: Result): string {
  const head: Line = {
    title: '',
    figure: 'figure',
    ottla: 'Ottla',
    kafka: 'Kafka',
    ratio: 'ratio',
    target: 'target',
    met: 'met',
    spread: 'spread O / K',
  }
  const columns = ['figure', 'ottla', 'kafka', 'ratio', 'target', 'met', 'spread'] as const
  const all = result.rows.map((row) => ({ row, lines: linesOf(row) }))
  const widths = columns.map((column) => Math.max(...[head, ...all.flatMap(({ lines }) => lines)].map((line) => line[column].length)))
  const print = (line: Line): string =>
    columns
      .map((column, at) => line[column].padEnd(widths[at] ?? 0))
      .join('  ')
      .trimEnd()
  const blocks = all.map(({ row, lines }) =>
    [
      `${row.title}  [${row.name}]`,
      `  ${row.how}`,
      ...row.errors.map((error) => `  failed: ${error}`),
      ...lines.map((line) => `  ${print(line)}`),
    ].join('\n'),
  )
  const warnings = result.warnings.map((warning) => `warning: ${warning}`)
  return [conditionsOf(result).join('\n'), `  ${print(head)}`, ...blocks, ...warnings].join('\n\n')
}

/** What README says between its markers; of no result, how to get one. */
export function summaryOf(result: Result | undefined): string {
  if (result === undefined) return '`npm run bench` measures Ottla and Apache Kafka alternately on one machine and writes its table here.'
  const lines = result.rows.flatMap((row) => linesOf(row).map((line, at) => ({ ...line, title: at === 0 ? row.title : '' })))
  const table = lines.map(
    ({ title, figure, ottla, kafka, ratio: quotient, target, met }) =>
      `| ${[title, figure, ottla, kafka, quotient, target, met].map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`,
  )
  const failed = result.rows.filter((row) => row.errors.length > 0).map((row) => row.name)
  const notes = [
    ...(failed.length > 0 ? [`Rows with failures: ${failed.join(', ')}.`] : []),
    ...(result.warnings.length > 0 ? [`Warnings during the run: ${result.warnings.length}, in the raw file.`] : []),
  ]
  return [
    [
      ...conditionsOf(result),
      ...notes,
      'Raw runs and the exact conditions of each row are in `bench/results/`; again by `npm run bench`.',
    ].join('\n'),
    '',
    '| | figure | Ottla | Kafka | ratio | target | met |',
    '|---|---|--:|--:|--:|--:|---|',
    ...table,
  ].join('\n')
}

const BEGIN = '<!-- bench:begin -->\n'
const END = '\n<!-- bench:end -->'

/** `readme` with `summary` between its markers. */
export function withSummary(readme: string, summary: string): string {
  const begin = readme.indexOf(BEGIN)
  const end = readme.indexOf(END)
  if (begin < 0 || end < begin) throw new Error(`README.md has no ${BEGIN.trim()} … ${END.trim()}`)
  return readme.slice(0, begin + BEGIN.length) + summary + readme.slice(end)
}
