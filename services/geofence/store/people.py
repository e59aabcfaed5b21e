"""Copies of reference topics, no more of a person than judging needs, and the trace of each person's newest mark."""

import datetime as dt
from bisect import bisect_right
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

import asyncpg

from services.geofence.rules.integrity import Trace
from services.geofence.rules.locate import Fix, eve_of
from shared.database import Connection
from shared.events import EmployeePublished, Mark, OrgUnitPublished
from shared.topics import lane_of
from shared.zones import is_zone

DEFAULT_ZONE: Final = "Asia/Jakarta"
"""Zone in which days of people are told apart whom no reference record has described yet."""


class Person(NamedTuple):
    """What is known of an employee: zone, org units and other zones by date, and the newest mark's trace."""

    newest_zone: ZoneInfo
    since_at: Sequence[datetime]
    org_unit_ids: Sequence[UUID]
    trace: Trace | None
    zone_at: Sequence[datetime] = ()
    zone_names: Sequence[str] = ()

    @classmethod
    def of(cls, row: asyncpg.Record, trace: Trace | None = None) -> "Person":
        """From a row of the table `employee`, its columns null for somebody unknown."""
        zone = ZoneInfo(row["timezone"] or DEFAULT_ZONE)
        return cls(zone, row["since_at"] or (), row["org_unit_ids"] or (), trace, row["zone_at"] or (), row["zone_name"] or ())

    def zone(self, moment: datetime) -> ZoneInfo:
        """The zone at an aware moment."""
        held = bisect_right(self.zone_at, moment)
        return ZoneInfo(self.zone_names[max(held - 1, 0)]) if self.zone_names else self.newest_zone

    def org_unit_at(self, moment: datetime) -> UUID | None:
        """Org unit at an aware moment; None before the first membership."""
        return _unit_at(self.since_at, self.org_unit_ids, moment)

    def fix(
        self, employee_id: UUID, mark: str, captured_at: datetime, latitude: float | None, longitude: float | None, accuracy_m: float | None
    ) -> Fix:
        """A check-in of this person as it is to be judged, a check-out before noon by the evening before as well."""
        eve = eve_of(captured_at, self.zone(captured_at)) if mark == Mark.OUT else None
        return Fix(
            employee_id, self.org_unit_at(captured_at), captured_at, latitude or 0.0, longitude or 0.0, accuracy_m,
            None if eve is None else (self.org_unit_at(eve), eve),
        )  # fmt: skip


def _unit_at(since_at: Sequence[datetime], org_unit_ids: Sequence[UUID], moment: datetime) -> UUID | None:
    held = bisect_right(since_at, moment)
    return org_unit_ids[held - 1] if held else None


async def people(connection: Connection, employee_ids: Collection[UUID]) -> dict[UUID, Person]:
    """Every one of these employees; one who is not known yet has no org unit."""
    rows = await connection.fetch(
        "select given.employee_id, e.timezone, e.since_at, e.org_unit_ids, e.zone_at, e.zone_name,"
        " t.captured_at, t.latitude, t.longitude, t.accuracy_m, t.day, t.frozen_days"
        " from unnest($1::uuid[]) given(employee_id) left join employee e using (employee_id)"
        " left join trace t using (employee_id)",
        list(employee_ids),
    )
    return {row["employee_id"]: _person(row) for row in rows}


def _person(row: asyncpg.Record) -> Person:
    trace = None
    if row["captured_at"] is not None:
        trace = Trace(row["captured_at"], row["latitude"], row["longitude"], row["accuracy_m"], row["day"],
                      row["frozen_days"])  # fmt: skip
    return Person.of(row, trace)


async def save_traces(connection: Connection, traces: Mapping[UUID, Trace]) -> None:
    """Keep the newest mark of each person."""
    columns = zip(*((employee_id, *trace) for employee_id, trace in traces.items()), strict=True)
    await connection.execute(
        "insert into trace (employee_id, captured_at, latitude, longitude, accuracy_m, day, frozen_days)"
        " select * from unnest($1::uuid[], $2::timestamptz[], $3::float8[], $4::float8[], $5::float8[], $6::date[],"
        " $7::int[]) on conflict (employee_id) do update set captured_at = excluded.captured_at,"
        " latitude = excluded.latitude, longitude = excluded.longitude, accuracy_m = excluded.accuracy_m,"
        " day = excluded.day, frozen_days = excluded.frozen_days",
        *map(list, columns),
    )


async def save_employees(connection: Connection, employees: Iterable[EmployeePublished]) -> dict[UUID, datetime | None]:
    """Keep newer versions of employees; returns whose org units or zone changed, new ones included, and from which moment on.

    None is from ever: of somebody new, and of whoever has other zones. Whoever has the same units at every moment is left out.
    """
    newest = _newest(employees)
    rows = await connection.fetch(
        "with given as (select g.employee_id, g.lane, g.version, g.nip, g.timezone, g.since_at::timestamptz[] as since_at,"
        "   g.org_unit_ids::uuid[] as org_unit_ids, g.played_clock, g.zone_at::timestamptz[] as zone_at, g.zone_name::text[] as zone_name"
        "   from unnest($1::uuid[], $2::smallint[], $3::int[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[],"
        "   $10::text[]) g(employee_id, lane, version, nip, timezone, since_at, org_unit_ids, played_clock, zone_at, zone_name)),"
        " moved as (select g.employee_id, g.since_at, g.org_unit_ids, e.since_at as since_before, e.org_unit_ids as units_before,"
        "   (e.timezone, e.zone_at, e.zone_name) is distinct from (g.timezone, g.zone_at, g.zone_name) as wholly"
        "   from given g left join employee e using (employee_id) where e.employee_id is null"
        "   or e.version < g.version and (e.since_at, e.org_unit_ids, e.timezone, e.zone_at, e.zone_name)"
        "     is distinct from (g.since_at, g.org_unit_ids, g.timezone, g.zone_at, g.zone_name)),"
        " kept as (insert into employee (employee_id, lane, version, nip, timezone, since_at, org_unit_ids, played_clock,"
        "   zone_at, zone_name)"
        "   select * from given"
        "   on conflict (employee_id) do update set version = excluded.version, nip = excluded.nip,"
        "   timezone = excluded.timezone, since_at = excluded.since_at, org_unit_ids = excluded.org_unit_ids,"
        "   played_clock = excluded.played_clock, zone_at = excluded.zone_at, zone_name = excluded.zone_name"
        "   where employee.version < excluded.version)"
        " select * from moved",
        [e.employee_id for e in newest], [lane_of(e.employee_id) for e in newest], [e.version for e in newest], [e.nip for e in newest],
        [_known_zone(e.timezone) for e in newest],
        [_array(since.isoformat() for since, _ in _memberships(e)) for e in newest],
        [_array(str(unit) for _, unit in _memberships(e)) for e in newest], [e.played_clock or "" for e in newest],
        [_array(_midnight(one.since, one.timezone).isoformat() for one in e.zones) for e in newest],
        [_array(_known_zone(one.timezone) for one in e.zones) for e in newest],
    )  # fmt: skip
    moved = {row["employee_id"] for row in rows}
    members = {(m.org_unit_id, e.employee_id) for e in newest if e.employee_id in moved for m in e.memberships}
    # Former units stay: to judge somebody again for nothing is harmless, to leave somebody out is not.
    await connection.execute(
        "insert into member (org_unit_id, employee_id) select * from unnest($1::uuid[], $2::uuid[])"
        " on conflict do nothing",
        [unit for unit, _ in members], [employee for _, employee in members],
    )  # fmt: skip
    wholly = {row["employee_id"]: None for row in rows if row["wholly"]}
    return wholly | {row["employee_id"]: moment for row in rows if not row["wholly"] and (moment := _parted_at(row)) is not None}


def _parted_at(row: asyncpg.Record) -> datetime | None:
    """The first moment at which the org unit is another than before; None if there is none.

    No mark before it is judged otherwise: a mark looks back to the evening before, never ahead.
    """
    turns = sorted({*row["since_before"], *row["since_at"]})
    return next((moment for moment in turns if _unit_at(row["since_before"], row["units_before"], moment)
                 != _unit_at(row["since_at"], row["org_unit_ids"], moment)), None)  # fmt: skip


def _newest(employees: Iterable[EmployeePublished]) -> list[EmployeePublished]:
    found: dict[UUID, EmployeePublished] = {}
    for employee in employees:
        if employee.employee_id not in found or found[employee.employee_id].version < employee.version:
            found[employee.employee_id] = employee
    return list(found.values())


def _memberships(employee: EmployeePublished) -> list[tuple[datetime, UUID]]:
    """Moments at which memberships begin: local midnight of their first day."""
    ordered = sorted(employee.memberships, key=lambda membership: membership.since)
    return [(_midnight(m.since, _zone_on(employee, m.since)), m.org_unit_id) for m in ordered]


def _zone_on(employee: EmployeePublished, date: dt.date) -> str:
    held = bisect_right([one.since for one in employee.zones], date)
    return employee.zones[max(held - 1, 0)].timezone if employee.zones else employee.timezone


def _midnight(date: dt.date, zone: str) -> datetime:
    return datetime(date.year, date.month, date.day, tzinfo=ZoneInfo(_known_zone(zone)))


def _known_zone(name: str) -> str:
    """The zone if it exists: another service's typing error must not stop this one."""
    return name if is_zone(name) else DEFAULT_ZONE


def _array(values: Iterable[str]) -> str:
    """A Postgres array literal; asyncpg cannot send arrays of arrays of different lengths."""
    return "{" + ",".join(values) + "}"


async def forget_employees(connection: Connection, employee_ids: Sequence[UUID]) -> None:
    """Drop people whose reference record was erased, with their traces."""
    await connection.execute("delete from employee where employee_id = any($1::uuid[])", list(employee_ids))
    await connection.execute("delete from member where employee_id = any($1::uuid[])", list(employee_ids))
    await connection.execute("delete from trace where employee_id = any($1::uuid[])", list(employee_ids))


async def lock_lanes(connection: Connection, lanes: Collection[int]) -> None:
    """Wait until no one judges in these lanes, and keep them until this transaction ends.

    Without it a check-in could be judged by the old membership while the new one is being stored, and neither
    transaction would see the other.
    """
    await connection.execute(
        "select from lane where lane = any($1::int[]) order by lane for update", sorted(set(lanes))
    )


async def save_org_units(connection: Connection, org_units: Iterable[OrgUnitPublished]) -> None:
    """Keep newer versions of org units."""
    newest: dict[UUID, OrgUnitPublished] = {}
    for unit in org_units:
        if unit.org_unit_id not in newest or newest[unit.org_unit_id].version < unit.version:
            newest[unit.org_unit_id] = unit
    units = list(newest.values())
    await connection.execute(
        "insert into org_unit (org_unit_id, version, code, timezone)"
        " select * from unnest($1::uuid[], $2::int[], $3::text[], $4::text[]) on conflict (org_unit_id) do update"
        " set version = excluded.version, code = excluded.code, timezone = excluded.timezone"
        " where org_unit.version < excluded.version",
        [u.org_unit_id for u in units], [u.version for u in units], [u.code for u in units],
        [_known_zone(u.timezone) for u in units],
    )  # fmt: skip


async def forget_org_units(connection: Connection, org_unit_ids: Sequence[UUID]) -> None:
    """Drop org units whose reference record was erased."""
    await connection.execute("delete from org_unit where org_unit_id = any($1::uuid[])", list(org_unit_ids))
