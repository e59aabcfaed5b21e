"""What a play came to, for people and as JSON."""

from dataclasses import dataclass, field
from typing import Any

from services.simulator.comparing import Compared


@dataclass(slots=True)
class Report:
    """The closing summary of a play; `equal` is whether everything is as the simulator knows it to be.

    `seconds` are by phase. `p50_s` and `p99_s` are from the 202 to the published aggregate, over `measured` check-ins
    that changed one; they, the lag's growth and `own_us`, the simulator's own microseconds of processor for a check-in, watching
    included, are None unless the play was watched at a steady rate. `sent_per_s` is of such a play without any copy of a check-in.
    """

    label: str
    employees: int
    days: int
    first_day: str
    last_day: str
    sent: int = 0
    accepted: int = 0
    replayed: int = 0
    reports: int = 0
    retries: int = 0
    unanswered: dict[str, int] = field(default_factory=dict)
    located: int = 0
    assessed: int = 0
    statuses: dict[str, int] = field(default_factory=dict)
    violations: dict[str, int] = field(default_factory=dict)
    rupiah: int = 0
    true_rupiah: int = 0
    lag: int = 0
    equal: bool = False
    differing: int = 0
    differences: list[str] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)
    rate: float | None = None
    sent_per_s: float | None = None
    rate_held: bool | None = None
    own_us: int | None = None
    measured: int = 0
    p50_s: float | None = None
    p99_s: float | None = None
    highest_lag: int | None = None
    lag_growth_per_s: float | None = None
    lag_flat: bool | None = None

    def take(self, found: Compared) -> None:
        """Take over what the comparison found."""
        self.located, self.assessed = found.located, found.days
        self.statuses, self.violations = dict(found.statuses), dict(found.violations)
        self.rupiah, self.true_rupiah = found.rupiah, found.true_rupiah
        self.equal, self.differing, self.differences = found.equal, found.differing, found.differences

    def as_json(self) -> dict[str, Any]:
        """All fields, JSON-safe."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}

    def lines(self) -> list[str]:
        """The summary as a person reads it."""
        when = self.first_day if self.days == 1 else f"{self.first_day} to {self.last_day}"
        told = {
            "province": f"{_number(self.employees)} invented employees in three zones, {when}",
            "check-ins sent": f"{_number(self.sent)} ({_number(self.accepted)} accepted, {_number(self.replayed)} of them known "
            f"already; {_number(self.retries)} requests repeated{_why(self.unanswered)})",
            "located": _number(self.located),
            "days assessed": f"{_number(self.assessed)} ({_counts(self.statuses)})",
            "violations": f"{_number(sum(self.violations.values()))} ({_counts(self.violations)})",
            "deducted": f"Rp {_number(self.rupiah)}",
            "lag": _number(self.lag),
            "equal to the truth": "yes, to the rupiah" if self.equal else f"NO: {self.differing} differences",
        }
        if self.measured:
            told["202 to aggregate"] = f"p50 {_ms(self.p50_s)}, p99 {_ms(self.p99_s)} over {_number(self.measured)} check-ins"
        if self.lag_flat is not None:
            told["lag under load"] = (
                f"{'flat' if self.lag_flat else 'GROWING'} at {self.sent_per_s or 0:.0f}/s: highest {_number(self.highest_lag or 0)}, "
                f"{self.lag_growth_per_s or 0:+.1f} events/s"
                + ("" if self.rate_held else f"; the rate of {self.rate or 0:.0f}/s could NOT be held")
            )
        told["seconds"] = ", ".join(f"{phase} {seconds:.1f}" for phase, seconds in self.seconds.items())
        return [f"{what:<19}{text}" for what, text in told.items()] + [f"  {difference}" for difference in self.differences]


def _number(value: int) -> str:
    return f"{value:,}"


def _counts(counted: dict[str, int]) -> str:
    return ", ".join(f"{name} {_number(count)}" for name, count in sorted(counted.items())) or "none"


def _why(counted: dict[str, int]) -> str:
    return f": {_counts(counted)}" if counted else ""


def _ms(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds * 1000:.0f} ms"
