import type { Env, Lock } from '@ottla/env'
import { isNotFound } from '@ottla/env/files'

/** Does `work` while nobody else, Kafka neither, can have those of the directories that there are. Throws where another process has one. */
export async function withLocks<T>(env: Env, paths: readonly string[], work: () => Promise<T>): Promise<T> {
  const locks: Lock[] = []
  try {
    for (const path of paths) {
      try {
        locks.push(env.disk.lock(`${path}/.lock`))
      } catch (error) {
        if (!isNotFound(error)) throw error
      }
    }
    return await work()
  } finally {
    for (const lock of locks) lock.release()
  }
}
