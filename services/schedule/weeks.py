"""The command that lets a week pattern hold for a unit or for everybody in a period (Ramadan hours)."""

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from services.schedule import taking_force
from services.schedule.clearing import holding_cleared
from services.schedule.in_force import WeekScope
from services.schedule.memory import Memory, Reference
from services.schedule.publishing import OPERATOR, Outcome, differing, record_audit
from services.schedule.reference import WeekPatternState
from services.schedule.store import opening
from services.schedule.store import reference_rows as rows
from services.schedule.store.due import EVER, Priority
from services.schedule.store.reference_rows import Kept
from services.schedule.taking_force import Cleared
from shared.database import Connection
from shared.events import WeekInForce
from shared.lanes import Lanes
from shared.refusal import Refused
from shared.topics import WEEK_PATTERN, lane_of

_DAY = dt.timedelta(days=1)


async def assign_weeks(
    lanes: Lanes, scopes: Sequence[WeekScope], actor: str = OPERATOR, now: dt.datetime | None = None, *, cleared: Cleared | None = None
) -> Outcome:
    """Lets week patterns hold there; what was said of the same unit and first date gives way. Given twice it changes nothing.

    The months that it touches become due. Raises Refused for an unknown pattern or unit, an end before its beginning, and where
    the change would take force inside an open check-in window, or for many unseen (`taking_force.allow_weeks`).
    """

    async def clear(connection: Connection, known: Mapping[str, Kept[WeekPatternState]]) -> None:
        reference = await Memory().current(connection)
        for scope in scopes:
            _check(scope, known.keys(), reference)
        after = reference.weeks_in_force.saying(scopes)
        if cleared is None and reference.weeks_in_force.differing(after):
            await taking_force.allow_weeks(connection, after, actor, now or dt.datetime.now(dt.UTC))

    async with holding_cleared(lanes, rows.weeks, clear) as (work, known):
        reference = await Memory().current(work.connection)
        before = reference.weeks_in_force
        after = before.saying(scopes)
        was, said, moved = before.said(), after.said(), before.differing(after)
        outcome = Outcome(
            sum(key not in was for key in moved), sum(key in was for key in moved),
            len({(scope.org_unit_id, scope.since) for scope in scopes} - moved))
        if not moved:
            return outcome
        holding: dict[str, list[WeekInForce]] = {}
        for (unit, since), (code, until) in sorted(said.items(), key=lambda one: (one[0][1], str(one[0][0] or ""))):
            holding.setdefault(code, []).append(WeekInForce(since=since, until=until, org_unit_id=unit))
        asked = [replace(kept.state, in_force=tuple(holding.get(code, ()))) for code, kept in known.items()]
        changed, _ = differing(asked, known, lambda state: state.code)
        detail = {"new": outcome.new, "changed": outcome.changed}
        cause = record_audit(work, actor, "assign-weeks", "weeks", detail)
        await rows.put_weeks(work.connection, changed)
        await rows.count_change(work.connection)
        for version, week in changed:
            work.emit(WEEK_PATTERN, week.code, version, week.published(version), key=week.code, lane=lane_of(week.code), cause=cause)
        for unit, since in moved:
            last = max(told[unit, since][1] or EVER for told in (was, said) if (unit, since) in told)
            await opening.spread(
                work.connection, None if unit is None else reference.below(unit), since.replace(day=1) - 7 * _DAY,
                EVER if last == EVER else last + 38 * _DAY, Priority.COMMAND, cause,
            )
        return outcome


def _check(scope: WeekScope, codes: Collection[str], reference: Reference) -> None:
    if scope.week is not None and scope.week not in codes:
        raise Refused(f"pola kerja {scope.week} tidak terdaftar; yang ada: {', '.join(sorted(codes))}")
    if scope.org_unit_id is not None and scope.org_unit_id not in reference.units:
        raise Refused("unit kerja tidak terdaftar; impor unitnya dulu (hadir import org-units)")
    if scope.until is not None and scope.until < scope.since:
        raise Refused("tanggal akhir pola kerja lebih dulu daripada tanggal mulainya; perbaiki tanggalnya")
