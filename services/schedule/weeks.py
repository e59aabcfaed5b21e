"""The command that lets a week pattern hold for a unit or for everybody in a period (Ramadan hours)."""

import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from services.schedule import taking_force
from services.schedule.memory import Memory, Reference
from services.schedule.publishing import OPERATOR, Outcome, Refused, differing, record_audit
from services.schedule.reference import WeeksInForce
from services.schedule.store import opening
from services.schedule.store import reference_rows as rows
from services.schedule.store.due import EVER, Priority
from services.schedule.taking_force import Cleared
from shared.events import WeekInForce
from shared.lanes import Lanes
from shared.topics import LANES, WEEK_PATTERN, lane_of

_DAY = dt.timedelta(days=1)


@dataclass(frozen=True, slots=True)
class WeekScope:
    """A week pattern (None: none any more) for a unit and those below it (None: everybody), on these dates, both inclusive."""

    week: str | None
    since: dt.date
    until: dt.date | None = None
    org_unit_id: UUID | None = None


async def assign_weeks(
    lanes: Lanes, scopes: Sequence[WeekScope], actor: str = OPERATOR, now: dt.datetime | None = None, *, cleared: Cleared | None = None
) -> Outcome:
    """Lets week patterns hold there; what was said of the same unit and first date gives way. Given twice it changes nothing.

    The months that it touches become due. Raises Refused for an unknown pattern or unit, an end before its beginning, and where
    the change would take force inside an open check-in window or, for many, in the past (`taking_force.allow_weeks`).
    """
    async with lanes.hold(range(LANES)) as work:
        known = await rows.weeks(work.connection)
        before = {(scope.org_unit_id, scope.since): (code, scope) for code, kept in known.items() for scope in kept.state.in_force}
        after = dict(before)
        reference = await Memory().current(work.connection)
        for scope in scopes:
            _check(scope, known.keys(), reference)
            after.pop((scope.org_unit_id, scope.since), None)
            if scope.week is not None:
                told = WeekInForce(since=scope.since, until=scope.until, org_unit_id=scope.org_unit_id)
                after[scope.org_unit_id, scope.since] = scope.week, told
        asked = [
            replace(kept.state, in_force=tuple(sorted(
                (scope for week, scope in after.values() if week == code), key=lambda one: (one.since, str(one.org_unit_id or "")))))
            for code, kept in known.items()
        ]
        changed, _ = differing(asked, known, lambda state: state.code)
        moved = {key: [one for one in (before.get(key), after.get(key)) if one] for key in before.keys() | after.keys()
                 if before.get(key) != after.get(key)}
        outcome = Outcome(
            sum(key not in before for key in moved), sum(key in before for key in moved),
            len({(scope.org_unit_id, scope.since) for scope in scopes} - moved.keys()))
        if not moved:
            return outcome
        units = {unit: _below(reference, unit) for unit, _ in moved}
        reached = None if None in units else {one for below in units.values() for one in below if one is not None}
        first = min(since for _, since in moved)
        cleared = cleared or await taking_force.allow_weeks(
            work.connection, WeeksInForce(after.values()), reached, first, now or dt.datetime.now(dt.UTC))
        detail = {"new": outcome.new, "changed": outcome.changed}
        cause = record_audit(work, actor, "assign-weeks", "weeks", detail)
        await rows.put_weeks(work.connection, changed)
        await rows.count_change(work.connection)
        for version, week in changed:
            work.emit(WEEK_PATTERN, week.code, version, week.published(version), key=week.code, lane=lane_of(week.code), cause=cause)
        for (unit, since), told_of in moved.items():
            last = max(scope.until or EVER for _, scope in told_of)
            for one in units[unit]:
                await opening.spread(
                    work.connection, one, since.replace(day=1) - 7 * _DAY, EVER if last == EVER else last + 38 * _DAY,
                    Priority.COMMAND, cause,
                )
        return outcome


def _check(scope: WeekScope, codes: Collection[str], reference: Reference) -> None:
    if scope.week is not None and scope.week not in codes:
        raise Refused(f"pola kerja {scope.week} tidak terdaftar; yang ada: {', '.join(sorted(codes))}")
    if scope.org_unit_id is not None and scope.org_unit_id not in reference.units:
        raise Refused("unit kerja tidak terdaftar; impor unitnya dulu (hadir import org-units)")
    if scope.until is not None and scope.until < scope.since:
        raise Refused("tanggal akhir pola kerja lebih dulu daripada tanggal mulainya; perbaiki tanggalnya")


def _below(reference: Reference, unit: UUID | None) -> list[UUID | None]:
    """A unit and all units below it; None: everybody."""
    return [None] if unit is None else [*reference.below(unit)]
