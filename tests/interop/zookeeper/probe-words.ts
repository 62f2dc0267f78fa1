/** Four-letter words: their lines, without what no two runs share. */
import { type Probe } from './probe-session.ts'
import { RawClient } from './raw-client.ts'

const WORDS = 'ruok isro srvr stat cons mntr conf envi dump wchs wchc wchp srst crst gtmk'.split(' ')
/** Ours are fewer: of these only the lines with these names count. */
const SHARED_METRICS =
  'version|server_state|znode_count|watch_count|ephemerals_count|global_sessions|num_alive_connections|outstanding_requests|' +
  'packets_received|packets_sent|min_latency|avg_latency|max_latency|uptime'
const SHARED_KEYS =
  'clientPort=|secureClientPort=|dataDir=|tickTime|maxClientCnxns|minSessionTimeout|maxSessionTimeout|serverId|' +
  'Environment|zookeeper.version|os.name|os.arch'
const SHARED = new RegExp(`^(?:zk_(?:${SHARED_METRICS})\t|${SHARED_KEYS})`)
const FILTERED = new Set(['mntr', 'conf', 'envi'])
/** Their lines come in any order. */
const UNORDERED = new Set([...FILTERED, 'stat', 'cons', 'wchc', 'wchp'])

async function word(probe: Probe, text: string): Promise<string> {
  const raw = await RawClient.open(probe.port)
  raw.sendBytes(Buffer.from(text))
  return raw.toTheEnd()
}

export async function wordScenes(probe: Probe): Promise<void> {
  await probe.scene('words', async (client, root) => {
    await client.create(`${root}/e`, { flags: 1 })
    await client.getData(`${root}/e`, true)
    await client.addWatch(root, 1)
    for (const text of WORDS) {
      const answer = await word(probe, text)
      const part = text === 'dump' ? /^ephemeral[^]*?\n(?=Connections dump|$(?!\n))/m.exec(answer)![0] : answer
      const lines = part.split('\n').filter((line) => !FILTERED.has(text) || SHARED.test(line))
      const told = lines.map((line) => normalised(line, probe, client.hello.sessionId!))
      probe.say(`word ${text} ->\n${(UNORDERED.has(text) ? told.sort() : told).map((line) => `  ${line}`).join('\n')}`)
    }
    for (const text of ['abcd', 'RUOK', 'GET ', 'ruok\n'])
      probe.say(`word ${JSON.stringify(text)} -> ${JSON.stringify(await word(probe, text))}`)
  })
}

/** Sessions by their names here; numbers, versions and addresses that differ from run to run. */
function normalised(line: string, probe: Probe, sessionId: bigint): string {
  return line
    .replaceAll(`0x${BigInt.asUintN(64, sessionId).toString(16)}`, probe.sessionName(sessionId))
    .replace(/(version[:=\t] ?3\.9)[^,]*(, built on .*)?$/, '$1…')
    .replace(/(\/127\.0\.0\.1):\d+/, '$1:port')
    .replace(/^(zk_(?:packets_\w+|\w+_latency|uptime|\w+_file_descriptor_count|znode_count|approximate_data_size))\t[\d.]+$/, '$1\t…')
    .replace(/^(Received|Sent|Node count|Zxid|Latency min\/avg\/max): .*$/, '$1: …')
    .replace(/^(clientPort|dataDir|zookeeper\.version|os\.\w+)=.*$/, '$1=…')
    .replace(/(recved|sent|est|lcxid|lzxid|lresp|llat|minlat|avglat|maxlat)=[\w-]+/g, '$1=…')
    .replace(/^expire at .*$/, 'expire at …')
}
