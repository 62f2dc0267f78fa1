/** Runs seeds for a while. */

/** SIMULATION_SECONDS=600 looks longer. */
const BUDGET_MS = Number(process.env['SIMULATION_SECONDS'] ?? 0) * 1000

/**
 * Tries the seeds that once failed, then 1, 2, 3… for `budgetMs` of real time, and at least `countMin` of them, and on for as long
 * as `isWanting` says so. Answers how many there were; rejects with the first that fails, which is to be added to `kept` when its fault is mended.
 */
export async function trySeeds(
  kept: readonly number[],
  countMin: number,
  budgetMs: number,
  trial: (seed: number) => Promise<void>,
  isWanting: (seed: number) => boolean = () => false,
): Promise<number> {
  const endMs = performance.now() + Math.max(budgetMs, BUDGET_MS)
  let count = 0
  const one = async (seed: number): Promise<void> => {
    count++
    try {
      await trial(seed)
    } catch (error) {
      throw new Error(`seed ${seed}: ${(error as Error).message}`, { cause: error })
    }
  }
  for (const seed of kept) await one(seed)
  for (let seed = 1; seed <= countMin || performance.now() < endMs || isWanting(seed); seed++) await one(seed)
  return count
}
