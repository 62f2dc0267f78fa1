/**
 * SyncGroup: the leader brings the assignment of its generation, every member waits for its own. Static members from version 3 (KIP-345); from 5
 * the protocol is named and checked (KIP-559).
 */
import { SyncGroup } from '@ottla/protocol/messages/14-sync-group'
import { handler } from '../handler.ts'

export const syncGroup = handler(SyncGroup, async (request, { broker }) =>
  broker.groups.sync(request.groupId, {
    memberId: request.memberId,
    groupInstanceId: request.groupInstanceId,
    generationId: request.generationId,
    protocolType: request.protocolType,
    protocolName: request.protocolName,
    assignments: new Map(request.assignments.map(({ memberId, assignment }) => [memberId, Buffer.from(assignment)])),
  }),
)
