import type { Cluster } from './cluster.ts'
import type { BrokerConnection } from './connection.ts'

/** A broker as a producer sees it. */
export interface ProduceNode {
  /** Null while there is none. */
  connection: BrokerConnection | null
  connecting: boolean
  /** Requests that are not answered. */
  inFlight: number
}

/** The brokers that a producer sends to; connects to each when it is first asked for, and again after a loss. */
export class ProduceNodes {
  readonly #cluster: Cluster
  readonly #onChange: () => void
  readonly #topics: () => Iterable<string>
  readonly #onUnreached: (error: Error) => void
  readonly #onClosed: (error: Error) => void
  readonly #nodes = new Map<number, ProduceNode>()

  /**
   * `topics`: whose metadata is read again when a broker can't be reached, of which `onUnreached` is told first. `onClosed`: no broker
   * will be reached any more.
   */
  constructor(
    cluster: Cluster,
    topics: () => Iterable<string>,
    onChange: () => void,
    onUnreached: (error: Error) => void,
    onClosed: (error: Error) => void,
  ) {
    this.#cluster = cluster
    this.#topics = topics
    this.#onChange = onChange
    this.#onUnreached = onUnreached
    this.#onClosed = onClosed
  }

  of(nodeId: number): ProduceNode {
    let node = this.#nodes.get(nodeId)
    if (node === undefined) this.#nodes.set(nodeId, (node = { connection: null, connecting: false, inFlight: 0 }))
    if (node.connection?.open === false) node.connection = null
    if (node.connection === null && !node.connecting) this.#connect(nodeId, node)
    return node
  }

  #connect(nodeId: number, node: ProduceNode): void {
    node.connecting = true
    this.#cluster.connection(nodeId).then(
      (connection) => {
        node.connecting = false
        node.connection = connection
        this.#onChange()
      },
      (error: Error) => {
        // to try again would fail at once, again and again, and nothing else would get its turn
        if (this.#cluster.closed) return this.#onClosed(error)
        this.#onUnreached(error)
        // its partitions may have moved; the next attempt at this address waits for its back-off in the cluster
        this.#cluster
          .refreshSoon(this.#topics())
          .catch(() => {})
          .then(() => {
            node.connecting = false
            this.#onChange()
          })
      },
    )
  }
}
