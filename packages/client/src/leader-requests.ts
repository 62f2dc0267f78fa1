import { ErrorCode } from '@ottla/protocol'
import type { Cluster } from './cluster.ts'
import { isRetriable, refusal } from './errors.ts'
import type { TopicPartition } from './offsets.ts'

/** How the leaders of partitions are asked about items. */
export interface LeaderRequest<T extends TopicPartition> {
  /** What is done, as an error says it: 'Looking for offsets'. */
  readonly what: string
  /** Asks one leader; a partition is named once. Rejects where a part of it was refused. */
  ask(leaderId: number, items: readonly T[]): Promise<void>
  /** Not to be asked about again. */
  isDone(item: T): boolean
}

/** Asks about each item at its partition's leader, as often as leaders move within the timeout. */
export async function askLeaders<T extends TopicPartition>(
  cluster: Cluster,
  items: readonly T[],
  request: LeaderRequest<T>,
  timeoutMs?: number,
): Promise<void> {
  await cluster.retry(async () => {
    const groups: { leaderId: number; items: T[]; partitions: Set<string> }[] = []
    const open = items.filter((item) => !request.isDone(item))
    const errors: Error[] = []
    for (const item of open) {
      const partition = (await cluster.topic(item.topic)).partitions[item.partition]
      const place = `'${item.topic}' partition ${item.partition}`
      if (partition === undefined || partition.leaderId < 0) {
        const code = partition === undefined ? ErrorCode.UNKNOWN_TOPIC_OR_PARTITION : ErrorCode.LEADER_NOT_AVAILABLE
        errors.push(refusal(code, `${request.what} of ${place}`))
        continue
      }
      let group = groups.find((one) => one.leaderId === partition.leaderId && !one.partitions.has(place))
      if (group === undefined) groups.push((group = { leaderId: partition.leaderId, items: [], partitions: new Set() }))
      group.items.push(item)
      group.partitions.add(place)
    }
    const asked = await Promise.allSettled(groups.map((group) => request.ask(group.leaderId, group.items)))
    for (const result of asked) if (result.status === 'rejected') errors.push(result.reason as Error)
    if (errors.length === 0) return
    await cluster.refreshSoon(new Set(open.map(({ topic }) => topic)))
    throw errors.find((error) => !isRetriable(error)) ?? errors[0]!
  }, timeoutMs)
}
