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

/** Who sends to them. */
export interface ProduceNodesListener {
  /** Whose metadata is read again when a broker can't be reached. */
  topics(): Iterable<string>
  /** A broker may be sent to, or asked for again. */
  changed(): void
  /** A broker can't be reached. */
  unreached(error: Error): void
  /** No broker will be reached any more. */
  closed(error: Error): void
}

/** The brokers that a producer sends to; connects to each when it is first asked for, and again after a loss. */
export class ProduceNodes {
  readonly #cluster: Cluster
  readonly #listener: ProduceNodesListener
  readonly #nodes = new Map<number, ProduceNode>()

  constructor(cluster: Cluster, listener: ProduceNodesListener) {
    this.#cluster = cluster
    this.#listener = listener
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
        this.#listener.changed()
      },
      (error: Error) => {
        // to try again would fail at once, again and again, and nothing else would get its turn
        if (this.#cluster.closed) return this.#listener.closed(error)
        this.#listener.unreached(error)
        // its partitions may have moved; the next attempt at this address waits for its back-off in the cluster
        this.#cluster
          .refreshSoon(this.#listener.topics())
          .catch(() => {})
          .then(() => {
            node.connecting = false
            this.#listener.changed()
          })
      },
    )
  }
}
