import { ZooKeeperError, type TreeReader, type ZooKeeper } from '@ottla/zookeeper'
import { dataOf, json, parseJson, putData } from './znodes.ts'

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
  const { block_end: last = -1 } = parseJson(data) as { block_end?: string | number }
  return Number(last) + 1
}

/** Producer ids that no other broker gives: blocks of 1,000, each taken by a conditional write. */
export class ProducerIds {
  readonly #zooKeeper: ZooKeeper
  readonly #brokerId: number
  #next = 0
  #end = 0
  #taking: Promise<void> | null = null

  constructor(zooKeeper: ZooKeeper, brokerId: number) {
    this.#zooKeeper = zooKeeper
    this.#brokerId = brokerId
  }

  async next(): Promise<number> {
    while (this.#next === this.#end) await (this.#taking ??= this.#take().finally(() => (this.#taking = null)))
    return this.#next++
  }

  async #take(): Promise<void> {
    for (;;) {
      const { data, stat } = await this.#zooKeeper.getData(PRODUCER_IDS_PATH)
      const start = endOf(data)
      try {
        await this.#zooKeeper.setData(PRODUCER_IDS_PATH, encodeBlock(this.#brokerId, start + BLOCK_COUNT), stat.version)
      } catch (error) {
        if (error instanceof ZooKeeperError && error.code === 'BadVersion') continue
        throw error
      }
      this.#next = start
      this.#end = start + BLOCK_COUNT
      return
    }
  }
}
