"""SQL of the reference data: units, weeks, people, rosters, calendars, rule packs; each with the version it was published in."""

import datetime as dt
import re
from collections.abc import Collection, Iterable, Sequence
from typing import Any, Final, Generic, NamedTuple, TypeVar
from uuid import UUID

import asyncpg
import orjson
from pydantic import TypeAdapter

from services.schedule.reference import (
    CalendarState,
    EmployeeState,
    Membership,
    OrgUnitState,
    PolicyState,
    Rank,
    RankHeld,
    RosterState,
    WeekAssignment,
    WeekPatternState,
    ZoneHeld,
)
from shared.database import Connection
from shared.events import CalendarDay, EmployeeKind, PolicyInForce, RosterDay, WeekInForce
from shared.roles import plain_name
from shared.topics import lane_of

S = TypeVar("S")
_AN_ID: Final = re.compile(r"\s*[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\s*")
_KINDS: Final = {kind.value: kind for kind in EmployeeKind}
_ROSTER_DAYS: Final = TypeAdapter(tuple[RosterDay, ...])


class Kept(NamedTuple, Generic[S]):
    """A state as stored, and the version under which it was published."""

    version: int
    state: S


def as_json(value: Any) -> str:
    """Canonical JSON text for a jsonb column."""
    return orjson.dumps(value).decode()


async def count_change(connection: Connection) -> None:
    """Tells all processes that units, weeks, calendars or rule packs changed, from the commit on."""
    await connection.execute("update reference_state set changes = changes + 1")


async def changes(connection: Connection) -> int:
    """How often units, weeks, calendars or rule packs have changed."""
    return int(await connection.fetchval("select changes from reference_state"))


async def units(connection: Connection) -> dict[UUID, Kept[OrgUnitState]]:
    """All org units by id."""
    rows = await connection.fetch(
        "select org_unit_id, version, code, name, timezone, calendar, public_service, kind, parent_id, round_the_clock from org_unit")
    return {
        row["org_unit_id"]: Kept(row["version"], OrgUnitState(
            row["org_unit_id"], row["code"], row["name"], row["timezone"], row["calendar"], row["public_service"], row["kind"],
            row["parent_id"], row["round_the_clock"]))
        for row in rows
    }


async def put_units(connection: Connection, rows: Sequence[Kept[OrgUnitState]]) -> None:
    """Writes org units in their new versions."""
    await connection.executemany(
        """insert into org_unit (org_unit_id, version, code, name, timezone, calendar, public_service, kind, parent_id, round_the_clock)
           values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
           on conflict (org_unit_id) do update set version = excluded.version, code = excluded.code, name = excluded.name,
             timezone = excluded.timezone, calendar = excluded.calendar, public_service = excluded.public_service,
             kind = excluded.kind, parent_id = excluded.parent_id, round_the_clock = excluded.round_the_clock""",
        [(s.org_unit_id, version, s.code, s.name, s.timezone, s.calendar, s.public_service, s.kind, s.parent_id, s.round_the_clock)
         for version, s in rows],
    )


async def weeks(connection: Connection) -> dict[str, Kept[WeekPatternState]]:
    """All week patterns by code."""
    scopes: dict[str, list[WeekInForce]] = {}
    for row in await connection.fetch(
        "select week, org_unit_id, since, until from week_in_force order by since, org_unit_id::text nulls first"
    ):
        scope = WeekInForce(since=row["since"], until=row["until"], org_unit_id=row["org_unit_id"])
        scopes.setdefault(row["week"], []).append(scope)
    rows = await connection.fetch("select code, version, name, hours::text as hours, source from week_pattern")
    return {
        row["code"]: Kept(row["version"], WeekPatternState(
            row["code"], row["name"], {day: (hours[0], hours[1]) for day, hours in orjson.loads(row["hours"]).items()}, row["source"],
            tuple(scopes.get(row["code"], ()))))
        for row in rows
    }


async def put_weeks(connection: Connection, rows: Sequence[Kept[WeekPatternState]]) -> None:
    """Writes week patterns in their new versions, and their scopes in place of what they had."""
    await connection.executemany(
        """insert into week_pattern (code, version, name, hours, source) values ($1, $2, $3, $4::text::jsonb, $5)
           on conflict (code) do update set version = excluded.version, name = excluded.name, hours = excluded.hours,
             source = excluded.source""",
        [(s.code, version, s.name, as_json(dict(s.hours)), s.source) for version, s in rows],
    )
    await connection.execute("delete from week_in_force where week = any($1::text[])", [s.code for _, s in rows])
    await connection.executemany(
        "insert into week_in_force (week, org_unit_id, since, until) values ($1, $2, $3, $4)",
        [(s.code, scope.org_unit_id, scope.since, scope.until) for _, s in rows for scope in s.in_force],
    )


async def week_in_use(connection: Connection, code: str) -> bool:
    """Whether somebody works, worked or will work this week pattern."""
    return bool(await connection.fetchval(
        """select exists (select from employee where $1 = any(week_code)) or exists (select from week_in_force where week = $1)""", code))


EMPLOYEE_COLUMNS: Final = """select employee_id, version, nip, name, kind, grp, timezone, active, played_clock, member_since, member_unit,
                      week_since, week_code, job_class, until, former_nips, rank_since, rank_kind, rank_grp, rank_class,
                      zone_since, zone_name from employee"""


async def employees(connection: Connection, ids: Collection[UUID]) -> dict[UUID, Kept[EmployeeState]]:
    """The people with these ids, as far as known."""
    rows = await connection.fetch(f"{EMPLOYEE_COLUMNS} where employee_id = any($1::uuid[])", list(ids))
    return {row["employee_id"]: Kept(row["version"], employee_of(row)) for row in rows}


def employee_of(row: asyncpg.Record) -> EmployeeState:
    """A person from a row of `employee`."""
    return EmployeeState(
        row["employee_id"], row["nip"], row["name"], _KINDS[row["kind"]], row["grp"], row["timezone"],
        tuple(map(Membership, row["member_since"], row["member_unit"])),
        tuple(map(WeekAssignment, row["week_since"], row["week_code"])), row["active"], row["played_clock"] or None,
        row["job_class"], row["until"], tuple(row["former_nips"]), tuple(
            RankHeld(since, Rank(_KINDS[kind], group, job_class))
            for since, kind, group, job_class in zip(row["rank_since"], row["rank_kind"], row["rank_grp"], row["rank_class"], strict=True)),
        tuple(map(ZoneHeld, row["zone_since"], row["zone_name"])),
    )


async def employee_ids(connection: Connection, nips: Collection[str]) -> dict[str, UUID]:
    """The ids behind these NIPs, present or former, as far as known."""
    rows = await connection.fetch("select nip, employee_id from nip where nip = any($1::text[])", list(nips))
    return {row["nip"]: row["employee_id"] for row in rows}


async def names_of(connection: Connection, *names: str) -> frozenset[str]:
    """These names of actors, and of those among them that are an employee's id or NIP all that he may act under: id, NIP, former NIPs."""
    rows = await connection.fetch(
        """select employee_id, nip, former_nips from employee where employee_id in (
             select unnest($1::uuid[]) union select employee_id from nip where nip = any($2::text[]))""",
        [UUID(name.strip()) for name in names if _AN_ID.fullmatch(name)], ["".join(name.split()) for name in names],
    )
    return frozenset(names).union(*((str(row["employee_id"]), row["nip"], *row["former_nips"]) for row in rows))


async def same_person(connection: Connection, one: str, other: str) -> bool:
    """Whether two names of actors are one person's."""
    return plain_name(other) in map(plain_name, await names_of(connection, one))


async def put_employees(connection: Connection, rows: Sequence[Kept[EmployeeState]]) -> None:
    """Writes people in their new versions, and from which date their days are to be opened in which clock's time."""
    await connection.executemany(
        """insert into employee (employee_id, lane, version, nip, name, kind, grp, timezone, active, played_clock,
                                 member_since, member_unit, week_since, week_code, job_class, until, former_nips,
                                 rank_since, rank_kind, rank_grp, rank_class, zone_since, zone_name)
           values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23)
           on conflict (employee_id) do update set version = excluded.version, nip = excluded.nip, name = excluded.name,
             kind = excluded.kind, grp = excluded.grp, timezone = excluded.timezone, active = excluded.active,
             played_clock = excluded.played_clock, member_since = excluded.member_since, member_unit = excluded.member_unit,
             week_since = excluded.week_since, week_code = excluded.week_code, job_class = excluded.job_class,
             until = excluded.until, former_nips = excluded.former_nips, rank_since = excluded.rank_since,
             rank_kind = excluded.rank_kind, rank_grp = excluded.rank_grp, rank_class = excluded.rank_class,
             zone_since = excluded.zone_since, zone_name = excluded.zone_name""",
        [(s.employee_id, lane_of(s.employee_id), version, s.nip, s.name, s.kind.value, s.group, s.timezone, s.active,
          s.played_clock or "", [m.since for m in s.memberships], [m.org_unit_id for m in s.memberships],
          [w.since for w in s.weeks], [w.week for w in s.weeks], s.job_class, s.until, list(s.former_nips), [one.since for one in s.ranks],
          [one.rank.kind.value for one in s.ranks], [one.rank.group for one in s.ranks], [one.rank.job_class for one in s.ranks],
          [one.since for one in s.zones], [one.timezone for one in s.zones])
         for version, s in rows],
    )
    # A NIP that already names somebody else violates the key: the importer has told the officer before it comes to this.
    await connection.execute(
        """insert into nip (nip, employee_id) select * from unnest($1::text[], $2::uuid[]) new(nip, employee_id)
           where not exists (select from nip old where old.nip = new.nip and old.employee_id = new.employee_id)""",
        [nip for _, s in rows for nip in (s.nip, *s.former_nips)], [s.employee_id for _, s in rows for _ in (s.nip, *s.former_nips)],
    )


async def rosters(connection: Connection, keys: Collection[tuple[UUID, dt.date]]) -> dict[tuple[UUID, dt.date], Kept[RosterState]]:
    """The rosters of these employee-months (first of the month), as far as there are any."""
    rows = await connection.fetch(
        """select r.employee_id, r.month, r.version, r.days::text as days
           from unnest($1::uuid[], $2::date[]) k(employee_id, month) join roster r using (employee_id, month)""",
        [employee for employee, _ in keys], [month for _, month in keys],
    )
    return {
        (row["employee_id"], row["month"]): Kept(row["version"], RosterState(
            row["employee_id"], row["month"], _ROSTER_DAYS.validate_json(row["days"])))
        for row in rows
    }


async def put_rosters(connection: Connection, rows: Sequence[Kept[RosterState]]) -> None:
    """Writes rosters in their new versions."""
    await connection.execute(
        """insert into roster (employee_id, month, version, days)
           select * from unnest($1::uuid[], $2::date[], $3::int[], $4::text[]::jsonb[])
           on conflict (employee_id, month) do update set version = excluded.version, days = excluded.days""",
        [s.employee_id for _, s in rows], [s.month for _, s in rows], [version for version, _ in rows],
        [as_json([day.model_dump(mode="json", exclude_none=True) for day in s.days]) for _, s in rows],
    )


async def calendars(connection: Connection) -> dict[tuple[str, int], Kept[CalendarState]]:
    """All calendars by name and year."""
    rows = await connection.fetch("select calendar, year, version, days::text as days from calendar")
    return {
        (row["calendar"], row["year"]): Kept(row["version"], CalendarState(
            row["calendar"], row["year"], tuple(CalendarDay.model_validate(day) for day in orjson.loads(row["days"]))))
        for row in rows
    }


async def put_calendars(connection: Connection, rows: Sequence[Kept[CalendarState]]) -> None:
    """Writes calendars in their new versions."""
    await connection.executemany(
        """insert into calendar (calendar, year, version, days) values ($1, $2, $3, $4::text::jsonb)
           on conflict (calendar, year) do update set version = excluded.version, days = excluded.days""",
        [(s.calendar, s.year, version, as_json([day.model_dump(mode="json") for day in s.days])) for version, s in rows],
    )


async def policies(connection: Connection) -> dict[UUID, Kept[PolicyState]]:
    """All rule packs by id, with their scopes in order of date."""
    scopes: dict[UUID, list[PolicyInForce]] = {}
    for policy_id, unit, since in await policies_in_force(connection):
        scopes.setdefault(policy_id, []).append(PolicyInForce(since=since, org_unit_id=unit))
    rows = await connection.fetch("select policy_id, version, name, content::text as content from policy")
    return {
        row["policy_id"]: Kept(row["version"], PolicyState(
            row["policy_id"], row["name"], orjson.loads(row["content"]), tuple(scopes.get(row["policy_id"], ()))))
        for row in rows
    }


async def policies_in_force(connection: Connection) -> list[tuple[UUID, UUID | None, dt.date]]:
    """(policy, unit or None for the province, first business date), in order of date."""
    rows = await connection.fetch("select policy_id, org_unit_id, since from policy_in_force order by since, org_unit_id nulls first")
    return [(row["policy_id"], row["org_unit_id"], row["since"]) for row in rows]


async def put_policies(connection: Connection, rows: Sequence[Kept[PolicyState]]) -> None:
    """Writes rule packs in their new versions, and their scopes in place of what they had."""
    await connection.executemany(
        """insert into policy (policy_id, version, name, content) values ($1, $2, $3, $4::text::jsonb)
           on conflict (policy_id) do update set version = excluded.version, name = excluded.name""",
        [(s.policy_id, version, s.name, as_json(dict(s.content))) for version, s in rows],
    )
    await connection.execute("delete from policy_in_force where policy_id = any($1::uuid[])", [s.policy_id for _, s in rows])
    scopes: Iterable[tuple[UUID, UUID | None, dt.date]] = (
        (s.policy_id, scope.org_unit_id, scope.since) for _, s in rows for scope in s.in_force)
    await connection.executemany("insert into policy_in_force (policy_id, org_unit_id, since) values ($1, $2, $3)", list(scopes))
