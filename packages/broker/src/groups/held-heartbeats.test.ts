import test from 'node:test'
import { transcript } from './testing/transcript.ts'

const TWO_MEMBERS = `
  > arrive A
  > arrive B
  > wait 300
  A: joined gen=1 id=A1 leader=A1 protocol=range members=A1:a,B1:b
  B: joined gen=1 id=B1 leader=A1 protocol=range
  > sync B
  > sync A A=p0 B=p1
  A: assigned p0
  B: assigned p1
`

test('a heartbeat is held back until there is news, the next request comes, or its time is over', () =>
  transcript(`
  ${TWO_MEMBERS}
  > beat A hold=5000
  > wait 4999
  > wait 1
  A: beat NONE
  > beat A hold=5000
  > next A
  A: beat NONE
  > beat A hold=5000
  > beat A hold=5000
  A: beat NONE
  > arrive C
  A: beat REBALANCE_IN_PROGRESS
  > next A
  > beat A hold=5000
  A: beat REBALANCE_IN_PROGRESS
`))

test('a heartbeat is never held for more than a third of the session', () =>
  transcript(`
  > arrive A session=6000
  > wait 100
  A: joined gen=1 id=A1 leader=A1 protocol=range members=A1:a
  > sync A A=p0
  A: assigned p0
  > beat A hold=5000
  > wait 2000
  A: beat NONE
`))

test('a member lives while its heartbeat is held; one whose connection is gone, from its heartbeat on', () =>
  transcript(`
  ${TWO_MEMBERS}
  > beat A hold=15000
  > beat B hold=15000
  > wait 10000
  > gone B
  B: beat NONE
  > wait 5000
  A: beat NONE
  > wait 29999
  > state
  Stable gen=1 members=2 A1=p0 B1=p1
  > wait 1
  > state
  PreparingRebalance gen=1 members=1 A1=p0
`))

test('a connection that closes while a heartbeat is held may have timed out: the next is held half as long', () =>
  transcript(`
  ${TWO_MEMBERS}
  > beat A hold=7000
  > wait 5000
  > gone A
  A: beat NONE
  > beat A hold=7000
  > wait 2499
  > wait 1
  A: beat NONE
`))

test('a join by the connection of a held heartbeat answers that first', () =>
  transcript(`
  ${TWO_MEMBERS}
  > beat A hold=5000
  > beat B hold=5000
  > join A
  A: beat NONE
  B: beat REBALANCE_IN_PROGRESS
`))

test('a commit by the connection of a held heartbeat answers that first; a client that can is told to heartbeat again soon', () =>
  transcript(`
  ${TWO_MEMBERS}
  > beat A hold=5000
  > commit A
  A: beat NONE
  A: commit NONE
  > beat A hold=5000 retries=soon
  > commit A
  A: beat COORDINATOR_LOAD_IN_PROGRESS
  A: commit NONE
  > beat A hold=5000 retries=soon
  > commit A
  A: beat NONE
  A: commit NONE
  > beat A hold=5000 retries=soon
  > commit A
  A: beat COORDINATOR_LOAD_IN_PROGRESS
  A: commit NONE
  > beat A hold=5000 retries=soon
  > wait 5000
  A: beat NONE
`))
