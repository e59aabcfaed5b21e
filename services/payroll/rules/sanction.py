"""What a decided cut of the TPP takes from a month: its percent of the month's ceiling, and never more than is left of it.

The cut is discipline, not attendance (PP 94/2021 Art. 8(3) and 10: of the performance allowance): it is no part of the
month's percents and of their cap, but a line of its own, which names the step.
"""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from services.payroll.rules.fold import Ceiling, half_up
from services.payroll.rules.ledger import CAP, ROUNDING, SUPPLEMENT, LedgerLine, LineKey

CUT_LIMIT: Final = "CUT_LIMIT"
"""Line that takes back what cuts and attendance together exceed the month's ceiling by."""

_NOT_CUTS: Final = frozenset({CAP, ROUNDING, SUPPLEMENT, CUT_LIMIT})


@dataclass(frozen=True, slots=True)
class Sanction:
    """A decided cut (`shared.cuts.DecidedCut`): its step, its percent of the ceiling, its article; `withdrawn` takes nothing.

    `document` is the decision's paper as JSON text: what a receipt names, and what a closed month keeps of it.
    """

    step: str
    percent: Fraction
    legal_source: str
    withdrawn: bool
    date: dt.date
    first_month: str
    last_month: str
    document: str | None = None


def sanction_lines(
    sanctions: Iterable[Sanction], ceiling: Ceiling | None, attendance: int | None
) -> dict[LineKey, LedgerLine]:
    """The lines of the cuts that take from a month beside `attendance`, the rupiah of the TPP that its attendance takes.

    Cuts of one step, of two years' dossiers, add up. Without a ceiling there is no rupiah, hence no line.
    """
    if ceiling is None or attendance is None:
        return {}
    percents: dict[str, Fraction] = {}
    for sanction in sanctions:
        percents[sanction.step] = percents.get(sanction.step, Fraction(0)) + sanction.percent
    lines = {
        (key := LineKey(None, step)): LedgerLine(key, percent, half_up(ceiling.amount * percent / 100))
        for step, percent in sorted(percents.items())
    }
    over = attendance + sum(line.amount for line in lines.values()) - max(ceiling.amount, attendance)
    if over > 0:
        key = LineKey(None, CUT_LIMIT)
        lines[key] = LedgerLine(key, Fraction(0), -over)
    return lines


def is_cut(key: LineKey) -> bool:
    """Whether a line of the ledger is a decided cut: about no day, and none of the month's own lines."""
    return key.date is None and key.code not in _NOT_CUTS
