"""`hadir run` and `hadir stop`: everything on one machine, from nothing to a played day and back to nothing."""

import contextlib
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated

import typer

from services.commands.terminal import console, print_line

if TYPE_CHECKING:
    from shared.settings import Settings


def run(
    kafka: Annotated[
        str | None,
        typer.Option(
            envvar="HADIR_KAFKA", metavar="HOST:PORT", help="Use this Kafka; it is neither started nor stopped."
        ),
    ] = None,
    database: Annotated[
        str | None,
        typer.Option(
            envvar="HADIR_DATABASE", metavar="URL", help="Use this PostgreSQL database; neither started nor stopped."
        ),
    ] = None,
    employees: Annotated[int, typer.Option(min=1, max=300_000, help="Size of the sample province.")] = 2000,
    play: Annotated[bool, typer.Option("--play/--no-play", help="Play a day of the sample province.")] = True,
    fresh: Annotated[bool, typer.Option("--fresh", help="Remove the data of former runs first.")] = False,
    once: Annotated[bool, typer.Option("--once", help="Stop after the summary instead of staying up.")] = False,
    monitor: Annotated[
        bool, typer.Option("--monitor/--no-monitor", help="Start Prometheus and the figures for it, if it is installed.")
    ] = True,
    canaries: Annotated[bool, typer.Option("--canaries", help="Let canaries live a day a minute, and judge how they are judged.")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Show what the processes log.")] = False,
) -> None:
    """Start Kafka, PostgreSQL and all services, play a day of a sample province, check it, stay up.

    Data, logs and the lock are in the folder HADIR_HOME (default .hadir); Ctrl-C or `hadir stop` ends everything.
    The exit code is 0 if what came out equals what the simulator knows to be true (with --no-play: if all is ready), and
    2 if it does not, also when Ctrl-C ends the run later; 130 if Ctrl-C ends it before that is known (143 `hadir stop`
    or SIGTERM, 129 SIGHUP), and 1 if it cannot start or go on.

    Examples: [bold]hadir run[/bold], [bold]hadir run --no-play[/bold], [bold]hadir run --once --employees 200[/bold],
    [bold]hadir run --kafka broker:9092 --database postgresql://me@db/hadir[/bold]
    """
    from services.local.process import LocalError, make_folder
    from services.local.prometheus import find_tools
    from services.local.stack import Phases, Wanted, bring_up
    from services.local.state import sole_run, sweep
    from services.local.supervisor import LogTail, Supervisor
    from shared.settings import Settings

    settings = Settings()
    home = make_folder(settings.home, "HADIR_HOME")
    with sole_run(home), _ends_on_signal() as ended_by:
        for name in sweep(home):
            print_line(f"Ended {name}, left by a run that was killed.")
        supervisor = Supervisor(home, say=print_line)
        phases = Phases.begin(lambda what, seconds: print_line(f"  {what:<58}{seconds:6.1f} s"))
        equal: bool | None = None  # not known yet
        try:
            print_line(f"Hadir starts in {_shown(home)}")
            if verbose:
                LogTail(home / "logs", lambda name, line: print_line(f"{name:>9} | {line}")).start()
            watched = monitor and not once and find_tools() is not None
            wanted = Wanted(settings, home, _with_port(kafka), database, fresh, watched, canaries)
            reached = bring_up(wanted, supervisor, phases, _fetching)
            print_line(f"Ready after {phases.total:.1f} s.")
            equal = _play(reached, employees) if play else True
            print_line(_where_to_look(supervisor.addresses, home))
            if not once:
                print_line("Everything stays up; Ctrl-C (or `make stop` elsewhere) stops it.")
                supervisor.broken.wait()
                raise LocalError(supervisor.broken_reason())
        except KeyboardInterrupt:
            print_line("\nStopping …")
        finally:
            with _deaf_to_signals():
                supervisor.stop()
            print_line("Everything is stopped.")
    if equal is None:
        print_line("It was ended before it was known whether what came out equals the truth.")
        raise typer.Exit(128 + ended_by[0])
    if not equal:
        raise typer.Exit(2)


def _play(settings: "Settings", employees: int) -> bool:
    """Play a day of the sample province and print what it came to; true if it equals the known truth."""
    from services.simulator.phones import SendingFailed
    from services.simulator.play import play
    from services.simulator.progress import drawn
    from services.simulator.settled import NotSettled
    from shared.refusal import Refused

    print_line(f"Playing a day of a sample province of {employees:,} employees …")
    try:
        with drawn(console) as told:
            report = play(settings, employees=employees, progress=told)
    except (Refused, SendingFailed, NotSettled) as problem:
        head, *rest = str(problem).splitlines()
        print_line("\n".join([f"The play could not be finished: {head}", *rest[:10], *["…"] * (len(rest) > 10)]))
        return False
    for line in report.lines():
        print_line(f"  {line}")
    return report.equal


def stop() -> None:
    """Stop what `hadir run` started in this folder, and whatever a killed run left behind.

    Example: [bold]hadir stop[/bold]
    """
    from services.local.state import stop_run
    from shared.settings import Settings

    for line in stop_run(Settings().home):
        print_line(line)


@contextlib.contextmanager
def _fetching() -> Iterator[Callable[[int, int], None]]:
    """A progress bar that appears once there is something to fetch."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    columns = TextColumn("  {task.description}"), BarColumn(), MofNCompleteColumn()
    bar = Progress(*columns, console=console, transient=True)

    def told(done: int, total: int) -> None:
        if not bar.tasks:
            bar.add_task("fetching Kafka's jars (once)", total=total)
            bar.start()
        bar.update(bar.tasks[0].id, completed=done)

    try:
        yield told
    finally:
        if bar.tasks:
            bar.stop()


@contextlib.contextmanager
def _ends_on_signal() -> Iterator[list[int]]:
    """SIGTERM and SIGHUP end a run as Ctrl-C does, so that nothing is left running; gives the signals that came.

    Only the first interrupts. `timeout` and a closing terminal tell a whole group at once, so that a program under
    make hears it twice, and a second interruption while Python gives back a lock ends in a traceback.
    """
    ended_by: list[int] = []

    def interrupt(signum: int, _frame: FrameType | None) -> None:
        ended_by.append(signum)
        if len(ended_by) == 1:
            raise KeyboardInterrupt

    before = {signum: signal.signal(signum, interrupt) for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        yield ended_by
    finally:
        for signum, handler in before.items():
            signal.signal(signum, handler)


@contextlib.contextmanager
def _deaf_to_signals() -> Iterator[None]:
    """An impatient second Ctrl-C must not interrupt the tidying; each step of it has its own time limit."""
    for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(signum, lambda _signum, _frame: None)
    yield


def _with_port(kafka: str | None) -> str | None:
    if kafka is None:
        return None
    return ",".join(item if ":" in item else f"{item}:9092" for item in kafka.split(","))


def _shown(home: Path) -> str:
    with contextlib.suppress(ValueError):
        return str(home.relative_to(Path.cwd()))
    return str(home)


def _where_to_look(addresses: dict[str, str], home: Path) -> str:
    apis = {
        "ingest": "check-ins, from phones", "geofence_api": "places", "schedule_api": "people, duties, days, corrections",
        "payroll_api": "money", "reports_api": "receipts",
    }  # fmt: skip
    rows = {
        "API": f"\n  {'':<9} ".join(f"{addresses[name]}/docs   ({about})" for name, about in apis.items()),
        "metrics": "  ".join(f"{addresses[name]}/metrics" for name in ("ingest", "geofence", "schedule", "payroll")),
        "Kafka": f"{addresses['kafka']}   (hadir topics list)",
        "database": addresses["database"],
        "logs": f"{_shown(home)}/logs/",
    }
    if "prometheus" in addresses:
        rows |= {"figures": f"{addresses['prometheus']}/alerts   (docs/dashboards.md)"}
    return "\n".join(f"  {what:<9} {where}" for what, where in rows.items())
