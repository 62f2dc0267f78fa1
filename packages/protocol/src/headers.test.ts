import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DecodeError, Reader, Writer } from '@ottla/wire'
import {
  readRequestHeader,
  readResponseHeader,
  requestHeaderVersion,
  responseHeaderVersion,
  writeRequestHeader,
  writeResponseHeader,
} from './headers.ts'

const bytesOf = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex')

/** API key, version, request header's version, response header's version. */
const VERSIONS = [
  [0, 0, 1, 0],
  [0, 8, 1, 0],
  [0, 9, 2, 1],
  [0, 13, 2, 1],
  [1, 11, 1, 0],
  [1, 12, 2, 1],
  [18, 0, 1, 0],
  [18, 2, 1, 0],
  [18, 3, 2, 0],
  [18, 5, 2, 0],
  [18, 99, 2, 0],
  [17, 1, 1, 0],
  [47, 0, 1, 0],
  [60, 0, 2, 1],
  [7, 0, 0, 0],
  [7, 1, 1, 0],
  [9999, 3, 1, 0],
  [-1, 0, 1, 0],
  [0, -1, 1, 0],
] as const

test("the header's form follows from API and version", () => {
  for (const [apiKey, apiVersion, request, response] of VERSIONS) {
    assert.equal(requestHeaderVersion(apiKey, apiVersion), request, `${apiKey} ${apiVersion}`)
    assert.equal(responseHeaderVersion(apiKey, apiVersion), response, `${apiKey} ${apiVersion}`)
  }
})

const SIZES = [8, 14, 15]

test('headers of every form come back and take exactly their bytes', () => {
  for (const [apiKey, apiVersion, requestVersion, responseVersion] of VERSIONS) {
    for (const clientId of ['ottl', null]) {
      const header = { apiKey, apiVersion, correlationId: -2147483648, clientId: requestVersion === 0 ? null : clientId }
      const writer = new Writer()
      writeRequestHeader(writer, header)
      assert.equal(writer.length, SIZES[requestVersion]! - (clientId === null && requestVersion > 0 ? 4 : 0))
      const reader = new Reader(writer.toBuffer())
      assert.deepEqual(readRequestHeader(reader), header)
      assert.equal(reader.left, 0)
    }
    const writer = new Writer()
    writeResponseHeader(writer, apiKey, apiVersion, 77)
    assert.equal(writer.length, responseVersion === 0 ? 4 : 5)
    const reader = new Reader(writer.toBuffer())
    assert.equal(readResponseHeader(reader, apiKey, apiVersion), 77)
    assert.equal(reader.left, 0)
  }
})

test("the client id's length has two bytes in a flexible header too", () => {
  const writer = new Writer()
  writeRequestHeader(writer, { apiKey: 1, apiVersion: 12, correlationId: 5, clientId: 'me' })
  assert.deepEqual(writer.toBuffer(), bytesOf('0001 000c 00000005 00026d65 00'))
})

test('unknown tags of headers are skipped', () => {
  const request = new Reader(bytesOf('0001 000c 00000005 ffff 02 0002abcd 070101 ee'))
  assert.deepEqual(readRequestHeader(request), { apiKey: 1, apiVersion: 12, correlationId: 5, clientId: null })
  assert.equal(request.left, 1)
  const response = new Reader(bytesOf('00000005 01 0002abcd ee'))
  assert.equal(readResponseHeader(response, 1, 12), 5)
  assert.equal(response.left, 1)
})

test('a header that ends early or lies about a length is a DecodeError', () => {
  const whole = bytesOf('0001 000c 00000005 00026d65 01 0002abcd')
  for (let length = 0; length < whole.length; length++) {
    assert.throws(() => readRequestHeader(new Reader(whole.subarray(0, length))), DecodeError, `${length} bytes`)
  }
  for (const lie of ['7fff6d65', 'ffff ffffffff0f', 'ffff 0100ffffffff0f']) {
    assert.throws(() => readRequestHeader(new Reader(bytesOf(`0001 000c 00000005 ${lie}`))), DecodeError, lie)
  }
  for (const short of ['', '000000', '00000005', '0000000501', '000000050100']) {
    assert.throws(() => readResponseHeader(new Reader(Buffer.from(short, 'hex')), 1, 12), DecodeError, short)
  }
})
