"""SQL of previews: what was shown to whom, who consented, the limits, and whom a change concerns right now."""

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Final, NamedTuple
from uuid import UUID

import asyncpg
import orjson

from services.schedule.rules.taking_force import Kind, Limits
from services.schedule.store.belonging import by_index, of_units
from services.schedule.store.reference_rows import as_json
from shared.database import Connection
from shared.events import Mode, RosterDay


@dataclass(frozen=True, slots=True)
class Preview:
    """A recorded preview; `whole` is false if it was narrowed to some units."""

    preview_id: UUID
    kind: Kind
    digest: str
    title: str
    actor: str
    made_at: dt.datetime
    first: dt.date
    last: dt.date
    whole: bool
    people_changed: int
    rupiah_more: int
    rupiah_less: int

    @property
    def rupiah(self) -> int:
        """Rupiah moved, in whichever direction."""
        return self.rupiah_more + self.rupiah_less


class Working(NamedTuple):
    """Real people of one unit who share zone, week and roster row on a date."""

    org_unit_id: UUID
    timezone: str
    week: str | None
    roster: RosterDay | None


_COLUMNS: Final = (
    "preview_id, kind, digest, title, actor, made_at, first_date, last_date, whole, people_changed, rupiah_more, rupiah_less"
)


async def put_preview(connection: Connection, preview: Preview, found: dict[str, Any]) -> None:
    """Keeps a preview with its whole result."""
    await connection.execute(
        f"insert into preview ({_COLUMNS}, found)"  # noqa: S608 - our own words
        " values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13::text::jsonb)",
        preview.preview_id, preview.kind, preview.digest, preview.title, preview.actor, preview.made_at, preview.first, preview.last,
        preview.whole, preview.people_changed, preview.rupiah_more, preview.rupiah_less, as_json(found),
    )


async def preview(connection: Connection, preview_id: UUID) -> Preview | None:
    """A preview by its id."""
    row = await connection.fetchrow(f"select {_COLUMNS} from preview where preview_id = $1", preview_id)  # noqa: S608 - our own words
    return _preview(row) if row else None


async def previews(connection: Connection, most: int = 50) -> list[tuple[Preview, list[str]]]:
    """The newest previews, each with those who approved it."""
    rows = await connection.fetch(
        f"""select {_COLUMNS}, array(select a.actor from preview_approval a where a.preview_id = p.preview_id order by at) as approved
            from preview p order by made_at desc, preview_id limit $1""", most,  # noqa: S608 - our own words
    )
    return [(_preview(row), list(row["approved"])) for row in rows]


async def page(
    connection: Connection, after: tuple[dt.datetime, UUID] | None, most: int
) -> list[tuple[Preview, list[str]]]:
    """Previews from the newest on, after that one, each with those who approved it."""
    rows = await connection.fetch(
        f"""select {_COLUMNS}, array(select a.actor from preview_approval a where a.preview_id = p.preview_id order by at) as approved
            from preview p where $1::timestamptz is null or made_at < $1 or (made_at = $1 and preview_id > $2)
            order by made_at desc, preview_id limit $3""", *(after or (None, None)), most,  # noqa: S608 - our own words
    )
    return [(_preview(row), list(row["approved"])) for row in rows]


async def found(connection: Connection, preview_id: UUID) -> dict[str, Any]:
    """The whole result of a preview as it was kept."""
    result: dict[str, Any] = orjson.loads(await connection.fetchval("select found::text from preview where preview_id = $1", preview_id))
    return result


async def newest_of(connection: Connection, digest: str, since: dt.datetime) -> Preview | None:
    """The newest whole preview of a change that was made since then."""
    row = await connection.fetchrow(
        f"select {_COLUMNS} from preview where digest = $1 and made_at >= $2 and whole order by made_at desc limit 1",  # noqa: S608
        digest, since,
    )
    return _preview(row) if row else None


async def approvers(connection: Connection, preview_id: UUID) -> set[str]:
    """Who approved a preview."""
    rows = await connection.fetch("select actor from preview_approval where preview_id = $1", preview_id)
    return {row["actor"] for row in rows}


async def put_approval(connection: Connection, preview_id: UUID, actor: str, reason: str, at: dt.datetime) -> bool:
    """Keeps a consent; False if this actor had given it already."""
    tag = await connection.execute(
        "insert into preview_approval (preview_id, actor, reason, at) values ($1, $2, $3, $4) on conflict do nothing",
        preview_id, actor, reason, at,
    )
    return str(tag).endswith(" 1")


async def limits(connection: Connection) -> Limits:
    """The limits in force."""
    row = await connection.fetchrow("select free_people, people, rupiah, valid_days from preview_limit")
    return Limits(**dict(row)) if row else Limits()


async def put_limits(connection: Connection, given: Limits) -> None:
    """Sets the limits."""
    await connection.execute(
        "update preview_limit set free_people = $1, people = $2, rupiah = $3, valid_days = $4",
        given.free_people, given.people, given.rupiah, given.valid_days,
    )


async def real_people(connection: Connection, units: Collection[UUID] | None) -> int:
    """How many active people with the real clock ever belong to one of these units; None: all of them."""
    return int(await connection.fetchval(
        f"select count(*) from employee where active and played_clock = '' and {of_units('$1')}",  # noqa: S608 - our own words
        None if units is None else list(units),
    ))


async def real_among(connection: Connection, employee_ids: Collection[UUID]) -> set[UUID]:
    """Those of these people who are active and have the real clock."""
    rows = await connection.fetch(
        "select employee_id from employee where active and played_clock = '' and employee_id = any($1::uuid[])", list(employee_ids))
    return {row["employee_id"] for row in rows}


async def working_on(connection: Connection, date: dt.date, units: Collection[UUID] | None) -> list[Working]:
    """The different ways in which real people of these units (None: of all) are on duty on a date, by roster or week."""
    rows = await connection.fetch(
        f"""select distinct m.unit, zone_on(e.zone_since, e.zone_name, e.timezone, $1) as timezone, w.week, d.day->>'mode' as mode,
                  d.day->>'start' as start, d.day->>'end' as "end", d.day is not null as rostered
           from employee e
             cross join lateral (select x.unit from unnest(e.member_since, e.member_unit) x(since, unit)
                                 where x.since <= $1 order by x.since desc limit 1) m
             left join lateral (select x.week from unnest(e.week_since, e.week_code) x(since, week)
                                where x.since <= $1 order by x.since desc limit 1) w on true
             left join lateral (select j.day from roster r cross join lateral jsonb_array_elements(r.days) j(day)
                                where r.employee_id = e.employee_id and r.month = date_trunc('month', $1::date)::date
                                  and j.day->>'date' = $1::date::text) d on true
           where e.active and e.played_clock = '' and ($2::uuid[] is null or m.unit = any($2::uuid[]))
             and {by_index("$2", "e.member_unit")}""",  # noqa: S608 - our own words
        date, None if units is None else list(units),
    )
    return [
        Working(row["unit"], row["timezone"], row["week"], RosterDay(
            date=date, mode=Mode(row["mode"]), start=row["start"], end=row["end"]) if row["rostered"] else None)
        for row in rows
    ]


def _preview(row: asyncpg.Record) -> Preview:
    return Preview(
        row["preview_id"], row["kind"], row["digest"], row["title"], row["actor"], row["made_at"], row["first_date"],
        row["last_date"], row["whole"], row["people_changed"], row["rupiah_more"], row["rupiah_less"],
    )
