import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { latencyOf, throughputOf } from '../../bench/load.ts'
import { summaryOf, withSummary } from '../../bench/report.ts'
import { newestResult, type Result } from '../../bench/results.ts'
import { median, ratio, spread } from '../../bench/statistics.ts'

const path = (name: string): string => fileURLToPath(new URL(`../../${name}`, import.meta.url))

test("README's benchmark table is that of the newest result", () => {
  const readme = readFileSync(path('README.md'), 'utf8')
  assert.equal(withSummary(readme, summaryOf(newestResult(path('bench/results')))), readme, 'run `npm run bench -- --summary`')
})

test('a summary says medians, ratios and which targets are met', () => {
  const run = (contender: 'ottla' | 'kafka', value: number) => ({ contender, values: [value], busyCores: 0, loadAverage: 0 })
  const result: Result = {
    startedAt: '2026-01-02T03:04:05.000Z',
    minutes: 20,
    commit: '0123456789abcdef',
    changed: false,
    node: '24.0.0',
    realtime: true,
    machine: { processor: 'P', cores: 2, memoryGb: 8, kernel: '6.1', diskFreeGb: 50 },
    kafka: { version: '4.3.1', java: '17' },
    plan: { runs: 3, seconds: 2, quick: false },
    warnings: [],
    rows: [
      {
        name: 'row',
        title: 'a row',
        how: 'somehow',
        errors: [],
        figures: [
          {
            name: 'time',
            unit: 'ms',
            targets: [
              { of: 'ottla', bound: 'at most', value: 150 },
              { of: 'ratio', bound: 'at most', value: 1 / 10 },
            ],
          },
        ],
        runs: [run('ottla', 300), run('kafka', 1000), run('kafka', 1000), run('ottla', 100), run('ottla', 120), run('kafka', 1300)],
      },
    ],
  }
  assert.match(summaryOf(result), /\n\| a row \| time, ms \| 120 \| 1,000 \| 0\.12x \| ≤ 150, ≤ 0\.1x \| yes, no \|$/)
  assert.match(summaryOf(result), /commit 0123456789, /)
})

test('medians, spreads and ratios', () => {
  assert.equal(median([3, 1, 2]), 2)
  assert.equal(median([4, 1, 2, 3]), 2.5)
  assert.equal(spread([1, 2, 4]), 1.5)
  assert.equal(ratio([6], [2, 3, 4]), 2)
  assert.equal(ratio([6], []), undefined)
})

test('what the load generator prints is understood, and nothing else', () => {
  const produced =
    ' produce 1024B x 15/batch acks=1 conns=1 infl=5 parts=1: 3214 rec/s 3.3 MB/s 214 req/s | broker cpu 0.03 s = 0.005 s/GB, ' +
    '46.7 us/req | client cpu 0.12 s | p50 0.10 p99 0.20 p999 0.30 ms | rss 98'
  assert.deepEqual(throughputOf(produced), {
    megabytesPerSecond: 3.3,
    requestsPerSecond: 214,
    cpuSecondsPerGb: 0.005,
    cpuMicrosPerRequest: 46.7,
    clientCpuSeconds: 0.12,
  })
  const arrived =
    ' e2e 200B at 1000 msg/s (got 4000 of 4000, 999/s) acks=1 linger=0: p50 0.090 p99 0.130 p999 1.1 max 2.10 ms | ack p50 0.08 p99 0.1'
  assert.deepEqual(latencyOf(arrived), { p50Ms: 0.09, p99Ms: 0.13 })
  assert.throws(() => latencyOf(arrived.replace('got 4000', 'got 3999')), /1 of 4000 records/)
  assert.throws(() => throughputOf('kload: connect'), /there is no/)
})
