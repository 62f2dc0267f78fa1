import { EnvError, type Disk, type Env } from '@ottla/env'
import { readWhole, writeWhole } from './checkpoint.ts'

/** Whose log directory this is. */
export interface Identity {
  readonly brokerId: number
  /** Null: not known yet; the directory's own counts then. */
  readonly clusterId: string | null
}

/**
 * Reads `meta.properties` (formats §5) and compares it with who opens the directory; where there is none, writes one of version 0. Answers
 * the cluster's id, null if neither knows one. Throws where it is another broker's or another cluster's.
 */
export async function claimDirectory(env: Env, path: string, identity: Identity): Promise<string | null> {
  const file = `${path}/meta.properties`
  const bytes = await readWhole(env.disk, file)
  if (bytes === null) {
    await write(env, file, identity.brokerId, identity.clusterId)
    return identity.clusterId
  }
  const found = parseProperties(bytes.toString('utf8'))
  const version = found.get('version')
  const id = found.get(version === '1' ? 'node.id' : 'broker.id')
  const clusterId = found.get('cluster.id') ?? null
  if (version !== '0' && version !== '1') throw new EnvError('io', `${file}: version ${version ?? '(none)'}; versions 0 and 1 are known`)
  if (id !== undefined && Number(id) !== identity.brokerId) {
    throw new EnvError(
      'in-use',
      `${file}: this directory belongs to broker ${id}, not ${identity.brokerId}: set broker.id=${id}, or use another log.dirs`,
    )
  }
  if (clusterId !== null && identity.clusterId !== null && clusterId !== identity.clusterId) {
    throw new EnvError(
      'in-use',
      `${file}: this directory belongs to cluster ${clusterId}, not ${identity.clusterId}: connect to that one, or use another log.dirs`,
    )
  }
  if (clusterId === null && identity.clusterId !== null) await write(env, file, identity.brokerId, identity.clusterId)
  return clusterId ?? identity.clusterId
}

async function write(env: { readonly disk: Disk }, file: string, brokerId: number, clusterId: string | null): Promise<void> {
  const lines = [...(clusterId === null ? [] : [`cluster.id=${clusterId}`]), 'version=0', `broker.id=${brokerId}`]
  await writeWhole(env.disk, file, Buffer.from(`#\n${lines.join('\n')}\n`))
}

/** `key=value` lines of a Java properties file of plain values. */
function parseProperties(text: string): Map<string, string> {
  const properties = new Map<string, string>()
  for (const line of text.split(/\r?\n/)) {
    const equals = line.indexOf('=')
    if (line.startsWith('#') || equals < 0) continue
    properties.set(line.slice(0, equals).trim(), line.slice(equals + 1).trim())
  }
  return properties
}
