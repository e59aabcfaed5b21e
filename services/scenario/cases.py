"""How a tried case is told: one line each, a count at the end, or JSON; the same for policy cases and scenarios."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import typer


@dataclass(frozen=True, slots=True)
class Difference:
    """One field of a case that came out otherwise than the file expects."""

    field: str
    expected: Any
    got: Any


@dataclass(frozen=True, slots=True)
class Case:
    """A case that was run: what came out, and where it differs from what was expected."""

    id: str
    got: dict[str, Any]
    differences: tuple[Difference, ...] = ()

    @property
    def ok(self) -> bool:
        """True when nothing differs."""
        return not self.differences


def _shown(value: Any) -> str:
    if value is None:
        return "null"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def tell(cases: Sequence[Case], *, as_json: bool) -> int:
    """Print the cases as the scenario format says and return the exit code: 0 only if all passed, else 1."""
    passed = sum(case.ok for case in cases)
    failed = len(cases) - passed
    if as_json:
        typer.echo(json.dumps({
            "passed": passed,
            "failed": failed,
            "cases": [{
                "id": case.id, "ok": case.ok, "got": case.got,
                "differences": [{"field": d.field, "expected": d.expected, "got": d.got} for d in case.differences],
            } for case in cases],
        }, ensure_ascii=False, default=str))
        return 1 if failed else 0
    for case in cases:
        told = "; ".join(f"{d.field}: expected {_shown(d.expected)} got {_shown(d.got)}" for d in case.differences)
        typer.echo(f"ok {case.id}" if case.ok else f"MISMATCH {case.id} {told}")
    typer.echo(f"{passed} passed, {failed} failed")
    return 1 if failed else 0
