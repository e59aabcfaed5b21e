"""`hadir correction`, `hadir outage` and `hadir ladder` on a real database, as an officer types them."""

import asyncio
import datetime as dt
import re
from collections.abc import Callable
from typing import Any

import pytest
from typer.testing import CliRunner

from services.__main__ import app
from shared.database import open_pool
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
    dossier = say("ladder", "dossier", *about)
    assert "Pemotongan tunjangan kinerja 25 % selama 6 bulan (tingkat sedang)" in dossier
    assert dossier.count("ABSENT  versi 1") == 11

    decide = "ladder", "decide", *about, "--actor", "ppk", "--document", "800/12@2026-03-02", "--reason", "BAP 7/2026"
    assert "harus menyebut bulan mulai" in say(*decide)
    assert "potong 25.00 % selama 6 bulan sejak 2026-04" in say(*decide, "--effective-from", "2026-04")
    assert "TPP_CUT_6" not in say("ladder", "list", "--employee", office.nip)
    back = "ladder", "withdraw", *about, "--actor", "bkd", "--reason", "keliru"
    assert "harus menyebut dokumen" in say(*back)
    assert "ditarik oleh bkd" in say(*back, "--document", "800/15@2026-03-20")


def test_an_outage_is_declared_by_one_and_forgiven_by_another(say: Say, desk: Callable[..., Office]) -> None:
    office = desk(lambda office: office.tick(at(MONDAY + DAY, "06:00")))
    unit = f"OPD-{office.unit}"
    declared = say("outage", "declare", "--from", at(MONDAY, "07:00").isoformat(), "--to", at(MONDAY, "08:10").isoformat(), "--unit", unit,
                   "--actor", "diskominfo", "--reason", "server mati")  # fmt: skip
    outage_id = declared.split()[0]
    assert "menunggu bkd (bkd)" in declared
    assert outage_id in say("outage", "list")
    assert "gunakan `hadir outage amnesty`" in say("outage", "confirm", outage_id, "--actor", "x", "--reason", "y", "--role", "bkd")
    assert "disetujui pada tingkat bkd" in say("outage", "amnesty", outage_id, "--actor", "bkd", "--reason", "SE 5/2026")
    assert outage_id not in say("outage", "list")


def test_a_deputy_is_appointed_and_shown(say: Say) -> None:
    appoint = "correction", "deputy", "--for", "kadis", "--deputy", "sekretaris", "--from", "2026-02-09", "--to", "2026-02-20"
    assert "Sebutkan" in say(*appoint)
    assert say(*appoint, "--reason", "cuti") == "sekretaris mewakili kadis sebagai supervisor dari 2026-02-09 sampai 2026-02-20.\n"
    assert "sekretaris mewakili kadis (supervisor)" in say("correction", "deputy", "--list")
