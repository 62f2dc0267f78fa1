import assert from 'node:assert/strict'
import { ErrorCode } from '@ottla/protocol'
import { ApiVersions } from '@ottla/protocol/messages/18-api-versions'
import { Metadata } from '@ottla/protocol/messages/03-metadata'
import { brokerTest } from './test-broker.ts'

const CLIENT = { clientSoftwareName: 'test', clientSoftwareVersion: '1.0' }

brokerTest('ApiVersions: every version lists the same APIs', {}, async (place) => {
  const client = await place.connect()
  const first = await client.request(ApiVersions, 0, {})
  assert.equal(first.errorCode, 0)
  const keys = first.apiKeys.map(({ apiKey }) => apiKey)
  assert.deepEqual(
    keys,
    [...new Set(keys)].sort((a, b) => a - b),
  )
  // librdkafka of 2.0 and before switches features off where version 0 of these is missing
  for (const apiKey of [0, 1, 10, 11]) assert.equal(first.apiKeys.find((one) => one.apiKey === apiKey)?.minVersion, 0)
  for (let version = 1; version <= 5; version++) {
    const response = await client.request(ApiVersions, version, CLIENT)
    assert.equal(response.errorCode, 0)
    assert.deepEqual(response.apiKeys, first.apiKeys)
  }
})

brokerTest('ApiVersions: a version that is not known is answered in version 0, its body unread', {}, async (place) => {
  const client = await place.connect()
  const served = await client.request(ApiVersions, 0, {})
  for (const version of [6, 7, 100, 32767]) {
    const rawBody = Buffer.from('this is no body of any version')
    const response = await client.request(ApiVersions, version, {}, { responseVersion: 0, rawBody })
    assert.equal(response.errorCode, ErrorCode.UNSUPPORTED_VERSION)
    assert.deepEqual(response.apiKeys, served.apiKeys)
  }
  assert.equal((await client.request(ApiVersions, 3, CLIENT)).errorCode, 0, 'the connection goes on')
})

brokerTest('ApiVersions: a client names itself in letters, digits, dots and dashes', {}, async (place) => {
  const client = await place.connect()
  for (const bad of ['', '-a', 'a-', 'a b', 'a\n', 'ä', '.']) {
    const byName = await client.request(ApiVersions, 3, { ...CLIENT, clientSoftwareName: bad })
    assert.equal(byName.errorCode, ErrorCode.INVALID_REQUEST, JSON.stringify(bad))
    const byVersion = await client.request(ApiVersions, 4, { ...CLIENT, clientSoftwareVersion: bad })
    assert.equal(byVersion.errorCode, ErrorCode.INVALID_REQUEST, JSON.stringify(bad))
  }
  for (const good of ['a', 'apache-kafka-java', '4.4.0-rc.1']) {
    assert.equal((await client.request(ApiVersions, 3, { ...CLIENT, clientSoftwareVersion: good })).errorCode, 0, good)
  }
})

brokerTest('any correlation id is echoed, and a client needs no id', {}, async (place) => {
  const client = await place.connect()
  for (const correlationId of [0, -1, 0x7fffffff, -0x80000000]) {
    await client.request(ApiVersions, 3, CLIENT, { correlationId, clientId: null })
    await client.request(Metadata, 12, { topics: [] }, { correlationId, clientId: null })
  }
})

brokerTest('an API or a version that is not served closes the connection', {}, async (place) => {
  const unserved = [
    [17, 0],
    [500, 0],
    [-1, 0],
    [3, 14],
    [3, -1],
    [0, 99],
  ] as const
  for (const [key, version] of unserved) {
    const client = await place.connect()
    const header = Buffer.alloc(14)
    header.writeInt32BE(10, 0)
    header.writeInt16BE(key, 4)
    header.writeInt16BE(version, 6)
    header.writeInt16BE(-1, 12)
    client.send(header)
    assert.match(await client.closedBy, /peer|reset/, `API ${key} version ${version}`)
  }
  const other = await place.connect()
  assert.equal((await other.request(ApiVersions, 0, {})).errorCode, 0)
})
