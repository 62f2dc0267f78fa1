/** kafkajs under the suite's contract; see ../javascript/contract.mjs. */
import kafkajs from 'kafkajs'
import snappy from 'kafkajs-snappy'
import lz4 from 'lz4-napi'
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import { main, PARTITIONS, readRecords, within } from '../javascript/contract.mjs'

const { CompressionCodecs, CompressionTypes, Kafka, Partitioners, logLevel } = kafkajs
const BATCH_RECORDS = 100

CompressionCodecs[CompressionTypes.Snappy] = snappy
CompressionCodecs[CompressionTypes.LZ4] = () => ({
  compress: (encoder) => lz4.compressFrame(encoder.buffer),
  decompress: (buffer) => lz4.decompressFrame(buffer),
})
CompressionCodecs[CompressionTypes.ZSTD] = () => ({
  compress: async (encoder) => zstdCompressSync(encoder.buffer),
  decompress: async (buffer) => zstdDecompressSync(buffer),
})
const CODECS = { none: 'None', gzip: 'GZIP', snappy: 'Snappy', lz4: 'LZ4', zstd: 'ZSTD' }

const connect = ({ bootstrap }) => new Kafka({ clientId: 'interop-kafkajs', brokers: [bootstrap], logLevel: logLevel.ERROR })

async function produce(options, output) {
  // kafkajs answers one base offset per partition: which record went where is noted as its partitioner is asked
  const lines = new Map()
  const createPartitioner = () => {
    const choose = Partitioners.DefaultPartitioner()
    return (question) => {
      const partition = choose(question)
      const chosen = lines.get(partition) ?? []
      chosen.push(question.message.line)
      lines.set(partition, chosen)
      return partition
    }
  }
  const producer = connect(options).producer({
    createPartitioner,
    idempotent: options.idempotent,
    maxInFlightRequests: options.idempotent ? 1 : 5,
  })
  await producer.connect()
  const records = readRecords(options.input)
  for (let start = 0; start < records.length; start += BATCH_RECORDS) {
    lines.clear()
    const messages = records.slice(start, start + BATCH_RECORDS).map(({ key, value }, index) => ({ key, value, line: start + index }))
    const answers = await producer.send({ topic: options.topic, acks: -1, compression: CompressionTypes[CODECS[options.codec]], messages })
    for (const { partition, errorCode, baseOffset } of answers) {
      if (errorCode !== 0) throw new Error(`partition ${partition}: error code ${errorCode}`)
      for (const [index, line] of lines.get(partition).entries()) output.acknowledged(line, partition, Number(baseOffset) + index)
    }
  }
  await producer.disconnect()
}

async function consume(options, output) {
  const { topic, group: groupId, count, timeoutMs } = options
  const consumer = connect(options).consumer({ groupId, maxWaitTimeInMs: 500 })
  const next = new Map()
  await consumer.connect()
  await consumer.subscribe({ topics: [topic], fromBeginning: true })
  const whole = new Promise((resolve, reject) => {
    consumer.on(consumer.events.CRASH, ({ payload }) => reject(payload.error))
    void consumer.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      async eachBatch({ batch, resolveOffset, heartbeat }) {
        for (const { offset, key, value } of batch.messages) {
          if (output.count === count) break
          output.consumed(batch.partition, offset, key, value)
          next.set(batch.partition, Number(offset) + 1)
          resolveOffset(offset)
        }
        await heartbeat()
        if (output.count === count) resolve()
      },
    })
  })
  await within(timeoutMs, whole, () => `${output.count} of ${count} records came`)
  await consumer.commitOffsets([...next].map(([partition, offset]) => ({ topic, partition, offset: String(offset) })))
  await consumer.disconnect()
}

/** Also creates topics, for the whole suite: `create --bootstrap host:port --topics a,b --configs key=value,…`. */
async function create(options) {
  const admin = connect(options).admin()
  await admin.connect()
  const configEntries = options.configs.split(',').map((pair) => ({ name: pair.split('=')[0], value: pair.split('=')[1] }))
  const topics = options.topics.split(',').map((topic) => ({ topic, numPartitions: PARTITIONS, replicationFactor: 1, configEntries }))
  await admin.createTopics({ topics, waitForLeaders: true })
  await admin.disconnect()
}

await main({ produce, consume, create })
