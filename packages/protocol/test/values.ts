import { ZERO_UUID, type Field, type Fields, type UnknownTag } from '@ottla/wire'

type AnyField = Fields[string]
/** A message's value where nothing is known of its type but its fields. */
export interface Value {
  [name: string]: unknown
}

/**
 * How a generated value is made: `least` gives only what must be given; `empty`, `null` and `most` give every field its least, null or
 * greatest value; `mixed` draws from all of them.
 */
export const STYLES = ['least', 'empty', 'null', 'most', 'mixed'] as const
export type Style = (typeof STYLES)[number]

/** Values of one message in one version; the same each time. */
export class Values {
  readonly #version: number
  readonly #flexible: boolean
  readonly #style: Style
  #state: number

  constructor(version: number, flexible: boolean, style: Style) {
    this.#version = version
    this.#flexible = flexible
    this.#style = style
    this.#state = version * 7919 + 17
  }

  /** What is given to the encoder, and what the decoder must make of it. */
  message(fields: Fields): { given: Value; expected: Value } {
    const given: Value = {}
    const expected: Value = {}
    for (const [name, f] of Object.entries(fields)) {
      const carried = this.#has(f) && (f.tag === undefined || this.#flexible)
      if (!carried || (this.#style === 'least' && !mustBeGiven(f))) {
        expected[name] = absent(f)
        if (mustBeGiven(f)) given[name] = absent(f)
        continue
      }
      const value = this.#value(f)
      given[name] = value.given
      expected[name] = value.expected
    }
    if (this.#flexible && (this.#style === 'most' || (this.#style === 'mixed' && this.#draw(2) === 0))) {
      const unknown: UnknownTag[] = [
        { tag: 1000, bytes: Buffer.alloc(0) },
        { tag: 100_000 + this.#draw(99), bytes: Buffer.alloc(3, 7) },
      ]
      given['unknownTags'] = unknown
      expected['unknownTags'] = unknown
    }
    return { given, expected }
  }

  #value(f: AnyField): { given: unknown; expected: unknown } {
    const style = this.#style === 'mixed' ? STYLES[1 + this.#draw(3)]! : this.#style
    if (style === 'null' && f.nullFrom <= this.#version && this.#version <= f.nullUpTo) return { given: null, expected: null }
    if (f.kind === 'struct') return this.message(f.fields!)
    if (f.kind === 'list') {
      const count = style === 'most' ? 2 : style === 'null' ? 1 : 0
      const items = Array.from({ length: count }, () => this.#value(f.item!))
      return { given: items.map((item) => item.given), expected: items.map((item) => item.expected) }
    }
    const value = style === 'most' ? GREATEST[f.kind] : style === 'null' ? LOWEST[f.kind] : zero(f)
    return { given: value, expected: value }
  }

  #has(f: AnyField): boolean {
    return f.from <= this.#version && this.#version <= f.upTo
  }

  #draw(below: number): number {
    this.#state = (Math.imul(this.#state, 1103515245) + 12345) >>> 0
    return (this.#state >>> 8) % below
  }
}

type Scalars = Record<Exclude<AnyField['kind'], 'list' | 'struct'>, unknown>
const ZEROS: Scalars = {
  bool: false,
  int8: 0,
  int16: 0,
  uint16: 0,
  int32: 0,
  uint32: 0,
  int64: 0,
  bigint64: 0n,
  float64: 0,
  uuid: ZERO_UUID,
  string: '',
  bytes: Buffer.alloc(0),
  records: Buffer.alloc(0),
}
const GREATEST: Scalars = {
  bool: true,
  int8: 127,
  int16: 32767,
  uint16: 65535,
  int32: 2147483647,
  uint32: 4294967295,
  int64: Number.MAX_SAFE_INTEGER,
  bigint64: 2n ** 63n - 1n,
  float64: Number.MAX_VALUE,
  uuid: '_____________________w',
  string: 'größer 最大 '.repeat(12),
  bytes: Buffer.alloc(600, 0xff),
  records: Buffer.alloc(700, 0xfe),
}
const LOWEST: Scalars = {
  bool: false,
  int8: -128,
  int16: -32768,
  uint16: 0,
  int32: -2147483648,
  uint32: 0,
  int64: Number.MIN_SAFE_INTEGER,
  bigint64: -(2n ** 63n),
  float64: -Number.MAX_VALUE,
  uuid: 'AQIDBAUGBwgJCgsMDQ4PEA',
  string: 'a',
  bytes: Buffer.from([0]),
  records: Buffer.from([0]),
}
const zero = (f: AnyField): unknown => ZEROS[f.kind as keyof Scalars]

const mustBeGiven = (f: AnyField): boolean => typeof f.or === 'symbol' && f.tag === undefined

/** What a decoder fills in for a field that is not there. */
function absent(f: Field): unknown {
  if (typeof f.or !== 'symbol') return f.or
  if (f.kind === 'list') return []
  if (f.kind !== 'struct') return zero(f)
  return Object.fromEntries(Object.entries(f.fields!).map(([name, inner]) => [name, absent(inner)]))
}
