/** Compares what came out with what went in: key and value, per partition, in order. */
import type { Line } from './corpus.ts'

/** `line` of the input was acknowledged at this place. */
export interface Acknowledged {
  readonly line: number
  readonly partition: number
  readonly offset: number
}

/** A record as a consumer printed it; key and value in base64. */
export interface Consumed {
  readonly partition: number
  readonly offset: number
  readonly key: string | null
  readonly value: string | null
}

/** Per partition, the input's lines by offset. */
export type Partitions = readonly (readonly Line[])[]

/** The JSON objects of an output, one a line. */
export function parseLines<T>(output: Buffer): T[] {
  return output
    .toString('utf8')
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as T)
}

/** What each partition has to hold; throws unless every line was acknowledged once, at offsets without a gap, in the order of the input. */
export function expectedPartitions(lines: readonly Line[], acknowledged: readonly Acknowledged[], partitionCount: number): Partitions {
  if (acknowledged.length !== lines.length) throw new Error(`${acknowledged.length} acknowledged of ${lines.length} lines`)
  const partitions: Line[][] = Array.from({ length: partitionCount }, () => [])
  const inOrder = acknowledged.toSorted((one, other) => one.partition - other.partition || one.offset - other.offset)
  let previous = { partition: -1, line: -1 }
  for (const { line, partition, offset } of inOrder) {
    const held = partitions[partition]
    const place = `partition ${partition} offset ${offset}`
    if (held === undefined) throw new Error(`line ${line} was acknowledged in ${place}: there is no such partition`)
    if (offset !== held.length) throw new Error(`line ${line} was acknowledged at ${place}, but ${held.length} is the next offset`)
    if (previous.partition === partition && previous.line >= line)
      throw new Error(`${place} holds line ${line} after line ${previous.line}`)
    held.push(lines[line]!)
    previous = { partition, line }
  }
  return partitions
}

/** Throws at the first record that differs; `consumed` is in order of arrival, of all runs of one group. */
export function compare(expected: Partitions, consumed: readonly Consumed[]): void {
  const next: number[] = expected.map(() => 0)
  for (const { partition, offset, key, value } of consumed) {
    const place = `partition ${partition} offset ${offset}`
    const line = expected[partition]?.[offset]
    if (line === undefined) throw new Error(`${place} was consumed, which was never acknowledged`)
    if (offset !== next[partition]) throw new Error(`${place} came where offset ${next[partition]} was to come`)
    next[partition] = offset + 1
    for (const [name, got, wanted] of [
      ['key', key, line.key],
      ['value', value, line.value],
    ] as const) {
      if (got !== wanted.toString('base64'))
        throw new Error(`${place}: ${name} ${quote(got)} instead of ${JSON.stringify(wanted.toString('latin1'))}`)
    }
  }
  for (const [partition, lines] of expected.entries()) {
    if (next[partition] !== lines.length) throw new Error(`partition ${partition}: ${next[partition]} of ${lines.length} records came`)
  }
}

const quote = (base64: string | null): string =>
  base64 === null ? 'null' : JSON.stringify(Buffer.from(base64, 'base64').toString('latin1'))
