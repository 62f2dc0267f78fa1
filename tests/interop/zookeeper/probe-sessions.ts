/** Handshakes, resumed sessions, their end. */
import { nothing, type Probe } from './probe-session.ts'
import { Body, RawClient, type Hello } from './raw-client.ts'

const SHORT_MS = 1000

export async function sessionScenes(probe: Probe): Promise<void> {
  const greet = async (what: string, hello: Hello): Promise<RawClient> => {
    const raw = await RawClient.open(probe.port)
    const welcome = await raw.greet(hello)
    if (welcome === null) probe.say(`handshake ${what} -> closed`)
    else {
      const { timeoutMs, sessionId, password, sizeBytes } = welcome
      const isSecret = password.some((byte) => byte !== 0)
      const words = [`timeout ${timeoutMs}`, probe.sessionName(sessionId), `a password of ${password.length}${isSecret ? '' : ' zeros'}`]
      probe.opened(welcome)
      probe.say(`handshake ${what} -> ${words.join(', ')}, ${sizeBytes} bytes`)
    }
    return raw
  }
  await probe.scene('handshakes', async (client, root) => {
    for (const timeoutMs of [0, -1, 1, 3000, 999_999]) (await greet(`timeout ${timeoutMs}`, { timeoutMs })).hangUp()
    ;(await greet('without a word of reading only', { readOnly: null })).hangUp()
    ;(await greet('reading only', { readOnly: true })).hangUp()
    await greet('from the future', { lastZxidSeen: 1n << 60n })
    await greet('of an unknown session', { sessionId: 12345n })
    await greet('of an unknown session, the old way', { sessionId: 12345n, readOnly: null })
    await greet('with a null password', { password: null })
    const { sessionId } = client.hello
    await greet('with a wrong password', { ...client.hello, password: Buffer.alloc(16, 7) })
    await greet('with a short password', { sessionId: sessionId!, password: Buffer.alloc(3) })
    await greet('with a null password for a session', { sessionId: sessionId!, password: null })
    const heir = await greet('that resumes', { ...client.hello, timeoutMs: 2000 })
    await client.listen('the first connection')
    heir.hangUp()
    const third = await probe.client('third', { ...client.hello, timeoutMs: 9000 })
    await third.create(`${root}/e`, { flags: 1 })
    await third.close()
    await greet('of a closed session', client.hello)
  })
  for (const [what, bytes] of [
    ['three bytes', Buffer.from([0, 0, 0, 3, 1, 2, 3])],
    ['nothing', Buffer.alloc(4)],
    ['a request', new Body().int(12).int(1).int(4).int(0).done()],
  ] as const) {
    const raw = await RawClient.open(probe.port)
    raw.sendBytes(bytes)
    const frame = await raw.frame()
    probe.say(`handshake of ${what} -> ${frame === null ? 'closed' : `${frame.length} bytes`}`)
  }
  await probe.scene('an early request', async () => {
    const raw = await RawClient.open(probe.port)
    raw.sendBytes(new Body().int(45).int(0).long(0).int(5000).long(0).text(Buffer.alloc(16)).bool(false).int(8).int(-2).int(11).done())
    const lengths = [await raw.frame(), await raw.frame()].map((frame) => frame?.length ?? 'closed')
    probe.say(`a ping in one piece with the handshake -> frames of ${lengths.join(', ')}`)
    raw.hangUp()
  })
  await expiry(probe, greet)
}

async function expiry(probe: Probe, greet: (what: string, hello: Hello) => Promise<RawClient>): Promise<void> {
  await probe.scene('expiry', async (client, root) => {
    const silent = await probe.client('silent', { timeoutMs: SHORT_MS })
    await silent.create(`${root}/b`, { flags: 1 })
    await silent.create(`${root}/a`, { flags: 1 })
    await client.getChildren(root, true)
    await client.exists(`${root}/a`, true)
    await client.exists(`${root}/b`, true)
    await silent.raw.toTheEnd()
    await client.listen('a silent session')
    await client.getChildren2(root)
    await greet('of an expired session', silent.hello)
    await silent.ask('exists', 3, new Body().text('/').bool(false), nothing)
  })
}
