/** DescribeCluster (KIP-700): the cluster's id and its brokers. Only brokers are asked about here: there are no controllers' listeners. */
import { ErrorCode } from '@ottla/protocol'
import { DescribeCluster } from '@ottla/protocol/messages/60-describe-cluster'
import { handler } from '../handler.ts'

const BROKERS = 1

export const describeCluster = handler(DescribeCluster, (request, { broker, session }) => {
  if (request.endpointType !== BROKERS) {
    const errorMessage = 'there are no controller endpoints; ask for brokers (1)'
    return { throttleTimeMs: 0, errorCode: ErrorCode.UNSUPPORTED_ENDPOINT_TYPE, errorMessage, clusterId: '', brokers: [] }
  }
  const { nodeId, host, port } = broker.advertisedAddress(session)
  return {
    throttleTimeMs: 0,
    errorCode: 0,
    clusterId: broker.clusterId,
    controllerId: nodeId,
    brokers: [{ brokerId: nodeId, host, port, rack: broker.config.brokerRack, isFenced: false }],
  }
})
