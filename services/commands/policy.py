"""`hadir policy`: try a rule pack on cases, check it, and print the schema of all its keys."""

import json
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Annotated

import typer

from services.scenario.cases import tell
from services.scenario.day_case import CaseError, read_day_cases, run_day_cases
from shared.percent import percent_text
from shared.policy import Band, Policy, PolicyError, load_policies
from shared.policy.schema import policy_file_schema

app = typer.Typer(no_args_is_help=True, help="Rule packs: try them on cases, check them, see all their keys.")


@app.command("test")
def try_cases(
    files: Annotated[list[Path], typer.Argument(metavar="CASES...", help="files of day cases (YAML)")],
    policies: Annotated[Path, typer.Option("--policies", help="the rule packs that the cases name")],
    as_json: Annotated[bool, typer.Option("--json", help="print one JSON object instead of lines")] = False,
) -> None:
    """Run day cases through the pure rules, without broker or database.

    Prints `ok ID` or `MISMATCH ID field: expected … got …` per case and `N passed, N failed` at the end. Exit
    code 0 if all passed, 1 if not, 2 for a file that cannot be read (with file, line and reason).

    Example: [bold]hadir policy test --policies packs.yaml cases.yaml[/bold]
    """
    try:
        packs = load_policies(policies)
        cases = [case for path in files for case in read_day_cases(path, packs)]
    except (PolicyError, CaseError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from None
    raise typer.Exit(tell(run_day_cases(cases, packs), as_json=as_json))


@app.command("check")
def check(file: Annotated[Path, typer.Argument(help="rule packs (YAML)")]) -> None:
    """Load rule packs and say what an officer should look at twice.

    Exit code 0 if the file can be used, with remarks; 2 if not, with file, line and key of every fault.

    Example: [bold]hadir policy check packs.yaml[/bold]
    """
    try:
        packs = load_policies(file)
    except PolicyError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from None
    for name, policy in packs.items():
        typer.echo(f"ok {name} {policy.identity}")
        for remark in _remarks(policy):
            typer.echo(f"   {remark}")


@app.command("schema")
def schema() -> None:
    """Print the JSON Schema of policy files: every key with its meaning, unit and default; editors can use it.

    Example: [bold]hadir policy schema > policy.schema.json[/bold]
    """
    typer.echo(json.dumps(policy_file_schema(), indent=2, ensure_ascii=False))


def _remarks(policy: Policy) -> Iterator[str]:
    """What is allowed but may be a slip: no source, late plus early unlike a day of absence, odd bands."""
    if policy.legal_source is None:
        yield "legal_source is missing: say on which regulation the pack stands"
    if policy.tk_day and policy.no_in.pct + policy.no_out.pct not in (0, policy.tk_day):
        yield (
            f"no check-in and no check-out together cost {percent_text(policy.no_in.pct + policy.no_out.pct)}, "
            f"a day of absence {percent_text(policy.tk_day)}"
        )
    for key, bands in (("tl", policy.tl), ("psw", policy.psw)):
        if bands and bands[-1].max is not None:
            yield f"{key}: more than {bands[-1].max} minutes are in no band and cost nothing"
        yield from _falling(key, bands)


def _falling(key: str, bands: tuple[Band, ...]) -> Iterator[str]:
    for before, band in pairwise(bands):
        if band.pct < before.pct:
            yield f"{key}: {band.code} costs less than {before.code} before it"
