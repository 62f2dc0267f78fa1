import { ZooKeeperError, type ZooKeeper } from '@ottla/zookeeper'

const PATH = '/latest_producer_id_block'
const BLOCK_COUNT = 1000

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
      const { data, stat } = await this.#zooKeeper.getData(PATH)
      const last = data === null ? -1 : Number((JSON.parse(data.toString()) as { block_end: string }).block_end)
      const start = last + 1
      const block = { version: 1, broker: this.#brokerId, block_start: String(start), block_end: String(start + BLOCK_COUNT - 1) }
      try {
        await this.#zooKeeper.setData(PATH, Buffer.from(JSON.stringify(block)), stat.version)
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
