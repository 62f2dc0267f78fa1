/** The table of acks that `topics describe` shows says of each class what the simulated lives hold the server to. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { acksTable } from '../../packages/ottla/src/commands/topics.ts'
import { classesOf } from './classes.ts'

test('`topics describe` says of each class of ack what it survives', () => {
  const seen = new Set<string>()
  for (const { name, configs, survives, producers } of classesOf(true)) {
    const table = acksTable((key) => configs[key] ?? null)
    for (const { options } of producers) {
      const words = table.find(({ acks }) => acks === String(options.acks))!['an acknowledged record survives']
      const says = words.startsWith('the loss of power') ? 'power' : words.startsWith('the end of the process') ? 'kill' : 'nothing'
      assert.equal(says, options.acks === 0 ? 'nothing' : survives.acked.at(-1), `${name}, acks ${options.acks}: '${words}'`)
      seen.add(`${options.acks} ${says}`)
    }
  }
  assert.deepEqual([...seen].toSorted(), ['0 nothing', '1 kill', '1 power', 'all kill', 'all power'])
})
