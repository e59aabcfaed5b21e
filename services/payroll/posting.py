"""Brings employee-months up to date: load, restate by the rules, follow what that changes elsewhere, save, publish.

The stream, the ceilings chore and the freezing of closed months all come through here, so that there is one
way in which a rupiah enters the ledger.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final
from uuid import UUID

from services.payroll.rules import (
    EmployeeMonth,
    LedgerLine,
    LedgerRow,
    Outcome,
    PricedDay,
    Supplement,
    close,
    counted,
    genesis,
    is_cut,
    link,
    month_before,
    next_month,
    restate,
)
from services.payroll.store.months import Key, enter, load_months, next_open_month, save_months
from services.payroll.store.references import Policies
from shared import metrics
from shared.envelope import Envelope, derived_id
from shared.events import DeductionEntered, TppMonthChanged
from shared.lanes import Work
from shared.percent import percent_text
from shared.policy import Policy
from shared.topics import DEDUCTION, TPP_MONTH, lane_of


@dataclass(slots=True)
class Change:
    """What is new about an employee-month, and the events that brought it.

    `days` come in the order in which they arrived, each with the event that told it; `cause` is what made the
    month due otherwise. A month of which nothing is known is begun only if there are days or supplements for it.
    """

    days: list[tuple[PricedDay, Envelope]] = field(default_factory=list)
    cause: Envelope | None = None
    supplements: list[tuple[str, Supplement]] = field(default_factory=list)

    @property
    def but_days(self) -> bool:
        """Whether days are all that it brings; a change of nothing asks for the month to be restated."""
        return bool(self.days) and self.cause is None and not self.supplements


@dataclass(frozen=True, slots=True)
class _Causes:
    """Which event brought what is new on a date, and the latest of them, which stands for the month as a whole."""

    by_date: Mapping[dt.date, Envelope]
    latest: Envelope | None

    def of(self, date: dt.date | None) -> Envelope | None:
        return self.latest if date is None else self.by_date.get(date, self.latest)


async def post(work: Work, changes: Mapping[Key, Change], policies: Policies) -> None:
    """Apply the changes under the lanes that `work` holds, and all that follows from them.

    What follows: an absence streak that goes on in the next month, and what a closed month owes the next open
    one. Raises Unready if a policy has not arrived yet; then nothing is written.
    """
    posting = _Posting(work, policies)
    waiting = dict(changes)
    while waiting:
        waiting = await posting.wave(waiting)
    await posting.save()


class _Posting:
    """The months that one unit of work has loaded, as they are by now, and the entries made on the way."""

    def __init__(self, work: Work, policies: Policies) -> None:
        self.work: Final = work
        self.policies: Final = policies
        self.book: dict[Key, EmployeeMonth] = {}
        self.stored: dict[Key, EmployeeMonth] = {}
        self.entries: list[tuple[LedgerRow, str]] = []
        self.now: Final = dt.datetime.now(dt.UTC)

    async def wave(self, changes: Mapping[Key, Change]) -> dict[Key, Change]:
        """Apply these changes, the earlier month first; returns the changes that follow in other months."""
        unknown = [key for key in changes if key not in self.book]
        loaded = await load_months(self.work.connection, unknown) if unknown else {}
        for key, (month, _) in loaded.items():
            self.book[key] = self.stored[key] = month
        rules = await self._rules(changes)
        following: dict[Key, Change] = {}
        for key in sorted(changes, key=lambda key: key[1]):
            change, known = changes[key], self.book[key]
            if loaded.get(key, (known, False))[1]:
                closed = self._take(key, close(known, rules), _Causes({}, change.cause))
                await self._owe(key, closed, change.cause, following)
                known = closed.month
            if not (known.version or change.days or change.supplements):
                del self.book[key]
                continue
            previous = self.book.get((key[0], month_before(key[1])))
            if previous is not None and previous.version:
                known = replace(known, streak_before=previous.streak_after)
            days = [day for day, _ in change.days]
            # as it is stored, the month stands as it was restated last
            outcome = counted(known, days) if known is self.stored.get(key) and change.but_days else None
            if outcome is None:
                fresh = known.with_days(days)
                for origin, owed in change.supplements:
                    fresh = fresh.with_supplement(origin, owed)
                outcome = restate(fresh, rules)
            kept = outcome.month.days
            taken = {day.date: envelope for day, envelope in change.days if kept.get(day.date) is day}
            causes = _Causes(taken, next(reversed(taken.values()), change.cause))
            outcome = self._take(key, outcome, causes)
            await self._follow(key, known, outcome, causes.latest, changes, following)
        return following

    async def _rules(self, changes: Mapping[Key, Change]) -> Mapping[UUID, Policy]:
        needed = {day.policy_id for change in changes.values() for day, _ in change.days}
        needed.update(day.policy_id for key in changes for day in self.book[key].days.values())
        return await self.policies.of(self.work.connection, needed)

    async def _follow(
        self, key: Key, known: EmployeeMonth, outcome: Outcome, cause: Envelope | None,
        changes: Mapping[Key, Change], following: dict[Key, Change],
    ) -> None:  # fmt: skip
        employee, month = key
        after = employee, next_month(month)
        if outcome.month.streak_after != known.streak_after and after not in changes:
            following.setdefault(after, Change(cause=cause))
        await self._owe(key, outcome, cause, following)

    async def _owe(self, key: Key, outcome: Outcome, cause: Envelope | None, following: dict[Key, Change]) -> None:
        employee, month = key
        if outcome.owed != Supplement():
            target = employee, await next_open_month(self.work.connection, employee, month)
            following.setdefault(target, Change(cause=cause)).supplements.append((month, outcome.owed))

    def _take(self, key: Key, outcome: Outcome, causes: _Causes) -> Outcome:
        """Keep the outcome and queue what is to be published of it; returns it with the hash chain carried on."""
        month = outcome.month
        employee, lane = month.employee_id, lane_of(month.employee_id)
        entity = f"{employee}|{month.month}"
        head = month.head or genesis(employee, month.month)
        for entry in outcome.entries:
            line, cause = entry.change.line, causes.of(entry.change.line.key.date)
            row = LedgerRow(
                employee_id=employee,
                month=month.month,
                number=entry.number,
                entry_id=derived_id(DEDUCTION, entity, entry.number),
                date=line.key.date,
                code=line.key.code,
                origin=line.key.origin,
                action=entry.change.action,
                percent=percent_text(entry.change.percent),
                amount=entry.change.amount,
                month_version=month.version,
                reverses=entry.reverses,
                policy_id=line.policy_id,
                cause=None if cause is None else cause.id,
                correlation=None if cause is None else cause.correlation_id,
                entered_at=self.now,
            )
            head = link(head, row.content())
            self.entries.append((row, head))
            self.work.emit(
                DEDUCTION, entity, entry.number,
                DeductionEntered(
                    entry_id=row.entry_id,
                    employee_id=employee,
                    month=month.month,
                    date=row.date,
                    code=row.code,
                    action=entry.change.action,
                    percent=row.percent,
                    amount=row.amount,
                    month_version=month.version,
                    reverses=None if entry.reverses is None else derived_id(DEDUCTION, entity, entry.reverses),
                    policy_id=line.policy_id,
                    legal_source=self._legal_source(line, month),
                    number=entry.number,
                    origin=row.origin,
                    row_hash=head,
                ),
                key=str(employee), lane=lane, cause=cause, time=self.now,
            )  # fmt: skip
            metrics.PAYROLL_DEDUCTIONS.labels(entry.change.action).inc()
            metrics.PAYROLL_DEDUCTED_RUPIAH.labels(entry.change.action).inc(abs(entry.change.amount))
        if outcome.entries:
            outcome = replace(outcome, month=replace(month, head=head))
        self.book[key] = outcome.month
        if outcome.told:
            reported = month.reported
            self.work.emit(
                TPP_MONTH, entity, month.version,
                TppMonthChanged(
                    employee_id=employee,
                    month=month.month,
                    version=month.version,
                    state="CLOSED" if reported.closed else "OPEN",
                    raw_percent=percent_text(reported.raw_percent),
                    percent=percent_text(reported.percent),
                    amount=reported.amount,
                    ceiling=reported.ceiling,
                    days_assessed=reported.days_assessed,
                    days_final=reported.days_final,
                    supplementary=reported.supplementary,
                    of_wage=reported.of_wage,
                ),
                key=entity, lane=lane, cause=causes.latest,
            )  # fmt: skip
        return outcome

    def _legal_source(self, line: LedgerLine, month: EmployeeMonth) -> str | None:
        """The article of a line: its rule pack's, or that of the step that was decided."""
        if is_cut(line.key):
            return next((one.legal_source for one in month.sanctions if one.step == line.key.code), None)
        policy = None if line.policy_id is None else self.policies.known(line.policy_id)
        return None if policy is None else policy.legal_source

    async def save(self) -> None:
        """Write the months that are no longer as they were stored, and append the entries."""
        await save_months(self.work.connection, [month for key, month in self.book.items() if month != self.stored[key]])
        await enter(self.work.connection, self.entries)
