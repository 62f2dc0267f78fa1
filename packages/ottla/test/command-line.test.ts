import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { BrokerProcess, ottla } from './ottla-process.ts'

const broker = new BrokerProcess()
before(() => broker.start())
after(() => broker.stop())

async function committed(group: string): Promise<number> {
  const { out } = await broker.run(['groups', '--json', 'describe', group])
  return out
    .trim()
    .split('\n')
    .reduce((sum, row) => sum + (JSON.parse(row) as { committed: number }).committed, 0)
}

test('bytes come out as they went in: CR, empty lines, keys that are no text', async () => {
  await broker.run(['produce', 'bytes'], 'a\r\nb\n\nlast')
  const values = await broker.run(['consume', 'bytes', '--from', 'beginning', '--exit'])
  assert.deepEqual(values, { code: 0, out: 'a\r\nb\n\nlast\n', err: '' })
  await broker.run(['produce', 'keys', '-K', '\\t'], 'k\tv\tw\nno key\n\tempty key\n')
  const keyed = await broker.run(['consume', 'keys', '--json', '--from', 'beginning', '--exit'])
  const pairs = keyed.out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { key: string | null; value: string })
  assert.deepEqual(
    pairs.map(({ key, value }) => [key, value]),
    [
      ['k', 'v\tw'],
      [null, 'no key'],
      ['', 'empty key'],
    ],
  )
})

test('what consume --json prints, produce --json takes', async () => {
  const records =
    '{"key":"k","value":null,"timestamp":1700000000000}\n{"value":"ä","headers":{"h":"x","none":null},"timestamp":1700000000001}\n'
  assert.equal((await broker.run(['produce', 'first', '--json'], records)).code, 0)
  const first = await broker.run(['consume', 'first', '--json', '--from', 'beginning', '--exit'])
  assert.equal((await broker.run(['produce', 'second', '--json'], first.out)).code, 0)
  const second = await broker.run(['consume', 'second', '--json', '--from', 'beginning', '--exit'])
  assert.equal(second.out, first.out.replaceAll('"topic":"first"', '"topic":"second"'))
  const binary =
    '{"keyBase64":"/wA=","valueBase64":"gIE=","timestamp":5,"headers":[{"key":"h","value":"1"},{"key":"h","valueBase64":"/w=="}]}\n'
  await broker.run(['produce', 'bytes64', '--json'], binary)
  const printed = await broker.run(['consume', 'bytes64', '--json', '--from', 'beginning', '--exit'])
  assert.equal(
    printed.out,
    binary.replace('{', '{"topic":"bytes64","partition":0,"offset":0,"timestamp":5,').replace(',"timestamp":5,"headers"', ',"headers"'),
  )
  assert.match(first.out, /"timestamp":1700000000001,"key":null,"value":"ä","headers":\{"h":"x","none":null\}/)
})

test('topics delete-records: the oldest go, the topic stays', async () => {
  await broker.run(['produce', 'trimmed'], 'a\nb\nc\n')
  const trimmed = await broker.run(['topics', '--json', 'delete-records', 'trimmed', '--before', '2'])
  assert.deepEqual(trimmed, { code: 0, out: '{"topic":"trimmed","partition":0,"first":2}\n', err: '' })
  assert.equal((await broker.run(['consume', 'trimmed', '--from', 'beginning', '--exit'])).out, 'c\n')
  assert.match((await broker.run(['topics', 'delete-records', 'trimmed', '--before', '9'])).err, /OFFSET_OUT_OF_RANGE/)
  for (const partition of ['99', '2147483648']) {
    const absent = await broker.run(['topics', 'delete-records', 'trimmed', '-p', partition, '--before', '1'])
    assert.deepEqual(absent, { code: 1, out: '', err: `ottla topics: there is no partition ${partition} of trimmed\n` })
  }
  assert.equal((await broker.run(['topics', '--json', 'delete-records', 'trimmed', '-p', '0', '--before', 'end'])).code, 0)
  assert.equal((await broker.run(['consume', 'trimmed', '--from', 'beginning', '--exit'])).out, '')
})

test('a group with --max commits exactly what was printed, and goes on there', async () => {
  await broker.run(['produce', 'numbers'], Array.from({ length: 100 }, (_, at) => `${at}\n`).join(''))
  const some = await broker.run(['consume', 'numbers', '--group', 'readers', '--max', '7'])
  assert.equal(some.out, '0\n1\n2\n3\n4\n5\n6\n')
  assert.equal(await committed('readers'), 7)
  const more = await broker.run(['consume', 'numbers', '--group', 'readers', '--max', '2'])
  assert.equal(more.out, '7\n8\n')
  assert.equal(await committed('readers'), 9)
})

test('groups reset to an offset that the partition lacks takes the nearest, and tells it', async () => {
  await broker.run(['produce', 'reset'], 'a\nb\nc\n')
  await broker.run(['topics', 'delete-records', 'reset', '--before', '1'])
  const reset = (to: string): ReturnType<typeof ottla> => broker.run(['groups', 'reset', 'resetters', '-t', 'reset', '--to', to])
  assert.deepEqual(await reset('2'), { code: 0, out: 'reset-0 at 2\n', err: '' })
  assert.equal((await reset('99')).out, 'reset-0 at 3, for it has no offset 99\n')
  assert.equal(await committed('resetters'), 3)
  assert.equal((await reset('0')).out, 'reset-0 at 1, for it has no offset 0\n')
  assert.equal(await committed('resetters'), 1)
  assert.equal((await reset('end')).out, 'reset-0 at 3\n')
})

test('an offset that the partition lacks is told, and times rewind', async () => {
  const records = [1000, 2000, 3000].map((ms) => `{"value":"${ms}","timestamp":${ms}}\n`).join('')
  await broker.run(['produce', 'times', '--json'], records)
  const read = (from: string): ReturnType<typeof ottla> => broker.run(['consume', 'times', '--from', from, '--exit'])
  assert.equal((await read('1970-01-01T00:00:01.500Z')).out, '2000\n3000\n')
  assert.equal((await read('2')).out, '3000\n')
  assert.match((await read('99')).err, /times-0 has no offset 99; it is read from 3 on/)
})

test('a reader that goes away ends consume', async () => {
  await broker.run(['produce', 'many'], 'some line of some length\n'.repeat(50_000))
  const main = new URL('../src/main.ts', import.meta.url).pathname
  const consume = spawn(process.execPath, [main, 'consume', 'many', '--from', 'beginning', '-b', broker.bootstrap], {
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  consume.stdout.once('data', () => consume.stdout.destroy())
  assert.deepEqual(await once(consume, 'exit'), [0, null])
})

test('words that are not understood: exit code 2, and what is', async () => {
  const wrong: [words: string[], sentence: RegExp][] = [
    [['nope'], /no command 'nope'/],
    [['constructor'], /no command 'constructor'/],
    [['topics', 'create'], /missing required argument 'topic'/],
    [['topics', 'create', 't', '-p', 'x'], /whole number/],
    [['consume', 't', '--max', '-1'], /whole number/],
    [['consume', 't', '--from'], /argument missing/],
    [['topics', 'list', '--nope'], /unknown option '--nope'/],
    [['topics', 'create', 't', '-c', 'nope'], /key=value/],
    [['topics', 'delete-records', 't'], /required option '--before <offset>'/],
    [['topics', 'delete-records', 't', '--before', '-1'], /'-1' is invalid\. An offset or 'end'/],
    [['topics', 'delete-records', 't', '--before', '9007199254740992'], /whole number from 0 to 9007199254740991/],
    [['topics', 'create', 't', '-p', '99999999999'], /whole number from 0 to 2147483647/],
    [['groups', 'reset', 'g', '-t', 't', '--to', '99999999999999999999'], /whole number from 0 to 9007199254740991/],
    [['consume', 't', '--from', '99999999999999999999'], /whole number from 0 to 9007199254740991/],
    [['consume', 't', '--group', 'g', '--from', '7'], /starts from beginning or end/],
    [['zk', 'set', '/', 'x', '--version', '99999999999999'], /whole number from 0 to 2147483647/],
    [['zk', 'delete', '/', '--version', '2147483648'], /whole number from 0 to 2147483647/],
    [['log'], /missing required argument 'path'/],
    [['log', '/', '--from', 'x'], /whole number/],
    [['produce', 't', '-a', '2'], /acks is 0, 1 or all/],
    [['produce', 't', '-z', 'brotli'], /none, gzip, snappy, lz4 or zstd/],
    [['consume', 't', '--from', 'banana 5'], /an offset, or a time such as/],
    [['start', '--nope'], /no option --nope/],
    [['start', '--override', 'x'], /key=value/],
  ]
  await Promise.all(
    wrong.map(async ([words, sentence]) => {
      const { code, out, err } = await broker.run(words)
      assert.deepEqual({ code, out }, { code: 2, out: '' }, words.join(' '))
      assert.match(err, sentence)
    }),
  )
})

test('what is refused: exit code 1, and a sentence without a stack', async () => {
  const refused: [words: string[], sentence: RegExp][] = [
    [['topics', 'describe', 'nope'], /'nope' was refused: UNKNOWN_TOPIC_OR_PARTITION/],
    [['topics', 'create', 'a b'], /characters other than/],
    [['groups', 'describe', 'nope'], /no group 'nope'/],
    [['consume', 'nope', '--from', 'beginning'], /UNKNOWN_TOPIC_OR_PARTITION/],
    [['produce', 't', '--file', '/nope'], /no such file/],
    [['log', '/nope'], /nothing at \/nope/],
    [['start', '/nope'], /no file \/nope/],
  ]
  await Promise.all(
    refused.map(async ([words, sentence]) => {
      const { code, err } = await broker.run(words)
      assert.equal(code, 1, words.join(' '))
      assert.match(err, sentence)
      assert.doesNotMatch(err, /\n {4}at /)
    }),
  )
})

test('help is no failure', async () => {
  for (const words of [['--help'], ['help', 'topics'], ['start', '-h'], ['consume', '--help'], ['topics', 'create', '--help']]) {
    const { code, out } = await ottla(words)
    assert.equal(code, 0)
    assert.match(out, /Usage: ottla/)
  }
})

test('start with an impossible value says what is allowed', async () => {
  const { code, err } = await ottla(['start', '--check', '--override', 'num.partitions=many'])
  assert.equal(code, 1)
  assert.match(err, /num\.partitions=many: must be a whole number/)
})

test('log finds a flipped byte', async () => {
  await broker.run(['produce', 'flipped'], 'one\ntwo\nthree\n')
  const directory = join(broker.logs, 'flipped-0')
  const sound = await ottla(['log', directory, '--records'])
  assert.equal(sound.code, 0)
  assert.match(sound.out, /\tone\n[^]*All is sound/)
  const path = join(
    directory,
    readdirSync(directory).find((name) => name.endsWith('.log'))!,
  )
  const bytes = readFileSync(path)
  bytes[bytes.length - 1]! ^= 1
  writeFileSync(path, bytes)
  const damaged = await ottla(['log', path])
  assert.equal(damaged.code, 1)
  assert.match(damaged.err, /00000000000000000000\.log at 0: the checksum of the batch at offset 0 is wrong/)
})
