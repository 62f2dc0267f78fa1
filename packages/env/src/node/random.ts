import { randomFillSync, randomInt } from 'node:crypto'
import type { Random } from '../env.ts'

export class NodeRandom implements Random {
  bytes(count: number): Buffer {
    return randomFillSync(Buffer.allocUnsafe(count))
  }

  below(limit: number): number {
    return randomInt(limit)
  }
}
