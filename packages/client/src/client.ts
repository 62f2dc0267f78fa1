import type { Env } from '@ottla/env'
import { Admin } from './admin.ts'
import { parseBootstrap } from './bootstrap.ts'
import { Cluster, type ClusterOptions } from './cluster.ts'
import { Consumer, type ConsumerOptions } from './consumer.ts'
import { Producer, type ProducerOptions } from './producer.ts'

export interface ClientOptions extends Partial<Omit<ClusterOptions, 'bootstrap'>> {
  /** `'host:port,host:port'`: brokers to start with; the others are learnt from them. */
  readonly bootstrap: string
}

/** One program's way to a cluster: its producers, consumers and admin share connections and metadata. */
export interface Client {
  readonly cluster: Cluster
  producer(options?: ProducerOptions): Producer
  consumer(options?: ConsumerOptions): Consumer
  admin(): Admin
  /** Closes every connection; close producers and consumers first. */
  close(): void
}

/** Nothing is connected until something is asked for. Timers do not keep the process alive; open connections do. */
export function createClient(env: Env, options: ClientOptions): Client {
  const cluster = new Cluster(env, { ...options, clientId: options.clientId ?? 'ottla', bootstrap: parseBootstrap(options.bootstrap) })
  return {
    cluster,
    producer: (producerOptions) => new Producer(cluster, producerOptions),
    consumer: (consumerOptions) => new Consumer(cluster, consumerOptions),
    admin: () => new Admin(cluster),
    close: () => cluster.close(),
  }
}
