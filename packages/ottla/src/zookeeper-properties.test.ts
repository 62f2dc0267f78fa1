import assert from 'node:assert/strict'
import { test } from 'node:test'
import { loadZooKeeperConfig } from './zookeeper-properties.ts'

const load = (properties: Record<string, string>) => loadZooKeeperConfig(new Map(Object.entries(properties)), new Map())

test("ZooKeeper's defaults", () => {
  const { config, notes, warnings } = load({ dataDir: '/data' })
  assert.deepEqual(config, {
    dataDir: '/data',
    clients: {
      addresses: [{ host: '', port: 2181 }],
      tickMs: 3000,
      timeoutMsMin: 6000,
      timeoutMsMax: 60_000,
      connectionsPerHostMax: 60,
      requestBytesMax: 1_048_575,
      words: new Set(['srvr']),
      superDigest: null,
    },
  })
  assert.deepEqual([notes, warnings], [[], []])
})

test('each key acts, with the prefix of a system property too, and an override goes over the file', () => {
  const file = new Map(
    Object.entries({
      dataDir: '/data',
      clientPort: '0',
      clientPortAddress: '127.0.0.1',
      tickTime: '2000',
      maxClientCnxns: '0',
      minSessionTimeout: '100',
      maxSessionTimeout: '-1',
      'zookeeper.4lw.commands.whitelist': 'srvr, ruok',
      'jute.maxbuffer': '4194304',
      'zookeeper.DigestAuthenticationProvider.superDigest': 'super:x',
    }),
  )
  const { config } = loadZooKeeperConfig(file, new Map([['clientPort', '7']]))
  assert.deepEqual(config.clients, {
    addresses: [{ host: '127.0.0.1', port: 7 }],
    tickMs: 2000,
    timeoutMsMin: 100,
    timeoutMsMax: 40_000,
    connectionsPerHostMax: 0,
    requestBytesMax: 4_194_304,
    words: new Set(['srvr', 'ruok']),
    superDigest: 'super:x',
  })
})

test('what has no effect is noted, what is unknown is warned of with the nearest name', () => {
  const { notes, warnings } = load({ dataDir: '/data', 'admin.enableServer': 'false', tickTme: '1', colour: 'red' })
  assert.deepEqual(notes, ["admin.enableServer is ZooKeeper's and has no effect here"])
  assert.deepEqual(warnings, ['unknown key tickTme, without effect; did you mean tickTime?', 'unknown key colour, without effect'])
})

test('what must not be passed over is refused by name, and every impossible value is told', () => {
  const wrong = { 'server.1': 'a:2888:3888', secureClientPort: '2281', clientPort: '70000', minSessionTimeout: '9', maxSessionTimeout: '8' }
  assert.throws(() => load(wrong), {
    message: [
      'server.1: ensembles of keepers are not built yet; without such lines it runs alone',
      'secureClientPort: TLS for clients of ZooKeeper is not built yet',
      'dataDir: say where the data are',
      'minSessionTimeout=9 is above maxSessionTimeout=8',
      'clientPort=70000: a whole number from 0 to 65535 is wanted',
    ].join('\n'),
  })
})
