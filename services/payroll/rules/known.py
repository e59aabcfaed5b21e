"""Whether a rule pack knows what a day says was found: a code that it does not know has no price, which is not the same as none."""

from fractions import Fraction
from typing import Final, get_args

from shared.events import DayAssessed, Finding, FindingKind
from shared.policy import Policy
from shared.policy.keys import VoidCode

_PLACE_CODES: Final = frozenset({*get_args(VoidCode), "NO_WORK_REPORT", "NO_PRESENCE"})
"""Codes of void marks, and of missing reports and proofs of presence; the first cost by what is missing beside them, the others
have keys of their own."""


def unknown_finding(assessed: DayAssessed, policy: Policy) -> Finding | None:
    """The first finding of the day that its own rule pack could not have said; None if it knows them all.

    Such a day was judged by other rules than it names: pricing it would charge nothing, or something else, unseen.
    """
    of_the_day = policy.on(assessed.date)
    return next((finding for finding in assessed.findings if not _knows(of_the_day, finding)), None)


def _knows(policy: Policy, finding: Finding) -> bool:
    match finding.kind:
        case FindingKind.LATE:
            return finding.code == _code(policy.late_charge(finding.minutes or 0))
        case FindingKind.EARLY:
            return finding.code == _code(policy.early_charge(finding.minutes or 0))
        case FindingKind.NO_IN:
            return finding.code == policy.no_in.code
        case FindingKind.NO_OUT:
            return finding.code == policy.no_out.code
        case FindingKind.OUTSIDE | FindingKind.NO_EVIDENCE:
            return finding.code in _PLACE_CODES
        case _:
            return True  # priced by what it is, whatever it is called


def _code(charge: tuple[str, Fraction] | None) -> str | None:
    return None if charge is None else charge[0]
