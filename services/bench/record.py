"""What was measured of one figure, when, where and by which command; and whether its target was reached."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Self, TypeAlias

from services.bench.figures import FIGURES
from services.bench.machine import Machine

Verdict: TypeAlias = Literal["reached", "in doubt", "missed", "told", "not measured"]


@dataclass(frozen=True, slots=True)
class Record:
    """One figure of one run.

    `what` is the title that the figure had then: what a program measures may change, what was measured does not. `value` is
    in the figure's unit; `reference` says what was measured beside it in the same run and `reference_value` what that came
    to, `ratio` = value ÷ reference_value. `note` is what the reader has to know. `failed` is why there is no value.
    `seconds` is how long the bench took, with all its figures. `missed` is why the value reaches no target, however good it looks:
    it is that of another load than was asked for. `doubt`, written by hand, is what was found out about the run afterwards that
    leaves open whether its value does. `tried` is when it was last tried in vain to measure it anew, and why. `whole` is False when the
    program found that its run had become smaller than the target asks, in whatever size it was asked for.
    """

    figure: str
    what: str
    value: float | None
    reference: str
    reference_value: float | None
    note: str
    command: str
    date: dt.date
    commit: str
    machine: Machine
    failed: str = ""
    seconds: float | None = None
    missed: str = ""
    doubt: str = ""
    tried: str = ""
    whole: bool = True

    @property
    def ratio(self) -> float | None:
        """How many times the reference."""
        return self.value / self.reference_value if self.value is not None and self.reference_value else None

    @property
    def verdict(self) -> Verdict:
        """Whether all targets of the figure were reached; a figure without targets is told."""
        if self.value is None:
            return "not measured"
        targets = FIGURES[self.figure].targets
        if not targets:
            return "told"
        if self.missed or not all(target.reached(self.value, self.ratio) for target in targets):
            return "missed"
        return "in doubt" if self.doubts else "reached"

    @property
    def doubts(self) -> str:
        """What leaves open whether its targets were reached, "" if nothing does.

        Beside other work a plain value is a bound: a rate is no higher for it and a latency no lower. A ratio is none, since that may
        have weighed on either side of it.
        """
        ratio = any(target.of == "ratio" for target in FIGURES[self.figure].targets)
        noise = "" if self.machine.quiet or not ratio else f"a ratio that was taken beside other work ({self.machine.occupied()})"
        return "; ".join(filter(None, (self.doubt, noise)))

    @property
    def long(self) -> bool:
        """Whether it was taken in the long form, which is kept beside the normal one."""
        return "--long" in self.command

    @property
    def short_form(self) -> bool:
        """Whether the run was smaller than the target asks, as every quick one is."""
        return not self.whole or "--quick" in self.command or (FIGURES[self.figure].full == "long" and not self.long)

    @property
    def judgement(self) -> str:
        """The verdict for people, who have to see that a short form reached or missed it."""
        return self.verdict + (", short form" if self.short_form and self.value is not None else "")

    @classmethod
    def of_program(
        cls, said: Mapping[str, Any], *, command: str, date: dt.date, commit: str, machine: Machine
    ) -> Self:
        """The record of what a measuring program printed of a figure; raises KeyError for a figure nobody declared."""
        return cls(
            said["figure"], FIGURES[said["figure"]].what, said["value"], said.get("reference", ""), said.get("reference_value"),
            said.get("note", ""), command, date, commit, machine, said.get("failed", ""), missed=said.get("missed", ""),
            whole=said.get("whole", True),
        )  # fmt: skip

    def as_json(self) -> dict[str, Any]:
        """All fields, and what follows from them, JSON-safe."""
        return {
            "figure": self.figure, "what": self.what, "value": self.value, "unit": FIGURES[self.figure].unit, "reference": self.reference,
            "reference_value": self.reference_value, "ratio": self.ratio, "verdict": self.verdict, "quiet": self.machine.quiet,
            "note": self.note, "command": self.command, "date": self.date.isoformat(), "commit": self.commit,
            "machine": self.machine.as_json(), "failed": self.failed, "seconds": self.seconds, "short_form": self.short_form,
            "missed": self.missed, "doubt": self.doubt, "tried": self.tried, "whole": self.whole,
        }  # fmt: skip

    @classmethod
    def of_json(cls, kept: Mapping[str, Any]) -> Self:
        """The record that `as_json` wrote."""
        return cls(
            kept["figure"], kept["what"], kept["value"], kept["reference"], kept["reference_value"], kept["note"], kept["command"],
            dt.date.fromisoformat(kept["date"]), kept["commit"], Machine(**kept["machine"]), kept["failed"], kept.get("seconds"),
            kept.get("missed", ""), kept.get("doubt", ""), kept.get("tried", ""), kept.get("whole", True),
        )  # fmt: skip
