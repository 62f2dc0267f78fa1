/** kcat (librdkafka in C) under the suite's contract; see ../javascript/contract.mjs. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { openSync } from 'node:fs'
import { buffer, text } from 'node:stream/consumers'
import { main, partitionOf, readRecords } from '../javascript/contract.mjs'

async function run(words, stdin) {
  const child = spawn('kcat', words, { stdio: [stdin, 'pipe', 'pipe'] })
  const [stdout, stderr, [status]] = await Promise.all([buffer(child.stdout), text(child.stderr), once(child, 'close')])
  return { stdout, stderr, status }
}

async function produce({ bootstrap, topic, codec, input, idempotent }, output) {
  const settings = ['acks=all', 'linger.ms=5', 'batch.size=8192', `enable.idempotence=${idempotent}`, 'topic.partitioner=consistent']
  const words = ['-P', '-b', bootstrap, '-t', topic, '-K', '\t', '-z', codec, '-vvv', ...settings.flatMap((setting) => ['-X', setting])]
  const { stderr, status } = await run(words, openSync(input, 'r'))
  // a delivery report names partition and offset, not the record: the partitioner says which record it is, for reports keep their order
  const linesOf = new Map()
  for (const [line, { key }] of readRecords(input).entries()) {
    const partition = partitionOf(key)
    if (!linesOf.has(partition)) linesOf.set(partition, [])
    linesOf.get(partition).push(line)
  }
  for (const [, partition, offset] of stderr.matchAll(/Message delivered to partition (\d+) \(offset (\d+)\)/g)) {
    output.acknowledged(linesOf.get(Number(partition)).shift(), Number(partition), Number(offset))
  }
  if (status !== 0) throw new Error(stderr.replace(/^.*delivered to partition.*\n/gm, ''))
}

async function consume({ bootstrap, topic, group, count, timeoutMs }, output) {
  const words = ['-G', group, '-b', bootstrap, '-c', String(count), '-q', '-f', '%p %o %K %S\n%k%s']
  const settings = ['-X', 'auto.offset.reset=earliest', '-X', 'fetch.wait.max.ms=100', topic]
  const child = run([...words, ...settings], 'ignore')
  // kcat has no timeout of its own
  const timer = setTimeout(() => process.exit(1), timeoutMs)
  const { stdout, stderr, status } = await child
  clearTimeout(timer)
  for (let at = 0; at < stdout.length;) {
    const headEnd = stdout.indexOf('\n', at)
    const [partition, offset, keyLength, valueLength] = stdout.toString('latin1', at, headEnd).split(' ').map(Number)
    const keyEnd = headEnd + 1 + Math.max(keyLength, 0)
    at = keyEnd + Math.max(valueLength, 0)
    const key = keyLength < 0 ? null : stdout.subarray(headEnd + 1, keyEnd)
    output.consumed(partition, offset, key, valueLength < 0 ? null : stdout.subarray(keyEnd, at))
  }
  if (status !== 0) throw new Error(stderr)
}

await main({ produce, consume })
