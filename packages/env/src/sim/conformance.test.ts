import { clockConformance, diskConformance, netConformance, type Place } from '../conformance/index.ts'
import type { Faults } from './faults.ts'
import { World } from './world.ts'

/** Some minutes: a lossy network takes its time over ten megabytes. */
const LIMIT_MS = 600_000

function simulated(seed: number, faults: Partial<Faults>): () => Promise<Place> {
  return async () => {
    const world = new World(seed, faults)
    const host = world.host('here')
    await world.complete(host.disk.createDirectory('/data'), LIMIT_MS)
    return {
      env: host,
      directory: '/data',
      host: '127.0.0.1',
      run: (work) => world.complete(work(), LIMIT_MS),
      end: () => {},
    }
  }
}

const calm = simulated(1, {})
const rough = simulated(2, { latencyMs: 5, lossRate: 0.05, diskMs: 50, stallRate: 0.05 })
clockConformance('simulated', calm)
clockConformance('simulated, rough', rough)
diskConformance('simulated', calm)
diskConformance('simulated, rough', rough)
netConformance('simulated', calm)
netConformance('simulated, rough', rough)
