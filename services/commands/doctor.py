"""`hadir doctor`: everything a stranger would forget, looked at in one go."""

import asyncio
import dataclasses
import json
from typing import TYPE_CHECKING, Annotated

import typer

from services.commands.terminal import print_line
from shared.settings import settings

if TYPE_CHECKING:
    from services.doctor.finding import Finding

_SIGNS = {"ok": "  ok  ", "warn": " warn ", "fail": " FAIL "}


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
    all_of_it: Annotated[bool, typer.Option("--all/--wrong", help="Tell what is well, too, or only what is not.")] = True,
) -> None:
    """Look at settings, Kafka, PostgreSQL, services, reference data and money; say what is wrong and what to do.

    Reads only. Exit code 1 if anything fails: put it before a deployment, and before a month is closed.

    Examples: [bold]hadir doctor[/bold], [bold]hadir doctor --wrong[/bold]
    """
    from services.doctor.examine import examine
    from services.doctor.finding import worst

    async def gather() -> "list[Finding]":
        found = []
        async for finding in examine(settings()):
            found.append(finding)
            if not as_json and (all_of_it or finding.verdict != "ok"):
                print_line(f"[{_SIGNS[finding.verdict]}] {finding.area:9} {finding.sentence}")
                if finding.remedy:
                    print_line(f"{'':19}→ {finding.remedy}")
        return found

    findings = asyncio.run(gather())
    if as_json:
        print_line(json.dumps([dataclasses.asdict(finding) for finding in findings]))
    if worst(findings) == "fail":
        raise typer.Exit(1)
