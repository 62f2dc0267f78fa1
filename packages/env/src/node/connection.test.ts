import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readlinkSync, rmSync, writeFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { test } from 'node:test'
import { End } from '../conformance/end.ts'
import type { Env, Listener } from '../env.ts'
import { nodeEnv } from './index.ts'

const SIZE_BYTES = 32 << 20

interface Scene {
  readonly env: Env
  readonly path: string
  readonly peer: Socket
  readonly end: End
}

/** One connection, its peer a plain socket of Node. */
function onScene(title: string, body: (scene: Scene) => Promise<void>): void {
  for (const native of [true, false]) {
    test(`${title} (native: ${native})`, async () => {
      const directory = mkdtempSync(`${tmpdir()}/ottla-net-`)
      const env = nodeEnv({ native, logLevel: 'silent' })
      let listener: Listener | null = null
      let peer: Socket | null = null
      try {
        const path = `${directory}/file`
        writeFileSync(path, Buffer.alloc(SIZE_BYTES, 'f'))
        const accepted = Promise.withResolvers<End>()
        listener = await env.net.listen({ host: '127.0.0.1', port: 0 }, (connection) => {
          const end = new End(connection)
          accepted.resolve(end)
          return end
        })
        peer = connect({ ...listener.address, allowHalfOpen: true })
        await body({ env, path, peer, end: await accepted.promise })
      } finally {
        peer?.destroy()
        await listener?.close()
        rmSync(directory, { recursive: true })
      }
    })
  }
}

onScene('a peer that has closed its side gets what was given', async ({ env, path, peer, end }) => {
  const file = env.disk.open(path, 'read')
  end.onBytes = () => {
    end.connection.write(Buffer.from('head'))
    end.connection.sendFile(file, 0, SIZE_BYTES)
  }
  peer.end('question')
  let length = 0
  for await (const chunk of peer) length += (chunk as Buffer).length
  assert.equal(length, 4 + SIZE_BYTES)
  await end.untilClosed()
  assert.equal(end.reason, 'peer')
  file.close()
})

for (const how of ['abort', 'reset by the peer'] as const) {
  onScene(`${how}: files under way are released`, async ({ env, path, peer, end }) => {
    peer.pause()
    peer.on('error', () => {})
    const file = env.disk.open(path, 'read')
    end.connection.sendFile(file, 0, SIZE_BYTES)
    end.connection.sendFile(file, 0, SIZE_BYTES)
    file.close()
    await passed(env, 10)
    assert(end.connection.unsentBytes > SIZE_BYTES)
    assert.equal(openCount(path), 1)
    if (how === 'abort') end.call((connection) => connection.abort())
    else peer.resetAndDestroy()
    await end.untilClosed()
    assert.equal(end.reason, how === 'abort' ? 'here' : 'reset')
    // descriptors are closed off the loop
    while (openCount(path) > 0) await passed(env, 1)
  })
}

onScene('a slow reader costs one piece of memory', async ({ env, path, peer, end }) => {
  peer.pause()
  await once(peer, 'connect')
  const file = env.disk.open(path, 'read')
  const before = process.memoryUsage().arrayBuffers
  for (let i = 0; i < 8; i++) end.connection.sendFile(file, 0, SIZE_BYTES)
  await passed(env, 10)
  assert(end.connection.unsentBytes > 4 * SIZE_BYTES)
  assert(process.memoryUsage().arrayBuffers - before < 1 << 20)
  end.connection.abort()
  await end.untilClosed()
  file.close()
})

function passed(env: Env, delayMs: number): Promise<void> {
  return new Promise((resolve) => {
    const alive = setInterval(() => {}, 60_000)
    env.clock.after(delayMs, () => {
      clearInterval(alive)
      resolve()
    })
  })
}

/** How many descriptors of this process are open on `path`. */
function openCount(path: string): number {
  let count = 0
  for (const fd of readdirSync('/proc/self/fd')) {
    try {
      if (readlinkSync(`/proc/self/fd/${fd}`).startsWith(path)) count++
    } catch {}
  }
  return count
}
