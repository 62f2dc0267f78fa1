import { ZooKeeperError, type Operation, type Stat, type TreeReader, type ZooKeeper } from '@ottla/zookeeper'

/** Well below the limits of a multi: 1,000 operations, 512 KiB. */
export const OPERATIONS_PER_MULTI = 900
const BYTES_PER_MULTI = 256 * 1024

/** Compact JSON, as all of Kafka's znodes have it. */
export const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value))

/** A znode to be made. Of several, parents come first. */
export interface Znode {
  readonly path: string
  readonly data: Buffer | null
}

export type Fields = Readonly<Record<string, unknown>>

export const isFields = (value: unknown): value is Fields => typeof value === 'object' && value !== null && !Array.isArray(value)

/** So many characters of a znode's data an error shows. */
const SHOWN_LENGTH = 60

/** A znode's data can't be what belongs there. Its message is a sentence for the operator. */
export class ZnodeError extends Error {
  readonly found: string

  constructor(path: string, text: string) {
    const shown = text.length > SHOWN_LENGTH ? `${text.slice(0, SHOWN_LENGTH)}…` : text
    const found = `the znode ${path} has ${text === '' ? 'no data' : `the data ${JSON.stringify(shown)}`}, which is not what Kafka keeps there`
    const isOfTopic = /^\/(brokers|config)\/topics\//.test(path)
    const rebuilding = isOfTopic ? "; 'ottla rebuild --from-keeper' makes a topic's znodes anew from log.dirs" : ''
    super(
      `${found}: set it right with 'ottla zk set'. An embedded keeper ends with its broker: meanwhile 'ottla zookeeper' serves its keeper.dir ` +
        `through a link <dataDir>/ottla-keeper${rebuilding}`,
    )
    this.found = found
  }
}

/** What a znode says: no fields where it isn't there, or has no data. Throws ZnodeError where that is not what `isValid` asks for. */
export function decodeZnode<T = Fields>(path: string, data: Buffer | null | undefined, isValid: (value: unknown) => boolean = isFields): T {
  const text = data?.toString() ?? ''
  try {
    const value: unknown = JSON.parse(text || '{}')
    if (isValid(value)) return value as T
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
  }
  throw new ZnodeError(path, text)
}

/** What the znode says (`decodeZnode`). */
export async function readFields<T = Fields>(tree: TreeReader, path: string, isValid?: (value: unknown) => boolean): Promise<T> {
  return decodeZnode<T>(path, await dataOf(tree, path), isValid)
}

/** The id of the cluster that the tree is of; null where no broker has chosen one yet. */
export async function clusterIdOf(tree: TreeReader): Promise<string | null> {
  const isValid = (value: unknown): boolean => isFields(value) && ['string', 'undefined'].includes(typeof value['id'])
  const { id = null } = await readFields<{ id?: string }>(tree, '/cluster/id', isValid)
  return id
}

/** Undefined where the znode isn't there. */
export async function dataOf(zooKeeper: TreeReader, path: string): Promise<Buffer | null | undefined> {
  return (await readZnode(zooKeeper, path))?.data
}

/** Undefined where the znode isn't there. */
export async function readZnode(zooKeeper: TreeReader, path: string): Promise<{ data: Buffer | null; stat: Stat } | undefined> {
  try {
    return await zooKeeper.getData(path)
  } catch (error) {
    if (error instanceof ZooKeeperError && error.code === 'NoNode') return undefined
    throw error
  }
}

/** Sets the znode's data, and makes it where it isn't there. */
export async function putData(zooKeeper: ZooKeeper, path: string, data: Buffer | null): Promise<void> {
  if ((await zooKeeper.exists(path)) === null) await zooKeeper.create(path, data)
  else await zooKeeper.setData(path, data)
}

/** None where there is no such znode. */
export async function childrenOf(zooKeeper: TreeReader, path: string): Promise<string[]> {
  try {
    return (await zooKeeper.getChildren(path)).children
  } catch (error) {
    if (error instanceof ZooKeeperError && error.code === 'NoNode') return []
    throw error
  }
}

/** All that lies below `path`, which stays. */
export async function removeBelow(zooKeeper: ZooKeeper, path: string): Promise<void> {
  for (const child of await childrenOf(zooKeeper, path)) {
    await removeBelow(zooKeeper, `${path}/${child}`)
    await zooKeeper.delete(`${path}/${child}`)
  }
}

/**
 * Does the operations in their order, in as few multis as can be, each of them only while `fence` holds. Together they are not atomic: each
 * multi is whole or nothing, whatever became of the others.
 */
export async function inBatches(zooKeeper: ZooKeeper, operations: readonly Operation[], fence?: Operation): Promise<void> {
  const fences = fence === undefined ? [] : [fence]
  const multis: Promise<unknown>[] = []
  let from = 0
  let sizeBytes = 0
  operations.forEach((operation, at) => {
    const addedBytes = sizeOf(operation)
    if (at > from && (at - from === OPERATIONS_PER_MULTI || sizeBytes + addedBytes > BYTES_PER_MULTI)) {
      multis.push(zooKeeper.multi([...fences, ...operations.slice(from, at)]))
      from = at
      sizeBytes = 0
    }
    sizeBytes += addedBytes
  })
  if (from < operations.length) multis.push(zooKeeper.multi([...fences, ...operations.slice(from)]))
  await Promise.all(multis)
}

function sizeOf(operation: Operation): number {
  return operation.path.length + ('data' in operation ? (operation.data?.length ?? 0) : 0)
}

const UNKNOWN: ReadonlySet<string> = new Set(['ConnectionLoss', 'SessionExpired', 'SessionMoved', 'OperationTimeout', 'RequestTimeout'])

/** The connection was lost, or the session, and what came of the request is not known: read again, and decide anew. */
export function isOutcomeUnknown(error: unknown): error is ZooKeeperError {
  return error instanceof ZooKeeperError && UNKNOWN.has(error.code)
}
