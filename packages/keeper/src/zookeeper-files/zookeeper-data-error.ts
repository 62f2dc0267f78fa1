/** ZooKeeper's files can't be taken over: the sentence says why, and what to do. */
export class ZooKeeperDataError extends Error {
  constructor(message: string, cause?: unknown) {
    super(message, { cause })
    this.name = 'ZooKeeperDataError'
  }
}
