import { BROKER_CONFIGS, brokerRow } from './broker-configs.ts'
import { topicRow } from './topic-configs.ts'

/** Keys of a broker that Kafka 3.9 or 4.4 has and Ottla does not need, KRaft's among them: known, and without effect. */
export const UNNEEDED_BROKER_KEYS: ReadonlySet<string> = words(`
  add.partitions.to.txn.retry.backoff.max.ms add.partitions.to.txn.retry.backoff.ms alter.config.policy.class.name
  alter.config.policy.kraft.compatibility.enable alter.log.dirs.replication.quota.window.num
  alter.log.dirs.replication.quota.window.size.seconds authorizer.class.name auto.include.jmx.reporter auto.leader.rebalance.enable
  broker.heartbeat.interval.ms broker.id.generation.enable broker.session.timeout.ms client.quota.callback.class config.providers
  connection.failed.authentication.delay.ms connections.max.reauth.ms control.plane.listener.name controlled.shutdown.enable
  controlled.shutdown.max.retries controlled.shutdown.retry.backoff.ms controller.listener.names
  controller.performance.always.log.threshold.ms controller.performance.sample.period.ms controller.quorum.append.linger.ms
  controller.quorum.auto.join.enable controller.quorum.bootstrap.servers controller.quorum.election.backoff.max.ms
  controller.quorum.election.timeout.ms controller.quorum.fetch.max.bytes controller.quorum.fetch.snapshot.max.bytes
  controller.quorum.fetch.timeout.ms controller.quorum.request.timeout.ms controller.quorum.retry.backoff.ms controller.quorum.voters
  controller.quota.window.num controller.quota.window.size.seconds controller.socket.timeout.ms cordoned.log.dirs
  create.topic.policy.class.name delegation.token.expiry.check.interval.ms delegation.token.expiry.time.ms delegation.token.master.key
  delegation.token.max.lifetime.ms delegation.token.secret.key delete.records.purgatory.purge.interval.requests early.start.listeners
  eligible.leader.replicas.enable errors.deadletterqueue.auto.create.topics.enable errors.deadletterqueue.topic.name.prefix
  fetch.purgatory.purge.interval.requests follower.fetch.last.tiered.offset.enable group.consumer.assignor.offload.enable
  group.consumer.regex.refresh.interval.ms group.coordinator.append.linger.ms group.coordinator.background.threads
  group.coordinator.cached.buffer.max.bytes group.coordinator.new.enable group.coordinator.threads group.share.assignment.interval.ms
  group.share.assignor.offload.enable group.share.assignors group.share.delivery.count.limit group.share.dlq.manager.class.name
  group.share.enable group.share.heartbeat.interval.ms group.share.initialize.retry.interval.ms group.share.max.assignment.interval.ms
  group.share.max.delivery.count.limit group.share.max.groups group.share.max.heartbeat.interval.ms
  group.share.max.partition.max.record.locks group.share.max.record.lock.duration.ms group.share.max.session.timeout.ms
  group.share.max.share.sessions group.share.max.size group.share.min.assignment.interval.ms group.share.min.delivery.count.limit
  group.share.min.heartbeat.interval.ms group.share.min.partition.max.record.locks group.share.min.record.lock.duration.ms
  group.share.min.session.timeout.ms group.share.partition.max.record.locks group.share.persister.class.name
  group.share.record.lock.duration.ms group.share.session.timeout.ms group.streams.acceptable.recovery.lag
  group.streams.assignment.interval.ms group.streams.assignor.offload.enable group.streams.assignors group.streams.heartbeat.interval.ms
  group.streams.initial.rebalance.delay.ms group.streams.max.assignment.interval.ms group.streams.max.heartbeat.interval.ms
  group.streams.max.session.timeout.ms group.streams.max.size group.streams.max.standby.replicas group.streams.max.warmup.replicas
  group.streams.min.assignment.interval.ms group.streams.min.heartbeat.interval.ms group.streams.min.session.timeout.ms
  group.streams.min.task.offset.interval.ms group.streams.num.standby.replicas group.streams.num.warmup.replicas
  group.streams.rack.aware.assignment.tags group.streams.session.timeout.ms group.streams.task.offset.interval.ms
  group.streams.topology.description.plugin.class initial.broker.registration.timeout.ms inter.broker.listener.name
  inter.broker.protocol.version internal.metadata.delete.delay.millis internal.metadata.log.segment.bytes
  internal.metadata.max.batch.size.in.bytes kafka.metrics.polling.interval.secs kafka.metrics.reporters
  leader.imbalance.check.interval.seconds leader.imbalance.per.broker.percentage
  log.dir.failure.timeout.ms log.initial.task.delay.ms log.message.format.version log.message.timestamp.difference.max.ms
  max.connection.creation.rate max.connections.per.ip.overrides metadata.log.dir metadata.log.max.record.bytes.between.snapshots
  metadata.log.max.snapshot.interval.ms metadata.log.segment.bytes metadata.log.segment.min.bytes metadata.log.segment.ms
  metadata.max.idle.interval.ms metadata.max.retention.bytes metadata.max.retention.ms metric.reporters metrics.num.samples
  metrics.recording.level metrics.sample.window.ms num.io.threads num.network.threads num.replica.alter.log.dirs.threads
  num.replica.fetchers offsets.commit.required.acks password.encoder.cipher.algorithm password.encoder.iterations
  password.encoder.key.length password.encoder.keyfactory.algorithm password.encoder.old.secret password.encoder.secret
  principal.builder.class process.roles producer.purgatory.purge.interval.requests quota.window.num quota.window.size.seconds
  remote.fetch.max.wait.ms remote.list.offsets.request.timeout.ms remote.log.index.file.cache.total.size.bytes
  remote.log.index.file.cache.ttl.ms remote.log.manager.copier.thread.pool.size remote.log.manager.copy.max.bytes.per.second
  remote.log.manager.copy.quota.window.num remote.log.manager.copy.quota.window.size.seconds
  remote.log.manager.expiration.thread.pool.size remote.log.manager.fetch.max.bytes.per.second remote.log.manager.fetch.quota.window.num
  remote.log.manager.fetch.quota.window.size.seconds remote.log.manager.follower.thread.pool.size remote.log.manager.task.interval.ms
  remote.log.manager.task.retry.backoff.max.ms remote.log.manager.task.retry.backoff.ms remote.log.manager.task.retry.jitter
  remote.log.manager.thread.pool.size remote.log.metadata.custom.metadata.max.bytes remote.log.metadata.manager.class.name
  remote.log.metadata.manager.class.path remote.log.metadata.manager.impl.prefix remote.log.metadata.manager.listener.name
  remote.log.reader.max.pending.tasks remote.log.reader.threads remote.log.storage.manager.class.name
  remote.log.storage.manager.class.path remote.log.storage.manager.impl.prefix remote.log.storage.system.enable replica.fetch.backoff.ms
  replica.fetch.max.bytes replica.fetch.min.bytes replica.fetch.response.max.bytes replica.fetch.wait.max.ms replica.selector.class
  replica.socket.receive.buffer.bytes replica.socket.timeout.ms replication.quota.window.num replication.quota.window.size.seconds
  reserved.broker.max.id sasl.client.callback.handler.class sasl.enabled.mechanisms sasl.jaas.config sasl.kerberos.kinit.cmd
  sasl.kerberos.min.time.before.relogin sasl.kerberos.principal.to.local.rules sasl.kerberos.service.name
  sasl.kerberos.ticket.renew.jitter sasl.kerberos.ticket.renew.window.factor sasl.login.callback.handler.class sasl.login.class
  sasl.login.connect.timeout.ms sasl.login.read.timeout.ms sasl.login.refresh.buffer.seconds sasl.login.refresh.min.period.seconds
  sasl.login.refresh.window.factor sasl.login.refresh.window.jitter sasl.login.retry.backoff.max.ms sasl.login.retry.backoff.ms
  sasl.mechanism.controller.protocol sasl.mechanism.inter.broker.protocol sasl.oauthbearer.allow.unverified.audience
  sasl.oauthbearer.allow.unverified.issuer sasl.oauthbearer.assertion.algorithm sasl.oauthbearer.assertion.claim.aud
  sasl.oauthbearer.assertion.claim.exp.seconds sasl.oauthbearer.assertion.claim.iss sasl.oauthbearer.assertion.claim.jti.include
  sasl.oauthbearer.assertion.claim.nbf.seconds sasl.oauthbearer.assertion.claim.sub sasl.oauthbearer.assertion.file
  sasl.oauthbearer.assertion.private.key.file sasl.oauthbearer.assertion.private.key.passphrase sasl.oauthbearer.assertion.template.file
  sasl.oauthbearer.client.credentials.client.id sasl.oauthbearer.client.credentials.client.secret sasl.oauthbearer.clock.skew.seconds
  sasl.oauthbearer.expected.audience sasl.oauthbearer.expected.issuer sasl.oauthbearer.jwks.endpoint.refresh.ms
  sasl.oauthbearer.jwks.endpoint.retry.backoff.max.ms sasl.oauthbearer.jwks.endpoint.retry.backoff.ms sasl.oauthbearer.jwks.endpoint.url
  sasl.oauthbearer.jwt.retriever.class sasl.oauthbearer.jwt.validator.class sasl.oauthbearer.scope sasl.oauthbearer.scope.claim.name
  sasl.oauthbearer.sub.claim.name sasl.oauthbearer.token.endpoint.url sasl.server.callback.handler.class sasl.server.max.receive.size
  security.inter.broker.protocol security.providers server.max.startup.time.ms share.coordinator.append.linger.ms
  share.coordinator.cached.buffer.max.bytes share.coordinator.cold.partition.snapshot.interval.ms share.coordinator.load.buffer.size
  share.coordinator.snapshot.update.records.per.snapshot share.coordinator.state.topic.compression.codec
  share.coordinator.state.topic.min.isr share.coordinator.state.topic.num.partitions share.coordinator.state.topic.prune.interval.ms
  share.coordinator.state.topic.replication.factor share.coordinator.state.topic.segment.bytes share.coordinator.threads
  share.coordinator.write.timeout.ms share.fetch.purgatory.purge.interval.requests socket.connection.setup.timeout.max.ms
  socket.connection.setup.timeout.ms socket.listen.backlog.size socket.receive.buffer.bytes socket.send.buffer.bytes
  ssl.allow.dn.changes ssl.allow.san.changes ssl.cipher.suites ssl.client.auth ssl.enabled.protocols
  ssl.endpoint.identification.algorithm ssl.engine.factory.class ssl.key.password ssl.keymanager.algorithm
  ssl.keystore.certificate.chain ssl.keystore.key ssl.keystore.location ssl.keystore.password ssl.keystore.type
  ssl.principal.mapping.rules ssl.protocol ssl.provider ssl.secure.random.implementation ssl.trustmanager.algorithm
  ssl.truststore.certificates ssl.truststore.location ssl.truststore.password ssl.truststore.type telemetry.max.bytes
  transaction.two.phase.commit.enable unclean.leader.election.interval.ms unstable.api.versions.enable unstable.feature.versions.enable
  zookeeper.clientCnxnSocket zookeeper.max.in.flight.requests
  zookeeper.metadata.migration.enable zookeeper.metadata.migration.min.batch.size zookeeper.set.acl zookeeper.ssl.cipher.suites
  zookeeper.ssl.client.enable zookeeper.ssl.crl.enable zookeeper.ssl.enabled.protocols zookeeper.ssl.endpoint.identification.algorithm
  zookeeper.ssl.keystore.location zookeeper.ssl.keystore.password zookeeper.ssl.keystore.type zookeeper.ssl.ocsp.enable
  zookeeper.ssl.protocol zookeeper.ssl.truststore.location zookeeper.ssl.truststore.password zookeeper.ssl.truststore.type
`)

/** Keys for one listener, and of the plug-ins of Kafka's remote storage: `listener.name.internal.ssl.keystore.location`. */
const UNNEEDED_PREFIXES = ['listener.name.', 'rlmm.config.', 'rsm.config.', 'metrics.', 'super.users', 'allow.everyone.if.no.acl.found']

/** `ours`: it has a row. `unneeded`: Kafka's, without effect here. `topic`: a topic's key, which a broker does not have. */
export function kindOfBrokerKey(key: string): 'ours' | 'unneeded' | 'topic' | 'unknown' {
  if (brokerRow(key) !== undefined) return 'ours'
  if (UNNEEDED_BROKER_KEYS.has(key) || UNNEEDED_PREFIXES.some((prefix) => key.startsWith(prefix))) return 'unneeded'
  return topicRow(key) === undefined ? 'unknown' : 'topic'
}

/** The broker's key that an unknown one probably means; undefined where none is near. */
export function nearestBrokerKey(key: string): string | undefined {
  return nearest(key, [...BROKER_CONFIGS.map((row) => row.name), ...UNNEEDED_BROKER_KEYS])
}

/** The name that takes the fewest changed letters, if those are at most a quarter of `word`'s. */
export function nearest(word: string, names: Iterable<string>): string | undefined {
  let best: string | undefined
  let bestDistance = Math.max(2, Math.floor(word.length / 4)) + 1
  for (const name of names) {
    if (Math.abs(name.length - word.length) >= bestDistance) continue
    const distance = editDistance(word, name)
    if (distance < bestDistance) {
      best = name
      bestDistance = distance
    }
  }
  return best
}

/** Letters to insert, drop or change (Levenshtein). */
function editDistance(from: string, to: string): number {
  let above = Array.from({ length: to.length + 1 }, (_, at) => at)
  for (let row = 1; row <= from.length; row++) {
    const here = [row]
    for (let at = 1; at <= to.length; at++) {
      const changed = above[at - 1]! + (from[row - 1] === to[at - 1] ? 0 : 1)
      here.push(Math.min(changed, above[at]! + 1, here[at - 1]! + 1))
    }
    above = here
  }
  return above[to.length]!
}

function words(text: string): Set<string> {
  return new Set(text.trim().split(/\s+/))
}
