/** DeleteGroups: deletes groups that have no members, with their offsets (KIP-229). Messages from version 3. */
import { ErrorCode, KafkaError } from '@ottla/protocol'
import { DeleteGroups } from '@ottla/protocol/messages/42-delete-groups'
import { handler } from '../handler.ts'

export const deleteGroups = handler(DeleteGroups, async (request, { broker }) => ({
  throttleTimeMs: 0,
  results: await Promise.all(
    request.groupsNames.map(async (groupId) => {
      try {
        await broker.groups.deleteGroup(groupId)
        return { groupId, errorCode: ErrorCode.NONE }
      } catch (error) {
        if (!(error instanceof KafkaError)) throw error
        return { groupId, errorCode: error.code, errorMessage: error.message }
      }
    }),
  ),
}))
