"""`hadir correction`, `hadir outage` and `hadir ladder` on a real database, as an officer types them."""

import asyncio
import datetime as dt
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from typer.testing import CliRunner

from services.__main__ import app
from services.schedule import commands
from services.schedule.reference import OrgUnitState
from services.schedule.store import reference_rows as rows
from shared.database import open_pool
from shared.events import Mark
from shared.lanes import Lanes
from tests.integration.schedule.office import DAY, MONDAY, Office, at

Say = Callable[..., str]


@pytest.fixture
def say(schedule_database: str) -> Say:
    """Types a command; its output, all lines of it, with the exit code if it is not 0."""

    def type_in(*words: str) -> str:
        done = CliRunner().invoke(app, [*words, "--database", schedule_database])
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        return done.output if done.exit_code == 0 else f"[{done.exit_code}] {done.output}"

    return type_in


@pytest.fixture
def desk(schedule_database: str) -> Callable[[Callable[[Office], Any]], Office]:
    """Does something at an office in a loop of its own: a command has its own as well."""
    offices: list[Office] = []

    def run(act: Callable[[Office], Any]) -> Office:
        async def acted() -> Office:
            pool = await open_pool(schedule_database, "schedule")
            try:
                if not offices:
                    offices.append(Office(Lanes(pool, "schedule")))
                    await offices[0].set_up()
                offices[0].lanes = Lanes(pool, "schedule")
                await act(offices[0])
                return offices[0]
            finally:
                await pool.close()

        return asyncio.run(acted())

    return run


def test_a_sick_leave_from_the_request_to_the_day(say: Say, desk: Callable[..., Office]) -> None:
    office = desk(lambda office: office.tick(at(MONDAY, "20:00")))
    made = say("correction", "request", "--kind", "leave.sick", "--employee", office.nip, "--from", str(MONDAY), "--reason", "demam",
               "--document", f"445/12/RSUD@{MONDAY}")  # fmt: skip
    request_id = made.split()[0]
    assert "menunggu atasan (supervisor)" in made
    assert request_id in say("correction", "list", "--waiting-for", "supervisor", "--employee", office.nip)
    wrong = say("correction", "approve", request_id, "--actor", "bkd", "--role", "bkd", "--reason", "ya")
    assert wrong.startswith("[1] Ditolak: tingkat atasan")

    done = say("correction", "approve", request_id, "--actor", "kadis", "--role", "supervisor", "--reason", "surat ada")
    assert re.search(r"2\. disetujui pada tingkat atasan oleh kadis \(supervisor\), .* UTC: surat ada", done)
    assert say("correction", "show", request_id) == done
    desk(lambda office: office.work_off())

    statuses: list[str] = []

    async def look(office: Office) -> None:
        statuses.append((await office.the_day(MONDAY))["status"])

    desk(look)
    assert statuses == ["LEAVE"]
    other = "correction", "request", "--kind", "leave.important", "--employee", office.nip, "--from", str(MONDAY + DAY), "--reason", "x"
    assert "sebab cuti ini tidak dikenal (reason, --cause); pilih: istri melahirkan (wife_delivery)" in say(*other, "--cause", "bersalin")
    told = say(*other, "--cause", "wife delivery", "--inpatient")
    assert "menunggu atasan" in told
    assert "\n  sebab istri melahirkan, rawat inap\n" in told


def test_wrong_words_are_answered_with_a_sentence_that_says_what_to_write(say: Say, desk: Callable[..., Office]) -> None:
    office = desk(lambda office: office.tick(at(MONDAY, "20:00")))
    asked = "correction", "request", "--employee", office.nip, "--reason", "x"
    assert "pilih: leave.annual" in say(*asked, "--kind", "liburan")
    assert "tulis NOMOR@TANGGAL" in say(*asked, "--kind", "leave.sick", "--from", str(MONDAY), "--document", "tanpa tanggal")
    assert "Ditolak: pegawai tidak terdaftar" in say(
        "correction", "request", "--employee", "1" * 18, "--reason", "x", "--kind", "permission", "--date", str(MONDAY))
    assert "bukan id" in say("correction", "show", "nomor-satu")
    assert "leave.sick: atasan; 3 hari kerja sesudah end, terlambat: further; surat optional" in say("correction", "rules")


def test_a_step_of_the_ladder_from_its_dossier_to_the_cut_and_back(say: Say, desk: Callable[..., Office]) -> None:
    office = desk(lambda office: office.tick(at(dt.date(2026, 2, 16), "21:00")))
    crossed = "2026-02-16"
    about = "--employee", office.nip, "--step", "TPP_CUT_6", "--date", crossed
    assert f"{crossed}  {office.employee}  TPP_CUT_6  11 hari  diusulkan" in say("ladder", "list", "--employee", office.nip)
    assert str(office.employee) not in say("ladder", "list")  # an invented person is told of only to whom asks
    assert str(office.employee) in say("ladder", "list", "--clock", office.clock)
    dossier = say("ladder", "dossier", *about)
    assert "Pemotongan tunjangan kinerja 25 % selama 6 bulan (tingkat sedang)" in dossier
    assert dossier.count("ABSENT  versi 1") == 11

    decide = "ladder", "decide", *about, "--actor", "ppk", "--document", "800/12@2026-03-02", "--reason", "BAP 7/2026"
    assert "harus menyebut bulan mulai" in say(*decide)
    assert "oleh pegawai yang bersangkutan" in say(*decide[:8], "--actor", office.nip, *decide[10:], "--effective-from", "2026-04")
    assert "--effective-from '2026-13': tulis bulan seperti 2026-04." in say(*decide, "--effective-from", "2026-13")
    oral = "ladder", "decide", *about[:2], "--step", "ORAL_WARNING", "--date", "2026-02-04", *decide[8:]
    assert "bukan pemotongan TPP" in say(*oral, "--effective-from", "2026-04")
    assert "Paling banyak 1 ditampilkan" in say("ladder", "list", "--employee", office.nip, "--limit", "1")
    assert "potong 25.00 % selama 6 bulan sejak 2026-04" in say(*decide, "--effective-from", "2026-04")
    assert "TPP_CUT_6" not in say("ladder", "list", "--employee", office.nip)
    back = "ladder", "withdraw", *about, "--actor", "bkd", "--reason", "keliru"
    assert "harus menyebut dokumen" in say(*back)
    late = say(*decide, "--effective-from", "2099-01")
    assert "sudah diputuskan" in late
    assert "dibatalkan dahulu dengan `hadir ladder withdraw" in late
    annulled = *back, "--document", "800/15@2026-03-20"
    assert "diusulkan lagi, putusannya dibatalkan oleh bkd" in say(*annulled)

    # What was decided by mistake is decided anew, with a sane percent and first month.
    assert "diusulkan lagi" in say("ladder", "list", "--employee", office.nip)
    assert "paling lambat 12 bulan sesudah putusannya" in say(*decide, "--effective-from", "2099-01")
    for percent in ("0", "100.5"):
        assert "lebih dari 0 dan paling banyak 100" in say(
            *decide, "--effective-from", "2026-05", "--cut-percent", percent, "--cut-months", "6")
    assert "potong 25.00 % selama 6 bulan sejak 2026-05" in say(*decide, "--effective-from", "2026-05")
    assert "diusulkan lagi" in say(*annulled)
    assert "ditarik oleh bkd" in say(*back)


def test_an_outage_is_declared_by_one_and_forgiven_by_another(say: Say, desk: Callable[..., Office]) -> None:
    office = desk(lambda office: office.tick(at(MONDAY + DAY, "06:00")))
    unit = f"OPD-{office.unit}"
    declared = say("outage", "declare", "--from", at(MONDAY, "07:00").isoformat(), "--to", at(MONDAY, "08:10").isoformat(), "--unit", unit,
                   "--actor", "diskominfo", "--reason", "server mati")  # fmt: skip
    outage_id = declared.split()[0]
    again = "outage", "declare", "--unit", unit, "--actor", "diskominfo", "--reason", "server mati", "--from"
    assert f"gangguan {outage_id}" in say(*again, at(MONDAY, "08:00").isoformat(), "--to", at(MONDAY, "08:30").isoformat())
    assert "belum terjadi" in say(*again, "2999-02-02T07:00:00+07:00", "--to", "2999-02-02T08:00:00+07:00")
    assert "dari mulainya sampai sekarang" in say(*again, at(MONDAY, "08:10").isoformat(), "--to", "2999-02-02T08:00:00+07:00")
    assert "menunggu bkd (bkd)" in say(*again, at(MONDAY + DAY, "08:10").isoformat())
    assert "menunggu bkd (bkd)" in declared
    assert outage_id in say("outage", "list")
    assert "gunakan `hadir outage amnesty`" in say("outage", "confirm", outage_id, "--actor", "x", "--reason", "y", "--role", "bkd")
    assert "tidak ada gangguan dengan id ini" in say("outage", "effect", str(uuid4()))
    turned = "Amnesti mengubah 1 hari (tanpa amnesti → dengan amnesti):\n  1 hari: ABSENT TK → PRESENT PSW4"
    assert turned in say("outage", "effect", outage_id)
    granted = say("outage", "amnesty", outage_id, "--actor", "bkd", "--reason", "SE 5/2026")
    assert "disetujui pada tingkat bkd" in granted
    assert turned in granted
    assert "tidak ada gangguan dengan id ini" in say("outage", "effect", outage_id)
    assert outage_id not in say("outage", "list")


def test_a_deputy_is_appointed_and_shown(say: Say) -> None:
    appoint = "correction", "deputy", "--for", "kadis", "--deputy", "sekretaris", "--from", "2099-02-09", "--to", "2099-02-20"
    assert "Sebutkan" in say(*appoint)
    assert say(*appoint, "--reason", "cuti") == "sekretaris mewakili kadis sebagai supervisor dari 2099-02-09 sampai 2099-02-20.\n"
    past = *appoint[:6], "--from", "2026-02-09", "--to", "2026-02-20"
    assert "masa wakil sudah lewat (sampai 20-02-2026)" in say(*past, "--reason", "cuti")
    assert "sekretaris mewakili kadis (supervisor)" in say("correction", "deputy", "--list")


def test_a_missed_roll_call_is_recorded_once_for_a_whole_list_and_taken_back(
    say: Say, desk: Callable[..., Office], tmp_path: Path
) -> None:
    office = desk(lambda office: office.tick(at(MONDAY, "21:00")))
    seen: list[list[str]] = []

    async def look(office: Office) -> None:
        await office.work_off()
        seen.append(await office.codes(MONDAY))

    listed = tmp_path / "tidak-apel.csv"
    listed.write_text(f"NIP\n{office.nip}\n{office.employee.int % 10**17:018}\n")
    apel = "record", "apel", "--date", str(MONDAY), "--actor", "bkd", "--reason", "daftar hadir apel"
    assert "baris 3, kolom nip: pegawai tidak terdaftar" in say(*apel, "--file", str(listed))
    listed.write_text(f"NIP\n{office.nip}\n")
    desk(lambda office: office.mark(Mark.IN, at(MONDAY, "07:20")))
    desk(look)
    assert "tercatat, versi 1" in say(*apel, "--file", str(listed))
    assert "sudah tercatat; tidak ada yang berubah" in say(*apel, "--employee", office.nip)
    desk(look)
    assert "ditarik, versi 2" in say(*apel, "--employee", office.nip, "--take-back")
    desk(look)
    assert seen == [["PSW4"], ["PSW4", "APEL"], ["PSW4"]]
    assert "tidak ada yang ditarik" in say(*apel, "--employee", office.nip, "--ceremony", "--take-back")


def test_a_list_of_a_roll_call_is_of_its_date_and_says_what_is_not_read_and_who_had_no_duty(
    say: Say, desk: Callable[..., Office], tmp_path: Path
) -> None:
    saturday = MONDAY + 5 * DAY
    office = desk(lambda office: office.tick(at(saturday + DAY, "21:00")))
    listed = tmp_path / "tidak-apel.csv"
    apel = "record", "apel", "--actor", "bkd", "--reason", "daftar hadir apel", "--file", str(listed), "--date"
    listed.write_text(f"NIP;Tanggal;Jabatan\n{office.nip};{MONDAY:%d/%m/%Y};staf\n")
    assert f"baris 2, kolom date: bukan {saturday} (--date)" in say(*apel, str(saturday))
    told = say(*apel, str(MONDAY))
    assert "peringatan: baris 1, kolom jabatan: kolom tidak dikenal dan diabaikan" in told
    assert ("tercatat, versi 1" in told, "hari dinas" in told) == (True, False)

    listed.write_text(f"NIP\n{office.nip}\n")
    told = say(*apel, str(saturday))
    assert "; bukan hari dinasnya, jadi tidak berakibat" in told
    assert f"{saturday} bukan hari dinas bagi 1 dari 1 pegawai: temuan itu tidak berakibat." in told


def test_who_may_not_record_is_told_who_may(say: Say, desk: Callable[..., Office]) -> None:
    office = desk(lambda office: office.tick(at(MONDAY, "20:00")))
    left = "record", "left", "--date", str(MONDAY), "--employee", office.nip, "--actor", "x"
    assert "belum terjadi" in say("record", "left", "--date", "2099-01-01", "--employee", office.nip, "--actor", "x", "--reason", "y")
    assert "Peran supervisor tidak berwenang mencatat; pilih: bkd, inspectorate" in say(*left, "--role", "supervisor", "--reason", "sidak")
    assert "--reason kosong" in say(*left, "--reason", " ")
    assert "Sebutkan --employee atau --file" in say("record", "left", "--date", str(MONDAY), "--actor", "x", "--reason", "y")
    told = say(*left, "--role", "inspectorate", "--reason", "sidak pasar", "--document", f"BA-1@{MONDAY}")
    assert "tercatat, versi 1" in told
    events: list[dict[str, Any]] = []

    async def look(office: Office) -> None:
        events.extend(await office.published("hadir.correction.v1"))

    desk(look)
    assert (events[-1]["role"], events[-1]["document"]["number"]) == ("inspectorate", "BA-1")


def test_a_letter_and_a_move_are_recorded_by_number_and_code(say: Say, desk: Callable[..., Office]) -> None:
    office = desk(lambda office: office.tick(at(MONDAY, "20:00")))
    hall = uuid4()

    async def second_unit(office: Office) -> None:
        await commands.publish_org_units(office.lanes, [OrgUnitState(hall, f"UPT-{hall}", "UPT Contoh", "Asia/Jayapura", office.calendar)])

    desk(second_unit)
    by = "--actor", "bkd", "--reason", "SK 821/7/2026"
    letter = ("record", "letter", "--activity", "Bimtek, Balai Kota", "--from", "2026-02-03", "--to", "2026-02-04",
              "--employee", office.nip, "--document", f"SPT-12/{office.unit}@{MONDAY}", *by)  # fmt: skip
    assert "tercatat, versi 1" in say(*letter)
    assert "tidak ada yang berubah" in say(*letter)
    assert "isi koreksi letter belum benar" in say(*letter[:4], "--from", "besok", *letter[6:])
    assert "lebih awal daripada" in say(*letter[:4], "--from", "2026-02-05", *letter[6:])

    move = "record", "move", "--employee", office.nip, "--from", str(MONDAY + DAY), *by
    assert "unit RSUD tidak terdaftar" in say(*move, "--to", "RSUD")
    assert "tercatat, versi 1" in say(*move, "--to", f"UPT-{hall}")
    assert "tidak ada yang berubah" in say(*move, "--to", f"UPT-{hall}")
    back = (*move[:4], "--from")
    assert "baru terdaftar sejak" in say(*back, str(MONDAY - DAY), *by, "--to", f"UPT-{hall}")
    assert "lebih dari setahun ke depan" in say(*back, "2126-12-01", *by, "--to", f"UPT-{hall}")
    units: list[Any] = []

    async def look(office: Office) -> None:
        async with office.lanes.pool.acquire() as connection:
            person = (await rows.employees(connection, [office.employee]))[office.employee].state
        units.extend([person.unit_on(MONDAY), person.unit_on(MONDAY + DAY)])

    desk(look)
    assert units == [office.unit, hall]
