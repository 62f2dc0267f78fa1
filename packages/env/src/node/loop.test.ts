import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { NodeLoop } from './loop.ts'

function fail(): never {
  throw new Error('wrong')
}

function nextImmediate(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

function read(loop: NodeLoop, reader: object, work: () => void): void {
  loop.beginRead()
  work()
  loop.endRead(reader)
}

test('a lone reader: each read is a turn; several share one; after a while alone again', async () => {
  const loop = new NodeLoop()
  const [a, b] = [{}, {}]
  const seen: string[] = []
  const mark = (text: string) => (): void => loop.atEndOfTurn(() => seen.push(text))
  read(loop, a, mark('first'))
  for (let i = 0; i < 20; i++) {
    read(loop, a, () => {})
    await nextImmediate()
  }
  seen.length = 0
  read(loop, a, mark('alone'))
  assert.deepEqual(seen, ['alone'])
  read(loop, b, mark('b'))
  read(loop, a, mark('a'))
  loop.event(mark('timer'))
  assert.deepEqual(seen, ['alone'])
  await nextImmediate()
  assert.deepEqual(seen, ['alone', 'b', 'a', 'timer'])
})

test('senders flush once, after all tasks', () => {
  const loop = new NodeLoop()
  const seen: string[] = []
  loop.event(() => {
    loop.sendAtEnd({ flush: () => seen.push('flush') })
    loop.atEndOfTurn(() => seen.push('task'))
  })
  assert.deepEqual(seen, ['task', 'flush'])
  loop.event(() => {})
  assert.deepEqual(seen, ['task', 'flush'])
})

test('an exception passes through, and the loop goes on', async () => {
  const loop = new NodeLoop()
  assert.throws(() => loop.event(fail), /wrong/)
  let tasks = 0
  assert.throws(() => {
    loop.event(() => {
      loop.atEndOfTurn(() => tasks++)
      loop.atEndOfTurn(fail)
      loop.atEndOfTurn(() => tasks++)
    })
  }, /wrong/)
  assert.equal(tasks, 1)
  await nextImmediate()
  assert.equal(tasks, 2)
})

const HANDLERS = {
  'a timer': `env.clock.after(0, fail); setInterval(() => {}, 60_000)`,
  'a task': `env.loop.atEndOfTurn(fail); setInterval(() => {}, 60_000)`,
  accept: `await pair(fail, quiet)`,
  received: `await pair(() => ({ ...quiet(), received: fail }), quiet)`,
  closed: `await pair(quiet, () => ({ ...quiet(), closed: fail }))`,
}
for (const [where, code] of Object.entries(HANDLERS)) {
  test(`an exception in ${where} stops the process`, () => {
    const script = `
      import { nodeEnv } from ${JSON.stringify(new URL('./index.ts', import.meta.url).href)}
      const env = nodeEnv()
      const fail = () => { throw new Error('for all to see') }
      const space = Buffer.alloc(100)
      const quiet = () => ({ space: () => space, received() {}, drained() {}, closed() {} })
      const pair = async (near, far) => {
        const listener = await env.net.listen({ host: '127.0.0.1', port: 0 }, near)
        const connection = await env.net.connect(listener.address, far)
        connection.write(Buffer.from('x'))
        connection.close()
      }
      ${code}`
    const { status, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8', timeout: 60_000 })
    assert.equal(status, 1, stderr)
    assert.match(stderr, /for all to see/)
  })
}
