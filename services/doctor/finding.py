"""What a check has to say: a judgement, a sentence, and what to do."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, TypeAlias

Verdict: TypeAlias = Literal["ok", "warn", "fail"]
"""`warn`: it works, and will hurt some day; `fail`: people are being treated wrongly, or will be with the next check-in."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at; `remedy` is empty when all is well. Names nobody."""

    area: str
    verdict: Verdict
    sentence: str
    remedy: str = ""


def worst(findings: Iterable[Finding]) -> Verdict:
    """The gravest of all verdicts; "ok" for none."""
    verdicts = {finding.verdict for finding in findings}
    return "fail" if "fail" in verdicts else "warn" if "warn" in verdicts else "ok"
