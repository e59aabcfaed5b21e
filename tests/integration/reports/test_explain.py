"""`hadir explain` on a real database: what the operator sees, what the verifier says, and that it can only read."""

import asyncio
import subprocess
import sys
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
from typer.testing import CliRunner

from services.__main__ import app
from shared.database import connect_auditor

VERIFIER = Path(__file__).parents[3] / "docs" / "verify_receipt.py"


def explain(books: Any, *arguments: str) -> Any:
    """The command in a thread of its own, as it runs an event loop."""
    words = ["explain", "--database", books.database, "--month", "2026-02", *arguments]
    return asyncio.to_thread(CliRunner().invoke, app, words)


async def test_a_slip_tells_of_the_absence_and_its_rule_by_id_and_by_nip(books: Any) -> None:
    await books.told()
    by_id = await explain(books, "--employee", str(books.me))
    by_nip = await explain(books, "--employee", "9" * 18)

    assert by_id.exit_code == 0, by_id.output
    assert by_id.output == by_nip.output
    assert "Senin, 2 Februari 2026 · WFO 07:30–16:00 WIB · DINKES: tanpa keterangan" in by_id.output
    assert "TK: 3,00 % × TPP Rp 1.000.000 = Rp 30.000" in by_id.output
    assert "aturan P: Perbup Contoh 1/2026 Pasal 7" in by_id.output
    assert "1. TK 2026-02-02: Rp 30.000; karena penilaian hari 2026-02-02 versi 1, lewatnya waktu absen" in by_id.output


async def test_a_letter_stands_with_its_number_on_the_slips_of_those_whom_it_names(books: Any) -> None:
    await books.told()
    other = uuid4()
    await books.connection.execute(
        "insert into schedule.employee select ($1::uuid), lane, version, $2, name, kind, grp, timezone, active, played_clock, member_since,"
        " member_unit, week_since, week_code from schedule.employee where employee_id = $3", other, "8" * 18, books.me
    )
    letters = {"SPT-1": ("--employee", str(other)), "SPT-2": ("--employee", str(books.me)), "SPT-3": ("--unit", "DINKES"), "SPT-4": ()}
    said = []
    for number, whom in letters.items():
        words = ["record", "letter", "--database", books.database, "--activity", "Bimtek", "--from", "2026-02-02", "--to", "2026-02-03",
                 "--document", f"{number}@2026-02-01", "--actor", "bkd", "--reason", "undangan", *whom]  # fmt: skip
        said.append((await asyncio.to_thread(CliRunner().invoke, app, words)).output)
    told = (await explain(books, "--employee", str(books.me))).output

    assert ["tercatat" in one for one in said] == [True, True, True, False]
    assert "harus menyebut siapa yang ditugasi" in said[-1]
    named = [number for number in letters if f"kegiatan dengan surat tugas (surat {number}) disetujui" in told]
    assert (named, told.count("surat tugas")) == (["SPT-2", "SPT-3"], 2)


async def test_the_verifier_accepts_the_receipt_of_a_real_ledger(books: Any, tmp_path: Path) -> None:
    await books.told()
    path = tmp_path / "slip.json"
    path.write_text((await explain(books, "--employee", str(books.me), "--json")).output)
    checked = subprocess.run([sys.executable, "-I", str(VERIFIER), str(path)], capture_output=True, text=True, check=False)

    assert (checked.returncode, checked.stdout) == (0, "accepted\n"), checked.stderr


async def test_a_ledger_that_was_tampered_with_below_the_trigger_is_told_by_the_command(books: Any) -> None:
    await books.told()
    await books.connection.execute("alter table payroll.ledger disable trigger append_only")
    await books.connection.execute("update payroll.ledger set amount = 3")
    answer = await explain(books, "--employee", str(books.me))

    assert answer.exit_code == 1
    assert "catatan nomor 1 TIDAK sesuai sidik rantainya" in answer.output


async def test_who_or_what_is_not_known_is_said_in_a_sentence(books: Any) -> None:
    unknown = await explain(books, "--employee", "1" * 18)
    wrong = await explain(books, "--employee", str(books.me), "--date", "2026-03-01")
    words = ["explain", "--database", books.database, "--month", "2025-01", "--employee", str(books.me)]
    empty = await asyncio.to_thread(CliRunner().invoke, app, words)

    assert (unknown.exit_code, "tidak dikenal" in unknown.output) == (1, True)
    assert (wrong.exit_code, "tidak berada dalam bulan 2026-02" in wrong.output) == (2, True)
    assert (empty.exit_code, "Belum ada penilaian" in empty.output) == (1, True)


async def test_reports_cannot_write(books: Any) -> None:
    connection = await connect_auditor(books.database)
    try:
        with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
            await connection.execute("delete from payroll.month")
        await connection.execute("set default_transaction_read_only = off")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute("delete from payroll.month")
    finally:
        await connection.close()
