"""What is known of some people around the looked-at dates, read in a few statements from all schemas, one row set each."""

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from services.geofence.rules.locate import Fix
from services.geofence.store.people import Person
from services.payroll.rules import EmployeeMonth
from services.payroll.store.months import Key, load_months
from services.preview.change import Change, Window
from services.schedule.assessing import MARGIN, People, facts_by_day, with_rosters_of_leaves
from services.schedule.rules import Fact, MarkSeen, WorkReported
from services.schedule.store import due
from services.schedule.store import reference_rows as rows
from services.schedule.store.belonging import of_units
from services.schedule.store.facts import corrections_bearing_on
from shared.database import Connection
from shared.events import Mark, RosterDay, Verdict
from shared.topics import Service

_DAY: Final = dt.timedelta(days=1)
_MARK_REACH: Final = 2 * _DAY
"""Stamps this long before and after a business date may belong to it: a duty, its reach and every zone."""

_MARKS: Final = {mark.value: mark for mark in Mark}
_VERDICTS: Final = {verdict.value: verdict for verdict in Verdict}


@dataclass(frozen=True, slots=True)
class Known:
    """Some people with their rosters, marks (in order of time), facts, clocks and months; everything as it stands now.

    `clean` has, by person and date, the versions of days that are final and on which nothing was found, late or early.
    """

    people: People
    marks: Mapping[UUID, Sequence[MarkSeen]]
    facts: Mapping[tuple[UUID, dt.date], Sequence[Fact]]
    clocks: Mapping[str, dt.datetime]
    months: Mapping[Key, EmployeeMonth]
    clean: Mapping[UUID, Mapping[dt.date, int]]
    fixes: Mapping[UUID, Fix]


async def ids_after(
    connection: Connection, lane: int, after: UUID, units: Collection[UUID] | None, change: Change, most: int
) -> list[UUID]:
    """The next people of a lane in order of id, by the change's clock, who ever belong to one of `units` and whom it can reach."""
    await look_at(connection, "schedule")
    found = await connection.fetch(
        f"""select employee_id from employee where lane = $1 and employee_id > $2 and {of_units("$3")}
             and ($5::uuid[] is null or employee_id = any($5::uuid[]))
             and played_clock = $6 order by employee_id limit $4""",  # noqa: S608 - our own words
        lane, after, None if units is None else list(units), most, None if change.people is None else list(change.people), change.clock,
    )
    return [row["employee_id"] for row in found]


async def waiting_days(connection: Connection, window: Window, clock: str) -> int:
    """How many days of the window, of people by this clock, wait to be assessed at once, so that what is kept of them is not up to date."""
    await look_at(connection, "schedule")
    return int(await connection.fetchval(
        "select count(*) from due_day where due_at = $1 and date between $2 and $3 and clock = $4",
        due.AT_ONCE, window.first, window.last, clock,
    ))


async def load(connection: Connection, ids: Sequence[UUID], window: Window, change: Change, *, clean_days: bool) -> Known:
    """All that judging the window's days of these people needs, within the caller's transaction; clean days only if they help."""
    await look_at(connection, "schedule")
    states = {employee_id: kept.state for employee_id, kept in (await rows.employees(connection, ids)).items()}
    months = _months(window.first - MARGIN, window.last + MARGIN)
    rosters: dict[UUID, dict[dt.date, RosterDay]] = {}
    kept_rosters = await rows.rosters(connection, [(employee_id, month) for employee_id in states for month in months])
    for (employee_id, _), roster in kept_rosters.items():
        rosters.setdefault(employee_id, {}).update((day.date, day) for day in roster.state.days)
    people = People(states, rosters)
    corrections = await corrections_bearing_on(connection, list(states), window.first, window.last)
    facts: dict[tuple[UUID, dt.date], list[Fact]] = {}
    if corrections:
        people = await with_rosters_of_leaves(connection, people, corrections)
        judged = people_after(people, change)  # who moves is no longer concerned by what is about the former unit
        facts = facts_by_day([(employee_id, date) for employee_id in states for date in window.dates], judged, corrections)
    for row in await connection.fetch(
        "select employee_id, report_id, work_date from work_report where employee_id = any($1::uuid[]) and work_date between $2 and $3",
        list(states), window.first, window.last,
    ):
        facts.setdefault((row["employee_id"], row["work_date"]), []).append(WorkReported(row["report_id"], row["work_date"]))
    marks = await _marks(connection, list(states), window)
    played = {state.played_clock for state in states.values() if state.played_clock is not None}
    clocks = await due.clocks(connection, played) if played else {}
    clean = await _clean(connection, list(states), window) if clean_days else {}
    await look_at(connection, "payroll")
    wanted = (*window.months, _month_after(window.months[-1]))
    loaded = await load_months(connection, [(employee_id, month) for employee_id in states for month in wanted])
    fixes = await _fixes(connection, list(states), window) if change.sites else {}
    return Known(people, marks, facts, clocks, {key: month for key, (month, _) in loaded.items()}, clean, fixes)


def people_after(people: People, change: Change) -> People:
    """The people with their records and rosters as they would be, and with duties of their own to remember; a month replaces that month."""
    states = people.states
    if change.employees:
        states = {**states, **{one.employee_id: one for one in change.employees if one.employee_id in states}}
    changed: dict[UUID, dict[dt.date, RosterDay]] = {}
    for roster in change.rosters:
        if roster.employee_id in states:
            mine = changed.setdefault(roster.employee_id, dict(people.rosters.get(roster.employee_id, {})))
            for date in [date for date in mine if date.replace(day=1) == roster.month]:
                del mine[date]
            mine.update((day.date, day) for day in roster.days)
    return People(states, {**people.rosters, **changed})


async def look_at(connection: Connection, service: Service) -> None:
    """Let the stores of a service, which name their tables without a schema, be used in this transaction."""
    await connection.execute(f"set local search_path to {service}")


async def _marks(connection: Connection, ids: Sequence[UUID], window: Window) -> Mapping[UUID, list[MarkSeen]]:
    found = await connection.fetch(
        """select employee_id, check_in_id, version, mark, captured_at, site, region, activity_site, quality, mock, evidence
           from mark where employee_id = any($1::uuid[]) and captured_at >= $2 and captured_at < $3
           order by employee_id, captured_at""",
        ids, _midnight(window.first) - _MARK_REACH, _midnight(window.last) + _DAY + _MARK_REACH,
    )
    marks: defaultdict[UUID, list[MarkSeen]] = defaultdict(list)
    for employee_id, check_in_id, version, mark, at, site, region, activity, quality, mock, evidence in found:
        marks[employee_id].append(MarkSeen(
            check_in_id, version, _MARKS[mark], at, _VERDICTS[site], _VERDICTS[region], activity, quality == "bad_fix", mock, evidence,
        ))
    return marks


async def _clean(connection: Connection, ids: Sequence[UUID], window: Window) -> Mapping[UUID, Mapping[dt.date, int]]:
    found = await connection.fetch(
        """select employee_id, array_agg(date) as dates, array_agg(version) as versions from assessment
           where employee_id = any($1::uuid[]) and date between $2 and $3 and state = 'FINAL'
             and status in ('PRESENT', 'OFF', 'HOLIDAY', 'DL')
             and jsonb_array_length(content->'findings') = 0
             and coalesce((content->>'late')::int, 0) = 0 and coalesce((content->>'early')::int, 0) = 0
           group by employee_id""",
        ids, window.first, window.last,
    )
    return {row["employee_id"]: dict(zip(row["dates"], row["versions"], strict=True)) for row in found}


async def _fixes(connection: Connection, ids: Sequence[UUID], window: Window) -> Mapping[UUID, Fix]:
    """Where the check-ins of the window were made, as far as coordinates are still kept; the unit is that of the moment."""
    await look_at(connection, "geofence")
    found = await connection.fetch(
        """select c.check_in_id, c.employee_id, c.captured_at, c.latitude, c.longitude, c.accuracy_m, c.mark, e.timezone, e.since_at,
             e.org_unit_ids, e.zone_at, e.zone_name
           from check_in c left join employee e using (employee_id)
           where c.employee_id = any($1::uuid[]) and c.captured_at >= $2 and c.captured_at < $3 and c.latitude is not null""",
        ids, _midnight(window.first) - _MARK_REACH, _midnight(window.last) + _DAY + _MARK_REACH,
    )
    return {
        row["check_in_id"]: Person.of(row).fix(
            row["employee_id"], row["mark"], row["captured_at"], row["latitude"], row["longitude"], row["accuracy_m"])
        for row in found
    }


def _months(first: dt.date, last: dt.date) -> list[dt.date]:
    month, found = first.replace(day=1), []
    while month <= last:
        found.append(month)
        month = (month + 31 * _DAY).replace(day=1)
    return found


def _month_after(month: str) -> str:
    return (dt.date.fromisoformat(f"{month}-01") + 31 * _DAY).isoformat()[:7]


def _midnight(date: dt.date) -> dt.datetime:
    return dt.datetime(date.year, date.month, date.day, tzinfo=dt.UTC)
