import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { jsonFields, jsonRecord } from '../src/commands/json-record.ts'

const read = (line: string): unknown => jsonRecord(Buffer.from(line), 'stdin, line 7')

test('a value alone is a record; what is no string is written as JSON', () => {
  assert.deepEqual(read('{"value":"v"}'), { key: null, value: 'v' })
  assert.deepEqual(read('{"value":{"a":[1,null]}}'), { key: null, value: '{"a":[1,null]}' })
  assert.deepEqual(read('{"key":"k","value":null}'), { key: 'k', value: null })
})

test('partition, timestamp and headers are taken, and what consume prints beside them is not', () => {
  const line = '{"topic":"t","partition":2,"offset":9,"timestamp":1795577059843,"key":"","value":"","headers":{"a":"b","c":null}}'
  const headers = [
    { key: 'a', value: 'b' },
    { key: 'c', value: null },
  ]
  assert.deepEqual(read(line), { key: '', value: '', partition: 2, timestamp: 1795577059843, headers })
})

test('a wrong line says where it is and what is wanted', () => {
  const wrong: [line: string, sentence: RegExp][] = [
    ['nope', /not JSON/],
    ['', /not JSON/],
    ['null', /"value" is wanted/],
    ['[1]', /"value" is wanted/],
    ['{"key":"k"}', /"value" is wanted/],
    ['{"value":1,"key":5}', /"key" is a string/],
    ['{"value":1,"partition":"0"}', /"partition" is a whole number/],
    ['{"value":1,"timestamp":"now"}', /"timestamp" is a whole number of milliseconds/],
    ['{"value":1,"headers":3}', /"headers" is an object/],
    ['{"value":1,"headers":{"a":5}}', /"headers" is an object/],
    ['{"value":1,"headers":["a"]}', /"headers" is a list whose members have a "key"/],
    ['{"value":1,"headers":[{"value":"a"}]}', /"headers" is a list whose members have a "key"/],
    ['{"value":"a","valueBase64":"AA=="}', /"value" and "valueBase64" are one too many/],
    ['{"valueBase64":"AA"}', /"valueBase64" is a string of base64/],
    ['{"valueBase64":7}', /"valueBase64" is a string of base64/],
    ['{"value":"\\ud800"}', /"value" is half of a pair/],
  ]
  for (const [line, sentence] of wrong) {
    assert.throws(
      () => read(line),
      (error: Error) => error.message.startsWith('stdin, line 7: ') && sentence.test(error.message),
      line,
    )
  }
})

test('a line that is no UTF-8 is refused, where its bytes would be others afterwards', () => {
  assert.throws(() => jsonRecord(Buffer.from([...Buffer.from('{"value":"'), 0xff, ...Buffer.from('"}')]), 'f'), /f: not UTF-8.*valueBase64/)
})

test('any bytes, any headers: what is printed is read as the same record', () => {
  const bytes = fc.option(
    fc.oneof(
      fc.uint8Array({ maxLength: 4 }),
      fc.string({ unit: 'grapheme' }).map((text) => Buffer.from(text)),
    ),
  )
  const name = fc.oneof(fc.constantFrom('a', '1', '0', '__proto__', ''), fc.string({ unit: 'grapheme', maxLength: 3 }))
  const headers = fc.array(fc.record({ key: name, value: bytes }), { maxLength: 3 })
  const plain = (part: string | Uint8Array | null | undefined): Buffer | null =>
    part === null || part === undefined ? null : Buffer.from(part as string)
  fc.assert(
    fc.property(bytes, bytes, headers, (key, value, all) => {
      const record = {
        key: plain(key),
        value: plain(value),
        headers: all.map((header) => ({ key: header.key, value: plain(header.value) })),
      }
      const read = jsonRecord(Buffer.from(JSON.stringify(jsonFields(record))), '')
      assert.deepEqual(
        {
          key: plain(read.key),
          value: plain(read.value),
          headers: read.headers!.map((header) => ({ key: header.key, value: plain(header.value) })),
        },
        record,
      )
    }),
  )
})
