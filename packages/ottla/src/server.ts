import type { Address, Env } from '@ottla/env'
import { Broker, openZooKeeper, refuseWithoutTree, type BrokerConfig } from '@ottla/broker'
import { hasTree, LogError, openKeeper, type ClientServing, type Keeper } from '@ottla/keeper'

/** A broker in this process, and its embedded keeper, if it has one. */
export interface Server {
  readonly broker: Broker
  /** Where it listens, in the order of `listeners`. */
  readonly addresses: readonly Address[]
  /** Where its keeper serves clients of ZooKeeper, if it does. */
  readonly keeperAddress: Address | undefined
  /** Ends in order: connections, groups, logs, keeper. What was acknowledged is on the disk then. */
  stop(): Promise<void>
}

/** Opens the tree, here or elsewhere, then the broker on it. Rejects with a sentence for the operator; nothing stays open then. */
export function startServer(env: Env, config: BrokerConfig): Promise<Server> {
  return config.zookeeperConnect ? startOnZooKeeper(env, config) : startWithKeeper(env, config)
}

async function startOnZooKeeper(env: Env, config: BrokerConfig): Promise<Server> {
  const zooKeeper = await openZooKeeper(env, config)
  try {
    if ((await zooKeeper.exists('/cluster/id')) === null) await refuseWithoutTree(env, config)
    const broker = await Broker.start(env, config, zooKeeper)
    return {
      broker,
      addresses: broker.addresses,
      keeperAddress: undefined,
      async stop() {
        await broker.stop()
        await zooKeeper.close()
      },
    }
  } catch (error) {
    await zooKeeper.close()
    throw error
  }
}

async function startWithKeeper(env: Env, config: BrokerConfig): Promise<Server> {
  if (!(await hasTree(env, config.keeperDir))) await refuseWithoutTree(env, config)
  let failure: Error | null = null
  const keeper = await openTree(env, config, (error) => (failure = error))
  try {
    const zooKeeper = keeper.connect()
    const broker = await Broker.start(env, config, zooKeeper)
    return {
      broker,
      addresses: broker.addresses,
      keeperAddress: keeper.addresses[0],
      async stop() {
        await broker.stop()
        // with all its sessions; on a full disk it waits for none of them
        await keeper.close()
      },
    }
  } catch (error) {
    await keeper.close()
    throw failure === null ? error : becauseOf(failure)
  }
}

async function openTree(env: Env, config: BrokerConfig, onFailure: (error: Error) => void): Promise<Keeper> {
  const { keeperDir, keeperPort } = config
  try {
    return await openKeeper(env, keeperDir, keeperPort < 0 ? { onFailure } : { onFailure, clients: clientsOf(config) })
  } catch (error) {
    if (!(error instanceof LogError)) throw error
    throw new Error(
      `${error.message}. Without one, 'ottla rebuild --from-keeper' makes a new tree from what can be read of this one and from log.dirs, ` +
        `and 'ottla rebuild' from log.dirs alone; both show first what they would write`,
      { cause: error },
    )
  }
}

/** ZooKeeper 3.9's own defaults, at the tickTime of its sample configuration. Ours is where it listens: at the host of the first listener. */
function clientsOf({ keeperPort, listeners }: BrokerConfig): ClientServing {
  return {
    addresses: [{ host: listeners[0]!.host, port: keeperPort }],
    tickMs: 2000,
    timeoutMsMin: 4000,
    timeoutMsMax: 40_000,
    connectionsPerHostMax: 60,
    requestBytesMax: 0xfffff,
    words: new Set(['srvr']),
    superDigest: null,
  }
}

/** That the connection to the keeper was lost says nothing: what the disk said does. */
function becauseOf(failure: Error): Error {
  const { message, cause } = failure
  return new Error(cause instanceof Error ? `${message}: ${cause.message}` : message, { cause: failure })
}
