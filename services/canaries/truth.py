"""The canaries: who they are, what they do on a day, and what that truly costs. Pure; knows no rule of the system."""

import datetime as dt
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final, Literal
from uuid import UUID, uuid4, uuid5
from zoneinfo import ZoneInfo

from services.reports.invented import CANARY_CLOCKS
from shared.events import HADIR_NAMESPACE, DayStatus, Verdict

UNIT: Final = "KENARI"
"""Code of the org unit of all canaries."""

FIRST_DAY: Final = dt.date(2001, 1, 1)
LAST_DAY: Final = dt.date(2099, 12, 31)
ZONE: Final = ZoneInfo("Asia/Jakarta")
OFFICE: Final = (106.8272, -6.1754)
"""Longitude and latitude of their office, the middle of a square in Jakarta where no OPD sits."""
RADIUS_M: Final = 100.0

PACK: Final = """\
KENARI:
  legal_source: "kenari; pola TL/PSW nasional, bukan aturan daerah mana pun"
  seconds: stamp_floor
  base: total_tpp
  tl:  [{code: TL1, min: 1, max: 30, pct: "0.50"}, {code: TL2, min: 31, max: 60, pct: "1.00"}, \
{code: TL3, min: 61, max: 90, pct: "1.25"}, {code: TL4, min: 91, max: null, pct: "1.50"}]
  psw: [{code: PSW1, min: 1, max: 30, pct: "0.50"}, {code: PSW2, min: 31, max: 60, pct: "1.00"}, \
{code: PSW3, min: 61, max: 90, pct: "1.25"}, {code: PSW4, min: 91, max: null, pct: "1.50"}]
  no_in:  {code: TL4, pct: "1.50"}
  no_out: {code: PSW4, pct: "1.50"}
  tk_day: "3.00"
  cap: "100"
"""
"""Their rule pack, fixed: what they truly owe must not change when an officer changes a real one."""

_METRES_PER_DEGREE: Final = 110_574.0  # of latitude, near the equator
_FRIDAY: Final = 4

Outcome = Literal["as-known", "penalised", "spared"]


@dataclass(frozen=True)
class Canary:
    """One kind of canary: when it comes and goes (local), how far north of the office, how exact its phone, what it owes.

    `early_by`: minutes before the end of work (16:00, on Fridays 16:30) at which it goes; negative: after it.
    """

    name: str
    comes: dt.time
    early_by: int
    metres_north: float
    accuracy_m: float
    owes: Mapping[str, Fraction]
    ends: DayStatus
    stands: Verdict = Verdict.INSIDE

    @property
    def costs(self) -> Fraction:
        """Percent that a day truly costs."""
        return sum(self.owes.values(), Fraction(0))


FLOCK: Final = (
    Canary("tepat-waktu", dt.time(7, 21), -11, 0, 8, {}, DayStatus.PRESENT),
    Canary("terlambat", dt.time(7, 50), -11, 0, 8, {"TL1": Fraction("0.50")}, DayStatus.PRESENT),
    Canary("pulang-cepat", dt.time(7, 22), 45, 0, 8, {"PSW2": Fraction("1.00")}, DayStatus.PRESENT),
    # 60 m beyond the fence with an accuracy of 50 m: nobody can say. Such a day waits for a person and costs nothing.
    Canary("belum-pasti", dt.time(7, 50), -11, RADIUS_M + 60, 50, {}, DayStatus.HELD, Verdict.UNSURE),
)


def clock_of(generation: int) -> str:
    """The clock of the canaries' generation; a generation lives through a century, in some eighteen days."""
    return f"{CANARY_CLOCKS}{generation}"


def identity(generation: int, canary: Canary) -> UUID:
    """The pseudonymous id of a canary."""
    return uuid5(HADIR_NAMESPACE, f"canary|{generation}|{canary.name}")


def nip_of(generation: int, canary: Canary) -> str:
    """A NIP that no person has: nobody was born in the month 99."""
    return f"19999901200001{generation % 100:02}{FLOCK.index(canary):02}"


def following(date: dt.date) -> dt.date:
    """The next day from Monday to Friday."""
    after = date + dt.timedelta(days=1)
    while after.weekday() > _FRIDAY:
        after += dt.timedelta(days=1)
    return after


def morning(date: dt.date) -> dt.datetime:
    """When a day begins for the canaries: everything of the day before is over, nothing of this one has begun."""
    return dt.datetime.combine(date, dt.time(5), ZONE)


def check_in(generation: int, canary: Canary, date: dt.date, mark: Literal["in", "out"]) -> dict[str, Any]:
    """The body of a check-in, with a new id."""
    comes = dt.datetime.combine(date, canary.comes, ZONE)
    ends = dt.datetime.combine(date, dt.time(16, 30) if date.weekday() == _FRIDAY else dt.time(16), ZONE)
    at = comes if mark == "in" else ends - dt.timedelta(minutes=canary.early_by)
    # Nobody stands on the same spot every day: that would look like a spoofed position.
    sway = (date.toordinal() * 7 + (mark == "out") * 3) % 9 - 4
    longitude, latitude = OFFICE
    return {
        "check_in_id": str(uuid4()),
        "employee_id": str(identity(generation, canary)),
        "mark": mark,
        "captured_at": (at + dt.timedelta(seconds=date.toordinal() % 50)).isoformat(),
        "latitude": latitude + canary.metres_north / _METRES_PER_DEGREE,
        "longitude": longitude + sway / _METRES_PER_DEGREE,
        "accuracy_m": canary.accuracy_m,
        "device_id": f"kenari-{generation}-{canary.name}",
        "source_app": "kenari",
    }


def opens_month(date: dt.date) -> bool:
    """Whether no working day of the month came before: so far, the month has cost nothing."""
    return not any(date.replace(day=day).weekday() <= _FRIDAY for day in range(1, date.day))


def judged(canary: Canary, codes: Collection[str], cost: Fraction) -> Outcome:
    """What came of a day: the codes found on it, and the percent that it added to the month.

    The right sum under another code is a wrong penalty too: it names what the employee did not do.
    """
    if cost == canary.costs and set(codes) == set(canary.owes):
        return "as-known"
    return "spared" if cost < canary.costs else "penalised"
