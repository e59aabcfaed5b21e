"""The operator's command line, installed as `hadir`: wires the families of verbs and tells refusals plainly."""

import sys

import typer
from pydantic import ValidationError

from services.commands import (
    backup,
    bench,
    canaries,
    capacity,
    contract,
    correction,
    dashboards,
    doctor,
    explain,
    export,
    imports,
    ladder,
    month,
    outage,
    policy,
    preview,
    read,
    record,
    replay,
    report,
    roster,
    run,
    scenario,
    schemas,
    scheme,
    simulate,
    topics,
    verify,
)
from shared.refusal import Refusal

EPILOG = """
[bold]First steps[/bold]

  [bold]hadir run[/bold]                    starts Kafka, PostgreSQL and all services, plays a sample day, stays up

  [bold]hadir topics list --check[/bold]    from another shell: is the broker as declared?

  [bold]hadir stop[/bold]                   stops it all

Every setting is an environment variable HADIR_...; commands find the stack that `hadir run` started by themselves.
"""

app = typer.Typer(
    name="hadir",
    help="Event-driven attendance discipline and TPP deductions for Indonesian civil servants.",
    epilog=EPILOG,
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

LOCAL = "On this machine"
RULES = "Rule packs and stories"
DATA = "Reference data"
PAYROLL = "Months and deductions"
PEOPLE = "Corrections and discipline"
PROOFS = "Proofs"
CLUSTER = "Setting up a cluster"

app.command("run", rich_help_panel=LOCAL)(run.run)
app.command("stop", rich_help_panel=LOCAL)(run.stop)
app.command("simulate", rich_help_panel=LOCAL)(simulate.simulate)
app.add_typer(imports.app, name="import", rich_help_panel=DATA)
app.add_typer(export.app, name="export", rich_help_panel=DATA)
app.add_typer(scheme.app, name="scheme", rich_help_panel=DATA)
app.add_typer(roster.app, name="roster", rich_help_panel=DATA)
app.command("read", rich_help_panel=DATA)(read.read)
app.add_typer(correction.app, name="correction", rich_help_panel=PEOPLE)
app.add_typer(record.app, name="record", rich_help_panel=PEOPLE)
app.add_typer(outage.app, name="outage", rich_help_panel=PEOPLE)
app.add_typer(ladder.app, name="ladder", rich_help_panel=PEOPLE)
app.command("explain", rich_help_panel=PAYROLL)(explain.explain)
app.add_typer(month.app, name="month", rich_help_panel=PAYROLL)
app.add_typer(report.app, name="report", rich_help_panel=PAYROLL)
app.add_typer(verify.app, name="verify", rich_help_panel=PROOFS)
app.command("bench", rich_help_panel=PROOFS)(bench.bench)
app.command("doctor", rich_help_panel=PROOFS)(doctor.doctor)
app.command("replay", rich_help_panel=PROOFS)(replay.replay)
app.add_typer(backup.app, name="backup", rich_help_panel=PROOFS)
app.add_typer(policy.app, name="policy", rich_help_panel=RULES)
app.add_typer(preview.app, name="preview", rich_help_panel=RULES)
app.add_typer(scenario.app, name="scenario", rich_help_panel=RULES)
app.command("capacity", rich_help_panel=CLUSTER)(capacity.capacity)
app.add_typer(topics.app, name="topics", rich_help_panel=CLUSTER)
app.add_typer(schemas.app, name="schemas", rich_help_panel=CLUSTER)
app.add_typer(dashboards.app, name="dashboards", rich_help_panel=CLUSTER)
app.add_typer(canaries.app, name="canaries", rich_help_panel=CLUSTER)
app.add_typer(contract.app, name="contract", rich_help_panel=CLUSTER)


def main() -> None:
    """Run the command line; an expected refusal is one sentence on standard error and exit code 1."""
    try:
        app()
    except Refusal as refusal:
        typer.echo(str(refusal), err=True)
        sys.exit(1)
    except ValidationError as error:
        if error.title != "Settings":
            raise
        for fault in error.errors(include_url=False, include_input=False):
            typer.echo(f"HADIR_{'_'.join(map(str, fault['loc'])).upper()}: {fault['msg']}. `hadir run` starts with none set.", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
