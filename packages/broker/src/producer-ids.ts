import { ZooKeeperError, type TreeReader, type ZooKeeper } from '@ottla/zookeeper'
import { dataOf, decodeZnode, isFields, json, putData } from './znodes.ts'

export const PRODUCER_IDS_PATH = '/latest_producer_id_block'
/** Producer ids are taken so many at a time, as Kafka does. */
export const BLOCK_COUNT = 1000

/** Above every producer id that was given away; 0: none was. */
export async function producerIdsEnd(zooKeeper: TreeReader): Promise<number> {
  return endOf(await dataOf(zooKeeper, PRODUCER_IDS_PATH))
}

/** Sees to it that no producer id below `end` is given again (KIP-98): the block that was taken last ends there at least. */
export async function raiseProducerIds(zooKeeper: ZooKeeper, brokerId: number, end: number): Promise<void> {
  if ((await producerIdsEnd(zooKeeper)) < end) await putData(zooKeeper, PRODUCER_IDS_PATH, encodeBlock(brokerId, end))
}

function encodeBlock(brokerId: number, end: number): Buffer {
  return json({ version: 1, broker: brokerId, block_start: String(Math.max(0, end - BLOCK_COUNT)), block_end: String(end - 1) })
}

function endOf(data: Buffer | null | undefined): number {
  const isValid = (value: unknown): boolean => isFields(value) && Number.isSafeInteger(Number(value['block_end'] ?? -1))
  const { block_end: last = -1 } = decodeZnode<{ block_end?: string | number }>(PRODUCER_IDS_PATH, data, isValid)
  return Number(last) + 1
}

/** With so few ids left of a block the next one is taken: while ZooKeeper is away producers begin all the same. */
const FEW_COUNT = 100

/** The ids from `next` on, below `end`. */
interface Block {
  next: number
  readonly end: number
}

/** Producer ids that no other broker gives: blocks of 1,000, each taken by a conditional write. */
export class ProducerIds {
  readonly #zooKeeper: ZooKeeper
  readonly #brokerId: number
  #block: Block = { next: 0, end: 0 }
  #ahead: Block | null = null
  #taking: Promise<void> | null = null

  constructor(zooKeeper: ZooKeeper, brokerId: number) {
    this.#zooKeeper = zooKeeper
    this.#brokerId = brokerId
  }

  /** Takes a block in the background. */
  prepare(): void {
    // who needs an id and has none is told what was wrong
    if (this.#ahead === null) this.#takeOne().catch(() => {})
  }

  /** Rejects with ZooKeeperError where none is left and none can be taken. */
  async next(): Promise<number> {
    while (this.#block.next === this.#block.end) {
      if (this.#ahead === null) await this.#takeOne()
      else [this.#block, this.#ahead] = [this.#ahead, null]
    }
    const id = this.#block.next++
    if (this.#block.end - this.#block.next < FEW_COUNT) this.prepare()
    return id
  }

  #takeOne(): Promise<void> {
    return (this.#taking ??= this.#take().finally(() => (this.#taking = null)))
  }

  /** After an answer that was lost a block is passed over, none is taken twice: each attempt reads anew. */
  async #take(): Promise<void> {
    for (;;) {
      const { data, stat } = await this.#zooKeeper.getData(PRODUCER_IDS_PATH)
      const next = endOf(data)
      const end = next + BLOCK_COUNT
      try {
        await this.#zooKeeper.setData(PRODUCER_IDS_PATH, encodeBlock(this.#brokerId, end), stat.version)
      } catch (error) {
        if (error instanceof ZooKeeperError && error.code === 'BadVersion') continue
        throw error
      }
      this.#ahead = { next, end }
      return
    }
  }
}
