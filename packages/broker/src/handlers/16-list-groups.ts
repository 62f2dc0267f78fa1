/** ListGroups: all groups that this broker coordinates. Filters by state from version 4 (KIP-518), by type from 5 (KIP-848), in any case. */
import { ErrorCode } from '@ottla/protocol'
import { ListGroups } from '@ottla/protocol/messages/16-list-groups'
import { handler } from '../handler.ts'

const GROUP_TYPE = 'classic'

export const listGroups = handler(ListGroups, (request, { broker }) => {
  const states = new Set(request.statesFilter.map((state) => state.toLowerCase()))
  const types = request.typesFilter.map((type) => type.toLowerCase())
  const { loading, groups } = broker.groups.list()
  const wanted =
    types.length > 0 && !types.includes(GROUP_TYPE)
      ? []
      : groups.filter(({ state }) => states.size === 0 || states.has(state.toLowerCase()))
  return {
    errorCode: loading ? ErrorCode.COORDINATOR_LOAD_IN_PROGRESS : ErrorCode.NONE,
    groups: wanted.map(({ groupId, protocolType, state }) => ({ groupId, protocolType, groupState: state, groupType: GROUP_TYPE })),
  }
})
