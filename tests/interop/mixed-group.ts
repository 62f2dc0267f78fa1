/** One group whose members are different clients at the same time: they share partitions, one leaves, another joins, nothing is missed. */
import { spawn, type ChildProcessByStdio } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import type { Client } from './clients.ts'
import type { Consumed, Partitions } from './comparison.ts'

const ALL_MS = 60_000

/** A running member, and what it printed so far. */
class Member {
  readonly client: Client
  readonly consumed: Consumed[] = []
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>
  #stderr = ''

  constructor(client: Client, words: readonly string[], onRecord: (record: Consumed) => void) {
    this.client = client
    this.#child = spawn(client.command[0]!, [...client.command.slice(1), 'follow', ...words], { stdio: ['pipe', 'pipe', 'pipe'] })
    this.#child.stderr.on('data', (bytes: Buffer) => (this.#stderr += bytes.toString()))
    createInterface(this.#child.stdout).on('line', (line) => {
      if (!line.startsWith('{"')) return
      const record = JSON.parse(line) as Consumed
      this.consumed.push(record)
      onRecord(record)
    })
  }

  /** Lets it leave the group and end; throws where it ends badly. */
  async leave(): Promise<void> {
    if (this.#child.exitCode === null) {
      const closed = once(this.#child, 'close')
      this.#child.stdin.end()
      const timer = setTimeout(() => this.#child.kill('SIGKILL'), ALL_MS)
      await closed
      clearTimeout(timer)
    }
    if (this.#child.exitCode !== 0) throw new Error(`${this.client.name} ended with ${this.#child.exitCode}: ${this.#stderr.slice(-800)}`)
  }

  kill(): void {
    this.#child.kill('SIGKILL')
  }
}

/** What the group is given. */
export interface MixedGroup {
  /** The options of `follow`. */
  readonly words: readonly string[]
  readonly members: readonly Client[]
  /** Joins when the first of `members` has left. */
  readonly substitute: Client
  /** Writes some lines and answers what the partitions hold then. */
  produce(): Promise<Partitions>
}

/** Runs the group; answers what each member got, or throws at what is missing or wrong, or a member without a share. */
export async function runMixedGroup(group: MixedGroup): Promise<string> {
  const session = new Session(group)
  try {
    for (const client of group.members) session.join(client)
    await session.untilAllShare()
    await session.running[0]!.leave()
    session.running.shift()
    session.join(group.substitute)
    await session.untilAllShare()
    for (const member of session.running) await member.leave()
    return session.tally()
  } finally {
    for (const member of session.members) member.kill()
  }
}

class Session {
  readonly members: Member[] = []
  readonly running: Member[] = []
  readonly #group: MixedGroup
  readonly #seen = new Set<string>()
  #onRecord: () => void = () => {}

  constructor(group: MixedGroup) {
    this.#group = group
  }

  join(client: Client): void {
    const member = new Member(client, this.#group.words, ({ partition, offset }) => {
      this.#seen.add(`${partition} ${offset}`)
      this.#onRecord()
    })
    this.members.push(member)
    this.running.push(member)
  }

  /** Produces until every running member has got records of what was produced since; all of it has to come each time. */
  async untilAllShare(): Promise<void> {
    const before = this.running.map(({ consumed }) => consumed.length)
    const idle = (): Member[] => this.running.filter(({ consumed }, at) => consumed.length === before[at])
    const giveUpAt = Date.now() + ALL_MS
    let partitions: Partitions
    // who is still joining gets none: again, until all do
    do {
      partitions = await this.#group.produce()
      await this.#allOf(partitions)
    } while (idle().length > 0 && Date.now() < giveUpAt)
    this.#verify(partitions)
    if (idle().length > 0)
      throw new Error(
        `${idle()
          .map(({ client }) => client.name)
          .join(', ')} got no partition: ${this.tally()}`,
      )
  }

  async #allOf(partitions: Partitions): Promise<void> {
    const total = partitions.reduce((sum, lines) => sum + lines.length, 0)
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const late = () => reject(new Error(`${this.#seen.size} of ${total} records came within ${ALL_MS} ms: ${this.tally()}`))
    const timer = setTimeout(late, ALL_MS)
    this.#onRecord = () => {
      if (this.#seen.size >= total) resolve()
    }
    this.#onRecord()
    await promise.finally(() => clearTimeout(timer))
  }

  #verify(partitions: Partitions): void {
    for (const { client, consumed } of this.members) {
      for (const { partition, offset, key, value } of consumed) {
        const line = partitions[partition]?.[offset]
        if (line !== undefined && key === line.key.toString('base64') && value === line.value.toString('base64')) continue
        throw new Error(`${client.name}: partition ${partition} offset ${offset} is not what was acknowledged there`)
      }
    }
  }

  tally(): string {
    const total = this.members.reduce((sum, { consumed }) => sum + consumed.length, 0)
    const each = this.members.map(({ client, consumed }) => `${client.name} ${consumed.length}`).join(', ')
    return `${each}; ${total - this.#seen.size} twice`
  }
}
