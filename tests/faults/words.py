"""What docs/faults.md says beside its figures: how they are made, what was found and mended, what each line of the matrix is worth."""

from shared import topics
from tests.faults.campaign import FRONT_S, SENDING_S, SETTLE_S
from tests.faults.invariants import WITHIN_S
from tests.faults.struck_events import POISONED

HEAD = """\
# Faults

Written by `make faults-long` out of `faults.json`, which keeps every campaign that was ever put into it; what a campaign did not
record itself was completed by hand, and is named as such below. Real processes (broker, PostgreSQL, ingest, the three workers, the
APIs at which officers work, and clients with fsynced journals of every 2xx) are struck at random moments under load from the simulator;
after every few faults everything is healed, must come to rest by itself, and is held against the invariants. Tests show the presence
of faults, never their absence: with N cycles and no violation, the chance of one per cycle is below 3/N with 95 % confidence, for these
kinds of fault on this machine, and if faults are taken for independent. All faults of a round, some thirty, are judged by one check at
its end, so that a bound by rounds stands beside it.
"""

NOT_NONE = """\
A round that could not be begun or finished counts against the sums, whichever fault it was; with violations the bound is the
Poisson one (4.74/N for one round)."""

COLUMNS = """\
*ended*: `finished` with all that was asked for, by `time`, by a `violation` that let no round be finished, `stopped` from
outside (the round under way is in no number, and was not checked).
*commands*: of officers, answered 2xx.
*looks*: how often positions could be read, at best after each fault and in each check. A dash: not recorded."""

SINCE_HEALED = {"front_s": "The first event that was waiting was taken", "sending_s": "Phones and officers were done"}

HANDS = "Fields of `faults.json` that these campaigns did not record, and whence they are."
NO_SINCE = "A violation is not mended yet (its campaign names no commit that did): there is no sum of present campaigns."

PRESENT_CHECKS = LOOKS_WIDER = "2026-12-01 02:24 UTC"
"""Campaigns that began at this moment or after it were held against checks as strong as the present ones, but for what the reason below
tells; moved when checks are strengthened again, and the reason with it. Since then the invariants look at ingest as at the workers, and at
references."""

DEATHS_RECORDED = "2026-11-30 17:00 UTC"
"""Since then it is recorded where processes died."""

FIFTH_KEPT_BACK = "2026-12-01 05:45 UTC"
"""Since then a fifth of a round's load is sent when all is healed."""

WHY_PRESENT = f"""\
Within that sum, in campaigns begun before {FIFTH_KEPT_BACK}, hardly anything was left to be sent when all was healed, so that nobody saw
whether the front door takes anything again within its minute (I8); how many rounds saw it is told below. Before the sum invariants looked
at less (I1, I3, I5, I6, I7, below); before 2026-11-30 22:30 UTC I5 did not look at what lies last, and before 22:10 UTC strikes did not
prove themselves; before 17:00 UTC the officers' APIs were killed at no boundary of a command and never frozen, officers were at work in
the first half minute of a round only, and where processes died was not recorded; before 02:50 UTC of that day nobody looked whether work
reports are on their topic (I1) and whether a request's trail was lost (I3); before 01:15 UTC no officers worked in the house; and before
2026-11-29 22:45 UTC I3 to I7 saw less, frozen workers came back early, and three brokers had no controllers of their own (below)."""

_READ = {topic.name for read in topics.CONSUMES.values() for topic in read}

AFTERWARDS = f"""\
## What long campaigns found, and where it was mended

- A worker that met a broker which had just started was given no lanes, and asked again only when its metadata was five minutes old:
  `shared/pump.py` gives lanes by the declared number of partitions (8edb05f; seed 20261201: payroll in round 15, geofence in 18).
- Round 23 of the same campaign could not be checked: the harness' own disk of 800 MB was full of an hour's data (e53f37b).
- A machine whose clock is an hour or more ahead could publish nothing, since a broker refuses records dated so: the broker dates them
  now (`shared/kafka.py`, c89273a); found with every service by a clock of its own, one of them a day ahead, in a trial whose
  figures were not kept: it is in no sum of this page.
- A reader of reference data that heard nothing more, or could not end, kept ingest from the newest people for three minutes: it is
  replaced now (`shared/reference.py`, 91b4598; seed 20261205, round 16; the other rounds of that run held).
- A worker behind a backlog unpacked all that the broker gave it, a MiB packed of each partition: in a soak of two hours (85d576d, 10:13
  to 12:41 UTC), which reached 262/s of 300 beside campaigns on the same cores, schedule's memory rose from 278 to 886 MiB. It takes
  16,384 messages at once at most now, and 128 KiB of a partition (`shared/pump.py`; 2,048 and 256 KiB at first, 55918bb). With the first
  bounds geofence before 149,000 waiting check-ins held 129 MiB instead of 478 (`tests/integration/streaming/test_delivery.py`).
- The soak after that (55918bb, 300/s but for its busiest minutes): schedule rose from 165 to 189 MiB in twelve minutes, more than the slope
  allows, and all three workers lost their sessions at the same seconds, ten times, some five minutes apart as the played days were. The
  harness, through whose proxies they reach the broker, planned 43,200 people in one piece for longer than a session lasts. It plans in a
  thread now (`services/simulator/agenda.py: planned`). In the soak of this page no worker had lost a lane when their logs were looked at
  after 1.3 hours, and schedule rose by 20 MiB after the first tenth. Beside it: reading, linting, unit tests with the lowest priority;
  integration tests while it settled, which is not in the series. In its first half hour, while environments were set up beside it, the
  rate fell to 293/s.
- A worker that was given its lanes just before the broker went away for a minute stood for ever when it came back: where to go on was
  known only after 68 s, and Faust waits for that as long as for a request (40 s there). To mode, on which Faust stands, a wait that has
  timed out is the end of the service, so that the task that resumes the flow after every rebalance ended for good; and since the worker
  was just starting, nobody watched yet whether the pump brings anything. Faust's wait has no end now but the next rebalance, and the
  watch begins before the pump (`shared/pump.py`, `shared/streaming.py`, 9fc7a4f; seed 20261303, round 2, 315 months without their last
  check-ins until payroll was killed in round 3; `tests/integration/streaming/test_trouble.py` holds a table for 42 s). A database that
  is away for so long while a worker starts would have done the same.
- The API refused a command that it had carried out itself: a decision, a withdrawal, a step of the ladder or of a roster whose answer
  was lost with the process was "decided already" when it was given again with its key (76fd9a9, found while officers were written).
- What was found in seed 20261302, round 2, was the harness': Hadir's own proposal of an outage grew while it was looked at (be70b0a).
- A standby that was away while the primary was killed and came back found that the WAL it needed was gone: PostgreSQL answered no commit
  any more for want of a second copy, and Hadir none of its own, as it must. That was the harness': its house keeps WAL now (78ee38e; seed
  20261406, round 3). Its message, a command that was "in progress" for five minutes, led by
  reading to a mistake of the API: a session of its pool that had not answered when a command's lock was asked for or given back was
  kept, and the lock with it, so that the same key would have been refused for as long as the process lived (4084d21).
- What no campaign had struck was found by reading (2026-11-30, after the campaigns of d13dda5). A worker whom the broker refused
  its group while it joined stood for ever, since Faust never asks aiokafka for such an error (5e0e296; `test_ownership.py`). Work
  on a database whose machine vanished without a word waited for it twice, four minutes (a053396; `test_lanes.py`). The producer
  of a relay that had lost its database went on trying behind its successor, so that an old state could come last on a compacted
  topic (aecbf21, 15bb662; `test_relay.py`). A loader of references that had lost its lock set their position back (1932a8f), and
  the end of a rebalance between two looks of the watch ended a worker (01b30ac). Those are mended; campaigns begun after 10:10
  UTC ran with it. Later that day: `wait_for` of Python 3.11 swallowed a cancellation at the moment in which it was woken, so that
  loops of a relay or a chore went on (6275e6c); gates of officers' changes were asked with all lanes held (c1113d9 to 0cfc7ae); an
  outage that nobody decided for three days was taken back (41b87f6).
- An API that had no file descriptor left called the rules of approval, a file of its own that it reads when they are first asked for,
  unreadable, and refused an employee's request for good (80871ed; seed 20261601, round 3, the first campaign in which officers were at work
  all round long). In the same way geofence would have taken a time zone that it could not read for an unknown one, and have gone by
  Western time. What a machine cannot read at the moment is an outage now, and is tried again.
- The first soak (7176ced, 06:47 to 08:49 UTC) sent 160/s of 300, as its load paused between provinces (34c9764), and ingest's descriptors
  rose by 4.4 an hour in it, of at most 4, to 24.

## Where each line of the matrix is tried

| line | where |
|---|---|
| F1 to F8, F10 to F12, F14, F16, F22 | at random in the campaigns; F5 and the failover: `--house three` |
| F1, F6: in every `make faults` too | `tests/faults/test_kills.py`; `test_standby.py` (failover, and its control that loses) |
| F5, failover: in every `make faults` too | `tests/faults/test_campaigns.py`: three brokers and a standby |
| F2, F18: a kill at every named boundary of runtime, relay and ingest | `test_failpoints.py` in `tests/integration/streaming`, `…/ingest` |
| F9: clocks | `make faults-long ARGS="--house clocks"` |
| F12: poison | `tests/integration/test_poisoned_topics.py`, `test_poisoned_requests.py` (path, query, body), `…/ingest/test_refusing.py` |
| F13: this version and that of a named commit | `tests/faults/test_rolling.py`, in the campaigns; the commit: `…/previous.py` |
| F15: replay | `tests/e2e/test_replay.py` |
| F16: records that the broker no longer has; F17: offsets ahead | `tests/integration/streaming/test_delivery.py` |
| F19: rules, rosters, leaves changed meanwhile | `tests/unit/test_oracle_agrees.py`, `tests/integration/schedule/test_days.py` |
| F20: late events after the close, and while it is signed | `…/test_month_end.py`, `…/payroll/test_racing_signatures.py` |
| F21: a burst of ten times what is sustained | `hadir bench backpressure`, `window-close` |
| F23: an old backup, a cut dump | `tests/integration/backup/` |
| F24: mutants | `tests/faults/test_mutants.py`, in the whole house; each with its fault and what it is found out by: `docs/mutants.md` |

The version before is what was delivered last with other tables than ours. The failover's control, which is asynchronous and
loses commits, writes to a table of its own (`paid`): it shows what PostgreSQL does, and nothing of Hadir.

What is struck or looked at more weakly than the matrix says:

- What runs meanwhile: check-ins, work reports and the clock, a day of one month a round; in campaigns begun after 2026-11-30 01:15 UTC
  also officers, at the APIs of schedule and payroll (`tests/faults/officers.py`): requests decided, rejected and withdrawn, findings taken
  back, and of the round before rosters, rule packs and ceilings changed and changed back, its month closed, and duty travel granted after
  that. All they do is known beforehand or turned back, so that the truth stays the simulator's. Monitor, canaries, sink and the APIs of
  geofence and reports are not in the house; a province's people all live by one clock, which is played.
- F1: the matrix has 1,000 kills of each service; the table above says how many there were.
- F15: hashes of verdicts, days as judged and as priced (each line's code and percent), violations and steps, and sums of the ledger by
  month: not each of its entries, of which a rebuilt database makes fewer.
- F3 in campaigns begun before 2026-11-29 22:45 UTC: frozen for 1.2 to 2 sessions; since then for 2 to 2.2. F4: `make faults` strikes no
  minute without a broker, `make faults-long` does.
- F2 in campaigns: a point that is not met twice gives way to one of the first ten statements of a service's start; how often which was met
  is told above. The APIs of officers die at the boundaries of a command. In campaigns begun before 2026-11-30 17:00 UTC they did not, and
  they were never frozen (F3). They are never of the version before (F13).
- F5 in campaigns begun before 2026-11-29 22:45 UTC: three nodes were brokers and controllers at once, so that two of them took the
  controllers' quorum with them, and a controller that was killed was a broker too. Since then three controllers stand beside three brokers;
  two brokers die beside a quorum that lives and says so, and ("kill two of three") with two controllers, which `make faults` does not do.
  "The active controller" was, in campaigns begun before 19:00 UTC, the one that the cluster names to clients, which is any broker that
  lives; since then it is the one that leads.
- F7: data and WAL of PostgreSQL share one disk; no service's own temporary files. F8: no loss of packets, since a proxy of TCP has none;
  only between services and their servers: not from the phones to ingest, not among brokers, not from primary to standby.
- F9: a clock jumps when its service is started anew, never while it runs; no leap second. That all clocks are apart counts as one a round.
  In campaigns begun before 2026-11-29 23:00 UTC libfaketime starved the services' threads beside it, and one clock ran half as fast again.
- F10: what comes late are repeats, and nothing is of the future. F11 in campaigns begun before 2026-11-29 22:45 UTC: 409, and the first
  stood, but ingest wrote no audit record. It writes one for an id, of the first other statement: in whose name, under which id, when. Who
  sent it is not in it, as ingest knows no callers, nor is what was said.
- F12: {len(POISONED)} of the {len(_READ)} topics that services read, of {len(topics.TOPICS)} in all. The whole corpus of all of them is
  given to the sink's function that makes rows (`tests/unit/sink/test_files.py`), and to no rebuild. That good records keep their pace
  beside bad ones is not measured.
- F12 in campaigns begun before 2026-11-29 19:00 UTC: a number stood behind four of five bad records, and whatever their kind made broken
  JSON of them; and for which reason they were buried was not looked at.
- F14: two workers more that come and go, not half an hour of it, and never more workers than lanes.
- F20: raced in payroll's own code on a database, without a broker. F21: by hand, with the benches. F22: being killed for memory is a
  kill -9, as in F1. F23: no inbox is emptied.
- I3: of the ledger's lines those of a day; cap, rounding and supplements only as parts of their sum (I4).
- I4: people of the round that is checked, and in campaigns begun after 2026-11-29 19:00 UTC those of one earlier round, in turn (and
  where officers are, of the round before). All others, who stay in the house, are held against their ledger and the topics (I5) only.
- I5: located check-ins, assessed days, violations, ledger lines, months and (where officers are) corrections. Every field that both keep
  is compared (`_TABLES` in `invariants.py`); tables keep neither a violation's unit, pack, source and evidence nor a ledger line's
  source. In campaigns begun before 2026-11-29 22:20 UTC it was the version and two or three fields of each.
- I5 folds reference data (nine compacted topics) for its order and its versions, in campaigns begun after {LOOKS_WIDER}: what it
  says is not held against the tables. Before that, months were the only compacted topic that was folded.
- I5 leaves out corrections that Hadir itself proposes (outages), since they change while one looks.
- I5: what is told of a version again must say the same, and on a compacted topic the newest version must lie last: what a relay
  repeats lies before it. A relay that was frozen in the middle of sending may break that (README, limits), and it counts as a violation
  all the same. Campaigns begun before 2026-11-30 22:30 UTC compared the newest version only, and did not look at what lies last.
- I8: the matrix says 60 s after all is healed. The clock of the lag starts only when phones and officers are done, for which they have
  {SENDING_S:.0f} s: in campaigns begun after 2026-11-30 22:30 UTC how long that took is recorded, and the front door must answer the first
  2xx within {FRONT_S:.0f} s after all is healed if anything is still to be sent. Before {FIFTH_KEPT_BACK} hardly anything ever
  was, since strikes took longer than the load. After the lag of check-ins is gone, the days and the month are closed; that is no part of
  the {WITHIN_S:.0f} s, and nothing bounds it as a whole: a round fails when nothing moves for {SETTLE_S:.0f} s, or when its months are
  not frozen {SETTLE_S:.0f} s after its days were closed.
- In campaigns begun before {LOOKS_WIDER} nothing of ingest was looked at but its receipts and its check-ins and
  reports: neither its numbers, its references and its dead letters (I6, I7) nor whether its audit records of contested ids are on the
  topic (I1; F11 found them in its outbox). I6 saw of no service how far it had read references, and I3 compared violations with their
  days by kind and code, not by minutes.
- I6: an old epoch is known by the name of its process, so that of two lives of one worker, one after the other, it cannot tell.
- I6: that no position is moved by an old epoch, and I3: that violations in force are those of their days, in campaigns begun after
  2026-11-29 22:20 UTC. (That a worker ends when its epoch is old: `test_ownership.py` and the simulation; this does not see it.)

Each strike proves what it did or is not counted, in campaigns begun after 2026-11-30 22:10 UTC: who was killed ended of that signal, who
was frozen was found standing still for as long as it was to, a disk refused a write of the harness, a road held something back or reset a
connection, a service without descriptors logged that it was refused one. A campaign says how many strikes struck nothing, and is no
success if a fault was tried three times or more and never struck. Before that only some were not counted (a kill of a service that was down
already, no record to repeat, ingest not there to refuse another body, no connection through a road), and before 2026-11-29 15:50 UTC all
were; how many of them struck nothing is not known. **Of F22 it was most**: while connections are pooled a lower limit alone meets
nothing, and in twelve strikes looked at no service had been refused a descriptor. It must connect to its database anew meanwhile now.

## What was checked

| name | what must hold |
|---|---|
| I1 | every id answered 2xx has its receipt, is on the topic and with those who judge by it; commands and contested ids in the audit |
| I2 | nothing stands behind the front door that no client sent |
| I3 | violations in force are those that days found, corrections those decided, each once; no charge twice in force, none twice reversed |
| I4 | every day, month and rupiah is as the simulator's own truth says; every total is the sum of its ledger |
| I5 | the topics, folded to their newest versions, are what the tables say; no version is missing or told otherwise, none old lies last |
| I6 | positions, epochs and outbox numbers never went back, whenever looked at (after each fault); no old epoch commits; no hole |
| I7 | every bad record placed on a topic lies in the dead letters byte for byte, for the reason that makes it bad; no good one does |
| I8 | without a human hand something is taken {FRONT_S:.0f} s after all is healed, and the lag gone {WITHIN_S:.0f} s after the load ends |
| I10 | every ledger entry bears out its hash, recomputed by the harness |

Every `make faults` strikes one fault of each of F1 to F4, F6 to F8, F10 to F12, F14, F16 and F22 on one house and all but one of F5 on
another (F9 has a house of its own, `make faults-long ARGS="--house clocks"`; without it `make faults-long` has the other two houses, and no
soak), and shows each of these invariants damage that was planted, for
each clause but the front door's minute of I8 (`tests/unit/faults/test_campaign.py` has that): each must find it
(`tests/faults/test_campaigns.py`, `planted.py`). It draws by the same seed each time; `HADIR_FAULT_SEED`
draws others.

So are services that lack a guarantee: one after the other a real service is started with fencing, dedupe, the position in the transaction
of the results, the order of the relay, retraction or the cap switched off, or as the textbook agent (which acknowledges ahead, goes on from
Kafka's offset and looks for no holes), and struck by the fault that it is there for. The invariant that [mutants.md](mutants.md) names
for it must say so, and with all of them on nothing may be found.

F13 lets the version before (a commit named in `tests/faults/previous.py`, out of the repository's history) do a service's work beside
this version and alone, on this version's tables. The whole way, from its tables through the migrations under load to this version and
back by one service, is `tests/faults/test_rolling.py`, in every `make faults`.

I9 (memory, descriptors, connections, disk) is looked at by the soak, where one was run; how much each may rise is in
`tests/faults/soak.py`. The APIs are not in its house; PostgreSQL's memory is bound by its slope alone, since each of its processes counts
the buffers that it has touched. A power cut of the machine is not among the faults: `kill -9` leaves the kernel's caches alone.
"""
