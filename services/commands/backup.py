"""`hadir backup`: takes a dump that says what it holds, proves that it can be restored, and readies what was restored."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from services.commands.terminal import print_line, stop_with
from shared.settings import settings

if TYPE_CHECKING:
    from services.backup.dump import Paper, Restored

app = typer.Typer(no_args_is_help=True, help="Backups: take one, prove that it restores, ready a restored database.")

Database = Annotated[
    str | None,
    typer.Option("--database", metavar="URL", help="PostgreSQL URL of the owner; default: HADIR_DATABASE, else the running stack."),
]
File = Annotated[Path, typer.Argument(metavar="FILE", help="The dump; what it must hold is said in FILE.json beside it.")]


@app.command("take")
def take(file: File, database: Database = None) -> None:
    """Dump the database as of one instant while everything runs, and write down what the dump must hold.

    Example: [bold]hadir backup take hadir-2026-02-28.dump[/bold]
    """
    from services.backup import dump

    try:
        paper = asyncio.run(dump.take(database or settings().database, file))
    except OSError as error:
        _away(error)
    _tell_paper(file, paper)


@app.command("check")
def check(file: File, database: Database = None) -> None:
    """Restore a dump into a trial database beside the live one, compare it with its paper, drop it again; exit code 1 if it differs.

    Example: [bold]hadir backup check hadir-2026-02-28.dump[/bold]
    """
    try:
        restored = asyncio.run(_try(file, database or settings().database))
    except OSError as error:
        _away(error)
    _tell_restored(restored)


@app.command("restore")
def restore(
    file: File,
    into: Annotated[str, typer.Option("--into", metavar="DATABASE", help="A new database: a name beside the live one, or a URL.")],
    database: Database = None,
) -> None:
    """Restore a dump for good, roles included, and compare it with its paper. Then: [bold]hadir backup realign[/bold].

    Example: [bold]hadir backup restore hadir-2026-02-28.dump --into hadir_restored[/bold]
    """
    from services.backup import dump

    try:
        restored = asyncio.run(dump.restore(file, dump.named(database or settings().database, into)))
    except OSError as error:
        _away(error)
    _tell_restored(restored)
    print_line("Before any worker starts on it: hadir backup realign --database URL")


@app.command("drill")
def drill(
    folder: Annotated[Path, typer.Option("--folder", metavar="FOLDER", help="Where the dump lies meanwhile.")] = Path(),
    keep: Annotated[bool, typer.Option("--keep", help="Keep the dump and its paper.")] = False,
    database: Database = None,
) -> None:
    """Prove today that a backup restores: take one, restore it beside the live database, compare, tell durations, clean up.

    Example: [bold]hadir backup drill[/bold]
    """
    import datetime as dt

    from services.backup import dump

    url = database or settings().database
    file = folder / f"hadir-{dt.datetime.now(dt.UTC):%Y%m%dT%H%M%SZ}.dump"
    try:
        _tell_paper(file, asyncio.run(dump.take(url, file)))
        restored = asyncio.run(_try(file, url))
    except OSError as error:
        _away(error)
    finally:
        if not keep:
            file.unlink(missing_ok=True)
            dump.paper_of(file).unlink(missing_ok=True)
    _tell_restored(restored)


@app.command("realign")
def realign(
    database: Database = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done.")] = False,
) -> None:
    """Make a database of an earlier moment fit the topics, before any worker starts on it; twice changes nothing.

    Check-ins are read on from where the database stands. What services of ours told each other since is passed over, since
    it is told anew. Where Kafka is the older one (it lost records), positions go back to its end: find out why first.

    Example: [bold]hadir backup realign --database postgresql://hadir@db/restored --dry-run[/bold]
    """
    from aiokafka.errors import KafkaError

    from services.backup.realigning import carry_out, plan

    url = database or settings().database
    try:
        found = asyncio.run(plan(url, settings().kafka))
        if not dry_run:
            asyncio.run(carry_out(url, found))
    except (OSError, KafkaError) as error:
        _away(error)
    would = "would go" if dry_run else "went"
    topics = sorted({(move.service, move.place.topic, move.lost) for move in found.moves})
    for service, topic, lost in topics:
        of_topic = [m for m in found.moves if (m.service, m.place.topic, m.lost) == (service, topic, lost)]
        records = sum(abs(move.new - move.old) for move in of_topic)
        what = "BACK, Kafka lost" if lost else "over"
        print_line(f"{service}: {len(of_topic)} positions in {topic} {would} {what} {records:,} offsets")
    for owner in sorted({owner for owner, _ in found.again}):
        lanes = sum(1 for known, _ in found.again if known == owner)
        print_line(f"{owner}: {lanes} lanes tell again what had not been read")
    print_line("Every position is where it must be." if not topics else f"{len(found.moves)} positions in {len(topics)} topics.")


async def _try(file: Path, url: str) -> "Restored":
    from services.backup import dump

    async with dump.trial_beside(url) as trial:
        return await dump.restore(file, trial)


def _tell_paper(file: Path, paper: "Paper") -> None:
    figures = paper.figures
    print_line(f"{file}: {_size(paper.size)} in {paper.seconds:.1f} s, as of {paper.at:%Y-%m-%d %H:%M:%S} UTC")
    print_line(f"  {sum(figures.tables.values()):,} rows in {len(figures.tables)} tables")
    for name, (rows, digest) in figures.statements.items():
        print_line(f"  {name:32} {rows:>12,}  {digest[:16]}")
    print_line(f"  ledger: {figures.entries:,} entries of {figures.months:,} employee-months, Rp {figures.rupiah:,}")
    if figures.unbalanced or figures.broken:
        print_line(f"  WRONG ALREADY IN THE LIVE DATABASE: {figures.unbalanced} months do not balance, {figures.broken} hashes are broken")


def _tell_restored(restored: "Restored") -> None:
    print_line(f"Restored in {restored.seconds:.1f} s to {_size(restored.size)}, compared in {restored.compared_seconds:.1f} s.")
    for sentence in restored.differences:
        print_line(f"  DIFFERENT {sentence}")
    if restored.differences:
        stop_with("The restored database is not the one that was dumped: do not rely on this backup.")
    print_line("Every table, statement, total and hash chain is as it was.")


def _size(octets: int) -> str:
    return f"{octets / 1024**2:,.1f} MiB" if octets < 1024**3 else f"{octets / 1024**3:,.1f} GiB"


def _away(error: Exception) -> NoReturn:
    stop_with(f"This could not be done ({type(error).__name__}: {error}). Is the stack up (`hadir run`), and is there room on the disk?")
