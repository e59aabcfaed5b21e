"""What must hold when everything has come to rest (I1 to I8, I10): each a function that returns sentences, [] when it holds."""

import contextlib
import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from services.ingest.conflicts import ACTION
from services.payroll.store.balance import balance
from services.schedule.rules.workflow import SYSTEM
from services.simulator.comparing import compare
from services.simulator.province import Province
from services.simulator.settled import Observer
from shared import topics
from shared.envelope import derived_id
from shared.events import DayAssessed
from shared.topics import Topic
from tests.faults.decided import Decided, facts_otherwise, travels_otherwise
from tests.faults.feed import FOLDED, Feed
from tests.waiting import until

MOST_SHOWN = 5
WITHIN_S = 60.0
"""I8: the lag is gone so long after everything was healed."""

_EXCUSED = ("LEAVE", "SICK", "IZIN")
"""Kinds of findings that are no violations."""


@dataclass
class Poison:
    """Bad records that were put on topics on purpose, by where they came to lie, and why they are bad; `doubtful`: all that were sent."""

    placed: dict[tuple[str, int, int], bytes] = field(default_factory=dict)
    reasons: dict[tuple[str, int, int], str] = field(default_factory=dict)
    doubtful: set[bytes] = field(default_factory=set)
    contested: set[str] = field(default_factory=set)
    """Ids that were accepted, and under which another statement was refused."""


@dataclass
class Positions:
    """Where services stood whenever they were looked at, and every step back."""

    newest: dict[tuple[str, ...], int] = field(default_factory=dict)
    backwards: list[str] = field(default_factory=list)
    looks: int = 0

    def take(self, seen: dict[tuple[str, ...], int]) -> None:
        """One look more."""
        self.looks += 1
        for place, value in seen.items():
            if value < self.newest.get(place, value):
                self.backwards.append(f"{' '.join(place)} went from {self.newest[place]} back to {value}")
            self.newest[place] = value


@dataclass
class Scene:
    """All that the invariants look at."""

    connection: Any
    observer: Observer
    province: Province
    accepted: set[str]
    sent: set[str]
    feed: Feed
    poison: Poison
    positions: Positions
    quiet_after_s: float
    decided: Decided = field(default_factory=Decided)


async def look_at_positions(connection: Any) -> dict[tuple[str, ...], int]:
    """Every epoch, offset and sequence number that may only rise."""
    seen: dict[tuple[str, ...], int] = {}
    for service in topics.SERVICES:  # ingest too: it has references, and a relay over all lanes
        for row in await connection.fetch(f"select topic, lane, epoch, next_offset from {service}.position"):
            seen[service, row["topic"], str(row["lane"]), "epoch"] = row["epoch"]
            seen[service, row["topic"], str(row["lane"]), "offset"] = row["next_offset"]
        for row in await connection.fetch(f"select topic, partition, next_offset from {service}.reference_position"):
            seen[service, row["topic"], str(row["partition"]), "reference offset"] = row["next_offset"]
        for row in await connection.fetch(
            f"select lane, out_seq, sent_seq from {service}.lane join {service}.relay_cursor using (lane)"
        ):
            seen[service, str(row["lane"]), "out_seq"] = row["out_seq"]
            seen[service, str(row["lane"]), "sent_seq"] = row["sent_seq"]
    return seen


def _short(what: str, found: Sequence[object]) -> list[str]:
    shown = ", ".join(str(item) for item in list(found)[:MOST_SHOWN])
    return [f"{len(found)} {what}: {shown}"] if found else []


async def i1_no_loss(scene: Scene) -> list[str]:
    """Every 2xx of the journal has a receipt, was recorded on the topic, and is in the inbox of whoever judges it, once.

    Commands, and other statements under accepted ids, are told on the audit topics.
    """
    known = {str(row[0]) for row in await scene.connection.fetch("select check_in_id from geofence.check_in")}
    reports = {str(row[0]) for row in await scene.connection.fetch("select report_id from schedule.work_report")}
    marks = {str(row[0]) for row in await scene.connection.fetch("select check_in_id from schedule.mark")}
    receipts = {str(row[0]) for row in await scene.connection.fetch("select id from ingest.receipt")}
    return [
        *_short("accepted ids in no inbox", sorted(scene.accepted - known - reports)),
        *_short("accepted ids without a receipt", sorted(scene.accepted - receipts)),
        *_short("accepted check-ins that never reached schedule", sorted((scene.accepted & known) - marks)),
        *_short("accepted check-ins that are not on the topic", sorted((scene.accepted & known) - scene.feed.recorded.keys())),
        *_short("accepted work reports that are not on the topic", sorted((scene.accepted & reports) - scene.feed.recorded.keys())),
        *_short("answered commands that are not on the audit topic", sorted(scene.decided.answered - scene.feed.recorded.keys())),
        *_short("contested ids that are not on the audit topic", await _untold_contests(scene)),
    ]


async def _untold_contests(scene: Scene) -> list[str]:
    """Ids under which another statement came, as who sent it knows or ingest has written down, and of which no audit record tells."""
    known = {str(row["id"]) for row in await scene.connection.fetch("select id from ingest.receipt where contested")}
    records = {str(derived_id(topics.AUDIT["ingest"], f"{ACTION}|{one}", 1)): one for one in known | scene.poison.contested}
    if records.keys() - scene.feed.recorded.keys():
        # All is at rest when the workers are: nobody has waited for the relay of ingest.
        with contextlib.suppress(AssertionError):
            await until(lambda: scene.connection.fetchval(_ALL_SENT_BY_INGEST), WITHIN_S)
        await scene.feed.catch_up()
    return sorted(records[record] for record in records.keys() - scene.feed.recorded.keys())


_ALL_SENT_BY_INGEST = "select not exists (select from ingest.lane join ingest.relay_cursor using (lane) where sent_seq < out_seq)"


async def i2_no_invention(scene: Scene) -> list[str]:
    """Every id behind the front door was sent by a client."""
    known = {str(row[0]) for row in await scene.connection.fetch("select check_in_id from geofence.check_in")}
    known |= {str(row[0]) for row in await scene.connection.fetch("select report_id from schedule.work_report")}
    return _short("ids that nobody sent", sorted(known - scene.sent))


async def i3_once(scene: Scene) -> list[str]:
    """Violations, charges and decisions are in force as they were found and made, each once; reversed at most once; marks are check-ins."""
    doubled = await scene.connection.fetch(
        "select employee_id, date, kind, code from schedule.violation where action = 'raised'"
        " group by 1, 2, 3, 4 having count(*) > 1"
    )
    twice = await scene.connection.fetch(
        "select employee_id, month, reverses from payroll.ledger where reverses is not null group by 1, 2, 3 having count(*) > 1"
    )
    in_force = await scene.connection.fetch(
        "select employee_id, date, code from payroll.ledger l where action = 'posted' and date is not null and not exists ("
        " select from payroll.ledger r where (r.employee_id, r.month, r.reverses) = (l.employee_id, l.month, l.number))"
        " group by employee_id, month, date, code, origin having count(*) > 1"
    )
    otherwise = await scene.connection.fetch(
        "select v.employee_id::text, v.date, v.code from schedule.violation v where v.action = 'raised' and not exists ("
        " select from schedule.assessment a, jsonb_array_elements(a.content -> 'findings') f"
        " where (a.employee_id, a.date, f ->> 'kind', f ->> 'code') = (v.employee_id, v.date, v.kind, v.code)"
        " and v.minutes is not distinct from (f ->> 'minutes')::int)"
        " union all"
        " select a.employee_id::text, a.date, f ->> 'code' from schedule.assessment a, jsonb_array_elements(a.content -> 'findings') f"
        " where f ->> 'kind' <> all($1::text[]) and not exists (select from schedule.violation v where v.action = 'raised'"
        " and (v.employee_id, v.date, v.kind, v.code) = (a.employee_id, a.date, f ->> 'kind', f ->> 'code')"
        " and v.minutes is not distinct from (f ->> 'minutes')::int)", _EXCUSED,
    )  # fmt: skip
    [counts] = await scene.connection.fetch(
        "select (select count(*) from geofence.check_in) as known, (select count(*) from schedule.mark) as marks"
    )
    odd = [] if counts["known"] == counts["marks"] else [f"{counts['known']} check-ins were judged, {counts['marks']} are marks"]
    return [
        *_short("violations raised twice", doubled), *_short("entries reversed twice", twice),
        *_short("charges in force twice", in_force), *_short("violations in force otherwise than the day has it", otherwise), *odd,
        *_short("corrections otherwise than decided", await facts_otherwise(scene.connection, scene.decided)),
    ]  # fmt: skip


async def i4_money(scene: Scene) -> list[str]:
    """Every day, month and rupiah of the province is as its truth says, and every total of the house is the sum of its ledger."""
    found = await compare(scene.province, scene.observer, lambda _done, _whole: None, scene.decided.travels)
    told = await balance(scene.connection, shown=MOST_SHOWN)
    wrong = [f"{found.differing} differences from the truth: {'; '.join(found.differences[:MOST_SHOWN])}"] if found.differing else []
    travels = await travels_otherwise(scene.connection, scene.decided, scene.province)
    return [*wrong, *_short("duty travels otherwise than right", travels), *_short("employee-months that do not balance", told.differences)]


async def i5_feed(scene: Scene) -> list[str]:
    """The topics, folded to their newest versions, are what the tables say, field by field; no version is missing or was told otherwise.

    What is repeated lies before the newest, since a relay repeats all that it is not sure of, up to there. Only one that was frozen may
    bring an old state last (README, limits); where a compacted topic would keep that, it counts all the same.
    """
    wrong = [f"{name}: {what}" for name, folded in scene.feed.folded.items() for what in folded.wrong]
    wrong += [f"{topic.name}: {what}" for topic in FOLDED if topic.compacted for what in scene.feed.folded[topic.name].old_at_the_end()]
    for topic, subject, query in _TABLES:
        newest = map(topic.event.model_validate, scene.feed.folded[topic.name].newest.values())
        # What Hadir proposes by itself grows by the minute of the real clock, also while this is looked at.
        told = {tuple(getattr(event, key) for key in subject): event for event in newest if getattr(event, "actor", None) != SYSTEM}
        rows = [row for row in map(_fields, await scene.connection.fetch(query)) if row.get("actor") != SYSTEM]
        stands = {tuple(row[key] for key in subject): row for row in rows}
        wrong += [f"{topic.name} {key}: only the {'table' if key in stands else 'topic'} knows it" for key in stands.keys() ^ told.keys()]
        wrong += [
            f"{topic.name} {key}: {name} is {value!r} in the table and {getattr(told[key], name)!r} on the topic"
            for key in stands.keys() & told.keys() for name, value in stands[key].items() if getattr(told[key], name) != value
        ]
    return _short("differences between topics and tables", sorted(wrong))


_TABLES: tuple[tuple[Topic[Any], tuple[str, ...], str], ...] = (
    (topics.CHECK_IN_LOCATED, ("check_in_id",), """
        select check_in_id, employee_id, version, mark, captured_at, received_at, site, site_id, site_distance_m, activity_site, region,
               region_id, quality, mock, evidence, reason_given
        from geofence.check_in"""),
    (topics.DAY_ASSESSED, ("employee_id", "date"), """
        select content::text as content, employee_id, date, version, state, status from schedule.assessment"""),
    (topics.VIOLATION, ("violation_id",), """
        select violation_id, employee_id, date, version, action, kind, code, minutes, assessment_version from schedule.violation"""),
    (topics.DEDUCTION, ("entry_id",), """
        select l.entry_id, l.employee_id, l.month, l.number, l.date, l.code, l.origin, l.action, l.percent, l.amount, l.month_version,
               l.policy_id, l.row_hash, r.entry_id as reverses
        from payroll.ledger l
        left join payroll.ledger r on (r.employee_id, r.month, r.number) = (l.employee_id, l.month, l.reverses)"""),
    (topics.TPP_MONTH, ("employee_id", "month"), """
        select employee_id, month, version, case when closed then 'CLOSED' else 'OPEN' end as state, raw_percent, percent, amount,
               ceiling, days_assessed, days_final, supplementary, of_wage
        from payroll.month where version > 0"""),
    (topics.CORRECTION, ("correction_id",), """
        select correction_id, version, kind, employee_id, org_unit_id, state, actor, decided_at, body::text as body from schedule.fact"""),
)  # fmt: skip
"""Topic, what tells its subjects apart, and its table with the names of the event; what a table does not keep (whose unit it was, the
source in law) cannot be held against it."""


def _fields(row: Any) -> dict[str, Any]:
    """What a row says of its event; a column `content` is the whole event, and the columns beside it stand above it; `body` is JSON."""
    columns = dict(row)
    content = columns.pop("content", None)
    if "body" in columns:
        columns["body"] = json.loads(columns["body"])
    return {**(dict(DayAssessed.model_validate_json(content)) if content else {}), **columns}


async def i6_offsets(scene: Scene) -> list[str]:
    """No position, epoch or sequence number went back, none was moved by an old epoch, no relay ran ahead, and no hole was left."""
    scene.positions.take(await look_at_positions(scene.connection))
    wrong = list(scene.positions.backwards)
    wrong += [
        f"{row['service']} {row['topic']} lane {row['lane']}: moved by {row['process']} when {row['claimed_by']} had claimed it"
        for row in await scene.connection.fetch("select * from witness.trespass")
    ]
    for service in topics.SERVICES:
        wrong += [
            f"{service} has published {row['sent_seq']} of {row['out_seq']} in lane {row['lane']}" for row in await scene.connection.fetch(
                f"select lane, out_seq, sent_seq from {service}.lane join {service}.relay_cursor using (lane) where sent_seq > out_seq"
            )
        ]  # fmt: skip
        wrong += [f"{service}: hole {dict(row)}" for row in await scene.connection.fetch(f"select * from {service}.gap")]
    return _short("steps back, or out of turn", wrong)


async def i7_dead_letters(scene: Scene) -> list[str]:
    """Every bad record lies in the dead letters of whoever reads it, byte for byte and for its reason, and nothing else does."""
    buried: dict[tuple[str, int, int], bytes] = {}
    reasons: dict[tuple[str, int, int], str] = {}
    for service in topics.SERVICES:
        for row in await scene.connection.fetch(f'select topic, partition, "offset", reason, value from {service}.dead_letter'):
            place = row["topic"], row["partition"], row["offset"]
            buried[place], reasons[place] = row["value"] or b"", row["reason"]
    missing = [place for place, raw in scene.poison.placed.items() if buried.get(place) != raw]
    ours = {*scene.poison.placed.values(), *scene.poison.doubtful}
    good = [place for place, raw in buried.items() if raw not in ours]
    otherwise = [f"{place} {reasons[place]}" for place, why in scene.poison.reasons.items() if reasons.get(place, why) != why]
    return [
        *_short("bad records not buried as they were", missing), *_short("bad records buried for another reason", otherwise),
        *_short("good records buried", good),
    ]  # fmt: skip


async def i8_liveness(scene: Scene) -> list[str]:
    """The lag was gone in time after everything was healed, without a human hand."""
    return [f"the lag was gone only {scene.quiet_after_s:.0f} s after all was healed"] if scene.quiet_after_s > WITHIN_S else []


async def i10_audit(scene: Scene) -> list[str]:
    """Every ledger entry bears out its hash, which stands on the one before: recomputed here, by nothing of the product's."""
    heads: dict[tuple[str, str], str] = {}
    wrong = []
    for row in await scene.connection.fetch(
        "select employee_id::text, month, number, entry_id::text, date::text, code, origin, action, percent, amount, month_version,"
        " reverses, policy_id::text, cause::text, correlation::text,"
        " to_char(entered_at at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"+00:00\"') as entered_at, row_hash"
        " from payroll.ledger order by employee_id, month, number"
    ):
        content = dict(row)
        of, told = (content.pop("employee_id"), content.pop("month")), content.pop("row_hash")
        before = heads.get(of) or sha256(f"hadir-ledger/1|{of[0]}|{of[1]}".encode()).hexdigest()
        written = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        heads[of] = sha256(f"{before}\n{written}".encode()).hexdigest()
        if heads[of] != told:
            wrong.append(f"{of[0]} {of[1]} entry {content['number']}")
    return _short("ledger entries whose hash is another", wrong)


INVARIANTS: dict[str, Callable[[Scene], Awaitable[list[str]]]] = {
    "I1": i1_no_loss, "I2": i2_no_invention, "I3": i3_once, "I4": i4_money, "I5": i5_feed, "I6": i6_offsets,
    "I7": i7_dead_letters, "I8": i8_liveness, "I10": i10_audit,
}  # fmt: skip
"""By name. I9, what must stay flat in hours, is looked at by the soak (soak.py)."""


async def violations(scene: Scene) -> dict[str, list[str]]:
    """All invariants, by name; those that hold are left out."""
    found = {name: await check(scene) for name, check in INVARIANTS.items()}
    return {name: sentences for name, sentences in found.items() if sentences}
