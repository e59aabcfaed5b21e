"""Which stretches of time were breaches of what ingest promises, from its own minutes: failed answers, and silence.

What is found is a proposal to a person; a phone that tried again within a minute or two is none.
"""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import Final

_MINUTE: Final = dt.timedelta(minutes=1)
_STEP: Final = dt.timedelta(minutes=15)
"""The end of what may go on is rounded up to this: our default, no regulation names any.

Each other end has the days of everybody judged anew, at the hour at which ingest is overloaded. Too late an end cuts nobody: the days
are held until somebody decides, and the true end is told once nothing more can join.
"""


@dataclass(frozen=True, slots=True)
class Minute:
    """All processes of ingest together in one minute: check-ins answered, and those that it could not take in."""

    at: dt.datetime
    answered: int
    unavailable: int


@dataclass(frozen=True, slots=True)
class Promise:
    """When a minute breaks the promise, when silence does, what is too short to matter, and what is one breach."""

    share: Fraction
    silent: dt.timedelta
    least: dt.timedelta
    join: dt.timedelta


@dataclass(frozen=True, slots=True)
class Breach:
    """Ingest did not serve from `since` to `until`; `lasting`: more may come, which then is of the same breach."""

    since: dt.datetime
    until: dt.datetime
    lasting: bool = False


def breaches(minutes: Iterable[Minute], promise: Promise, now: dt.datetime) -> tuple[Breach, ...]:
    """The breaches that these minutes tell of, by time; minutes in any order. Before the first minute nothing is known.

    The end of one that more may join (nobody has told yet how the minutes after it went) is rounded up to a quarter of an hour, so that
    it is not told anew every minute.
    """
    known = sorted(minutes, key=lambda minute: minute.at)
    if not known:
        return ()
    bad = [Breach(one.at, one.at + _MINUTE) for one in known if _broken(one, promise)]
    for before, after in pairwise(known):
        if after.at - before.at - _MINUTE >= promise.silent:
            bad.append(Breach(before.at + _MINUTE, after.at))
    last = known[-1].at + _MINUTE
    if now - last >= promise.silent:
        bad.append(Breach(last, now, lasting=True))
    joined: list[Breach] = []
    for breach in sorted(bad, key=lambda one: one.since):
        if joined and breach.since - joined[-1].until <= promise.join:
            joined[-1] = Breach(joined[-1].since, max(joined[-1].until, breach.until), breach.lasting)
        else:
            joined.append(breach)
    return tuple(
        _rounded(breach) if breach.lasting or last - breach.until <= promise.join else breach
        for breach in joined if breach.until - breach.since >= promise.least)


def unsaid(breach: Breach, said: Iterable[tuple[dt.datetime, dt.datetime]]) -> list[Breach]:
    """What of a breach lies outside of the times (begin, end) that were said before; in order of time."""
    pieces, at = [], breach.since
    for begin, end in sorted(said):
        if begin >= breach.until:
            break
        if at < begin:
            pieces.append(Breach(at, begin))
        at = max(at, end)
    return [*pieces, Breach(at, breach.until, breach.lasting)] if at < breach.until else pieces


def _broken(minute: Minute, promise: Promise) -> bool:
    return minute.unavailable > 0 and Fraction(minute.unavailable, minute.answered + minute.unavailable) >= promise.share


def _rounded(breach: Breach) -> Breach:
    over = (breach.until - dt.datetime(2000, 1, 1, tzinfo=dt.UTC)) % _STEP
    return Breach(breach.since, breach.until - over + _STEP if over else breach.until, lasting=True)
