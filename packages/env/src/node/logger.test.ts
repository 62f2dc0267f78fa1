import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { NodeLogger, textOf } from './logger.ts'

test('a JSON object a line, from the level on; warnings at once, with all that waited', () => {
  const lines: string[] = []
  const log = new NodeLogger('info', { write: (line) => void lines.push(line) })
  log.debug('not this')
  log.info('started', { port: 9092 })
  log.warn('slow disk', { error: new Error('no luck') })
  log.error('bare')
  const objects = lines.map((line) => JSON.parse(line))
  assert.deepEqual(
    objects.map(({ level, message }) => `${level} ${message}`),
    ['info started', 'warn slow disk', 'error bare'],
  )
  assert.equal(objects[0].port, 9092)
  assert.equal(objects[1].error.message, 'no luck')
  assert(!Number.isNaN(Date.parse(objects[0].time)))
  for (const line of lines) assert(line.endsWith('}\n'))
})

test('what waits for the end of the start is not lost at exit', () => {
  const script = `
    import { nodeEnv } from ${JSON.stringify(new URL('./index.ts', import.meta.url).href)}
    nodeEnv().log.info('short life')`
  const { stderr, status } = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' })
  assert.equal(status, 0, stderr)
  assert.equal(JSON.parse(stderr).message, 'short life')
})

test('text is one line with its facts', () => {
  const facts = { port: 9092, host: 'a b', topic: 'orders', error: new Error('no "luck"\nat all'), nothing: null }
  assert.equal(
    textOf({ level: 'warn', message: 'Two\nlines', facts, timeMs: 0 }),
    '1970-01-01T00:00:00.000Z WARN  Two\\nlines port=9092 host="a b" topic=orders error="no \\"luck\\"\\nat all" nothing=null\n',
  )
})
