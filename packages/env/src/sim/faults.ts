/** How rough the world is. All may be changed while it runs. */
export interface Faults {
  /** On the way from host to host, each piece between half and one and a half of it. */
  latencyMs: number
  /** How many pieces are lost and sent again, 200 ms later. */
  lossRate: number
  /** How much a connection takes that its peer has not read. */
  windowBytes: number
  /** How long both ends of a cut connection wait for each other. */
  unreachableMs: number
  /** The longest that an operation of the disk takes off the loop. */
  diskMs: number
  /** How many writes to the page cache stop the whole loop for 5 to 55 ms, as they do while the kernel throttles. */
  stallRate: number
  /** How often a file is found gone from the page cache when looked at. */
  coldRate: number
  /** How many operations of the disk fail with `io`. */
  ioErrorRate: number
}

export const CALM: Faults = {
  latencyMs: 1,
  lossRate: 0,
  windowBytes: 65536,
  unreachableMs: 70_000,
  diskMs: 2,
  stallRate: 0,
  coldRate: 0,
  ioErrorRate: 0,
}
