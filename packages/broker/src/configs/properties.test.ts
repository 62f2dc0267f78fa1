import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import fc from 'fast-check'
import { loadBrokerConfig } from './broker-config.ts'
import { parseProperties } from './properties.ts'

const parsed = (text: string) => Object.fromEntries(parseProperties(text))

test('keys and values part at =, : or a blank', () => {
  assert.deepEqual(parsed('a=1\nb:2\nc 3\nd = 4\ne : 5\nf\t 6\ng==7\nh\ni=\nj=k=l\n  m=8'), {
    a: '1',
    b: '2',
    c: '3',
    d: '4',
    e: '5',
    f: '6',
    g: '=7',
    h: '',
    i: '',
    j: 'k=l',
    m: '8',
  })
})

test('comments and blank lines are passed over; the last of a key counts', () => {
  assert.deepEqual(parsed('# a=1\n! b=2\n\n   \n  # c=3\nd=4 # no comment\r\nd=5\re=6'), { d: '5', e: '6' })
})

test('a backslash at the end continues a line; two of them do not', () => {
  assert.deepEqual(parsed('a=1,\\\n   2,\\\n\t3\nb=x\\\\\nc=y\\\n'), { a: '1,2,3', b: 'x\\', c: 'y' })
  assert.deepEqual(parsed('a=1\\\n# no comment\n\\\n'), { a: '1# no comment' })
  assert.deepEqual(parsed('a=\\\\\\\nb'), { a: '\\b' })
})

test('escapes', () => {
  assert.deepEqual(parsed('a\\ b=c\nd\\=e\\:f=g\nh=\\t\\n\\u00e9\\u4E2d\\q\\\\'), { 'a b': 'c', 'd=e:f': 'g', h: '\t\né中q\\' })
  assert.deepEqual(parsed('password=a=b:c d'), { password: 'a=b:c d' })
})

test('what is escaped comes back', () => {
  const escaped = (text: string) =>
    text
      .replace(/[\\=:#! \t\f]/g, '\\$&')
      .replace(/\n/g, '\\n')
      .replace(/\r/g, '\\r')
  const word = fc.string({ unit: 'binary', minLength: 1 })
  fc.assert(
    fc.property(fc.dictionary(word, fc.string({ unit: 'binary' })), (properties) => {
      const text = Object.entries(properties)
        .map(([key, value]) => `${escaped(key)}=${escaped(value)}`)
        .join('\n')
      assert.deepEqual(parsed(text), { ...properties })
    }),
  )
})

test('the file that comes with Ottla says nothing wrong or superfluous', () => {
  const text = readFileSync(new URL('../../../../config/server.properties', import.meta.url), 'utf8')
  for (const all of [text, text.replace(/^#(?=[a-z.]+=)/gm, '')]) {
    const { config, notes, warnings } = loadBrokerConfig(parseProperties(all))
    assert.deepEqual([notes, warnings, config.brokerId, config.logDirs], [[], [], 1, ['data/logs']])
  }
})
