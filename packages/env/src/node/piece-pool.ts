/** Buffers of one size, used again: what of a file waits in a socket's queue lies in one of these. */
export class PiecePool {
  readonly pieceBytes: number
  readonly #free: Buffer[] = []
  readonly #freeCountMax: number

  constructor(pieceBytes: number, freeCountMax: number) {
    this.pieceBytes = pieceBytes
    this.#freeCountMax = freeCountMax
  }

  take(): Buffer {
    return this.#free.pop() ?? Buffer.allocUnsafeSlow(this.pieceBytes)
  }

  give(piece: Buffer): void {
    if (this.#free.length < this.#freeCountMax) this.#free.push(piece)
  }
}
