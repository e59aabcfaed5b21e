"""How tables from officers are read and how an import answers: every row error at once, in Indonesian.

Reading decides nothing about the contents: it finds the separator, the columns and the line numbers, so that
each service's importer can say "baris 17, kolom nip: ..." for everything that is wrong, before anything is applied.
"""

import csv
import difflib
import io
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from shared import workbook
from shared.faults import unreadable
from shared.sheets import unguarded

MOST_BYTES: Final = 512 * 1024 * 1024
"""Larger files are refused: 300,000 employees take some 40 MB, so a bigger one is a mistake."""

MOST_SHOWN: Final = 200
"""So many errors are listed one by one; the rest is counted."""

_ALIASES: Final[Mapping[str, str]] = {
    "nama": "name", "jenis": "kind", "jenis_asn": "kind", "kelompok": "group", "opd": "org_unit", "unit_kerja": "org_unit",
    "sejak": "since", "tmt": "since", "zona_waktu": "timezone", "pola": "week_pattern", "pola_kerja": "week_pattern",
    "tanggal": "date", "moda": "mode", "mulai": "start", "jam_masuk": "start", "selesai": "end", "jam_pulang": "end",
    "kode": "code", "keterangan": "name", "sumber": "source", "bulan": "month", "jumlah": "amount", "id": "employee_id",
    "induk": "parent", "unit_induk": "parent", "24_jam": "round_the_clock", "pelayanan_publik": "public_service",
    "nip_lama": "previous_nip", "kelas_jabatan": "job_class", "sampai": "until", "aktif": "active",
    "pagu": "amount", "pagu_tpp": "amount", "tpp": "amount", "tkd_statis": "static_tkd", "upah": "wage",
}


@dataclass(frozen=True, slots=True)
class RowError:
    """One thing wrong in a file: the line (1 is the header, 0 the whole file), the column, and what to do, in Indonesian."""

    row: int
    column: str | None
    problem: str

    def __str__(self) -> str:
        where = f"baris {self.row}" + (f", kolom {self.column}" if self.column else "")
        return f"{where}: {self.problem}" if self.row else self.problem


@dataclass(frozen=True, slots=True)
class Report:
    """What an import did, or would do (`applied` false: dry run, or errors).

    `preview` shows the first differences as lines for an officer; `errors` empty means that the file may be applied.
    `ended` are those of the changed whose service ends.
    """

    what: str
    rows: int = 0
    new: int = 0
    changed: int = 0
    unchanged: int = 0
    errors: tuple[RowError, ...] = ()
    warnings: tuple[RowError, ...] = ()
    preview: tuple[str, ...] = ()
    applied: bool = False
    ended: int = 0

    @property
    def ok(self) -> bool:
        """Whether nothing stands against applying the file."""
        return not self.errors

    def lines(self) -> list[str]:
        """The report as an officer reads it."""
        ended = f" (di antaranya berakhir {self.ended})" if self.ended else ""
        told = [f"{self.what}: {self.rows} baris; baru {self.new}, berubah {self.changed}{ended}, tetap {self.unchanged}"]
        told += [f"  {line}" for line in self.preview]
        told += [f"peringatan: {warning}" for warning in self.warnings[:MOST_SHOWN]]
        told += [f"kesalahan: {error}" for error in self.errors[:MOST_SHOWN]]
        if len(self.errors) > MOST_SHOWN:
            told.append(f"... dan {len(self.errors) - MOST_SHOWN} kesalahan lain")
        if self.errors:
            told.append(f"{len(self.errors)} kesalahan: tidak ada yang diterapkan. Ikuti petunjuknya, lalu ulangi perintah ini.")
        elif not self.applied:
            told.append("Uji coba: belum ada yang diterapkan.")
        return told


@dataclass(frozen=True, slots=True)
class Row:
    """One record of a table: the line on which it starts and its cells by column, trimmed, "" where empty.

    `places` is shared by all rows of a table: a roster of millions of rows must fit into memory.
    """

    number: int
    places: Mapping[str, int]
    cells: tuple[str, ...]

    def __getitem__(self, column: str) -> str:
        place = self.places.get(column)
        return self.cells[place] if place is not None and place < len(self.cells) else ""


@dataclass(slots=True)
class Table:
    """A file's records, its columns, and what was wrong with its shape."""

    rows: list[Row] = field(default_factory=list)
    columns: frozenset[str] = frozenset()
    errors: list[RowError] = field(default_factory=list)
    warnings: list[RowError] = field(default_factory=list)


def read_table(path: Path, required: Iterable[str], optional: Iterable[str] = ()) -> Table:
    """A csv file (`;`, `,` or tab; UTF-8 with or without BOM) or workbook (xlsx, xls, ods: its first visible sheet) as rows.

    Problems of shape are in `errors`, never raised; raises OSError where the machine, and not the file, is to blame.
    """
    try:
        if path.stat().st_size > MOST_BYTES:
            return Table(errors=[RowError(1, None, "berkas lebih besar dari 512 MiB; bagi menjadi beberapa berkas")])
        raw = path.read_bytes()
    except OSError as problem:
        return Table(errors=[RowError(1, None, f"{path.name}: {unreadable(problem)}")])
    table = parse_table(raw, required, optional)
    if raw and table.errors and not table.rows and path.suffix.lower() in workbook.ENDINGS and not raw.startswith(workbook.FIRST_BYTES):
        return Table(errors=[RowError(1, None, f"nama berkas berakhir {path.suffix}, tetapi isinya bukan buku kerja; buka di Excel, "
                                      "lalu simpan sebagai Excel Workbook (.xlsx) atau CSV UTF-8")])
    return table


def parse_table(raw: bytes, required: Iterable[str], optional: Iterable[str] = ()) -> Table:
    """Same as `read_table`, from the file's bytes."""
    required, optional = tuple(required), tuple(optional)
    if raw.startswith(workbook.FIRST_BYTES):
        return _parse_workbook(raw, required, optional)
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\x00" in raw[:4096]:
        return Table(errors=[RowError(1, None, 'berkas bukan teks UTF-8; simpan ulang dari Excel sebagai "CSV UTF-8"')])
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        line = raw.count(b"\n", 0, problem.start) + 1
        return Table(errors=[RowError(line, None, 'ada huruf yang bukan UTF-8; simpan ulang dari Excel sebagai "CSV UTF-8"')])
    if text.lstrip().startswith("<"):  # what some programs export as .xls
        return Table(errors=[RowError(1, None, "isinya halaman web (HTML), bukan tabel; buka di Excel, lalu simpan ulang "
                                      "sebagai .xlsx atau CSV UTF-8")])
    if not text.strip():
        return Table(errors=[RowError(1, None, f"berkas kosong; baris pertama harus berisi kolom: {', '.join(required)}")])
    return _parse_text(text, required, optional)


def _parse_text(text: str, required: Sequence[str], optional: Sequence[str]) -> Table:
    first_line = text.lstrip("\r\n").split("\n", 1)[0]
    separator = max(";,\t", key=first_line.count)
    # Excel writes "sep=;" as a first line when asked to; it names the separator and is not a header.
    skipped = 0
    if (told := re.match(r"sep=(.)\s*\r?\n", text)) is not None:
        separator, skipped, text = told.group(1), 1, text[told.end():]
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    started = skipped + 1

    def numbered() -> Iterator[tuple[int, list[str]]]:
        nonlocal started
        for record in reader:
            number, started = started, skipped + reader.line_num + 1
            yield number, record

    table = Table()
    try:
        _take(table, ((number, [unguarded(cell.strip()) for cell in record]) for number, record in numbered()), required, optional)
    except csv.Error as problem:
        why = ("satu sel terlalu panjang; periksa pemisah dan tanda kutip mulai baris ini" if "limit" in str(problem)
                else "tanda kutip tidak ditutup; periksa tanda kutip pada baris ini")
        table.errors.append(RowError(started, None, why))
    return table


def _parse_workbook(raw: bytes, required: Sequence[str], optional: Sequence[str]) -> Table:
    table = Table()
    try:
        _take(table, workbook.records(raw), required, optional)
    except workbook.Unreadable as problem:
        return Table(errors=[RowError(1, None, str(problem))])
    return table


def _take(table: Table, records: Iterable[tuple[int, list[str]]], required: Sequence[str], optional: Sequence[str]) -> None:
    """Reads numbered records into the table: the first that is not empty is the header."""
    header: list[str] | None = None
    places: dict[str, int] = {}
    seen: dict[str, str] = {}  # dates, times and modes repeat: one copy of each
    for number, record in records:
        if not any(cell.strip() for cell in record):
            continue
        if header is None:
            header = _header(record, number, required, optional, table)
            if table.errors:
                return
            places = {name: place for place, name in enumerate(header) if name}
            continue
        if len(record) > len(header) and any(cell.strip() for cell in record[len(header):]):
            table.errors.append(RowError(number, None, f"ada {len(record)} sel, tetapi hanya {len(header)} kolom; "
                                         "beri tanda kutip pada nilai yang memuat pemisah"))
            continue
        # Excel leaves out separators at the end of rows whose last cells are empty, so only what must be there is missed.
        if lost := [name for name in required if places[name] >= len(record)]:
            table.errors.append(RowError(number, None, f"baris ini hanya {len(record)} sel, padahal judulnya {len(header)} kolom: "
                                         f"{', '.join(lost)} tidak ada; lengkapi barisnya"))
            continue
        if "\x00" in "".join(record):
            table.errors.append(RowError(number, None, "ada karakter NUL; hapus karakter itu"))
            continue
        cells = (cell.strip() for cell in record)
        table.rows.append(Row(number, places, tuple(seen.setdefault(cell, cell) if len(cell) <= 10 else cell for cell in cells)))
    if header is None:
        table.errors.append(RowError(1, None, f"baris judul tidak ada; tulis kolom: {', '.join(required)}"))


def _header(record: Sequence[str], number: int, required: Sequence[str], optional: Sequence[str], table: Table) -> list[str]:
    known = {*required, *optional}
    header: list[str] = []
    for cell in record:
        name = re.sub(r"[\s\-]+", "_", cell.strip().lower())
        if name not in known and _ALIASES.get(name) in known:
            name = _ALIASES[name]
        if name in known and name in header:
            table.errors.append(RowError(number, name, "kolom ini ada dua kali; hapus salah satunya"))
        if name and name not in known:
            if near := difflib.get_close_matches(name, known, n=1, cutoff=0.8):
                table.errors.append(RowError(number, name, f"kolom tidak dikenal; mungkin maksudnya {near[0]}"))
            else:
                table.warnings.append(RowError(number, name, "kolom tidak dikenal dan diabaikan"))
        header.append(name if name in known else "")
    missing = [name for name in required if name not in header]
    if missing:
        table.errors.append(RowError(number, None, f"kolom {', '.join(missing)} tidak ada; tambahkan pada baris judul"))
    table.columns = frozenset(name for name in header if name)
    return header


def read_nip(cell: str) -> str | None:
    """The 18 digits of a NIP (spaces and Excel's leading apostrophe dropped); None if it is not one."""
    digits = re.sub(r"[\s'’]", "", cell)
    return digits if re.fullmatch(r"[0-9]{18}", digits) else None


def nip_problem(cell: str) -> str:
    """Why a cell is not a NIP and what to do, in Indonesian, without repeating the number."""
    if re.fullmatch(r"[0-9][.,]?[0-9]*[eE]\+?[0-9]+", cell):
        return "NIP rusak oleh Excel (ditulis sebagai bilangan berpangkat); format kolom sebagai Teks dan isi ulang"
    digits = sum(letter.isdigit() for letter in cell)
    return f"NIP harus 18 angka, ini {digits} angka; format kolom sebagai Teks agar nol di depan tidak hilang"


def id_problem(cell: str) -> str:
    """Why a cell is not the id of an employee whom Hadir knows and what to do, in Indonesian, without repeating it."""
    if read_nip(cell) is not None:
        return "ini NIP, bukan id; pindahkan ke kolom nip"
    return "bukan id pegawai (UUID); isi NIP di kolom nip dan kosongkan sel ini, atau salin id dari `hadir export employees`"


def nobody_problem(table_columns: Collection[str]) -> tuple[str, str]:
    """Column and problem of a row that names nobody, in a table that has `nip`, `employee_id` or both."""
    if "nip" not in table_columns:
        return "employee_id", "kosong; isi id pegawai dari `hadir export employees`, atau tambahkan kolom nip"
    return "nip", "kosong; isi NIP 18 angka" + (" atau employee_id" if "employee_id" in table_columns else "")
