"""Judges a day as a first draft would: the first mark, the last mark, a table of bands; everything else is ignored."""

from services.schedule.rules import DayInputs
from shared.events import Mark
from shared.policy import Policy


def plain_day(day: DayInputs, policy: Policy) -> tuple[str, int, int, tuple[str, ...]]:
    """Status, minutes late, minutes early and codes of a day that is over."""
    start, end = day.duty.start, day.duty.end
    if start is None or end is None:
        return "OFF", 0, 0, ()
    came = min((mark.at for mark in day.marks if mark.mark is Mark.IN), default=None)
    left = max((mark.at for mark in day.marks if mark.mark is Mark.OUT), default=None)
    if came is None and left is None:
        return "ABSENT", 0, 0, ("TK",)
    late = max(0, int((came - start).total_seconds()) // 60) if came else 0
    early = max(0, -(int((left - end).total_seconds()) // 60)) if left else 0
    codes = []
    for minutes, bands, missing in ((late, policy.tl, came is None), (early, policy.psw, left is None)):
        if missing:
            codes.append("missing")
        elif minutes:
            codes.extend(band.code for band in bands if band.min <= minutes and (band.max is None or minutes <= band.max))
    return "PRESENT", late, early, tuple(codes)
