import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Connection, Receiver } from '@ottla/env'
import { World, type Host } from '@ottla/env/sim'
import { openKeeper, type Keeper, type KeeperOptions } from '@ottla/keeper'
import { Reader, Writer } from '@ottla/wire'
import {
  errorName,
  OPCODES,
  OPEN_ACL,
  readConnectResponse,
  readNotification,
  writeAcl,
  writeConnectRequest,
  writeRequest,
  type ClientRequest,
  type ConnectResponse,
} from '@ottla/zookeeper'
import { CLIENTS } from './clients.ts'

const LIMIT_MS = 120_000
const PORT = 2181
const HELLO = { lastZxidSeen: 0, timeoutMs: 6000, sessionId: 0n, password: Buffer.alloc(16), readOnly: false }

/** A client of bytes: what it sent and heard is the test's own business. */
class RawSocket implements Receiver {
  bytes = Buffer.alloc(0)
  isClosed = false
  connection: Connection | null = null
  readonly #space = Buffer.alloc(65536)

  space(): Uint8Array {
    return this.#space
  }

  received(length: number): void {
    this.bytes = Buffer.concat([this.bytes, this.#space.subarray(0, length)])
  }

  drained(): void {}

  closed(): void {
    this.isClosed = true
  }

  /** The frames that came so far; what is left over stays. */
  frames(): Buffer[] {
    const frames: Buffer[] = []
    while (this.bytes.length >= 4 && this.bytes.length >= 4 + this.bytes.readInt32BE(0)) {
      const end = 4 + this.bytes.readInt32BE(0)
      frames.push(this.bytes.subarray(4, end))
      this.bytes = this.bytes.subarray(end)
    }
    return frames
  }
}

class Place {
  readonly world = new World(1)
  readonly server: Host = this.world.host('keeper')
  readonly near: Host = this.world.host('client')

  async open(clients: Partial<KeeperOptions['clients'] & {}> = {}): Promise<Keeper> {
    const options = { clients: { ...CLIENTS, addresses: [{ host: 'keeper', port: PORT }], ...clients } }
    return this.world.complete(openKeeper(this.server, '/keeper', options), LIMIT_MS)
  }

  async connect(...pieces: readonly Uint8Array[]): Promise<RawSocket> {
    const socket = new RawSocket()
    socket.connection = await this.world.complete(
      this.near.net.connect({ host: 'keeper', port: PORT }, () => socket),
      LIMIT_MS,
    )
    for (const piece of pieces) await this.send(socket, piece)
    return socket
  }

  async send(socket: RawSocket, bytes: Uint8Array): Promise<void> {
    socket.connection!.write(Buffer.from(bytes))
    await this.passTime(50)
  }

  async passTime(ms: number): Promise<void> {
    const endMs = this.world.timeMs + ms
    await this.world.run(() => this.world.timeMs >= endMs, ms)
  }

  /** A socket with a session. */
  async session(): Promise<RawSocket> {
    const socket = await this.connect(frame((writer) => writeConnectRequest(writer, HELLO)))
    assert.ok(shaken(socket).timeoutMs > 0)
    return socket
  }

  async ask(socket: RawSocket, bytes: Uint8Array): Promise<string[]> {
    await this.send(socket, bytes)
    return socket.frames().map(textOf)
  }
}

function frame(write: (writer: Writer) => void): Buffer {
  const writer = new Writer()
  writer.int32(0)
  write(writer)
  writer.patchInt32(writer.length - 4)
  return writer.toBuffer()
}

function asked(xid: number, opcode: number, body: (writer: Writer) => void = () => {}): Buffer {
  return frame((writer) => {
    writer.int32(xid)
    writer.int32(opcode)
    body(writer)
  })
}

function request(xid: number, opcode: number, what: ClientRequest): Buffer {
  return asked(xid, opcode, (writer) => writeRequest(writer, what))
}

function shaken(socket: RawSocket): ConnectResponse {
  const [first] = socket.frames()
  assert.ok(first, 'no answer to the handshake')
  return readConnectResponse(new Reader(first))
}

/** `xid error`, or what a notification tells. */
function textOf(bytes: Buffer): string {
  const reader = new Reader(bytes)
  const xid = reader.int32()
  reader.int64()
  const error = reader.int32()
  if (xid === -1) return `${readNotification(reader).type}`
  return `${xid} ${error === 0 ? 'ok' : errorName(error)}`
}

const CREATE = (path: string): ClientRequest => ({ type: 'create', path, data: null, withStat: false })

test('a client that is too old to say read-only is answered in its own form', async () => {
  const place = new Place()
  await place.open()
  for (const readOnly of [null, false]) {
    const socket = await place.connect(frame((writer) => writeConnectRequest(writer, { ...HELLO, readOnly })))
    const [answer] = socket.frames()
    assert.equal(answer!.length, readOnly === null ? 36 : 37)
    assert.equal(readConnectResponse(new Reader(answer!)).timeoutMs, 6000)
  }
})

test('the timeout lies between the two of the server', async () => {
  const place = new Place()
  await place.open({ timeoutMsMin: 4000, timeoutMsMax: 40_000 })
  for (const [wanted, given] of [
    [1, 4000],
    [9000, 9000],
    [999_999, 40_000],
  ] as const) {
    const socket = await place.connect(frame((writer) => writeConnectRequest(writer, { ...HELLO, timeoutMs: wanted })))
    assert.equal(shaken(socket).timeoutMs, given)
  }
})

test('requests in one piece with the handshake wait for it', async () => {
  const place = new Place()
  await place.open()
  const hello = frame((writer) => writeConnectRequest(writer, HELLO))
  const socket = await place.connect(Buffer.concat([hello, request(1, OPCODES.create, CREATE('/a')), asked(-2, OPCODES.ping)]))
  const [first, ...rest] = socket.frames()
  assert.ok(readConnectResponse(new Reader(first!)).timeoutMs > 0)
  assert.deepEqual(rest.map(textOf), ['1 ok', '-2 ok'])
})

test('who has seen more than the server has is sent away without an answer', async () => {
  const place = new Place()
  await place.open()
  const socket = await place.connect(frame((writer) => writeConnectRequest(writer, { ...HELLO, lastZxidSeen: 2 ** 40 })))
  assert.deepEqual([socket.isClosed, socket.bytes.length], [true, 0])
})

test('a body that is none is refused and the connection stays; an operation that is none ends it, not the session', async () => {
  const place = new Place()
  await place.open()
  const socket = await place.session()
  assert.deepEqual(
    await place.ask(
      socket,
      asked(1, OPCODES.create, (writer) => writer.int32(99)),
    ),
    ['1 MarshallingError'],
  )
  assert.deepEqual(await place.ask(socket, asked(2, OPCODES.getData)), ['2 MarshallingError'])
  const wrongMode = asked(3, OPCODES.addWatch, (writer) => {
    writer.int32(1)
    writer.bytes(Buffer.from('/'))
    writer.int32(7)
  })
  assert.deepEqual(await place.ask(socket, wrongMode), ['3 MarshallingError'])
  assert.deepEqual(await place.ask(socket, request(4, OPCODES.create, CREATE('/a'))), ['4 ok'])
  assert.deepEqual(await place.ask(socket, asked(5, 10)), ['5 Unimplemented'])
  assert.equal(socket.isClosed, true)
})

test('flags that mean nothing, or not with their operation, are refused; the answer has a place in the order', async () => {
  const place = new Place()
  const keeper = await place.open()
  const socket = await place.session()
  const create = (xid: number, opcode: number, flags: number): Buffer =>
    asked(xid, opcode, (writer) => {
      writer.int32(2)
      writer.bytes(Buffer.from('/a'))
      writer.int32(-1)
      writeAcl(writer, OPEN_ACL)
      writer.int32(flags)
      if (opcode === OPCODES.createTtl) writer.int64(1000)
    })
  const before = keeper.lastZxid
  for (const [opcode, flags] of [
    [OPCODES.create, 7],
    [OPCODES.create2, -1],
    [OPCODES.create, 5],
    [OPCODES.createTtl, 0],
    [OPCODES.createContainer, 1],
  ] as const) {
    assert.deepEqual(await place.ask(socket, create(1, opcode, flags)), ['1 BadArguments'], `${opcode} ${flags}`)
  }
  assert.equal(keeper.lastZxid, before + 5)
  assert.deepEqual(await place.ask(socket, create(2, OPCODES.createTtl, 5)), ['2 ok'])
})

test('a request of the largest size is served', async () => {
  const place = new Place()
  await place.open()
  const socket = await place.session()
  const largest = request(1, OPCODES.create, { type: 'create', path: '/a', data: Buffer.alloc(0xfffff - 49), withStat: false })
  assert.equal(largest.length, 4 + 0xfffff)
  await place.send(socket, largest)
  await place.passTime(1000)
  assert.deepEqual(socket.frames().map(textOf), ['1 ok'])
})

test('behind closeSession nothing is answered', async () => {
  const place = new Place()
  await place.open()
  const socket = await place.session()
  await place.send(socket, Buffer.concat([asked(1, OPCODES.closeSession), asked(-2, OPCODES.ping)]))
  assert.deepEqual(socket.frames().map(textOf), ['1 ok'])
  assert.equal(socket.isClosed, true)
})

test('a check alone is refused, as what no log can hold', async () => {
  const place = new Place()
  await place.open()
  const socket = await place.session()
  assert.deepEqual(await place.ask(socket, request(1, OPCODES.check, { type: 'check', path: '/' })), ['1 Unimplemented'])
})

test('bytes that are neither frames nor words end the connection, and nothing else', async () => {
  const place = new Place()
  await place.open()
  const good = await place.session()
  for (const bytes of [
    Buffer.from([0xff, 0xff, 0xff, 0xfe]),
    Buffer.from([0x7f, 0, 0, 0]),
    Buffer.from('GET / HTTP/1.1\r\n\r\n'),
    Buffer.from('xyzw'),
  ]) {
    assert.equal((await place.connect(bytes)).isClosed, true)
  }
  const session = await place.session()
  await place.send(session, Buffer.from([0x00, 0x20, 0, 0]))
  assert.equal(session.isClosed, true)
  const short = await place.connect(Buffer.from([0, 0, 0, 3, 1, 2, 3]))
  assert.equal(short.isClosed, true)
  assert.deepEqual(await place.ask(good, asked(-2, OPCODES.ping)), ['-2 ok'])
})

test('four-letter words: those of the list are answered, in one piece or in four', async () => {
  const place = new Place()
  await place.open({ words: new Set(['srvr', 'ruok']) })
  assert.equal((await place.connect(Buffer.from('ruok'))).bytes.toString(), 'imok')
  assert.equal((await place.connect(...Array.from('ruok', (letter) => Buffer.from(letter)))).bytes.toString(), 'imok')
  const told = await place.connect(Buffer.from('srvr'))
  assert.match(
    told.bytes.toString(),
    /^Zookeeper version: 3\.9\.\d+.*\nLatency min\/avg\/max: .*\nReceived: 0\n(?:.*\n)*Mode: standalone\nNode count: 5\n$/,
  )
  assert.equal(told.isClosed, true)
  const refused = await place.connect(Buffer.from('mntr'))
  assert.equal(refused.bytes.toString(), 'mntr is not executed because it is not in the whitelist.\n')
})

test('every word has an answer', async () => {
  const place = new Place()
  await place.open()
  const socket = await place.session()
  await place.ask(socket, request(1, OPCODES.create, { ...CREATE('/e'), mode: 'ephemeral' } as ClientRequest))
  await place.ask(socket, request(2, OPCODES.getData, { type: 'getData', path: '/e', watch: true }))
  for (const [word, pattern] of Object.entries({
    stat: /Clients:\n \/client:\d+\[1\]\(queued=0,recved=2,sent=3/,
    cons: /,sid=0x1[0-9a-f]+,lop=GETD,est=\d+,to=6000,lcxid=0x2,lzxid=0x1[0-9a-f]+,lresp=\d+,llat=\d+,minlat=0,/,
    mntr: /zk_ephemerals_count\t1\n/,
    conf: /clientPort=2181\n/,
    envi: /zookeeper\.version=3\.9/,
    dump: /Sessions with Ephemerals \(1\):\n0x1[0-9a-f]+:\n\t\/e\n/,
    wchs: /^1 connections watching 1 paths\nTotal watches:1\n$/,
    wchc: /^0x1[0-9a-f]+\n\t\/e\n\n$/,
    wchp: /^\/e\n\t0x1[0-9a-f]+\n\n$/,
    gtmk: /^306$/,
    isro: /^rw$/,
    srst: /reset/,
    crst: /reset/,
  })) {
    assert.match((await place.connect(Buffer.from(word))).bytes.toString(), pattern, word)
  }
})

test('no more connections of one address than are allowed', async () => {
  const place = new Place()
  await place.open({ connectionsPerHostMax: 2 })
  const sockets = [await place.session(), await place.session()]
  assert.equal((await place.connect(frame((writer) => writeConnectRequest(writer, HELLO)))).isClosed, true)
  sockets[0]!.connection!.close()
  await place.passTime(50)
  await place.session()
})

test('credentials: those of a digest open its znodes; an unknown scheme ends the connection', async () => {
  const place = new Place()
  await place.open({ superDigest: 'super:xQJmxLMiHGwaqBvst5y6rkB6HQs=' })
  const [owner, stranger, admin] = [await place.session(), await place.session(), await place.session()]
  const acl = [{ permissions: 31, scheme: 'auth', id: '' }]
  const auth = (user: string): Buffer => request(-4, OPCODES.auth, { type: 'auth', scheme: 'digest', credentials: Buffer.from(user) })
  assert.deepEqual(await place.ask(owner, auth('bob:secret')), ['-4 ok'])
  assert.deepEqual(await place.ask(owner, request(1, OPCODES.create, { type: 'create', path: '/s', data: null, acl, withStat: false })), [
    '1 ok',
  ])
  const read = request(2, OPCODES.getData, { type: 'getData', path: '/s' })
  assert.deepEqual(await place.ask(stranger, read), ['2 NoAuth'])
  assert.deepEqual(await place.ask(stranger, auth('bob:guess')), ['-4 ok'])
  assert.deepEqual(await place.ask(stranger, read), ['2 NoAuth'])
  assert.deepEqual(await place.ask(admin, auth('super:admin')), ['-4 ok'])
  assert.deepEqual(await place.ask(admin, read), ['2 ok'])
  const unknown = request(-4, OPCODES.auth, { type: 'auth', scheme: 'magic', credentials: Buffer.from('x') })
  assert.deepEqual(await place.ask(stranger, unknown), ['-4 AuthFailed'])
  assert.equal(stranger.isClosed, true)
})

test('watches left again after a lost connection tell what was missed, before the answer', async () => {
  const place = new Place()
  await place.open()
  const socket = await place.session()
  for (const [xid, path] of ['/same', '/changed', '/gone', '/parent'].entries())
    await place.ask(socket, request(xid, OPCODES.create, CREATE(path)))
  const keeper = await place.session()
  const zxid = 2 ** 32 + 6
  await place.ask(keeper, request(1, OPCODES.setData, { type: 'setData', path: '/changed', data: Buffer.from('x') }))
  await place.ask(keeper, request(2, OPCODES.delete, { type: 'delete', path: '/gone' }))
  await place.ask(keeper, request(3, OPCODES.create, CREATE('/parent/child')))
  await place.ask(keeper, request(4, OPCODES.create, CREATE('/came')))
  const watches = {
    data: ['/same', '/changed', '/gone'],
    exist: ['/came', '/absent'],
    child: ['/parent', '/same'],
    persistent: ['/same'],
    persistentRecursive: [],
  }
  const again = request(-8, OPCODES.setWatches2, { type: 'setWatches', relativeZxid: zxid, watches })
  assert.deepEqual(await place.ask(socket, again), ['dataChanged', 'deleted', 'created', 'childrenChanged', '-8 ok'])
  await place.ask(keeper, request(5, OPCODES.create, CREATE('/absent')))
  await place.ask(keeper, request(6, OPCODES.create, CREATE('/same/child')))
  await place.ask(keeper, request(7, OPCODES.setData, { type: 'setData', path: '/same', data: null }))
  assert.deepEqual(socket.frames().map(textOf), ['created', 'childrenChanged', 'dataChanged'])
})

test('on a full disk a client is read from until a few megabytes wait, and goes on when there is room', async () => {
  const place = new Place()
  await place.open()
  const socket = await place.session()
  const { disk } = place.server
  const whole = disk.capacityBytes
  disk.capacityBytes = whole - (await place.world.complete(disk.freeBytes('/'), LIMIT_MS))
  const data = Buffer.alloc(500_000)
  const count = 40
  for (let xid = 1; xid <= count; xid++) {
    socket.connection!.write(request(xid, OPCODES.create, { type: 'create', path: `/${xid}`, data, withStat: false }))
  }
  await place.passTime(2000)
  const told = (await place.connect(Buffer.from('mntr'))).bytes.toString()
  assert.match(told, /zk_packets_received\t9\n/)
  disk.capacityBytes = whole
  await place.passTime(3000)
  assert.deepEqual(
    socket.frames().map(textOf),
    Array.from({ length: count }, (_, i) => `${i + 1} ok`),
  )
})

test('a client that reads nothing while its watches fire is closed in the end', async () => {
  const place = new Place()
  await place.open()
  const [socket, busy] = [await place.session(), await place.session()]
  await place.ask(socket, request(1, OPCODES.addWatch, { type: 'addWatch', path: '/', mode: 'persistentRecursive' }))
  socket.connection!.pause()
  const path = `/${'x'.repeat(200_000)}`
  await place.ask(busy, request(1, OPCODES.create, CREATE(path)))
  const set = request(2, OPCODES.setData, { type: 'setData', path, data: null })
  for (let count = 0; count < 200 && !socket.isClosed; count++) await place.ask(busy, set)
  assert.equal(socket.isClosed, true)
  assert.equal(busy.isClosed, false)
})
