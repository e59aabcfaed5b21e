"""An officer's desk at the command line: whom a word names, which paper is meant, and a connection to schedule's tables."""

import asyncio
import datetime as dt
from collections.abc import Awaitable, Callable
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar
from uuid import UUID

import typer

from services.commands.terminal import stop_with

if TYPE_CHECKING:
    from services.schedule.rules.workflow import Who
    from shared.database import Connection
    from shared.events import Document
    from shared.lanes import Lanes

T = TypeVar("T")

Database = Annotated[
    str | None,
    typer.Option("--database", metavar="URL", help="PostgreSQL URL; default: HADIR_DATABASE, else the running stack."),
]
Actor = Annotated[str, typer.Option("--actor", metavar="ID", help="Who acts; kept in the trail and the audit topic.")]
RoleName = Annotated[
    str, typer.Option("--role", metavar="ROLE", help="In which role: employee, supervisor, unit_officer, bkd, inspectorate, admin.")
]
Reason = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why, or on what basis; kept in the trail.")]
Paper = Annotated[
    str | None, typer.Option("--document", metavar="NUMBER@DATE", help="The paper it stands on, e.g. 445/12/RSUD@2026-02-04.")
]
Scan = Annotated[
    Path | None, typer.Option("--scan", metavar="FILE", help="The scan of that paper: its SHA-256 is kept, the file stays with you.")
]
Id = Annotated[str, typer.Argument(metavar="ID", help="The request's id, as `hadir correction list` shows it.")]


def at_the_desk(database: str | None, act: Callable[["Lanes"], Awaitable[T]]) -> T:
    """Does something with schedule's lanes; a refusal or an absent database ends the command with a sentence."""
    from services.schedule.corrections import CorrectionRefused
    from shared.database import open_pool
    from shared.failures import is_infrastructure
    from shared.lanes import Lanes
    from shared.settings import settings

    async def acted() -> T:
        pool = await open_pool(database or settings().database, "schedule", max_size=3)
        try:
            return await act(Lanes(pool, "schedule"))
        finally:
            await pool.close()

    try:
        return asyncio.run(acted())
    except CorrectionRefused as refused:
        stop_with(f"Ditolak: {str(refused).rstrip('.')}.")
    except Exception as error:
        if not is_infrastructure(error):
            raise
        stop_with(f"Basis data tidak terjangkau ({type(error).__name__}): jalankan `hadir run`, atau sebutkan --database.")


def somebody(actor: str, role: str) -> "Who":
    """Who acts, in all units; a role that does not exist ends the command."""
    from services.schedule.rules.workflow import Who
    from shared.roles import Role

    if role not in {one.value for one in Role}:
        stop_with(f"--role {role!r} tidak dikenal; pilih: {', '.join(Role)}.", 2)
    if not 1 <= len(actor) <= 100:
        stop_with("--actor kosong atau terlalu panjang; tulis id petugas.", 2)
    return Who(actor, role)


def paper(text: str | None, scan: Path | None) -> "Document | None":
    """The document that NUMBER@DATE names, with the SHA-256 of its scan."""
    from pydantic import ValidationError

    from shared.events import Document

    if text is None:
        if scan is not None:
            stop_with("--scan menyertai --document NOMOR@TANGGAL.", 2)
        return None
    number, _, date = text.rpartition("@")
    if scan is not None and not scan.is_file():
        stop_with(f"{scan}: berkas tidak ada.", 2)
    try:
        return Document(
            number=number, date=dt.date.fromisoformat(date), sha256=sha256(scan.read_bytes()).hexdigest() if scan is not None else None
        )
    except (ValueError, ValidationError):
        stop_with(f"--document {text!r}: tulis NOMOR@TANGGAL, misalnya 445/12/RSUD@2026-02-04.", 2)


def an_id(text: str) -> UUID:
    """The id that somebody wrote."""
    try:
        return UUID(text)
    except ValueError:
        stop_with(f"{text!r} bukan id; salin dari `hadir correction list`.", 2)


def a_date(text: str, option: str) -> dt.date:
    """The date that somebody wrote."""
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        stop_with(f"{option} {text!r}: tulis tanggal seperti 2026-02-04.", 2)


async def employee_of(connection: "Connection", who: str) -> UUID:
    """The employee whom a NIP or an id names. Raises CorrectionRefused."""
    from services.schedule.corrections import CorrectionRefused
    from services.schedule.store import reference_rows as rows

    if len(who) == 18 and who.isdigit():
        found = (await rows.employee_ids(connection, [who])).get(who)
    else:
        try:
            found = UUID(who)
        except ValueError:
            raise CorrectionRefused("--employee bukan NIP (18 angka) dan bukan id pegawai") from None
    if found is None or not await rows.employees(connection, [found]):
        raise CorrectionRefused("pegawai tidak terdaftar; impor pegawainya dulu")
    return found


async def unit_of(connection: "Connection", code: str) -> UUID:
    """The org unit with this code. Raises CorrectionRefused."""
    from services.schedule.corrections import CorrectionRefused
    from services.schedule.store import reference_rows as rows

    for unit_id, kept in (await rows.units(connection)).items():
        if kept.state.code == code:
            return unit_id
    raise CorrectionRefused(f"unit {code} tidak terdaftar; impor unitnya dulu")
