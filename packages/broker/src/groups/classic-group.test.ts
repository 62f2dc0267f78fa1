import test from 'node:test'
import { transcript } from './testing/transcript.ts'

test('the first member is given an id, then waits for others before the first generation', () =>
  transcript(`
  > join A
  A: join MEMBER_ID_REQUIRED id=A1
  > state
  Empty gen=0 members=0
  > join A
  > state
  PreparingRebalance gen=0 members=1 A1=
  > wait 99
  > wait 1
  A: joined gen=1 id=A1 leader=A1 protocol=range members=A1:a
  > state
  CompletingRebalance gen=1 members=1 A1=
  > sync A A=p0,p1 type=consumer protocol=range
  A: assigned p0,p1
  > state
  Stable gen=1 members=1 A1=p0,p1
  > beat A
  A: beat NONE
`))

test('before version 4 a member joins at once and is told its id with the generation', () =>
  transcript(`
  > join A v=3
  > wait 100
  A: joined gen=1 id=A1 leader=A1 protocol=range members=A1:a
`))

test('the first generation waits longer while members arrive, each time twice as long', () =>
  transcript(`
  > arrive A
  > wait 90
  > arrive B
  > wait 10
  > wait 150
  > arrive C
  > wait 50
  > wait 399
  > wait 1
  A: joined gen=1 id=A1 leader=A1 protocol=range members=A1:a,B1:b,C1:c
  B: joined gen=1 id=B1 leader=A1 protocol=range
  C: joined gen=1 id=C1 leader=A1 protocol=range
`))

test('the first generation waits no longer than the rebalance timeout', () =>
  transcript(`
  > arrive A rebalance=250
  > wait 90
  > arrive B rebalance=250
  > wait 100
  > arrive C rebalance=250
  > wait 59
  > wait 1
  A: joined gen=1 id=A1 leader=A1 protocol=range members=A1:a,B1:b,C1:c
  B: joined gen=1 id=B1 leader=A1 protocol=range
  C: joined gen=1 id=C1 leader=A1 protocol=range
`))

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

test('a second member joins: the others hear of it by heartbeat, and the leader stays', () =>
  transcript(`
  > arrive A
  > wait 100
  A: joined gen=1 id=A1 leader=A1 protocol=range members=A1:a
  > sync A A=p0,p1
  A: assigned p0,p1
  > arrive B
  > beat A
  A: beat REBALANCE_IN_PROGRESS
  > sync A
  A: sync REBALANCE_IN_PROGRESS
  > join A
  A: joined gen=2 id=A1 leader=A1 protocol=range members=A1:a,B1:b
  B: joined gen=2 id=B1 leader=A1 protocol=range
  > beat B
  B: beat NONE
  > sync A A=p0 B=p1
  A: assigned p0
  > sync B
  B: assigned p1
  > state
  Stable gen=2 members=2 A1=p0 B1=p1
`))

test('a member that was given an id and does not come keeps the others waiting until its session is over', () =>
  transcript(`${TWO_MEMBERS}
  > join C session=10000
  C: join MEMBER_ID_REQUIRED id=C1
  > arrive D
  > join A
  > join B
  > wait 9999
  > wait 1
  A: joined gen=2 id=A1 leader=A1 protocol=range members=A1:a,B1:b,D1:d
  B: joined gen=2 id=B1 leader=A1 protocol=range
  D: joined gen=2 id=D1 leader=A1 protocol=range
  > join C
  C: join UNKNOWN_MEMBER_ID id=C1
`))

test('a member that was given an id may leave before it joins', () =>
  transcript(`${TWO_MEMBERS}
  > join C
  C: join MEMBER_ID_REQUIRED id=C1
  > arrive D
  > join A
  > join B
  > leave C
  A: joined gen=2 id=A1 leader=A1 protocol=range members=A1:a,B1:b,D1:d
  B: joined gen=2 id=B1 leader=A1 protocol=range
  D: joined gen=2 id=D1 leader=A1 protocol=range
  C: left NONE
`))

test('the leader leaves: the next in line leads', () =>
  transcript(`${TWO_MEMBERS}
  > beat B hold=2000
  > leave A
  B: beat REBALANCE_IN_PROGRESS
  A: left NONE
  > join B
  B: joined gen=2 id=B1 leader=B1 protocol=range members=B1:b
  > sync B B=p0,p1
  B: assigned p0,p1
`))

test('the last member leaves: the group is empty, in a generation of its own', () =>
  transcript(`${TWO_MEMBERS}
  > leave A
  A: left NONE
  > leave B
  B: left NONE
  > state
  Empty gen=2 members=0
  > beat B
  B: beat UNKNOWN_MEMBER_ID
  > join B
  B: join UNKNOWN_MEMBER_ID id=B1
  > leave B
  B: left UNKNOWN_MEMBER_ID
  > sync B
  B: sync UNKNOWN_MEMBER_ID
`))

test('a follower is lost: its session ends, the others rebalance', () =>
  transcript(`${TWO_MEMBERS}
  > wait 40000
  > beat A
  A: beat NONE
  > wait 4999
  > beat A hold=2000
  > wait 1
  A: beat REBALANCE_IN_PROGRESS
  > join A
  A: joined gen=2 id=A1 leader=A1 protocol=range members=A1:a
  > beat B
  B: beat UNKNOWN_MEMBER_ID
`))

test('a loop that stalled does not end the sessions of members whose heartbeats wait in the sockets', () =>
  transcript(`${TWO_MEMBERS}
  > wait 30000
  > stall 60000
  > beat A
  A: beat NONE
  > state
  Stable gen=1 members=2 A1=p0 B1=p1
  > wait 45000
  > state
  Empty gen=2 members=0
`))

test('a dynamic member that does not rejoin in the rebalance timeout is out; a late one is not known', () =>
  transcript(`${TWO_MEMBERS}
  > arrive C
  > join A
  > wait 30000
  > beat B
  B: beat REBALANCE_IN_PROGRESS
  > wait 29999
  > wait 1
  A: joined gen=2 id=A1 leader=A1 protocol=range members=A1:a,C1:c
  C: joined gen=2 id=C1 leader=A1 protocol=range
  > join B
  B: join UNKNOWN_MEMBER_ID id=B1
`))

test('the leader does not rejoin in time: the first member that did leads', () =>
  transcript(`${TWO_MEMBERS}
  > arrive C
  > join B
  > wait 44000
  > beat A
  A: beat REBALANCE_IN_PROGRESS
  > wait 16000
  B: joined gen=2 id=B1 leader=B1 protocol=range members=B1:b,C1:c
  C: joined gen=2 id=C1 leader=B1 protocol=range
`))

test('sessions do not end while members wait in join or sync', () =>
  transcript(`
  > arrive A session=6000
  > arrive B session=6000
  > wait 300
  A: joined gen=1 id=A1 leader=A1 protocol=range members=A1:a,B1:b
  B: joined gen=1 id=B1 leader=A1 protocol=range
  > sync B
  > wait 5000
  > beat A
  A: beat NONE
  > wait 5000
  > sync A A=p0 B=p1
  A: assigned p0
  B: assigned p1
  > wait 3000
  > beat A
  A: beat NONE
  > arrive C
  > join B
  > wait 5999
  > wait 1
  B: joined gen=2 id=B1 leader=B1 protocol=range members=B1:b,C1:c
  C: joined gen=2 id=C1 leader=B1 protocol=range
`))

test('members that do not ask for their assignment in the rebalance timeout are out', () =>
  transcript(`
  > arrive A session=1800000 rebalance=10000
  > arrive B session=1800000 rebalance=10000
  > wait 300
  A: joined gen=1 id=A1 leader=A1 protocol=range members=A1:a,B1:b
  B: joined gen=1 id=B1 leader=A1 protocol=range
  > sync B
  > wait 9999
  > wait 1
  B: sync REBALANCE_IN_PROGRESS
  > state
  PreparingRebalance gen=1 members=1 B1=
  > join B
  B: joined gen=2 id=B1 leader=B1 protocol=range members=B1:b
`))

test('a follower rejoins: unchanged it is told its generation, with other metadata all rebalance', () =>
  transcript(`${TWO_MEMBERS}
  > join B
  B: joined gen=1 id=B1 leader=A1 protocol=range
  > join B protocols=range:b2
  > state
  PreparingRebalance gen=1 members=2 A1=p0 B1=p1
  > join A
  A: joined gen=2 id=A1 leader=A1 protocol=range members=A1:a,B1:b2
  B: joined gen=2 id=B1 leader=A1 protocol=range
  > join B protocols=range:b2
  B: joined gen=2 id=B1 leader=A1 protocol=range
  > join A
  A: joined gen=2 id=A1 leader=A1 protocol=range members=A1:a,B1:b2
  > sync A A=p0 B=p1
  A: assigned p0
  > join B protocols=range:b3
  > join A
  A: joined gen=3 id=A1 leader=A1 protocol=range members=A1:a,B1:b3
  B: joined gen=3 id=B1 leader=A1 protocol=range
  > sync B
  > join B protocols=range:b4
  B: sync REBALANCE_IN_PROGRESS
`))

test('the leader rejoins: all rebalance, whatever it says', () =>
  transcript(`${TWO_MEMBERS}
  > join A
  > beat B
  B: beat REBALANCE_IN_PROGRESS
  > join B
  A: joined gen=2 id=A1 leader=A1 protocol=range members=A1:a,B1:b
  B: joined gen=2 id=B1 leader=A1 protocol=range
`))

test('a join that is asked again on a new connection: the old one is answered, the new one waits', () =>
  transcript(`${TWO_MEMBERS}
  > join A
  > join A
  A: join REBALANCE_IN_PROGRESS id=A1
  > join B
  A: joined gen=2 id=A1 leader=A1 protocol=range members=A1:a,B1:b
  B: joined gen=2 id=B1 leader=A1 protocol=range
`))

test('cooperative rebalancing is two generations, and the broker only carries the bytes', () =>
  transcript(`
  > arrive A protocols=cooperative-sticky:owns-nothing
  > wait 100
  A: joined gen=1 id=A1 leader=A1 protocol=cooperative-sticky members=A1:owns-nothing
  > sync A A=p0,p1
  A: assigned p0,p1
  > beat A hold=2000
  > arrive B protocols=cooperative-sticky:owns-nothing
  A: beat REBALANCE_IN_PROGRESS
  > join A protocols=cooperative-sticky:owns-p0+p1
  A: joined gen=2 id=A1 leader=A1 protocol=cooperative-sticky members=A1:owns-p0+p1,B1:owns-nothing
  B: joined gen=2 id=B1 leader=A1 protocol=cooperative-sticky
  > sync A A=p0 B=
  A: assigned p0
  > sync B
  B: assigned nothing
  > join A protocols=cooperative-sticky:owns-p0
  > beat B
  B: beat REBALANCE_IN_PROGRESS
  > join B protocols=cooperative-sticky:owns-nothing
  A: joined gen=3 id=A1 leader=A1 protocol=cooperative-sticky members=A1:owns-p0,B1:owns-nothing
  B: joined gen=3 id=B1 leader=A1 protocol=cooperative-sticky
  > sync A A=p0 B=p1
  A: assigned p0
  > sync B
  B: assigned p1
`))

test('protocols: all must share one, the most votes win, other types are refused', () =>
  transcript(`
  > join A v=3 type=
  A: join INCONSISTENT_GROUP_PROTOCOL
  > join A v=3 protocols=range,sticky,roundrobin
  > join B v=3 protocols=sticky,roundrobin
  > join C v=3 protocols=roundrobin,sticky
  > join D v=3 protocols=other
  D: join INCONSISTENT_GROUP_PROTOCOL
  > join D v=3 type=connect protocols=sticky
  D: join INCONSISTENT_GROUP_PROTOCOL
  > wait 300
  A: joined gen=1 id=A1 leader=A1 protocol=sticky members=A1:a,B1:b,C1:c
  B: joined gen=1 id=B1 leader=A1 protocol=sticky
  C: joined gen=1 id=C1 leader=A1 protocol=sticky
  > sync A A=p0 type=connect
  A: sync INCONSISTENT_GROUP_PROTOCOL
  > sync A A=p0 protocol=range
  A: sync INCONSISTENT_GROUP_PROTOCOL
  > sync A A=p0 gen=2
  A: sync ILLEGAL_GENERATION
  > beat A gen=0
  A: beat ILLEGAL_GENERATION
  > beat A id=A9
  A: beat UNKNOWN_MEMBER_ID
`))

test('an empty group may become one of another type', () =>
  transcript(`
  > join A v=3
  > wait 100
  A: joined gen=1 id=A1 leader=A1 protocol=range members=A1:a
  > leave A
  A: left NONE
  > join B v=3 type=connect protocols=sessioned
  > wait 100
  B: joined gen=3 id=B1 leader=B1 protocol=sessioned members=B1:b
`))

test('a group has at most group.max.size members', () =>
  transcript(
    `
  > join A v=3
  > join B v=3
  > join C v=3
  C: join GROUP_MAX_SIZE_REACHED
  > wait 300
  A: joined gen=1 id=A1 leader=A1 protocol=range members=A1:a,B1:b
  B: joined gen=1 id=B1 leader=A1 protocol=range
  > join C
  C: join GROUP_MAX_SIZE_REACHED
  > sync A
  A: assigned nothing
  > join A
  > leave B
  A: joined gen=2 id=A1 leader=A1 protocol=range members=A1:a
  B: left NONE
  > join C v=3
  > state
  PreparingRebalance gen=2 members=2 A1= C1=
`,
    { maxSize: 2 },
  ))
