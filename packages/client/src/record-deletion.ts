import { ErrorCode } from '@ottla/protocol'
import { DeleteRecords } from '@ottla/protocol/messages/21-delete-records'
import type { Cluster } from './cluster.ts'
import { refusal } from './errors.ts'
import { askLeaders } from './leader-requests.ts'
import { byTopic, type TopicPartition } from './offsets.ts'

export interface RecordDeletion extends TopicPartition {
  /** The first offset that stays; 'latest': none does. */
  readonly before: number | 'latest'
}

/** Where a partition begins now. */
export interface LogStart extends TopicPartition {
  readonly offset: number
}

const HIGH_WATERMARK = -1
const WHAT = 'Deleting records'

/** Deletes at the partitions' leaders, as often as leaders move within the timeout: a deletion twice is one. Results in their order. */
export async function deleteRecords(cluster: Cluster, deletions: readonly RecordDeletion[]): Promise<LogStart[]> {
  const done = new Map<RecordDeletion, LogStart>()
  await askLeaders(cluster, deletions, {
    what: WHAT,
    isDone: (deletion) => done.has(deletion),
    ask: async (leaderId, asked) => {
      const connection = await cluster.connection(leaderId)
      const answer = await connection.request(DeleteRecords, {
        topics: [...byTopic(asked)].map(([name, list]) => ({
          name,
          partitions: list.map(({ partition, before }) => ({
            partitionIndex: partition,
            offset: before === 'latest' ? HIGH_WATERMARK : before,
          })),
        })),
        timeoutMs: cluster.requestTimeoutMs,
      })
      let failure: Error | null = null
      for (const { name, partitions } of answer.topics) {
        for (const { partitionIndex, lowWatermark, errorCode } of partitions) {
          const deletion = asked.find(({ topic, partition }) => topic === name && partition === partitionIndex)
          if (deletion === undefined) continue
          if (errorCode === ErrorCode.NONE) done.set(deletion, { topic: name, partition: partitionIndex, offset: lowWatermark })
          else {
            const why = errorCode === ErrorCode.POLICY_VIOLATION ? "the topic's cleanup.policy must contain delete" : null
            failure = refusal(errorCode, `${WHAT} of '${name}' partition ${partitionIndex}`, why)
          }
        }
      }
      if (failure !== null) throw failure
    },
  })
  return deletions.map((deletion) => done.get(deletion)!)
}
