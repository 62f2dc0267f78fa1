/** What the run says: a line per check, and the counts at its end. */
const counts = { passed: 0, failed: 0, skipped: 0 }
const inCI = process.env['CI'] !== undefined

export function passed(what: string): void {
  counts.passed++
  console.log(`ok    ${what}`)
}

export function failed(what: string, error: unknown): void {
  counts.failed++
  console.log(`FAIL  ${what}: ${(error as Error).message}`)
}

/** What this machine can't have is skipped, with the reason; in CI that is a failure. */
export function skipped(what: string, why: string): void {
  if (inCI) return failed(what, new Error(`in CI nothing is skipped: ${why}`))
  counts.skipped++
  console.log(`skip  ${what}: ${why}`)
}

/** Prints the counts; answers the exit code. */
export function closingLine(): number {
  console.log(`${counts.passed} passed, ${counts.failed} failed${counts.skipped > 0 ? `, ${counts.skipped} skipped` : ''}`)
  return counts.failed === 0 ? 0 : 1
}
