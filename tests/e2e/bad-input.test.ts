/** Whatever comes in by the socket: the process lives on, its memory stays bounded, and a neighbour is not harmed. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { execFileSync } from 'node:child_process'
import { after, before, test, type TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { BrokerConnection } from '@ottla/client'
import { nodeEnv } from '@ottla/env/node'
import { API_TABLE, BatchBuilder, writeRequestHeader } from '@ottla/protocol'
import { Produce } from '@ottla/protocol/messages/00-produce'
import { Metadata } from '@ottla/protocol/messages/03-metadata'
import { CreateTopics } from '@ottla/protocol/messages/19-create-topics'
import { versionRange, Writer } from '@ottla/wire'
import { BrokerProcess, RAISE_LIMIT } from './broker-process.ts'
import { Neighbour } from './neighbour.ts'

/** More than the busiest of these tests may add to the process. */
const GROWTH_BYTES_MAX = 128 << 20
const LIMIT = { timeout: 60_000 }

const env = nodeEnv({ logLevel: 'silent' })
const alive = setInterval(() => {}, 1 << 30)
let broker: BrokerProcess
let names = 0

before(async () => {
  broker = await BrokerProcess.start()
  const connection = await BrokerConnection.open(env, { host: '127.0.0.1', port: broker.port }, { clientId: 'setup' })
  const configs = [{ name: 'max.message.bytes', value: '10000000' }]
  const topic = { numPartitions: 1, replicationFactor: 1, assignments: [], configs }
  const wide = { ...topic, name: 'wide', numPartitions: 1000, configs: [] }
  const { topics } = await connection.request(CreateTopics, { topics: [{ ...topic, name: 'a' }, wide] }, { versionMax: 4 })
  assert.deepEqual(
    topics.map(({ errorCode }) => errorCode),
    [0, 0],
  )
  const records = new BatchBuilder()
  records.append(null, Buffer.alloc(4 << 20, 'x'), [], Date.now())
  const topicData = [{ name: 'a', partitionData: [{ index: 0, records: records.build() }] }]
  await connection.request(Produce, { acks: -1, timeoutMs: 30_000, topicData }, { versionMax: 9 })
  connection.close()
})

after(async () => {
  clearInterval(alive)
  await broker.stop()
})

/** Runs the test beside a neighbour; afterwards the broker is as well as before. */
function besideNeighbour(title: string, work: (neighbour: Neighbour, t: TestContext) => Promise<void>): void {
  test(title, LIMIT, async (t) => {
    const neighbour = await Neighbour.start(env, broker.port, `neighbour-${names++}`)
    await neighbour.rounds(20)
    broker.forgetPeak()
    const before = broker.residentBytes()
    await work(neighbour, t)
    await neighbour.rounds(20)
    await neighbour.stop()
    const grown = broker.peakBytes() - before
    t.diagnostic(`memory grew by ${Math.round(grown / 1024 / 1024)} MiB`)
    assert(grown < GROWTH_BYTES_MAX, `memory grew by ${grown} bytes`)
    assert(broker.isRunning)
    assert.doesNotMatch(broker.output, /nobody foresaw|uncaught/i)
    const later = await BrokerConnection.open(env, { host: '127.0.0.1', port: broker.port }, { clientId: 'later' })
    await later.request(Metadata, { topics: [] }, { versionMax: 9 })
    later.close()
  })
}

/** A socket of the plain kind. It may be reset at any time, which is no error of the test. */
async function open(options: { allowHalfOpen?: boolean } = {}): Promise<Socket> {
  const socket = connect({ port: broker.port, host: '127.0.0.1', ...options })
  socket.on('error', () => {})
  await once(socket, 'connect')
  return socket
}

async function openMany(count: number): Promise<Socket[]> {
  return Promise.all(Array.from({ length: count }, () => open()))
}

/** Resolves once the broker has closed it; what it sends is read to nowhere. */
function untilClosed(socket: Socket): Promise<unknown> {
  socket.resume()
  return socket.closed ? Promise.resolve() : new Promise((resolve) => socket.once('close', resolve))
}

async function firstBytes(socket: Socket): Promise<Buffer> {
  const [bytes] = (await once(socket, 'data')) as [Buffer]
  return bytes
}

/** Bytes from a seed, so that a failure comes again. */
function noise(seed: number, length: number): Buffer {
  const bytes = Buffer.alloc(length)
  let state = seed * 2654435761 + 1
  for (let i = 0; i < length; i++) {
    state = Math.imul(state ^ (state >>> 15), 2246822519) + 0x9e3779b9
    bytes[i] = state >>> 24
  }
  return bytes
}

/** A frame with a right header and this body. */
function frame(apiKey: number, apiVersion: number, body: Uint8Array, correlationId = 7): Buffer {
  const writer = new Writer()
  writer.int32(0)
  writeRequestHeader(writer, { apiKey, apiVersion, correlationId, clientId: 'bad' })
  writer.bytes(body)
  writer.patchInt32(writer.length - 4)
  return writer.toBuffer()
}

function lengthOnly(length: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(length >>> 0)
  return bytes
}

const METADATA_V1_NONE = frame(3, 1, Buffer.alloc(4))

besideNeighbour('random bytes', async (neighbour) => {
  const sockets = await openMany(200)
  sockets.forEach((socket, seed) => socket.write(noise(seed + 1, 5000)))
  await neighbour.rounds(50)
  for (const socket of sockets) socket.destroy()
})

besideNeighbour('random bodies behind right headers, of every API in every version', async (neighbour) => {
  const frames: Buffer[] = []
  for (const { key, served } of API_TABLE) {
    if (served === null) continue
    const [min, max] = versionRange(served)
    for (let version = min; version <= max; version++) {
      for (let seed = 0; seed < 8; seed++) frames.push(frame(key, version, noise(seed * 1000 + key * 20 + version + 1, 1 + seed * 40)))
    }
  }
  while (frames.length > 0) {
    const sockets = await openMany(100)
    for (const socket of sockets) socket.end(frames.pop() ?? METADATA_V1_NONE)
    await neighbour.rounds(5)
    for (const socket of sockets) socket.destroy()
  }
})

besideNeighbour('frames cut off anywhere, and bodies shorter than they say', async (neighbour) => {
  const records = new BatchBuilder()
  records.append(null, Buffer.from('value'), [], Date.now())
  const request = { acks: -1, timeoutMs: 1000, topicData: [{ name: 'cut', partitionData: [{ index: 0, records: records.build() }] }] }
  for (const version of [3, 9]) {
    const body = Produce.request.toBuffer(version, request)
    const whole = frame(0, version, body)
    const cut = await openMany(whole.length - 1)
    await Promise.all(
      cut.map((socket, length) => {
        socket.end(whole.subarray(0, length + 1))
        return untilClosed(socket)
      }),
    )
    const short = await openMany(body.length)
    await Promise.all(
      short.map((socket, length) => {
        socket.write(frame(0, version, body.subarray(0, length)))
        return untilClosed(socket)
      }),
    )
  }
  await neighbour.rounds(10)
})

besideNeighbour('frames that say they are too large: 100 MiB and a byte, 2 GiB, less than nothing', async () => {
  const sockets = await openMany(40)
  const lengths = [104857601, 0x7fffffff, 0x80000000, 0xffffffff]
  await Promise.all(
    sockets.map((socket, i) => {
      socket.write(lengthOnly(lengths[i % lengths.length]!))
      return untilClosed(socket)
    }),
  )
})

besideNeighbour('100 frames that say 100 MiB and bring little of it take little memory', async (neighbour) => {
  const sockets = await openMany(100)
  for (const socket of sockets) socket.write(Buffer.concat([lengthOnly(104857600), METADATA_V1_NONE.subarray(4), Buffer.alloc(10_000)]))
  await neighbour.rounds(50)
  assert(sockets.every((socket) => !socket.destroyed))
  for (const socket of sockets) socket.destroy()
})

besideNeighbour('lengths of 2 GiB inside a message', async () => {
  const huge = Buffer.from('7fffffff', 'hex')
  const compact = Buffer.from('ffffffff0f', 'hex')
  const frames = [
    frame(3, 1, huge),
    frame(3, 9, compact),
    frame(3, 1, Buffer.from('000000017fff', 'hex')),
    frame(3, 9, Buffer.concat([Buffer.from('02', 'hex'), compact])),
    frame(0, 3, Buffer.concat([Buffer.from('ffffffff000003e8', 'hex'), huge])),
    frame(0, 3, Buffer.concat([Buffer.from('ffffffff000003e8000000010001610000000100000000', 'hex'), huge])),
    frame(0, 9, Buffer.concat([Buffer.from('00ffff000003e8', 'hex'), compact])),
    frame(1, 4, Buffer.concat([Buffer.alloc(17), huge])),
    frame(1, 12, Buffer.concat([Buffer.alloc(25), compact])),
    frame(18, 3, compact),
    frame(19, 5, compact),
    frame(3, 9, Buffer.concat([Buffer.from('01010000', 'hex'), compact, compact, compact])),
  ]
  await Promise.all(
    frames.map(async (bytes) => {
      const socket = await open()
      socket.write(bytes)
      await untilClosed(socket)
    }),
  )
})

besideNeighbour('a list of very many small things', async (neighbour) => {
  const body = Buffer.alloc(4 + 20_000_000)
  body.writeInt32BE(10_000_000)
  const sockets = await openMany(3)
  for (const socket of sockets) socket.write(frame(3, 1, body))
  await Promise.all(sockets.map((socket) => Promise.race([untilClosed(socket), new Promise((resolve) => socket.once('data', resolve))])))
  await neighbour.rounds(10)
  for (const socket of sockets) socket.destroy()
})

besideNeighbour('APIs and versions that there are not', async () => {
  const frames: Buffer[] = []
  for (const key of [-32768, -1, 4, 17, 95, 1000, 32767])
    for (const version of [-1, 0, 3, 32767]) frames.push(frame(key, version, noise(key + 40000, 30)))
  for (const { key, served } of API_TABLE) {
    if (key === 18) continue
    const max = served === null ? -1 : versionRange(served)[1]
    frames.push(frame(key, max + 1, noise(key + 1, 30)), frame(key, -1, noise(key + 1, 30)))
  }
  await Promise.all(
    frames.map(async (bytes) => {
      const socket = await open()
      socket.write(bytes)
      await untilClosed(socket)
    }),
  )
  const asked = await open()
  asked.write(frame(18, 99, noise(1, 30)))
  const answer = await firstBytes(asked)
  assert.deepEqual([answer.readInt32BE(4), answer.readInt16BE(8)], [7, 35], 'ApiVersions alone is answered')
  asked.destroy()
})

besideNeighbour('connections that stall in the middle of a request', async (neighbour) => {
  const sockets = await openMany(500)
  sockets.forEach((socket, i) => socket.write(METADATA_V1_NONE.subarray(0, 1 + (i % (METADATA_V1_NONE.length - 1)))))
  await neighbour.rounds(50)
  assert(sockets.every((socket) => !socket.destroyed))
  const answers = sockets.map(firstBytes)
  sockets.forEach((socket, i) => socket.write(METADATA_V1_NONE.subarray(1 + (i % (METADATA_V1_NONE.length - 1)))))
  for (const answer of await Promise.all(answers)) assert.equal(answer.readInt32BE(4), 7)
  for (const socket of sockets) socket.destroy()
})

besideNeighbour('half-open connections: the answer still comes, then the broker closes too', async () => {
  const sockets = await Promise.all(Array.from({ length: 100 }, () => open({ allowHalfOpen: true })))
  await Promise.all(
    sockets.map(async (socket) => {
      const answer = firstBytes(socket)
      const ended = once(socket, 'end')
      socket.end(METADATA_V1_NONE)
      assert.equal((await answer).readInt32BE(4), 7)
      await ended
    }),
  )
})

besideNeighbour('peers that vanish while their fetch waits', async (neighbour) => {
  const topics = Buffer.from('000000010001610000000100000000' + '0000000000000001' + '00100000', 'hex')
  const waiting = frame(1, 4, Buffer.concat([Buffer.from('ffffffff7fffffff000000010010000000', 'hex'), topics]))
  const sockets = await openMany(300)
  for (const socket of sockets) socket.write(waiting)
  await neighbour.rounds(20)
  for (const socket of sockets) socket.resetAndDestroy()
})

besideNeighbour('a reader that never reads: 4 GiB of answers asked for', async (neighbour) => {
  const topics = Buffer.from('000000010001610000000100000000' + '0000000000000000' + '00500000', 'hex')
  const request = frame(1, 4, Buffer.concat([Buffer.from('ffffffff00000000000000010500000000', 'hex'), topics]))
  const sockets = await openMany(5)
  const many = Buffer.concat(Array(200).fill(request))
  for (const socket of sockets) {
    socket.pause()
    socket.write(many)
  }
  await neighbour.rounds(100)
  for (const socket of sockets) socket.destroy()
})

besideNeighbour('a reader that never reads: many small questions with large answers', async (neighbour) => {
  const body = Buffer.from('0000000100047769' + '6465', 'hex')
  const request = frame(3, 1, body)
  const sockets = await openMany(5)
  const many = Buffer.concat(Array(50_000).fill(request))
  for (const socket of sockets) {
    socket.pause()
    socket.write(many)
  }
  await neighbour.rounds(50)
  for (const socket of sockets) socket.destroy()
})

besideNeighbour('very many small requests behind a slow one', async (neighbour) => {
  const topics = Buffer.from('000000010001610000000100000000' + '0000000000000001' + '00100000', 'hex')
  const slow = frame(1, 4, Buffer.concat([Buffer.from('ffffffff7fffffff000000010010000000', 'hex'), topics]))
  const many = Buffer.concat([slow, ...Array<Buffer>(20_000).fill(METADATA_V1_NONE)])
  const sockets = await openMany(40)
  for (const socket of sockets) socket.write(many)
  await neighbour.rounds(50)
  for (const socket of sockets) socket.destroy()
})

besideNeighbour('10,000 connections', async (neighbour, t) => {
  const hardLimit = execFileSync('sh', ['-c', 'ulimit -Hn'], { encoding: 'utf8' }).trim()
  const room = hardLimit === 'unlimited' ? Infinity : Number(hardLimit) - 500
  const count = Math.min(10_000, room)
  if (count < 10_000) t.diagnostic(`this user may have ${hardLimit} open files at most, so there are only ${count} connections`)
  const script = fileURLToPath(new URL('crowd.ts', import.meta.url))
  const crowds = [0, 1].map(() =>
    spawn('sh', ['-c', RAISE_LIMIT, process.execPath, script, String(broker.port), String(count / 2)], {
      stdio: ['pipe', 'pipe', 'inherit'],
    }),
  )
  await Promise.all(
    crowds.map(async (crowd) => {
      const [said] = (await Promise.race([once(crowd.stdout, 'data'), once(crowd, 'exit')])) as unknown[]
      assert.equal(String(said).trim(), 'ready')
    }),
  )
  await neighbour.rounds(50)
  assert(
    crowds.every((crowd) => crowd.exitCode === null),
    'all connections are still there',
  )
  await Promise.all(
    crowds.map((crowd) => {
      const gone = once(crowd, 'exit')
      crowd.stdin.end()
      return gone
    }),
  )
})

besideNeighbour('a second broker on the same directory', async (neighbour) => {
  const { code, output } = await broker.startSecond()
  assert.notEqual(code, 0)
  assert.doesNotMatch(output, /listens on/)
  assert.match(output, /lock|another process|in use/i)
  await neighbour.rounds(20)
})
