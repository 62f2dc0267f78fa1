import { rmSync } from 'node:fs'
import { ottlaAtMost, ratioAtMost, type Row } from '../row.ts'

export const START_ROWS: readonly Row[] = [
  {
    name: 'start',
    title: 'start: from the spawn to the first answer to ApiVersions',
    how: 'the directory is formatted and was stopped in order; Ottla by bin/ottla, its compiled code kept by an earlier start',
    figures: [{ name: 'time', unit: 'ms', targets: [ottlaAtMost(150), ratioAtMost(1 / 10)] }],
    warmUp: false,
    slow: false,
    async open(stand) {
      const home = await stand.contender.newHome()
      const once = async (): Promise<number> => {
        const broker = await stand.contender.start(home)
        await broker.stop()
        return broker.startedMs
      }
      await once()
      return {
        measure: async () => [await once()],
        close: async () => rmSync(home.directory, { recursive: true, force: true }),
      }
    },
  },
]
