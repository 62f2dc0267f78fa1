import { ConfigResource } from '../configs/config-resource.ts'

/** Below `/config`: where the configs of a kind of resource stand. Those of topics come with the topics. */
export const CONFIG_ROOTS: ReadonlyMap<number, string> = new Map([
  [ConfigResource.BROKER, 'brokers'],
  [ConfigResource.CLIENT_METRICS, 'client-metrics'],
  [ConfigResource.GROUP, 'groups'],
])

/** By Kafka's number; credentials are configs of users by these names. */
export const SCRAM_MECHANISMS: ReadonlyMap<number, string> = new Map([
  [1, 'SCRAM-SHA-256'],
  [2, 'SCRAM-SHA-512'],
])
