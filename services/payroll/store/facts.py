"""How an employee-month's facts are written down compactly, and read back: priced days, lines in force, supplements."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final
from uuid import UUID

import orjson

from services.payroll.rules import (
    Basis,
    Ceiling,
    EmployeeMonth,
    LedgerLine,
    Line,
    LineKey,
    Posting,
    PricedDay,
    Sanction,
    Supplement,
)
from shared.events import DayStatus, FindingKind
from shared.ids import id_of
from shared.percent import parse_percent, percent_text

_STATUSES: Final = {status.value: status for status in DayStatus}
_KINDS: Final = {kind.value: kind for kind in FindingKind}


@dataclass(frozen=True, slots=True)
class Facts:
    """What a month's row holds beside its columns."""

    days: Mapping[dt.date, PricedDay]
    in_force: Mapping[LineKey, Posting]
    supplements: Mapping[str, Supplement]
    settled: Supplement
    head: str = ""
    closed_on: Basis | None = None


def write_facts(month: EmployeeMonth) -> str:
    """The facts as JSON text: about 40 bytes a day, so that a month stays within its page.

    Policies are listed once and referred to by their place in the list.
    """
    policies: dict[UUID, int] = {}

    def place(policy_id: UUID) -> int:
        return policies.setdefault(policy_id, len(policies))

    content: dict[str, Any] = {
        "days": [_day(day, place(day.policy_id)) for _, day in sorted(month.days.items())],
        "lines": [
            [
                key.date and key.date.isoformat(), key.code, key.origin, percent_text(posting.line.percent),
                posting.line.amount, None if posting.line.policy_id is None else place(posting.line.policy_id), posting.number,
            ]
            for key, posting in month.in_force.items()
        ],
    }
    if month.supplements:
        content["owed"] = [[origin, *_supplement(owed)] for origin, owed in month.supplements.items()]
    if month.reported.closed:
        content["settled"] = _supplement(month.settled)
    if month.head:
        content["head"] = month.head
    if (basis := month.closed_on) is not None:
        content["closed_on"] = {
            "ceiling": basis.ceiling and _bases(basis.ceiling), "streak": basis.streak_before,
        }
        if basis.sanctions:
            content["closed_on"]["cuts"] = [
                [cut.step, percent_text(cut.percent), cut.legal_source, cut.date.isoformat(), cut.first_month, cut.last_month,
                 cut.document]
                for cut in basis.sanctions
            ]
        if basis.days != month.days:  # only of the few months that change after their close
            content["closed_on"]["days"] = [_day(day, place(day.policy_id)) for _, day in sorted(basis.days.items())]
    content["policies"] = [str(policy_id) for policy_id in policies]
    return orjson.dumps(content).decode()


def read_facts(text: str) -> Facts:
    """The facts that `write_facts` wrote."""
    content = orjson.loads(text)
    policies = [_policy(text) for text in content["policies"]]
    days = {day.date: day for day in (_read_day(row, policies) for row in content["days"])}
    closed_on = None
    if (basis := content.get("closed_on")) is not None:
        then = {day.date: day for day in (_read_day(row, policies) for row in basis["days"])} if "days" in basis else days
        closed_on = Basis(
            then, basis["ceiling"] and Ceiling(*basis["ceiling"]), basis["streak"], tuple(_cut(*row) for row in basis.get("cuts", ()))
        )
    in_force = {}
    for date, code, origin, percent, amount, policy, number in content["lines"]:
        key = LineKey(date and dt.date.fromisoformat(date), code, origin)
        line = LedgerLine(key, parse_percent(percent), amount, None if policy is None else policies[policy])
        in_force[key] = Posting(line, number)
    return Facts(
        days=days,
        in_force=in_force,
        supplements={origin: Supplement(parse_percent(percent), amount) for origin, percent, amount in content.get("owed", ())},
        settled=Supplement(parse_percent(content["settled"][0]), content["settled"][1]) if "settled" in content else Supplement(),
        head=content.get("head", ""),
        closed_on=closed_on,
    )


@lru_cache(maxsize=1024)
def _policy(text: str) -> UUID:
    """The id of a rule pack: one value for all days, since to compare two takes as long as to read a day."""
    return id_of(text)


def _cut(step: str, percent: str, source: str, date: str, first: str, last: str, document: str | None) -> Sanction:
    return Sanction(step, parse_percent(percent), source, False, dt.date.fromisoformat(date), first, last, document)


def _supplement(owed: Supplement) -> tuple[str, int]:
    return percent_text(owed.percent), owed.amount


def _day(day: PricedDay, policy: int) -> list[Any]:
    row: list[Any] = [
        day.date, day.version, day.status, int(day.final), int(day.scheduled), policy,
        day.duty_days_in_month, day.work_week_days, day.minutes,
    ]
    if day.lines:
        row.append([
            [line.kind.value, line.code, percent_text(line.percent), line.minutes, int(line.compensable), *_other_base(line)]
            for line in day.lines
        ])
    return row


def _other_base(line: Line) -> tuple[str, ...]:
    return () if line.base is None else (line.base[0], percent_text(line.base[1]))


def _bases(ceiling: Ceiling) -> list[int | None]:
    """What a ceiling holds; the wage only where there is one."""
    return [ceiling.amount, ceiling.static_tkd, *(() if ceiling.wage is None else (ceiling.wage,))]


_PLAIN_COLUMNS: Final = 9
_REMEMBERED: Final = 20_000
_plain: dict[tuple[Any, ...], PricedDay] = {}
"""Days on which nothing was found, by what they say: most days of most people say the same, and values are shared."""


def _read_day(row: list[Any], policies: list[UUID]) -> PricedDay:
    if len(row) > _PLAIN_COLUMNS:
        return _decoded(row, policies)
    key = (*row, policies[row[5]].int)
    day = _plain.get(key)
    if day is None:
        if len(_plain) >= _REMEMBERED:
            _plain.clear()
        day = _plain[key] = _decoded(row, policies)
    return day


def _decoded(row: list[Any], policies: list[UUID]) -> PricedDay:
    date, version, status, final, scheduled, policy, duty_days, week, minutes, *rest = row
    return PricedDay(
        date=dt.date.fromisoformat(date),
        version=version,
        status=_STATUSES[status],
        final=bool(final),
        scheduled=bool(scheduled),
        policy_id=policies[policy],
        lines=tuple(
            Line(
                _KINDS[kind], code, parse_percent(percent), line_minutes, bool(compensable),
                (base[0], parse_percent(base[1])) if base else None,
            )
            for kind, code, percent, line_minutes, compensable, *base in (rest[0] if rest else ())
        ),
        minutes=minutes,
        duty_days_in_month=duty_days,
        work_week_days=week,
    )
