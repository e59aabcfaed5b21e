"""`hadir bench`: measures figures beside their references and writes docs/benchmarks.md."""

import json
import shutil
from typing import Annotated

import typer

from services.commands.terminal import console, print_line, stop_with


def bench(
    names: Annotated[
        list[str] | None, typer.Argument(help="Which benches to run, e.g. hop (default: all of the size).", metavar="[NAME]...")
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Tiny sizes: does it work at all? Its figures are not kept.")] = False,
    long: Annotated[bool, typer.Option("--long", help="Large sizes: hours.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
    keep: Annotated[bool, typer.Option("--keep/--no-keep", help="Write docs/benchmarks.json and docs/benchmarks.md.")] = True,
    list_them: Annotated[bool, typer.Option("--list", help="Tell which benches there are, and measure nothing.")] = False,
) -> None:
    """Measure figures, most of them beside a reference in the same run, and write docs/benchmarks.md.

    Every bench starts servers of its own on free ports and stops them; a stack that runs is not touched. Run it on a
    machine that does nothing else. The exit code is 1 if something could not be measured, and the page
    keeps what was measured of it before; a missed target is told, not an error.

    Examples: [bold]hadir bench[/bold], [bold]hadir bench hop --json[/bold], [bold]hadir bench window-close --long[/bold]
    """
    from services.bench.figures import BENCHES, FIGURES, Size
    from services.bench.page import keep as keep_records
    from services.bench.page import markdown, number, target_text
    from services.bench.record import Record
    from services.bench.running import ROOT, run_bench

    if quick and long:
        stop_with("--quick and --long exclude each other.", 2)
    size: Size = "quick" if quick else "long" if long else "normal"
    if list_them:
        width = max(map(len, BENCHES))
        for name, one in BENCHES.items():
            only = "" if "normal" in one.arguments else f"   (only with {one.options})"
            print_line(f"{name:<{width}}  {', '.join(one.figures)}{only}")
        return
    chosen = names or [name for name, one in BENCHES.items() if size in one.arguments and (one.needs is None or shutil.which(one.needs))]
    if unknown := [name for name in chosen if name not in BENCHES]:
        stop_with(f"There is no bench {unknown[0]!r}; there are: {', '.join(BENCHES)}.", 2)
    if absent := [name for name in chosen if size not in BENCHES[name].arguments]:
        asked = "without --quick or --long" if size == "normal" else f"with --{size}"
        stop_with(f"{absent[0]} does not run {asked}, only with {BENCHES[absent[0]].options}.", 2)

    def told(line: str) -> None:
        typer.echo(line, err=True)

    records: list[Record] = []
    page = ROOT / "docs" / "benchmarks.md"
    for name in chosen:
        fresh = run_bench(name, size, told)
        records += fresh
        if keep and not quick:  # after each one, so that an interrupted hour is not lost
            page.write_text(markdown(keep_records(page.with_suffix(".json"), fresh)))
    if as_json:
        typer.echo(json.dumps([record.as_json() for record in records], ensure_ascii=False, indent=2))
    else:
        for record in records:
            figure = FIGURES[record.figure]
            beside = f"  = {number(record.ratio)} × {record.reference}" if record.ratio is not None else ""
            quiet = "" if record.machine.quiet else "  (machine not quiet)"
            why = f": {record.failed}" if record.failed else ""
            target = f"(target {target_text(figure)})"
            console.print(
                f"{record.judgement:<20} {number(record.value)} {figure.unit}{beside}  {record.what}  {target}{quiet}{why}",
                markup=False, soft_wrap=True,
            )
    if any(record.failed for record in records):
        raise typer.Exit(1)
