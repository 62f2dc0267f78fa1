import { writeWhole } from '@ottla/env/files'
import { EnvError, type Disk, type Env } from '@ottla/env'
import { readWhole } from './checkpoint.ts'

/** Whose log directory this is. */
export interface Identity {
  readonly brokerId: number
  /** Null: not known yet; the directory's own counts then. */
  readonly clusterId: string | null
}

/** A log directory's `meta.properties` (formats §5): version 0 of a ZooKeeper-mode broker, 1 of a KRaft one. Null: the file doesn't say. */
export interface MetaProperties {
  readonly version: 0 | 1
  readonly brokerId: number | null
  readonly clusterId: string | null
  /** Of version 1: which of the broker's directories it is (KIP-858). */
  readonly directoryId: string | null
}

/** What the log directory `path` says of itself; null where it says nothing yet. */
export async function readMetaProperties(disk: Disk, path: string): Promise<MetaProperties | null> {
  const file = fileOf(path)
  const bytes = await readWhole(disk, file)
  if (bytes === null) return null
  const found = parseProperties(bytes.toString('utf8'))
  const version = found.get('version')
  if (version !== '0' && version !== '1') throw new EnvError('io', `${file}: version ${version ?? '(none)'}; versions 0 and 1 are known`)
  const id = found.get(version === '1' ? 'node.id' : 'broker.id')
  return {
    version: version === '1' ? 1 : 0,
    brokerId: id === undefined ? null : Number(id),
    clusterId: found.get('cluster.id') ?? null,
    directoryId: found.get('directory.id') ?? null,
  }
}

/** Writes it, whole and durably. */
export async function writeMetaProperties(disk: Disk, path: string, properties: MetaProperties): Promise<void> {
  const { version, brokerId, clusterId, directoryId } = properties
  const lines: string[] = []
  if (clusterId !== null) lines.push(`cluster.id=${clusterId}`)
  lines.push(`version=${version}`)
  if (brokerId !== null) lines.push(`${version === 1 ? 'node.id' : 'broker.id'}=${brokerId}`)
  if (version === 1 && directoryId !== null) lines.push(`directory.id=${directoryId}`)
  await writeWhole(disk, fileOf(path), Buffer.from(`#\n${lines.join('\n')}\n`))
}

/**
 * Compares `meta.properties` with who opens the directory, and leaves it at its version; where there is none, writes one of version 0.
 * Answers the cluster's id, null if neither knows one. Throws where it is another broker's or another cluster's.
 */
export async function claimDirectory(env: Env, path: string, identity: Identity): Promise<string | null> {
  const found = await readMetaProperties(env.disk, path)
  if (found === null) {
    await writeMetaProperties(env.disk, path, { version: 0, ...identity, directoryId: null })
    return identity.clusterId
  }
  const { brokerId, clusterId } = found
  if (brokerId !== null && brokerId !== identity.brokerId) {
    throw new EnvError(
      'in-use',
      `${fileOf(path)}: this directory belongs to broker ${brokerId}, not ${identity.brokerId}: set broker.id=${brokerId}, or use another log.dirs`,
    )
  }
  if (clusterId !== null && identity.clusterId !== null && clusterId !== identity.clusterId) {
    throw new EnvError(
      'in-use',
      `${fileOf(path)}: this directory belongs to cluster ${clusterId}, not ${identity.clusterId}: connect to that one, or use another log.dirs`,
    )
  }
  if (clusterId === null && identity.clusterId !== null) await writeMetaProperties(env.disk, path, { ...found, ...identity })
  return clusterId ?? identity.clusterId
}

const fileOf = (path: string): string => `${path}/meta.properties`

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
