"""What a service once published of its own is given to it again, by the commands with which officers gave it.

So a rebuilt service derives from it what it always derives (days to open, days that are due), and numbers its own
versions; the published ones stay what they were.
"""

import datetime as dt
from collections.abc import Awaitable, Callable
from typing import Any, Final

from services.geofence.store.sites import COLUMNS, SiteRow, save_sites
from services.payroll.rules import Ceiling
from services.payroll.store.ceilings import accept
from services.replay.source import Source
from services.schedule import commands
from services.schedule.discipline import restore_decisions
from services.schedule.in_force import WeekScope
from services.schedule.reference import (
    CalendarState,
    EmployeeState,
    Membership,
    OrgUnitState,
    Rank,
    RankHeld,
    RosterState,
    WeekAssignment,
    WeekPatternState,
    ZoneHeld,
)
from services.schedule.rules.schemes import Scheme, SchemeState
from services.schedule.schemes import put_states
from services.schedule.taking_force import restored
from services.schedule.weeks import assign_weeks
from shared.events import EmployeePublished
from shared.lanes import Lanes, Record
from shared.policy import Policy
from shared.topics import (
    AUDIT,
    CALENDAR,
    CEILING,
    CORRECTION,
    DISCIPLINE,
    EMPLOYEE,
    LANES,
    ORG_UNIT,
    POLICY,
    ROSTER,
    SCHEME,
    SITE,
    WEEK_PATTERN,
    Topic,
)

ACTOR: Final = "replay"

Restore = Callable[[Lanes, list[Record[Any]]], Awaitable[None]]


async def restore_schedule(lanes: Lanes, source: Source) -> None:
    """Weeks, units, calendars, rule packs, people, rosters and corrections, and the clocks of invented people."""
    for topic, restore in _SCHEDULE:
        await restore(lanes, await source.newest(topic))
    moved: dict[str, dt.datetime] = {}
    async for rows in source.batches(AUDIT["schedule"]):
        for row in rows:
            if isinstance(row, Record) and row.event.action == commands.MOVE_CLOCK:
                at = dt.datetime.fromisoformat(row.event.detail["at"])
                moved[row.event.subject] = max(at, moved.get(row.event.subject, at))
    for name, at in moved.items():
        await commands.move_clock(lanes, name, at)


async def restore_geofence(lanes: Lanes, source: Source) -> None:
    """Offices, activity sites and regions."""
    sites = [record.event for record in await source.newest(SITE)]
    async with lanes.hold(range(LANES)) as work:
        await save_sites(work.connection, [(SiteRow(**{name: getattr(site, name) for name in COLUMNS}), site.version) for site in sites])


async def restore_payroll(lanes: Lanes, source: Source) -> None:
    """TPP ceilings; they are put in force by the chore that always does so."""
    ceilings = [record.event for record in await source.newest(CEILING)]
    async with lanes.pool.acquire() as connection, connection.transaction():
        await accept(connection, {(c.employee_id, c.month): Ceiling(c.amount, c.static_tkd, c.wage) for c in ceilings})


async def _weeks(lanes: Lanes, records: list[Record[Any]]) -> None:
    weeks = [WeekPatternState(e.week, e.name, e.hours, e.source) for e in _events(records)]
    await commands.publish_weeks(lanes, weeks, ACTOR)


async def _weeks_in_force(lanes: Lanes, records: list[Record[Any]]) -> None:
    scopes = [WeekScope(e.week, one.since, one.until, one.org_unit_id) for e in _events(records) for one in e.in_force]
    await assign_weeks(lanes, scopes, ACTOR, cleared=restored())


async def _units(lanes: Lanes, records: list[Record[Any]]) -> None:
    units = [
        OrgUnitState(
            e.org_unit_id, e.code, e.name, e.timezone, e.calendar, e.public_service, e.kind, e.parent_id, e.round_the_clock,
        )
        for e in _events(records)
    ]
    await commands.publish_org_units(lanes, units, ACTOR)


async def _calendars(lanes: Lanes, records: list[Record[Any]]) -> None:
    await commands.publish_calendars(lanes, [CalendarState(e.calendar, e.year, e.days) for e in _events(records)], ACTOR)


async def _policies(lanes: Lanes, records: list[Record[Any]]) -> None:
    for event in _events(records):  # one by one: two packs may have borne one name at different times
        in_force = [(event.name, scope.since, scope.org_unit_id) for scope in event.in_force]
        await commands.publish_policies(lanes, {event.name: Policy.from_content(event.content)}, in_force, ACTOR)


async def _schemes(lanes: Lanes, records: list[Record[Any]]) -> None:
    states = [SchemeState(e.name, Scheme.from_content(e.content), e.in_force) for e in _events(records)]
    async with lanes.hold(range(LANES)) as work:
        await put_states(work, states, restored())


async def _people(lanes: Lanes, records: list[Record[Any]]) -> None:
    await commands.publish_employees(lanes, [person_of(event) for event in _events(records)], ACTOR)


def person_of(e: EmployeePublished) -> EmployeeState:
    """The person that was published."""
    return EmployeeState(
        e.employee_id, e.nip, e.name, e.kind, e.group, e.timezone,
        tuple(Membership(m.since, m.org_unit_id) for m in e.memberships),
        tuple(WeekAssignment(w.since, w.week) for w in e.weeks), e.active, e.played_clock,
        e.job_class, e.until, e.former_nips,
        tuple(RankHeld(one.since, Rank(one.kind, one.group, one.job_class)) for one in e.ranks),
        tuple(ZoneHeld(one.since, one.timezone) for one in e.zones),
    )  # fmt: skip


async def _rosters(lanes: Lanes, records: list[Record[Any]]) -> None:
    rosters = [RosterState(e.employee_id, dt.date.fromisoformat(f"{e.month}-01"), e.days) for e in _events(records)]
    await commands.publish_rosters(lanes, rosters, ACTOR, cleared=restored())


async def _corrections(lanes: Lanes, records: list[Record[Any]]) -> None:
    # An outage may have been changed after it was decided on, and a decision needs its outage.
    for event in sorted(_events(records), key=lambda told: "outage_decision" in told.body):
        await commands.record_fact(
            lanes, correction_id=event.correction_id, kind=event.kind, body=event.body, employee_id=event.employee_id,
            org_unit_id=event.org_unit_id, state=event.state, actor=event.actor, decided_at=event.decided_at,
        )


async def _decisions(lanes: Lanes, records: list[Record[Any]]) -> None:
    async with lanes.hold(range(LANES)) as work:
        await restore_decisions(work, _events(records))


def _events(records: list[Record[Any]]) -> list[Any]:
    return [record.event for record in records]


_SCHEDULE: Final[tuple[tuple[Topic[Any], Restore], ...]] = (
    (WEEK_PATTERN, _weeks),
    (ORG_UNIT, _units),
    (WEEK_PATTERN, _weeks_in_force),
    (CALENDAR, _calendars),
    (POLICY, _policies),
    (SCHEME, _schemes),
    (EMPLOYEE, _people),
    (ROSTER, _rosters),
    (CORRECTION, _corrections),
    (DISCIPLINE, _decisions),
)
"""In the order in which one needs the other."""

RESTORED: Final[frozenset[str]] = frozenset({*(topic.name for topic, _ in _SCHEDULE), SITE.name, CEILING.name})
"""Topics from which a service gets back what nothing else tells; of hadir.discipline.v1 only what persons said."""

__all__ = ["RESTORED", "restore_geofence", "restore_payroll", "restore_schedule"]
