import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Frames, type OnFrame } from './frames.ts'
import { Slab, takeSlab } from './slab.ts'

const SIZE_MAX = 1 << 20

const frame = (body: Uint8Array): Buffer => {
  const bytes = Buffer.alloc(4 + body.length)
  bytes.writeInt32BE(body.length)
  bytes.set(body, 4)
  return bytes
}
/** Bodies that differ from one another at every place. */
const body = (length: number, seed: number): Buffer => Buffer.from(Array.from({ length }, (_, i) => (i * 7 + seed * 31) & 255))

/** Gives a piece as a socket does: into the space that it is shown, whose contract is that the next one is asked for at once. */
function feed(frames: Frames, piece: Uint8Array): boolean {
  for (let at = 0; at < piece.length;) {
    const space = frames.space()
    assert.ok(space.length > 0)
    const length = Math.min(space.length, piece.length - at)
    space.set(piece.subarray(at, at + length))
    if (!frames.received(length)) return false
    frames.space()
    at += length
  }
  return true
}

/** Copies each frame, as whoever can't hold it must. */
function collecting(): { frames: Frames; bodies: Buffer[] } {
  const bodies: Buffer[] = []
  const onFrame: OnFrame = (slab, start, end) => bodies.push(Buffer.from(slab.bytes.subarray(start, end)))
  return { frames: new Frames(SIZE_MAX, onFrame), bodies }
}

test('a stream may be cut anywhere', () => {
  const sent = [body(10, 1), body(0, 2), body(1, 3), body(23, 4)]
  const stream = Buffer.concat(sent.map(frame))
  for (let first = 0; first <= stream.length; first++) {
    for (let second = first; second <= stream.length; second++) {
      const { frames, bodies } = collecting()
      assert.ok(feed(frames, stream.subarray(0, first)))
      assert.ok(feed(frames, stream.subarray(first, second)))
      assert.ok(feed(frames, stream.subarray(second)))
      assert.deepEqual(bodies, sent, `cut at ${first} and ${second}`)
      frames.close()
    }
  }
})

test('connections that share the common buffer keep their streams apart, whatever the pieces and sizes', () => {
  const size = fc.oneof(fc.nat(40), fc.nat(3000), fc.constantFrom(65531, 65532, 65533, 65536, 200_000))
  const connection = fc.array(size, { minLength: 1, maxLength: 6 })
  const connections = fc.array(connection, { minLength: 1, maxLength: 3 })
  fc.assert(
    fc.property(connections, fc.infiniteStream(fc.integer({ min: 1, max: 70_000 })), (all, pieces) => {
      const peers = all.map((sizes, which) => {
        const sent = sizes.map((length, i) => body(length, which * 10 + i))
        return { ...collecting(), sent, rest: Buffer.concat(sent.map(frame)) }
      })
      while (peers.some(({ rest }) => rest.length > 0)) {
        for (const peer of peers) {
          const length = pieces.next().value
          assert.ok(feed(peer.frames, peer.rest.subarray(0, length)))
          peer.rest = peer.rest.subarray(length)
        }
      }
      for (const { sent, bodies, frames } of peers) {
        assert.equal(Buffer.compare(Buffer.concat(bodies), Buffer.concat(sent)), 0)
        assert.deepEqual(
          bodies.map((one) => one.length),
          sent.map((one) => one.length),
        )
        frames.close()
      }
    }),
    { numRuns: 60 },
  )
})

test('a frame that is held keeps its bytes', () => {
  const held: { slab: Slab; view: Buffer }[] = []
  const frames = new Frames(SIZE_MAX, (slab, start, end) => {
    assert.ok(!slab.common, 'cut frames lie in a slab of their own')
    slab.hold()
    held.push({ slab, view: slab.bytes.subarray(start, end) })
  })
  // Every piece ends one frame and begins the next, which may not be moved over the one that is held.
  const sent = Array.from({ length: 20 }, (_, i) => body(5000, i))
  const stream = Buffer.concat(sent.map(frame))
  for (let at = 0; at < stream.length; at += 5003) feed(frames, stream.subarray(at, at + 5003))
  assert.equal(held.length, sent.length)
  held.forEach(({ view }, i) => assert.equal(Buffer.compare(view, sent[i]!), 0, `frame ${i}`))
  for (const { slab } of held) slab.letGo()
  frames.close()
})

test('a negative or an oversized length ends the stream; the largest allowed does not', () => {
  for (const [length, good] of [
    [-1, false],
    [-2147483648, false],
    [SIZE_MAX + 1, false],
    [2147483647, false],
    [SIZE_MAX, true],
  ] as const) {
    const head = Buffer.alloc(4)
    head.writeInt32BE(length)
    const { frames, bodies } = collecting()
    assert.equal(feed(frames, head), good, String(length))
    assert.equal(bodies.length, 0)
    frames.close()
  }
  const { frames, bodies } = collecting()
  const head = Buffer.alloc(4)
  head.writeInt32BE(-5)
  assert.equal(feed(frames, Buffer.concat([frame(body(3, 1)), head])), false)
  assert.deepEqual(bodies, [body(3, 1)], 'the frame before it was whole')
  frames.close()
})

test('a length alone takes little memory', () => {
  const frames = new Frames(2147483647, () => assert.fail('no frame'))
  const head = Buffer.alloc(5)
  head.writeInt32BE(2147483647)
  assert.ok(feed(frames, head))
  assert.ok(frames.space().length <= 1 << 20)
  frames.close()
})

test('slabs are powers of two, are taken again once nobody holds them, and not before', () => {
  assert.equal(takeSlab(1).bytes.length, 65536)
  assert.equal(takeSlab(65537).bytes.length, 131072)
  const slab = takeSlab(3 << 20)
  assert.equal(slab.bytes.length, 4 << 20)
  assert.ok(!slab.shared)
  slab.hold()
  assert.ok(slab.shared)
  slab.letGo()
  assert.notEqual(takeSlab(3 << 20), slab)
  slab.letGo()
  assert.equal(takeSlab(3 << 20), slab)
})
