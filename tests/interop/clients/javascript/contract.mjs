/**
 * What every client program of this suite shares, for those in JavaScript: the command line, the input and the output.
 *   produce --bootstrap host:port --topic T --codec none|gzip|snappy|lz4|zstd --input FILE [--idempotent]
 *   consume --bootstrap host:port --topic T --group G --count N --timeout SECONDS
 *   follow --bootstrap host:port --topic T --group G          (those that share the assignor `range`: java, confluent-kafka, franz-go, ottla)
 * consume ends after N records, with their offsets committed and no others; follow when its standard input ends.
 * A producer waits for all replicas and makes batches of 8 KiB or so: a topic of the suite has segments of 64 KiB and is to index much.
 * Input: one record a line, key TAB value LF, as bytes. Output: one JSON object a line.
 */
import { readFileSync, writeSync } from 'node:fs'
import { crc32 } from 'node:zlib'

/** Partitions of every topic of the suite. */
export const PARTITIONS = 3

const LF = 10
const TAB = 9

/** The command and its options, `--idempotent` alone being a flag. */
export function commandLine() {
  const [command, ...words] = process.argv.slice(2)
  const options = { idempotent: false }
  for (let at = 0; at < words.length; at++) {
    const name = words[at].slice(2)
    if (name === 'idempotent') options.idempotent = true
    else options[name] = words[++at]
  }
  return { command, ...options, count: Number(options.count), timeoutMs: Number(options.timeout) * 1000 }
}

/** The records of an input file, in order: buffers, cut at LF and at the first TAB. */
export function readRecords(path) {
  const bytes = readFileSync(path)
  const records = []
  for (let start = 0; start < bytes.length;) {
    const end = bytes.indexOf(LF, start)
    const tab = bytes.indexOf(TAB, start)
    records.push({ key: bytes.subarray(start, tab), value: bytes.subarray(tab + 1, end) })
    start = end + 1
  }
  return records
}

/** Where librdkafka's consistent partitioner puts a key. */
export const partitionOf = (key) => crc32(key) % PARTITIONS

/** Collects output lines and writes them at once: a line per record is too many small writes. */
export class Output {
  #lines = []

  /** Record number `line` of the input was acknowledged. */
  acknowledged(line, partition, offset) {
    this.#lines.push(`{"line":${line},"partition":${partition},"offset":${offset}}`)
  }

  consumed(partition, offset, key, value) {
    const text = (bytes) => (bytes === null ? 'null' : `"${bytes.toString('base64')}"`)
    this.#lines.push(`{"partition":${partition},"offset":${offset},"key":${text(key)},"value":${text(value)}}`)
  }

  get count() {
    return this.#lines.length
  }

  flush() {
    const bytes = Buffer.from(this.#lines.map((line) => `${line}\n`).join(''))
    for (let at = 0; at < bytes.length;) at += writeSync(1, bytes, at)
    this.#lines = []
  }
}

/** Runs the client's command; ends with 0 when it did all that was asked, 1 when it failed. */
export async function main(commands) {
  const options = commandLine()
  const output = new Output()
  try {
    await commands[options.command](options, output)
    output.flush()
    process.exit(0)
  } catch (error) {
    output.flush()
    console.error(error)
    process.exit(1)
  }
}

/** Rejects once `ms` have gone by without the promise, with what `progress` says then. */
export function within(ms, promise, progress) {
  let timer
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${progress()} within ${ms} ms`)), ms)
  })
  return Promise.race([promise, late]).finally(() => clearTimeout(timer))
}
