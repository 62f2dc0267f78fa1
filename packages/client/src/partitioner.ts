import type { Random } from '@ottla/env'
import type { TopicMetadata } from './metadata.ts'
import { murmur2 } from './murmur2.ts'

/** Chooses the partition of a record: `sizeBytes` is what it takes in a batch, about. */
export interface Partitioner {
  partition(topic: TopicMetadata, key: Uint8Array | null, sizeBytes: number): number
}

/** Where a key goes, as in Java's clients: the same key always to the same partition, while the count of partitions stays. */
export function partitionOfKey(key: Uint8Array, partitionCount: number): number {
  return (murmur2(key) & 0x7fffffff) % partitionCount
}

interface Stuck {
  partition: number
  bytes: number
}

/**
 * Keyed records by hash. Others stay with one partition until a batch's worth of bytes has gone there, then move to a random other
 * that has a leader (KIP-480, KIP-794).
 */
export class StickyPartitioner implements Partitioner {
  readonly #random: Random
  readonly #stickyBytes: number
  readonly #stuck = new Map<string, Stuck>()

  constructor(random: Random, stickyBytes: number) {
    this.#random = random
    this.#stickyBytes = stickyBytes
  }

  partition(topic: TopicMetadata, key: Uint8Array | null, sizeBytes: number): number {
    const count = topic.partitions.length
    if (key !== null) return partitionOfKey(key, count)
    let stuck = this.#stuck.get(topic.name)
    if (stuck === undefined) {
      stuck = { partition: this.#other(topic, -1), bytes: 0 }
      this.#stuck.set(topic.name, stuck)
    } else if (stuck.bytes >= this.#stickyBytes || stuck.partition >= count) {
      stuck.partition = this.#other(topic, stuck.partition)
      stuck.bytes = 0
    }
    stuck.bytes += sizeBytes
    return stuck.partition
  }

  #other(topic: TopicMetadata, last: number): number {
    const led = topic.partitions.filter((p) => p.leaderId >= 0 && p.partition !== last)
    if (led.length > 0) return led[this.#random.below(led.length)]!.partition
    return last >= 0 && last < topic.partitions.length ? last : this.#random.below(topic.partitions.length)
  }
}
