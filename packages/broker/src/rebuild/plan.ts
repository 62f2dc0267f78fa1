import type { Env } from '@ottla/env'
import { CorruptFileError, METADATA_LOG, readMetaProperties, readOffsetCheckpoint } from '@ottla/log'
import type { TreeReader } from '@ottla/zookeeper'
import type { BrokerConfig } from '../configs/broker-config.ts'
import { GROUP_TOPIC, isInternalTopic } from '../internal-topics.ts'
import { scanDirectories, type Scanned } from '../stopped-directories/directory-scan.ts'
import { metadataPlaces } from '../kraft/kraft-directories.ts'
import { BLOCK_COUNT, producerIdsEnd } from '../producer-ids.ts'
import { samePartition } from '../log-directories.ts'
import { randomId } from '../random-id.ts'
import { readTopic, topicsPath, type TopicZnodes } from '../topic-znodes.ts'
import { childrenOf, ZnodeError } from '../znodes.ts'
import { directoriesIn } from '../stopped-directories/directory-names.ts'
import { scanPartitions, type FoundPartition } from './partition-scan.ts'
import { overridesFor, type ConfigsFrom } from './topic-overrides.ts'

export interface RebuildAsked {
  /** Configs of topics, by topic and key: over all that is known otherwise. */
  readonly configs: ReadonlyMap<string, ReadonlyMap<string, string>>
  /** Partitions without a directory are made, empty. */
  readonly makeMissing: boolean
  /** Topics whose configs are lost obey the broker's; else nothing of them is ever deleted. */
  readonly brokerDefaults: boolean
  /** What can be read of the old tree, where it counts. */
  readonly from: TreeReader | null
}

export interface PlannedTopic {
  readonly name: string
  readonly id: string
  /** By partition. */
  readonly leaderEpochs: readonly number[]
  /** Partitions that no directory is there for. */
  readonly missing: readonly number[]
  readonly overrides: ReadonlyMap<string, string>
  readonly configsFrom: ConfigsFrom
  /** Directories of it whose `partition.metadata` is to be written. */
  readonly unnamed: readonly string[]
}

/** What a new tree would say, and what the operator should know of it. */
export interface RebuildPlan {
  readonly clusterId: string
  readonly brokerId: number
  readonly topics: readonly PlannedTopic[]
  /** Producer ids below it count as given away. */
  readonly nextProducerId: number
  /** The directory with a KRaft broker's metadata, which is not to be taken over again. */
  readonly metadataPlace: string | null
  /** What is lost, left out or new, one sentence each. */
  readonly notes: readonly string[]
  /** What must be settled before it can be written, one sentence each. */
  readonly problems: readonly string[]
}

/** More than a directory is trusted to have. */
const PARTITION_MAX = 100_000
/** Ids that were given to producers who have written nothing yet can't be seen: so many are passed over. There are 2^63. */
const PRODUCER_IDS_GAP = 1_000_000
const NAMED_COUNT_MAX = 3

/** Reads all of `log.dirs`, whose locks the caller holds, and says what tree belongs to them. Rejects where they are not one broker's. */
export async function planRebuild(env: Env, config: BrokerConfig, asked: RebuildAsked): Promise<RebuildPlan> {
  const scanned = await identityOf(env, config)
  const found = await scanPartitions(env, config.logDirs)
  const planning = new Planning(env, config, asked, scanned)
  for (const [name, partitions] of byTopic(found)) await planning.topic(name, partitions)
  await planning.finish()
  const seen = [
    scanned.nextProducerId,
    asked.from === null ? 0 : await producerIdsEnd(asked.from),
    ...found.map(({ nextProducerId }) => nextProducerId),
  ]
  return {
    clusterId: scanned.clusterId,
    brokerId: scanned.nodeId,
    topics: planning.topics,
    nextProducerId: Math.ceil((seen.reduce((a, b) => Math.max(a, b), 0) + PRODUCER_IDS_GAP) / BLOCK_COUNT) * BLOCK_COUNT,
    metadataPlace: planning.metadataPlace,
    notes: planning.notes,
    problems: planning.problems,
  }
}

async function identityOf(env: Env, config: BrokerConfig): Promise<Scanned> {
  for (const path of config.logDirs) {
    if ((await readMetaProperties(env.disk, path)) !== null) continue
    throw new Error(`${path} has no meta.properties: if its disk is missing, mount it; if it is new, take it out of log.dirs for this once`)
  }
  try {
    const scanned = await scanDirectories(env, config.logDirs)
    if (scanned.nodeId === config.brokerId) return scanned
    throw new Error(`log.dirs belong to broker ${scanned.nodeId}, not ${config.brokerId}: set broker.id=${scanned.nodeId}`)
  } catch (error) {
    if (!(error instanceof CorruptFileError)) throw error
    throw new Error(`${error.message}. Move that file away: what it says is found in the batches too`, { cause: error })
  }
}

function byTopic(found: readonly FoundPartition[]): [name: string, partitions: FoundPartition[]][] {
  const topics = new Map<string, FoundPartition[]>()
  for (const one of found.toSorted((a, b) => a.partition - b.partition)) {
    const known = topics.get(one.topic)
    if (known === undefined) topics.set(one.topic, [one])
    else known.push(one)
  }
  return [...topics].sort(([a], [b]) => (a < b ? -1 : 1))
}

class Planning {
  readonly topics: PlannedTopic[] = []
  readonly notes: string[] = []
  readonly problems: string[] = []
  metadataPlace: string | null = null
  readonly #env: Env
  readonly #config: BrokerConfig
  readonly #asked: RebuildAsked
  readonly #scanned: Scanned

  constructor(env: Env, config: BrokerConfig, asked: RebuildAsked, scanned: Scanned) {
    this.#env = env
    this.#config = config
    this.#asked = asked
    this.#scanned = scanned
  }

  async topic(name: string, partitions: readonly FoundPartition[]): Promise<void> {
    const known = this.#asked.from === null ? undefined : await this.#readOld(this.#asked.from, name)
    const byNumber = this.#byNumber(partitions)
    const id = this.#idOf(name, partitions, known)
    const sameTopic = known?.id === id ? known : undefined
    if (known !== undefined && sameTopic === undefined)
      this.notes.push(`${name} was made anew: what the old tree says of it is of id ${known.id}`)
    const epochs = Array.from({ length: Math.max(byNumber.length, sameTopic?.assignment.length ?? 0) }, (_, partition) =>
      Math.max(
        byNumber[partition]?.leaderEpoch ?? -1,
        this.#scanned.leaderEpochs.get(`${name}-${partition}`) ?? -1,
        sameTopic?.partitions[partition]?.leaderEpoch ?? -1,
      ),
    )
    const missing = [...epochs.keys()].filter((partition) => byNumber[partition] === undefined)
    if (missing.length > 0) this.#tellMissing(name, missing, epochs.length)
    const newest = epochs.reduce((a, b) => Math.max(a, b), -1)
    const logAppendTime = partitions.some((one) => one.logAppendTime)
    const { overrides, configsFrom, problem } = overridesFor(this.#config, name, { ...this.#asked, known: sameTopic, logAppendTime })
    if (problem !== null) this.problems.push(problem)
    const unnamed = partitions.filter(({ topicId }) => topicId === null).map(({ directory }) => directory)
    // what was missing may have been led in any epoch
    const leaderEpochs = epochs.map((epoch, partition) => (byNumber[partition] === undefined ? newest : epoch) + 1)
    this.topics.push({ name, id, leaderEpochs, missing, overrides, configsFrom, unnamed })
  }

  async #readOld(from: TreeReader, name: string): Promise<TopicZnodes | undefined> {
    try {
      return await readTopic(from, name)
    } catch (error) {
      if (!(error instanceof ZnodeError)) throw error
      this.notes.push(`what the old tree says of ${name} is passed over, for ${error.found}`)
      return undefined
    }
  }

  /** Directories that no partition can be numbered by, or that are one partition's, are told. */
  #byNumber(partitions: readonly FoundPartition[]): (FoundPartition | undefined)[] {
    const byNumber: (FoundPartition | undefined)[] = []
    for (const one of partitions) {
      const other = byNumber[one.partition]
      if (one.partition >= PARTITION_MAX) this.problems.push(`${one.directory}: no topic has so many partitions; move it away`)
      else if (other === undefined) byNumber[one.partition] = one
      else this.problems.push(samePartition(other.directory, one.directory).message)
    }
    return byNumber
  }

  #idOf(name: string, partitions: readonly FoundPartition[], known: TopicZnodes | undefined): string {
    const ids = new Map<string, string[]>()
    for (const { directory, topicId, metadataDamage } of partitions) {
      if (topicId !== null) ids.set(topicId, [...(ids.get(topicId) ?? []), directory])
      if (metadataDamage !== null) this.notes.push(`${metadataDamage}: ${directory} gets one with the id of ${name}`)
    }
    if (ids.size > 1) {
      const told = [...ids].map(([id, directories]) => `${id} in ${directories.slice(0, NAMED_COUNT_MAX).join(', ')}`).join('; ')
      this.problems.push(`${name} has two topic ids (${told}): mend the partition.metadata that is wrong, or move older directories away`)
    }
    const [id] = ids.keys()
    const twin = this.topics.find((topic) => topic.id === id)
    if (twin !== undefined)
      this.problems.push(`${twin.name} and ${name} have the same topic id, ${id}: one of them was renamed; move it away`)
    if (id !== undefined) return id
    if (known !== undefined) return known.id
    const made = randomId(this.#env)
    this.notes.push(
      `${name} has no partition.metadata (Kafka before 2.8 wrote none): it gets the new id ${made}, and its directories the file`,
    )
    return made
  }

  #tellMissing(name: string, missing: readonly number[], count: number): void {
    const told = `${name} has no directory for ${missing.length === 1 ? 'partition' : 'partitions'} ${missing.join(', ')} of ${count}`
    if (this.#asked.makeMissing) this.notes.push(`${told}: made empty`)
    else this.problems.push(`${told}: if a disk is missing from log.dirs, add it; --make-missing makes what is missing, empty`)
  }

  async finish(): Promise<void> {
    await this.#tellConfigs()
    const names = new Set(this.topics.map(({ name }) => name))
    for (const name of this.#asked.configs.keys())
      if (!names.has(name)) this.problems.push(`--config ${name}: there is no such topic in log.dirs`)
    const { from } = this.#asked
    const before = from === null ? [] : await childrenOf(from, topicsPath)
    const gone = before.filter((name) => !names.has(name))
    if (gone.length > 0) this.notes.push(`left out, for no directory of them is there: ${gone.sort().join(', ')}`)
    const groups = this.topics.find(({ name }) => name === GROUP_TOPIC)?.leaderEpochs.length
    const { offsetsTopicNumPartitions: wanted } = this.#config
    if (groups !== undefined && groups !== wanted) {
      this.notes.push(
        `${GROUP_TOPIC} has directories for ${groups} partitions, offsets.topic.num.partitions says ${wanted}: if some are lost, groups would ` +
          `be looked for in the wrong ones`,
      )
    }
    for (const path of metadataPlaces(this.#config)) {
      if (!(await directoriesIn(this.#env.disk, path)).includes(METADATA_LOG)) continue
      this.metadataPlace = path
      this.notes.push(
        `${path}/${METADATA_LOG} is passed over: it is Kafka's own metadata, as it was before Ottla ran. Where Kafka ran last, no rebuild is ` +
          `needed: 'ottla start' with an empty keeper.dir takes it over`,
      )
      return
    }
  }

  async #tellConfigs(): Promise<void> {
    const lost = this.topics.filter(({ configsFrom, name }) => configsFrom === 'lost' && !isInternalTopic(name))
    if (lost.length > 0) {
      const names = lost.map(({ name }) => name).join(', ')
      const meanwhile = this.#asked.brokerDefaults
        ? "the broker's count, also for what is deleted and when"
        : 'until they are given, nothing is deleted (retention.ms=-1, retention.bytes=-1; --broker-defaults: as the broker says)'
      this.notes.push(
        `the configurations of these topics are lost: ${names}; ${meanwhile}. Give them by --config topic:key=value, or afterwards by ` +
          `'ottla topics alter'`,
      )
    }
    const compacted = await this.#compacted()
    for (const { name } of lost.filter((topic) => compacted.has(topic.name)))
      this.notes.push(`${name} was compacted once: if it is to be again, --config ${name}:cleanup.policy=compact`)
    if (this.#asked.from === null)
      this.notes.push('quotas, users, rights and what was set for brokers at run time were in the tree too, and are lost')
  }

  /** Topics that the cleaner has been at. */
  async #compacted(): Promise<Set<string>> {
    const topics = new Set<string>()
    for (const path of this.#config.logDirs) {
      try {
        const offsets = await readOffsetCheckpoint(this.#env.disk, `${path}/cleaner-offset-checkpoint`)
        for (const name of offsets.keys()) topics.add(name.slice(0, name.lastIndexOf('-')))
      } catch (error) {
        if (!(error instanceof CorruptFileError)) throw error
      }
    }
    return topics
  }
}
