/**
 * The features of a KRaft cluster and the levels whose records and files are understood here: up to those that Kafka 4.3 finalises. A level
 * that isn't may mean records and files of a kind that nobody here can read.
 */
const KNOWN: Readonly<Record<string, { readonly min: number; readonly max: number }>> = {
  'metadata.version': { min: 7, max: 30 },
  'kraft.version': { min: 0, max: 1 },
  'group.version': { min: 0, max: 1 },
  'transaction.version': { min: 0, max: 2 },
  'eligible.leader.replicas.version': { min: 0, max: 1 },
  'share.version': { min: 0, max: 1 },
  'streams.version': { min: 0, max: 1 },
}

/** Those of a cluster's own metadata, at whose highest levels Kafka 4.3 formats a new one; the quorum keeps its version itself (KIP-853). */
export const FINALISED = Object.entries(KNOWN).filter(([name]) => name !== 'kraft.version')

/** Throws with a sentence that names the first feature whose level isn't understood. */
export function checkFeatureLevels(features: ReadonlyMap<string, number>): void {
  for (const [name, level] of features) {
    const known = KNOWN[name]
    if (known === undefined)
      throw new Error(
        `the cluster has the feature ${name} at level ${level}, which Ottla does not have: lower it to 0 with kafka-features.sh`,
      )
    if (level < known.min || level > known.max) {
      throw new Error(
        `the cluster has the feature ${name} at level ${level}, and Ottla has the levels ${known.min} to ${known.max}: ` +
          `change it with kafka-features.sh`,
      )
    }
  }
}
