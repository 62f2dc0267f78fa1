/** The middle value; of an even number, the mean of the two in the middle. NaN of none. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  const upper = sorted[middle] ?? Number.NaN
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2
}

/** From the smallest to the largest value, as a share of the median: how far runs lie apart. */
export function spread(values: readonly number[]): number {
  const middle = median(values)
  return middle === 0 || values.length === 0 ? 0 : (Math.max(...values) - Math.min(...values)) / Math.abs(middle)
}

/** Ottla's median over Kafka's; undefined where one of them was not measured. */
export function ratio(ottla: readonly number[], kafka: readonly number[]): number | undefined {
  const quotient = median(ottla) / median(kafka)
  return Number.isFinite(quotient) ? quotient : undefined
}
