import { nodeEnv } from '@ottla/env/node'
import { rebuild, type Rebuilt } from '../rebuild.ts'
import { UsageError } from '../usage-error.ts'
import { parse } from './connection.ts'
import { keptAlive } from './kept-alive.ts'
import { gather, keyAndValue } from './option-values.ts'
import { table } from './output.ts'
import { serverCommand, type ServerOptions } from './server-command.ts'
import { serverConfig } from './server-properties.ts'

interface Options extends ServerOptions {
  readonly config: readonly string[]
  readonly makeMissing: boolean
  readonly brokerDefaults: boolean
  readonly fromKeeper: boolean
  readonly yes: boolean
}

/** `ottla rebuild`: a new tree for a stopped broker's logs, where the keeper's is lost or damaged. */
export function run(words: readonly string[]): Promise<number> {
  let exitCode = 0
  const command = serverCommand(
    'ottla rebuild',
    "Makes the keeper's tree anew from the log directories of a stopped broker; shows what it would write, and writes with --yes",
  )
    .option('--from-keeper', 'what can be read of the old tree counts too: configurations, quotas, users', false)
    .option('--config <topic:key=value>', 'a configuration of a topic; may be repeated', gather, [])
    .option('--broker-defaults', 'topics whose configurations are lost had none; else nothing of theirs is deleted meanwhile', false)
    .option('--make-missing', 'partitions without a directory are made, empty', false)
    .option('--yes', 'write; the old directory of the keeper is moved aside', false)
    .action(async (file: string | undefined, options: Options) => {
      if (!(await act(file, options))) exitCode = 1
    })
  return parse(command, words).then((code) => code || exitCode)
}

/** False where something must be settled first. */
async function act(file: string | undefined, options: Options): Promise<boolean> {
  const configs = topicConfigs(options.config)
  const { config } = serverConfig(file, options.override)
  const env = nodeEnv({ logLevel: 'error' })
  const rebuilt = await keptAlive(() => rebuild(env, config, { ...options, configs, write: options.yes }))
  tell(config.keeperDir, rebuilt, options)
  return rebuilt.plan.problems.length === 0
}

function topicConfigs(texts: readonly string[]): Map<string, Map<string, string>> {
  const configs = new Map<string, Map<string, string>>()
  for (const text of texts) {
    const colon = text.indexOf(':')
    if (colon < 1) throw new UsageError(`--config wants topic:key=value, not '${text}'`)
    const topic = text.slice(0, colon)
    configs.set(topic, (configs.get(topic) ?? new Map<string, string>()).set(...keyAndValue(text.slice(colon + 1))))
  }
  return configs
}

const CONFIGS_FROM = { tree: 'from the old tree', internal: "the brokers' own", given: 'given', lost: 'lost' } as const

function tell(keeperDir: string, { plan, old, written, aside, earlier }: Rebuilt, { fromKeeper }: Options): void {
  const rows = plan.topics.map(({ name, id, leaderEpochs, missing, overrides, configsFrom }) => ({
    topic: name,
    id,
    partitions: leaderEpochs.length,
    missing: missing.length,
    epoch: leaderEpochs.reduce((a, b) => Math.max(a, b), 0),
    configurations: `${CONFIGS_FROM[configsFrom]}${[...overrides].map(([key, value]) => ` ${key}=${value}`).join('')}`,
  }))
  console.log(`Cluster ${plan.clusterId}, broker ${plan.brokerId}; producer ids go on from ${plan.nextProducerId}.`)
  console.log(rows.length === 0 ? 'There are no topics.' : table(rows))
  for (const note of [...oldTree(keeperDir, old, fromKeeper), ...plan.notes]) console.log(`- ${note}`)
  if (old === null && earlier.length > 0)
    console.log(
      `- ${earlier.join(', ')}: moved aside by a rebuild, which may have been cut short; what can be read in one counts where it is moved back`,
    )
  for (const problem of plan.problems) console.error(`To be settled first: ${problem}`)
  if (plan.problems.length > 0) console.error('Nothing was written.')
  else if (!written) console.log(`Nothing was written: with --yes this is the tree in ${keeperDir}.`)
  else
    console.log(`Wrote the tree in ${keeperDir}${aside === null ? '' : `; what was there is in ${aside}, to be removed when all is well`}.`)
}

function oldTree(keeperDir: string, old: Rebuilt['old'], fromKeeper: boolean): string[] {
  if (old === null) return [`${keeperDir} holds no tree`]
  const hex = (zxid: number): string => `0x${zxid.toString(16)}`
  const { damage, lastZxid, lostZxid } = old
  if (damage === null)
    return fromKeeper
      ? [`the tree in ${keeperDir} is whole, to transaction ${hex(lastZxid)}`]
      : [`${keeperDir} holds another cluster's tree`]
  const lost = lostZxid === null ? 'none is seen behind' : `those after it, to ${hex(lostZxid)} at least, are lost`
  const way = fromKeeper ? '' : '; --from-keeper takes configurations, quotas and users from it'
  return [`${damage}; transactions can be read to ${hex(lastZxid)}, ${lost}${way}`]
}
