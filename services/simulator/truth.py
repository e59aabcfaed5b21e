"""What every planned day and month must come to, by a plain arithmetic of its own.

Imports nothing of the product's rules, and reads no policy file: a small table written by hand from
domain §3.5. Percents are whole hundredths of a percent, money is whole rupiah, so nothing is ever rounded
but the month's amount, once, half up.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from services.simulator.behaviour import DayPlan
from shared.events import Mode


@dataclass(frozen=True, slots=True)
class Tariff:
    """One rule pack in short: bands as (last minute, code, hundredths), the last band without end.

    `weight` is the share of the TPP, in percent, that the hundredths are of; `cap` is the most hundredths that a month takes.
    """

    late: tuple[tuple[int, str, int], ...]
    early: tuple[tuple[int, str, int], ...]
    no_in: tuple[str, int]
    no_out: tuple[str, int]
    absent: int
    weight: int = 100
    cap: int = 10_000


OUTSIDE_REGION: Final = "WFA_OUTSIDE_REGION"

_FOREVER: Final = 10**6
_A_LATE: Final = ((30, "TL1", 50), (60, "TL2", 100), (90, "TL3", 125), (_FOREVER, "TL4", 150))
_A_EARLY: Final = ((30, "PSW1", 50), (60, "PSW2", 100), (90, "PSW3", 125), (_FOREVER, "PSW4", 150))

TARIFFS: Final = {
    "POL-A": Tariff(_A_LATE, _A_EARLY, ("TL4", 150), ("PSW4", 150), 300),
    "POL-B": Tariff(
        ((30, "TL1", 50), (60, "TL2", 100), (90, "TL3", 150), (_FOREVER, "TL4", 200)),
        ((30, "PSW1", 50), (60, "PSW2", 100), (90, "PSW3", 150), (_FOREVER, "PSW4", 200)),
        ("TL4", 200), ("PSW4", 200), 400,
    ),
    "POL-E": Tariff(_A_LATE, _A_EARLY, ("TL4", 150), ("PSW4", 150), 300, weight=40),
    "POL-G": Tariff(
        ((30, "TL0", 0), (60, "TL1", 50), (90, "TL2", 125), (_FOREVER, "TL3", 250)),
        ((30, "PSW1", 50), (60, "PSW2", 125), (_FOREVER, "PSW3", 250)),
        ("LAM", 250), ("LAP", 250), 500,
    ),
}


@dataclass(frozen=True, slots=True)
class DayTruth:
    """What a day must be: status, the codes of its violations (sorted), hundredths of a percent, minutes."""

    status: str
    codes: tuple[str, ...]
    hundredths: int
    late: int | None
    early: int | None


@dataclass(frozen=True, slots=True)
class MonthTruth:
    """What an employee-month must be: raw and capped hundredths of a percent of the base, and rupiah."""

    raw_hundredths: int
    hundredths: int
    amount: int


def of_day(plan: DayPlan) -> DayTruth:
    """The outcome of a planned day, from the intention alone."""
    if plan.owed.mode is Mode.OFF:
        return DayTruth("HOLIDAY" if plan.owed.holiday else "OFF", (), 0, None, None)
    if plan.unsure:
        return DayTruth("HELD", (), 0, None, None)
    tariff = TARIFFS[plan.person.unit.pack]
    # Being outside the region on a day from anywhere is a violation of its own, at no price (domain A33).
    beside = (OUTSIDE_REGION,) if plan.owed.mode is Mode.WFA and plan.void else ()
    if plan.late is None and plan.early is None:
        return DayTruth("ABSENT", tuple(sorted(("TK", *beside))), tariff.absent, None, None)
    charged = [
        tariff.no_in if plan.late is None else _band(tariff.late, plan.late),
        tariff.no_out if plan.early is None else _band(tariff.early, plan.early),
    ]
    found = [charge for charge in charged if charge is not None]
    return DayTruth(
        "PRESENT", tuple(sorted((*beside, *(code for code, _ in found)))), sum(cost for _, cost in found), plan.late, plan.early
    )


def of_month(plans: Iterable[DayPlan]) -> MonthTruth:
    """The outcome of one person's month, from the plans of its played days (at least one)."""
    month = list(plans)
    person = month[0].person
    tariff = TARIFFS[person.unit.pack]
    raw = sum(of_day(plan).hundredths for plan in month)
    capped = min(raw, tariff.cap)
    # ceiling × weight/100 × capped/10000, half up, in integers
    numerator = person.ceiling * tariff.weight * capped
    return MonthTruth(raw, capped, (2 * numerator + 1_000_000) // 2_000_000)


def _band(bands: tuple[tuple[int, str, int], ...], minutes: int) -> tuple[str, int] | None:
    if minutes == 0:
        return None
    return next((code, cost) for last, code, cost in bands if minutes <= last)
