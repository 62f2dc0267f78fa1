const LF = 10

/** Cuts a stream of bytes into lines: the bytes between two LF, CR kept. A last line without LF counts where it has bytes. */
export async function* lines(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer[]> {
  let rest: Buffer[] = []
  for await (const chunk of chunks) {
    const batch: Buffer[] = []
    let from = 0
    for (let at = chunk.indexOf(LF); at >= 0; at = chunk.indexOf(LF, from)) {
      const part = chunk.subarray(from, at)
      batch.push(rest.length === 0 ? part : Buffer.concat([...rest, part]))
      rest = []
      from = at + 1
    }
    if (from < chunk.length) rest.push(chunk.subarray(from))
    if (batch.length > 0) yield batch
  }
  if (rest.length > 0) yield [Buffer.concat(rest)]
}
