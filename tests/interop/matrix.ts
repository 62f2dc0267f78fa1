/** Which client produces what, and who consumes it. */
import type { Client, Codec } from './clients.ts'

/** One topic: written by one client with one codec, read by two groups of two others. */
export interface Pair {
  readonly topic: string
  readonly producer: Client
  readonly codec: Codec
  readonly idempotent: boolean
  /** Whether all lines go in, or every sixth. */
  readonly everyLine: boolean
  /** The first of a group reads the first half, the second resumes where it committed. */
  readonly groups: readonly (readonly [Client, Client])[]
}

/**
 * The pairs of each producer, in rounds. Consumers rotate, so that each reads from every producer and every codec, and resumes what another
 * has committed. Every second topic is produced with a producer id, where the client can.
 */
export function matrixOf(clients: readonly Client[]): Pair[][] {
  return clients.map((producer, round) => {
    const others = clients.filter((client) => client.consumes && client !== producer)
    return producer.codecs.map((codec, turn) => {
      const first = others[(2 * turn + round) % others.length]!
      const second = others[(2 * turn + round + 1) % others.length]!
      return {
        topic: `${producer.name}-${codec}`,
        producer,
        codec,
        idempotent: producer.idempotent && (turn + round) % 2 === 0,
        everyLine: turn === 0,
        groups: [
          [first, second],
          [second, first],
        ],
      }
    })
  })
}
