import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DecodeError, Reader } from '../reader.ts'
import {
  bigint64,
  bool,
  bytes,
  int16,
  int32,
  int64,
  int8,
  list,
  nullable,
  records,
  string,
  struct,
  tag,
  uuid,
  ZERO_UUID,
  type Encodable,
  type Fields,
} from './fields.ts'
import { message, type Message } from './message.ts'

/** Bytes are written as hexadecimal digits, with spaces between what belongs together. */
const bytesOf = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex')

function encodes<S extends Fields>(of: Message<S>, version: number, value: Encodable<S>, text: string): void {
  assert.equal(of.toBuffer(version, value).toString('hex'), text.replaceAll(' ', ''))
}

function decode<S extends Fields>(of: Message<S>, version: number, text: string): unknown {
  const reader = new Reader(bytesOf(text))
  const value = of.decode(reader, version)
  assert.equal(reader.left, 0)
  return value
}

const Plain = message(
  'Plain',
  {
    id: int32(),
    name: string('1+', null),
    extra: nullable(string('2+', ''), '3+'),
    flags: list(int8(), '1+'),
  },
  'none',
)

test('each version has its fields, in order, and fills in what it lacks', () => {
  encodes(Plain, 0, { id: 1 }, '00000001')
  encodes(Plain, 1, { id: 1, name: 'a', flags: [2, 3] }, '00000001 000161 000000020203')
  encodes(Plain, 3, { id: 1, extra: null }, '00000001 ffff ffff 00000000')
  assert.deepEqual(decode(Plain, 0, '00000001'), { id: 1, name: null, extra: '', flags: [] })
  assert.deepEqual(decode(Plain, 1, '00000001 ffff 000000020203'), { id: 1, name: null, extra: '', flags: [2, 3] })
  assert.deepEqual(decode(Plain, 3, '00000001 000161 ffff 00000000'), { id: 1, name: 'a', extra: null, flags: [] })
})

test('null where a version allows none is refused', () => {
  assert.throws(() => decode(Plain, 2, '00000001 ffff ffff 00000000'), DecodeError)
  assert.throws(() => decode(Plain, 1, '00000001 ffff ffffffff'), DecodeError)
})

const Tagged = message(
  'Tagged',
  {
    late: tag(3, string('1+', null)),
    id: int8(),
    ids: tag(1, list(int8())),
    big: tag(0, bigint64('2+', 9223372036854775807n)),
    on: tag(2, bool('0+', true)),
    place: tag(4, struct({ node: int8('0+', -1), epoch: int16('0+', -1) }, '1+')),
    maybe: tag(5, nullable(struct({ node: int8() }), '0+', null)),
  },
  '1+',
)

test('a tagged field that equals its default is not written, whether given or left out', () => {
  encodes(Tagged, 2, { id: 7 }, '0700')
  const defaults = { late: null, ids: [], big: 9223372036854775807n, on: true, place: { node: -1, epoch: -1 }, maybe: null }
  encodes(Tagged, 2, { id: 7, ...defaults }, '0700')
  assert.deepEqual(decode(Tagged, 2, '0700'), { id: 7, ...defaults })
})

test('tagged fields are written by rising tag, each with its size', () => {
  const value = { id: 7, late: 'x', ids: [1, 2], big: 5n, on: false, place: { node: 2 }, maybe: { node: 1 } }
  const text = '07 06 00080000000000000005 0103030102 020100 03020278 040402ffff00 0503010100'
  encodes(Tagged, 2, value, text)
  assert.deepEqual(decode(Tagged, 2, text), { ...value, place: { node: 2, epoch: -1 } })
})

test('a version without tags, or without this tag, writes none and reads the default', () => {
  encodes(Tagged, 0, { id: 7, ids: [1], late: 'x' }, '07')
  encodes(Tagged, 1, { id: 7, big: 5n }, '0700')
  const value = decode(Tagged, 1, '07 01 00080000000000000005') as { big: bigint; unknownTags: unknown }
  assert.equal(value.big, 9223372036854775807n)
  assert.deepEqual(value.unknownTags, [{ tag: 0, bytes: Buffer.from('0000000000000005', 'hex') }])
})

test('unknown tagged fields are kept, at every depth, and written again', () => {
  const Nested = message('Nested', { items: list({ id: int8() }), of: struct({ id: int8() }) }, '0+')
  const text = '02 01 01 0902abcd 05 01 0800 02 0701ff 640103'
  const value = decode(Nested, 0, text)
  assert.deepEqual(value, {
    items: [{ id: 1, unknownTags: [{ tag: 9, bytes: Buffer.from('abcd', 'hex') }] }],
    of: { id: 5, unknownTags: [{ tag: 8, bytes: Buffer.alloc(0) }] },
    unknownTags: [
      { tag: 7, bytes: Buffer.from([255]) },
      { tag: 100, bytes: Buffer.from([3]) },
    ],
  })
  encodes(Nested, 0, value as never, text)
})

test('a tagged struct of defaults is written where it has an unknown tag', () => {
  const place = { unknownTags: [{ tag: 1, bytes: Buffer.alloc(1) }] }
  encodes(Tagged, 1, { id: 7, place }, '07 01 0407 ffffff 01 010100')
})

test('tags nest in tags, and one may be larger than an arena', () => {
  const inner = struct({ text: tag(0, list(string())) })
  const Deep = message('Deep', { outer: tag(0, struct({ inner: tag(0, inner), after: tag(1, int8('0+', 0)) })) }, '0+')
  const value = { outer: { inner: { text: Array.from({ length: 3000 }, (_, i) => `${i} is a string of some length`) }, after: 5 } }
  assert.deepEqual(Deep.decode(new Reader(Deep.toBuffer(0, value)), 0), value)
})

test('a tag whose size is not that of its value is refused', () => {
  for (const text of ['07 01 020200 00', '07 01 020000', '07 01 02ff 00', '07 01 03020378']) {
    assert.throws(() => Tagged.decode(new Reader(bytesOf(text)), 2), DecodeError, text)
  }
})

test('structs and lists that may be null', () => {
  const Maybe = message(
    'Maybe',
    {
      place: nullable(struct({ id: int8(), name: string('0+', null) })),
      ids: nullable(list(int16())),
      all: nullable(list({ id: int8() }), '0+', null),
    },
    '1+',
  )
  encodes(Maybe, 0, { place: null, ids: null }, 'ff ffffffff ffffffff')
  encodes(Maybe, 1, { place: null, ids: null }, 'ff 00 00 00')
  assert.deepEqual(decode(Maybe, 1, 'ff00 0000'), { place: null, ids: null, all: null })
  const value = { place: { id: 3, name: null }, ids: [], all: [{ id: 1 }] }
  encodes(Maybe, 0, value, '01 03 ffff 00000000 00000001 01')
  encodes(Maybe, 1, value, '01 03 00 00 01 02 0100 00')
  for (const version of [0, 1]) assert.deepEqual(Maybe.decode(new Reader(Maybe.toBuffer(version, value)), version), value)
})

test('a list whose default is null is tagged only where it is a list, even an empty one', () => {
  const Epochs = message('Epochs', { epochs: tag(0, nullable(list(int8()), '0+', null)) }, '0+')
  encodes(Epochs, 0, {}, '00')
  encodes(Epochs, 0, { epochs: null }, '00')
  encodes(Epochs, 0, { epochs: [] }, '01 000101')
  assert.deepEqual(decode(Epochs, 0, '00'), { epochs: null })
  assert.deepEqual(decode(Epochs, 0, '01000101'), { epochs: [] })
})

test('a tagged list that may be null and is empty by default', () => {
  const Names = message('Names', { names: tag(0, nullable(list(string()))) }, '0+')
  encodes(Names, 0, { names: [] }, '00')
  encodes(Names, 0, { names: null }, '01 000100')
  assert.deepEqual(decode(Names, 0, '01000100'), { names: null })
})

test('records and bytes are views of the frame when decoded', () => {
  const Payload = message('Payload', { records: nullable(records()), key: bytes('0+', null), always: records() }, '1+')
  const frame = Payload.toBuffer(1, { records: Buffer.from('abc'), key: new Uint8Array([1]), always: Buffer.from('d') })
  const value = Payload.decode(new Reader(frame), 1)
  assert.equal(value.records!.buffer, frame.buffer)
  frame[1] = 0x7a
  assert.equal(value.records!.toString(), 'zbc')
  assert.deepEqual(value.key, Buffer.from([1]))
  encodes(Payload, 0, { records: null, always: Buffer.alloc(0) }, 'ffffffff ffffffff 00000000')
  assert.equal((decode(Payload, 0, 'ffffffff'.repeat(3)) as { always: Buffer }).always.length, 0)
})

test('absent structs and uuids have their own defaults', () => {
  const at = struct({ id: uuid(), offset: int64('0+', -1), more: list(int8()) }, '1+')
  const Late = message('Late', { at, id: uuid('1+', ZERO_UUID) }, 'none')
  assert.deepEqual(decode(Late, 0, ''), { at: { id: ZERO_UUID, offset: -1, more: [] }, id: ZERO_UUID })
})

test('decoded values share nothing that can be changed', () => {
  const [a, b] = [decode(Plain, 0, '00000001'), decode(Plain, 0, '00000001')] as { flags: number[] }[]
  a!.flags.push(1)
  assert.deepEqual(b!.flags, [])
})

test('counts that cannot be true are refused before anything is made', () => {
  const Wide = message('Wide', { items: list({ a: int64(), b: uuid() }), names: list(string()) }, '1+')
  for (const text of ['7fffffff', '00000001', '003d0901 00'.repeat(100)]) {
    assert.throws(() => Wide.decode(new Reader(bytesOf(text)), 0), DecodeError)
  }
  for (const text of ['ffffffff0f', '0300', '01 ffffffff0f', '0101 ffffffff0f']) {
    assert.throws(() => Wide.decode(new Reader(bytesOf(text)), 1), DecodeError)
  }
})

test('a DecodeError says which message, version and place', () => {
  assert.throws(() => Plain.decode(new Reader(bytesOf('00000001 0005')), 1), {
    name: 'DecodeError',
    message: 'Plain version 1, near byte 6: says a string of 5 bytes, 0 are left',
  })
})

test('what follows a message is left in the reader', () => {
  const reader = new Reader(Buffer.from('000000010000000200', 'hex'))
  assert.deepEqual([Plain.decode(reader, 0).id, Plain.decode(reader, 0).id, reader.left], [1, 2, 1])
})

test('the compiled source can be read', () => {
  assert.match(Plain.source(1).decode, /r\.int32\(\)/)
  assert.match(Plain.source(1).encode, /w\.int32\(/)
})
