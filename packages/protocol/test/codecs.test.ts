import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { test } from 'node:test'
import type { Api } from '@ottla/protocol'
import { DecodeError, Reader, type Fields, type Message } from '@ottla/wire'
import { STYLES, Values, type Style, type Value } from './values.ts'

// Tens of thousands of errors are thrown on purpose; their stacks would be most of the time.
Error.stackTraceLimit = 0

interface Subject {
  readonly message: Message<Fields>
  readonly min: number
  readonly max: number
}

/** The last version in which something changes: data that lies in records says no range of its own. */
function lastChange(of: Message<Fields>): number {
  let last = of.flexibleFrom > 100 ? 0 : of.flexibleFrom
  const visit = (fields: Fields): void => {
    for (const f of Object.values(fields)) {
      last = Math.max(last, f.from, f.upTo > 100 ? 0 : f.upTo + 1)
      const inner = f.item?.fields ?? f.fields
      if (inner !== undefined) visit(inner)
    }
  }
  visit(of.fields)
  return last
}

const isMessage = (value: unknown): value is Message<Fields> => typeof (value as Message<Fields> | undefined)?.decode === 'function'

const subjects: Subject[] = []
for (const file of readdirSync(new URL('../src/messages', import.meta.url))) {
  const module = (await import(`../src/messages/${file}`)) as Record<string, Api>
  for (const { request, response, min, max } of Object.values(module)) {
    subjects.push({ message: request, min, max }, { message: response, min, max })
  }
}
for (const file of readdirSync(new URL('../src/data', import.meta.url))) {
  const module = (await import(`../src/data/${file}`)) as Record<string, unknown>
  for (const value of Object.values(module)) if (isMessage(value)) subjects.push({ message: value, min: 0, max: lastChange(value) })
}

function encoded({ message }: Subject, version: number, style: Style): { bytes: Buffer; expected: Value } {
  const { given, expected } = new Values(version, version >= message.flexibleFrom, style).message(message.fields)
  return { bytes: message.toBuffer(version, given as never), expected }
}

/** At most `countMax` places of `length`, all where there are few: the first and the last ones, and others between at equal distances. */
function places(length: number, countMax: number): number[] {
  if (length <= countMax) return Array.from({ length }, (_, i) => i)
  const end = Math.floor(countMax / 3)
  const step = Math.max(1, Math.floor((length - 2 * end) / end))
  const chosen: number[] = []
  for (let at = 0; at < length; at += at < end || at >= length - end ? 1 : step) chosen.push(at)
  return chosen
}

function eachVersion(check: (subject: Subject, version: number) => void): void {
  for (const subject of subjects) for (let version = subject.min; version <= subject.max; version++) check(subject, version)
}

test('all messages are here', () => {
  assert.ok(subjects.length > 200)
})

for (const style of STYLES) {
  test(`every message in every version comes back as it was: ${style}`, () => {
    eachVersion((subject, version) => {
      const { bytes, expected } = encoded(subject, version, style)
      const reader = new Reader(bytes)
      const decoded = subject.message.decode(reader, version)
      const name = `${subject.message.name} version ${version}`
      assert.deepEqual(decoded, expected, name)
      assert.equal(reader.left, 0, name)
      assert.equal(Buffer.compare(subject.message.toBuffer(version, decoded as never), bytes), 0, name)
    })
  })
}

test('a message that is cut anywhere is a DecodeError', () => {
  for (const style of ['null', 'most'] as const) {
    eachVersion((subject, version) => {
      const { bytes } = encoded(subject, version, style)
      for (const length of places(bytes.length, 400)) {
        const name = `${subject.message.name} version ${version}, ${length} of ${bytes.length} bytes`
        assert.throws(() => subject.message.decode(new Reader(bytes.subarray(0, length)), version), DecodeError, name)
      }
    })
  }
})

/** Notes what is granted before anything is made: each item of a list, and each byte of a view or a string. */
class NotingReader extends Reader {
  granted = 0

  override count(count: number, itemSizeMin: number): number {
    const granted = super.count(count, itemSizeMin)
    this.granted += granted
    return granted
  }
}

/** 2 GiB and less, as an int32, an int16 and a uvarint. */
const HOSTILE = ['7fffffff', '7ffffffe', 'ffffffff', '80000000', '7fff', '8000', 'ffffffff0f', '8080808008', 'ffffff7f'].map((hex) =>
  Buffer.from(hex, 'hex'),
)

test('a length or a count that lies, wherever it is, makes nothing large and ends in a value or a DecodeError', () => {
  const before = process.memoryUsage().arrayBuffers
  let refused = 0
  eachVersion((subject, version) => {
    const { bytes } = encoded(subject, version, 'null')
    const changed = Buffer.from(bytes)
    for (const at of places(bytes.length, 90)) {
      for (const lie of HOSTILE) {
        bytes.copy(changed)
        lie.copy(changed, at)
        const reader = new NotingReader(changed)
        try {
          subject.message.decode(reader, version)
        } catch (error) {
          assert.ok(error instanceof DecodeError, `${subject.message.name} version ${version}: ${String(error)}`)
          refused++
        }
        assert.ok(reader.granted <= 4 * bytes.length, `${subject.message.name} version ${version} granted ${reader.granted} items`)
      }
    }
  })
  assert.ok(refused > 10_000)
  assert.ok(process.memoryUsage().arrayBuffers - before < 64 << 20)
})
