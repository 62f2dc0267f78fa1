import type { Disk, Env } from '@ottla/env'
import { CorruptFileError, readLeaderEpochs, readOffsetCheckpoint, writeLeaderEpochs } from './checkpoint.ts'
import { LOG_STARTS } from './directory-checkpoints.ts'
import { LeaderEpochs } from './leader-epochs.ts'

/**
 * Lets the epochs of each log in a directory begin where the log does, as ours do, and as Kafka's do a little later than its log starts: after
 * a kill in between, records that were deleted would be back. May be done again.
 */
export async function settleLogStarts({ disk, log }: Env, directory: string): Promise<void> {
  const unlessDamaged = async (work: () => Promise<void>): Promise<void> => {
    try {
      await work()
    } catch (error) {
      if (!(error instanceof CorruptFileError)) throw error
      log.warn(error.message)
    }
  }
  await unlessDamaged(async () => {
    for (const [name, startOffset] of await readOffsetCheckpoint(disk, `${directory}/${LOG_STARTS}`)) {
      await unlessDamaged(() => settle(disk, `${directory}/${name}/leader-epoch-checkpoint`, startOffset))
    }
  })
}

async function settle(disk: Disk, path: string, startOffset: number): Promise<void> {
  const epochs = new LeaderEpochs(await readLeaderEpochs(disk, path))
  if (epochs.truncateFromStart(startOffset)) await writeLeaderEpochs(disk, path, epochs.entries)
}
