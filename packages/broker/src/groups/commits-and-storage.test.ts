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

test('commits: by members in their generation, by others only while the group is empty', () =>
  transcript(`
  > commit A gen=-1
  A: commit NONE
  > arrive A
  > commit X gen=-1
  X: commit UNKNOWN_MEMBER_ID
  > wait 100
  A: joined gen=1 id=A1 leader=A1 protocol=range members=A1:a
  > commit A
  A: commit REBALANCE_IN_PROGRESS
  > sync A A=p0
  A: assigned p0
  > commit A
  A: commit NONE
  > commit A gen=0
  A: commit ILLEGAL_GENERATION
  > commit X gen=1 id=A9
  X: commit UNKNOWN_MEMBER_ID
  > arrive B
  > commit A
  A: commit NONE
  > wait 44999
  > commit A
  A: commit NONE
  > wait 2
  > state
  PreparingRebalance gen=1 members=2 A1=p0 B1=
`))

test('the assignment is answered once it is stored; where it fails, all are told and join again', () =>
  transcript(`
  > arrive A
  > wait 100
  A: joined gen=1 id=A1 leader=A1 protocol=range members=A1:a
  > storage holds
  > sync A A=p0
  > stored COORDINATOR_NOT_AVAILABLE
  A: sync COORDINATOR_NOT_AVAILABLE
  > state
  PreparingRebalance gen=1 members=1 A1=
  > join A
  A: joined gen=2 id=A1 leader=A1 protocol=range members=A1:a
  > sync A A=p0
  > arrive B
  A: sync REBALANCE_IN_PROGRESS
  > stored NONE
  > state
  PreparingRebalance gen=2 members=2 A1= B1=
`))

test('a group that ends here answers all that waits', () =>
  transcript(`
  ${TWO_MEMBERS}
  > beat B hold=2000
  > join A protocols=range:a2
  B: beat REBALANCE_IN_PROGRESS
  > close
  A: join NOT_COORDINATOR id=A1
  > join A
  A: join COORDINATOR_NOT_AVAILABLE id=A1
  > sync A
  A: sync COORDINATOR_NOT_AVAILABLE
  > beat A
  A: beat COORDINATOR_NOT_AVAILABLE
  > commit A
  A: commit COORDINATOR_NOT_AVAILABLE
  > leave A
  A: left COORDINATOR_NOT_AVAILABLE
`))
