"""Whose check-ins a change of sites concerns: noted at once, and carried through the lanes piece by piece by a chore.

A province's check-ins of 90 days are far too many for one statement under all lanes. An import therefore writes only whom and
when it concerns. It holds every lane, so whatever was judged by the sites before it is there to be seen by every piece;
what is judged between the import and its piece is judged by the new sites already, and once more for nothing.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple, TypeAlias
from uuid import UUID

from services.geofence.rules.locate import EVE_HOLDS
from services.geofence.store.sites import SiteRow
from shared.database import Connection, plan_each_time
from shared.topics import LANES, lane_of

PEOPLE_A_PIECE: Final = 1_000
"""People looked at in one piece, of all lanes: some 40 of a lane, who have 130 check-ins each in 90 days."""

MOST_COUNTED: Final = 100_000
"""So many check-ins are counted for a report; beyond, it says "at least"."""

_COUNTED_AT_ONCE: Final = 200
"""People whose check-ins are counted by one statement."""

_NOBODY: Final = UUID(int=0)
Moments: TypeAlias = list[datetime | None]


@dataclass(frozen=True, slots=True)
class Reach:
    """Whom and when a state of a site concerns; `everybody` for a province's default region."""

    org_unit_ids: tuple[UUID, ...]
    employee_ids: tuple[UUID, ...]
    everybody: bool
    valid_from: datetime | None
    valid_to: datetime | None

    @classmethod
    def of(cls, site: SiteRow) -> "Reach":
        """Reach of one state of a site.

        Whoever gains or loses a region of their own also loses or gains the default one, in the same window.
        """
        everybody = site.kind == "region" and not site.org_unit_ids and not site.employee_ids
        until = None if site.valid_to is None else site.valid_to + EVE_HOLDS
        return cls(site.org_unit_ids, site.employee_ids, everybody, site.valid_from, until)


class Reached(NamedTuple):
    """All reaches of an import as columns: windows of org units, of employees, and of everybody; None is open."""

    unit_ids: list[UUID]
    unit_from: Moments
    unit_to: Moments
    employee_ids: list[UUID]
    employee_from: Moments
    employee_to: Moments
    all_from: Moments
    all_to: Moments

    @classmethod
    def by(cls, reaches: Collection[Reach]) -> "Reached":
        """Together, what is the same only once."""
        units = list({(unit, reach.valid_from, reach.valid_to) for reach in reaches for unit in reach.org_unit_ids})
        people = list({(person, reach.valid_from, reach.valid_to) for reach in reaches for person in reach.employee_ids})
        everybody = list({(reach.valid_from, reach.valid_to) for reach in reaches if reach.everybody})
        return cls(
            [unit for unit, _, _ in units], [start for _, start, _ in units], [end for _, _, end in units],
            [person for person, _, _ in people], [start for _, start, _ in people], [end for _, _, end in people],
            [start for start, _ in everybody], [end for _, end in everybody],
        )  # fmt: skip


class Piece(NamedTuple):
    """An import on its way through one lane."""

    changed: int
    lane: int


_CHECK_INS: Final = """
    select distinct c.lane, c.check_in_id from check_in c
    join (
        select m.employee_id, u.valid_from, u.valid_to from member m
            join unnest($2::uuid[], $3::timestamptz[], $4::timestamptz[]) u(org_unit_id, valid_from, valid_to) using (org_unit_id)
            where m.employee_id = any($1::uuid[])
        union all
        select * from unnest($5::uuid[], $6::timestamptz[], $7::timestamptz[]) e(employee_id, valid_from, valid_to)
            where e.employee_id = any($1::uuid[])
        union all
        select p.employee_id, a.valid_from, a.valid_to from unnest($1::uuid[]) p(employee_id),
            unnest($8::timestamptz[], $9::timestamptz[]) a(valid_from, valid_to)
    ) r on c.employee_id = r.employee_id
        and c.captured_at >= coalesce(r.valid_from, '-infinity') and c.captured_at < coalesce(r.valid_to, 'infinity')
    where c.latitude is not null
"""

# Whoever checked in, known or not: from one to the next in the index, instead of through all check-ins.
_ANYBODY_AFTER: Final = """
    with recursive person as (
        (select employee_id from check_in where employee_id > $1 order by employee_id limit 1)
        union all
        select n.employee_id from person p cross join lateral (
            select employee_id from check_in where employee_id > p.employee_id order by employee_id limit 1) n
    ) select employee_id from person limit $2
"""

_THOSE_AFTER: Final = """
    select employee_id from (
        (select distinct employee_id from member where org_unit_id = any($3::uuid[]) and employee_id > $1 order by employee_id limit $2)
        union
        select unnest($4::uuid[])
    ) r where employee_id > $1 order by employee_id limit $2
"""


async def _people_after(connection: Connection, reached: Reached, after: UUID, most: int) -> list[UUID]:
    """The next people, of all lanes, whose check-ins may be concerned; fewer than `most` at the end."""
    if reached.all_from:
        rows = await connection.fetch(_ANYBODY_AFTER, after, most)
    else:
        rows = await connection.fetch(_THOSE_AFTER, after, most, reached.unit_ids, reached.employee_ids)
    return [row["employee_id"] for row in rows]


async def count_reached(connection: Connection, reaches: Collection[Reach]) -> int:
    """How many check-ins with coordinates fall within these reaches, counted up to `MOST_COUNTED`."""
    reached, after, count = Reached.by(reaches), _NOBODY, 0
    async with connection.transaction():
        await plan_each_time(connection)
        while count < MOST_COUNTED:
            people = await _people_after(connection, reached, after, _COUNTED_AT_ONCE)
            count += await connection.fetchval(f"select count(*) from ({_CHECK_INS}) c", people, *reached)  # noqa: S608
            if len(people) < _COUNTED_AT_ONCE:
                break
            after = people[-1]
    return min(count, MOST_COUNTED)


async def note_reached(connection: Connection, changed: int, reaches: Collection[Reach]) -> None:
    """Notes that the check-ins within these reaches of this change of sites must be judged again; the caller holds all lanes."""
    await connection.execute("insert into reached values ($1, $2, $3, $4, $5, $6, $7, $8, $9)", changed, *Reached.by(reaches))
    await connection.execute("insert into reached_lane (changed, lane) select $1, generate_series(0, $2 - 1)", changed, LANES)


async def next_piece(connection: Connection, lanes: Collection[int]) -> Piece | None:
    """What is to be carried on next: what is least far, so that a small import does not wait for one that concerns everybody."""
    row = await connection.fetchrow(
        "select changed, lane from reached_lane where lane = any($1::int[]) order by after_employee, changed limit 1", sorted(lanes))
    return None if row is None else Piece(*row)


async def carry_on(connection: Connection, piece: Piece) -> int:
    """Marks the check-ins of the next people of a lane due, and forgets the import when all lanes are done; returns how many, at least 1.

    The caller holds the lane.
    """
    row = await connection.fetchrow(
        "select l.after_employee, r.* from reached_lane l join reached r using (changed) where l.changed = $1 and l.lane = $2", *piece)
    if row is None:
        return 1
    reached = Reached(*(row[name] for name in Reached._fields))
    await plan_each_time(connection)
    people = await _people_after(connection, reached, row["after_employee"], PEOPLE_A_PIECE)
    here = [one for one in people if lane_of(one) == piece.lane]
    marked = await connection.execute(
        f"insert into due_check_in (lane, check_in_id) {_CHECK_INS} on conflict do nothing", here, *reached)
    await _move_on(connection, piece, people)
    return max(int(marked.rpartition(" ")[2]), 1)


async def _move_on(connection: Connection, piece: Piece, people: Sequence[UUID]) -> None:
    if len(people) == PEOPLE_A_PIECE:
        await connection.execute(
            "update reached_lane set after_employee = $3 where changed = $1 and lane = $2", *piece, people[-1])
        return
    # Locked, so that of two lanes that end at once the later one sees that it is the last.
    await connection.execute("select from reached where changed = $1 for update", piece.changed)
    await connection.execute("delete from reached_lane where changed = $1 and lane = $2", *piece)
    await connection.execute(
        "delete from reached where changed = $1 and not exists (select from reached_lane where changed = $1)", piece.changed)
