import type { Extent } from '../writer.ts'
import { versionRange } from './version-range.ts'

export const ZERO_UUID = 'AAAAAAAAAAAAAAAAAAAAAA'

/** How a value lies on the wire. */
export type Kind =
  | 'bool'
  | 'int8'
  | 'int16'
  | 'uint16'
  | 'int32'
  | 'uint32'
  | 'int64'
  | 'bigint64'
  | 'float64'
  | 'uuid'
  | 'string'
  | 'bytes'
  | 'records'
  | 'list'
  | 'struct'

/**
 * One field of a message: its kind, the versions that carry it, and the value it has where it is absent (`or`), in which case an
 * encoder may be given none. `T` is what a decoder yields, `In` what an encoder takes; both are phantoms.
 */
export interface Field<T = unknown, Optional extends boolean = boolean, In = T> {
  readonly kind: Kind
  readonly from: number
  readonly upTo: number
  readonly or: unknown
  /** Versions in which null may stand for it. */
  readonly nullFrom: number
  readonly nullUpTo: number
  readonly item?: AnyField
  readonly fields?: Fields
  readonly tag?: number
  readonly type?: T
  readonly optional?: Optional
  readonly input?: In
}
// oxlint-disable-next-line no-explicit-any -- a phantom's variance: any field whatever its type
export type AnyField = Field<any, any, any>
export interface Fields {
  readonly [name: string]: AnyField
}

/** A tagged field that this version of the declarations does not know; it is kept and written again (KIP-482). */
export interface UnknownTag {
  readonly tag: number
  readonly bytes: Buffer
}

/** What a decoder yields: every field, whatever the version. */
export type Decoded<S extends Fields> = { -readonly [K in keyof S]: S[K] extends Field<infer T, boolean, unknown> ? T : never } & {
  unknownTags?: UnknownTag[]
}
type OptionalKeys<S extends Fields> = { [K in keyof S]: S[K]['optional'] extends true | undefined ? K : never }[keyof S]
type Input<F> = F extends Field<unknown, boolean, infer In> ? In : never
/** What an encoder takes: fields with a default may be left out. */
export type Encodable<S extends Fields> = { readonly [K in Exclude<keyof S, OptionalKeys<S>>]: Input<S[K]> } & {
  readonly [K in OptionalKeys<S>]?: Input<S[K]> | undefined
} & { readonly unknownTags?: readonly UnknownTag[] | undefined }

/** There is no default: an encoder must be given the value, and a decoder fills in the kind's zero. */
export const REQUIRED = Symbol('required')

function field(kind: Kind, versions: string | undefined, or: unknown, more: Partial<AnyField> = {}): AnyField {
  const [from, upTo] = versionRange(versions)
  const [nullFrom, nullUpTo] = versionRange(or === null ? undefined : 'none')
  return { kind, from, upTo, or, nullFrom, nullUpTo, ...more }
}

/** A scalar's versions, then its default; a default of null makes it nullable. */
interface Scalar<T, In = T> {
  (versions?: string): Field<T, false, In>
  (versions: string | undefined, or: T): Field<T, true, In>
  (versions: string | undefined, or: null): Field<T | null, true, In | null>
}
const scalar = <T, In = T>(kind: Kind): Scalar<T, In> =>
  ((versions?: string, or: unknown = REQUIRED) => field(kind, versions, or)) as Scalar<T, In>

export const bool = scalar<boolean>('bool')
export const int8 = scalar<number>('int8')
export const int16 = scalar<number>('int16')
export const uint16 = scalar<number>('uint16')
export const int32 = scalar<number>('int32')
export const uint32 = scalar<number>('uint32')
/** A number: exact within 2^53. */
export const int64 = scalar<number>('int64')
/** For the few whose whole range means something. */
export const bigint64 = scalar<bigint>('bigint64')
export const float64 = scalar<number>('float64')
export const uuid = scalar<string>('uuid')
export const string = scalar<string>('string')
export const bytes = scalar<Buffer, Uint8Array>('bytes')
/** Record batches: a view of the frame when decoded; bytes or a range of a file when encoded. */
export const records = scalar<Buffer, Buffer | Extent>('records')

/** A field that may be null on the wire, in all versions or in those given; with an `or` of null, it is null where it is absent. */
export function nullable<T, O extends boolean, In>(of: Field<T, O, In>, versions?: string): Field<T | null, O, In | null>
export function nullable<T, In>(of: Field<T, boolean, In>, versions: string | undefined, or: null): Field<T | null, true, In | null>
export function nullable(of: AnyField, versions?: string, or: unknown = of.or): AnyField {
  const [nullFrom, nullUpTo] = versionRange(versions)
  return { ...of, nullFrom, nullUpTo, or }
}

/** A tagged field: there only where it differs from its default, which is the kind's zero if none is given. */
export function tag<T, In>(number: number, of: Field<T, boolean, In>): Field<T, true, In> {
  return { ...of, tag: number } as AnyField
}

export const struct = <S extends Fields>(fields: S, versions?: string): Field<Decoded<S>, false, Encodable<S>> =>
  field('struct', versions, REQUIRED, { fields })

/** A list of structs, given by their fields, or of any other field. With versions of its own it is empty elsewhere, and may be left out. */
export function list<T, In>(of: Field<T, boolean, In>): Field<T[], false, readonly In[]>
export function list<T, In>(of: Field<T, boolean, In>, versions: string): Field<T[], true, readonly In[]>
export function list<S extends Fields>(of: S): Field<Decoded<S>[], false, readonly Encodable<S>[]>
export function list<S extends Fields>(of: S, versions: string): Field<Decoded<S>[], true, readonly Encodable<S>[]>
export function list(of: AnyField | Fields, versions?: string): AnyField {
  return field('list', versions, versions === undefined ? REQUIRED : [], { item: isField(of) ? of : (struct(of) as AnyField) })
}
const isField = (of: AnyField | Fields): of is AnyField => typeof (of as AnyField).kind === 'string' && (of as AnyField).from !== undefined

export const hasField = (f: AnyField, version: number): boolean => f.from <= version && version <= f.upTo
export const mayBeNull = (f: AnyField, version: number): boolean => f.nullFrom <= version && version <= f.nullUpTo

const ZEROS: Record<Kind, string> = {
  bool: 'false',
  int8: '0',
  int16: '0',
  uint16: '0',
  int32: '0',
  uint32: '0',
  int64: '0',
  bigint64: '0n',
  float64: '0',
  uuid: `'${ZERO_UUID}'`,
  string: `''`,
  bytes: 'EMPTY',
  records: 'EMPTY',
  list: '[]',
  struct: '',
}

/** Source text of the value that a field has where it is absent. */
export function absentValue(f: AnyField): string {
  if (f.or === REQUIRED) {
    if (f.kind !== 'struct') return ZEROS[f.kind]
    return `{${Object.entries(f.fields!)
      .map(([name, inner]) => `${name}:${absentValue(inner)}`)
      .join()}}`
  }
  return typeof f.or === 'bigint' ? `${f.or}n` : JSON.stringify(f.or)
}
