"""Damage for every clause of every invariant: an invariant, or a part of one, that cannot fail would prove nothing."""

import copy
from collections.abc import Awaitable, Callable

from shared import topics
from shared.failures import SCHEMA
from tests.faults.feed import LEDGER_NUMBERS
from tests.faults.invariants import WITHIN_S, Scene

Damage = Callable[[Scene], Awaitable[None]]


def _sql(*statements: str) -> Damage:
    async def damage(scene: Scene) -> None:
        for statement in statements:
            told = await scene.connection.execute(statement)
            assert not told.endswith(" 0"), f"nothing was there to damage: {statement}"

    return damage


def _one(table: str, *key: str, where: str = "true") -> str:
    """The condition that takes one row of a table."""
    keys = ", ".join(key)
    return f"({keys}) in (select {keys} from {table} where {where} limit 1)"


def _not_on_the_topic(query: str) -> Damage:
    async def damage(scene: Scene) -> None:
        scene.feed = copy.deepcopy(scene.feed)
        del scene.feed.recorded[str(await scene.connection.fetchval(query))]

    return damage


async def _not_audited(scene: Scene) -> None:
    scene.feed = copy.deepcopy(scene.feed)
    del scene.feed.recorded[next(iter(scene.decided.answered))]


async def _contested(scene: Scene) -> None:
    """Another statement was refused under an id, and no audit record tells of it."""
    scene.poison.contested.add("planted")


def _never_sent(query: str) -> Damage:
    async def damage(scene: Scene) -> None:
        scene.sent.remove(str(await scene.connection.fetchval(query)))

    return damage


def _told(topic: str, ahead: int) -> Damage:
    """A record more of some subject: its version of now with another content, or one that lies so far ahead."""

    async def damage(scene: Scene) -> None:
        scene.feed = copy.deepcopy(scene.feed)
        folded = scene.feed.folded[topic]
        subject, version = next(iter(folded.versions.items()))
        folded.take(subject, version + ahead, folded.newest[subject] | {"planted": True})

    return damage


def _told_late(topic: str, **otherwise: object) -> Damage:
    """A version more of some subject, and behind it the one before that again: as it was, or with this in it."""

    async def damage(scene: Scene) -> None:
        scene.feed = copy.deepcopy(scene.feed)
        folded = scene.feed.folded[topic]
        subject, version = next(iter(folded.versions.items()))
        content = folded.newest[subject]
        folded.take(subject, version + 1, content)
        folded.take(subject, version, content | otherwise)

    return damage


def _never_told(topic: str) -> Damage:
    """Some subject whose newest version the topic never had: committed, and not published."""

    async def damage(scene: Scene) -> None:
        scene.feed = copy.deepcopy(scene.feed)
        newest = scene.feed.folded[topic].newest
        del newest[next(iter(newest))]

    return damage


async def _never_buried(scene: Scene) -> None:
    scene.poison.placed["planted", 0, 0] = b"bad"


async def _buried_otherwise(scene: Scene) -> None:
    await _sql(_LETTER)(scene)
    scene.poison.placed["planted", 0, 0] = b"bad"
    scene.poison.doubtful.add(b"other")


async def _buried_for_another_reason(scene: Scene) -> None:
    await _sql(_LETTER)(scene)
    scene.poison.placed["planted", 0, 0] = b"other"
    scene.poison.reasons["planted", 0, 0] = SCHEMA


async def _too_late(scene: Scene) -> None:
    scene.quiet_after_s = WITHIN_S + 1


_LAST_ROUND = (
    "employee_id in (select employee_id from schedule.employee"
    " where played_clock = (select max(played_clock) from schedule.employee))"
)
_TRAVELLING = "employee_id in (select employee_id from schedule.assessment where status = 'DL')"
_COMPARED = f"{_LAST_ROUND} and not {_TRAVELLING}"
"""People whose truth is that of the simulator alone."""

_FIRST_DAY = _one(
    "schedule.assessment", "employee_id", "date", where=f"date = (select min(date) from schedule.assessment) and {_COMPARED}"
)
_MONTHS = _one("payroll.month", "employee_id", where=_COMPARED)
_TRAVEL = _one("schedule.assessment", "employee_id", "date", where=f"status = 'DL' and {_LAST_ROUND}")
_TOLD_MONTH = _one("payroll.month", "employee_id", "month", where="version > 0")
_RAISED = _one("schedule.violation", "violation_id", where="action = 'raised'")
_WITH_FINDINGS = "content -> 'findings' <> '[]'"
_LETTER = (
    "insert into payroll.dead_letter (topic, partition, \"offset\", reason, detail, value) values ('planted', 0, 0, 'x', 'x', 'other')"
)
_ENTRY = (
    "select * from payroll.ledger e where action = 'posted' and date is not null and not exists"
    " (select from payroll.ledger r where (r.employee_id, r.month, r.reverses) = (e.employee_id, e.month, e.number)) limit 1"
)
"""A charge that is in force: officers take some back."""

_REST = "policy_id, cause, entered_at, correlation, row_hash"
_COLUMNS = f"employee_id, month, number, entry_id, date, code, origin, action, percent, amount, month_version, reverses, {_REST}"
_TWO_ENTRIES = "exists (select from payroll.ledger m where (m.employee_id, m.month, m.number) = (l.employee_id, l.month, 2))"

PLANTED: tuple[tuple[str, str, Damage], ...] = (
    ("I1", "in no inbox", _sql(f"delete from geofence.check_in where {_one('geofence.check_in', 'check_in_id')}")),
    ("I1", "in no inbox", _sql(f"delete from schedule.work_report where {_one('schedule.work_report', 'report_id')}")),
    ("I1", "without a receipt", _sql(f"delete from ingest.receipt where {_one('ingest.receipt', 'id')}")),
    ("I1", "never reached schedule", _sql(f"delete from schedule.mark where {_one('schedule.mark', 'check_in_id')}")),
    ("I1", "check-ins that are not on the topic", _not_on_the_topic("select check_in_id from geofence.check_in limit 1")),
    ("I1", "work reports that are not on the topic", _not_on_the_topic("select report_id from schedule.work_report limit 1")),
    ("I1", "not on the audit topic", _not_audited),
    ("I1", "contested ids that are not on the audit topic", _contested),
    ("I1", "contested ids that are not on the audit topic", _sql(
        f"update ingest.receipt set contested = true where {_one('ingest.receipt', 'id', where='contested is not true')}"
    )),
    ("I2", "nobody sent", _never_sent("select check_in_id from geofence.check_in limit 1")),
    ("I2", "nobody sent", _never_sent("select report_id from schedule.work_report limit 1")),
    ("I3", "violations raised twice", _sql(
        "insert into schedule.violation select gen_random_uuid(), employee_id, date, version, action, kind, code, minutes,"
        " assessment_version from schedule.violation where action = 'raised' limit 1"
    )),
    ("I3", "charges in force twice", _sql(
        f"insert into payroll.ledger ({_COLUMNS}) select employee_id, month, 1000, gen_random_uuid(), date, code, origin, action,"
        f" percent, amount, month_version, reverses, {_REST} from ({_ENTRY}) l"
    )),
    ("I3", "entries reversed twice", _sql(
        f"insert into payroll.ledger ({_COLUMNS}) select employee_id, month, 1000 + nth, gen_random_uuid(), date, code, origin,"
        f" 'reversed', percent, -amount, month_version, number, {_REST} from ({_ENTRY}) l, generate_series(1, 2) nth"
    )),
    ("I3", "otherwise than the day has it", _sql(f"update schedule.violation set action = 'retracted' where {_RAISED}")),
    ("I3", "otherwise than the day has it", _sql(f"update schedule.violation set minutes = coalesce(minutes, 0) + 1 where {_RAISED}")),
    ("I3", "otherwise than the day has it", _sql(
        "update schedule.assessment set content = content || '{\"findings\": []}' where (employee_id, date) in"
        f" (select employee_id, date from schedule.violation where {_RAISED})"
    )),
    ("I3", "otherwise than decided", _sql(f"update schedule.fact set state = 'requested' where {_one('schedule.fact', 'correction_id')}")),
    ("I3", "otherwise than decided", _sql(
        "insert into schedule.correction_trail select request_id, 99, action, level, actor, role, deputy_of, at, reason, document"
        " from schedule.correction_trail limit 1"
    )),
    ("I3", "has 0 steps, not 2", _sql(
        "delete from schedule.correction_trail where request_id = (select request_id from schedule.correction_trail limit 1)"
    )),
    ("I3", "are marks", _sql(f"delete from schedule.mark where {_one('schedule.mark', 'check_in_id')}")),
    ("I4", "differences from the truth", _sql(
        f"update schedule.assessment set status = 'planted' where {_FIRST_DAY}"
    )),
    ("I4", "differences from the truth", _sql(
        f"update schedule.assessment set content = content || '{{\"late\": 999}}' where {_FIRST_DAY}"
    )),
    ("I4", "no assessment", _sql(f"delete from schedule.assessment where {_FIRST_DAY}")),
    ("I4", "differences from the truth", _sql(f"update payroll.month set percent = '99' where {_MONTHS}")),
    ("I4", "no month", _sql(f"delete from payroll.month where {_MONTHS}")),
    ("I4", "duty travels", _sql(f"update schedule.assessment set status = 'LEAVE' where {_TRAVEL}")),
    ("I4", "duty travels", _sql(
        f"insert into payroll.ledger ({_COLUMNS}) select (select employee_id from schedule.assessment where {_TRAVEL}), month, 1000,"
        f" gen_random_uuid(), date, code, origin, action, percent, amount, month_version, reverses, {_REST}"
        " from payroll.ledger where amount > 0 limit 1"
    )),
    ("I4", "do not balance", _sql(f"update payroll.month set entries = entries + 1 where {_one('payroll.month', 'employee_id', 'month')}")),
    ("I4", "do not balance", _sql(
        f"delete from payroll.ledger where {_one('payroll.ledger', 'employee_id', 'month', 'number', where='amount > 0')}"
    )),
    ("I5", topics.CHECK_IN_LOCATED.name, _sql(
        f"update geofence.check_in set version = version + 1 where {_one('geofence.check_in', 'check_in_id')}"
    )),
    ("I5", topics.DAY_ASSESSED.name, _sql(
        f"update schedule.assessment set state = 'planted' where {_one('schedule.assessment', 'employee_id', 'date')}"
    )),
    ("I5", topics.VIOLATION.name, _sql(f"delete from schedule.violation where {_one('schedule.violation', 'violation_id')}")),
    ("I5", topics.DEDUCTION.name, _sql(
        f"update payroll.ledger set amount = amount + 1 where {_one('payroll.ledger', 'employee_id', 'month', 'number')}"
    )),
    ("I5", topics.TPP_MONTH.name, _sql(
        f"update payroll.month set supplementary = supplementary + 1 where {_TOLD_MONTH}"
    )),
    ("I5", topics.CORRECTION.name, _sql(
        f"update schedule.fact set actor = 'planted' where {_one('schedule.fact', 'correction_id')}"
    )),
    ("I5", "site_distance_m", _sql(
        f"update geofence.check_in set site_distance_m = coalesce(site_distance_m, 0) + 1 where {_one('geofence.check_in', 'check_in_id')}"
    )),
    ("I5", "findings", _sql(
        "update schedule.assessment set content = jsonb_set(content, '{findings, 0, code}', '\"planted\"')"
        f" where {_one('schedule.assessment', 'employee_id', 'date', where=_WITH_FINDINGS)}"
    )),
    ("I5", "minutes", _sql(
        f"update schedule.violation set minutes = coalesce(minutes, 0) + 1 where {_one('schedule.violation', 'violation_id')}"
    )),
    ("I5", "percent", _sql(f"update payroll.ledger set percent = '99' where {_one('payroll.ledger', 'employee_id', 'month', 'number')}")),
    ("I5", "days_assessed", _sql(f"update payroll.month set days_assessed = days_assessed + 1 where {_TOLD_MONTH}")),
    ("I5", "only the table knows it", _never_told(topics.DAY_ASSESSED.name)),
    ("I5", "only the topic knows it", _sql(f"delete from geofence.check_in where {_one('geofence.check_in', 'check_in_id')}")),
    ("I5", "follows", _told(topics.DAY_ASSESSED.name, 2)),
    ("I5", f"{LEDGER_NUMBERS}: ", _told(LEDGER_NUMBERS, 2)),
    ("I5", "told twice, differently", _told(topics.TPP_MONTH.name, 0)),
    ("I5", "told twice, differently", _told_late(topics.DAY_ASSESSED.name, planted=True)),
    ("I5", "lies behind", _told_late(topics.TPP_MONTH.name)),
    ("I5", f"{topics.EMPLOYEE.name}: ", _told_late(topics.EMPLOYEE.name)),
    ("I5", f"{topics.SITE.name}: ", _told_late(topics.SITE.name)),
    ("I5", f"{topics.CEILING.name}: ", _told_late(topics.CEILING.name)),
    ("I5", "told twice, differently", _told_late(topics.ROSTER.name, planted=True)),
    ("I6", "offset went from", _sql("update schedule.position set next_offset = next_offset - 1 where next_offset > 0")),
    ("I6", "reference offset went from", _sql("update ingest.reference_position set next_offset = next_offset - 1 where next_offset > 0")),
    ("I6", "ingest 0 out_seq went from", _sql("update ingest.lane set out_seq = -1 where lane = 0")),
    ("I6", "epoch went from", _sql("update payroll.position set epoch = epoch - 1 where epoch > 0")),
    ("I6", "out_seq went from", _sql("update geofence.lane set out_seq = out_seq - 1 where out_seq > 0")),
    ("I6", "sent_seq went from", _sql("update payroll.relay_cursor set sent_seq = sent_seq - 1 where sent_seq > 0")),
    ("I6", "has published", _sql("update schedule.relay_cursor set sent_seq = sent_seq + 1000000 where lane = 0")),
    ("I6", "ingest has published", _sql("update ingest.relay_cursor set sent_seq = sent_seq + 1000000 where lane = 0")),
    ("I6", "had claimed it", _sql("insert into witness.trespass values ('planted', 'planted', 0, 1, 'one', 'another')")),
    ("I6", "hole", _sql("insert into geofence.gap (topic, partition, first_offset, next_offset) values ('planted', 0, 0, 1)")),
    ("I6", "ingest: hole", _sql("insert into ingest.gap (topic, partition, first_offset, next_offset) values ('planted', 0, 0, 1)")),
    ("I7", "not buried as they were", _never_buried),
    ("I7", "not buried as they were", _buried_otherwise),
    ("I7", "for another reason", _buried_for_another_reason),
    ("I7", "good records buried", _sql(_LETTER)),
    ("I7", "good records buried", _sql(_LETTER.replace("payroll.", "ingest."))),
    ("I8", "the lag was gone only", _too_late),
    ("I10", "whose hash is another", _sql("update payroll.ledger set amount = amount + 1 where number = 1")),
    ("I10", "whose hash is another", _sql("update payroll.ledger set row_hash = repeat('0', 64) where number = 1")),
    ("I10", "whose hash is another", _sql(f"delete from payroll.ledger l where number = 1 and {_TWO_ENTRIES}")),
)  # fmt: skip
"""Invariant, what it must say, and the damage. I9: hours of steady load, and its own tests in tests/unit/faults."""
