"""`hadir record`: what an office finds or orders and nobody asks for: missed roll-calls, absence in hours, letters, moves."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from services.commands.desk import (
    Actor,
    Database,
    Paper,
    Reason,
    RoleName,
    Scan,
    a_date,
    at_the_desk,
    employee_of,
    paper,
    somebody,
    unit_of,
)
from services.commands.terminal import print_line, stop_with

if TYPE_CHECKING:
    from uuid import UUID

    from shared.database import Connection
    from shared.events import Document
    from shared.lanes import Lanes

app = typer.Typer(
    no_args_is_help=True,
    help="Findings and orders of an office: missed roll-call (apel), away in working hours, activity letters, moves between units. "
    "What is asked for and decided level by level is under [bold]hadir correction[/bold].",
)

Employees = Annotated[
    list[str] | None, typer.Option("--employee", metavar="NIP|ID", help="Whom it is about; may be repeated.")
]
Listed = Annotated[
    Path | None, typer.Option("--file", metavar="FILE", help="A csv or xlsx with a column `nip` (or employee_id): all of them at once.")
]
DateOption = Annotated[str, typer.Option("--date", metavar="DATE", help="The business date, e.g. 2026-02-04.")]
TakeBack = Annotated[bool, typer.Option("--take-back", help="It was recorded by mistake: its days are judged as if it had never been.")]


@app.command("apel")
def apel(  # noqa: PLR0913 - what, about whom, said by whom
    date: DateOption, reason: Reason, actor: Actor, employee: Employees = None, file: Listed = None,
    ceremony: Annotated[bool, typer.Option("--ceremony", help="It was a ceremony (upacara).")] = False,
    role: RoleName = "bkd", document: Paper = None, scan: Scan = None, take_back: TakeBack = False, database: Database = None,
) -> None:  # fmt: skip
    """These people were missing at the roll-call (apel) of a date; given twice it counts once.

    Examples: [bold]hadir record apel --date 2026-02-02 --employee 199001012015011001 --actor bkd --reason "daftar hadir apel"[/bold],
    [bold]hadir record apel --date 2026-02-02 --file tidak-apel.csv --actor bkd --reason "daftar hadir apel"[/bold]
    """
    body = {"date": str(a_date(date, "--date"))} | ({"ceremony": True} if ceremony else {})
    said = _said(actor, role, reason, document, scan, take_back=take_back)
    _about_people("apel", body, employee, file, said, database)


@app.command("left")
def left(  # noqa: PLR0913 - what, about whom, said by whom
    date: DateOption, reason: Reason, actor: Actor, employee: Employees = None, file: Listed = None, role: RoleName = "bkd",
    document: Paper = None, scan: Scan = None, take_back: TakeBack = False, database: Database = None,
) -> None:  # fmt: skip
    """These people were found away from work in working hours (an inspection, a raid by Satpol PP); given twice it counts once.

    Example: [bold]hadir record left --date 2026-02-02 --employee 199001012015011001 --role inspectorate --actor irban-2
    --reason "sidak pasar" --document BA-12/2026@2026-02-02[/bold]
    """
    said = _said(actor, role, reason, document, scan, take_back=take_back)
    _about_people("left", {"date": str(a_date(date, "--date"))}, employee, file, said, database)


@app.command("letter")
def letter(  # noqa: PLR0913 - what, about whom, said by whom
    activity: Annotated[str, typer.Option("--activity", metavar="TEXT", help="What for and where, e.g. 'Upacara HUT, Lapangan Merdeka'.")],
    since: Annotated[str, typer.Option("--from", metavar="DATE|TIME", help="From when on, e.g. 2026-02-02T07:00:00+07:00.")],
    until: Annotated[str, typer.Option("--to", metavar="DATE|TIME", help="Until when.")],
    reason: Reason, actor: Actor,
    document: Annotated[str, typer.Option("--document", metavar="NUMBER@DATE", help="The letter, e.g. SPT-12/2026@2026-02-01.")],
    employee: Employees = None, file: Listed = None,
    unit: Annotated[str | None, typer.Option("--unit", metavar="CODE", help="The org unit that it sends; default: see --employee.")] = None,
    role: RoleName = "bkd", scan: Scan = None, take_back: TakeBack = False, database: Database = None,
) -> None:  # fmt: skip
    """A letter sends people to an activity elsewhere: kept with its number, so that the trail names it.

    Where one checks in there is a fence: [bold]hadir import sites[/bold] with `kind: activity`, the letter and its people; it is judged
    backwards over check-ins that came before. The same letter again, for the same unit, is its next version.

    Example: [bold]hadir record letter --activity "Bimtek, Balai Kota" --from 2026-02-03 --to 2026-02-04 --employee 199001012015011001
    --document SPT-12/2026@2026-02-01 --actor bkd --reason "undangan BKN"[/bold]
    """
    said = _said(actor, role, reason, document, scan, take_back=take_back)
    number = said.document.number if said.document else ""

    async def act(lanes: "Lanes") -> None:
        async with lanes.pool.acquire() as connection:
            people = await _people(connection, employee, file)
            org_unit = await unit_of(connection, unit) if unit else None
        body = {"letter": number, "activity": activity, "employees": [str(one) for one in people], "from": since, "to": until}
        await _record(lanes, "letter", f"{number}|{org_unit or ''}", body, said, org_unit_id=org_unit, name=f"surat {number}")

    at_the_desk(database, act)


@app.command("move")
def move(  # noqa: PLR0913 - what, about whom, said by whom
    to: Annotated[str, typer.Option("--to", metavar="CODE", help="The org unit to which the person moves.")],
    since: Annotated[str, typer.Option("--from", metavar="DATE", help="The first business date there.")],
    reason: Reason, actor: Actor, employee: Employees = None, file: Listed = None, role: RoleName = "bkd",
    document: Paper = None, scan: Scan = None, database: Database = None,
) -> None:  # fmt: skip
    """People move to another org unit from a date on: fence, roster, rule pack and time zone follow at once, from that date.

    A move that was wrong is put right by another one to the former unit from the same date. Not while the check-in window of a day
    that it changes is open; many people at once from a past date need [bold]hadir preview employees[/bold] first (docs/preview.md).

    Example: [bold]hadir record move --employee 199001012015011001 --to RSUD --from 2026-12-01 --actor bkd --reason "SK 821/7/2026"[/bold]
    """
    first = a_date(since, "--from")
    said = _said(actor, role, reason, document, scan)

    async def act(lanes: "Lanes") -> None:
        async with lanes.pool.acquire() as connection:
            people = await _people(connection, employee, file)
            unit = await unit_of(connection, to)
        if not people:
            stop_with("Sebutkan --employee atau --file.", 2)
        body = {"to_unit": str(unit), "from": str(first)}
        for person in people:
            await _record(lanes, "move", f"{person}|{first}", body, said, employee_id=person, name=f"{person} → {to}")

    at_the_desk(database, act)


@dataclass(frozen=True, slots=True)
class _Said:
    """Who records it, in which role, why, on what paper; or takes it back."""

    actor: str
    role: str
    reason: str
    document: "Document | None"
    take_back: bool = False


def _said(actor: str, role: str, reason: str, document: str | None, scan: Path | None, *, take_back: bool = False) -> _Said:
    """Ends the command for a role that may not record (the table is the one that the APIs ask) and for an empty reason."""
    from shared.roles import RIGHTS, Role, may

    somebody(actor, role)
    if not may(Role(role), "corrections.record"):
        stop_with(f"Peran {role} tidak berwenang mencatat; pilih: {', '.join(sorted(RIGHTS['corrections.record']))}.")
    if not reason.strip():
        stop_with("--reason kosong; tulis dasarnya.", 2)
    return _Said(actor, role, reason.strip(), paper(document, scan), take_back)


def _about_people(
    kind: str, body: Mapping[str, Any], employee: list[str] | None, file: Path | None, said: _Said, database: str | None
) -> None:
    """Record the same of each of these people."""
    about = "|".join(str(value) for _, value in sorted(body.items()))

    async def act(lanes: "Lanes") -> None:
        async with lanes.pool.acquire() as connection:
            people = await _people(connection, employee, file, body["date"])
        if not people:
            stop_with("Sebutkan --employee atau --file.", 2)
        free = [
            await _record(lanes, kind, f"{person}|{about}", body, said, employee_id=person, name=f"{kind} {person}") for person in people
        ]
        if any(free):
            print_line(f"{body['date']} bukan hari dinas bagi {sum(free)} dari {len(people)} pegawai: temuan itu tidak berakibat.")

    at_the_desk(database, act)


async def _record(
    lanes: "Lanes", kind: str, about: str, body: Mapping[str, Any], said: _Said, *, name: str, employee_id: "UUID | None" = None,
    org_unit_id: "UUID | None" = None,
) -> bool:  # fmt: skip
    """Record one fact, and tell so; its id follows from what it is about, so that saying it twice is saying it once.

    True for a finding about a date that is no duty day of the person.
    """
    from uuid import uuid5

    from services.schedule.commands import record_finding
    from services.schedule.corrections import CorrectionRefused
    from services.schedule.recording import Said
    from services.schedule.store import facts
    from shared.events import HADIR_NAMESPACE

    correction_id = uuid5(HADIR_NAMESPACE, f"record|{kind}|{about}")
    if said.take_back:
        async with lanes.pool.acquire() as connection:
            if await facts.correction(connection, correction_id) is None:
                raise CorrectionRefused(f"{name} tidak tercatat dengan perintah ini; tidak ada yang ditarik")
    event, on_duty = await record_finding(
        lanes, correction_id, kind, body, Said(said.actor, role=said.role, document=said.document), said.reason,
        employee_id=employee_id, org_unit_id=org_unit_id, state="rejected" if said.take_back else "approved",
    )  # fmt: skip
    done = "ditarik" if said.take_back else "tercatat"
    free = "; bukan hari dinasnya, jadi tidak berakibat" if on_duty is False and not said.take_back else ""
    told = f"{done}, versi {event.version}, id {correction_id}" if event else f"sudah {done}; tidak ada yang berubah"
    print_line(f"{name}: {told}{free}")
    return bool(free)


async def _people(connection: "Connection", named: list[str] | None, file: Path | None, date: str | None = None) -> "list[UUID]":
    """The people named one by one and those of the file, each once, in the order given. Raises CorrectionRefused with all row errors.

    `date`: what a column `date` must say, where the file has one. Other columns are told as not read.
    """
    from services.schedule.corrections import CorrectionRefused
    from services.schedule.importer.cells import read_date
    from shared.imports import RowError, read_table

    found = dict.fromkeys([await employee_of(connection, one) for one in named or ()])
    if file is not None:
        table = read_table(file, (), ("nip", "employee_id", *(("date",) if date else ())))
        for warning in table.warnings:
            print_line(f"peringatan: {warning}")
        errors = list(table.errors)
        if not errors and not table.columns & {"nip", "employee_id"}:
            errors.append(RowError(1, None, "kolom nip atau employee_id tidak ada; tambahkan salah satunya pada baris judul"))
        for row in table.rows if not errors else ():
            if date and row["date"] and str(read_date(row["date"])) != date:
                errors.append(RowError(row.number, "date", f"bukan {date} (--date); satu perintah untuk satu tanggal, pisahkan barisnya"))
            try:
                found[await employee_of(connection, (row["employee_id"] or row["nip"]).replace(" ", ""))] = None
            except CorrectionRefused as refused:
                errors.append(RowError(row.number, "nip", str(refused)))
        if errors:
            raise CorrectionRefused("; ".join(map(str, errors)))
    return list(found)
