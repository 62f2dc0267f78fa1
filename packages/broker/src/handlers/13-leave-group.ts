/**
 * LeaveGroup: takes members out at once. From version 3 several, each with its own code, and static ones by instance id alone (KIP-345);
 * reasons from 5 (KIP-800).
 */
import { ErrorCode, KafkaError } from '@ottla/protocol'
import { LeaveGroup } from '@ottla/protocol/messages/13-leave-group'
import { handler } from '../handler.ts'

export const leaveGroup = handler(LeaveGroup, (request, { broker, version }) => {
  const members = version >= 3 ? request.members : [{ memberId: request.memberId, groupInstanceId: null, reason: null }]
  try {
    const codes = broker.groups.leave(request.groupId, members)
    if (version < 3) return { errorCode: codes[0]!, members: [] }
    return {
      errorCode: ErrorCode.NONE,
      members: members.map(({ memberId, groupInstanceId }, i) => ({ memberId, groupInstanceId, errorCode: codes[i]! })),
    }
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error
    return { errorCode: error.code, members: [] }
  }
})
