import type { Env, Timer } from '@ottla/env'
import { ErrorCode, KafkaError } from '@ottla/protocol'
import { MultiError, type SessionEvent, type ZooKeeper } from '@ottla/zookeeper'
import { HeldElsewhere, refuseOthers, register, type Registration } from './cluster-membership.ts'
import type { Controller } from './controller.ts'
import { clusterIdOf, isOutcomeUnknown, ZnodeError } from './znodes.ts'

/** After an attempt to join again that ZooKeeper itself refused. */
const RETRY_MS = 5_000
/** How often it is looked whether a former session has ended, and how long after its timeout a server may take for it. */
const LOOK_MS = 500
const GRACE_MS = 5_000

export interface MembershipParts {
  readonly env: Env
  readonly zooKeeper: ZooKeeper
  readonly brokerId: number
  readonly clusterId: string
  readonly controller: Controller
}

/**
 * What a broker has in the tree as long as its session lasts: its registration and /controller. When the connection is back after a loss it
 * sees to it that it has them still, or again, and has all be read that may have changed; until then the tree is not changed.
 */
export class Membership {
  readonly #parts: MembershipParts
  #registration: Registration | null = null
  #follow: () => Promise<void> = async () => {}
  #isConnected = true
  #isMember = false
  /** Counts the losses: what was begun before one is of no use after it. */
  #losses = 0
  #retry: Timer | null = null
  #isStopped = false

  constructor(parts: MembershipParts) {
    this.#parts = parts
    parts.zooKeeper.onSession((event) => this.#heard(event))
  }

  /** Becomes controller. A session that has the place still is waited for, at most `sessionTimeoutMs` and a little. */
  async claim(sessionTimeoutMs: number): Promise<void> {
    const { controller } = this.#parts
    const losses = this.#losses
    await this.#whenGivenUp(sessionTimeoutMs, () => controller.elect())
    this.#isMember = losses === this.#losses
  }

  /** Registers, and stays registered. `follow` reads what others may have changed while there was no connection. */
  async join(registration: Registration, sessionTimeoutMs: number, follow: () => Promise<void>): Promise<void> {
    const { env, zooKeeper } = this.#parts
    this.#registration = registration
    this.#follow = follow
    if (this.#isMember) {
      try {
        await this.#whenGivenUp(sessionTimeoutMs, () => register(zooKeeper, registration))
        return
      } catch (error) {
        if (!isOutcomeUnknown(error)) throw error
      }
    }
    env.log.warn('the connection to ZooKeeper was lost while the broker started: it registers when it is back')
    this.#rejoinSoon()
  }

  /** Throws KafkaError NOT_CONTROLLER, which is to be tried again, while the tree can't be changed. */
  checkWritable(): void {
    if (!this.#isMember) {
      throw new KafkaError(
        ErrorCode.NOT_CONTROLLER,
        'this broker has no connection to its ZooKeeper, or is not its controller, so topics and configurations can not be changed; try again later',
      )
    }
  }

  /** After a change that was fenced off: it is elected again, unless another broker is the controller now. */
  joinAnew(): void {
    if (!this.#isMember || this.#isStopped) return
    this.#isMember = false
    this.#rejoinSoon()
  }

  /** Its place ends with the session, which the caller closes. */
  stop(): void {
    this.#isStopped = true
    this.#retry?.cancel()
  }

  async #whenGivenUp(sessionTimeoutMs: number, take: () => Promise<void>): Promise<void> {
    const { clock, log } = this.#parts.env
    const endMs = clock.monotonic() + sessionTimeoutMs + GRACE_MS
    for (let isTold = false; ; isTold = true) {
      try {
        return await take()
      } catch (error) {
        if (!(error instanceof HeldElsewhere) || clock.monotonic() >= endMs) throw error
        if (!isTold) log.info(`waiting for the end of an earlier session: ${error.message}`)
        await new Promise<void>((resolve) => clock.after(LOOK_MS, resolve))
      }
    }
  }

  #heard(event: SessionEvent): void {
    if (this.#isStopped) return
    if (event === 'connected') {
      this.#isConnected = true
      this.#rejoinSoon()
      return
    }
    if (this.#isMember) {
      const told =
        'the connection to ZooKeeper is lost: records are served on, topics and configurations can not be changed until it is back'
      this.#parts.env.log.warn(told)
    }
    this.#isConnected = false
    this.#isMember = false
    this.#losses++
    this.#retry?.cancel()
  }

  #rejoinSoon(): void {
    if (this.#registration === null || this.#isMember || !this.#isConnected) return
    const losses = this.#losses
    this.#rejoin(losses).catch((error: unknown) => {
      // the next connection begins anew
      if (this.#isStopped || losses !== this.#losses) return
      const told = 'could not join the cluster again; topics and configurations can not be changed'
      if (error instanceof ZnodeError) this.#parts.env.log.warn(`${told}: ${error.message}`)
      else this.#parts.env.log.error(told, { error })
      this.#retry = this.#parts.env.clock.after(RETRY_MS, () => this.#rejoinSoon())
    })
  }

  async #rejoin(losses: number): Promise<void> {
    const { env, zooKeeper, brokerId, clusterId, controller } = this.#parts
    await zooKeeper.sync('/')
    const found = await clusterIdOf(zooKeeper)
    // what an empty tree, or another one, doesn't have must not be taken for deleted
    if (found !== clusterId) throw new Error(`ZooKeeper has the tree of cluster ${found ?? 'none'}, and this broker is of ${clusterId}`)
    await refuseOthers(zooKeeper, brokerId)
    await controller.elect()
    await register(zooKeeper, this.#registration!)
    if (losses !== this.#losses) return
    await this.#follow()
    if (losses !== this.#losses || this.#isStopped) return
    this.#isMember = true
    env.log.info('the broker is joined to its cluster again', { controllerEpoch: controller.epoch })
  }
}

/** A change of the tree was not carried out, for /controller_epoch has been written since this broker was elected. */
export const isFenced = (error: unknown): boolean => error instanceof MultiError && error.operation.type === 'check'

/** What a client is told of a change of the tree that failed. */
export function toldOf(error: unknown): unknown {
  if (isFenced(error)) {
    return new KafkaError(ErrorCode.NOT_CONTROLLER, 'this broker is not the controller any more; try again later')
  }
  if (!isOutcomeUnknown(error)) return error
  const sentence = 'the connection to ZooKeeper was lost meanwhile, so it is not known whether this was done: look again when it is back'
  return new KafkaError(ErrorCode.REQUEST_TIMED_OUT, sentence)
}
