import type { Disk } from '@ottla/env'
import { readWhole } from '@ottla/log'
import type { VotersRecord } from '@ottla/protocol/data/control-records'

/**
 * Throws with a sentence where several controllers voted on the metadata: which of the last records here count, only their quorum knows.
 * The voters are those of the log (KIP-853), else those of `quorum-state`, where quorums of a fixed configuration keep them.
 */
export async function mustBeOnlyVoter(disk: Disk, metadataLog: string, voters: VotersRecord['voters'] | null): Promise<void> {
  const ids = voters?.map(({ voterId }) => voterId) ?? (await votersOfState(disk, `${metadataLog}/quorum-state`))
  if (ids.length <= 1) return
  throw new Error(
    `${metadataLog} is of the quorum of the controllers ${ids.toSorted((a, b) => a - b).join(', ')}: a directory can be taken over whose ` +
      `metadata one controller alone wrote; remove the others with kafka-metadata-quorum.sh remove-controller`,
  )
}

async function votersOfState(disk: Disk, path: string): Promise<number[]> {
  try {
    const bytes = await readWhole(disk, path)
    if (bytes === null) return []
    const { currentVoters = [] } = JSON.parse(bytes.toString()) as { currentVoters?: { voterId: number }[] | null }
    return (currentVoters ?? []).map(({ voterId }) => voterId)
  } catch (error) {
    throw new Error(`${path} can't be read: ${(error as Error).message}`, { cause: error })
  }
}
