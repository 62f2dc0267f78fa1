/** @platformatic/kafka under the suite's contract; see ../javascript/contract.mjs. */
import { Consumer, Producer } from '@platformatic/kafka'
import { main, partitionOf, readRecords, within } from '../javascript/contract.mjs'

const BATCH_RECORDS = 100
const TIMEOUTS = { connectTimeout: 10_000, requestTimeout: 30_000 }

async function produce({ bootstrap, topic, codec, input, idempotent }, output) {
  const producer = new Producer({ clientId: 'interop-platformatic', bootstrapBrokers: [bootstrap], ...TIMEOUTS })
  const records = readRecords(input)
  for (let start = 0; start < records.length; start += BATCH_RECORDS) {
    const lines = new Map()
    const messages = records.slice(start, start + BATCH_RECORDS).map(({ key, value }, index) => {
      const partition = partitionOf(key)
      if (!lines.has(partition)) lines.set(partition, [])
      lines.get(partition).push(start + index)
      return { topic, key, value, partition }
    })
    // an idempotent producer sends acks=all by itself and refuses to be told
    const acks = idempotent ? { idempotent } : { acks: -1 }
    const { offsets } = await producer.send({ messages, compression: codec, ...acks })
    for (const { partition, offset } of offsets) {
      for (const [index, line] of lines.get(partition).entries()) output.acknowledged(line, partition, Number(offset) + index)
    }
  }
  await producer.close()
}

async function consume({ bootstrap, topic, group, count, timeoutMs }, output) {
  const consumer = new Consumer({
    clientId: 'interop-platformatic',
    groupId: group,
    bootstrapBrokers: [bootstrap],
    ...TIMEOUTS,
    autocommit: false,
    maxWaitTime: 100,
    maxBytesPerPartition: 65_536,
  })
  const next = new Map()
  const stream = await consumer.consume({ topics: [topic], mode: 'committed', fallbackMode: 'earliest' })
  const whole = async () => {
    for await (const { partition, offset, leaderEpoch, key, value } of stream) {
      output.consumed(partition, offset, key, value)
      next.set(partition, { topic, partition, offset: offset + 1n, leaderEpoch })
      if (output.count === count) return
    }
  }
  await within(timeoutMs, whole(), () => `${output.count} of ${count} records came`)
  await consumer.commit({ offsets: [...next.values()] })
  await consumer.close(true)
}

await main({ produce, consume })
