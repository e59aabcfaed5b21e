"""`hadir export`: reference data as files of the shape that `hadir import` reads; imported again they change nothing."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Literal

import typer

from services.commands.terminal import print_line, require_month, stop_with

if TYPE_CHECKING:
    from shared.database import Connection
    from shared.sheets import Cell, Column
    from shared.topics import Service

app = typer.Typer(no_args_is_help=True, help="Write people, org units, weeks, holidays, rosters and ceilings to files that imports read.")

Format = Annotated[Literal["csv", "xlsx"] | None, typer.Option("--format", help="Default: by the file's name, else csv.")]
File = Annotated[Path, typer.Argument(metavar="FILE", help="the file to write")]
Month = Annotated[str, typer.Option("--month", metavar="YYYY-MM", help="Which month.")]
Clock = Annotated[str, typer.Option("--clock", metavar="NAME", help="Invented people who live by this clock.")]
Database = Annotated[
    str | None,
    typer.Option("--database", metavar="URL", help="PostgreSQL URL; default: HADIR_DATABASE, else the running stack."),
]


@app.command("employees")
def employees(file: File, form: Format = None, clock: Clock = "", database: Database = None) -> None:
    """Everybody, one row for each move: for `hadir import employees`. Holds NIPs and names.

    Example: [bold]hadir export employees pegawai.xlsx[/bold]
    """
    from services.schedule.importer import exports

    _write(file, form, exports.PEOPLE, "schedule", lambda connection: exports.people_table(connection, clock), database)


@app.command("org-units")
def org_units(file: File, form: Format = None, database: Database = None) -> None:
    """Org units: for `hadir import org-units`.

    Example: [bold]hadir export org-units opd.csv[/bold]
    """
    from services.schedule.importer import exports

    _write(file, form, exports.UNITS, "schedule", exports.units_table, database)


@app.command("weeks")
def weeks(file: File, form: Format = None, database: Database = None) -> None:
    """Week patterns with their hours: for `hadir import weeks`.

    Example: [bold]hadir export weeks pola-kerja.csv[/bold]
    """
    from services.schedule.importer import exports

    _write(file, form, exports.WEEKS, "schedule", exports.weeks_table, database)


@app.command("calendar")
def calendar(
    file: File, year: Annotated[int, typer.Option("--year", help="Which year.")], form: Format = None, database: Database = None
) -> None:
    """The holidays and joint leave of a year: for `hadir import calendar`.

    Example: [bold]hadir export calendar libur-2026.xlsx --year 2026[/bold]
    """
    from services.schedule.importer import exports

    _write(file, form, exports.CALENDAR, "schedule", lambda connection: exports.calendar_table(connection, year), database)


@app.command("weeks-in-force")
def weeks_in_force(file: File, form: Format = None, database: Database = None) -> None:
    """Where week patterns hold and when (Ramadan): for `hadir import weeks-in-force`.

    Example: [bold]hadir export weeks-in-force pola-berlaku.csv[/bold]
    """
    from services.schedule.importer import exports

    _write(file, form, exports.WEEK_SCOPES, "schedule", exports.week_scopes_table, database)


@app.command("roster")
def roster(file: File, month: Month, form: Format = None, clock: Clock = "", database: Database = None) -> None:
    """The rostered days of a month: for `hadir import roster`.

    Example: [bold]hadir export roster roster-februari.xlsx --month 2026-02[/bold]
    """
    from services.schedule.importer import exports

    require_month(month)
    _write(file, form, exports.ROSTER, "schedule", lambda connection: exports.roster_table(connection, month, clock), database)


@app.command("ceilings")
def ceilings(file: File, month: Month, form: Format = None, clock: Clock = "", database: Database = None) -> None:
    """The TPP ceilings of a month: for `hadir import ceilings`.

    Example: [bold]hadir export ceilings tpp-februari.csv --month 2026-02[/bold]
    """
    require_month(month)
    from services.payroll.importer import CEILINGS, ceilings_table

    _write(file, form, CEILINGS, "payroll", lambda connection: ceilings_table(connection, month, clock), database)


def form_of(file: Path, form: str | None) -> str:
    """The form asked for, or the one that the file's name says; a name that says another one ends the command."""
    named = file.suffix.lower()
    if form is None and named not in (".xlsx", ".csv", ".txt", ""):
        stop_with(f"{file}: bentuk tidak dikenal; pakai nama yang berakhir .csv atau .xlsx, atau --format.", 2)
    return form or ("xlsx" if named == ".xlsx" else "csv")


def _write(
    file: Path, form: str | None, names: Sequence[str], service: "Service",
    table: "Callable[[Connection], AsyncIterator[list[str]]]", database: str | None,
) -> None:  # fmt: skip
    from shared.failures import is_infrastructure
    from shared.settings import settings
    from shared.sheets import columns_of, write_csv, write_xlsx

    columns, wanted = columns_of(names), form_of(file, form)
    try:
        rows = asyncio.run(_gather(database or settings().database, service, table))
    except Exception as error:
        if not is_infrastructure(error):
            raise
        stop_with(f"Basis data tidak terjangkau ({type(error).__name__}): jalankan `hadir run`, atau sebutkan --database.")
    try:
        written = (write_xlsx if wanted == "xlsx" else write_csv)(file, columns, rows)
    except OSError as problem:
        stop_with(f"{file} tidak dapat ditulis ({problem.strerror}); periksa folder dan izinnya.")
    except ValueError:
        stop_with("Terlalu banyak baris untuk satu lembar xlsx; pakai --format csv.")
    print_line(f"{file}: {written} baris.")


async def _gather(
    url: str, service: "Service", table: "Callable[[Connection], AsyncIterator[list[str]]]"
) -> "list[Sequence[Cell]]":
    """All rows, in one snapshot: a province's employees take some 200 MB, and the file is then written in one go."""
    from shared.database import open_pool

    pool = await open_pool(url, service, max_size=1)
    try:
        async with pool.acquire() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
            return [row async for row in table(connection)]
    finally:
        await pool.close()


def write_template(what: str, file: Path, form: str | None) -> None:
    """An empty file with the columns that an import reads; as xlsx with words to choose from and a sheet of instructions."""
    from shared.sheets import write_csv, write_xlsx

    columns, notes = _template(what)
    if form_of(file, form) == "xlsx":
        write_xlsx(file, columns, (), notes=notes, choices=lambda name: _CHOICES.get(name, ()))
    else:
        write_csv(file, columns, ())


_CHOICES: Final = {
    "timezone": ("WIB", "WITA", "WIT"), "active": ("ya", "tidak"),
    "mode": ("WFO", "WFA", "OFF", "POLA"), "public_service": ("ya", "tidak"), "round_the_clock": ("ya", "tidak"),
}  # fmt: skip

_NOTES: Final = {
    "nip": "NIP 18 angka. Kolom ini sudah berformat Teks: Excel hanya menyimpan 15 angka bilangan, jadi NIP yang menjadi bilangan ditolak.",
    "name": "Nama.", "kind": "PNS, CPNS, PPPK atau PPPK_PW; unit: OPD atau UPT; kalender: holiday, joint_leave, atau hapus.",
    "group": "Kelompok jabatan persis seperti pada tabel kebijakan, misalnya structural, functional, pelaksana; kata lain tidak dipotong.",
    "org_unit": "Kode unit kerja yang sudah diimpor.", "since": "Sejak tanggal ini (TMT) di unit, jenis, kelompok, dan kelas itu.",
    "employee_id": "Kosongkan untuk pegawai baru; dari ekspor jangan diubah.", "timezone": "WIB, WITA atau WIT.",
    "week_pattern": "Kode pola kerja; kosong: lima hari kerja.", "played_clock": "Hanya untuk pegawai rekaan; kosongkan.",
    "active": "ya atau tidak.", "job_class": "Kelas jabatan 1 sampai 17.", "until": "Hari kerja terakhir; - untuk membatalkannya.",
    "previous_nip": "NIP lama orang yang sama (PPPK menjadi PNS); beberapa dipisah spasi.",
    "code": "Kode unit atau pola kerja.", "source": "Dasar hukumnya.",
    "org_unit_id": "Kosongkan untuk unit baru.", "calendar": "Kalender libur; kosong: nasional.",
    "public_service": "Pelayanan langsung kepada masyarakat (Perpres 21/2023 Pasal 7): ya atau tidak.",
    "parent": "Kode unit induk (untuk UPT); - bila tanpa induk.", "round_the_clock": "Dinas 24 jam (07:00-07:00) boleh: ya atau tidak.",
    "date": "Tanggal, misalnya 2026-02-28.", "mode": "WFO, WFA, OFF, atau POLA (kembali ke pola kerja).",
    "start": "Jam mulai 07:30; kosong: menurut pola kerja, dan hari libur tetap libur.", "end": "Jam selesai 16:00.",
    "month": "Bulan, misalnya 2026-02.", "amount": "Pagu TPP sebulan dalam rupiah bulat.",
    "static_tkd": "Bagian statis bila kebijakan memakainya.",
    **dict.fromkeys(("mon", "tue", "wed", "thu", "fri", "sat", "sun"), "Jam kerja hari itu, misalnya 07:30-16:00; kosong: libur."),
    "wage": "Upah sebulan bila kebijakan memotongnya (PPPK paruh waktu); kosong bila tidak.",
}  # fmt: skip


def _template(what: str) -> "tuple[list[Column], list[str]]":
    from services.payroll.importer import CEILINGS
    from services.schedule.importer import exports
    from shared.sheets import Column

    names, required = {
        "org-units": (exports.UNITS, exports.UNITS[:3]), "weeks": (exports.WEEKS, exports.WEEKS[:3]),
        "weeks-in-force": (exports.WEEK_SCOPES, exports.WEEK_SCOPES[:2]), "employees": (exports.PEOPLE, exports.PEOPLE[:6]),
        "roster": (exports.ROSTER, ("nip", "date", "mode")), "ceilings": (CEILINGS, ("nip", "amount")),
        "calendar": (exports.CALENDAR, exports.CALENDAR[:2]),
    }[what]  # fmt: skip
    notes = [f"{name}{' (wajib)' if name in required else ''}: {_NOTES[name]}" for name in names]
    return [Column(name, width=22 if name in ("nip", "name", "employee_id", "previous_nip") else 14) for name in names], [
        "Isi mulai baris ke-2 lembar Data; baris pertama jangan diubah. Periksa dahulu dengan --dry-run.", *notes,
    ]  # fmt: skip
