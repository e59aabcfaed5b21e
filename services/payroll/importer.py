"""Imports TPP ceilings from an officer's table: every wrong row is named at once, and all of it applies or nothing.

Columns (`;`, `,` or tab between them, UTF-8 with or without BOM):

- `nip` or `employee_id` (`id`): who; both may be given, then they must agree.
- `month` (`bulan`): `2026-02` or `02/2026`; may be left out when the command names the month.
- `amount` (`jumlah`, `pagu`): the TPP of that month in whole rupiah, `5250000`, `5.250.000` or `Rp 5.250.000,00`.
- `static_tkd`: the static part in rupiah, for policies whose base it is; may be left out.
- `wage` (`upah`): the month's wage in rupiah, for whom a policy charges a percent of it (PPPK paruh waktu); may be left out.
"""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from uuid import UUID

from services.payroll.chores import apply_due_ceilings
from services.payroll.commands import OPERATOR, record_audit
from services.payroll.rules import Ceiling
from services.payroll.store import ceilings as store
from services.payroll.store.months import Key
from services.payroll.store.references import Policies
from shared.database import Connection, Pool, open_pool
from shared.failures import is_infrastructure
from shared.imports import Report, Row, RowError, Table, id_problem, nip_problem, nobody_problem, read_nip, read_table
from shared.lanes import Lanes
from shared.topics import LANES, lane_of

WHAT: Final = "pagu TPP"
MOST_RUPIAH: Final = 1_000_000_000
"""A monthly TPP above a thousand million rupiah is a slip of the pen, not a ceiling."""
_SHOWN: Final = 20
_UNKNOWN: Final = "pegawai ini belum dikenal; impor pegawai dahulu (hadir import employees)"
_TWO_PEOPLE: Final = "NIP ini milik pegawai lain daripada employee_id pada baris ini; kosongkan salah satunya"
_PLAIN: Final = re.compile(r"([0-9]+)(?:[.,]0{1,2})?")
_DOTTED: Final = re.compile(r"([0-9]{1,3}(?:\.[0-9]{3})+)(?:,0{1,2})?")
_COMMAED: Final = re.compile(r"([0-9]{1,3}(?:,[0-9]{3})+)(?:\.0{1,2})?")


CEILINGS: Final = ("nip", "employee_id", "month", "amount", "static_tkd", "wage")
"""The columns of an export, which an import reads."""
OPTIONAL: Final = ("employee_id", "nip", "month", "static_tkd", "wage")


@dataclass(frozen=True, slots=True)
class Line:
    """One row that can be read: who (by id, NIP or both), which month, how much."""

    row: int
    employee_id: UUID | None
    nip: str | None
    month: str
    ceiling: Ceiling


async def import_ceilings(
    database_url: str, path: Path, *, dry_run: bool = False, month: str | None = None, actor: str = OPERATOR, patience_s: float = 20.0
) -> Report:
    """As `take_ceilings`, with a pool of its own. Raises what connecting to the database raises."""
    pool = await open_pool(database_url, "payroll", max_size=2)
    try:
        return await take_ceilings(Lanes(pool, "payroll"), path, dry_run=dry_run, month=month, actor=actor, patience_s=patience_s)
    finally:
        await pool.close()


async def take_ceilings(
    lanes: Lanes, path: Path, *, dry_run: bool, month: str | None, actor: str, patience_s: float
) -> Report:
    """Import a file of TPP ceilings; `month` ("2026-02") stands in where the file has no month column.

    With `dry_run`, or when any row is wrong, nothing is applied and the report says what would happen. Employees
    are known to payroll a moment after they were imported, so unknown ones are waited for up to `patience_s`
    seconds. Once accepted (one transaction, told on the audit topic), ceilings are applied lane by lane, by this process and by the
    workers alike; months already assessed get their amounts and ledger lines in the same step.
    """
    if month is not None and read_month(month) is None:
        wrong = RowError(1, "month", "--month bukan bulan antara 2000 dan 2100; tulis seperti --month 2026-02")
        return Report(what=WHAT, errors=(wrong,))
    table = await asyncio.to_thread(read_table, path, ("amount",), OPTIONAL)
    lines, errors, warnings = read_lines(table, None if month is None else read_month(month))
    pool = lanes.pool
    found, unknown = await _resolve(pool, lines, patience_s if not errors else 0.0)
    errors += unknown
    wanted, doubled = _by_month(found)
    errors += doubled
    async with pool.acquire() as connection:
        known = await store.known_ceilings(connection, list(wanted))
    changed = {key: line for key, line in wanted.items() if known.get(key) != line.ceiling}
    applied = not dry_run and not errors
    if applied and changed:
        async with lanes.hold({lane_of(actor)}) as work:
            await store.accept(work.connection, {key: line.ceiling for key, line in changed.items()})
            record_audit(work, actor, "ceilings.accepted", "ceilings", {"changed": len(changed)})
    if applied:
        warnings += await _drain(lanes)
    return Report(
        what=WHAT,
        rows=len(lines),
        new=sum(key not in known for key in changed),
        changed=sum(key in known for key in changed),
        unchanged=len(wanted) - len(changed),
        errors=tuple(sorted(errors, key=lambda error: error.row)),
        warnings=tuple(warnings),
        preview=_preview(changed.items(), known),
        applied=applied,
    )


async def ceilings_table(connection: Connection, month: str, clock: str = "") -> AsyncIterator[list[str]]:
    """The ceilings of a month ("2026-02") of those who live by `clock`, by the columns `CEILINGS`; run in one transaction."""
    async for nip, applied in store.ceilings_of(connection, month, clock):
        ceiling = applied.ceiling
        rest = ("" if value is None else str(value) for value in (ceiling.static_tkd, ceiling.wage))
        yield [nip, str(applied.key[0]), month, str(ceiling.amount), *rest]


def read_lines(table: Table, month: str | None = None) -> tuple[list[Line], list[RowError], list[RowError]]:
    """The rows that can be read, everything wrong with the others, and what an officer may want to know."""
    errors = list(table.errors)
    if not errors and not {"employee_id", "nip"} & table.columns:
        errors.append(RowError(1, None, "kolom nip atau employee_id tidak ada; tambahkan salah satunya pada baris judul"))
        return [], errors, list(table.warnings)
    if not errors and "month" not in table.columns and month is None:
        errors.append(RowError(1, None, "kolom month (bulan) tidak ada; tambahkan, atau sebutkan bulannya dengan --month 2026-02"))
        return [], errors, list(table.warnings)
    lines = []
    for row in table.rows:
        before = len(errors)
        employee_id, nip = _who(row, errors)
        of_month = _month(row, month, errors)
        amount = _rupiah(row, "amount", errors)
        static_tkd, wage = (_rupiah(row, column, errors) if row[column] else None for column in ("static_tkd", "wage"))
        if len(errors) == before and of_month is not None and amount is not None:
            lines.append(Line(row.number, employee_id, nip, of_month, Ceiling(amount, static_tkd, wage)))
    return lines, errors, list(table.warnings)


def read_rupiah(cell: str) -> int | None:
    """Whole rupiah as officers write it ("5250000", "5.250.000", "Rp 5.250.000,00"); None if it is not that."""
    text = re.sub(r"[\s\u00a0']", "", re.sub(r"^\s*(rp|idr)\.?", "", cell, flags=re.IGNORECASE)).removesuffix(",-")
    for pattern in (_DOTTED, _COMMAED, _PLAIN):
        if written := pattern.fullmatch(text):
            return int(re.sub(r"[.,]", "", written[1]))
    return None


def read_month(cell: str) -> str | None:
    """A month as "YYYY-MM", from that, "02/2026" or "02-2026"; None if it is none between 2000 and 2100."""
    if written := re.fullmatch(r"([0-9]{4})[-/]([0-9]{1,2})", cell):
        year, number = int(written[1]), int(written[2])
    elif written := re.fullmatch(r"([0-9]{1,2})[-/.]([0-9]{4})", cell):
        year, number = int(written[2]), int(written[1])
    else:
        return None
    return f"{year:04}-{number:02}" if 2000 <= year <= 2100 and 1 <= number <= 12 else None


def _who(row: Row, errors: list[RowError]) -> tuple[UUID | None, str | None]:
    if not row["employee_id"] and not row["nip"]:
        errors.append(RowError(row.number, *nobody_problem(row.places)))
    employee_id = nip = None
    if row["employee_id"]:
        try:
            employee_id = UUID(row["employee_id"])
        except ValueError:
            errors.append(RowError(row.number, "employee_id", id_problem(row["employee_id"])))
    if row["nip"]:
        nip = read_nip(row["nip"])
        if nip is None:
            errors.append(RowError(row.number, "nip", nip_problem(row["nip"])))
    return employee_id, nip


def _month(row: Row, default: str | None, errors: list[RowError]) -> str | None:
    cell = row["month"]
    if not cell and default is not None:
        return default
    read = read_month(cell)
    if read is None:
        errors.append(RowError(row.number, "month", "bukan bulan antara 2000 dan 2100; tulis seperti 2026-02"))
    return read


def _rupiah(row: Row, column: str, errors: list[RowError]) -> int | None:
    cell = row[column]
    amount = read_rupiah(cell)
    if not cell:
        errors.append(RowError(row.number, column, "kosong; isi jumlah rupiah sebulan, 0 bila tidak ada"))
    elif re.fullmatch(r"[0-9]+([.,][0-9]+)?[eE]\+?[0-9]+", cell):
        errors.append(RowError(row.number, column, "ditulis Excel sebagai bilangan berpangkat; format kolom sebagai Angka tanpa desimal"))
    elif cell.startswith("-"):
        errors.append(RowError(row.number, column, "tidak boleh negatif; isi 0 bila tidak ada TPP"))
    elif amount is None:
        errors.append(RowError(row.number, column, "bukan rupiah bulat; tulis seperti 5250000 atau 5.250.000"))
    elif amount > MOST_RUPIAH:
        errors.append(RowError(row.number, column, "lebih dari 1.000.000.000 rupiah sebulan; periksa jumlah angka nolnya"))
        return None
    return amount


async def _resolve(pool: Pool, lines: list[Line], patience_s: float) -> tuple[list[tuple[Line, UUID]], list[RowError]]:
    """Who each line is about; unknown people are waited for, since their import may still be on its way."""
    deadline = time.monotonic() + patience_s
    while True:
        async with pool.acquire() as connection:
            by_nip = await store.employees_by_nip(connection, {line.nip for line in lines if line.nip})
            known = await store.known_employees(connection, {line.employee_id for line in lines if line.employee_id})
        errors, found = [], []
        for line in lines:
            by_number = by_nip.get(line.nip) if line.nip else None
            if line.nip and by_number is None:
                errors.append(RowError(line.row, "nip", _UNKNOWN))
            elif line.employee_id and line.employee_id not in known:
                errors.append(RowError(line.row, "employee_id", _UNKNOWN))
            elif line.employee_id and by_number and by_number != line.employee_id:
                errors.append(RowError(line.row, "nip", _TWO_PEOPLE))
            elif (employee := line.employee_id or by_number) is not None:
                found.append((line, employee))
        if not errors or time.monotonic() >= deadline:
            return found, errors
        await asyncio.sleep(0.2)


def _by_month(found: Iterable[tuple[Line, UUID]]) -> tuple[dict[Key, Line], list[RowError]]:
    wanted: dict[Key, Line] = {}
    errors = []
    for line, employee in found:
        first = wanted.setdefault((employee, line.month), line)
        if first is not line:
            errors.append(RowError(line.row, None, f"pegawai dan bulan ini sudah ada pada baris {first.row}; hapus salah satunya"))
    return wanted, errors


def _preview(changed: Iterable[tuple[Key, Line]], known: dict[Key, Ceiling]) -> tuple[str, ...]:
    told: list[str] = []
    for (employee, month), line in changed:
        if len(told) == _SHOWN:
            break
        before = known.get((employee, month))
        was = "belum ada" if before is None else _shown(before)
        told.append(f"baris {line.row}, {month}: {was} → {_shown(line.ceiling)}")
    return tuple(told)


def _shown(ceiling: Ceiling) -> str:
    shown = f"Rp {ceiling.amount:,}".replace(",", ".")
    beside = (("TKD statis", ceiling.static_tkd), ("upah", ceiling.wage))
    told = [f"{name} Rp {value:,}".replace(",", ".") for name, value in beside if value is not None]
    return f"{shown} ({', '.join(told)})" if told else shown


async def _drain(lanes: Lanes) -> list[RowError]:
    """Apply what was accepted; what cannot be applied now is left to the workers, and told."""
    policies = Policies()
    try:
        while await apply_due_ceilings(lanes, range(LANES), policies):
            pass
    except Exception as error:
        if not is_infrastructure(error):
            raise
        return [RowError(1, None, "semua baris sudah diterima, tetapi belum semua diterapkan; layanan payroll melanjutkannya sendiri")]
    return []
