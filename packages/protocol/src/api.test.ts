import assert from 'node:assert/strict'
import { test } from 'node:test'
import { int16, string } from '@ottla/wire'
import { API_TABLE, apiRow } from './api-table.ts'
import { api } from './api.ts'

test('an API has its key and versions from the table', () => {
  const declared = api('ApiVersions', { clientSoftwareName: string('3+', '') }, { errorCode: int16() })
  assert.deepEqual([declared.key, declared.min, declared.max, declared.flexibleFrom], [18, 0, 5, 3])
  assert.deepEqual([declared.request.name, declared.response.name], ['ApiVersionsRequest', 'ApiVersionsResponse'])
  assert.deepEqual([declared.requestHeaderVersion(3), declared.responseHeaderVersion(3)], [2, 0])
  assert.equal(declared.response.toBuffer(0, { errorCode: 35 }).toString('hex'), '0023')
})

test('an API that never is flexible', () => {
  const declared = api('OffsetDelete', {}, {})
  assert.deepEqual([declared.requestHeaderVersion(0), declared.responseHeaderVersion(0)], [1, 0])
})

test('rows are found by key, and keys are in order', () => {
  assert.equal(apiRow(1)?.name, 'Fetch')
  assert.equal(apiRow(4), undefined)
  assert.equal(apiRow(-1), undefined)
  const keys = API_TABLE.map((row) => row.key)
  assert.deepEqual(
    keys,
    keys.toSorted((a, b) => a - b),
  )
  assert.equal(new Set(keys).size, keys.length)
})
