import { createReadStream, statSync } from 'node:fs'
import { basename } from 'node:path'
import type { DeliveryResult, Producer, ProducerRecord } from '@ottla/client'
import type { CodecName } from '@ottla/protocol'
import { SingleBar } from 'cli-progress'
import { clientCommand, parse, withClient, type ConnectionOptions } from './connection.ts'
import { jsonRecord } from './json-record.ts'
import { lines } from './lines.ts'
import { gather, wholeNumber } from './option-values.ts'
import { UsageError } from '../usage-error.ts'

interface Options extends ConnectionOptions {
  readonly file: readonly string[]
  readonly keySeparator?: string
  readonly keyByLine: boolean
  readonly partition?: number
  readonly acks: string
  readonly compression: CodecName
  readonly idempotence: boolean
  readonly json: boolean
  readonly report: boolean
}

/** `ottla produce <topic>`: each line of a file or of the standard input is a record. */
export function run(words: readonly string[]): Promise<number> {
  const produce = clientCommand('ottla produce', 'Writes records from files or a pipe: a line, the bytes between two LF, is a record')
    .argument('<topic>')
    .option('-f, --file <path>', 'read this file; may be repeated; the standard input unless given', gather, [])
    .option('-K, --key-separator <text>', 'what stands between key and value; \\t is a tab')
    .option('--key-by-line', 'the key is file:number, the number of the line', false)
    .option('-p, --partition <number>', 'into this partition; by key, or evenly, unless given', wholeNumber)
    .option('-a, --acks <0|1|all>', 'what is waited for', 'all')
    .option('-z, --compression <codec>', 'none, gzip, snappy, lz4 or zstd', 'none')
    .option('--no-idempotence', 'no producer id; implied by acks other than all')
    .option(
      '--json',
      'a line is a JSON object: {"key", "value", "partition", "timestamp", "headers": {…}}; keyBase64, valueBase64 for other bytes',
      false,
    )
    .option('--report', 'print what was acknowledged: a JSON object a batch', false)
  produce.action((topic: string, options: Options) =>
    withClient(options, (client) => {
      const { acks, compression, keySeparator } = options
      if (keySeparator === '') throw new UsageError('a key separator has at least one character')
      if (!['0', '1', 'all', '-1'].includes(acks)) throw new UsageError(`acks is 0, 1 or all, not '${acks}'`)
      const all = acks === 'all' || acks === '-1'
      const producer = client.producer({
        acks: all ? 'all' : (Number(acks) as 0 | 1),
        compression,
        idempotent: all && options.idempotence,
        lingerMs: 5,
        batchSizeBytes: 65536,
        onRetry: sayOnce(),
      })
      return new Run(producer, topic, options).all()
    }),
  )
  return parse(produce, words)
}

/** What is waited for, once it took a while: nobody should look at a silent command for two minutes. */
const SAID_AFTER_MS = 1000

function sayOnce(): (error: Error, waitedMs: number) => void {
  let isSaid = false
  return ({ message }, waitedMs) => {
    if (isSaid || waitedMs < SAID_AFTER_MS) return
    isSaid = true
    console.error(`Not written yet, and sent again until two minutes have passed: ${message}`)
  }
}

/** One run of the command: what it read, and what of it was acknowledged. */
class Run {
  readonly #producer: Producer
  readonly #topic: string
  readonly #options: Options
  #bar: SingleBar | null = null
  #readBytes = 0
  #sent = 0
  #acknowledged = 0
  #failure: Error | null = null

  constructor(producer: Producer, topic: string, options: Options) {
    this.#producer = producer
    this.#topic = topic
    this.#options = options
  }

  async all(): Promise<void> {
    const { file } = this.#options
    const totalBytes = file.reduce((sum, path) => sum + statSync(path).size, 0)
    if (process.stderr.isTTY && totalBytes > 0) {
      this.#bar = new SingleBar({ format: '{bar} {percentage}%  {records} records', stream: process.stderr, hideCursor: true })
      this.#bar.start(totalBytes, 0, { records: 0 })
    }
    try {
      if (file.length === 0) await this.#read('stdin', process.stdin as AsyncIterable<Buffer>)
      for (const path of file) await this.#read(basename(path), createReadStream(path, { highWaterMark: 1 << 20 }) as AsyncIterable<Buffer>)
    } finally {
      await this.#producer.close()
      this.#bar?.stop()
    }
    if (this.#failure !== null)
      throw new Error(`${this.#acknowledged} of ${this.#sent} records were acknowledged: ${this.#failure.message}`)
    console.error(`${this.#acknowledged} records into '${this.#topic}'.`)
  }

  async #read(name: string, chunks: AsyncIterable<Buffer>): Promise<void> {
    let number = 0
    for await (const batch of lines(chunks)) {
      for (const line of batch) {
        if (this.#failure !== null) return
        number++
        const record = this.#record(line, name, number)
        this.#sent++
        this.#readBytes += line.length + 1
        if (!this.#producer.append(record, this.#report)) await this.#producer.room()
      }
    }
  }

  #record(line: Buffer, name: string, number: number): ProducerRecord {
    const { json, keyByLine, keySeparator, partition } = this.#options
    const where = { topic: this.#topic, ...(partition === undefined ? {} : { partition }) }
    if (json) return { ...where, ...jsonRecord(line, `${name}, line ${number}`) }
    if (keyByLine) return { ...where, key: `${name}:${number}`, value: line }
    if (keySeparator === undefined) return { ...where, value: line }
    const separator = Buffer.from(keySeparator.replaceAll('\\t', '\t'))
    const at = line.indexOf(separator)
    if (at < 0) return { ...where, key: null, value: line }
    return { ...where, key: line.subarray(0, at), value: line.subarray(at + separator.length) }
  }

  readonly #report = ({ partition, baseOffset, recordCount, error }: DeliveryResult): void => {
    if (error !== null) this.#failure ??= error
    else this.#acknowledged += recordCount
    if (this.#options.report && error === null) console.log(JSON.stringify({ partition, offset: baseOffset, count: recordCount }))
    this.#bar?.update(Math.round((this.#readBytes * this.#acknowledged) / this.#sent), { records: this.#acknowledged })
  }
}
