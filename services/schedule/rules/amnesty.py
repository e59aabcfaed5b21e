"""What confirmed outages explain of a day: coming late, marks that are missing or early, a break, proof of presence."""

import datetime as dt
from collections.abc import Sequence
from operator import attrgetter
from typing import NamedTuple
from uuid import UUID

from services.schedule.rules.duty import MINUTE, Duty, window_of
from services.schedule.rules.inputs import Outage
from shared.events import Mark
from shared.policy import Policy


class Downtime(NamedTuple):
    """The system was down from `since` to `until`, by the outages of these ids."""

    since: dt.datetime
    until: dt.datetime
    ids: tuple[UUID, ...]


def joined(outages: Sequence[Outage], policy: Policy) -> list[Downtime]:
    """The outages by time, those no further apart than the margin as one: nobody is asked to try again in the minutes between."""
    margin = policy.outage_margin_minutes * MINUTE
    row: list[Downtime] = []
    for outage in sorted(outages, key=attrgetter("since", "id")):
        if row and outage.since <= row[-1].until + margin:
            since, until, ids = row.pop()
            row.append(Downtime(since, max(until, outage.until), (*ids, outage.id)))
        else:
            row.append(Downtime(outage.since, outage.until, (outage.id,)))
    return row


def explains_late(outages: Sequence[Downtime], start: dt.datetime, came: dt.datetime, policy: Policy) -> Downtime | None:
    """The outage that explains a late check-in: it fell on the time around the start, and he came soon after it ended.

    One that began later kept nobody from being there in time.
    """
    margin = policy.outage_margin_minutes * MINUTE
    for outage in outages:
        if outage.since < min(came, start + margin) and came <= outage.until + margin and outage.until > start - margin:
            return outage
    return None


def explains_in(outages: Sequence[Downtime], start: dt.datetime, policy: Policy) -> Downtime | None:
    """The outage that explains a missing check-in: it fell on the time around the start."""
    margin = policy.outage_margin_minutes * MINUTE
    return _met(outages, start - margin, start + margin)


def explains_out(outages: Sequence[Downtime], end: dt.datetime, due: dt.datetime, policy: Policy) -> Downtime | None:
    """The outage that explains a missing check-out: it fell on the time after the end.

    For whoever came in flexible hours the time at which he might go, `due`, counts as the end does.
    """
    return _met(outages, min(due, end), max(due, end) + policy.outage_margin_minutes * MINUTE)


def explains_early(
    outages: Sequence[Downtime], end: dt.datetime, due: dt.datetime, left: dt.datetime, policy: Policy
) -> Downtime | None:
    """The outage that explains an early check-out: the same, but who went before it began had not been kept from anything."""
    return explains_out([outage for outage in outages if outage.since <= left], end, due, policy)


def explains_break(outages: Sequence[Downtime], duty: Duty, policy: Policy) -> Downtime | None:
    """The outage that explains a missing break mark: it fell into the window of the break, else into the hours of work."""
    assert duty.start is not None
    assert duty.end is not None
    opens, closes = window_of(duty, policy, Mark.BREAK)
    return _met(outages, opens or duty.start, closes or duty.end)


def explains_all(outages: Sequence[Downtime], start: dt.datetime, end: dt.datetime) -> Downtime | None:
    """The outage that lasted for all hours of work, so that nothing could be shown or handed in."""
    return next((outage for outage in outages if outage.since <= start and outage.until >= end), None)


def _met(outages: Sequence[Downtime], begin: dt.datetime, end: dt.datetime) -> Downtime | None:
    return next((outage for outage in outages if outage.since < end and outage.until > begin), None)
