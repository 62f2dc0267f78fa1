/**
 * JoinGroup: a member waits for its group's next generation. The rebalance timeout is the session timeout in version 0. From version 4 a member
 * without an id is first given one (KIP-394); static members from 5 (KIP-345); reasons from 8 (KIP-800); `skipAssignment` from 9 (KIP-814).
 */
import { JoinGroup } from '@ottla/protocol/messages/11-join-group'
import { handler } from '../handler.ts'

export const joinGroup = handler(JoinGroup, async (request, { broker, session, version, clientId }) => {
  const answer = await broker.groups.join(request.groupId, {
    memberId: request.memberId,
    groupInstanceId: request.groupInstanceId,
    clientId: clientId ?? '',
    // As Java writes an address.
    clientHost: `/${session.connection.remote.host}`,
    rebalanceTimeoutMs: version === 0 ? request.sessionTimeoutMs : request.rebalanceTimeoutMs,
    sessionTimeoutMs: request.sessionTimeoutMs,
    protocolType: request.protocolType,
    protocols: request.protocols.map(({ name, metadata }) => ({ name, metadata: Buffer.from(metadata) })),
    needsMemberId: version >= 4,
    maySkipAssignment: version >= 9,
    reason: request.reason,
  })
  return version >= 7 ? answer : { ...answer, protocolName: answer.protocolName ?? '' }
})
