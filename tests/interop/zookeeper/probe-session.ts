/** What a probe says and does: requests by their names, answers as lines that are the same for every server that answers alike. */
import { setTimeout as pause } from 'node:timers/promises'
import { Body, Fields, RawClient, type Heard, type Hello, type Welcome } from './raw-client.ts'

const NAMES: Readonly<Record<number, string>> = {
  [-1]: 'SystemError',
  [-2]: 'RuntimeInconsistency',
  [-5]: 'MarshallingError',
  [-6]: 'Unimplemented',
  [-8]: 'BadArguments',
  [-101]: 'NoNode',
  [-102]: 'NoAuth',
  [-103]: 'BadVersion',
  [-108]: 'NoChildrenForEphemerals',
  [-110]: 'NodeExists',
  [-111]: 'NotEmpty',
  [-112]: 'SessionExpired',
  [-114]: 'InvalidACL',
  [-115]: 'AuthFailed',
  [-121]: 'NoWatcher',
  [-123]: 'ReconfigDisabled',
  [-125]: 'QuotaExceeded',
}
const PATIENCE_TURNS = 15
const PATIENCE_MS = 20
const EVENTS = ['None', 'NodeCreated', 'NodeDeleted', 'NodeDataChanged', 'NodeChildrenChanged']
export const OPEN = ['31 world anyone']

/** Reads the body of an answer into words. */
type Decode = (fields: Fields, probe: Probe) => string

export const nothing: Decode = () => ''
export const path: Decode = (fields) => quoted(fields.text())
const stat: Decode = (fields, probe) => probe.stat(fields)
export const pathAndStat: Decode = (fields, probe) => `${path(fields, probe)} ${stat(fields, probe)}`
const dataAndStat: Decode = (fields, probe) => `${dataText(fields)} ${stat(fields, probe)}`
export const names: Decode = (fields) => sortedText(fields.list(() => fields.text()))
const namesAndStat: Decode = (fields, probe) => `${names(fields, probe)} ${stat(fields, probe)}`
const aclAndStat: Decode = (fields, probe) =>
  `${sortedText(fields.list(() => `${fields.int()} ${fields.text()} ${fields.text()}`))} ${stat(fields, probe)}`
const identities: Decode = (fields) => sortedText(fields.list(() => `${fields.text()} ${fields.text()}`))
export const number: Decode = (fields) => String(fields.int())

/** One run against one server: it gathers lines. */
export class Probe {
  readonly lines: string[] = []
  readonly port: number
  readonly #sessions: bigint[] = []
  readonly #clients: Client[] = []
  readonly #open = new Map<bigint, Buffer>()
  /** Zxids are told as so many after this one. */
  #zxid = 0n

  constructor(port: number) {
    this.port = port
  }

  say(line: string): void {
    this.lines.push(line)
  }

  /** A part of its own, in a tree and with sessions of its own. */
  async scene(title: string, play: (client: Client, root: string) => Promise<void>): Promise<void> {
    this.say(`# ${title}`)
    const client = await this.client('a')
    const root = `/${title.replaceAll(' ', '-')}`
    const made = await client.untold(1, new Body().text(root).text(null).acl(OPEN).int(0))
    this.#zxid = made.frames[0]!.readBigInt64BE(4)
    await play(client, root)
    await this.#endSessions()
  }

  /** Nothing of a scene is left that could end during the next. */
  async #endSessions(): Promise<void> {
    for (const client of this.#clients.splice(0)) await client.close()
    for (const [sessionId, password] of this.#open) {
      const raw = await RawClient.open(this.port)
      const welcome = await raw.greet({ sessionId, password })
      if ((welcome?.timeoutMs ?? 0) > 0) raw.request(1, -11, Buffer.alloc(0))
      await raw.toTheEnd()
    }
    this.#open.clear()
  }

  /** Of a handshake that the probe makes by itself. */
  opened({ sessionId, password }: Welcome): void {
    if (sessionId !== 0n) this.#open.set(sessionId, password)
  }

  closed(sessionId: bigint): void {
    this.#open.delete(sessionId)
  }

  /** A client with a session. */
  async client(name: string, hello: Hello = {}): Promise<Client> {
    const raw = await RawClient.open(this.port)
    const welcome = await raw.greet(hello)
    if (welcome === null) throw new Error('the server hangs up at a handshake')
    this.sessionName(welcome.sessionId)
    this.opened(welcome)
    const client = new Client(this, raw, name)
    this.#clients.push(client)
    return client
  }

  sessionName(sessionId: bigint): string {
    if (sessionId === 0n) return '0'
    if (!this.#sessions.includes(sessionId)) this.#sessions.push(sessionId)
    return `s${this.#sessions.indexOf(sessionId) + 1}`
  }

  zxid(zxid: bigint): string {
    return zxid > 0n ? `+${zxid - this.#zxid}` : String(zxid)
  }

  stat(fields: Fields): string {
    const [czxid, mzxid] = [this.zxid(fields.long()), this.zxid(fields.long())]
    const [ctime, mtime] = [fields.long(), fields.long()]
    const versions = [fields.int(), fields.int(), fields.int()].join('/')
    const owner = this.sessionName(fields.long())
    const [length, children] = [fields.int(), fields.int()]
    const times = ctime === 0n ? 'no time' : mtime >= ctime ? 'times' : 'mtime before ctime'
    const zxids = `${czxid}/${mzxid}/${this.zxid(fields.long())}`
    return `{c/m/pzxid ${zxids}, ${times}, versions ${versions}, owner ${owner}, bytes ${length}, children ${children}}`
  }
}

export class Client {
  readonly raw: RawClient
  readonly #probe: Probe
  readonly #name: string
  #xid = 0

  constructor(probe: Probe, raw: RawClient, name: string) {
    this.#probe = probe
    this.raw = raw
    this.#name = name
  }

  get hello(): Hello {
    const { sessionId, password } = this.raw.welcome!
    return { sessionId, password }
  }

  create(
    at: string | null,
    { data = 'x' as string | null, flags = 0, acl = OPEN as readonly string[] | null, op = 1, ttl = 0 } = {},
  ): Promise<void> {
    const body = new Body().text(at).text(data).acl(acl).int(flags)
    if (op === 21) body.long(ttl)
    const more = [op === 1 ? '' : ` by op ${op}`, flags === 0 ? '' : ` flags ${flags}`, op === 21 ? ` ttl ${ttl}` : ''].join('')
    return this.ask(`create ${quoted(at)}${more}`, op, body, op === 1 ? path : pathAndStat)
  }

  delete(at: string, version = -1): Promise<void> {
    return this.ask(`delete ${quoted(at)} ${version}`, 2, new Body().text(at).int(version), nothing)
  }

  exists(at: string | null, watch = false): Promise<void> {
    return this.ask(`exists ${quoted(at)}${watch ? ' watch' : ''}`, 3, new Body().text(at).bool(watch), stat)
  }

  getData(at: string | null, watch = false): Promise<void> {
    return this.ask(`getData ${quoted(at)}${watch ? ' watch' : ''}`, 4, new Body().text(at).bool(watch), dataAndStat)
  }

  setData(at: string, data: string | null, version = -1): Promise<void> {
    return this.ask(`setData ${quoted(at)} ${version}`, 5, new Body().text(at).text(data).int(version), stat)
  }

  getAcl(at: string): Promise<void> {
    return this.ask(`getACL ${quoted(at)}`, 6, new Body().text(at), aclAndStat)
  }

  setAcl(at: string, acl: readonly string[] | null, version = -1): Promise<void> {
    return this.ask(`setACL ${quoted(at)} ${JSON.stringify(acl)} ${version}`, 7, new Body().text(at).acl(acl).int(version), stat)
  }

  getChildren(at: string, watch = false): Promise<void> {
    return this.ask(`getChildren ${quoted(at)}${watch ? ' watch' : ''}`, 8, new Body().text(at).bool(watch), names)
  }

  getChildren2(at: string, watch = false): Promise<void> {
    return this.ask(`getChildren2 ${quoted(at)}${watch ? ' watch' : ''}`, 12, new Body().text(at).bool(watch), namesAndStat)
  }

  sync(at: string): Promise<void> {
    return this.ask(`sync ${quoted(at)}`, 9, new Body().text(at), path)
  }

  getEphemerals(prefix: string | null): Promise<void> {
    return this.ask(`getEphemerals ${quoted(prefix)}`, 103, new Body().text(prefix), names)
  }

  countAll(at: string): Promise<void> {
    return this.ask(`getAllChildrenNumber ${quoted(at)}`, 104, new Body().text(at), number)
  }

  /** All that reads a znode and leaves nothing, one after the other. */
  async readEach(at: string): Promise<void> {
    await this.exists(at)
    await this.getData(at)
    await this.getChildren(at)
    await this.getChildren2(at)
    await this.countAll(at)
    await this.sync(at)
  }

  addWatch(at: string, mode: number): Promise<void> {
    return this.ask(`addWatch ${quoted(at)} ${mode}`, 106, new Body().text(at).int(mode), number)
  }

  /** Op 17 asks, 18 removes. */
  watches(op: 17 | 18, at: string, kind: number): Promise<void> {
    return this.ask(`${op === 17 ? 'checkWatches' : 'removeWatches'} ${quoted(at)} ${kind}`, op, new Body().text(at).int(kind), nothing)
  }

  whoAmI(): Promise<void> {
    return this.ask('whoAmI', 107, new Body(), identities)
  }

  auth(scheme: string, credentials: string | null): Promise<void> {
    const body = new Body().int(0).text(scheme).text(credentials)
    return this.ask(`auth ${scheme} ${quoted(credentials)}`, 100, body, nothing, -4)
  }

  /** Says what came of it: events, the answer, whether the server hung up. */
  async ask(what: string, opcode: number, body: Body, decode: Decode, xid = ++this.#xid): Promise<void> {
    this.raw.request(xid, opcode, body.done())
    this.#tell(what, await this.raw.untilPing(), decode, xid)
  }

  /** For what the server may hang up on, which it does some time after its answer. */
  async askLast(what: string, opcode: number, body: Body): Promise<void> {
    this.raw.request(++this.#xid, opcode, body.done())
    const first = await this.raw.frame()
    const frames = first === null ? [] : [first]
    for (let turns = 0; turns < PATIENCE_TURNS && !this.raw.isClosed; turns++) await pause(PATIENCE_MS)
    this.#tell(what, { frames, isClosed: this.raw.isClosed }, nothing, this.#xid)
  }

  /** What came meanwhile. */
  async listen(why: string): Promise<void> {
    this.#tell(why, await this.raw.untilPing(), nothing, null)
  }

  /** Asks, and says nothing of it. */
  untold(opcode: number, body: Body): Promise<Heard> {
    this.raw.request(++this.#xid, opcode, body.done())
    return this.raw.untilPing()
  }

  /** The session ends, if the connection is still there. */
  async close(): Promise<void> {
    if (this.raw.isClosed) return
    this.raw.request(++this.#xid, -11, Buffer.alloc(0))
    await this.raw.toTheEnd()
    this.#probe.closed(this.raw.welcome!.sessionId)
  }

  #tell(what: string, { frames, isClosed }: Heard, decode: Decode, xid: number | null): void {
    const told = frames.map((frame) => this.#text(frame, decode, xid))
    if (isClosed) told.push('closed')
    this.#probe.say(`${this.#name}: ${what} -> ${told.length === 0 ? 'nothing' : told.join('; ')}`)
  }

  #text(frame: Buffer, decode: Decode, xid: number | null): string {
    const fields = new Fields(frame)
    const itsXid = fields.int()
    const zxid = this.#probe.zxid(fields.long())
    const error = fields.int()
    if (itsXid === -1) {
      const type = fields.int()
      const state = fields.int()
      return `event ${EVENTS[type] ?? type} ${quoted(fields.text())} state ${state} zxid ${zxid}${error === 0 ? '' : ` error ${error}`}`
    }
    const whose = itsXid === xid ? '' : `xid ${itsXid} `
    if (error !== 0) return `${whose}${NAMES[error] ?? error} zxid ${zxid}`
    const body = decode(fields, this.#probe)
    return `${whose}ok ${body}${body === '' ? '' : ' '}zxid ${zxid}${fields.left === 0 ? '' : ` and ${fields.left} bytes`}`
  }
}

export function quoted(text: string | null): string {
  return text === null ? 'null' : text.length > 100 ? `"${text.slice(0, 20)}…" of ${text.length}` : JSON.stringify(text)
}

function dataText(fields: Fields): string {
  return quoted(fields.text())
}

function listText(items: readonly (string | null)[] | null): string {
  return items === null ? 'null' : `[${items.join(', ')}]`
}

function sortedText(items: readonly (string | null)[] | null): string {
  return listText(items === null ? null : items.toSorted((a, b) => String(a).localeCompare(String(b))))
}
