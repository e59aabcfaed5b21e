"""SQL of what is known about days: marks, work reports and corrections, each in its newest version."""

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Final
from uuid import UUID

import asyncpg
import orjson

from services.schedule.corrections import Kept
from services.schedule.rules import MOST_DAYS_BETWEEN, MarkSeen, Span, WorkReported
from services.schedule.store.leaves import IN_ROWS, NEAR
from services.schedule.store.reference_rows import as_json
from shared.database import Connection
from shared.events import CheckInLocated, Mark, Verdict, WorkReportSubmitted

_MARKS: Final = {mark.value: mark for mark in Mark}
_VERDICTS: Final = {verdict.value: verdict for verdict in Verdict}


async def put_marks(connection: Connection, marks: Sequence[CheckInLocated]) -> set[UUID]:
    """Keeps the newest judgement of each check-in; returns the ids that are new or newer than what was kept."""
    newest: dict[UUID, CheckInLocated] = {}
    for mark in marks:
        if mark.check_in_id not in newest or newest[mark.check_in_id].version < mark.version:
            newest[mark.check_in_id] = mark
    kept = list(newest.values())
    rows = await connection.fetch(
        """insert into mark (check_in_id, employee_id, version, mark, captured_at, received_at, site, region, activity_site,
                             quality, mock, evidence, reason_given)
           select * from unnest($1::uuid[], $2::uuid[], $3::int[], $4::text[], $5::timestamptz[], $6::timestamptz[], $7::text[],
                                $8::text[], $9::bool[], $10::text[], $11::bool[], $12::bool[], $13::bool[])
           on conflict (check_in_id) do update set version = excluded.version, site = excluded.site, region = excluded.region,
             activity_site = excluded.activity_site, quality = excluded.quality, mock = excluded.mock, evidence = excluded.evidence
           where mark.version < excluded.version
           returning check_in_id""",
        [m.check_in_id for m in kept], [m.employee_id for m in kept], [m.version for m in kept], [m.mark.value for m in kept],
        [m.captured_at for m in kept], [m.received_at for m in kept], [m.site.value for m in kept],
        [m.region.value for m in kept], [m.activity_site for m in kept], [m.quality for m in kept], [m.mock for m in kept],
        [m.evidence for m in kept], [m.reason_given for m in kept],
    )
    return {row["check_in_id"] for row in rows}


async def put_reports(connection: Connection, reports: Sequence[WorkReportSubmitted]) -> set[UUID]:
    """Keeps work reports; returns the ids of those that were not known."""
    kept = list({report.report_id: report for report in reports}.values())
    rows = await connection.fetch(
        """insert into work_report (report_id, employee_id, work_date, submitted_at)
           select * from unnest($1::uuid[], $2::uuid[], $3::date[], $4::timestamptz[])
           on conflict do nothing returning report_id""",
        [r.report_id for r in kept], [r.employee_id for r in kept], [r.work_date for r in kept], [r.submitted_at for r in kept],
    )
    return {row["report_id"] for row in rows}


async def marks_within(connection: Connection, spans: Mapping[tuple[UUID, dt.date], Span]) -> Mapping[tuple[UUID, dt.date], list[MarkSeen]]:
    """For each of these days the marks that its person made in its span; days without any are missing.

    A check-in is one row in its newest version, and no version moves its time.
    """
    days = list(spans)
    rows = await connection.fetch(
        """select k.place, m.check_in_id, m.version, m.mark, m.captured_at, m.site, m.region, m.activity_site, m.quality, m.mock,
                  m.evidence
           from unnest($1::uuid[], $2::timestamptz[], $3::timestamptz[]) with ordinality k(employee_id, since, until, place)
             join mark m on m.employee_id = k.employee_id and m.captured_at >= k.since and m.captured_at < k.until""",
        [employee_id for employee_id, _ in days], [span.begin for span in spans.values()], [span.end for span in spans.values()],
    )
    marks: defaultdict[tuple[UUID, dt.date], list[MarkSeen]] = defaultdict(list)
    for row in rows:
        marks[days[row["place"] - 1]].append(MarkSeen(
            row["check_in_id"], row["version"], _MARKS[row["mark"]], row["captured_at"], _VERDICTS[row["site"]], _VERDICTS[row["region"]],
            row["activity_site"], row["quality"] == "bad_fix", row["mock"], row["evidence"]))
    return marks


async def mark_times(connection: Connection, check_ins: Collection[UUID]) -> list[tuple[UUID, dt.datetime]]:
    """(employee, time) of these check-ins, as far as they are known."""
    rows = await connection.fetch("select employee_id, captured_at from mark where check_in_id = any($1::uuid[])", list(check_ins))
    return [(row["employee_id"], row["captured_at"]) for row in rows]


async def reports_of(connection: Connection, days: Sequence[tuple[UUID, dt.date]]) -> Mapping[int, list[WorkReported]]:
    """For each day (by its place in the list) the work reports of that date."""
    rows = await connection.fetch(
        """select k.place, w.report_id, w.work_date from unnest($1::uuid[], $2::date[]) with ordinality k(employee_id, date, place)
           join work_report w on w.employee_id = k.employee_id and w.work_date = k.date""",
        [employee_id for employee_id, _ in days], [date for _, date in days],
    )
    reports: defaultdict[int, list[WorkReported]] = defaultdict(list)
    for row in rows:
        reports[row["place"] - 1].append(WorkReported(row["report_id"], row["work_date"]))
    return reports


_FACT = """select correction_id, version, kind, state, employee_id, org_unit_id, from_date, until_date, actor, decided_at,
                  body::text as body from fact"""


async def correction(connection: Connection, correction_id: UUID) -> Kept | None:
    """The newest version of a correction, if it is known."""
    row = await connection.fetchrow(f"{_FACT} where correction_id = $1", correction_id)
    return _kept(row) if row else None


async def corrections_about(
    connection: Connection, employee_ids: Collection[UUID], first: dt.date, last: dt.date
) -> list[Kept]:
    """Corrections that touch dates between `first` and `last` and are about one of these people, a unit, or everybody."""
    rows = await connection.fetch(
        f"""{_FACT} where employee_id = any($1::uuid[]) and until_date >= $2 and from_date <= $3
            union all {_FACT} where employee_id is null and until_date >= $2 and from_date <= $3""",
        list(employee_ids), first, last,
    )
    return [_kept(row) for row in rows]


async def corrections_bearing_on(
    connection: Connection, employee_ids: Collection[UUID], first: dt.date, last: dt.date
) -> list[Kept]:
    """The same, and with each leave among them all that may be of one row with it: its days count on through the row."""
    found = await corrections_about(connection, employee_ids, first, last)
    on_leave = {kept.employee_id for kept in found if kept.kind == "leave" and kept.employee_id is not None}
    if not on_leave:
        return found
    known = {kept.correction_id for kept in found}
    rows = await connection.fetch(
        f"""with {IN_ROWS} select correction_id, version, kind, state, employee_id, org_unit_id, from_date, until_date, actor, decided_at,
                  body::text as body from in_rows where {NEAR}""",  # noqa: S608 (constants of ours)
        list(on_leave), first, last, MOST_DAYS_BETWEEN,
    )
    return [*found, *(_kept(row) for row in rows if row["correction_id"] not in known)]


async def put_correction(connection: Connection, kept: Kept) -> None:
    """Writes a correction in its new version."""
    await connection.execute(
        """insert into fact (correction_id, version, kind, state, employee_id, org_unit_id, from_date, until_date, actor, decided_at,
                             body)
           values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11::text::jsonb)
           on conflict (correction_id) do update set version = excluded.version, kind = excluded.kind, state = excluded.state,
             employee_id = excluded.employee_id, org_unit_id = excluded.org_unit_id, from_date = excluded.from_date,
             until_date = excluded.until_date, actor = excluded.actor, decided_at = excluded.decided_at, body = excluded.body""",
        kept.correction_id, kept.version, kept.kind, kept.state, kept.employee_id, kept.org_unit_id, kept.first, kept.last,
        kept.actor, kept.decided_at, as_json(dict(kept.body)),
    )


def _kept(row: asyncpg.Record) -> Kept:
    return Kept(
        row["correction_id"], row["version"], row["kind"], row["state"], row["employee_id"], row["org_unit_id"],
        row["from_date"], row["until_date"], row["actor"], row["decided_at"], orjson.loads(row["body"]),
    )
