import { numberIn } from '../load.ts'
import { ratioAtMost, type Figure, type Row } from '../row.ts'

const figure = (name: string): Figure => ({ name, unit: 'ms', targets: [ratioAtMost(1 / 4)] })
let groups = 0

export const GROUP_ROWS: readonly Row[] = [
  {
    name: 'groups',
    title: 'a group of 10 classic Java consumers',
    how:
      'defaults of client and broker, 20 partitions: from the first call until each member has its share and every partition its owner; ' +
      'one joins and one leaves 4.5 s after the last change, half a heartbeat after the others last',
    figures: [figure('10 join'), figure('one more joins'), figure('one leaves')],
    warmUp: false,
    slow: true,
    async open(stand) {
      const broker = await stand.broker()
      return {
        async measure() {
          const topic = `groups-${++groups}`
          const { printed } = await stand.load.client(broker, stand.load.java('GroupTimes', [broker.address, topic]))
          await stand.load.deleteTopic(broker, topic)
          return [/together=([\d.]+)/, /joins=([\d.]+)/, /leaves=([\d.]+)/].map((pattern) => numberIn(printed, pattern))
        },
      }
    },
  },
]
