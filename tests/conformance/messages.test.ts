import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import * as protocol from '@ottla/protocol'
import { METADATA_RECORDS } from '@ottla/protocol/data/metadata-records'
import { GroupRecordType, ShareRecordType, TransactionRecordType } from '@ottla/protocol/data/record-types'
import { versionRange, type Fields, type Message } from '@ottla/wire'

/** What Kafka has and Ottla declares nowhere, or not by a declaration; with the reason. Everything else must be declared, and equal. */
const LEFT_OUT_APIS: Record<string, string> = {
  'LeaderAndIsr StopReplica UpdateMetadata ControlledShutdown': 'between brokers in ZooKeeper mode, gone since 4.0; Ottla has its own',
  'Vote BeginQuorumEpoch EndQuorumEpoch FetchSnapshot UpdateRaftVoter': 'between KRaft controllers',
  'AlterPartition Envelope BrokerRegistration BrokerHeartbeat AllocateProducerIds ControllerRegistration AssignReplicasToDirs':
    'from a broker to a KRaft controller',
  ListClientMetricsResources: 'the older name of ListConfigResources version 0',
}
const LEFT_OUT_DATA: Record<string, string> = {
  'RequestHeader ResponseHeader': 'written by hand in headers.ts, for speed; tested beside it',
  'ShareGroupPartitionMetadataKey ShareGroupPartitionMetadataValue': 'a preview in 3.9 only',
  QuorumStateData: 'a JSON file of KRaft',
  'RemoteLogSegmentMetadataRecord RemoteLogSegmentMetadataSnapshotRecord RemoteLogSegmentMetadataUpdateRecord':
    'of tiered storage, which Ottla has not',
  RemotePartitionDeleteMetadataRecord: 'of tiered storage, which Ottla has not',
}

interface FactField {
  name: string
  type: string
  versions?: string
  taggedVersions?: string
  nullableVersions?: string
  tag?: number
  default?: unknown
  fields?: FactField[]
}
interface Fact {
  type: string
  name: string
  apiKey?: number
  validVersions: string
  flexibleVersions: string
  fields: FactField[]
  commonStructs?: { name: string; fields: FactField[] }[]
}
type Range = readonly [number, number]

/** A field as both sides are compared: names resolved, ranges cut to those of its surroundings. */
interface Shape {
  name: string
  type: string
  versions: Range
  nullable: Range | null
  tag: number | null
  default: string
  fields?: Shape[]
}

const read = <T>(file: string): T => JSON.parse(readFileSync(new URL(`facts/${file}`, import.meta.url), 'utf8')) as T
const cut = (a: Range, b: Range): Range => [Math.max(a[0], b[0]), Math.min(a[1], b[1])]
const orNull = (range: Range): Range | null => (range[0] <= range[1] ? range : null)
const named = (lists: Record<string, string>): Set<string> => new Set(Object.keys(lists).flatMap((names) => names.split(' ')))
const camelCase = (name: string): string => name[0]!.toLowerCase() + name.slice(1)

const SCALARS = new Set(['bool', 'int8', 'int16', 'uint16', 'int32', 'uint32', 'int64', 'float64', 'uuid', 'string', 'bytes', 'records'])

function zero(type: string): string {
  if (type === 'bool') return 'false'
  if (type === 'uuid') return 'AAAAAAAAAAAAAAAAAAAAAA'
  return type.startsWith('[]') || type === 'struct' || type === 'string' || type === 'bytes' || type === 'records' ? '' : '0'
}

function factDefault(fact: FactField, type: string): string {
  if (!('default' in fact)) return zero(type)
  const text = String(fact.default)
  return text.startsWith('0x') ? String(Number(text)) : text
}

function factShapes(message: Fact, fields: FactField[], within: Range): Shape[] {
  const shapes: Shape[] = []
  for (const fact of fields) {
    const versions = cut(versionRange(fact.versions ?? fact.taggedVersions), within)
    if (versions[0] > versions[1]) continue
    if (fact.tag !== undefined) assert.equal(fact.taggedVersions, fact.versions ?? fact.taggedVersions, `${message.name} ${fact.name}`)
    const item = fact.type.replace('[]', '')
    const inner = SCALARS.has(item) ? undefined : (fact.fields ?? message.commonStructs!.find((struct) => struct.name === item)!.fields)
    const type = (fact.type.startsWith('[]') ? '[]' : '') + (inner === undefined ? item : 'struct')
    shapes.push({
      name: camelCase(fact.name),
      type,
      versions,
      nullable: orNull(cut(versionRange(fact.nullableVersions ?? 'none'), versions)),
      tag: fact.tag ?? null,
      default: factDefault(fact, type),
      ...(inner === undefined ? {} : { fields: factShapes(message, inner, versions) }),
    })
  }
  return shapes
}

function declaredShapes(fields: Fields, within: Range): Shape[] {
  return Object.entries(fields).map(([name, f]) => {
    const versions = cut([f.from, f.upTo], within)
    assert.ok(versions[0] <= versions[1], `${name} is in no version`)
    const of = f.kind === 'list' ? f.item! : f
    const type = (f.kind === 'list' ? '[]' : '') + of.kind.replace('bigint64', 'int64')
    return {
      name,
      type,
      versions,
      nullable: orNull(cut([f.nullFrom, f.nullUpTo], versions)),
      tag: f.tag ?? null,
      default: typeof f.or === 'symbol' ? zero(type) : String(f.or),
      ...(of.fields === undefined ? {} : { fields: declaredShapes(of.fields, versions) }),
    }
  })
}

function same(declared: Message<Fields>, fact: Fact): void {
  const valid = versionRange(fact.validVersions)
  assert.equal(declared.name, fact.name)
  assert.deepEqual(declaredShapes(declared.fields, valid), factShapes(fact, fact.fields, valid), fact.name)
  assert.equal(declared.flexibleFrom, Math.min(versionRange(fact.flexibleVersions)[0], 32767), fact.name)
}

const messages = read<Fact[]>('messages.json')
const records = read<Fact[]>('records.json')
const apiVersions = read<{ key: number; name: string; listeners: string[]; flexibleFrom: string }[]>('api-versions.json')
const errors = read<{ code: number; name: string; retriable: boolean; refreshMetadata?: boolean }[]>('errors.json')
const leftOutApis = named(LEFT_OUT_APIS)
const leftOutData = named(LEFT_OUT_DATA)

const fileOf = (row: protocol.ApiRow): string =>
  `${String(row.key).padStart(2, '0')}-${row.name.replace(/(?<=[a-z0-9])(?=[A-Z])/g, '-').toLowerCase()}`

test('the table of APIs is the list of what a broker may be asked', () => {
  for (const row of apiVersions) {
    const declared = protocol.API_TABLE.find((candidate) => candidate.name === row.name)
    assert.equal(declared === undefined, leftOutApis.has(row.name), row.name)
    assert.equal(declared !== undefined, row.listeners.includes('broker') && row.name !== 'ListClientMetricsResources', row.name)
    if (declared !== undefined) assert.deepEqual([declared.key, declared.flexible], [row.key, row.flexibleFrom], row.name)
  }
  for (const row of protocol.API_TABLE) {
    assert.ok(
      apiVersions.some((known) => known.name === row.name),
      row.name,
    )
    if (row.served === null) continue
    const [min, max] = versionRange(row.versions)
    const [from, upTo] = versionRange(row.served)
    assert.ok(min <= from && from <= upTo && upTo <= max, `${row.name} serves versions that are not declared`)
  }
})

for (const row of protocol.API_TABLE) {
  test(`${row.name} is Kafka's, field by field`, async () => {
    const module = (await import(`@ottla/protocol/messages/${fileOf(row)}`)) as Record<string, protocol.Api>
    const api = module[row.name]!
    const request = messages.find((fact) => fact.name === `${row.name}Request`)!
    const response = messages.find((fact) => fact.name === `${row.name}Response`)!
    assert.equal(request.apiKey, api.key)
    assert.equal(request.validVersions, row.versions)
    assert.equal(response.validVersions, row.versions)
    assert.deepEqual([api.min, api.max], versionRange(row.versions))
    assert.equal(api.flexibleFrom, api.request.flexibleFrom)
    same(api.request, request)
    same(api.response, response)
  })
}

test('each API has its file, and each file its API', () => {
  const files = readdirSync(new URL('../../packages/protocol/src/messages', import.meta.url))
  assert.deepEqual(files.toSorted(), protocol.API_TABLE.map((row) => `${fileOf(row)}.ts`).toSorted())
})

const directory = new URL('../../packages/protocol/src/data', import.meta.url)
const data = await Promise.all(readdirSync(directory).map((file) => import(`@ottla/protocol/data/${file.replace('.ts', '')}`)))

test("what is kept in records and files is Kafka's, field by field", () => {
  const door = Object.assign({}, ...data) as Record<string, Message<Fields> | undefined>
  for (const fact of records) {
    if (leftOutData.has(fact.name)) {
      assert.equal(door[fact.name], undefined, fact.name)
      continue
    }
    assert.ok(door[fact.name] !== undefined, `${fact.name} is not declared`)
    same(door[fact.name]!, fact)
  }
})

test("the types in front of metadata records are Kafka's", () => {
  const types = Object.entries(METADATA_RECORDS).map(([key, { name, versionMax }]) => [Number(key), `${name}Record`, versionMax])
  const facts = records.filter((fact) => fact.type === 'metadata' && !leftOutData.has(fact.name))
  const wanted = facts.map((fact) => [fact.apiKey!, fact.name, versionRange(fact.validVersions)[1]])
  assert.deepEqual(
    types,
    wanted.toSorted((a, b) => Number(a[0]) - Number(b[0])),
  )
})

test('every fact is declared or is left out by name', () => {
  for (const fact of messages) {
    const name = fact.name.replace(/(Request|Response)$/, '')
    assert.ok(leftOutApis.has(name) || leftOutData.has(fact.name) || protocol.API_TABLE.some((row) => row.name === name), fact.name)
  }
})

test("the types in front of keys are Kafka's", () => {
  const types = { ...GroupRecordType, ...TransactionRecordType, ...ShareRecordType }
  const keys = records.filter((fact) => fact.type === 'coordinator-key' && !leftOutData.has(fact.name))
  assert.deepEqual(types, Object.fromEntries(keys.map((fact) => [fact.name.replace(/Key$/, ''), fact.apiKey])))
})

test("the table of errors is Kafka's", () => {
  const declared = Object.entries(protocol.ERROR_TABLE).map(([name, row]) => ({ name, ...row }))
  const facts = errors.map(({ code, name, retriable, refreshMetadata = false }) => ({ name, code, retriable, refreshMetadata }))
  assert.deepEqual(declared, facts)
  for (const { code, name } of errors) {
    assert.equal(protocol.errorName(code), name)
    assert.equal(protocol.ErrorCode[name as protocol.ErrorName], code)
  }
})
