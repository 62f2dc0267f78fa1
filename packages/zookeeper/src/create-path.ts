import { ZooKeeperError } from './errors.ts'
import type { ZooKeeper } from './zookeeper.ts'

/** Makes the znode, its parents too, where they aren't there. */
export async function createPath(zooKeeper: ZooKeeper, path: string, data: Buffer | null): Promise<void> {
  const parts = path.split('/').slice(1)
  for (let length = 1; length <= parts.length; length++) {
    await createIfAbsent(zooKeeper, `/${parts.slice(0, length).join('/')}`, length === parts.length ? data : null)
  }
}

/** Makes the znode where it isn't there. */
export async function createIfAbsent(zooKeeper: ZooKeeper, path: string, data: Buffer | null): Promise<void> {
  try {
    await zooKeeper.create(path, data)
  } catch (error) {
    if (!(error instanceof ZooKeeperError && error.code === 'NodeExists')) throw error
  }
}
