import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { BROKER_CONFIGS } from './broker-configs.ts'
import { kindOfBrokerKey, nearest, UNNEEDED_BROKER_KEYS } from './config-keys.ts'
import { camelCase, type ConfigRow } from './config-row.ts'
import { defaultValue, formatConfig, parseConfig } from './parse.ts'
import { TOPIC_CONFIGS, topicRow } from './topic-configs.ts'

interface Fact {
  readonly name: string
  readonly type: string
  readonly default?: unknown
  readonly valid?: string
  readonly importance: string
  readonly update?: string
  readonly brokerKey?: string
  readonly internal?: boolean
}

const facts = JSON.parse(readFileSync(new URL('../../../../tests/conformance/facts/configs.json', import.meta.url), 'utf8')) as Record<
  string,
  Fact[]
>
const brokerFacts = new Map([...facts['broker_3.9_only_zookeeper_mode']!, ...facts['broker']!].map((fact) => [fact.name, fact]))
const topicFacts = new Map([...facts['topic_3.9_only']!, ...facts['topic']!].map((fact) => [fact.name, fact]))

/** Where Ottla is otherwise, on purpose. */
const DIFFERENT: Record<string, string> = {
  'broker.id': 'Kafka makes up an id, or wants one: we are 1',
  'log.dir': 'what lies under /tmp does not last',
  listeners: 'they change with a restart',
  'listener.security.protocol.map': 'it changes with a restart',
  'log.segment.bytes': 'as small as Kafka 3.9 takes: directories of its time have such',
  'segment.bytes': 'the same, for a topic',
  'group.initial.rebalance.delay.ms': 'three seconds are long for one who tries it out; below 0 makes no sense',
}

function shown(row: ConfigRow | Fact): object {
  const valid = typeof row.valid === 'object' ? row.valid.text : (row.valid ?? '')
  return { type: row.type, default: row.default ?? null, valid, importance: row.importance, update: row.update, brokerKey: row.brokerKey }
}

for (const [what, table, known] of [
  ['broker', BROKER_CONFIGS, brokerFacts],
  ['topic', TOPIC_CONFIGS, topicFacts],
] as const) {
  test(`the keys of a ${what} are Kafka's, save those that are ours or different on purpose`, () => {
    for (const row of table as readonly ConfigRow[]) {
      const fact = known.get(row.name)
      assert.equal(fact === undefined, row.ottla === true, row.name)
      if (fact === undefined) continue
      if (row.name in DIFFERENT) assert.notDeepEqual(shown(row), shown(fact), row.name)
      else assert.deepEqual(shown(row), shown(fact), row.name)
    }
  })

  test(`every default of a ${what} is a value that may be set, and is shown as Kafka shows it`, () => {
    for (const row of table as readonly ConfigRow[]) {
      const text = formatConfig(defaultValue(row))
      if (text === null) continue
      assert.deepEqual(parseConfig(row, text), defaultValue(row), row.name)
    }
    assert.equal(formatConfig(2 ** 63), '9223372036854775807')
  })
}

test('every key of Kafka 3.9 and 4.4 is either ours or known as unneeded', () => {
  for (const name of brokerFacts.keys()) assert.notEqual(kindOfBrokerKey(name), 'unknown', name)
  for (const name of UNNEEDED_BROKER_KEYS) {
    assert(brokerFacts.has(name), name)
    assert.equal(kindOfBrokerKey(name), 'unneeded', name)
  }
  const gone = new Set(['message.format.version', 'message.timestamp.difference.max.ms'])
  for (const name of topicFacts.keys()) assert.equal(topicRow(name) === undefined, gone.has(name), name)
})

test('no key stands twice, every broker key and synonym exists, and a row says what it is for', () => {
  const names = new Set<string>(BROKER_CONFIGS.map((row) => row.name))
  assert.equal(names.size, BROKER_CONFIGS.length)
  assert.equal(new Set(BROKER_CONFIGS.map((row) => camelCase(row.name))).size, names.size)
  assert.equal(new Set(TOPIC_CONFIGS.map((row) => row.name)).size, TOPIC_CONFIGS.length)
  for (const row of TOPIC_CONFIGS as readonly ConfigRow[]) if (row.brokerKey !== undefined) assert(names.has(row.brokerKey), row.brokerKey)
  for (const row of BROKER_CONFIGS as readonly ConfigRow[]) for (const { key } of row.synonyms ?? []) assert(names.has(key), key)
  for (const row of [...BROKER_CONFIGS, ...TOPIC_CONFIGS]) assert.match(row.doc, /^[A-Z].*\.$/, row.name)
})

test("a topic's default is that of its broker key", () => {
  const brokerRows = new Map<string, ConfigRow>(BROKER_CONFIGS.map((row) => [row.name, row]))
  for (const row of TOPIC_CONFIGS as readonly ConfigRow[]) {
    const broker = brokerRows.get(row.brokerKey ?? '')
    if (broker === undefined || broker.synonyms !== undefined) continue
    assert.deepEqual([row.type, row.default, row.valid?.text], [broker.type, broker.default, broker.valid?.text], row.name)
  }
})

test('the nearest name is the one with the fewest changed letters, or none', () => {
  const names = ['retention.ms', 'retention.bytes', 'segment.ms']
  assert.equal(nearest('retention.mss', names), 'retention.ms')
  assert.equal(nearest('retnetion.ms', names), 'retention.ms')
  assert.equal(nearest('segment.m', names), 'segment.ms')
  assert.equal(nearest('colour', names), undefined)
})
