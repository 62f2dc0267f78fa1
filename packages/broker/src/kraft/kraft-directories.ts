import type { Entry, Env } from '@ottla/env'
import { listIfThere, writeWhole } from '@ottla/env/files'
import { METADATA_LOG, readWhole } from '@ottla/log'
import type { ZooKeeper } from '@ottla/zookeeper'
import type { BrokerConfig } from '../configs/broker-config.ts'
import { dataOf, putData } from '../znodes.ts'
import type { ControllerEndpoint } from './controller-endpoint.ts'
import type { Exported } from './export.ts'

/** The tree's word of which metadata it has taken over, or given back. */
const MARK = '/ottla/kraft'
/** The same beside the metadata, for the day on which the tree is lost: it must not be taken over again then, as it was long ago. */
const MARK_FILE = 'ottla.kraft.json'

/**
 * Where `log.dirs` come from a KRaft broker, makes the tree say what its metadata says (`take-over.ts`), unless it does so already; where
 * they do not, as nearly always, this is one look at each directory.
 */
export async function takeOverKraft(env: Env, zooKeeper: ZooKeeper, config: BrokerConfig): Promise<void> {
  const places = metadataPlaces(config)
  for (const path of places) {
    const metadataLog = `${path}/${METADATA_LOG}`
    const entries = await listIfThere(env.disk, metadataLog)
    // an export that was cut short leaves no metadata, and that is not an empty cluster's
    if (entries === null || !entries.some(({ name }) => /\.(log|checkpoint)$/.test(name))) continue
    if ((await dataOf(zooKeeper, MARK))?.equals(markOf(entries))) return
    const { takeOver } = await import('./take-over.ts')
    await takeOver(env, zooKeeper, { brokerId: config.brokerId, logDirs: places, metadataLog })
    await setMark(env, zooKeeper, path)
    return
  }
}

/** The way back: see `exportMetadata`. */
export async function exportKraft(
  env: Env,
  zooKeeper: ZooKeeper,
  config: BrokerConfig,
  controller: ControllerEndpoint | null,
): Promise<Exported> {
  const { exportMetadata } = await import('./export.ts')
  return exportMetadata(env, zooKeeper, config, controller)
}

/** Where a broker's metadata may lie: in any of `log.dirs`, or in a directory of its own. */
export function metadataPlaces({ logDirs, layers }: BrokerConfig): string[] {
  const own = layers.file.get('metadata.log.dir')?.trim()
  return own === undefined || own === '' || logDirs.includes(own) ? [...logDirs] : [...logDirs, own]
}

/** Whether the metadata in `path` is as it was when Ottla took it over, or gave it back: Kafka has not run since. */
export async function isTakenOver({ disk }: Env, path: string): Promise<boolean> {
  const mark = await readWhole(disk, `${path}/${MARK_FILE}`)
  return mark !== null && mark.equals(markOf(await disk.list(`${path}/${METADATA_LOG}`)))
}

/** The tree has what the metadata in `path` says. */
export async function setMark({ disk }: Env, zooKeeper: ZooKeeper, path: string): Promise<void> {
  const mark = markOf(await disk.list(`${path}/${METADATA_LOG}`))
  await writeWhole(disk, `${path}/${MARK_FILE}`, mark)
  await putData(zooKeeper, MARK, mark)
}

/** Kafka has run since where this is another one: a start alone writes several records. */
function markOf(entries: readonly Entry[]): Buffer {
  const newest = (suffix: string): Entry | undefined =>
    entries
      .filter(({ name }) => name.endsWith(suffix))
      .sort((a, b) => (a.name < b.name ? -1 : 1))
      .at(-1)
  const segment = newest('.log')
  const mark = {
    version: 1,
    checkpoint: newest('.checkpoint')?.name ?? null,
    segment: segment?.name ?? null,
    bytes: segment?.sizeBytes ?? 0,
  }
  return Buffer.from(JSON.stringify(mark))
}
