/** What a recovery may cut depends on what an ack of the topic promised: its own configs count, not the broker's defaults. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { keyOf, valueOf } from '../long/ledger.ts'
import { LOG_DIRECTORY, Stage } from './stage.ts'

const TOPIC = 'of-its-own'
const RECORDS = 40
const FIRST_SEGMENT = `${LOG_DIRECTORY}/${TOPIC}-0/00000000000000000000.log`
/** In the records of the first batch. */
const POSITION = 70

for (const [broker, topic, isOffline] of [
  ['true', 'false', false],
  ['false', 'true', true],
] as const) {
  test(`a damaged record of a topic with flush.before.ack=${topic} on a broker with ${broker}`, async () => {
    const settings = { 'log.flush.before.ack': broker, 'log.flush.offset.checkpoint.interval.ms': '3600000' }
    const stage = new Stage(1, {}, settings)
    const client = stage.client('client')
    await stage.start()
    const configs = { 'segment.bytes': '2000', 'flush.before.ack': topic }
    await stage.complete(client.admin().createTopic({ name: TOPIC, partitions: 1, configs }))
    const records = Array.from({ length: RECORDS }, (_, at) => ({ topic: TOPIC, partition: 0, key: keyOf(0), value: valueOf(0, at) }))
    await stage.complete(client.producer({ acks: 1, batchSizeBytes: 500 }).sendMany(records))
    await stage.end('kill')
    assert.ok(stage.host.disk.paths().filter((path) => path.startsWith(`${LOG_DIRECTORY}/${TOPIC}-0/`) && path.endsWith('.log')).length > 1)
    stage.host.disk.flipBit(FIRST_SEGMENT, POSITION)
    await stage.start()
    const ends = stage.complete(client.admin().listOffsets([{ topic: TOPIC, partition: 0, at: 'latest' }]))
    if (isOffline) await assert.rejects(ends, /LEADER_NOT_AVAILABLE/)
    else assert.equal((await ends)[0]!.offset, 0)
    await stage.end('stop')
  })
}
