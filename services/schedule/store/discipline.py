"""SQL of the discipline ladder: which steps were told of whom, and the days that the ladder counts."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias
from uuid import UUID

import asyncpg

from services.schedule.rules import Judged, LadderDay
from shared.database import Connection
from shared.events import DayAssessed, Document, EmployeeKind
from shared.policy import Policy

StepKey: TypeAlias = tuple[UUID, str, dt.date]
"""A person, a step, and the absence day that crossed it."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What a person said of a step: who, when, why, on what document; of a cut of the TPP its percent, months and first month."""

    actor: str
    at: dt.datetime
    reason: str
    document: Document | None = None
    effective_from: str | None = None
    cut_percent: str | None = None
    cut_months: int | None = None


@dataclass(frozen=True, slots=True)
class StepVersion:
    """A step as it was last told; `unexcused_days` is the count that it stands on.

    `decision` is the word of the person who decided it, or who took it back (`withdrawn`); None: it follows from the days.
    """

    key: StepKey
    version: int
    action: Literal["proposed", "withdrawn", "decided"]
    unexcused_days: int
    legal_source: str
    decision: Decision | None = None


async def steps_of(connection: Connection, employees: Sequence[UUID]) -> dict[StepKey, StepVersion]:
    """Every step ever told of these people, in its newest version."""
    rows = await connection.fetch(f"{_STEPS} where employee_id = any($1::uuid[])", list(employees))
    return {step.key: step for step in map(_step, rows)}


async def steps(
    connection: Connection, *, employee_id: UUID | None = None, org_unit_id: UUID | None = None, action: str | None = None,
    after: StepKey | None = None, most: int = 100, clock: str = "",
) -> list[StepVersion]:  # fmt: skip
    """Steps by date, person and name, after that one; of a unit those of its present people.

    Of one person, or of those who live by `clock` ("": everybody real).
    """
    rows = await connection.fetch(
        f"""{_STEPS} where ($1::uuid is null or employee_id = $1) and ($2::text is null or action = $2)
            and ($3::uuid is null or employee_id in (
              select e.employee_id from employee e where e.member_unit[cardinality(e.member_unit)] = $3))
            and ($1 is not null or employee_id in (select e.employee_id from employee e where e.played_clock = $8))
            and ($4::date is null or (date, employee_id, step) > ($4, $5::uuid, $6::text))
            order by date, employee_id, step limit $7""",  # noqa: S608 (our own words)
        employee_id, action, org_unit_id, after[2] if after else None, after[0] if after else None, after[1] if after else None, most,
        clock,
    )
    return [_step(row) for row in rows]


async def ladder_days(
    connection: Connection, employees: Sequence[UUID], policies: Mapping[UUID, Policy]
) -> dict[UUID, list[Judged]]:
    """The days of these people that can move a step, with their rule packs out of `policies`.

    Those are the absences, the duty day after each (it may end a row of them), and late or early days under packs that make days of
    minutes: some rows, however many years a person has served. A day that is not final yet is no absence and counts no minutes.
    """
    converting = [policy_id for policy_id, policy in policies.items() if policy.convert_minutes_per_day is not None]
    rows = await connection.fetch(
        """with absence as (select employee_id, date from assessment where employee_id = any($1::uuid[]) and status = 'ABSENT'),
             moving as (
               select employee_id, date from absence
               union
               select employee_id, after.date from absence cross join lateral (
                 select a.date from assessment a
                 where a.employee_id = absence.employee_id and a.date > absence.date and (a.content->>'scheduled')::boolean
                 order by a.date limit 1) after
               union
               select employee_id, date from assessment
               where cardinality($2::uuid[]) > 0 and employee_id = any($1::uuid[]) and (content->>'policy_id')::uuid = any($2::uuid[])
                 and state = 'FINAL' and (coalesce((content->>'late')::int, 0) > 0 or coalesce((content->>'early')::int, 0) > 0))
           select employee_id, date, status = 'ABSENT' as absent,
                  case when state = 'FINAL' then coalesce((content->>'late')::int, 0) + coalesce((content->>'early')::int, 0)
                       else 0 end as minutes,
                  case when state = 'FINAL' and (content->>'made_up')::boolean then (content->>'late')::int else 0 end as made_up,
                  (content->>'policy_id')::uuid as policy_id, content->>'employee_kind' as kind
           from moving join assessment using (employee_id, date)
           where (content->>'scheduled')::boolean""", list(employees), converting)
    days: dict[UUID, list[Judged]] = {}
    for row in rows:
        day = LadderDay(row["date"], True, row["absent"], row["minutes"], row["made_up"])
        days.setdefault(row["employee_id"], []).append((day, policies[row["policy_id"]], EmployeeKind(row["kind"])))
    return days


async def put_steps(connection: Connection, versions: Sequence[StepVersion]) -> None:
    """Writes where steps stand now."""
    if not versions:
        return
    said = [version.decision for version in versions]
    await connection.execute(
        """insert into discipline_step (employee_id, step, date, version, action, unexcused_days, legal_source, by_person,
                                        actor, decided_at, reason, document, effective_from, cut_percent, cut_months)
           select employee_id, step, date, version, action, unexcused_days, legal_source, actor is not null, actor, decided_at, reason,
                  document::jsonb, effective_from, cut_percent, cut_months
           from unnest($1::uuid[], $2::text[], $3::date[], $4::int[], $5::text[], $6::int[], $7::text[], $8::text[], $9::timestamptz[],
                       $10::text[], $11::text[], $12::text[], $13::text[], $14::int[])
             v(employee_id, step, date, version, action, unexcused_days, legal_source, actor, decided_at, reason, document,
               effective_from, cut_percent, cut_months)
           on conflict (employee_id, step, date) do update set version = excluded.version, action = excluded.action,
             unexcused_days = excluded.unexcused_days, legal_source = excluded.legal_source, by_person = excluded.by_person,
             actor = excluded.actor, decided_at = excluded.decided_at, reason = excluded.reason, document = excluded.document,
             effective_from = excluded.effective_from, cut_percent = excluded.cut_percent, cut_months = excluded.cut_months""",
        [v.key[0] for v in versions], [v.key[1] for v in versions], [v.key[2] for v in versions],
        [v.version for v in versions], [v.action for v in versions], [v.unexcused_days for v in versions],
        [v.legal_source for v in versions], [one and one.actor for one in said], [one and one.at for one in said],
        [one and one.reason for one in said], [one.document.model_dump_json() if one and one.document else None for one in said],
        [one and one.effective_from for one in said], [one and one.cut_percent for one in said], [one and one.cut_months for one in said],
    )


async def assessed_on(connection: Connection, employee_id: UUID, dates: Sequence[dt.date]) -> list[DayAssessed]:
    """The days of these dates as they are assessed now."""
    rows = await connection.fetch(
        "select content::text as content from assessment where employee_id = $1 and date = any($2::date[]) order by date",
        employee_id, list(dates),
    )
    return [DayAssessed.model_validate_json(row["content"]) for row in rows]


_STEPS = """select employee_id, step, date, version, action, unexcused_days, legal_source, by_person, actor, decided_at, reason,
                   document::text as document, effective_from, cut_percent, cut_months from discipline_step"""


def _step(row: asyncpg.Record) -> StepVersion:
    decision = None
    if row["by_person"]:
        paper = None if row["document"] is None else Document.model_validate_json(row["document"])
        decision = Decision(
            row["actor"], row["decided_at"], row["reason"], paper, row["effective_from"], row["cut_percent"], row["cut_months"]
        )
    key = row["employee_id"], row["step"], row["date"]
    return StepVersion(key, row["version"], row["action"], row["unexcused_days"], row["legal_source"], decision)
