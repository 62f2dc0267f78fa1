import { bool, int16, int32, int8, list, string, type Decoded, type Encodable } from '@ottla/wire'
import { api } from '../api.ts'

/** Cluster id, controller and brokers (KIP-700); the controllers' own listeners KIP-919, fenced brokers KIP-1073. */
export const DescribeCluster = api('DescribeCluster', {
  includeClusterAuthorizedOperations: bool(),
  endpointType: int8('1+', 1),
  includeFencedBrokers: bool('2+', false),
}, {
  throttleTimeMs: int32(),
  errorCode: int16(),
  errorMessage: string('0+', null),
  endpointType: int8('1+', 1),
  clusterId: string(),
  controllerId: int32('0+', -1),
  brokers: list({
    brokerId: int32(),
    host: string(),
    port: int32(),
    rack: string('0+', null),
    isFenced: bool('2+', false),
  }),
  clusterAuthorizedOperations: int32('0+', -2147483648),
})

export type DescribeClusterRequest = Decoded<typeof DescribeCluster.request.fields>
export type DescribeClusterResponse = Encodable<typeof DescribeCluster.response.fields>
