"""Which week pattern and which rule pack hold for a unit on a business date: its own, else those of the units above it."""

import datetime as dt
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from shared.events import WeekInForce


@dataclass(frozen=True, slots=True)
class WeekScope:
    """A week pattern (None: none any more) for a unit and those below it (None: everybody), on these dates, both inclusive."""

    week: str | None
    since: dt.date
    until: dt.date | None = None
    org_unit_id: UUID | None = None


class WeeksInForce:
    """Which week pattern holds for a unit, or for everybody, on a business date."""

    def __init__(self, patterns: Iterable[tuple[str, WeekInForce]] = ()) -> None:
        self._scopes: dict[UUID | None, list[tuple[dt.date, dt.date, str]]] = {}
        for week, scope in patterns:
            self._scopes.setdefault(scope.org_unit_id, []).append((scope.since, scope.until or dt.date.max, week))
        for rows in self._scopes.values():
            rows.sort(reverse=True)

    def on(self, line: Sequence[UUID], date: dt.date) -> str | None:
        """Code of the week of a unit, which comes first in `line`, before the units above it; None: nothing holds for it."""
        for scope in (*line, None):
            for since, until, week in self._scopes.get(scope, ()):
                if since <= date <= until:
                    return week
        return None

    def turns(self, line: Sequence[UUID]) -> set[dt.date]:
        """The dates on which another week may begin for a unit with this line."""
        rows = [row for scope in (*line, None) for row in self._scopes.get(scope, ())]
        return {since for since, _, _ in rows} | {
            until + dt.timedelta(days=1) for _, until, _ in rows if until < dt.date.max
        }

    def said(self) -> dict[tuple[UUID | None, dt.date], tuple[str, dt.date | None]]:
        """By unit (None: everybody) and first date: the code of the week, and its last date (None: open end)."""
        return {
            (unit, since): (week, until if until < dt.date.max else None)
            for unit, rows in self._scopes.items()
            for since, until, week in rows
        }

    def saying(self, scopes: Iterable[WeekScope]) -> "WeeksInForce":
        """These weeks with what is asked; what was said of the same unit and first date gives way."""
        said = self.said()
        for scope in scopes:
            said.pop((scope.org_unit_id, scope.since), None)
            if scope.week is not None:
                said[scope.org_unit_id, scope.since] = scope.week, scope.until
        return WeeksInForce.of(said)

    def leaving_out(self, org_unit_id: UUID | None, first: dt.date, last: dt.date) -> "WeeksInForce":
        """These weeks without what begins for that very unit on these dates, both inclusive."""
        return WeeksInForce.of(
            {
                (unit, since): told
                for (unit, since), told in self.said().items()
                if unit != org_unit_id or not first <= since <= last
            }
        )

    @classmethod
    def of(cls, said: Mapping[tuple[UUID | None, dt.date], tuple[str, dt.date | None]]) -> "WeeksInForce":
        """From what `said` tells."""
        return cls(
            (week, WeekInForce(since=since, until=until, org_unit_id=unit))
            for (unit, since), (week, until) in said.items()
        )

    def differing(self, other: "WeeksInForce") -> set[tuple[UUID | None, dt.date]]:
        """The units and first dates of which the other says something else."""
        mine, others = self.said(), other.said()
        return {key for key in mine.keys() | others.keys() if mine.get(key) != others.get(key)}


class PoliciesInForce:
    """Which rule pack holds for a unit on a business date: its own, else that of the nearest unit above it, else the province's."""

    def __init__(self, rows: Iterable[tuple[UUID | None, dt.date, UUID]]) -> None:
        self._scopes: dict[UUID | None, tuple[list[dt.date], list[UUID]]] = {}
        for scope, since, policy_id in sorted(rows, key=lambda row: row[1]):
            dates, ids = self._scopes.setdefault(scope, ([], []))
            dates.append(since)
            ids.append(policy_id)

    def on(self, line: Sequence[UUID], date: dt.date) -> UUID | None:
        """Id of the rule pack in force for a unit, which comes first in `line`, before the units above it.

        None: nothing is in force there yet, so that the day is not assessed.
        """
        for scope in (*line, None):
            dates, ids = self._scopes.get(scope, ([], []))
            place = bisect_right(dates, date)
            if place:
                return ids[place - 1]
        return None

    def rows(self) -> list[tuple[UUID | None, dt.date, UUID]]:
        """All scopes: (unit or None for the province, first business date, rule pack)."""
        return [
            (scope, since, policy_id)
            for scope, (dates, ids) in self._scopes.items()
            for since, policy_id in zip(dates, ids, strict=True)
        ]

    def turns(self, line: Sequence[UUID]) -> set[dt.date]:
        """The dates on which another rule pack may begin for a unit with this line."""
        return {since for scope in (*line, None) for since in self._scopes.get(scope, ([], []))[0]}
