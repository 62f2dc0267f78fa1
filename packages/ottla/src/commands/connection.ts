import { createClient, type Client } from '@ottla/client'
import { nodeEnv } from '@ottla/env/node'
import { Command, CommanderError } from 'commander'
import { keptAlive } from './kept-alive.ts'

/** What every command that talks to a broker understands. */
export interface ConnectionOptions {
  readonly bootstrap: string
}

/** A person waits for an answer, so a broker that isn't there is told soon. */
const CONNECT_MS = 10_000
const BOOTSTRAP = process.env['OTTLA_BOOTSTRAP'] ?? '127.0.0.1:9092'

/** A command of `ottla` with its description, for `parse`. */
export function localCommand(name: string, description: string): Command {
  return new Command(name).description(description).showHelpAfterError().exitOverride()
}

/** One with the options of the connection too. */
export function clientCommand(name: string, description: string): Command {
  return localCommand(name, description).option('-b, --bootstrap <host:port,…>', 'brokers to start with (OTTLA_BOOTSTRAP)', BOOTSTRAP)
}

/** Gives `work` a client and closes it afterwards, whatever happens. */
export async function withClient<T>({ bootstrap }: ConnectionOptions, work: (client: Client) => Promise<T>): Promise<T> {
  const env = nodeEnv({ logLevel: 'error' })
  const client = createClient(env, { bootstrap, clientId: 'ottla-cli' })
  return await keptAlive(async () => {
    await client.cluster.retry(() => client.cluster.any(), CONNECT_MS)
    return await work(client)
  }).finally(() => client.close())
}

/** Runs a command of commander's with the words after its name, and answers the exit code: 2 for words that it doesn't understand. */
export async function parse(command: Command, words: readonly string[]): Promise<number> {
  try {
    await command.parseAsync(words, { from: 'user' })
    return 0
  } catch (error) {
    // commander has said it already, also where help was asked for
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
    throw error
  }
}
