import assert from 'node:assert/strict'
import { ErrorCode, errorName } from '@ottla/protocol'
import { ClassicGroup } from '../classic-group.ts'
import { GROUP_CONFIG_DEFAULTS, type GroupConfig } from '../group-config.ts'
import { groupFact, groupRecord } from '../group-records.ts'
import type { JoinAnswer, SyncAnswer } from '../group-member.ts'
import type { GroupSnapshot } from '../group-requests.ts'
import type { GroupSurroundings } from '../group-surroundings.ts'
import { CountingRandom, FakeClock, SILENT } from './fake-clock.ts'

interface Client {
  memberId: string
  generationId: number
  release: ((there: boolean) => void) | null
}

type Options = Readonly<Record<string, string>>

/**
 * A scenario as text: lines that begin with '>' are done, the others are what happened then, in order. Clients are named A, B, ...;
 * a client's member ids are shown as A1, A2. Commands, with what may follow:
 *   join A  v=9 id=(none|A1) instance=i protocols=range:meta,other type=consumer session=45000 rebalance=60000
 *   arrive A  the same, and again with the id that it is given
 *   sync A  gen=1 protocol=range type=consumer A=p0 B=p1 (assignments)
 *   beat A  gen=1 hold=2000 retries=soon instance=i id=A1
 *   next A | gone A  the next request comes by A's connection, or the connection closes
 *   leave A instance=i reason=why   commit A gen=1   wait 100   stall 100   state   close
 *   storage holds | storage works | stored NONE (or another code)   restart  as from what was last stored
 */
export function transcript(text: string, config: Partial<GroupConfig> = {}): void {
  const lines = text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
  const run = new TranscriptRun({ ...GROUP_CONFIG_DEFAULTS, ...config })
  const out: string[] = []
  for (const line of lines) {
    if (!line.startsWith('>')) continue
    out.push(line, ...run.do(line.slice(1).trim()))
  }
  assert.equal(out.join('\n'), lines.join('\n'))
}

class TranscriptRun {
  readonly #clock = new FakeClock()
  readonly #world: GroupSurroundings
  readonly #clients = new Map<string, Client>()
  /** Member ids by how they are shown. */
  readonly #ids = new Map<string, string>()
  /** Clients by group instance id. */
  readonly #owners = new Map<string, string>()
  #group: ClassicGroup
  #out: string[] = []
  #stored: GroupSnapshot | null = null
  #storageHolds = false
  #storing: { group: GroupSnapshot; done: (errorCode: number) => void }[] = []

  constructor(config: GroupConfig) {
    this.#world = { clock: this.#clock, random: new CountingRandom(), log: SILENT, config, save: (group, done) => this.#save(group, done) }
    this.#group = new ClassicGroup('g', this.#world)
  }

  do(line: string): string[] {
    this.#out = []
    const [verb, ...words] = line.split(/\s+/)
    const name = words[0] !== undefined && !words[0].includes('=') ? words.shift()! : ''
    const options = Object.fromEntries(words.map((word) => [word.slice(0, word.indexOf('=')), word.slice(word.indexOf('=') + 1)]))
    this.#command(verb!, name, options)
    return this.#out
  }

  #command(verb: string, name: string, options: Options): void {
    switch (verb) {
      case 'join':
        return this.#join(name, options)
      case 'arrive':
        this.#join(name, { ...options, id: 'none', quiet: 'yes' })
        return this.#join(name, options)
      case 'sync':
        return this.#sync(name, options)
      case 'beat':
        return this.#beat(name, options)
      case 'next':
        return this.#client(name).release!(true)
      case 'gone':
        return this.#client(name).release!(false)
      case 'leave':
        return this.#leave(name, options)
      case 'commit':
        return this.#say(`${name}: commit ${errorName(this.#group.commitError(this.#identity(name, options)))}`)
      case 'wait':
        return this.#clock.advance(Number(name))
      case 'stall':
        return this.#clock.stall(Number(name))
      case 'state':
        return this.#state()
      case 'close':
        return this.#group.close(ErrorCode.NOT_COORDINATOR)
      case 'storage':
        this.#storageHolds = name === 'holds'
        return
      case 'stored':
        return this.#storageAnswers(name)
      case 'restart':
        return this.#restart()
      default:
        assert.fail(`no such command: ${verb}`)
    }
  }

  #join(name: string, options: Options): void {
    const version = Number(options['v'] ?? '9')
    const client = this.#client(name)
    if (options['instance'] !== undefined) this.#owners.set(options['instance'], name)
    const protocols = (options['protocols'] ?? `range:${name.toLowerCase()}`).split(',').map((text) => {
      const [protocol, metadata = name.toLowerCase()] = text.split(':')
      return { name: protocol!, metadata: Buffer.from(metadata) }
    })
    this.#group.join(
      {
        memberId: this.#memberId(client, options),
        groupInstanceId: options['instance'] ?? null,
        clientId: name,
        clientHost: '/127.0.0.1',
        sessionTimeoutMs: Number(options['session'] ?? 45_000),
        rebalanceTimeoutMs: Number(options['rebalance'] ?? 60_000),
        protocolType: options['type'] ?? 'consumer',
        protocols,
        needsMemberId: version >= 4,
        maySkipAssignment: version >= 9,
        reason: null,
      },
      (answer) => this.#joined(name, client, answer, options['quiet'] !== undefined),
    )
  }

  #joined(name: string, client: Client, answer: JoinAnswer, quiet: boolean): void {
    const label = this.#label(answer.memberId, name)
    if (answer.errorCode === ErrorCode.MEMBER_ID_REQUIRED) client.memberId = answer.memberId
    if (answer.errorCode !== 0) {
      if (!quiet) this.#say(`${name}: join ${errorName(answer.errorCode)}${label === '' ? '' : ` id=${label}`}`)
      return
    }
    client.memberId = answer.memberId
    client.generationId = answer.generationId
    const members = answer.members.map((member) => `${this.#label(member.memberId)}:${member.metadata}`).join(',')
    const parts = [`gen=${answer.generationId}`, `id=${label}`, `leader=${this.#label(answer.leader)}`, `protocol=${answer.protocolName}`]
    if (members !== '') parts.push(`members=${members}`)
    if (answer.skipAssignment) parts.push('skip')
    this.#say(`${name}: joined ${parts.join(' ')}`)
  }

  #sync(name: string, options: Options): void {
    const assignments = new Map<string, Buffer>()
    for (const [key, value] of Object.entries(options)) {
      if (/^[A-Z]\d*$/.test(key)) assignments.set(this.#ids.get(key) ?? this.#client(key).memberId, Buffer.from(value))
    }
    const { protocol = null, type = null } = options
    const request = { ...this.#identity(name, options), protocolName: protocol, protocolType: type, assignments }
    this.#group.sync(request, ({ errorCode, assignment }: SyncAnswer) => {
      const given = assignment.length === 0 ? 'nothing' : assignment.toString()
      this.#say(`${name}: ${errorCode === 0 ? `assigned ${given}` : `sync ${errorName(errorCode)}`}`)
    })
  }

  #beat(name: string, options: Options): void {
    const { hold = '0', retries } = options
    const request = { ...this.#identity(name, options), holdMs: Number(hold), retriesSoon: retries === 'soon' }
    this.#client(name).release = this.#group.heartbeat(request, (code) => this.#say(`${name}: beat ${errorName(code)}`))
  }

  #leave(name: string, options: Options): void {
    const memberId = name === '' ? '' : this.#client(name).memberId
    const [code] = this.#group.leave([{ memberId, groupInstanceId: options['instance'] ?? null, reason: options['reason'] ?? null }])
    this.#say(`${name || options['instance']}: left ${errorName(code!)}`)
  }

  #state(): void {
    const { state, memberCount, generationId } = this.#group
    const members = this.#group.snapshot().members.map((member) => `${this.#label(member.memberId)}=${member.assignment}`)
    this.#say(`${state} gen=${generationId} members=${memberCount}${memberCount > 0 ? ` ${members.join(' ')}` : ''}`)
  }

  #save(group: GroupSnapshot, done: (errorCode: number) => void): void {
    this.#storing.push({ group, done })
    if (!this.#storageHolds) this.#storageAnswers('NONE')
  }

  #storageAnswers(code: string): void {
    const { group, done } = this.#storing.shift()!
    if (code === 'NONE') this.#stored = group
    done(ErrorCode[code as keyof typeof ErrorCode])
  }

  #restart(): void {
    const record = groupRecord(this.#stored!)
    const fact = groupFact(record.key, record.value)
    assert(fact.kind === 'group' && fact.group !== null)
    assert.deepEqual(fact.group, this.#stored)
    this.#group = ClassicGroup.restored(fact.group, this.#world)
  }

  #identity(name: string, options: Options): { memberId: string; groupInstanceId: string | null; generationId: number } {
    const client = this.#client(name)
    return {
      memberId: this.#memberId(client, options),
      groupInstanceId: options['instance'] ?? null,
      generationId: Number(options['gen'] ?? client.generationId),
    }
  }

  #memberId(client: Client, options: Options): string {
    const { id } = options
    return id === undefined ? client.memberId : id === 'none' ? '' : (this.#ids.get(id) ?? id)
  }

  #client(name: string): Client {
    let client = this.#clients.get(name)
    if (client === undefined) this.#clients.set(name, (client = { memberId: '', generationId: -1, release: null }))
    return client
  }

  /** How a member id is shown: by the client that it was given to, and how many it was given before. */
  #label(memberId: string, name?: string): string {
    for (const [label, id] of this.#ids) if (id === memberId) return label
    const prefix = /^(.+)-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.exec(memberId)?.[1]
    if (prefix === undefined) return memberId
    const owner = name ?? this.#owners.get(prefix) ?? prefix
    let number = 1
    while (this.#ids.has(`${owner}${number}`)) number++
    this.#ids.set(`${owner}${number}`, memberId)
    return `${owner}${number}`
  }

  #say(line: string): void {
    this.#out.push(line)
  }
}
