/**
 * DescribeGroups: state and members of groups. What members say and were assigned is shown while the group is stable. A group that does not exist
 * is Dead, and from version 6 an error (KIP-1043). Authorized operations from version 3 (KIP-430).
 */
import { ErrorCode, KafkaError } from '@ottla/protocol'
import { DescribeGroups } from '@ottla/protocol/messages/15-describe-groups'
import type { GroupDescription } from '../groups/group-coordinator.ts'
import { handler } from '../handler.ts'

const NO_BYTES = Buffer.alloc(0)
const NOT_ASKED = -2147483648
/** Bits by Kafka's operation codes: read 3, delete 6, describe 8, describe configs 10, alter configs 11. */
const GROUP_OPERATIONS = (1 << 3) | (1 << 6) | (1 << 8) | (1 << 10) | (1 << 11)

export const describeGroups = handler(DescribeGroups, (request, { broker, version }) => {
  const authorizedOperations = request.includeAuthorizedOperations ? GROUP_OPERATIONS : NOT_ASKED
  return {
    groups: request.groups.map((groupId) => {
      try {
        const group = broker.groups.describe(groupId)
        if (group !== undefined) return { errorCode: ErrorCode.NONE, ...shown(group), authorizedOperations }
        const missing =
          version >= 6
            ? { errorCode: ErrorCode.GROUP_ID_NOT_FOUND, errorMessage: `there is no group ${groupId}` }
            : { errorCode: ErrorCode.NONE }
        return { ...missing, ...nothing(groupId, 'Dead'), authorizedOperations }
      } catch (error) {
        if (!(error instanceof KafkaError)) throw error
        return { errorCode: error.code, errorMessage: error.message, ...nothing(groupId, '') }
      }
    }),
  }
})

const nothing = (groupId: string, groupState: string) => ({ groupId, groupState, protocolType: '', protocolData: '', members: [] })

function shown(group: GroupDescription) {
  const stable = group.state === 'Stable'
  return {
    groupId: group.groupId,
    groupState: group.state,
    protocolType: group.protocolType ?? '',
    protocolData: stable ? (group.protocolName ?? '') : '',
    members: group.members.map(({ memberId, groupInstanceId, clientId, clientHost, metadata, assignment }) => ({
      memberId,
      groupInstanceId,
      clientId,
      clientHost,
      memberMetadata: stable ? metadata : NO_BYTES,
      memberAssignment: stable ? assignment : NO_BYTES,
    })),
  }
}
