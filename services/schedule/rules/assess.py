"""The judgement of one employee-day: from duty, stamps and decisions to status, minutes and findings.

Order of evaluation: calendar and roster → duty travel → leave → void marks (spoofed, window, evidence, place) →
choice of in and out → minutes → bands → missing marks → absence → break, roll-call, leaving, void violations.
What nobody has decided yet (an unsure place, a mock position, a declared outage) holds the day exactly when the
decision would change it, so that unsure never costs money.
"""

import datetime as dt
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple, TypeAlias
from uuid import UUID

from services.schedule.rules.amnesty import (
    Downtime,
    explains_all,
    explains_break,
    explains_early,
    explains_in,
    explains_late,
    explains_out,
    joined,
)
from services.schedule.rules.assessment import Assessment, Found
from services.schedule.rules.duty import MINUTE, Duty, Placed, final_at, window_of
from services.schedule.rules.excuses import NO_FACTS, FactsOfDay, excuse_of, facts_of_day
from services.schedule.rules.inputs import DayInputs, Leave, Outage
from services.schedule.rules.marks import FAKE_GPS, NO_EVIDENCE, Sighting, Stamp, judge_marks
from shared.events import DayState, DayStatus, FindingKind, Mark
from shared.policy import Policy

_Gaps: TypeAlias = tuple[Downtime | None, Downtime | None]
"""The outages that explain why he has not come, and why he has not gone."""

_NOTHING: Final = dt.timedelta(0)
_CUT: Final = MINUTE - dt.timedelta.resolution
_VOID_KINDS: Final = {FAKE_GPS: FindingKind.FRAUD, NO_EVIDENCE: FindingKind.NO_EVIDENCE}
_ABSENT: Final = Found(FindingKind.ABSENT, "TK")
_MISSED_BREAK: Final = Found(FindingKind.MISSED_BREAK, "MISSED_BREAK")
_APEL: Final = Found(FindingKind.APEL, "APEL")
_CEREMONY: Final = Found(FindingKind.APEL, "CEREMONY")
_NO_PRESENCE: Final = Found(FindingKind.NO_EVIDENCE, "NO_PRESENCE")
_LEFT: Final = Found(FindingKind.LEFT, "LEFT")
_NO_REPORT: Final = Found(FindingKind.NO_EVIDENCE, "NO_WORK_REPORT")
_NO_GAPS: Final[_Gaps] = (None, None)


class _Grade(NamedTuple):
    """A day graded on certain stamps as if all about it were decided."""

    status: DayStatus
    late: int | None
    early: int | None
    findings: tuple[Found, ...]
    came: Stamp | None
    left: Stamp | None
    evidence: tuple[UUID, ...]
    made_up: bool = False

    def differs(self, other: "_Grade") -> bool:
        """Whether the two say different things of the employee; which stamp says it does not matter."""
        return (
            self.status is not other.status
            or (self.late or 0) != (other.late or 0)
            or (self.early or 0) != (other.early or 0)
            or self.made_up is not other.made_up
            or [(found.kind, found.code) for found in self.findings]
            != [(found.kind, found.code) for found in other.findings]
        )


class _Case(NamedTuple):
    """What every grading of the day shares; `start` and `end` are those of a working duty."""

    duty: Duty
    start: dt.datetime
    end: dt.datetime
    policy: Policy
    day: FactsOfDay
    sighting: Sighting
    now: dt.datetime
    checked: bool


def assess(inputs: DayInputs, policy: Policy, now: dt.datetime) -> Assessment:
    """Judge one employee-day under the policy of its business date, as known and as late as `now`.

    The result is the same for marks and facts in any order and number. Before the day is final nothing counts
    as absence, missing check-out or leaving early; lateness of a mark already there does.
    """
    duty = inputs.duty
    policy = policy.on(duty.date)
    now = now.astimezone(dt.UTC)
    if duty.start is None or duty.end is None:
        status = DayStatus.HOLIDAY if duty.holiday else DayStatus.OFF
        return Assessment(DayState.FINAL, status, duty.mode, scheduled=False)
    day = facts_of_day(inputs.facts, duty.date) if inputs.facts else NO_FACTS
    if day is not NO_FACTS and (excuse := excuse_of(day, duty.date, policy)) is not None:
        fact, costs = excuse
        travels = isinstance(fact, Leave) and fact.kind == "dl"
        status = DayStatus.DL if travels else DayStatus.LEAVE
        return Assessment(DayState.FINAL, status, duty.mode, scheduled=True, findings=costs, evidence=(fact.id,))
    sighting = judge_marks(inputs.marks, Placed(duty, inputs.before, inputs.after), policy, day)
    closes = final_at(duty, policy)
    final = now >= closes
    next_due = None if final else closes
    checked = final
    if not final and policy.in_window is not None:
        in_closes = window_of(duty, policy, Mark.IN)[1]
        if in_closes is not None:
            checked = now >= in_closes
            next_due = closes if checked else min(in_closes, closes)
    if day.open_outages and now < duty.start:
        next_due = duty.start  # from then on the outage holds the day
    case = _Case(duty, duty.start, duty.end, policy, day, sighting, now, checked)
    grade = _grade(case, sighting.usable, day.confirmed_outages, final=final)
    waiting = _waits_for(case, grade, final=final)
    if waiting:
        return Assessment(
            DayState.PROVISIONAL, DayStatus.HELD, duty.mode, scheduled=True, evidence=waiting, next_due=next_due
        )
    if grade.status is DayStatus.PENDING:
        untouched = now < duty.start and not (sighting.usable or sighting.undecided or sighting.void)
        state = DayState.OPEN if untouched else DayState.PROVISIONAL
    else:
        state = DayState.FINAL
    return Assessment(
        state, grade.status, duty.mode, True, grade.late, grade.early, grade.findings,
        None if grade.came is None else grade.came.at, None if grade.left is None else grade.left.at,
        grade.evidence, next_due, grade.made_up,
    )


def _waits_for(case: _Case, grade: _Grade, *, final: bool) -> tuple[UUID, ...]:
    """Ids of the undecided stamps or outages whose decision would change the day; empty: none would."""
    sighting, day = case.sighting, case.day
    if sighting.undecided:
        for accepted in _extremes(sighting, case.policy, day):
            if _grade(case, sorted(sighting.usable + accepted), day.confirmed_outages, final=final).differs(grade):
                return tuple(stamp.id for stamp in sighting.undecided)
    if day.open_outages and case.now >= case.start:
        refused = _grade(case, sighting.usable, day.confirmed_outages, final=True)
        granted = _grade(case, sighting.usable, day.confirmed_outages + day.open_outages, final=True)
        if refused.differs(granted):
            return tuple(outage.id for outage in day.open_outages)
    return ()


def _extremes(sighting: Sighting, policy: Policy, day: FactsOfDay) -> Iterator[list[Stamp]]:
    """Sets of undecided stamps of which one, if any does, would change the day by being accepted.

    An earlier check-in is never worse than a later one, and neither is a later check-out: all of them tell it. Where the
    first check-out counts, a check-in and a check-out may make up for each other. A confirmed outage may excuse who came
    later, or has no mark at all, and not who came earlier: there each check-in is tried, and none, with the first check-out,
    the last one, and none.
    """
    yield sighting.undecided
    if not day.confirmed_outages and policy.out_pick == "last":
        return
    came = [stamp for stamp in sighting.undecided if stamp.mark is Mark.IN]
    left = [stamp for stamp in sighting.undecided if stamp.mark is Mark.OUT]
    if day.confirmed_outages:
        for one in ([], *([stamp] for stamp in came)):
            yield from (one + other for other in ([], left[:1], left[-1:]))
    elif came and left:
        yield came
        yield left


def _grade(case: _Case, stamps: Sequence[Stamp], declared: Sequence[Outage], *, final: bool) -> _Grade:
    """Grade the day on these stamps (sorted by time) with these outages excusing what they explain."""
    policy, day = case.policy, case.day
    outages = joined(declared, policy) if declared else ()
    came, rested, left = _pick(stamps, policy)
    late = early = None
    due = case.end
    used: list[Downtime] = []
    if came is not None:
        if policy.flex_early_minutes and came.at < case.start:
            due -= _ahead(case.start - came.at, policy)
        late = _late_minutes(came.at - case.start, policy)
        if late and outages and (excuse := explains_late(outages, case.start, came.at, policy)):
            used.append(excuse)
            late = 0  # as if in time: an excused lateness does not move the end of work either
        if late:
            due += min(_behind(late, came.at - case.start, policy), policy.flex_minutes * MINUTE)
            late = 0 if late <= policy.flex_minutes else late
    if left is not None:
        early = -((left.at - due) // MINUTE) if left.at < due else 0
        if early and outages and (excuse := explains_early(outages, case.end, due, left.at, policy)):
            used.append(excuse)
            early = 0
    gaps = _NO_GAPS
    if outages:
        gaps = _explained_gaps(case, came, left, due, outages)
        used += filter(None, gaps)

    made_up = bool(late and came and left and _made_up(late, came.at - case.start, left.at - case.end, policy))
    nobody = came is None and left is None and not used
    if nobody and day is not NO_FACTS and day.requested is not None:
        asked = (day.requested,) if case.now >= case.start else ()  # before, the day is open as any other is
        return _Grade(DayStatus.PENDING, None, None, (), None, None, asked)
    if absent := final and nobody:
        findings = [_missing(_ABSENT, case, None)]
    else:
        misses = came is None and gaps[0] is None, left is None and gaps[1] is None
        findings = _of_attendance(case, late, early, misses, final=final, made_up=made_up)
        if final and _breaks(stamps) < (case.duty.marks or policy.marks).count(Mark.BREAK):
            findings += _of_break(case, outages, used)
        if day is not NO_FACTS:
            findings += [found for found, fact in _of_rolls(day) if fact is not None]
    if case.sighting.void:
        findings += _void_violations(case, (came, rested, left), final=final)
    if (policy.presence_required or policy.work_report_required) and final and not absent:
        findings += _of_proof(case, stamps, due, outages, gaps, used)

    status = DayStatus.PENDING if not final else DayStatus.ABSENT if absent else DayStatus.PRESENT
    evidence = tuple([stamp.id for stamp in (came, rested, left) if stamp is not None])
    if used or case.sighting.void or day is not NO_FACTS:
        evidence = _with_reasons(evidence, findings, used, case)
    return _Grade(status, late, early, tuple(findings), came, left, evidence, made_up)


def _pick(stamps: Sequence[Stamp], policy: Policy) -> tuple[Stamp | None, Stamp | None, Stamp | None]:
    """The stamps that count for coming, the break and going: the first ones, but the last or first for going."""
    came = rested = left = None
    for stamp in stamps:
        if stamp.mark is Mark.IN:
            came = came or stamp
        elif stamp.mark is Mark.BREAK:
            rested = rested or stamp
        elif left is None or policy.out_pick == "last":
            left = stamp
    return came, rested, left


def _breaks(stamps: Sequence[Stamp]) -> int:
    """How many break marks there are; a second tap within the same minute is none of its own."""
    return len({stamp.at.replace(second=0, microsecond=0) for stamp in stamps if stamp.mark is Mark.BREAK})


def _explained_gaps(
    case: _Case, came: Stamp | None, left: Stamp | None, due: dt.datetime, outages: Sequence[Downtime]
) -> _Gaps:
    """The outages that explain missing marks; None for a mark that is there, or that nothing explains."""
    return (
        explains_in(outages, case.start, case.policy) if came is None else None,
        explains_out(outages, case.end, due, case.policy) if left is None else None,
    )


def _of_break(case: _Case, outages: Sequence[Downtime], used: list[Downtime]) -> list[Found]:
    """The missing break mark, unless an outage explains it, which then joins those `used`."""
    if not outages or (excuse := explains_break(outages, case.duty, case.policy)) is None:
        return [_missing(_MISSED_BREAK, case, Mark.BREAK)]
    used.append(excuse)
    return []


def _of_proof(
    case: _Case, stamps: Sequence[Stamp], due: dt.datetime, outages: Sequence[Downtime], gaps: _Gaps, used: list[Downtime]
) -> list[Found]:
    """What a day in this mode owes beside coming and going and has not got: a mark within the hours of work, a report.

    Nothing is owed where an outage, which then joins those `used`, explains both gaps or lasted for all these hours.
    """
    unproved: list[Found] = []
    if case.duty.mode in case.policy.presence_required:
        begin = case.start - max(case.end - due, _NOTHING)
        over = case.end if case.policy.seconds == "strict" else case.end + _CUT  # a stamp cut to the minute of the end is within
        if not any(begin <= stamp.at <= over for stamp in stamps):
            unproved.append(_NO_PRESENCE)
    if case.duty.mode in case.policy.work_report_required and not case.day.reported:
        unproved.append(_NO_REPORT)
    excuse = explains_all(outages, case.start, case.end) if None in gaps else gaps[0]
    if excuse is None or not unproved:
        return unproved
    used.append(excuse)
    return []


def _of_attendance(
    case: _Case, late: int | None, early: int | None, misses: tuple[bool, bool], *, final: bool, made_up: bool
) -> list[Found]:
    """Findings about coming and going on a day that is no absence; `misses`: whether either mark is missing unexcused."""
    findings: list[Found] = []
    policy = case.policy
    if late:
        _append_band(findings, FindingKind.LATE, late, policy, made_up)
    elif misses[0] and (final or case.checked):
        findings.append(_missing(Found(FindingKind.NO_IN, policy.no_in.code), case, Mark.IN))
    if not final:
        return findings
    if early:
        _append_band(findings, FindingKind.EARLY, early, policy, made_up=False)
    elif misses[1]:
        findings.append(_missing(Found(FindingKind.NO_OUT, policy.no_out.code), case, Mark.OUT))
    return findings


def _late_minutes(gap: dt.timedelta, policy: Policy) -> int:
    """Whole minutes after the start: started minutes under `strict`, full minutes under `stamp_floor`."""
    if gap.days < 0:
        return 0
    return -(-gap // MINUTE) if policy.seconds == "strict" else gap // MINUTE


def _ahead(gap: dt.timedelta, policy: Policy) -> dt.timedelta:
    """How far an early start moves the end forward: exactly, or with the stamp cut to its minute under `stamp_floor`."""
    return min(gap if policy.seconds == "strict" else -(-gap // MINUTE) * MINUTE, policy.flex_early_minutes * MINUTE)


def _behind(late: int, gap: dt.timedelta, policy: Policy) -> dt.timedelta:
    """What a lateness asks back at the end: exactly as much, or its whole minutes where stamps are cut to theirs.

    Seconds that `strict` has made a minute of lateness are not charged again.
    """
    return gap if policy.seconds == "strict" else late * MINUTE


def _made_up(late: int, gap: dt.timedelta, stayed: dt.timedelta, policy: Policy) -> bool:
    """Whether the lateness was made up by staying as long after the scheduled end (ganti waktu)."""
    rule = policy.compensation
    return rule is not None and late <= rule.max_minutes and stayed >= _behind(late, gap, policy)


def _append_band(findings: list[Found], kind: FindingKind, minutes: int, policy: Policy, made_up: bool) -> None:
    lateness = kind is FindingKind.LATE
    if (charge := policy.late_charge(minutes) if lateness else policy.early_charge(minutes)) is not None:
        findings.append(Found(kind, charge[0], minutes, made_up))


def _missing(found: Found, case: _Case, mark: Mark | None) -> Found:
    """The finding with the reasons why marks that were made do not count, if there were such marks."""
    if not case.sighting.void:
        return found
    reasons = sorted({void.reason for void in case.sighting.void if mark is None or void.mark is mark})
    return Found(found.kind, found.code, detail=",".join(reasons)) if reasons else found


def _void_violations(case: _Case, picked: Sequence[Stamp | None], *, final: bool) -> list[Found]:
    """Void marks that are violations of their own; a wrong place only if no usable mark took its place."""
    seen = {stamp.mark for stamp in picked if stamp is not None}
    codes = set()
    for void in case.sighting.void:
        counts = void.reason == FAKE_GPS or (final and void.mark not in seen)
        if counts and void.reason in case.policy.void_violations:
            codes.add(void.reason)
    return [Found(_VOID_KINDS.get(code, FindingKind.OUTSIDE), code) for code in sorted(codes)]


def _with_reasons(
    evidence: tuple[UUID, ...], findings: Sequence[Found], used: Sequence[Downtime], case: _Case
) -> tuple[UUID, ...]:
    ids = dict.fromkeys(evidence)
    kinds = {found.kind for found in findings}
    if any(found.detail for found in findings) or kinds & {FindingKind.FRAUD, FindingKind.OUTSIDE}:
        ids.update(dict.fromkeys(void.id for void in case.sighting.void))
    ids.update(dict.fromkeys(outage for downtime in used for outage in downtime.ids))
    ids.update((fact, None) for found, fact in _of_rolls(case.day) if found.kind in kinds and fact is not None)
    return tuple(ids)


def _of_rolls(day: FactsOfDay) -> tuple[tuple[Found, UUID | None], ...]:
    """What is found where a fact says so, and that fact."""
    return (_APEL, day.apel), (_CEREMONY, day.ceremony), (_LEFT, day.left)
