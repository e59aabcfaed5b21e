"""SQL of requests for corrections: how they stand, what was done with them, who stands in for whom, and the rules in force."""

import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from services.schedule.rules.workflow import Done, Level, Request, Who
from services.schedule.store.reference_rows import as_json
from shared.database import Connection
from shared.events import Document


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as it is kept: what it asks for, whom it is about, and how far it has come.

    `first` and `last` are the business dates asked for, `due_by` the last date on which it was in time (None: always).
    """

    request_id: UUID
    kind: str
    employee_id: UUID | None
    org_unit_id: UUID | None
    body: dict[str, Any]
    first: dt.date
    last: dt.date
    due_by: dt.date | None
    late: bool
    requested_at: dt.datetime
    request: Request


@dataclass(frozen=True, slots=True)
class Deputy:
    """Somebody who stands in for an approver from one date to another; `units` None: wherever the role reaches."""

    deputy_id: UUID
    principal: str
    deputy: str
    role: str
    units: frozenset[UUID] | None
    since: dt.date
    until: dt.date
    reason: str
    appointed_by: str
    ended: bool = False


_COLUMNS = """
select r.request_id, r.kind, r.employee_id, r.org_unit_id, r.state, r.requester, r.levels::text as levels, r.barred, r.body::text as body,
       r.from_date, r.until_date, r.due_by, r.late, r.requested_at,
       case when r.employee_id is null then r.org_unit_id else (
         select e.member_unit[(select count(*) from unnest(e.member_since) s(since) where s.since <= r.from_date)]
         from employee e where e.employee_id = r.employee_id) end as unit
from correction_request r
"""


async def request(connection: Connection, request_id: UUID) -> Asked | None:
    """A request with its whole trail; None if nobody made it."""
    row = await connection.fetchrow(f"{_COLUMNS} where r.request_id = $1", request_id)
    return (await _asked(connection, [row]))[0] if row else None


async def requests(
    connection: Connection, *, state: str | None = None, employee_id: UUID | None = None, units: Sequence[UUID] | None = None,
    role: str | None = None, of_kinds: Sequence[str] | None = None, after: tuple[dt.datetime, UUID] | None = None, most: int = 100,
) -> list[Asked]:  # fmt: skip
    """Requests in the order in which they were made, after that one; `role`: only those that wait for somebody in this role."""
    rows = await connection.fetch(
        f"""select * from ({_COLUMNS}) r
            where ($1::text is null or state = $1) and ($2::uuid is null or employee_id = $2)
              and ($3::uuid[] is null or unit = any($3)) and ($4::timestamptz is null or (requested_at, request_id) > ($4, $5::uuid))
              and ($6::text is null or (state = 'requested' and (
                select (levels::jsonb -> count(*)::int -> 'roles') ? $6 from correction_trail t
                where t.request_id = r.request_id and t.action = 'approve')))
              and ($8::text[] is null or kind = any($8))
            order by requested_at, request_id limit $7""",  # noqa: S608 (our own words)
        state, employee_id, None if units is None else list(units), after[0] if after else None, after[1] if after else None, role, most,
        None if of_kinds is None else list(of_kinds),
    )
    return await _asked(connection, rows)


async def forgotten_in(connection: Connection, employee_id: UUID, first: dt.date, last: dt.date, but: UUID) -> int:
    """How many forgotten marks between two dates were asked for and not refused, apart from one request."""
    return int(await connection.fetchval(
        """select count(*) from correction_request where employee_id = $1 and kind = 'forgotten-mark' and request_id <> $4
           and state in ('requested', 'approved') and (body->>'on')::date between $2 and $3""", employee_id, first, last, but))


async def put_request(connection: Connection, asked: Asked, new: Sequence[Done], at: dt.datetime) -> None:
    """Writes how a request stands, and adds these entries to its trail."""
    request = asked.request
    await connection.execute(
        """insert into correction_request (request_id, kind, employee_id, org_unit_id, state, requester, levels, barred, body, from_date,
                                           until_date, due_by, late, requested_at, changed_at)
           values ($1, $2, $3, $4, $5, $6, $7::text::jsonb, $8, $9::text::jsonb, $10, $11, $12, $13, $14, $15)
           on conflict (request_id) do update set state = excluded.state, body = excluded.body, from_date = excluded.from_date,
             until_date = excluded.until_date, changed_at = excluded.changed_at""",
        asked.request_id, asked.kind, asked.employee_id, asked.org_unit_id, request.state, request.requester,
        as_json([{"name": level.name, "roles": level.roles} for level in request.levels]), sorted(request.barred), as_json(asked.body),
        asked.first, asked.last, asked.due_by, asked.late, asked.requested_at, at,
    )
    await connection.executemany(
        """insert into correction_trail (request_id, number, action, level, actor, role, deputy_of, at, reason, document)
           values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10::text::jsonb)""",
        [
            (asked.request_id, done.number, done.action, done.level, done.who.name, done.who.role, done.who.deputy_of, done.at,
             done.reason, done.document and done.document.model_dump_json())
            for done in new
        ],
    )


async def put_deputy(connection: Connection, deputy: Deputy, at: dt.datetime) -> bool:
    """Appoints a deputy, or ends the appointment; False if it stood so already."""
    tag = await connection.execute(
        """insert into deputy (deputy_id, principal, deputy, role, units, since, until, reason, appointed_by, appointed_at, ended_at)
           values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, case when $11 then $10::timestamptz end)
           on conflict (deputy_id) do update set ended_at = excluded.ended_at
           where deputy.ended_at is null and excluded.ended_at is not null""",
        deputy.deputy_id, deputy.principal, deputy.deputy, deputy.role, None if deputy.units is None else sorted(deputy.units),
        deputy.since, deputy.until, deputy.reason, deputy.appointed_by, at, deputy.ended,
    )
    return bool(tag.endswith("1"))


async def deputies(connection: Connection, *, names: Collection[str] | None = None, on: dt.date | None = None) -> list[Deputy]:
    """Deputies with one of these names whose period holds `on`; without either, all that ever were."""
    rows = await connection.fetch(
        """select * from deputy where ($1::text[] is null or deputy = any($1))
           and ($2::date is null or ($2 between since and until and ended_at is null)) order by since, deputy_id""",
        None if names is None else list(names), on,
    )
    return [
        Deputy(row["deputy_id"], row["principal"], row["deputy"], row["role"], None if row["units"] is None else frozenset(row["units"]),
               row["since"], row["until"], row["reason"], row["appointed_by"], row["ended_at"] is not None)
        for row in rows
    ]


async def approval_rules(connection: Connection) -> tuple[int, dict[str, Any]] | None:
    """The province's own rules of approval with their version; None if it has none."""
    row = await connection.fetchrow("select version, content::text as content from approval_rules order by version desc limit 1")
    return (row["version"], orjson.loads(row["content"])) if row else None


async def put_approval_rules(
    connection: Connection, version: int, content: dict[str, Any], actor: str, reason: str, at: dt.datetime
) -> None:
    """Adds a version of the province's rules of approval; from now on it counts."""
    await connection.execute(
        "insert into approval_rules (version, content, actor, reason, made_at) values ($1, $2::text::jsonb, $3, $4, $5)",
        version, as_json(content), actor, reason, at,
    )


async def _asked(connection: Connection, rows: Sequence[asyncpg.Record]) -> list[Asked]:
    trails: dict[UUID, list[Done]] = {}
    for row in await connection.fetch(
        """select request_id, number, action, level, actor, role, deputy_of, at, reason, document::text as document
           from correction_trail where request_id = any($1::uuid[]) order by request_id, number""", [row["request_id"] for row in rows]
    ):
        paper = None if row["document"] is None else Document.model_validate_json(row["document"])
        who = Who(row["actor"], row["role"], deputy_of=row["deputy_of"])
        trails.setdefault(row["request_id"], []).append(
            Done(row["number"], row["action"], row["level"], who, row["at"], row["reason"], paper)
        )
    return [
        Asked(
            row["request_id"], row["kind"], row["employee_id"], row["org_unit_id"], orjson.loads(row["body"]), row["from_date"],
            row["until_date"], row["due_by"], row["late"], row["requested_at"],
            Request(
                row["requester"], tuple(Level(level["name"], tuple(level["roles"])) for level in orjson.loads(row["levels"])),
                None if row["employee_id"] is None else str(row["employee_id"]), row["unit"], frozenset(row["barred"]), row["state"],
                tuple(trails.get(row["request_id"], ())),
            ),
        )
        for row in rows
    ]
