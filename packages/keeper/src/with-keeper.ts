import type { ZooKeeper } from '@ottla/zookeeper'
import { openKeeper, type KeeperEnv } from './keeper.ts'

/** Opens the keeper in `directory` for `work` alone, which no client from outside sees, and closes it afterwards, whatever happens. */
export async function withKeeper<T>(env: KeeperEnv, directory: string, work: (zooKeeper: ZooKeeper) => Promise<T>): Promise<T> {
  const keeper = await openKeeper(env, directory)
  try {
    const zooKeeper = keeper.connect()
    const result = await work(zooKeeper)
    await zooKeeper.close()
    return result
  } finally {
    await keeper.close()
  }
}
