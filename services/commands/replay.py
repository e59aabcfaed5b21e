"""`hadir replay`: rebuilds everything from the topics in an empty database, and compares it with the live one."""

import asyncio
import json
import time
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit, urlunsplit

import typer

from services.commands.terminal import print_line, stop_with
from shared.settings import settings

if TYPE_CHECKING:
    from services.replay.digest import Statement
    from services.replay.source import Source


def replay(
    into: Annotated[
        str,
        typer.Option(metavar="DATABASE", help="Database to rebuild into, made if it is not there: a name beside the live one, or a URL."),
    ],
    database: Annotated[
        str | None, typer.Option(metavar="URL", help="The live database; default: HADIR_DATABASE, else the running stack.")
    ] = None,
    compare: Annotated[bool, typer.Option("--compare/--no-compare", help="Compare with the live database.")] = True,
    partial: Annotated[
        bool, typer.Option("--partial", help="Go on although old check-ins have expired from the topics; the result is then partial.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Rebuild every verdict, day, violation and deduction from the topics alone, and compare with the live database.

    Nothing is published and the live database is only read. What is still arriving or falling due meanwhile shows as a
    difference: replay when the lag is 0. The exit code is 0 only if both say the same. The rebuilt database is for
    asking and proving; it numbers its own versions and does not replace the live one.

    Example: [bold]hadir replay --into rebuilt[/bold]
    """
    from services.replay.digest import compare as compare_both
    from services.replay.rebuilding import NotEmpty, rebuild
    from shared.failures import is_infrastructure

    live = database or settings().database
    target = into if "://" in into else urlunsplit(urlsplit(live)._replace(path=f"/{into}"))
    if target == live:
        stop_with("--into names the live database; name another one, which need not exist yet.", 2)

    told_at = 0.0

    def progress(what: str, done: int) -> None:
        nonlocal told_at
        if not as_json and time.monotonic() > told_at + 1:
            told_at = time.monotonic()
            print_line(f"  {what} {done or ''}".rstrip())

    async def all_of_it() -> "tuple[Source, list[Statement]]":
        source = await rebuild(settings(), target, progress)
        return source, await compare_both(live, target) if compare else []

    try:
        source, statements = asyncio.run(all_of_it())
    except NotEmpty:
        stop_with("That database holds something already; name one that does not exist yet, or drop it first.", 2)
    except Exception as error:
        if not is_infrastructure(error):
            raise
        stop_with(
            f"Kafka or PostgreSQL cannot be reached ({type(error).__name__}): run `hadir run`, or name them with HADIR_KAFKA and"
            " --database."
        )
    expired = sorted(name for name, read in source.read.items() if not read.begins)
    equal = all(statement.equal for statement in statements) and (partial or not expired)
    if as_json:
        print_line(json.dumps({
            "equal": equal, "expired": expired,
            "topics": {name: {"records": read.records, "poison": read.poison} for name, read in source.read.items()},
            "statements": [
                {"name": s.name, "rows": list(s.rows), "sha256": list(s.hashes), "equal": s.equal, "differing": s.differing}
                for s in statements
            ],
        }))  # fmt: skip
    else:
        _tell(source, statements)
    if expired and not partial:
        stop_with(f"{', '.join(expired)}: the first records have expired, so this is not all; --partial accepts that.")
    if not equal:
        stop_with("The rebuilt database differs from the live one.")


def _tell(source: "Source", statements: "list[Statement]") -> None:
    print_line(f"{sum(read.records for read in source.read.values()):,} records read from {len(source.read)} topics")
    for name, read in source.read.items():
        if read.poison:
            print_line(f"  {name}: {read.poison} that nobody can read")
    for statement in statements:
        verdict = "equal" if statement.equal else "DIFFERENT"
        rows = " / ".join(f"{count:,}" for count in dict.fromkeys(statement.rows))
        print_line(f"  {statement.name:32} {rows:>14}  {statement.hashes[1][:16]}  {verdict}")
        for key in statement.differing:
            print_line(f"      {key}")
    if statements and all(statement.equal for statement in statements):
        print_line("Both databases say the same.")
