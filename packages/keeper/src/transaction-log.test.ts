import assert from 'node:assert/strict'
import { test } from 'node:test'
import { World, type Host } from '@ottla/env/sim'
import { LogError } from './log-recovery.ts'
import { TransactionLog } from './transaction-log.ts'

const DIRECTORY = '/log'
const LIMIT_MS = 60_000
const BEGINNING = { index: 0, term: 0 }

interface Bench {
  readonly world: World
  readonly host: Host
  run<T>(promise: Promise<T>): Promise<T>
  open(after?: { index: number; term: number }, segmentBytes?: number): Promise<{ log: TransactionLog; seen: string[] }>
  /** Appends the texts and waits until they are on disk. */
  append(log: TransactionLog, texts: readonly string[]): Promise<void>
  files(): Promise<string[]>
}

async function bench(seed = 1): Promise<Bench> {
  const world = new World(seed)
  const host = world.host('a')
  const run = <T>(promise: Promise<T>): Promise<T> => world.complete(promise, LIMIT_MS)
  await run(host.disk.createDirectory(DIRECTORY))
  await run(host.disk.syncDirectory('/'))
  return {
    world,
    host,
    run,
    async open(after = BEGINNING, segmentBytes = 1 << 20) {
      const seen: string[] = []
      const visit = ({ index, term, payload }: { index: number; term: number; payload: Buffer }): void => {
        seen.push(`${index}/${term} ${payload.toString()}`)
      }
      return { log: await run(TransactionLog.open(host, DIRECTORY, after, visit, { segmentBytes })), seen }
    },
    async append(log, texts) {
      await run(
        new Promise<void>((resolve, reject) => {
          let last = 0
          log.listen((index) => {
            if (index >= last) resolve()
          }, reject)
          for (const text of texts) last = log.append(1, 1, (writer) => writer.bytes(Buffer.from(text)))
        }),
      )
    },
    async files() {
      return (await run(host.disk.list(DIRECTORY))).map(({ name }) => name)
    },
  }
}

test('what was appended is there after a restart, and goes on', async () => {
  const { open, append, run } = await bench()
  const first = await open()
  assert.deepEqual([first.log.lastIndex, first.log.firstIndex, first.log.lastTerm], [0, 1, 0])
  await append(first.log, ['a', 'b'])
  await append(first.log, ['c'])
  await run(first.log.close())
  assert.throws(() => first.log.append(1, 1, () => {}), LogError)
  const second = await open()
  assert.deepEqual(second.seen, ['1/1 a', '2/1 b', '3/1 c'])
  await append(second.log, ['d'])
  assert.deepEqual((await open({ index: 2, term: 1 })).seen, ['3/1 c', '4/1 d'])
})

test('what a turn appends, and what comes while the disk is at work, is written at once', async () => {
  const { open, run, host } = await bench()
  const { log } = await open()
  let writes = 0
  const later = host.disk.later.bind(host.disk)
  host.disk.later = (operation, ...rest) => {
    if (operation === 'write') writes++
    return later(operation, ...rest)
  }
  const durable: number[] = []
  await run(
    new Promise<void>((resolve) => {
      log.listen((index) => {
        durable.push(index)
        if (index === 9) resolve()
        // Three times three, the second and third of them in one turn.
        if (index === 3) for (let i = 0; i < 6; i++) log.append(1, 1, () => {})
      }, assert.fail)
      for (let i = 0; i < 3; i++) log.append(1, 1, () => {})
    }),
  )
  assert.deepEqual([durable, writes], [[3, 9], 2])
})

test('a torn end is moved aside and cut off', async () => {
  const { open, append, run, host, files } = await bench()
  const { log } = await open()
  await append(log, ['one', 'two', 'three'])
  await run(log.close())
  const [name] = await files()
  const path = `${DIRECTORY}/${name}`
  const size = host.disk.peek(path)!.length
  host.disk.flipBit(path, size - 1)
  const again = await open()
  assert.deepEqual(again.seen, ['1/1 one', '2/1 two'])
  const torn = (await files()).find((file) => file.includes('torn'))
  assert.equal(host.disk.peek(`${DIRECTORY}/${torn}`)!.length, 8 + 13 + 5)
  await append(again.log, ['four'])
  assert.deepEqual((await open()).seen, ['1/1 one', '2/1 two', '3/1 four'])
})

test('damage before a later batch is refused, at every place', async () => {
  const { open, append, run, host, files } = await bench()
  const { log } = await open()
  await append(log, ['one'])
  await append(log, ['two'])
  await append(log, ['three'])
  await run(log.close())
  const path = `${DIRECTORY}/${(await files())[0]}`
  const last = host.disk.peek(path)!.length - (8 + 13 + 5)
  for (let at = 0; at < last; at++) {
    host.disk.flipBit(path, at)
    await assert.rejects(open(), LogError, `a wrong bit at ${at}`)
    host.disk.flipBit(path, at)
  }
  assert.equal((await open()).seen.length, 3)
  assert.equal((await files()).length, 1)
})

test('segments: a new one when large or asked for, old ones removed with what was torn off them', async () => {
  const { open, append, run, files } = await bench()
  const { log } = await open(BEGINNING, 60)
  for (const text of ['1', '2', '3', '4', '5']) await append(log, [text])
  log.roll()
  await append(log, ['6'])
  const names = await files()
  assert.deepEqual(
    names.map((name) => Number.parseInt(name.slice('entries.'.length), 16)),
    [1, 4, 6],
  )
  await run(log.removeBefore(5))
  assert.deepEqual([log.firstIndex, await files()], [4, names.slice(1)])
  await run(log.close())
  assert.deepEqual((await open({ index: 4, term: 1 }, 60)).seen, ['5/1 5', '6/1 6'])
  await assert.rejects(open(BEGINNING, 60), /lacks the entries 1 to 3/)
})

test('a missing segment is refused', async () => {
  const { open, append, run, files, host } = await bench()
  const { log } = await open(BEGINNING, 20)
  for (const text of ['1', '2', '3']) await append(log, [text])
  await run(log.close())
  await run(host.disk.remove(`${DIRECTORY}/${(await files())[1]}`))
  await assert.rejects(open(BEGINNING, 20), /lacks the entries 2 to 2/)
})

test('a log that ends before its snapshot goes on behind it', async () => {
  const { open, append, run } = await bench()
  const { log } = await open()
  await append(log, ['1', '2'])
  await run(log.close())
  const after = { index: 10, term: 3 }
  const second = await open(after)
  assert.deepEqual([second.seen, second.log.lastIndex, second.log.lastTerm], [[], 10, 3])
  await append(second.log, ['11'])
  await run(second.log.close())
  assert.deepEqual((await open({ index: 10, term: 1 })).seen, ['11/1 11'])
})

test('a failure of the disk is final and told once', async () => {
  const { open, run, host } = await bench()
  const { log } = await open()
  host.disk.failNext('write', 'io')
  const error = await run(
    new Promise<LogError>((resolve) => {
      log.listen(() => assert.fail('nothing is durable'), resolve)
      log.append(1, 1, () => {})
    }),
  )
  assert.equal((error.cause as { code: string }).code, 'io')
  assert.throws(() => log.append(1, 1, () => {}), error)
  await run(log.close())
})

test('what the disk said first is told, and what failed is not touched again', async () => {
  for (const segmentBytes of [1 << 20, 1]) {
    const { open, append, run, host, files } = await bench()
    const { log } = await open(BEGINNING, segmentBytes)
    await append(log, ['a'])
    const failed = new Promise<LogError>((resolve) => log.listen(() => assert.fail('nothing is durable'), resolve))
    for (const operation of ['write', 'truncate', 'remove'] as const) host.disk.failNext(operation, 'io')
    log.append(1, 1, () => {})
    assert.match(((await run(failed)).cause as Error).message, /write/)
    await run(log.close())
    host.disk.forgetFailures()
    assert.equal((await files()).length, segmentBytes === 1 ? 2 : 1)
    assert.equal((await open(BEGINNING, segmentBytes)).seen[0], '1/1 a')
  }
})

test('a sync of the directory that failed is not tried again, whatever the write beside it came to', async () => {
  for (const [write, sync] of [
    ['full', 'io'],
    [null, 'full'],
    ['full', 'full'],
  ] as const) {
    const { open, append, run, host } = await bench()
    const { log } = await open(BEGINNING, 1)
    await append(log, ['a'])
    if (write !== null) host.disk.failNext('write', write)
    host.disk.failNext('syncDirectory', sync)
    const failed = new Promise<LogError>((resolve) => log.listen(() => assert.fail('nothing is durable'), resolve))
    log.append(1, 1, () => {})
    assert.match(((await run(failed)).cause as Error).message, /\/log can't be synced: /)
    await run(log.close())
  }
})

for (const segmentBytes of [1 << 20, 1]) {
  test(`a full disk is waited for, and given up at the end: segments of ${segmentBytes} bytes`, async () => {
    const { world, open, append, run, host, files } = await bench()
    const { log } = await open(BEGINNING, segmentBytes)
    await append(log, ['a'])
    host.disk.failNext('write', 'full', '', 3)
    await append(log, ['b', 'c'])
    await append(log, ['d'])
    const before = await files()
    const whole = host.disk.capacityBytes
    host.disk.capacityBytes = whole - (await run(host.disk.freeBytes('/'))) + 10
    const failed = new Promise<LogError>((resolve) => log.listen(() => assert.fail('nothing is durable'), resolve))
    log.append(1, 1, (writer) => void writer.bytes(Buffer.from('long, and longer than there is room for')))
    await run(new Promise<void>((resolve) => void world.host('b').clock.after(5000, resolve)))
    log.waitNoMore()
    assert.match((await run(failed)).message, /can't be written/)
    await run(log.close())
    assert.deepEqual(await files(), before)
    host.disk.capacityBytes = whole
    assert.deepEqual(
      (await open()).seen.map((text) => text.slice(-1)),
      ['a', 'b', 'c', 'd'],
    )
  })
}

test('entries are taken back, also over the end of a segment', async () => {
  for (let index = 0; index <= 6; index++) {
    const { open, append, run } = await bench(index)
    const { log } = await open(BEGINNING, 60)
    for (const text of ['1', '2', '3', '4', '5', '6']) await append(log, [text])
    await run(log.truncateAfter(index, index === 0 ? 0 : 1))
    assert.equal(log.lastIndex, index)
    await append(log, ['new'])
    await run(log.close())
    const kept = ['1/1 1', '2/1 2', '3/1 3', '4/1 4', '5/1 5', '6/1 6'].slice(0, index)
    assert.deepEqual((await open(BEGINNING, 60)).seen, [...kept, `${index + 1}/1 new`])
  }
})

test('a snapshot from elsewhere takes the place of the log', async () => {
  const { open, append, run } = await bench()
  const { log } = await open(BEGINNING, 60)
  for (const text of ['1', '2', '3', '4']) await append(log, [text])
  await run(log.skipTo(100, 1))
  await append(log, ['101'])
  await run(log.close())
  assert.deepEqual((await open({ index: 100, term: 1 }, 60)).seen, ['101/1 101'])
})
