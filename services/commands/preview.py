"""`hadir preview`: what a change would have done to people over the last days, before anybody puts it in force."""

import asyncio
import datetime as dt
import json
import sys
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeVar
from uuid import UUID

import typer

from services.commands.desk import RoleName, somebody
from services.commands.terminal import print_line, stop_with

if TYPE_CHECKING:
    from services.preview.change import Change, Window
    from shared.database import Connection

app = typer.Typer(
    no_args_is_help=True,
    help="What a change would have done to people over the last days: employees and rupiah by org unit, the worst cases.",
)

T = TypeVar("T")
_DAY: Final = dt.timedelta(days=1)
FileArgument = Annotated[Path, typer.Argument(metavar="FILE", help="the file as `hadir import` would take it")]
Days = Annotated[int, typer.Option("--days", min=1, max=366, help="How many days back to play.")]
Until = Annotated[str | None, typer.Option("--until", metavar="DATE", help="Last day of them; default: today.")]
Units = Annotated[list[str] | None, typer.Option("--unit", metavar="CODE", help="Look only at this org unit's people (repeat).")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of a table.")]
Actor = Annotated[str, typer.Option("--actor", metavar="ID", help="Who asks; kept with the preview.")]
Processes = Annotated[int, typer.Option("--processes", min=1, max=16, help="Processes that judge.")]
Database = Annotated[
    str | None, typer.Option("--database", metavar="URL", help="PostgreSQL URL; default: HADIR_DATABASE, else the running stack.")
]


@app.command("policy")
def policy(
    file: FileArgument,
    in_force: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME@DATE[@UNIT]", help="As in `hadir import policies`; default: the file's only pack, from the first day."),
    ] = None,
    days: Days = 22, until: Until = None, unit: Units = None, as_json: AsJson = False, actor: Actor = "operator",
    processes: Processes = 2, database: Database = None,
) -> None:  # fmt: skip
    """Rule packs put in force. One from a future date is played as if it had held on all the days.

    Example: [bold]hadir preview policy kebijakan.yaml --in-force POL-B@2026-12-01 --days 22[/bold]
    """
    from shared.policy import PolicyError, load_policies

    window = _window(days, until)
    try:
        packs = load_policies(file)
    except PolicyError as error:
        stop_with(str(error), 2)
    if in_force is None and len(packs) != 1:
        stop_with(f"{file.name} has several packs ({', '.join(packs)}): say which with --in-force NAME@DATE[@UNIT].", 2)
    scopes = [_scope(text) for text in in_force] if in_force else [(next(iter(packs)), window.first, None)]

    async def asked(connection: "Connection") -> "Change":
        from services.preview.asking import policy_change

        return await policy_change(connection, file, scopes)

    _preview(asked, window, unit, as_json=as_json, actor=actor, processes=processes, database=database)


@app.command("calendar")
def calendar(
    file: Annotated[Path | None, typer.Argument(metavar="[FILE]", help="edits as csv: date, kind, name, source, calendar")] = None,
    year: Annotated[int | None, typer.Option(help="This year's seed instead of a file.")] = None,
    days: Days = 22, until: Until = None, unit: Units = None, as_json: AsJson = False, actor: Actor = "operator",
    processes: Processes = 2, database: Database = None,
) -> None:  # fmt: skip
    """Holidays that come or go.

    Example: [bold]hadir preview calendar libur-daerah.csv[/bold]
    """
    if (file is None) == (year is None):
        stop_with("Give either a csv file or --year.", 2)

    async def asked(connection: "Connection") -> "Change":
        from services.preview.asking import calendar_change

        source = file if file is not None else year
        assert source is not None
        return await calendar_change(connection, source)

    _preview(asked, _window(days, until), unit, as_json=as_json, actor=actor, processes=processes, database=database)


@app.command("scheme")
def scheme(
    file: FileArgument,
    name: Annotated[str, typer.Option("--name", help="Which scheme of the file.")],
    in_force: Annotated[
        str | None,
        typer.Option(metavar="DATE[..DATE][@UNIT]", help="As in `hadir scheme apply`; default: the province, from the first day."),
    ] = None,
    days: Days = 22, until: Until = None, unit: Units = None, as_json: AsJson = False, actor: Actor = "operator",
    database: Database = None,
) -> None:  # fmt: skip
    """A WFO/WFA scheme put in force or extended: whom it concerns, and what in their rosters and check-ins would be against it.

    A scheme prices no day, so that no rupiah moves; the roster that follows from it has its own preview. Dates to come may be
    looked at too, as far as rosters are published (--until).
    Example: [bold]hadir preview scheme skema.yaml --name BENGKULU-100 --in-force 2026-12-01..2026-12-31[/bold]
    """
    from services.schedule.rules.schemes import SchemeError, load_schemes

    window = _window(days, until)
    try:
        load_schemes(file)
    except SchemeError as error:
        stop_with(str(error), 2)
    dates, _, code = (in_force or str(window.first)).partition("@")
    since, _, end = dates.partition("..")
    try:
        asked_for = (name, dt.date.fromisoformat(since), dt.date.fromisoformat(end) if end else None, code or None)
    except ValueError:
        stop_with(f"{in_force!r}: write DATE, DATE..DATE or DATE..DATE@UNIT, dates as 2026-02-01.", 2)

    async def asked(connection: "Connection") -> "Change":
        from services.preview.asking import scheme_change

        return await scheme_change(connection, file, [asked_for])

    _preview(asked, window, unit, as_json=as_json, actor=actor, processes=1, database=database)


def _of_file(kind: str) -> Callable[..., None]:
    def previewed(
        file: FileArgument,
        days: Days = 22, until: Until = None, unit: Units = None, as_json: AsJson = False, actor: Actor = "operator",
        processes: Processes = 2, database: Database = None,
    ) -> None:  # fmt: skip
        async def asked(connection: "Connection") -> "Change":
            from services.preview.asking import OF_FILES

            return await OF_FILES[kind](connection, file)

        _preview(asked, _window(days, until), unit, as_json=as_json, actor=actor, processes=processes, database=database)

    return previewed


for _kind, _help in {
    "roster": """Rosters that change, those that follow from a WFO/WFA scheme among them.

    Example: [bold]hadir preview roster rsud-februari.csv[/bold]""",
    "weeks-in-force": """Week patterns that hold for units or for everybody in a period, such as Ramadan hours: other hours of many.

    One from a future date is played as if it had held on all the days; one taken away before it began changes none of them.
    Example: [bold]hadir preview weeks-in-force ramadan-2027.csv[/bold]""",
    "org-units": """Org units that are to live by other calendars, or by the weeks and packs of other units above them.

    Example: [bold]hadir preview org-units opd.csv[/bold]""",
    "employees": """People who belong to other units, work other weeks, are of another kind, or leave: what becomes of their days.

    Example: [bold]hadir preview employees mutasi.csv[/bold]""",
    "sites": """Fences and regions that come or change; check-ins are judged again as long as their coordinates are kept (90 days).

    Example: [bold]hadir preview sites kantor.geojson --days 5[/bold]""",
}.items():
    app.command(_kind, help=_help)(_of_file(_kind))


@app.command("list")
def list_previews(database: Database = None) -> None:
    """The newest recorded previews, and who consented to them.

    Example: [bold]hadir preview list[/bold]
    """
    from services.schedule.store import previews
    from shared.lanes import Lanes

    async def told(lanes: Lanes) -> None:
        async with lanes.pool.acquire() as connection:
            limits = await previews.limits(connection)
            for preview, approved in await previews.previews(connection):
                weighs = "needs a second approver" if limits.needs_second(preview.people_changed, preview.rupiah) else "may be put in force"
                state = f"approved by {', '.join(approved)}" if approved else weighs if preview.whole else "of some units only"
                print_line(f"{preview.preview_id}  {preview.made_at:%Y-%m-%d %H:%M} UTC  {preview.actor}: {preview.kind} {preview.title}; "
                           f"{preview.people_changed:,} employees, Rp {preview.rupiah:,}; {state}")

    _run(_as_schedule(database, told))


@app.command("approve")
def approve(
    preview_id: Annotated[UUID, typer.Argument(metavar="PREVIEW", help="id as `hadir preview list` shows it")],
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; kept in the audit trail.")],
    actor: Annotated[str, typer.Option("--actor", metavar="ID", help="Who consents: somebody else than who previewed it.")],
    database: Database = None,
) -> None:
    """Consent to a previewed change as the second person.

    Example: [bold]hadir preview approve 5f0c… --actor kepala-bkd --reason "ND 800/12"[/bold]
    """
    from services.schedule.previewing import approve_preview

    async def given(lanes: Any) -> None:
        preview = await approve_preview(lanes, preview_id, actor, reason)
        print_line(f"Disetujui: {preview.kind} {preview.title}. Perubahan ini sekarang dapat diberlakukan oleh orang lain.")

    _run(_as_schedule(database, given))


@app.command("limits")
def limits(
    free_people: Annotated[int | None, typer.Option(min=0, help="Up to so many employees concerned, no preview is needed.")] = None,
    people: Annotated[int | None, typer.Option(min=0, help="More employees changed than this need a second approver.")] = None,
    rupiah: Annotated[int | None, typer.Option(min=0, help="More rupiah moved than this needs a second approver.")] = None,
    valid_days: Annotated[int | None, typer.Option(min=1, max=90, help="For so many days a preview counts.")] = None,
    actor: Annotated[str, typer.Option("--actor", metavar="ID", help="Who sets them.")] = "",
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; kept in the audit trail with old and new limits.")] = "",
    role: RoleName = "bkd", database: Database = None,
) -> None:  # fmt: skip
    """Show the limits, or set some of them, which takes effect at once.

    Example: [bold]hadir preview limits --people 200 --rupiah 20000000 --actor kepala-bkd --reason "SK 800/12"[/bold]
    """
    from dataclasses import replace

    from services.schedule.previewing import set_limits
    from services.schedule.store import previews

    given = {"free_people": free_people, "people": people, "rupiah": rupiah, "valid_days": valid_days}
    asked = {name: value for name, value in given.items() if value is not None}
    if asked:
        _may_limit(actor, role, reason)

    async def told(lanes: Any) -> None:
        async with lanes.pool.acquire() as connection:
            known = await previews.limits(connection)
        if asked:
            known = replace(known, **asked)
            await set_limits(lanes, known, actor, reason)
        print_line(f"without a preview    up to {known.free_people:,} employees concerned")
        print_line(f"second approver      above {known.people:,} employees changed, or Rp {known.rupiah:,} moved")
        print_line(f"a preview counts for {known.valid_days} days")

    _run(_as_schedule(database, told))


def _may_limit(actor: str, role: str, reason: str) -> None:
    """Ends the command for who does not say who he is and why, or whose role may not set limits."""
    from shared.roles import RIGHTS

    who = somebody(actor, role)
    if not reason.strip():
        stop_with("Ubah batas dengan --reason: sebutkan dasar keputusannya, misalnya nomor surat.", 2)
    if who.role not in RIGHTS["previews.limit"]:
        stop_with(f"Batas pratinjau tidak diubah oleh peran {role}; yang boleh: {', '.join(sorted(RIGHTS['previews.limit']))}.")


def _window(days: int, until: str | None) -> "Window":
    from services.preview.change import Window

    try:
        last = dt.date.fromisoformat(until) if until else dt.datetime.now(dt.UTC).astimezone(dt.timezone(dt.timedelta(hours=7))).date()
    except ValueError:
        stop_with(f"{until!r} is not a date; write it as 2026-02-27.", 2)
    return Window(last - (days - 1) * _DAY, last)


def _scope(text: str) -> tuple[str, dt.date, str | None]:
    name, _, rest = text.partition("@")
    since, _, unit = rest.partition("@")
    try:
        return name, dt.date.fromisoformat(since), unit or None
    except ValueError:
        stop_with(f"{text!r}: write NAME@DATE or NAME@DATE@UNIT, the date as 2026-02-01.", 2)


def _preview(
    asked: "Callable[[Connection], Awaitable[Change]]", window: "Window", units: list[str] | None, *, as_json: bool, actor: str,
    processes: int, database: str | None,
) -> None:  # fmt: skip
    """Play the change, tell the result, and keep it."""
    from concurrent.futures.process import BrokenProcessPool

    from services.preview.asking import read_change
    from services.preview.previewing import preview
    from shared.failures import is_infrastructure

    url = _url(database)
    change = _run(read_change(url, asked, units or []))
    try:
        done = preview(url, change, window, dt.datetime.now(dt.UTC), processes=processes, progress=_progress)
    except BrokenProcessPool:
        stop_with("A process that judged was ended from outside (out of memory?): nothing was recorded; try again, or with --processes 1.")
    except Exception as error:
        if not is_infrastructure(error):
            raise
        stop_with(f"The database is away ({type(error).__name__}): run `hadir run`, or name it with --database.")
    finally:
        _end_progress()
    preview_id, second = _run(_kept(url, change, window, done.found, actor, whole=not units))
    if as_json:
        about = {"kind": change.kind, "change": change.title, "digest": change.digest, "first": str(window.first), "last": str(window.last),
                 "seconds": round(done.seconds, 3), "preview_id": str(preview_id), "needs_second_approver": second}
        typer.echo(json.dumps(about | done.found, indent=2, ensure_ascii=False))
        return
    print_line(f"{change.kind}: {change.title}; {window.first} to {window.last}")
    for line in done.lines:
        print_line(line)
    print_line("")
    print_line(f"kept as preview {preview_id}" + ("; a second person must approve it: hadir preview approve" if second else ""))


async def _kept(
    url: str, change: "Change", window: "Window", result: dict[str, Any], actor: str, *, whole: bool
) -> tuple[UUID, bool]:
    from services.schedule.previewing import record_preview
    from shared.database import open_pool
    from shared.lanes import Lanes

    pool = await open_pool(url, "schedule", max_size=1)
    try:
        preview, second = await record_preview(
            Lanes(pool, "schedule"), kind=change.kind, digest=change.digest, title=change.title, first=window.first, last=window.last,
            whole=whole, found=result, actor=actor,
        )
        return preview.preview_id, second
    finally:
        await pool.close()


async def _as_schedule(database: str | None, do: Callable[[Any], Awaitable[None]]) -> None:
    from shared.database import open_pool
    from shared.lanes import Lanes

    pool = await open_pool(_url(database), "schedule", max_size=1)
    try:
        await do(Lanes(pool, "schedule"))
    finally:
        await pool.close()


def _run(work: Coroutine[Any, Any, T]) -> T:
    """Run to the end; what a person can mend ends the command with a sentence."""
    from shared.failures import is_infrastructure
    from shared.refusal import Refused

    try:
        return asyncio.run(work)
    except Refused as refused:
        stop_with(str(refused))
    except Exception as error:
        if not is_infrastructure(error):
            raise
        stop_with(f"The database is away ({type(error).__name__}): run `hadir run`, or name it with --database.")


def _url(given: str | None) -> str:
    from shared.settings import settings

    return given or settings().database


def _progress(done: int, everybody: int) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"\r{done:,} of {everybody:,} employees ...")
        sys.stderr.flush()


def _end_progress() -> None:
    if sys.stderr.isatty():
        sys.stderr.write("\r" + " " * 60 + "\r")
