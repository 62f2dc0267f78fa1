/** Throws with a sentence where the partition does not lie on broker `brokerId` alone: others may have records of it that are not here. */
export function mustLieHereAlone(partition: string, replicas: readonly number[], brokerId: number): void {
  if (replicas.length === 1 && replicas[0] === brokerId) return
  throw new Error(
    `${partition} lies on the brokers ${replicas.join(', ')}: a directory can be taken over whose partitions all lie on ` +
      `broker ${brokerId} alone; move them there with kafka-reassign-partitions.sh`,
  )
}
