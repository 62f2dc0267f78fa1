import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Address, Connection, Env, File, Listener } from '../env.ts'
import { Dice } from '../sim/dice.ts'
import { End } from './end.ts'
import { withCode, type MakePlace, type Place } from './place.ts'

/** A listener, and the ends that it accepted. */
interface Server {
  readonly listener: Listener
  readonly ends: End[]
  /** The end of the next connection. */
  next(): Promise<End>
}

/** Registers the tests that every Net passes. */
export function netConformance(name: string, makePlace: MakePlace): void {
  const onNet = (title: string, body: (env: Env, place: Place) => Promise<void>): void => {
    test(title, async () => {
      const place = await makePlace()
      try {
        await place.run(() => body(place.env, place))
      } finally {
        await place.end()
      }
    })
  }
  const onPair = (title: string, body: (client: End, server: End, env: Env, place: Place) => Promise<void>, spaceBytes = 1000): void => {
    onNet(title, async (env, place) => {
      const { listener, next } = await serve(env, place.host, spaceBytes)
      const accepted = next()
      const client = await dial(env, listener.address, spaceBytes)
      const server = await accepted
      await body(client, server, env, place)
      client.connection.abort()
      server.connection.abort()
      await Promise.all([client.untilClosed(), server.untilClosed(), listener.close()])
    })
  }

  describe(`net: ${name}`, () => {
    onPair('bytes both ways, addresses, and the end', async (client, server, _env, { host }) => {
      client.send('hello ')
      client.send('broker')
      await server.untilText('broker')
      assert.equal(server.text, 'hello broker')
      server.send('hello client')
      await client.untilText('client')
      assert.equal(client.text, 'hello client')
      assert.deepEqual(client.connection.local, server.connection.remote)
      assert.deepEqual(server.connection.local, client.connection.remote)
      assert.equal(client.connection.remote.host, host)
      assert.equal(client.connection.unsentBytes, 0)
      client.call((c) => c.close())
      client.call((c) => c.close())
      await Promise.all([client.untilClosed(), server.untilClosed()])
      assert.equal(client.reason, 'here')
      assert.equal(server.reason, 'peer')
      // a connection that is gone takes calls, and does nothing
      server.call((c) => c.write(Buffer.from('late')))
      server.call((c) => c.pause())
      server.call((c) => c.resume())
      server.call((c) => c.close())
      assert.equal(server.connection.unsentBytes, 0)
    })

    onNet('refused where nobody listens, in-use where somebody does', async (env, { host }) => {
      const { listener } = await serve(env, host)
      await assert.rejects(serve(env, host, 1000, listener.address.port), withCode('in-use'))
      await listener.close()
      await assert.rejects(dial(env, listener.address), withCode('refused'))
    })

    onNet('close of a listener: nobody new, who is there stays', async (env, { host }) => {
      const { listener, next } = await serve(env, host)
      const accepted = next()
      const client = await dial(env, listener.address)
      const server = await accepted
      await listener.close()
      await assert.rejects(dial(env, listener.address), withCode('refused'))
      client.send('still here')
      await server.untilText('here')
      const again = await serve(env, host, 1000, listener.address.port)
      await again.listener.close()
      server.call((c) => c.close())
      await Promise.all([client.untilClosed(), server.untilClosed()])
    })

    onNet('what accept gives is sent, also before anything came', async (env, { host }) => {
      const listener = await env.net.listen({ host, port: 0 }, (connection) => {
        connection.write(Buffer.from('welcome'))
        return new End(connection)
      })
      const client = await dial(env, listener.address)
      await client.untilText('welcome')
      client.connection.abort()
      await client.untilClosed()
      await listener.close()
    })

    onPair(
      'views and file ranges go in the order given',
      async (client, server, env, { directory }) => {
        const bytes = new Dice(1, 1).bytes(700_000)
        const file = fileOf(env, directory, bytes)
        const expected: Buffer[] = []
        const give = (view: Buffer): void => {
          server.connection.write(view)
          expected.push(view)
        }
        const giveRange = (position: number, length: number): void => {
          server.connection.sendFile(file, position, length)
          expected.push(bytes.subarray(position, position + length))
        }
        give(Buffer.from('head'))
        giveRange(100, 10)
        giveRange(0, 0)
        give(Buffer.from('middle'))
        give(Buffer.alloc(0))
        give(Buffer.from('two'))
        giveRange(0, bytes.length)
        giveRange(5, 300_000)
        for (let i = 0; i < 40; i++) give(Buffer.alloc(1000, i))
        give(Buffer.alloc(200_000, 'x'))
        give(Buffer.from('tail'))
        // the transfers keep it
        file.close()
        const all = Buffer.concat(expected)
        await client.until(() => client.length >= all.length)
        assert(client.bytes.equals(all))
      },
      50_000,
    )

    onPair(
      'a slow reader: unsent bytes are counted, drained says when they are gone',
      async (client, server, env, { directory }) => {
        // more than the system's buffers take
        const size = 24_000_000
        const file = fileOf(env, directory, Buffer.alloc(size, 'f'))
        client.call((c) => c.pause())
        server.call((c) => c.write(Buffer.alloc(3_000_000, 'v')))
        server.call((c) => c.sendFile(file, 0, size))
        server.call((c) => c.write(Buffer.from('end')))
        assert.equal(server.connection.unsentBytes, 0, 'what this turn gave does not count')
        file.close()
        await new Promise<void>((resolve) => void env.clock.after(20, resolve))
        assert(server.connection.unsentBytes > 1_000_000)
        assert.equal(server.drainedCount, 0)
        client.call((c) => c.resume())
        await server.until(() => server.drainedCount > 0)
        await client.until(() => client.length >= 3_000_000 + size + 3)
        assert.equal(client.bytes.length, 3_000_000 + size + 3)
        const expected = Buffer.concat([Buffer.alloc(3_000_000, 'v'), Buffer.alloc(size, 'f'), Buffer.from('end')])
        assert(client.bytes.equals(expected))
        assert.equal(server.connection.unsentBytes, 0)
      },
      1 << 20,
    )

    onPair('pause: no bytes until resume, also from inside received', async (client, server, env) => {
      let paused = false
      client.onBytes = () => {
        assert.equal(paused, false)
        paused = true
        client.connection.pause()
      }
      server.send('x'.repeat(3000))
      await client.until(() => client.length > 0)
      const before = client.length
      server.send('y')
      for (let i = 0; i < 3; i++) await new Promise<void>((resolve) => void env.clock.after(3, resolve))
      assert.equal(client.bytes.length, before)
      client.onBytes = () => {}
      client.call((c) => c.resume())
      await client.untilText('y')
      assert.equal(client.text, `${'x'.repeat(3000)}y`)
    })

    onPair(
      'close sends what was given first',
      async (client, server, env, { directory }) => {
        const file = fileOf(env, directory, Buffer.alloc(2_000_000, 'f'))
        server.call((c) => c.sendFile(file, 0, 2_000_000))
        server.send('last')
        server.call((c) => c.close())
        server.send('too late')
        file.close()
        await client.untilClosed()
        await server.untilClosed()
        assert.equal(client.bytes.length, 2_000_004)
        assert.equal(client.text.slice(-4), 'last')
        assert.equal(client.reason, 'peer')
        assert.equal(server.reason, 'here')
      },
      1 << 20,
    )

    onPair('close while the peer still sends: its bytes go nowhere', async (client, server) => {
      client.send('a')
      await server.untilText('a')
      server.send('bye')
      server.call((c) => c.close())
      client.send('b'.repeat(200_000))
      await Promise.all([client.untilClosed(), server.untilClosed()])
      assert.equal(server.text, 'a')
      assert.equal(client.text, 'bye')
    })

    onPair('abort drops what was given, and the peer sees a reset', async (client, server, env, { directory }) => {
      client.send('a')
      await server.untilText('a')
      const file = fileOf(env, directory, Buffer.alloc(1000))
      server.send('never')
      server.call((c) => c.sendFile(file, 0, 1000))
      server.call((c) => c.abort())
      server.call((c) => c.abort())
      file.close()
      await Promise.all([client.untilClosed(), server.untilClosed()])
      assert.equal(client.text, '')
      assert.equal(client.reason, 'reset')
      assert.equal(server.reason, 'here')
    })

    onPair('a range that the file does not have ends the connection', async (client, server, env, { directory }) => {
      const file = fileOf(env, directory, Buffer.alloc(1000, 'f'))
      server.send('head')
      server.call((c) => c.sendFile(file, 500, 1000))
      server.send('never')
      file.close()
      await Promise.all([client.untilClosed(), server.untilClosed()])
      assert(!client.text.includes('never'))
      assert.equal(server.reason, 'reset')
    })

    onPair("a turn's tasks run before anything is sent, and what they give goes along", async (client, server, env) => {
      const order: string[] = []
      client.onBytes = () => order.push('peer')
      server.onBytes = () => {
        server.connection.write(Buffer.from('answer '))
        env.loop.atEndOfTurn(() => {
          order.push('task')
          server.connection.write(Buffer.from('from task'))
        })
        order.push('event')
      }
      client.send('question')
      await client.untilText('from task')
      assert.equal(client.text, 'answer from task')
      assert.deepEqual(order.slice(0, 2), ['event', 'task'])
    })

    onPair('what a promise continues is sent too', async (client, server, env) => {
      await new Promise<void>((resolve) => void env.clock.after(1, resolve))
      server.send('one')
      await Promise.resolve()
      server.send('two')
      await client.untilText('onetwo')
    })

    onNet('many connections at once, each with its own answers', async (env, { host }) => {
      const { listener, ends } = await serve(env, host, 300, 0, true)
      const clients = await Promise.all(Array.from({ length: 30 }, () => dial(env, listener.address, 200)))
      await Promise.all(clients.map((client, i) => exchange(client, i)))
      for (const client of clients) client.connection.close()
      await Promise.all([...clients, ...ends].map((end) => end.untilClosed()))
      assert.deepEqual(new Set(ends.map((end) => end.reason)), new Set(['peer']))
      await listener.close()
    })
  })
}

/** The server echoes; rounds of growing size. */
async function exchange(client: End, id: number): Promise<void> {
  let expected = ''
  for (let round = 1; round <= 5; round++) {
    const text = `${id}:${'z'.repeat(round * 90)};`
    client.send(text)
    expected += text
    await client.until(() => client.length >= expected.length)
    assert.equal(client.text, expected)
  }
}

async function serve(env: Env, host: string, spaceBytes = 1000, port = 0, echo = false): Promise<Server> {
  const ends: End[] = []
  let given = 0
  let arrived: (() => void) | null = null
  const accept = (connection: Connection): End => {
    const end = new End(connection, spaceBytes)
    if (echo) end.onBytes = (bytes) => connection.write(bytes)
    ends.push(end)
    arrived?.()
    return end
  }
  const listener = await env.net.listen({ host, port }, accept)
  const next = async (): Promise<End> => {
    const index = given++
    while (ends[index] === undefined) await new Promise<void>((resolve) => void (arrived = resolve))
    return ends[index]
  }
  return { listener, ends, next }
}

async function dial(env: Env, address: Address, spaceBytes = 1000): Promise<End> {
  let end: End | null = null
  const connection = await env.net.connect(address, (made) => (end = new End(made, spaceBytes)))
  assert.equal((end as End | null)?.connection, connection)
  return end!
}

function fileOf(env: Env, directory: string, bytes: Buffer): File {
  const file = env.disk.open(`${directory}/sent`, 'create')
  file.write(0, [bytes])
  return file
}
