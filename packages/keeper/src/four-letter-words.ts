import type { PortContext } from './client-port.ts'
import type { ClientSocket } from './client-socket.ts'

/** What kazoo, Curator and scripts read: the protocol's version, and that it is not ZooKeeper itself. */
const VERSION = '3.9.4-ottla, built on 2026-11-25 00:00 UTC'

/** What each word is answered with (protocol.md 12). */
const WORDS: Readonly<Record<string, (context: PortContext) => string>> = {
  ruok: () => 'imok',
  isro: () => 'rw',
  srvr: (context) => serverLines(context),
  stat: (context) => `${versionLine()}Clients:\n${clientLines(context)}\n${serverLines(context, '')}`,
  cons: (context) => `${clientLines(context, true)}\n`,
  mntr: (context) => monitorLines(context),
  conf: (context) => configLines(context),
  envi: () => environmentLines(),
  dump: (context) => sessionLines(context),
  wchs: ({ server }) => {
    const { connectionCount, pathCount, watchCount } = server.watches.summary()
    return `${connectionCount} connections watching ${pathCount} paths\nTotal watches:${watchCount}\n`
  },
  wchc: (context) => `${watchesBySession(context)}\n`,
  wchp: (context) => `${watchesByPath(context)}\n`,
  // what ZooKeeper traces unless told: nothing here
  gtmk: () => '306',
  srst: ({ traffic }) => {
    traffic.reset()
    return 'Server stats reset.\n'
  },
  crst: ({ sockets }) => {
    for (const socket of sockets) socket.traffic.reset()
    return 'Connection stats reset.\n'
  },
}

/** The text that goes back, then the connection is closed; null where it is no word. */
export function answerWord(word: string, context: PortContext): string | null {
  const answer = WORDS[word]
  if (answer === undefined) return null
  if (context.words.has('*') || context.words.has(word)) return answer(context)
  return `${word} is not executed because it is not in the whitelist.\n`
}

function versionLine(): string {
  return `Zookeeper version: ${VERSION}\n`
}

function serverLines({ server, sockets, traffic }: PortContext, version = versionLine()): string {
  const { latencyMsMin, latencyMsMean, latencyMsMax } = traffic
  const latencies = [Math.floor(latencyMsMin), round(latencyMsMean), Math.floor(latencyMsMax)].join('/')
  return lines([
    `${version}Latency min/avg/max: ${latencies}`,
    `Received: ${traffic.receivedCount}`,
    `Sent: ${traffic.sentCount}`,
    `Connections: ${sockets.size}`,
    `Outstanding: ${server.outstandingCount}`,
    `Zxid: 0x${server.tree.lastZxid.toString(16)}`,
    `Mode: standalone`,
    `Node count: ${server.tree.nodeCount + 1}`,
  ])
}

function clientLines({ sockets, clock }: PortContext, inDetail = false): string {
  let text = ''
  for (const socket of sockets) {
    const { remote, traffic, unansweredCount, sessionId } = socket
    const counts = `queued=${unansweredCount},recved=${traffic.receivedCount},sent=${traffic.sentCount}`
    const session = sessionId === 0n || !inDetail ? '' : `,${sessionDetail(socket, clock.now())}`
    text += ` /${remote.host}:${remote.port}[${sessionId === 0n ? 0 : 1}](${counts}${session})\n`
  }
  return text
}

function sessionDetail({ sessionId, timeoutMs, traffic, last }: ClientSocket, nowMs: number): string {
  const { latencyMsMin, latencyMsMean, latencyMsMax } = traffic
  return [
    `sid=${hex(sessionId)},lop=${last.operation},est=${last.establishedMs},to=${timeoutMs}`,
    `lcxid=${hex(BigInt(last.xid))},lzxid=${hex(BigInt(last.zxid))}`,
    `lresp=${last.answeredMs || nowMs},llat=${Math.floor(last.latencyMs)}`,
    `minlat=${Math.floor(latencyMsMin)},avglat=${Math.floor(latencyMsMean)},maxlat=${Math.floor(latencyMsMax)}`,
  ].join(',')
}

function monitorLines({ server, sockets, traffic, clock, startedMs }: PortContext): string {
  const { tree, watches } = server
  let ephemerals = 0
  for (const sessionId of tree.sessions.keys()) ephemerals += tree.ephemeralsOf(sessionId).size
  const values = {
    version: VERSION,
    server_state: 'standalone',
    znode_count: tree.nodeCount + 1,
    watch_count: watches.summary().watchCount,
    ephemerals_count: ephemerals,
    global_sessions: tree.sessions.size,
    num_alive_connections: sockets.size,
    outstanding_requests: server.outstandingCount,
    packets_received: traffic.receivedCount,
    packets_sent: traffic.sentCount,
    min_latency: Math.floor(traffic.latencyMsMin),
    avg_latency: round(traffic.latencyMsMean),
    max_latency: Math.floor(traffic.latencyMsMax),
    uptime: Math.floor(clock.monotonic() - startedMs),
  }
  return lines(Object.entries(values).map(([name, value]) => `zk_${name}\t${value}`))
}

function configLines({ addresses, connectionsPerHostMax, sessions, directory }: PortContext): string {
  const { tickMs, timeoutMsMin, timeoutMsMax } = sessions.times
  return lines([
    `clientPort=${addresses[0]?.port ?? 0}`,
    'secureClientPort=-1',
    `dataDir=${directory}`,
    `tickTime=${tickMs}`,
    `maxClientCnxns=${connectionsPerHostMax}`,
    `minSessionTimeout=${timeoutMsMin}`,
    `maxSessionTimeout=${timeoutMsMax}`,
    'serverId=0',
  ])
}

function environmentLines(): string {
  const { platform, arch, version } = process
  return lines(['Environment:', `zookeeper.version=${VERSION}`, `os.name=${platform}`, `os.arch=${arch}`, `node.version=${version}`])
}

function sessionLines({ server: { tree } }: PortContext): string {
  const owners = [...tree.sessions.keys()].filter((sessionId) => tree.ephemeralsOf(sessionId).size > 0)
  return lines([
    'SessionTracker dump:',
    `Global Sessions(${tree.sessions.size}):`,
    ...[...tree.sessions].map(([sessionId, timeoutMs]) => `${hex(sessionId)}\t${timeoutMs}ms`),
    'ephemeral nodes dump:',
    `Sessions with Ephemerals (${owners.length}):`,
    ...owners.flatMap((sessionId) => [`${hex(sessionId)}:`, ...[...tree.ephemeralsOf(sessionId)].map((path) => `\t${path}`)]),
  ])
}

function watchesBySession({ sockets, server }: PortContext): string {
  return lines(
    [...sockets].flatMap((socket) => {
      const paths = socket.session === null ? [] : server.watches.pathsOf(socket.session)
      return paths.length === 0 ? [] : [hex(socket.sessionId), ...paths.map((path) => `\t${path}`)]
    }),
  )
}

function watchesByPath({ sockets, server }: PortContext): string {
  const sessionsByPath = new Map<string, string[]>()
  for (const { session } of sockets) {
    if (session === null) continue
    for (const path of server.watches.pathsOf(session)) {
      const watching = sessionsByPath.get(path) ?? []
      sessionsByPath.set(path, [...watching, `\t${hex(session.sessionId)}`])
    }
  }
  return lines([...sessionsByPath].flatMap(([path, watching]) => [path, ...watching]))
}

function lines(all: readonly string[]): string {
  return all.length === 0 ? '' : `${all.join('\n')}\n`
}

function hex(sessionId: bigint): string {
  return `0x${BigInt.asUintN(64, sessionId).toString(16)}`
}

function round(value: number): number {
  return Math.round(value * 10_000) / 10_000
}
