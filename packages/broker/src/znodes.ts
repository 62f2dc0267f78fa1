import { ZooKeeperError, type Operation, type Stat, type TreeReader, type ZooKeeper } from '@ottla/zookeeper'

/** Well below the limits of a multi, 1,000 operations and 512 KiB, where the data are small. */
export const OPERATIONS_PER_MULTI = 900

/** Compact JSON, as all of Kafka's znodes have it. */
export const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value))

/** What such a znode says: nothing where it isn't there, or has no data. */
export const parseJson = (data: Buffer | null | undefined): Record<string, unknown> =>
  JSON.parse(data?.toString() || '{}') as Record<string, unknown>

/** The id of the cluster that the tree is of; null where no broker has chosen one yet. */
export async function clusterIdOf(tree: TreeReader): Promise<string | null> {
  const { id = null } = parseJson(await dataOf(tree, '/cluster/id')) as { id?: string }
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

/** Does the operations in their order, as few multis as can be, each of them only while `fence` holds. */
export async function inBatches(zooKeeper: ZooKeeper, operations: readonly Operation[], fence?: Operation): Promise<void> {
  const fences = fence === undefined ? [] : [fence]
  const batches: Promise<unknown>[] = []
  for (let at = 0; at < operations.length; at += OPERATIONS_PER_MULTI) {
    batches.push(zooKeeper.multi([...fences, ...operations.slice(at, at + OPERATIONS_PER_MULTI)]))
  }
  await Promise.all(batches)
}

const UNKNOWN: ReadonlySet<string> = new Set(['ConnectionLoss', 'SessionExpired', 'SessionMoved', 'OperationTimeout', 'RequestTimeout'])

/** The connection was lost, or the session, and what came of the request is not known: read again, and decide anew. */
export function isOutcomeUnknown(error: unknown): error is ZooKeeperError {
  return error instanceof ZooKeeperError && UNKNOWN.has(error.code)
}
