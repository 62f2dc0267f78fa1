import { UsageError } from './usage-error.ts'
import { version } from './version.ts'

/** One command of `ottla`: its module exports `run`, which answers the exit code. */
export interface CommandRow {
  readonly summary: string
  readonly load: () => Promise<{ run(words: readonly string[]): Promise<number> }>
}

/** Every command, in the order in which help lists them. */
export const COMMANDS: Readonly<Record<string, CommandRow>> = {
  start: { summary: 'Starts a broker, with its embedded keeper or on a ZooKeeper', load: () => import('./commands/start.ts') },
  zookeeper: { summary: 'Starts a keeper alone: a ZooKeeper server', load: () => import('./commands/zookeeper.ts') },
  topics: { summary: 'Lists, creates, describes, alters and deletes topics', load: () => import('./commands/topics.ts') },
  groups: { summary: 'Lists, describes, resets and deletes consumer groups', load: () => import('./commands/groups.ts') },
  produce: { summary: 'Writes lines or JSON from a file or a pipe into a topic', load: () => import('./commands/produce.ts') },
  consume: { summary: 'Prints records of topics and follows them live', load: () => import('./commands/consume.ts') },
  log: { summary: 'Prints and checks the files of a partition', load: () => import('./commands/log.ts') },
  zk: { summary: 'Shows and changes the tree of a ZooKeeper or a keeper', load: () => import('./commands/zk.ts') },
  rebuild: { summary: "Makes the keeper's tree anew from the log directories", load: () => import('./commands/rebuild.ts') },
  import: { summary: 'Takes over what a stopped ZooKeeper knew', load: () => import('./commands/import.ts') },
  export: { summary: 'Hands the directories of a stopped broker over to Apache Kafka', load: () => import('./commands/export.ts') },
}

/** Runs a command and answers the exit code: 0 done, 1 failed, 2 not understood. */
export async function runCommand(commands: Readonly<Record<string, CommandRow>>, name: string, words: readonly string[]): Promise<number> {
  if (name === 'help' || name === '--help' || name === '-h') {
    if (Object.hasOwn(commands, words[0] ?? '')) return runCommand(commands, words[0]!, ['--help'])
    console.log(help(commands))
    return 0
  }
  if (name === '--version' || name === '-V') {
    console.log(version)
    return 0
  }
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined
  if (command === undefined) {
    console.error(`ottla: there is no command '${name}'\n\n${help(commands)}`)
    return 2
  }
  try {
    const { run } = await command.load()
    return await run(words)
  } catch (error) {
    console.error(`ottla ${name}: ${(error as Error).message}`)
    if (process.env['OTTLA_DEBUG'] !== undefined) console.error(error)
    return error instanceof UsageError || (error as { kind?: unknown }).kind === 'usage' ? 2 : 1
  }
}

function help(commands: Readonly<Record<string, CommandRow>>): string {
  const width = Math.max(...Object.keys(commands).map((name) => name.length))
  const lines = Object.entries(commands).map(([name, { summary }]) => `  ${name.padEnd(width)}  ${summary}`)
  return [
    `Ottla ${version}: a distributed log that speaks Kafka's protocol`,
    '',
    'Usage: ottla <command> [options]',
    '',
    ...lines,
    '',
    'ottla <command> --help tells the options.',
  ].join('\n')
}
