/**
 * Heartbeat: a member is alive, and hears whether its group rebalances. Kafka answers at once, so that news of a rebalance waits for the next
 * heartbeat, 3 s by default. Here the answer is held back while there is no news, for clients that are known to go on meanwhile: until a
 * rebalance begins, the next request comes by the same connection, `group.heartbeat.hold.max.ms` or a third of the session is over.
 */
import { Heartbeat } from '@ottla/protocol/messages/12-heartbeat'
import { handler } from '../handler.ts'

/**
 * Clients whose heartbeats run beside all else, on a connection of the coordinator's own. Others may wait for the answer before they consume on
 * (kafkajs does); they say no name, or are not in this list.
 */
const HEARTBEATS_ASIDE = /^(apache-kafka-java|librdkafka|confluent-kafka-)/
/** After a commit, Java's next heartbeat may be 3 s away; to COORDINATOR_LOAD_IN_PROGRESS it quietly sends it after retry.backoff.ms (0.1 s). */
const RETRIES_SOON = /^apache-kafka-java /

export const heartbeat = handler(
  Heartbeat,
  async (request, { broker, session }) => {
    const { answer, release } = broker.groups.heartbeat(request.groupId, {
      generationId: request.generationId,
      memberId: request.memberId,
      groupInstanceId: request.groupInstanceId,
      holdMs: HEARTBEATS_ASIDE.test(session.client) ? broker.groups.config.heartbeatHoldMaxMs : 0,
      retriesSoon: RETRIES_SOON.test(session.client),
    })
    if (release === null) return { errorCode: await answer }
    // The next request is being looked at: where it concerns the same member, the group answers the heartbeat by what that request is.
    session.onNextRequest(() => queueMicrotask(() => release(true)))
    const forget = session.onClose(() => release(false))
    const errorCode = await answer
    forget()
    return { errorCode }
  },
  { pipelined: 'all' },
)
