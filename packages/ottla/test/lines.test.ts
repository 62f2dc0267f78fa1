import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { lines } from '../src/commands/lines.ts'

async function* inChunks(chunks: readonly string[]): AsyncGenerator<Buffer> {
  for (const chunk of chunks) yield Buffer.from(chunk)
}

async function cut(...chunks: string[]): Promise<string[]> {
  const found: string[] = []
  for await (const batch of lines(inChunks(chunks))) found.push(...batch.map((line) => line.toString()))
  return found
}

test('CR stays, an empty line is a line, and a last one without LF counts', async () => {
  assert.deepEqual(await cut('a\r\nb\n\nlast'), ['a\r', 'b', '', 'last'])
  assert.deepEqual(await cut('a\n'), ['a'])
  assert.deepEqual(await cut(), [])
})

test('where chunks end makes no difference', async () => {
  const text = fc.string({ unit: fc.constantFrom('a', 'ä', '\r', '\n') })
  await fc.assert(
    fc.asyncProperty(fc.array(text), async (chunks) => {
      const whole = chunks.join('').split('\n')
      if (whole.at(-1) === '') whole.pop()
      assert.deepEqual(await cut(...chunks), whole)
    }),
  )
})
