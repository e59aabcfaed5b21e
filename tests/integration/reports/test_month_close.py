"""Closing a month on a real broker and database: what it waits for, what it refuses, what it leaves behind."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from services.commands.month import perform, record, standing, take
from services.local.kafka import start_kafka
from services.payroll.commands import set_levels
from services.payroll.posting import Change, post
from services.payroll.rules.signing import Action, Asked, Level, MonthRefused
from services.payroll.store.references import Policies
from services.reports.flow import Flow
from shared.kafka import apply_topics, new_producer
from shared.lanes import Lanes
from shared.refusal import Refusal
from shared.settings import Settings
from shared.topics import DAY_ASSESSED, lane_of

CLOCK = "rehearsal"


def nobody(_what: str, _done: int, _whole: int) -> None:
    """Tell nobody."""


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A broker of these tests alone: other tests' records would be waited for."""
    server = start_kafka(tmp_path_factory.mktemp("kafka"))
    try:
        server.wait_ready()
        asyncio.run(apply_topics(server.bootstrap))
        yield server.bootstrap
    finally:
        server.stop(5)


def on(books: Any, broker: str) -> Settings:
    return Settings(kafka=broker, database=books.database, home=Path("nowhere"))


async def test_a_closed_month_is_frozen_and_the_audit_topic_knows_who_and_why(books: Any, broker: str) -> None:
    lines = await perform(on(books, broker), "2026-02", CLOCK, nobody, reason="akhir bulan", actor="bendahara-1")

    assert lines == ["Bulan 2026-02 ditutup: 1 pegawai, potongan Rp 30.000. Perubahan sesudah ini menjadi susulan."]
    assert await books.months() == [("2026-02", True, 30_000)]
    [audit] = await books.audits()
    assert (audit["actor"], audit["action"], audit["subject"]) == ("bendahara-1", "month.closed", "2026-02")
    assert (audit["detail"]["reason"], audit["detail"]["clock"], audit["detail"]["open_days"]) == ("akhir bulan", CLOCK, {})
    assert audit["detail"]["offsets"].keys() >= {DAY_ASSESSED.name}

    [again] = await perform(on(books, broker), "2026-02", CLOCK, nobody)
    assert "sudah ditutup" in again
    assert len(await books.audits()) == 1


async def test_a_month_that_goes_on_or_a_clock_nobody_has_is_refused(books: Any, broker: str) -> None:
    with pytest.raises(Refusal, match="belum berakhir menurut jam 'rehearsal'"):
        await perform(on(books, broker), "2026-03", CLOCK, nobody)
    with pytest.raises(Refusal, match="tidak dikenal"):
        await perform(on(books, broker), "2026-02", "no such clock", nobody)
    assert await books.audits() == []


async def test_a_refusal_comes_out_of_the_flow_however_early_it_is(books: Any, broker: str) -> None:
    with pytest.raises(Refusal, match="too early"):
        async with Flow(books.database, broker):
            raise Refusal("too early")


WORDS = {"HELD": "ditahan", "PENDING": "belum diputuskan"}


@pytest.mark.parametrize("status", WORDS)
async def test_open_days_stand_against_the_close_until_a_person_answers_for_them(books: Any, broker: str, status: str) -> None:
    await books.status(status)

    with pytest.raises(Refusal, match=f"DINKES 1 hari {status}"):
        await perform(on(books, broker), "2026-02", CLOCK, nobody)
    assert await books.months() == [("2026-02", False, 30_000)]

    lines = await perform(on(books, broker), "2026-02", CLOCK, nobody, despite=["open-days"], reason="SK Sekda 900/12")
    assert f"Ditutup meskipun ada hari terbuka: 1 hari {WORDS[status]} ({status})" in lines[-1]
    [audit] = await books.audits()
    assert (audit["detail"]["open_days"], audit["detail"]["reason"]) == ({status: 1}, "SK Sekda 900/12")


async def test_who_has_no_ceiling_is_told_before_and_the_close_is_refused_until_a_person_answers_for_them(books: Any, broker: str) -> None:
    await books.connection.execute("delete from payroll.ceiling")
    async with Lanes(books.pool, "payroll").hold([lane_of(books.me)]) as work:
        await post(work, {(books.me, "2026-02"): Change()}, Policies())
    await books.relay()

    [_, told] = await take(on(books, broker), ask("review", "petugas-1"), "2026-02", CLOCK, nobody, patience_s=60)
    assert told.startswith("1 pegawai belum berpagu TPP bulan 2026-02")
    assert f"DINKES 1 (1 terkena potongan), misalnya NIP {'9' * 18}." in told
    [_, _, status, *_] = await standing(on(books, broker), "2026-02", CLOCK)
    assert "DINKES 1 (1 terkena potongan)" in status

    await books.relay()
    with pytest.raises(Refusal, match="DINKES 1") as refusal:
        await take(on(books, broker), ask("sign", "budi"), "2026-02", CLOCK, nobody, patience_s=60)
    assert "hadir import ceilings BERKAS --month 2026-02" in str(refusal.value)
    despite: dict[str, Any] = {"despite": ["missing-ceilings"], "patience_s": 60}
    with pytest.raises(Refusal, match="memerlukan alasan"):
        await take(on(books, broker), ask("sign", "budi"), "2026-02", CLOCK, nobody, **despite)
    assert await books.months() == [("2026-02", False, None)]

    signed = ask("sign", "budi", reason="SK Sekda 900/12")
    lines = await take(on(books, broker), signed, "2026-02", CLOCK, nobody, **despite)
    assert "Ditutup meskipun 1 pegawai belum berpagu TPP" in lines[-1]
    assert await books.months() == [("2026-02", True, None)]
    [audit] = [one for one in await books.audits() if one["action"] == "month.signed"]  # sequences are those of lanes: no order of all
    assert audit["detail"]["uncovered"] == 1
    assert "meskipun 1 pegawai tanpa pagu; SK Sekda 900/12" in (await standing(on(books, broker), "2026-02", CLOCK))[-1]


async def test_a_day_that_the_clock_has_yet_to_look_at_is_open_too(books: Any, broker: str) -> None:
    await books.connection.execute(
        "insert into schedule.due_day values ($1, '2026-02-28', $2, $3, 2, '2026-03-02 05:00Z')", books.me, lane_of(books.me), CLOCK
    )
    with pytest.raises(Refusal, match="1 hari belum diputuskan"):
        await perform(on(books, broker), "2026-02", CLOCK, nobody)


_REACHING = """
with everybody as (insert into geofence.reached values (1, '{}', '{}', '{}', '{}', '{}', '{}', '{null}', '{null}') returning changed)
insert into geofence.reached_lane select changed, 3 from everybody"""


@pytest.mark.parametrize(
    ("under_way", "undone", "told"),
    [
        (_REACHING, "delete from geofence.reached", "impor lokasi"),
        ("insert into geofence.due_check_in values (1, gen_random_uuid())", "delete from geofence.due_check_in", "diperiksa ulang"),
        ("update geofence.lane set out_seq = out_seq + 1 where lane = 3", "update geofence.relay_cursor set sent_seq = 1 where lane = 3",
         "belum terkirim (geofence)"),
        ("insert into schedule.due_day values (gen_random_uuid(), '2026-02-27', 1, 'rehearsal', 1, 'epoch')",
         "delete from schedule.due_day", "hari yang menunggu dinilai"),
        ("insert into payroll.due_ceiling values (1, gen_random_uuid(), '2026-02', 1, null)", "delete from payroll.due_ceiling",
         "pagu TPP"),
    ],
)  # fmt: skip
async def test_the_close_waits_for_what_is_under_way_and_says_what(
    books: Any, broker: str, under_way: str, undone: str, told: str
) -> None:
    await books.connection.execute(under_way)
    with pytest.raises(Refusal, match="Belum dapat ditutup") as refusal:
        await perform(on(books, broker), "2026-02", CLOCK, nobody, wait=False)
    assert told in str(refusal.value)
    with pytest.raises(Refusal, match="Berhenti menunggu") as refusal:
        await perform(on(books, broker), "2026-02", CLOCK, nobody, patience_s=0.2)
    assert told in str(refusal.value)

    said: list[str] = []
    closing = asyncio.create_task(
        perform(on(books, broker), "2026-02", CLOCK, lambda what, _done, _whole: said.append(what), patience_s=60)
    )
    while not said:
        assert not closing.done(), closing.result()
        await asyncio.sleep(0.02)  # polls; the task ends after its patience
    assert told in said[0]
    await books.connection.execute(undone)
    assert "ditutup" in (await closing)[0]


def ask(action: Action, actor: str, role: str = "", reason: str = "", reference: str | None = None) -> Asked:
    return Asked(action, uuid4(), actor, role, reason, reference)


def stepping(books: Any, broker: str) -> Callable[[Asked], Awaitable[list[str]]]:
    """Lets February take a step, as the command line does, on outboxes that are sent."""

    async def step(asked: Asked) -> list[str]:
        await books.relay()
        if asked.action in ("return", "pay"):
            return await record(on(books, broker), asked, "2026-02", CLOCK)
        return await take(on(books, broker), asked, "2026-02", CLOCK, nobody, patience_s=60)

    return step


async def test_a_month_lives_from_review_over_two_signatures_to_payment_and_is_corrected_by_a_supplement(books: Any, broker: str) -> None:
    step = stepping(books, broker)
    levels = [Level(1, "Kepala BKD", "bkd"), Level(2, "Bendahara", "payroll_officer")]
    await set_levels(Lanes(books.pool, "payroll"), levels, actor="bkd-1", reason="Pergub Contoh 5/2026")

    [told] = await step(ask("review", "petugas-1"))
    assert told == "Bulan 2026-02 diajukan untuk diperiksa: 1 pegawai, potongan Rp 30.000. Menunggu 2 tanda tangan."
    with pytest.raises(MonthRefused, match="sedang diperiksa; selesaikan"):
        await set_levels(Lanes(books.pool, "payroll"), [], actor="bkd-1", reason="lain")
    await step(ask("sign", "budi", "bkd"))
    await step(ask("return", "citra", "payroll_officer", "roster RSUD belum lengkap"))
    await step(ask("review", "petugas-1"))
    await step(ask("sign", "budi", "bkd"))
    assert await books.months() == [("2026-02", False, 30_000)]
    with pytest.raises(Refusal, match="harus orang lain"):
        await step(ask("sign", "budi", "payroll_officer"))
    with pytest.raises(Refusal, match="jadi tidak dapat dinyatakan terbayar"):
        await step(ask("pay", "citra", reference="SP2D 1"))

    [signed] = await step(ask("sign", "citra", "payroll_officer"))
    assert signed.startswith("Bulan 2026-02 ditandatangani (tingkat 2 dari 2) dan ditutup: 1 pegawai, potongan Rp 30.000.")
    assert await books.months() == [("2026-02", True, 30_000)]
    with pytest.raises(Refusal, match="sudah menjadi fakta"):
        await step(ask("return", "budi", "bkd", "terlambat"))
    [paid] = await step(ask("pay", "dewi", reference="SP2D 00123/2026"))
    assert "SP2D 00123/2026" in paid

    await books.excuse()  # a leave that was approved after the payment
    assert await books.months() == [("2026-02", True, 30_000), ("2026-03", False, None)]
    [line] = await books.connection.fetch("select code, origin, amount from payroll.ledger where month = '2026-03'")
    assert tuple(line) == ("SUPPLEMENT", "2026-02", -30_000)

    audits = sorted((one["action"], one["actor"], one["detail"].get("role", "")) for one in await books.audits())
    assert audits == sorted([
        ("month.levels", "bkd-1", ""), ("month.reviewed", "petugas-1", ""), ("month.signed", "budi", "bkd"),
        ("month.returned", "citra", "payroll_officer"), ("month.reviewed", "petugas-1", ""), ("month.signed", "budi", "bkd"),
        ("month.signed", "citra", "payroll_officer"), ("month.paid", "dewi", ""),
    ])
    steps = await books.connection.fetch("select state, reference, figures from payroll.month_step where month = '2026-02' order by number")
    assert [row["state"] for row in steps] == ["REVIEW", "REVIEW", "OPEN", "REVIEW", "REVIEW", "SIGNED", "PAID"]
    assert len({row["figures"] for row in steps}) == 1
    with pytest.raises(asyncpg.RaiseError, match="append-only"):
        await books.connection.execute("update payroll.month_step set actor = 'orang lain'")


async def test_figures_that_change_between_two_signatures_must_be_signed_anew(books: Any, broker: str) -> None:
    step = stepping(books, broker)
    await set_levels(Lanes(books.pool, "payroll"), [Level(1, "Satu"), Level(2, "Dua")], actor="bkd-1", reason="coba")
    await step(ask("review", "ani"))
    await step(ask("sign", "budi"))
    await books.excuse()

    with pytest.raises(Refusal, match=r"angka berubah sejak tanda tangan tingkat 1 \(selisih jumlah Rp -30\.000\)"):
        await step(ask("sign", "citra"))
    await step(ask("return", "citra", reason="cuti disetujui"))
    for action, actor in (("review", "ani"), ("sign", "budi"), ("sign", "citra")):
        told = await step(ask(action, actor))  # type: ignore[arg-type]
    assert "potongan Rp 0" in told[0]
    assert await books.months() == [("2026-02", True, 0)]


async def test_the_close_waits_for_what_was_sent_before_it_was_asked_for_but_not_for_what_comes_after(books: Any, broker: str) -> None:
    producer = new_producer(broker, client_id="test")
    await producer.start()
    try:
        await producer.send_and_wait(DAY_ASSESSED.name, b"{}", key=b"x", partition=5)
        ends = 1
        said: list[str] = []
        closing = asyncio.create_task(
            perform(on(books, broker), "2026-02", CLOCK, lambda what, _done, _whole: said.append(what), patience_s=60)
        )
        while not said:
            assert not closing.done(), closing.result()
            await asyncio.sleep(0.02)  # polls; the task ends after its patience
        assert "menunggu dihitung (payroll)" in said[0]
        await producer.send_and_wait(DAY_ASSESSED.name, b"{}", key=b"x", partition=5)  # somebody goes on working
        await books.connection.execute("insert into payroll.position values ($1, 5, 1, $2)", DAY_ASSESSED.name, ends)
        assert "ditutup" in (await closing)[0]
    finally:
        await producer.stop()
