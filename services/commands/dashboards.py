"""`hadir dashboards`: pictures of the dashboards, for pages and for people without Grafana."""

import time
from pathlib import Path
from typing import Annotated

import typer

from services.commands.terminal import print_line, stop_with

app = typer.Typer(no_args_is_help=True, help="Pictures of Grafana's dashboards, drawn from a Prometheus.")


@app.callback()
def dashboards() -> None:
    """Pictures of Grafana's dashboards, drawn from a Prometheus."""


@app.command("draw")
def draw_dashboards(
    prometheus: Annotated[str, typer.Option(metavar="URL", help="The Prometheus to ask; `hadir run` tells its address.")],
    into: Annotated[Path, typer.Option(metavar="DIR", help="Where the pictures go; made if it is not there.")],
    minutes: Annotated[float, typer.Option(min=1, help="How far back lines go.")] = 30,
) -> None:
    """Ask every query of every dashboard and draw what comes, as Grafana would lay it out; one PNG each.

    Works in a checkout with the developers' packages (matplotlib). Grafana itself is not needed.

    Example: [bold]hadir dashboards draw --prometheus http://127.0.0.1:8890 --into pictures[/bold]
    """
    try:
        from services.dashboards.drawing import draw
    except ModuleNotFoundError as error:
        if error.name != "matplotlib":
            raise
        stop_with("Drawing needs matplotlib, which is among the developers' packages: run it in a checkout after `make setup`.")
    from services.dashboards.reading import answered
    from services.dashboards.reading import dashboards as committed

    until = time.time()
    into.mkdir(parents=True, exist_ok=True)
    for dashboard in committed():
        path = into / f"{dashboard['uid']}.png"
        draw(dashboard["title"], answered(dashboard, prometheus, until - 60 * minutes, until), until, path)
        print_line(f"  {path}")
