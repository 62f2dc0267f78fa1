import test from 'node:test'
import { transcript } from './testing/transcript.ts'

const STATIC_PAIR = `
  > join A instance=i
  > join B instance=j
  > wait 300
  A: joined gen=1 id=A1 leader=A1 protocol=range members=A1:a,B1:b
  B: joined gen=1 id=B1 leader=A1 protocol=range
  > sync B instance=j
  > sync A instance=i A=p0 B=p1
  A: assigned p0
  B: assigned p1
`

test('static: a follower that comes back in a stable group goes on with its assignment; its former self is fenced', () =>
  transcript(`
  ${STATIC_PAIR}
  > beat B id=B1 instance=j hold=2000
  > join B id=none instance=j
  B: beat FENCED_INSTANCE_ID
  B: joined gen=1 id=B2 leader=A1 protocol=range
  > sync B instance=j
  B: assigned p1
  > state
  Stable gen=1 members=2 A1=p0 B2=p1
  > beat B id=B1 instance=j
  B: beat FENCED_INSTANCE_ID
  > join B id=B1 instance=j
  B: join FENCED_INSTANCE_ID id=B1
  > sync B id=B1 instance=j
  B: sync FENCED_INSTANCE_ID
  > commit B id=B1 instance=j
  B: commit FENCED_INSTANCE_ID
  > beat B id=B1
  B: beat UNKNOWN_MEMBER_ID
  > beat B id=B2 instance=k
  B: beat UNKNOWN_MEMBER_ID
`))

test('static: a leader that comes back is told to leave the assignment alone, in the words of its version', () =>
  transcript(`
  ${STATIC_PAIR}
  > join A id=none instance=i v=9
  A: joined gen=1 id=A2 leader=A2 protocol=range members=B1:b,A2:a skip
  > join A id=none instance=i v=8
  A: joined gen=1 id=A3 leader=A2 protocol=range
  > sync A instance=i
  A: assigned p0
`))

test('static: while the change is being stored the answer waits; where it fails the former self is back', () =>
  transcript(`
  ${STATIC_PAIR}
  > storage holds
  > join B id=none instance=j
  > stored NONE
  B: joined gen=1 id=B2 leader=A1 protocol=range
  > join B id=none instance=j
  > stored NOT_COORDINATOR
  B: join NOT_COORDINATOR id=B3
  > beat B id=B2 instance=j
  B: beat NONE
  > join B id=none instance=j
  > join A instance=i
  A: joined gen=2 id=A1 leader=A1 protocol=range members=A1:a,B4:b
  B: joined gen=2 id=B4 leader=A1 protocol=range
  > stored NONE
`))

test('static: one that comes back with other protocols makes all rebalance', () =>
  transcript(`
  > join A instance=i protocols=range,sticky
  > join B instance=j protocols=range,sticky
  > wait 300
  A: joined gen=1 id=A1 leader=A1 protocol=range members=A1:a,B1:b
  B: joined gen=1 id=B1 leader=A1 protocol=range
  > sync A instance=i A=p0 B=p1
  A: assigned p0
  > join B id=none instance=j protocols=sticky
  > beat A instance=i
  A: beat REBALANCE_IN_PROGRESS
  > join A instance=i protocols=range,sticky
  A: joined gen=2 id=A1 leader=A1 protocol=sticky members=A1:a,B2:b
  B: joined gen=2 id=B2 leader=A1 protocol=sticky
`))

test('static: one that comes back while the assignment is made starts a new rebalance', () =>
  transcript(`
  > join A instance=i
  > join B instance=j
  > wait 300
  A: joined gen=1 id=A1 leader=A1 protocol=range members=A1:a,B1:b
  B: joined gen=1 id=B1 leader=A1 protocol=range
  > sync B id=B1 instance=j
  > join B id=none instance=j
  B: sync FENCED_INSTANCE_ID
  > sync A instance=i A=p0
  A: sync REBALANCE_IN_PROGRESS
  > join A instance=i
  A: joined gen=2 id=A1 leader=A1 protocol=range members=A1:a,B2:b
  B: joined gen=2 id=B2 leader=A1 protocol=range
`))

test('static: one that comes back in the join phase takes the place of the waiting one', () =>
  transcript(`
  ${STATIC_PAIR}
  > join A instance=i
  > join A id=none instance=i
  A: join FENCED_INSTANCE_ID id=A1
  > join B instance=j
  B: joined gen=2 id=B1 leader=A2 protocol=range
  A: joined gen=2 id=A2 leader=A2 protocol=range members=B1:b,A2:a
`))

test('static: one that is away keeps its place through a rebalance, until its session ends', () =>
  transcript(`
  ${STATIC_PAIR}
  > wait 10000
  > arrive C rebalance=20000
  > join A instance=i rebalance=20000
  > wait 1
  > state
  PreparingRebalance gen=1 members=3 A1=p0 B1=p1 C1=
  > wait 34998
  > wait 1
  A: joined gen=2 id=A1 leader=A1 protocol=range members=A1:a,C1:c
  C: joined gen=2 id=C1 leader=A1 protocol=range
`))

test('static: the rebalance timeout removes none of them', () =>
  transcript(`
  > join A instance=i rebalance=10000
  > join B instance=j rebalance=10000
  > wait 300
  A: joined gen=1 id=A1 leader=A1 protocol=range members=A1:a,B1:b
  B: joined gen=1 id=B1 leader=A1 protocol=range
  > sync A instance=i A=p0 B=p1
  A: assigned p0
  > sync B instance=j
  B: assigned p1
  > join A instance=i rebalance=10000
  > wait 10000
  A: joined gen=2 id=A1 leader=A1 protocol=range members=A1:a,B1:b
  > sync A instance=i A=p0 B=p1
  A: assigned p0
  > beat B instance=j
  B: beat ILLEGAL_GENERATION
  > join B id=none instance=j
  B: joined gen=2 id=B2 leader=A1 protocol=range
  > sync B instance=j
  B: assigned p1
`))

test('static: an operator takes one out by its instance id', () =>
  transcript(`
  ${STATIC_PAIR}
  > beat A instance=i hold=2000
  > leave instance=j
  A: beat REBALANCE_IN_PROGRESS
  j: left NONE
  > leave instance=j
  j: left UNKNOWN_MEMBER_ID
  > leave B instance=i
  B: left FENCED_INSTANCE_ID
`))

test('after a restart the group is as it was stored, with sessions that begin anew', () =>
  transcript(`
  ${STATIC_PAIR}
  > wait 40000
  > restart
  > state
  Stable gen=1 members=2 A1=p0 B1=p1
  > wait 44999
  > beat A instance=i hold=2000
  > wait 1
  A: beat REBALANCE_IN_PROGRESS
  > join A instance=i
  A: joined gen=2 id=A1 leader=A1 protocol=range members=A1:a
  > leave A
  A: left NONE
  > restart
  > state
  Empty gen=3 members=0
`))
