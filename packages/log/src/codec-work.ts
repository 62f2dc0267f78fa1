import type { Loop } from '@ottla/env'
import { codecOf } from '@ottla/protocol'
import { Gate } from './gate.ts'

/** The thread pool is the disks' too. */
export const THREADS_MAX = 4

/** Compression by other threads, for codecs that need them; the others' is done at once. */
export class CodecWork {
  readonly #loop: Pick<Loop, 'elsewhere'>
  readonly #gate = new Gate(THREADS_MAX)

  constructor(loop: Pick<Loop, 'elsewhere'>) {
    this.#loop = loop
  }

  /**
   * Runs `prepare` when a thread is free for all that it does: a batch that is decompressed may be a hundred times what its client sent, so
   * none waits for the next step while others take theirs.
   */
  run<T>(prepare: () => Promise<T>): Promise<T> {
    return this.#gate.run(prepare)
  }

  async compress(id: number, bytes: Buffer, level?: number): Promise<Buffer> {
    const codec = codecOf(id)
    const { threaded } = codec
    if (threaded === undefined) return codec.compress(bytes, level)
    return await this.#loop.elsewhere(
      () => codec.compress(bytes, level),
      () => threaded.compress(bytes, level),
    )
  }

  async decompress(id: number, bytes: Buffer, sizeMax: number): Promise<Buffer> {
    const codec = codecOf(id)
    const { threaded } = codec
    if (threaded === undefined) return codec.decompress(bytes, sizeMax)
    return await this.#loop.elsewhere(
      () => codec.decompress(bytes, sizeMax),
      () => threaded.decompress(bytes, sizeMax),
    )
  }
}
