/** The commands `ottla produce` and `ottla consume` under the suite's contract; see ../javascript/contract.mjs. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { buffer, text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const OTTLA = fileURLToPath(new URL('../../../../bin/ottla', import.meta.url))
const PARTITIONS = 3

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    bootstrap: { type: 'string', default: '' },
    topic: { type: 'string', default: '' },
    codec: { type: 'string', default: 'none' },
    input: { type: 'string', default: '' },
    idempotent: { type: 'boolean', default: false },
    group: { type: 'string', default: '' },
    count: { type: 'string', default: '0' },
    timeout: { type: 'string', default: '60' },
  },
})

/** Runs the command line; throws with its error output where it fails, and after the time-out. */
async function ottla(words: readonly string[]): Promise<string> {
  const child = spawn(OTTLA, words, { stdio: ['ignore', 'pipe', 'pipe'], timeout: Number(values.timeout) * 1000, killSignal: 'SIGKILL' })
  const [stdout, stderr, [status]] = await Promise.all([buffer(child.stdout), text(child.stderr), once(child, 'close')])
  if (status !== 0) throw new Error(`ottla ${words[0]}: exit ${status}: ${stderr} after ${stdout.length} bytes of output`)
  return stdout.toString('utf8')
}

/** Kafka's hash of a key, which says the partition: a report of `ottla produce` tells partition and offsets of a batch, not its records. */
function murmur2(key: Buffer): number {
  const multiplier = 0x5bd1e995
  let hash = 0x9747b28c ^ key.length
  const whole = key.length & ~3
  for (let at = 0; at < whole; at += 4) {
    let word = Math.imul(key.readInt32LE(at), multiplier)
    word = Math.imul(word ^ (word >>> 24), multiplier)
    hash = Math.imul(hash, multiplier) ^ word
  }
  for (let at = key.length - 1; at >= whole; at--) hash ^= key[at]! << (8 * (at - whole))
  if (whole < key.length) hash = Math.imul(hash, multiplier)
  hash = Math.imul(hash ^ (hash >>> 13), multiplier)
  return hash ^ (hash >>> 15)
}

const partitionOf = (key: Buffer): number => (murmur2(key) & 0x7fffffff) % PARTITIONS

async function produce(): Promise<void> {
  const { bootstrap, topic, codec, input, idempotent } = values
  const words = ['produce', topic, '-b', bootstrap, '--file', input, '--key-separator', '\\t', '--compression', codec, '--report']
  const reported = await ottla(idempotent ? words : [...words, '--no-idempotence'])
  const linesOf: number[][] = Array.from({ length: PARTITIONS }, () => [])
  for (const [line, record] of readFileSync(input, 'latin1').split('\n').slice(0, -1).entries()) {
    linesOf[partitionOf(Buffer.from(record.slice(0, record.indexOf('\t')), 'latin1'))]!.push(line)
  }
  const output: string[] = []
  for (const report of objects<{ partition: number; offset: number; count: number }>(reported).toSorted(
    (one, other) => one.offset - other.offset,
  )) {
    for (let index = 0; index < report.count; index++) {
      output.push(`{"line":${linesOf[report.partition]!.shift()},"partition":${report.partition},"offset":${report.offset + index}}\n`)
    }
  }
  process.stdout.write(output.join(''))
}

async function consume(): Promise<void> {
  const { bootstrap, topic, group, count } = values
  const printed = await ottla(['consume', topic, '-b', bootstrap, '--group', group, '--max', count, '--json'])
  for (const record of objects<Printed>(printed)) print(record)
}

/** Goes on until the standard input ends. */
async function follow(): Promise<void> {
  const { bootstrap, topic, group } = values
  const child = spawn(OTTLA, ['consume', topic, '-b', bootstrap, '--group', group, '--json'], { stdio: ['ignore', 'pipe', 'inherit'] })
  process.stdin.resume().on('end', () => child.kill('SIGTERM'))
  for await (const line of createInterface(child.stdout)) print(JSON.parse(line) as Printed)
}

interface Printed {
  readonly partition: number
  readonly offset: number
  readonly key: string | null
  readonly value: string | null
}

function print({ partition, offset, key, value }: Printed): void {
  const base64 = (utf8: string | null): string | null => (utf8 === null ? null : Buffer.from(utf8).toString('base64'))
  process.stdout.write(`${JSON.stringify({ partition, offset, key: base64(key), value: base64(value) })}\n`)
}

function objects<T>(output: string): T[] {
  return output
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as T)
}

try {
  await { produce, consume, follow }[positionals[0] as 'produce' | 'consume' | 'follow']()
} catch (error) {
  console.error(error)
  process.exitCode = 1
}
