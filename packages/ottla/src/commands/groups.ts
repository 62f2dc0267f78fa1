import type { Admin, OffsetSpec, TopicPartition } from '@ottla/client'
import { clientCommand, parse, withClient, type ConnectionOptions } from './connection.ts'
import { place, type Place } from './option-values.ts'
import { show } from './output.ts'
import { nearestOffsets, partitionsOf } from './partitions.ts'

interface Options extends ConnectionOptions {
  readonly json: boolean
}
interface ResetOptions extends Options {
  readonly topic: string
  readonly to: Place
}

/** `ottla groups …` */
export function run(words: readonly string[]): Promise<number> {
  const groups = clientCommand('ottla groups', 'Lists, describes, resets and deletes consumer groups').option(
    '--json',
    'a JSON object a line',
    false,
  )
  const act = (work: (admin: Admin, options: Options) => Promise<void>): Promise<void> => {
    const options = groups.opts<Options>()
    return withClient(options, (client) => work(client.admin(), options))
  }
  groups
    .command('list')
    .description('all groups')
    .action(() => act(list))
  groups
    .command('describe <group>')
    .description('members, committed offsets and lag')
    .action((group: string) => act((admin, options) => describe(admin, group, options)))
  groups
    .command('reset <group>')
    .description('sets the committed offsets of a group without members')
    .requiredOption('-t, --topic <topic>', 'of this topic')
    .requiredOption('--to <where>', 'earliest, latest, an offset, or a time such as 2026-11-25T10:00:00Z', place)
    .action((group: string, options: ResetOptions) => act((admin) => reset(admin, group, options)))
  groups
    .command('delete <group>')
    .description('a group without members, with its offsets')
    .action((group: string) =>
      act(async (admin) => {
        await admin.deleteGroup(group)
        console.log(`Deleted '${group}'.`)
      }),
    )
  return parse(groups, words)
}

async function list(admin: Admin, { json }: Options): Promise<void> {
  const rows = (await admin.listGroups()).map(({ groupId, state, protocolType }) => ({ group: groupId, state, protocol: protocolType }))
  show(
    rows.sort((a, b) => (a.group < b.group ? -1 : 1)),
    json,
    'There are no groups.',
  )
}

async function describe(admin: Admin, groupId: string, { json }: Options): Promise<void> {
  const [[group], committed] = await Promise.all([admin.describeGroups([groupId]), admin.listGroupOffsets(groupId)])
  if (group === undefined || (group.state === 'Dead' && committed.length === 0))
    throw new Error(`there is no group '${groupId}'; ottla groups list tells which there are`)
  const ends = await admin.listOffsets(committed.map(({ topic, partition }) => ({ topic, partition, at: 'latest' as const })))
  const owner = ({ topic, partition }: TopicPartition): string | null =>
    group.members.find((member) => member.assignment.some((one) => one.topic === topic && one.partition === partition))?.memberId ?? null
  const rows = committed.map(({ topic, partition, offset }, index) => {
    const end = ends[index]?.offset ?? null
    return {
      topic,
      partition,
      committed: offset,
      end,
      lag: end === null ? null : Math.max(0, end - offset),
      member: owner({ topic, partition }),
    }
  })
  if (!json)
    console.log(`Group ${groupId}: ${group.state}, ${group.members.length} member(s)${group.protocol === '' ? '' : `, ${group.protocol}`}`)
  show(
    rows.sort((a, b) => (a.topic === b.topic ? a.partition - b.partition : a.topic < b.topic ? -1 : 1)),
    json,
    'It has committed nothing.',
  )
}

async function reset(admin: Admin, groupId: string, { topic, to }: ResetOptions): Promise<void> {
  const partitions = await partitionsOf(admin, [topic])
  const isOffset = typeof to === 'object'
  const offsets = isOffset ? await nearestOffsets(admin, partitions, to.offset) : await offsetsAt(admin, partitions, to)
  await admin.alterGroupOffsets(groupId, offsets)
  for (const { partition, offset } of offsets) {
    const instead = isOffset && offset !== to.offset ? `, for it has no offset ${to.offset}` : ''
    console.log(`${topic}-${partition} at ${offset}${instead}`)
  }
}

/** A time after the last record means the end. */
async function offsetsAt(
  admin: Admin,
  partitions: readonly TopicPartition[],
  at: OffsetSpec,
): Promise<(TopicPartition & { offset: number })[]> {
  const [found, ends] = await Promise.all([
    admin.listOffsets(partitions.map((one) => ({ ...one, at }))),
    admin.listOffsets(partitions.map((one) => ({ ...one, at: 'latest' as const }))),
  ])
  return found.map(({ topic, partition, offset }, index) => ({ topic, partition, offset: offset < 0 ? ends[index]!.offset : offset }))
}
