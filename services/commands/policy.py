"""`hadir policy`: try a rule pack on cases, check it, compare two, see the shipped examples and the schema of all keys."""

import datetime as dt
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Final
from uuid import UUID

import typer

from services.commands.scenario import on_the_stack
from services.commands.terminal import stop_with
from services.scenario.cases import tell
from services.scenario.day_case import CaseError, read_day_cases, run_day_cases
from services.scenario.day_stories import stories
from shared.percent import percent_text
from shared.policy import Band, Policy, PolicyError, check_policies, load_policies
from shared.policy.difference import Change, difference
from shared.policy.faults import at_place
from shared.policy.schema import policy_file_schema

app = typer.Typer(no_args_is_help=True, help="Rule packs: try them on cases, check and compare them, see examples and all keys.")

_SHIPPED: Final = Path(__file__).parents[1] / "schedule" / "policies"
EXAMPLES: Final = (_SHIPPED / "golden-policies.yaml", _SHIPPED / "example-packs.yaml")
"""POL-A to POL-L, and the packs with leave tables, percents by hour and date, flat rupiah and a wage."""

_MARKS_OF_CONFIDENCE: Final = {
    "V": "read in a text", "V-code": "read in a running application, which shows practice, not law", "S": "reported in the news",
    "B": "background knowledge", "D": "derived",
}  # fmt: skip
_WARNING: Final = "Examples made from published tables. None of them is the official table of any region today."
AsJson = Annotated[bool, typer.Option("--json", help="print one JSON object instead of lines")]
PacksOption = Annotated[
    Path | None, typer.Option("--policies", metavar="FILE", help="rule packs (YAML); without it the shipped examples")
]


@app.command("test")
def try_cases(
    files: Annotated[list[Path], typer.Argument(metavar="CASES...", help="files of day cases (YAML)")],
    policies: Annotated[Path, typer.Option("--policies", help="the rule packs that the cases name")],
    live: Annotated[bool, typer.Option("--live", help="through HTTP, Kafka, services and Postgres of the running stack")] = False,
    as_json: AsJson = False,
) -> None:
    """Run day cases through the pure rules, without broker or database; or with --live through the running stack.

    Prints `ok ID` or `MISMATCH ID field: expected … got …` per case and `N passed, N failed` at the end. Exit
    code 0 if all passed, 1 if not, 2 for a file that cannot be read (with file, line and reason). Live, each case has an
    invented employee of its own, and exit code 3 says that the stack is not there.

    Example: [bold]hadir policy test --policies packs.yaml cases.yaml[/bold]
    """
    try:
        packs = load_policies(policies)
        cases = [case for path in files for case in read_day_cases(path, packs)]
        asked = stories(cases, packs) if live else None
    except (PolicyError, CaseError) as error:
        stop_with(str(error), 2)
    if asked is None:
        raise typer.Exit(tell(run_day_cases(cases, packs), as_json=as_json))
    from services.scenario.live import play_all

    raise typer.Exit(tell(asked.cases(on_the_stack(play_all(asked.scenarios, asked.packs))), as_json=as_json))


@app.command("check")
def check(
    file: Annotated[Path, typer.Argument(help="rule packs (YAML)")],
    as_json: AsJson = False,
) -> None:
    """Find every fault of a policy file at once, and say what an officer should look at twice.

    One line per fault: file:line: key: what is wrong; what to do. A key that is inherited by `extends` is named where it
    stands. Exit code 0 if the file can be used, with remarks; 2 if not.

    Example: [bold]hadir policy check packs.yaml[/bold]
    """
    checked = check_policies(file)
    if as_json:
        typer.echo(json.dumps({
            "file": checked.file, "ok": not checked.faults,
            "policies": {name: str(policy.identity) for name, policy in checked.policies.items()},
            "faults": [fault.as_json(checked.file) for fault in checked.faults],
            "remarks": [remark.as_json(checked.file) for remarks in checked.remarks.values() for remark in remarks],
        }, indent=2, ensure_ascii=False))  # fmt: skip
        raise typer.Exit(2 if checked.faults else 0)
    for name, policy in checked.policies.items():
        typer.echo(f"ok {name} {policy.identity}")
        for remark in checked.remarks[name]:
            typer.echo(f"   remark: {at_place(checked.file, remark)}")
    for fault in checked.faults:
        typer.echo(at_place(checked.file, fault), err=True)
    if checked.faults:
        number = len(checked.faults)
        stop_with(f"{number} fault{'' if number == 1 else 's'}; the file cannot be used before they are mended.", 2)


@app.command("schema")
def schema() -> None:
    """Print the JSON Schema of policy files: every key with its meaning, unit, source and default; editors can use it.

    It is kept in the repository as docs/policy.schema.json. In an editor with the YAML language server, begin a file with
    [bold]# yaml-language-server: $schema=policy.schema.json[/bold].

    Example: [bold]hadir policy schema > docs/policy.schema.json[/bold]
    """
    typer.echo(json.dumps(policy_file_schema(), indent=2, ensure_ascii=False))


@app.command("list")
def list_packs(policies: PacksOption = None, as_json: AsJson = False) -> None:
    """List rule packs with their sources and how sure these are: of a file, or the shipped examples.

    Example: [bold]hadir policy list[/bold]
    """
    packs = _packs(policies)
    if as_json:
        typer.echo(json.dumps([
            {"name": name, "policy_id": str(policy.identity), "content": policy.content()} for name, policy in packs.items()
        ], indent=2, ensure_ascii=False))  # fmt: skip
        return
    width = max(map(len, packs))
    for name, policy in packs.items():
        mark = f"[{policy.confidence}]" if policy.confidence else "[?]"
        typer.echo(f"{name:{width}}  {mark:8}  {policy.title or '(no title)'}")
        typer.echo(f"{'':{width}}  {'':8}  source: {policy.legal_source or 'none; cannot be put in force'}")
    if policies is None:
        typer.echo(_WARNING)


@app.command("show")
def show(
    name: Annotated[str, typer.Argument(help="a pack's name")],
    policies: PacksOption = None,
    as_json: AsJson = False,
) -> None:
    """Show one rule pack with everything it says, its source and what in it is assumed.

    Example: [bold]hadir policy show POL-C[/bold]
    """
    packs = _packs(policies)
    if name not in packs:
        stop_with(f"There is no policy {name!r}; known are: {', '.join(packs)}.", 2)
    policy = packs[name]
    if as_json:
        typer.echo(json.dumps(
            {"name": name, "policy_id": str(policy.identity), "content": policy.content()}, indent=2, ensure_ascii=False))
        return
    for line in _described(name, policy):
        typer.echo(line)
    if policies is None:
        typer.echo(_WARNING)


@app.command("diff")
def diff(
    before: Annotated[str, typer.Argument(metavar="A", help="a pack: NAME of an example or of --policies, or FILE#NAME")],
    after: Annotated[str, typer.Argument(metavar="B", help="the pack that would take its place, written likewise")],
    policies: PacksOption = None,
    as_json: AsJson = False,
) -> None:
    """Tell what changes for people when B takes the place of A: by minutes, percents, windows, and all other keys.

    What it would have cost whom is told by [bold]hadir preview policy[/bold]. Exit code 0 also if there are differences.

    Example: [bold]hadir policy diff POL-A new.yaml#POL-A[/bold]
    """
    packs = [_named(reference, policies) for reference in (before, after)]
    changes = difference(*packs)
    if as_json:
        typer.echo(json.dumps({
            "before": {"name": before, "policy_id": str(packs[0].identity)}, "after": {"name": after, "policy_id": str(packs[1].identity)},
            "same_base": packs[0].base == packs[1].base, "changes": [change.as_json() for change in changes],
        }, indent=2, ensure_ascii=False))  # fmt: skip
        return
    for line in _told(changes, before, after, packs[0].base == packs[1].base):
        typer.echo(line)


@app.command("waiting")
def waiting(
    database: Annotated[
        str | None,
        typer.Option("--database", metavar="URL", help="PostgreSQL URL; default: HADIR_DATABASE, else the running stack."),
    ] = None,
) -> None:
    """Name the rule packs that payroll waits for: days were judged under them, and their content has not arrived.

    Exit code 1 if there is one. The metric hadir_payroll_waiting_packs and payroll's log tell the same.

    Example: [bold]hadir policy waiting[/bold]
    """
    import asyncio

    from shared.failures import is_infrastructure
    from shared.settings import settings

    try:
        rows = asyncio.run(_waited_for(database or settings().database))
    except Exception as error:
        if not is_infrastructure(error):
            raise
        stop_with(f"Payroll's tables cannot be read ({type(error).__name__}): run `hadir run`, or name the database with --database.")
    for policy_id, name, since in rows:
        where = f"schedule knows it as {name}: see whether hadir.policy.v1 has it" if name else "schedule does not know it either"
        typer.echo(f"payroll waits for the rule pack {policy_id} since {since:%Y-%m-%d %H:%M} UTC; {where}")
    if rows:
        stop_with(f"{len(rows)} rule packs have not arrived; days under them are neither charged nor spared meanwhile.")
    typer.echo("Payroll waits for no rule pack.")


async def _waited_for(url: str) -> list[tuple[UUID, str | None, dt.datetime]]:
    from shared.database import connect_auditor

    connection = await connect_auditor(url)
    try:
        rows = await connection.fetch(
            "select w.policy_id, p.name, w.since from payroll.waiting_pack w left join schedule.policy p using (policy_id)"
            " order by since"
        )
        return [(row["policy_id"], row["name"], row["since"]) for row in rows]
    finally:
        await connection.close()


def _told(changes: tuple[Change, ...], before: str, after: str, same_base: bool) -> Iterator[str]:
    felt = [change for change in changes if change.topic != "source"]
    more, less = (sum(change.costs == costs for change in felt) for costs in ("more", "less"))
    if not felt:
        yield f"{before} → {after}: nothing changes for people."
    else:
        yield f"{before} → {after}: {len(felt)} changes for people, {more} cost more, {less} cost less."
    if not same_base:
        yield "The percents are of different bases (see the rule `base`), so that more and less compare numbers, not rupiah."
    for change in felt:
        yield f"  {change.sentence()}"
    sources = [change.key for change in changes if change.topic == "source"]
    if sources:
        yield f"  only said differently, judged alike: {', '.join(sources)}"


def _named(reference: str, policies: Path | None) -> Policy:
    """The pack of "NAME" or "FILE#NAME"; ends the command if there is none."""
    file, _, name = reference.rpartition("#")
    path = Path(file) if file else policies
    packs = _packs(path)
    if name not in packs:
        where = "among the shipped examples" if path is None else f"in {path.name}"
        stop_with(f"There is no policy {name!r} {where}; known are: {', '.join(packs)}. Another file: FILE#NAME.", 2)
    return packs[name]


def _packs(file: Path | None) -> dict[str, Policy]:
    """The packs of a file, or all shipped examples."""
    try:
        return {name: policy for path in ([file] if file else EXAMPLES) for name, policy in load_policies(path).items()}
    except PolicyError as error:
        stop_with(str(error), 2)


def _described(name: str, policy: Policy) -> Iterator[str]:
    yield f"{name}  {policy.title or ''}".rstrip()
    yield f"  id          {policy.identity}"
    yield f"  source      {policy.legal_source or 'none; cannot be put in force'}"
    if policy.confidence:
        yield f"  confidence  {policy.confidence}: {_MARKS_OF_CONFIDENCE[policy.confidence]}"
    if policy.edition:
        yield f"  edition     {policy.edition}"
    if policy.effective_from or policy.effective_until:
        yield f"  effective   {policy.effective_from or '…'} to {policy.effective_until or '…'}"
    for key, why in policy.assumed.items():
        yield f"  assumed     {key}: {why}"
    if policy.note:
        yield f"  note        {policy.note}"
    for title, bands in (("late", policy.tl), ("early", policy.psw)):
        for band in bands:
            yield f"  {title:10}  {_span(band):>12} min  {band.code:8} {percent_text(band.pct):>6} %"
    told = {"title", "legal_source", "confidence", "edition", "effective_from", "effective_until", "assumed", "note", "tl", "psw"}
    for key, value in policy.content().items():
        if key not in told:
            yield f"  {key:22}  {json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else value}"


def _span(band: Band) -> str:
    return f"{band.min} and more" if band.max is None else f"{band.min} to {band.max}"
