"""`hadir scenario test`: try stories on the pure rules, or on the running pipeline."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from services.scenario.cases import tell
from services.scenario.compare import compare
from services.scenario.pure import run
from services.scenario.read import ScenarioError, read_scenarios
from shared.policy import PolicyError, load_policies

app = typer.Typer(no_args_is_help=True, help="Try stories of arrivals: what comes of them under a rule pack.")


@app.callback()
def _keep_the_verb() -> None:
    """Without a second command Typer would drop the verb `test`."""


@app.command("test")
def test(
    files: Annotated[list[Path], typer.Argument(help="scenario files (YAML, one story per document)")],
    policies: Annotated[Path, typer.Option("--policies", help="the rule packs the stories name")],
    live: Annotated[bool, typer.Option("--live", help="through HTTP, Kafka, services and Postgres of the running stack")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="print one JSON object instead of lines")] = False,
) -> None:
    """Run every story and compare what came of it with what its file expects.

    Prints `ok ID` or `MISMATCH ID field: expected … got …` per story and `N passed, N failed` at the end. Exit
    code 0 if all passed, 1 if not, 2 for a file that cannot be read (with file, line and reason).

    Example: [bold]hadir scenario test tests/scenarios/*.yaml --policies services/schedule/policies/golden-policies.yaml[/bold]
    """
    try:
        packs = load_policies(policies)
        scenarios = read_scenarios(files, packs)
    except (PolicyError, ScenarioError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from None
    if live:
        from services.scenario.live import run_all

        cases = asyncio.run(run_all(scenarios, packs))
    else:
        cases = [compare(scenario, run(scenario, packs)) for scenario in scenarios]
    raise typer.Exit(tell(cases, as_json=as_json))
