import type { Admin, TopicPartition } from '@ottla/client'

/** The partitions of topics, or `wanted` of each that has it. */
export async function partitionsOf(admin: Admin, topics: readonly string[], wanted?: number): Promise<TopicPartition[]> {
  const described = await admin.describeTopics(topics)
  const all = described.flatMap(({ name, partitions }) => partitions.map(({ partition }) => ({ topic: name, partition })))
  if (wanted === undefined) return all
  const found = all.filter(({ partition }) => partition === wanted)
  if (found.length === 0) throw new Error(`there is no partition ${wanted} of ${topics.join(', ')}`)
  return found
}

/** The offset that is asked for where a partition has it, else the nearest that it has: its first, or its end. */
export async function nearestOffsets(
  admin: Admin,
  partitions: readonly TopicPartition[],
  asked: number,
): Promise<(TopicPartition & { readonly offset: number })[]> {
  const [first, end] = await Promise.all([
    admin.listOffsets(partitions.map((one) => ({ ...one, at: 'earliest' as const }))),
    admin.listOffsets(partitions.map((one) => ({ ...one, at: 'latest' as const }))),
  ])
  return partitions.map(({ topic, partition }, index) => {
    const offset = Math.min(Math.max(asked, first[index]!.offset), end[index]!.offset)
    return { topic, partition, offset }
  })
}
