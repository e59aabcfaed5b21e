"""When a change may take force, and with whose consent: never inside an open check-in window, never unseen, never by one alone.

Soppeng 2022: an operator moved the start from 07:30 to 07:00 while people were checking in, and all who came later were
"late". A change that alters a day whose check-in window is open waits until the window has closed.
"""

import datetime as dt
import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

from services.schedule.rules.duty import Duty, Span, window_of
from shared.events import Mark
from shared.policy import Policy

Kind: TypeAlias = Literal["policy", "calendar", "roster", "sites", "org-units", "employees", "scheme", "weeks"]

AROUND_START: Final = dt.timedelta(hours=2)
"""Where the policy sets no scan window, people check in so long before and after the start (default of ours)."""


@dataclass(frozen=True, slots=True)
class Limits:
    """From which weight on a change needs a preview, and a second approver (defaults of ours; all are settings).

    Up to `free_people` employees a change needs no preview; more than `people` employees changed, or `rupiah` moved
    within the previewed days, needs a second approver; a preview counts for `valid_days` days.
    """

    free_people: int = 100
    people: int = 500
    rupiah: int = 50_000_000
    valid_days: int = 7

    def needs_second(self, people: int, rupiah: int) -> bool:
        """Whether a change that does this to people needs somebody else's consent."""
        return people > self.people or rupiah > self.rupiah


def check_in_span(duty: Duty, policy: Policy) -> Span | None:
    """When people check in for a duty: its scan window, or `AROUND_START` around its start; None on a day off."""
    if duty.start is None:
        return None
    opens, closes = window_of(duty, policy, Mark.IN)
    begin = duty.start - AROUND_START if opens is None else opens
    end = duty.start + AROUND_START if closes is None else closes
    return Span(min(begin, end), end)


def free_from(spans: Iterable[Span], now: dt.datetime) -> dt.datetime:
    """The first instant from `now` on that lies in none of the spans; `now` itself if none is open."""
    moment = now
    for span in sorted(spans, key=lambda span: span.begin):
        if span.holds(moment):
            moment = span.end
    return moment


def digest_of(kind: Kind, content: Any) -> str:
    """SHA-256 of a change's canonical JSON: the same change has the same digest wherever it is computed."""
    body = json.dumps({"kind": kind, "content": content}, sort_keys=True, separators=(",", ":"), ensure_ascii=True, default=str)
    return hashlib.sha256(body.encode()).hexdigest()
