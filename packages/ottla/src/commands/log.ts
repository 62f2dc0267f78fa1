import { existsSync, readdirSync, statSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { nodeEnv } from '@ottla/env/node'
import { checkSegment, walkSegment } from '@ottla/log'
import { readRecords, recordBatch, type ReadRecord } from '@ottla/protocol'
import { localCommand, parse } from './connection.ts'
import { jsonFields } from './json-record.ts'
import { wholeNumber } from './option-values.ts'
import { show } from './output.ts'

interface Options {
  readonly records: boolean
  readonly from: number
  readonly json: boolean
}

/** `ottla log <path>`: what lies in a partition's directory or one segment, and whether it is sound. Only reads; a broker may be running. */
export function run(words: readonly string[]): Promise<number> {
  let exitCode = 0
  const log = localCommand(
    'ottla log',
    "Prints and checks the files of a partition: each batch's checksum and offset, each index entry against the log",
  )
    .argument('<path>', "a partition's directory such as data/logs/visits-0, or a .log file in it")
    .option('-r, --records', 'print the records too', false)
    .option('--from <offset>', 'records from this offset on', wholeNumber, 0)
    .option('--json', 'a JSON object a line', false)
    .action(async (path: string, options: Options) => {
      if (!(await print(path, options))) exitCode = 1
    })
  return parse(log, words).then((code) => code || exitCode)
}

/** False where something is wrong. */
async function print(path: string, { records, from, json }: Options): Promise<boolean> {
  const { disk } = nodeEnv({ logLevel: 'error' })
  const { directory, baseOffsets } = segmentsOf(path)
  const reports = []
  for (const baseOffset of baseOffsets) {
    if (records) await printRecords(disk, join(directory, `${String(baseOffset).padStart(20, '0')}.log`), from, json)
    reports.push(await checkSegment(disk, directory, baseOffset))
  }
  const rows = reports.map((report) => ({
    segment: report.baseOffset,
    next: report.nextOffset,
    batches: report.batchCount,
    bytes: report.sizeBytes,
    'largest time': report.largestTimestamp < 0 ? null : new Date(report.largestTimestamp).toISOString(),
    index: report.offsetEntryCount,
    timeindex: report.timeEntryCount,
    problems: report.problems.length,
  }))
  show(rows, json, 'There is no segment here.')
  const problems = reports.flatMap((report) => report.problems)
  for (const { path: file, position, what } of problems) console.error(`${basename(file)} at ${position}: ${what}`)
  if (!json) console.log(problems.length === 0 ? 'All is sound.' : `${problems.length} problem(s).`)
  return problems.length === 0
}

function segmentsOf(path: string): { directory: string; baseOffsets: number[] } {
  if (!existsSync(path)) throw new Error(`there is nothing at ${path}`)
  const isFile = statSync(path).isFile()
  const directory = isFile ? dirname(path) : path
  const names = isFile ? [basename(path)] : readdirSync(path).sort()
  const baseOffsets = names.filter((name) => /^\d{20}\.log$/.test(name)).map((name) => Number(name.slice(0, 20)))
  if (baseOffsets.length === 0) throw new Error(`${path} is not a partition's directory nor a segment (20 digits and .log)`)
  return { directory, baseOffsets }
}

async function printRecords(disk: Parameters<typeof walkSegment>[0], path: string, from: number, json: boolean): Promise<void> {
  for await (const { bytes, crcIsRight } of walkSegment(disk, path)) {
    if (!crcIsRight || recordBatch.lastOffset(bytes, 0) < from) continue
    for (const record of readRecords(bytes)) if (record.offset >= from) console.log(line(record, json))
  }
}

function line(record: ReadRecord, json: boolean): string {
  const { offset, timestamp, key, value, batch } = record
  const { isControl, producerId, codec } = batch
  if (json) return JSON.stringify({ offset, timestamp, ...jsonFields(record), codec, producerId, isControl })
  const text = (bytes: Buffer | null): string | null => bytes?.toString() ?? null
  return `${offset}\t${new Date(timestamp).toISOString()}\t${isControl ? '(control)' : (text(key) ?? '-')}\t${text(value) ?? '(null)'}`
}
