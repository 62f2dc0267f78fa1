/** Lets Kafka's own DumpLogSegments read the broker's files and judge them. */
import { readdirSync } from 'node:fs'
import { JAVA } from './clients.ts'
import { lastWords, run } from './processes.ts'

export interface Dump {
  readonly records: number
  readonly segments: number
  readonly indexEntries: number
}

const READABLE = /\.(log|index|timeindex|txnindex|snapshot)$/
/** All that DumpLogSegments prints of sound files; any other line is a complaint. */
const SOUND = new RegExp(
  [
    'Dumping ',
    'Log starting offset: ',
    String.raw`baseOffset: \d+ .* isvalid: true$`,
    String.raw`\| offset: \d+ `,
    String.raw`offset: \d+ position: \d+$`,
    String.raw`timestamp: -?\d+ offset: \d+$`,
    'Snapshot ',
    'producerId: ',
    String.raw`version: \d+ producerId: `,
    String.raw`\/\S+ is empty\.$`,
    '$',
  ]
    .map((start) => `^${start}`)
    .join('|'),
)
/**
 * What it says of any segment that does not begin at offset 0, of Kafka's own too: it starts to count at -1. Only with the very offset
 * that the file is named after, and with no other gap in that file, is it no complaint.
 */
const FIRST_OFFSET = /^Non-consecutive offsets in \S+\/0*([1-9]\d*)\.log\n +-1 is followed by \1\n(?! )/gm

/** In a compacted log any may be gone. */
const GAP = /^Non-consecutive offsets in \S+\n(?: +-?\d+ is followed by \d+\n)+/gm

/**
 * Reads every file of the partitions' directories in `names`; throws with the complaints where there are some. Payloads are printed where
 * asked, which must have no LF for that.
 */
export async function dumpSegments(
  classPath: string,
  logDir: string,
  names: readonly string[],
  payloads: boolean,
  compacted = false,
): Promise<Dump> {
  const filesOf = (name: string): string[] =>
    readdirSync(`${logDir}/${name}`)
      .filter((file) => READABLE.test(file))
      .sort()
  const files = names.flatMap((name) => filesOf(name).map((file) => `${logDir}/${name}/${file}`))
  const words = ['--deep-iteration', ...(payloads ? ['--print-data-log'] : []), '--files', files.join(',')]
  const ended = await run([...JAVA, '-cp', classPath, 'org.apache.kafka.tools.DumpLogSegments', ...words])
  if (ended.status !== 0) throw new Error(`DumpLogSegments: ${lastWords(ended)}`)
  const lines = ended.stdout.toString('utf8').split('\n')
  const complaints = [...lines, ...ended.stderr.replace(compacted ? GAP : FIRST_OFFSET, '').split('\n')].filter((line) => !SOUND.test(line))
  if (complaints.length > 0) throw new Error(`${complaints.length} complaints: ${complaints.slice(0, 4).join(' | ').slice(0, 1200)}`)
  return {
    records: lines.filter((line) => line.startsWith('| offset: ')).length,
    segments: files.filter((file) => file.endsWith('.log')).length,
    indexEntries: lines.filter((line) => /^offset: \d+ position: \d+$/.test(line)).length,
  }
}
