/**
 * FindCoordinator: which broker coordinates a group. The first question creates `__consumer_offsets` and is answered when it is there. Several
 * keys from version 4 (KIP-699). Key types 1 (transactions) and 2 (share groups) have no coordinator here yet: an error that is final, so that
 * a client says so at once instead of asking again.
 */
import { ErrorCode, KafkaError } from '@ottla/protocol'
import { FindCoordinator } from '@ottla/protocol/messages/10-find-coordinator'
import { handler, type RequestContext } from '../handler.ts'

const GROUP_KEY_TYPE = 0

interface Coordinator {
  readonly key: string
  readonly nodeId: number
  readonly host: string
  readonly port: number
  readonly errorCode: number
  readonly errorMessage: string | null
}

export const findCoordinator = handler(FindCoordinator, async (request, context) => {
  const { keyType, coordinatorKeys } = request
  if (context.version < 4) return find(request.key, keyType, context)
  return { coordinators: await Promise.all(coordinatorKeys.map((key) => find(key, keyType, context))) }
})

async function find(key: string, keyType: number, { broker, session }: RequestContext): Promise<Coordinator> {
  try {
    if (keyType !== GROUP_KEY_TYPE) {
      throw new KafkaError(ErrorCode.INVALID_REQUEST, `coordinators of key type ${keyType} are not served here, only those of groups (0)`)
    }
    await broker.groups.locate(key)
    const { nodeId, host, port } = broker.advertisedAddress(session)
    return { key, nodeId, host, port, errorCode: ErrorCode.NONE, errorMessage: null }
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error
    // A client that is sent elsewhere would ask again all the same.
    const errorCode = error.code === ErrorCode.NOT_COORDINATOR ? ErrorCode.COORDINATOR_NOT_AVAILABLE : error.code
    return { key, nodeId: -1, host: '', port: -1, errorCode, errorMessage: error.message }
  }
}
