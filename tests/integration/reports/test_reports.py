"""Reports from real tables: their sums are the ledger's to the rupiah, in whatever form they are written."""

import dataclasses
import datetime as dt
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from services.commands.verify import compare_export
from services.monitor.entries import Entries
from services.reports import making
from services.reports.documents import lines, to_csv, to_xlsx
from services.reports.evaluation import ASSUMED, evaluation
from services.reports.flow import Flow
from services.reports.pages import to_pdf
from services.reports.published import Published, compare
from services.reports.recap import differences, per_person, per_unit, read_recap
from services.reports.recapping import people_of, state_of
from services.reports.supervision import compliance
from services.reports.supervision import from_anywhere as listed
from services.reports.tallies import from_anywhere, unit_days, worked
from shared.database import Connection, connect_auditor
from shared.events import Mode
from shared.kafka import new_producer
from shared.refusal import Refused
from shared.topics import DEDUCTION

CLOCK = "rehearsal"
FEB_2, FEB_3 = dt.date(2026, 2, 2), dt.date(2026, 2, 3)


@pytest.fixture
async def auditor(books: Any) -> AsyncIterator[Connection]:
    """Reads what the reports read: one absence, and one day from anywhere with a check-in, a photo and a report."""
    await books.told()
    day = books.day.model_copy(update={"date": FEB_3, "version": 1, "mode": Mode.WFA, "findings": (), "late": 4})
    content = day.model_dump_json().replace('"ABSENT"', '"PRESENT"')
    await books.connection.execute("insert into schedule.assessment values ($1, $2, 1, 'FINAL', 'PRESENT', $3)", books.me, FEB_3, content)
    for hour, mark in ((0, "in"), (9, "out")):
        await books.connection.execute(
            "insert into schedule.mark values ($1, $2, 1, $3, $4, $4, 'outside', $5, false, 'good', false, $6, false)",
            uuid4(), books.me, mark, dt.datetime(2026, 2, 3, hour, 34, tzinfo=dt.UTC), "inside", mark == "in",
        )
    await books.connection.execute("insert into schedule.work_report values ($1, $2, $3, now())", uuid4(), books.me, FEB_3)
    connection = await connect_auditor(books.database)
    try:
        yield connection
    finally:
        await connection.close()


async def test_a_recap_that_was_sorted_anew_still_equals_the_ledger_and_a_repeated_nip_is_named(
    books: Any, auditor: Connection, tmp_path: Path
) -> None:
    [one] = await people_of(auditor, "2026-02", None, CLOCK)
    other = dataclasses.replace(one, nip="1" * 18, name="Zaini Contoh", ledger=70_000)
    to_csv(per_person([other, one], "2026-02", "OPEN", None, [], ""), tmp_path / "rekap.csv")
    told, problems = read_recap(tmp_path / "rekap.csv")
    assert (problems, differences(told, [one, other])) == ([], [])
    assert [wrong[1:] for wrong in differences(told, [one])] == [("1" * 18, 70_000, None)]

    to_csv(per_person([one, one], "2026-02", "OPEN", None, [], ""), tmp_path / "rekap.csv")
    _, [problem] = read_recap(tmp_path / "rekap.csv")
    assert (problem.column, problem.row) == ("NIP", 3)


async def test_an_export_in_which_somebody_is_missing_is_told_by_whom_and_what_to_do(
    books: Any, auditor: Connection, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    [one] = await people_of(auditor, "2026-02", None, CLOCK)
    await books.connection.execute("update schedule.employee set played_clock = '' where employee_id = $1", books.me)
    stranger = dataclasses.replace(one, nip="1" * 18, ledger=70_000)
    to_csv(per_person([stranger], "2026-02", "OPEN", None, [], ""), tmp_path / "rekap.csv")

    assert not await compare_export(books.database, tmp_path / "rekap.csv", "2026-02")

    said = capsys.readouterr().out
    assert f"DIFFERENCE 2026-02, employee {books.me}: no row in the file, ledger Rp 30.000" in said
    assert "DIFFERENCE 2026-02, a NIP that nobody has: row 2 of the file Rp 70.000, ledger nothing" in said
    assert "hadir explain --employee ID --month 2026-02" in said
    assert one.nip not in said


async def test_a_recap_is_the_ledger_to_the_rupiah_in_every_form(books: Any, auditor: Connection, tmp_path: Path) -> None:
    people = await people_of(auditor, "2026-02", None, CLOCK)
    ledger = await auditor.fetchval("select sum(amount) from payroll.ledger where month = '2026-02'")
    [one] = people
    assert (one.unit, one.duty_days, one.present, one.wfa, one.absent, one.late, one.ceiling) == ("DINKES", 2, 1, 1, 1, 1, 1_000_000)
    assert (one.ledger, one.paid) == (ledger, 1_000_000 - ledger) == (30_000, 970_000)
    assert await people_of(auditor, "2026-02", "DINKES", CLOCK) == people
    assert await people_of(auditor, "2026-02", "LAIN", CLOCK) == await people_of(auditor, "2026-02", None) == []

    state = await state_of(auditor, "2026-02", CLOCK)
    document = per_person(people, "2026-02", state, "DINKES", ["Kepala Dinas", "Bendahara"], "Contoh")
    assert document.sections[0].totals[-2] == ledger
    assert per_unit(people, "2026-02", state, [], "").sections[0].totals[-2] == ledger
    assert "terbuka" in "\n".join(lines(document))
    for write, name in ((to_csv, "rekap.csv"), (to_xlsx, "rekap.xlsx")):
        write(document, tmp_path / name)
        told, problems = read_recap(tmp_path / name)
        [(nip, (row, amount))] = told.items()
        assert (nip, amount, problems, differences(told, people)) == (one.nip, 30_000, [], [])
        assert differences({nip: (row, 30_001)}, people) == [(row, nip, 30_001, 30_000)]
        assert differences({}, people) == [(0, nip, None, 30_000)]
    to_pdf(document, tmp_path / "rekap.pdf", dt.datetime(2026, 3, 3, tzinfo=dt.UTC))
    assert (tmp_path / "rekap.pdf").read_bytes().startswith(b"%PDF-")

    await books.connection.execute(
        "insert into payroll.ledger (employee_id, month, number, entry_id, code, action, percent, amount, month_version, entered_at)"
        " select employee_id, month, 1 + max(number), gen_random_uuid(), 'TPP_CUT_6', 'posted', '25.00', 250000, 1, now()"
        " from payroll.ledger where month = '2026-02' group by 1, 2")
    [one] = await people_of(auditor, "2026-02", None, CLOCK)
    assert (one.sanctions, one.ledger) == (250_000, 280_000)


async def test_a_report_of_a_unit_that_nobody_imported_is_refused(books: Any, auditor: Connection) -> None:
    with pytest.raises(Refused, match="unit LAIN tidak terdaftar"):
        await making.compliance(auditor, FEB_2, making.Asked("LAIN", clock=CLOCK))
    with pytest.raises(Refused, match="unit LAIN tidak terdaftar"):
        await making.recap(auditor, "2026-02", making.Asked("LAIN", clock=CLOCK))


async def test_supervisors_see_each_unit_and_who_works_from_anywhere_with_what_evidence(books: Any, auditor: Connection) -> None:
    [absent] = await unit_days(auditor, FEB_2, None, CLOCK)
    assert (absent.unit, absent.people, absent.absent, absent.wfo, absent.undecided, absent.off) == ("DINKES", 1, 1, 0, 0, 0)
    [free] = await unit_days(auditor, FEB_2 - dt.timedelta(days=1), None, CLOCK)
    assert (free.off, free.unruled) == (0, 1)  # no pack is in force here: nobody can tell whether the day is free
    agency = uuid4()
    await books.connection.execute(
        "insert into schedule.org_unit values ($1, 1, 'INDUK', 'Dinas Induk', 'Asia/Jakarta', 'nasional', false)", agency)
    await books.connection.execute("update schedule.org_unit set parent_id = $1 where code = 'DINKES'", agency)
    await books.connection.execute("insert into schedule.policy (policy_id, version, name, content) values ($1, 1, 'P', '{}')", agency)
    await books.connection.execute(
        "insert into schedule.policy_in_force (policy_id, since, org_unit_id) values ($1, '2026-01-01', $1)", agency)
    [free] = await unit_days(auditor, FEB_2 - dt.timedelta(days=1), None, CLOCK)
    assert (free.off, free.unruled) == (1, 0)
    assert compliance([free], FEB_2).sections[0].totals[-2:] == (1, 0)
    [present] = await unit_days(auditor, FEB_3, "DINKES", CLOCK)
    assert (present.wfa, present.late, present.absent) == (1, 1, 0)
    assert compliance([present], FEB_3).sections[0].totals[:3] == ("Jumlah", "1 unit", 1)

    [one] = await from_anywhere(auditor, FEB_3, None, CLOCK)
    assert (one.status, one.region, one.evidence, one.report) == ("PRESENT", "inside", True, True)
    assert one.first_in is not None
    assert f"{one.first_in:%H:%M}" == "07:34"
    assert await from_anywhere(auditor, FEB_2, None, CLOCK) == []
    text = "\n".join(lines(listed([one], FEB_3)))
    assert "1 pegawai WFA: 1 di dalam wilayah, 0 perlu diperiksa" in text

    await books.connection.execute(
        "insert into schedule.roster values ($1, '2026-02-01', 1, '[{\"date\": \"2026-02-05\", \"mode\": \"WFA\"}]')", books.me)
    [rostered] = await from_anywhere(auditor, dt.date(2026, 2, 5), None, CLOCK)
    assert (rostered.status, rostered.region, rostered.evidence) == ("", None, False)
    assert "1 perlu diperiksa" in "\n".join(lines(listed([rostered], dt.date(2026, 2, 5))))


async def test_the_scheme_is_judged_by_what_was_worked_in_each_way(auditor: Connection) -> None:
    wfo, wfa = await worked(auditor, dt.date(2026, 1, 1), dt.date(2026, 3, 1), None, CLOCK)
    assert (wfo.mode, wfo.owed, wfo.present, wfo.absent, wfo.deducted) == ("WFO", 1, 0, 1, 30_000)
    assert (wfa.mode, wfa.owed, wfa.present, wfa.punctual, wfa.complete, wfa.reported, wfa.deducted) == ("WFA", 1, 1, 0, 1, 1, 0)
    dated = await auditor.fetchval("select sum(amount) from payroll.ledger where date is not null")
    document = evaluation([wfo, wfa], ASSUMED)
    assert document.sections[0].totals[-2] == dated
    assert document.sections[1].rows == [("Februari 2026", 1, 50, 2, 3_399)]


async def test_what_was_published_is_the_ledger_entry_for_entry_and_a_lost_or_altered_event_shows(books: Any, kafka: str) -> None:

    def mine(published: Published) -> list[tuple[str, int, int]]:
        """Of this test's own person: other tests' records are on the topic too."""
        return [(of, kept, said) for who, of, kept, said in published.differing if who == books.me]

    rows = await books.connection.fetch(
        "select partition, key, value from payroll.outbox where topic = $1 order by lane, seq", DEDUCTION.name)
    assert rows
    producer = new_producer(kafka, client_id="test")
    await producer.start()
    try:
        async with Flow(books.database, kafka) as flow:
            lost = await compare(flow, kafka)
            assert mine(lost) == [("2026-02", 30_000, 0)]
            for row in [*rows, *rows]:  # a takeover repeats
                await producer.send_and_wait(DEDUCTION.name, row["value"], key=row["key"], partition=row["partition"])
            found = await compare(flow, kafka, "2026-02")
            assert (mine(found), found.months) == ([], 1)

            await books.excuse()  # a reversal that was entered, and whose event is altered on its way
            [row] = await books.connection.fetch(
                "select partition, key, value from payroll.outbox where topic = $1 and convert_from(value, 'UTF8') like '%reversed%'",
                DEDUCTION.name)
            altered = row["value"].replace(b"-30000", b"-20000")
            assert altered != row["value"]
            await producer.send_and_wait(DEDUCTION.name, altered, key=row["key"], partition=row["partition"])
            assert mine(await compare(flow, kafka)) == [("2026-02", 0, 10_000)]

            # The monitor's running proof sees the same of the newest entries: one published as it stands, one altered.
            entries = Entries()
            await entries.tell(flow, kafka, dt.datetime.now(dt.UTC) + dt.timedelta(minutes=2))
            posted, reversed_ = await books.connection.fetch(
                "select entry_id from payroll.ledger where employee_id = $1 order by number", books.me)
            assert {posted["entry_id"], reversed_["entry_id"]} & (entries.strange | entries.unpublished) == {reversed_["entry_id"]}
    finally:
        await producer.stop()
