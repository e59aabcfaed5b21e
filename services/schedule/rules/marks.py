"""Which stamps of a day count: inside the reach and the scan window, at the right place, with evidence, not spoofed.

A stamp is usable, void with a reason, or undecided: unsure places, bad fixes and mock positions wait for a person.
"""

import datetime as dt
from collections.abc import Iterable
from typing import Final, NamedTuple
from uuid import UUID

from services.schedule.rules.duty import MINUTE, Duty, Placed, Reaches, reaches_of, window_of
from services.schedule.rules.excuses import FactsOfDay
from services.schedule.rules.inputs import MarkSeen
from shared.events import Mark, Mode, Verdict
from shared.policy import Policy

FAKE_GPS: Final = "FAKE_GPS"
OUTSIDE_SITE: Final = "OUTSIDE_SITE"
WFA_OUTSIDE_REGION: Final = "WFA_OUTSIDE_REGION"
NO_EVIDENCE: Final = "NO_EVIDENCE"
OUTSIDE_WINDOW: Final = "OUTSIDE_WINDOW"
REVIEW_REJECTED: Final = "REVIEW_REJECTED"
_USABLE: Final = ""
_UNDECIDED: Final = "UNDECIDED"


class Stamp(NamedTuple):
    """A usable or undecided mark; `at` is in UTC, since comparing within one zone is several times faster."""

    at: dt.datetime
    id: UUID
    mark: Mark


class VoidMark(NamedTuple):
    """A mark that counts as not made (hangus), and why."""

    mark: Mark
    reason: str
    id: UUID


class Sighting(NamedTuple):
    """The day's stamps, judged one by one and sorted."""

    usable: list[Stamp]
    undecided: list[Stamp]
    void: list[VoidMark]


def judge_marks(marks: Iterable[MarkSeen], placed: Placed, policy: Policy, day: FactsOfDay) -> Sighting:
    """Judge every mark that belongs to the duty; of one check-in only the highest version is looked at."""
    # keyed by the id's integer: hashing a UUID object costs more than judging a mark
    latest: dict[int, MarkSeen] = {}
    for mark in marks:
        known = latest.setdefault(mark.check_in_id.int, mark)
        if known.version < mark.version:
            latest[mark.check_in_id.int] = mark
    duty = placed.duty
    reach = reaches_of(placed, policy)
    usable: list[Stamp] = []
    undecided: list[Stamp] = []
    void: list[VoidMark] = []
    needs_evidence = duty.mode in policy.evidence_required
    for mark in latest.values():
        at = mark.at if mark.at.tzinfo is dt.UTC else mark.at.astimezone(dt.UTC)
        if not reach.holds(mark.mark, at):
            continue
        standing = _standing(mark, at, duty, policy, day, needs_evidence)
        if standing == _USABLE:
            usable.append(Stamp(at, mark.check_in_id, mark.mark))
        elif standing == _UNDECIDED:
            undecided.append(Stamp(at, mark.check_in_id, mark.mark))
        else:
            void.append(VoidMark(mark.mark, standing, mark.check_in_id))
    if day.manuals:
        by_hand = _manual_stamps(day, reach, policy)
        usable += [stamp for stamp, approved in by_hand if approved]
        undecided += [stamp for stamp, approved in by_hand if not approved]
    usable.sort()
    undecided.sort()
    void.sort()
    return Sighting(usable, undecided, void)


def _manual_stamps(day: FactsOfDay, reach: Reaches, policy: Policy) -> list[tuple[Stamp, bool]]:
    """Marks by hand, and whether approved; they count wherever they were made, of those merely forgotten as many as the policy allows."""
    limit = policy.forgot_limit_per_month
    return [
        (Stamp(manual.at.astimezone(dt.UTC), manual.id, manual.mark), manual.state == "approved")
        for manual in day.manuals
        if reach.holds(manual.mark, manual.at)
        and (manual.nth_forgotten is None or limit is None or manual.nth_forgotten <= limit)
    ]


def _standing(
    mark: MarkSeen, at: dt.datetime, duty: Duty, policy: Policy, day: FactsOfDay, needs_evidence: bool
) -> str:
    decided = day.fraud.get(mark.check_in_id) if day.fraud else None
    if decided is not None and decided.decision == "confirmed":
        return FAKE_GPS
    if _out_of_window(mark.mark, at, duty, policy):
        return OUTSIDE_WINDOW
    review = day.reviews.get(mark.check_in_id) if day.reviews else None
    if review is not None and review.decision == "accepted":
        return _USABLE  # a person looked at it: that cures a missing photo as well as a doubtful place
    if needs_evidence and not mark.evidence:
        return NO_EVIDENCE
    if review is not None:
        return REVIEW_REJECTED
    if (mark.mock and decided is None) or mark.bad_fix:
        return _UNDECIDED
    return _place(mark, duty.mode)


def _place(mark: MarkSeen, mode: Mode) -> str:
    """WFO is judged by the sites (an activity's site by letter among them), WFA by the region or a site in it."""
    site = mark.site
    if site is Verdict.INSIDE:
        return _USABLE
    if mode is Mode.WFA:
        region = mark.region
        if region is Verdict.INSIDE:
            return _USABLE
        return _UNDECIDED if Verdict.UNSURE in (region, site) else WFA_OUTSIDE_REGION
    return _UNDECIDED if site is Verdict.UNSURE else OUTSIDE_SITE


def _out_of_window(mark: Mark, at: dt.datetime, duty: Duty, policy: Policy) -> bool:
    window = policy.in_window if mark is Mark.IN else policy.out_window if mark is Mark.OUT else policy.break_window
    if window is None:
        return False
    opens, closes = window_of(duty, policy, mark)
    if opens is not None and at < opens:
        return True
    if closes is None or window.after_close == "grade":
        return False
    # a stamp cut to the minute is still on time during the closing minute (ANRI 18/2016)
    return at >= closes + MINUTE if policy.seconds == "stamp_floor" else at > closes
