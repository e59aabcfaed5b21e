"""`hadir scenario test`: try stories on the pure rules, or on the running pipeline."""

import asyncio
from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, Any, TypeVar

import httpx
import typer

from services.scenario.cases import Case, tell
from services.scenario.compare import compare
from services.scenario.model import Scenario
from services.scenario.pure import run
from services.scenario.read import ScenarioError, read_scenarios
from shared.failures import is_infrastructure
from shared.policy import Policy, PolicyError, load_policies

T = TypeVar("T")

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

    With --live each story gets units, people, places and rule packs of its own, which stay: their clock `scenario-…` marks
    its people as invented, so that no report, no money and no list of suspicions or proposed discipline tells of them.

    Example: [bold]hadir scenario test tests/scenarios/seed-*.yaml --policies services/schedule/policies/golden-policies.yaml[/bold]
    """
    try:
        packs = load_policies(policies)
        scenarios = read_scenarios(files, packs)
    except (PolicyError, ScenarioError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from None
    cases = _played(scenarios, packs) if live else [compare(scenario, run(scenario, packs)) for scenario in scenarios]
    raise typer.Exit(tell(cases, as_json=as_json))


def _played(scenarios: list[Scenario], packs: dict[str, Policy]) -> list[Case]:
    from services.scenario.live import run_all

    return on_the_stack(run_all(scenarios, packs))


def on_the_stack(playing: Coroutine[Any, Any, T]) -> T:
    """Play on the running stack; a stack that is not there or does not settle is one sentence, exit code 3."""
    from services.scenario.stage import StageError
    from shared.refusal import Refused

    try:
        return asyncio.run(playing)
    except (StageError, Refused) as error:
        typer.echo(str(error), err=True)
    except Exception as error:
        if not (is_infrastructure(error) or isinstance(error, httpx.HTTPError)):
            raise
        typer.echo(
            f"The stack cannot be reached ({type(error).__name__}): start it with `hadir run --no-play` and wait until it is "
            "ready, or name its addresses with HADIR_KAFKA, HADIR_DATABASE and HADIR_INGEST_PORT.", err=True,
        )
    raise typer.Exit(3)
