/**
 * Opens so many connections to a port, asks each for ApiVersions, then says `ready` and keeps them until its input ends: a part of a crowd,
 * as a process of its own, since the connections of all would be too many for one.
 */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

const [port, count] = process.argv.slice(2).map(Number) as [number, number]
const AT_ONCE = 200
const API_VERSIONS = Buffer.from('0000000a0012000000000000ffff', 'hex')

const sockets: Socket[] = []
while (sockets.length < count) {
  const batch = Array.from({ length: Math.min(AT_ONCE, count - sockets.length) }, () => connect({ port, host: '127.0.0.1' }))
  sockets.push(...batch)
  await Promise.all(
    batch.map(async (socket) => {
      await once(socket, 'connect')
      socket.write(API_VERSIONS)
      await once(socket, 'data')
      socket.on('error', () => {})
      socket.on('close', () => process.exit(1))
    }),
  )
}
console.log('ready')
process.stdin.on('end', () => process.exit(0)).resume()
