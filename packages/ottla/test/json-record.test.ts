import assert from 'node:assert/strict'
import { test } from 'node:test'
import { jsonRecord } from '../src/commands/json-record.ts'

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
    ['{"value":1,"headers":["a"]}', /"headers" is an object/],
  ]
  for (const [line, sentence] of wrong) {
    assert.throws(
      () => read(line),
      (error: Error) => error.message.startsWith('stdin, line 7: ') && sentence.test(error.message),
      line,
    )
  }
})
