"""From a decision to the ledger: schedule's events handed to payroll on one database; the ladder, cuts, closes, our own outages."""

import datetime as dt
from collections import Counter
from collections.abc import AsyncIterator
from fractions import Fraction
from typing import Any
from uuid import uuid4

import orjson
import pytest

from services.payroll.agent import post_assessed_days
from services.payroll.chores import apply_due_ceilings, freeze_closed_months
from services.payroll.commands import close_month
from services.payroll.rules import Ceiling
from services.payroll.sanctions import follow_decisions
from services.payroll.store import ceilings
from services.payroll.store.references import Policies, save_policies
from services.schedule import commands, outages, requests
from services.schedule.approvals import OutageProposals, shipped
from services.schedule.corrections import CorrectionRefused
from services.schedule.discipline import decide_step, take_back_step
from services.schedule.ladders import Cut
from services.schedule.reference import Membership, Rank, RankHeld
from services.schedule.requests import decide, submit
from services.schedule.rules.workflow import Who
from services.schedule.store import discipline
from services.schedule.store import requests as request_rows
from services.schedule.store.discipline import StepKey, StepVersion
from shared.database import open_pool
from shared.envelope import Envelope
from shared.events import (
    AvailabilityCounted,
    DayAssessed,
    DisciplineStepChanged,
    Document,
    EmployeeKind,
    PolicyPublished,
)
from shared.lanes import Lanes, Record
from shared.policy import Policy
from shared.topics import DAY_ASSESSED, DISCIPLINE, INGEST_AVAILABILITY, LANES, lane_of
from tests.integration.schedule.office import DAY, MONDAY, Office, at, packs

HEAD, BKD, AUDITOR = Who("kadis-contoh", "supervisor"), Who("bkd-contoh", "bkd"), Who("inspektur-contoh", "inspectorate")
PAPER = Document(number="800/7/2026", date=dt.date(2026, 3, 2))
CUT = ("posted", "TPP_CUT_6", 1_000_000)


class Money:
    """Payroll's own code, fed with what schedule has put into its outbox."""

    def __init__(self, office: Office, lanes: Lanes) -> None:
        self.office, self.lanes, self.policies = office, lanes, Policies()
        self.heard = 0

    async def hear(self) -> None:
        async with self.office.lanes.pool.acquire() as connection:
            rows = await connection.fetch(
                "select topic, convert_from(value, 'UTF8') as value from outbox where key = $1 and topic = any($2) order by seq",
                str(self.office.employee).encode(), [DAY_ASSESSED.name, DISCIPLINE.name])
        lane = lane_of(self.office.employee)
        async with self.lanes.hold({lane}) as work:
            for row in rows[self.heard :]:
                topic: Any = DAY_ASSESSED if row["topic"] == DAY_ASSESSED.name else DISCIPLINE
                event = topic.event.model_validate(orjson.loads(row["value"]))
                envelope = Envelope(uuid4(), topic.ce_type, "/hadir/schedule", dt.datetime.now(dt.UTC), "", None, uuid4())
                record = Record(topic, lane, 0, b"", event, envelope, b"")
                if isinstance(event, DayAssessed):
                    await post_assessed_days(work, [record], self.policies)
                elif isinstance(event, DisciplineStepChanged):
                    await follow_decisions(work, [record], self.policies)
        self.heard = len(rows)

    async def ledger(self, month: str) -> list[tuple[str, str, int]]:
        async with self.lanes.pool.acquire() as connection:
            rows = await connection.fetch(
                "select * from ledger where employee_id = $1 and month = $2 order by number", self.office.employee, month)
        return [(row["action"], row["code"], row["amount"]) for row in rows]


@pytest.fixture
async def money(office: Office, schedule_database: str) -> AsyncIterator[Money]:
    """Payroll, which knows the rule pack and a ceiling of four million for February and March."""
    pool = await open_pool(schedule_database, "payroll")
    paid = Money(office, Lanes(pool, "payroll"))
    pack = packs()["POL-A"]
    async with pool.acquire() as connection, connection.transaction():
        told = PolicyPublished(policy_id=pack.identity, version=1, name="P", content=pack.content(), in_force=())
        await save_policies(connection, [told])
        await connection.execute("insert into employee values ($1, 1, null, $2)", office.employee, office.clock)
        await ceilings.accept(connection, {(office.employee, f"2026-0{n}"): Ceiling(4_000_000) for n in (2, 3)})
    while await apply_due_ceilings(paid.lanes, range(LANES), paid.policies):
        pass
    yield paid
    await pool.close()


async def steps(office: Office) -> dict[str, str]:
    async with office.lanes.pool.acquire() as connection:
        return {step.key[1]: step.action for step in await discipline.steps(connection, employee_id=office.employee)}


async def proposed(office: Office) -> set[tuple[str, dt.date]]:
    async with office.lanes.pool.acquire() as connection:
        return {step.key[1:] for step in await discipline.steps(connection, employee_id=office.employee, action="proposed")}


async def leave(office: Office, first: dt.date, last: dt.date) -> None:
    asked = await submit(
        office.lanes, uuid4(), "leave.important", {"from": str(first), "to": str(last)}, Who(str(office.employee), "employee"),
        employee_id=office.employee, reason="orang tua wafat")  # fmt: skip
    for level, who in zip(asked.request.levels, (HEAD, BKD), strict=False):
        assert who.role in level.roles
        await decide(office.lanes, asked.request_id, "approve", who, reason="surat keterangan")
    await office.work_off()


async def test_a_leave_that_is_approved_after_the_close_is_owed_as_a_supplement(office: Office, money: Money) -> None:
    await office.tick(at(dt.date(2026, 2, 28), "23:00"))
    await money.hear()
    before = await money.ledger("2026-02")
    assert ("posted", "TK", 120_000) in before
    assert await close_month(money.lanes, "2026-02", office.clock)
    while await freeze_closed_months(money.lanes, range(LANES), money.policies):
        pass

    await leave(office, MONDAY, MONDAY)
    await money.hear()

    assert await money.ledger("2026-02") == before
    assert await money.ledger("2026-03") == [("posted", "SUPPLEMENT", -120_000)]


async def test_ten_absences_in_a_row_propose_dismissal_and_an_excuse_takes_the_proposal_back(office: Office) -> None:
    await office.tick(at(MONDAY + 11 * DAY, "21:00"))
    before = await steps(office)
    assert before == {"ORAL_WARNING": "proposed", "WRITTEN_WARNING": "proposed", "STATEMENT": "proposed", "CONSECUTIVE_10": "proposed"}
    told = [event for event in await office.published("hadir.discipline.v1") if event["step"] == "CONSECUTIVE_10"]
    assert told[0]["legal_source"] == "PP 94/2021 Pasal 11 ayat (2) huruf d angka 4"

    await leave(office, MONDAY + 7 * DAY, MONDAY + 7 * DAY)

    assert await steps(office) == {**before, "CONSECUTIVE_10": "withdrawn"}


async def test_a_kind_that_is_corrected_from_the_beginning_proposes_the_steps_of_its_own_ladder(office: Office) -> None:
    await commands.publish_employees(office.lanes, [office.person(kind=EmployeeKind.PPPK)])
    await office.tick(at(MONDAY + 3 * DAY, "21:00"))
    assert await steps(office) == {}

    await commands.publish_employees(office.lanes, [office.person()])
    await office.work_off()

    assert await proposed(office) == {("ORAL_WARNING", MONDAY + 2 * DAY), ("WRITTEN_WARNING", MONDAY + 3 * DAY)}


async def test_a_leave_of_the_time_under_contract_takes_no_step_back_that_the_days_of_the_civil_servant_still_reach(office: Office) -> None:
    ranks = tuple(
        RankHeld(since, Rank(kind, "pelaksana", None))
        for since, kind in ((MONDAY, EmployeeKind.PPPK), (MONDAY + 7 * DAY, EmployeeKind.PNS))
    )
    await commands.publish_employees(office.lanes, [office.person(ranks=ranks)])
    await office.tick(at(MONDAY + 9 * DAY, "21:00"))
    names = {"ORAL_WARNING", "WRITTEN_WARNING", "STATEMENT"}
    assert {step for step, _ in await proposed(office)} == names

    await leave(office, MONDAY, MONDAY)

    assert await proposed(office) == {
        ("ORAL_WARNING", MONDAY + 3 * DAY), ("WRITTEN_WARNING", MONDAY + 4 * DAY), ("STATEMENT", MONDAY + 9 * DAY)}


async def test_under_twelve_months_a_second_cut_over_the_new_year_is_refused_for_days_that_the_first_one_punished(office: Office) -> None:
    rolling = Policy.from_content({**packs()["POL-A"].content(), "ladder_window": "rolling_12m"})
    first = dt.date(2026, 12, 1)
    await commands.publish_policies(office.lanes, {"ROLLING": rolling}, [("ROLLING", MONDAY, office.unit)])
    await commands.publish_employees(office.lanes, [office.person(memberships=(Membership(first, office.unit),))])
    await leave(office, dt.date(2026, 12, 16), dt.date(2026, 12, 31))
    await office.tick(at(dt.date(2027, 1, 5), "21:00"))
    six, nine = [await _crossed(office, step) for step in ("TPP_CUT_6", "TPP_CUT_9")]
    assert (six[2], nine[2]) == (dt.date(2026, 12, 15), dt.date(2027, 1, 5))

    async with office.lanes.hold({lane_of(office.employee)}) as work:
        await _decide(work, six, effective_from="2027-01")
        with pytest.raises(CorrectionRefused, match="dua belas bulan yang sama"):
            await _decide(work, nine, effective_from="2027-07")
        await take_back_step(
            work, six, actor="ppk-contoh", at=dt.datetime.now(dt.UTC), reason="diganti yang lebih berat", document=PAPER)
        await _decide(work, nine, effective_from="2027-02")


async def test_a_decided_cut_prices_a_quarter_stands_against_later_excuses_and_falls_by_an_appeal(office: Office, money: Money) -> None:
    await office.tick(at(dt.date(2026, 3, 2), "06:00"))
    key = (await _crossed(office, "TPP_CUT_6"))[1:]
    async with office.lanes.hold({lane_of(office.employee)}) as work:
        with pytest.raises(CorrectionRefused, match="bulan mulai berlakunya"):
            await _decide(work, (office.employee, *key))
        with pytest.raises(CorrectionRefused, match="sebelum bulan pelanggarannya"):
            await _decide(work, (office.employee, *key), effective_from="2026-01")
        await _decide(work, (office.employee, *key), effective_from="2026-03")
        with pytest.raises(CorrectionRefused, match="sudah diputuskan"):
            await _decide(work, (office.employee, *key), effective_from="2026-03")
        higher = await _crossed(office, "TPP_CUT_9")
        with pytest.raises(CorrectionRefused, match="satu berkas hanya mendapat satu hukuman"):
            await _decide(work, higher, effective_from="2026-03", cut=Cut(percent=Fraction(10), months=6))
    await office.tick(at(dt.date(2026, 3, 3), "06:00"))
    await money.hear()
    assert CUT in await money.ledger("2026-03")
    assert CUT not in await money.ledger("2026-02")

    await leave(office, MONDAY, MONDAY + 18 * DAY)
    assert (await steps(office))["TPP_CUT_6"] == "decided"
    appeal = await submit(
        office.lanes, uuid4(), "appeal", {"step": key[0], "date": str(key[1])}, Who(str(office.employee), "employee"),
        employee_id=office.employee, reason="cuti disetujui", document=PAPER)  # fmt: skip
    with pytest.raises(CorrectionRefused, match="memutuskan semula"):
        await decide(office.lanes, appeal.request_id, "approve", Who("ppk-contoh", "bkd"), reason="tidak")
    for who in (BKD, AUDITOR):
        await decide(office.lanes, appeal.request_id, "approve", who, reason="keberatan diterima")
    await money.hear()

    assert (await steps(office))["TPP_CUT_6"] == "withdrawn"
    assert ("reversed", "TPP_CUT_6", -1_000_000) in await money.ledger("2026-03")


async def test_a_heavier_cut_replaces_a_lighter_one_in_the_ledger_and_an_annulled_one_can_be_decided_anew(
    office: Office, money: Money
) -> None:
    await office.tick(at(dt.date(2026, 3, 3), "06:00"))
    six, nine = [await _crossed(office, step) for step in ("TPP_CUT_6", "TPP_CUT_9")]
    lane = lane_of(office.employee)
    async with office.lanes.hold({lane}) as work:
        await _decide(work, six, effective_from="2026-03")
        await _decide(work, nine, effective_from="2026-03")
    await money.hear()
    assert await _cuts(money) == {"TPP_CUT_9": 1_000_000}

    async with office.lanes.hold({lane}) as work:
        said: dict[str, Any] = {"actor": "ppk-contoh", "at": dt.datetime.now(dt.UTC), "reason": "keliru bulan", "document": PAPER}
        assert (await take_back_step(work, nine, **said)).action == "proposed"
    await money.hear()
    assert await _cuts(money) == {"TPP_CUT_6": 1_000_000}
    async with office.lanes.hold({lane}) as work:
        assert (await _decide(work, nine, effective_from="2026-03")).version == 5
    await money.hear()
    assert await _cuts(money) == {"TPP_CUT_9": 1_000_000}


async def _cuts(money: Money) -> dict[str, int]:
    """What the cuts of March come to in the ledger."""
    sums: Counter[str] = Counter()
    for _, code, amount in await money.ledger("2026-03"):
        sums[code] += amount
    return {code: amount for code, amount in sums.items() if code.startswith("TPP_CUT") and amount}


async def _crossed(office: Office, name: str) -> StepKey:
    """The step of that name as it was proposed."""
    told = await office.published("hadir.discipline.v1")
    return office.employee, name, next(dt.date.fromisoformat(event["date"]) for event in told if event["step"] == name)


async def _decide(work: Any, key: Any, **more: Any) -> StepVersion:
    return await decide_step(work, key, actor="ppk-contoh", at=dt.datetime.now(dt.UTC), reason="pemeriksaan atasan", document=PAPER, **more)


async def test_a_proposal_that_a_person_did_not_follow_is_not_made_again(office: Office) -> None:
    await office.tick(at(MONDAY + 3 * DAY, "21:00"))
    assert (await steps(office))["ORAL_WARNING"] == "proposed"
    async with office.lanes.hold({lane_of(office.employee)}) as work:
        await take_back_step(
            work, (office.employee, "ORAL_WARNING", MONDAY + 2 * DAY), actor="kadis-contoh", at=dt.datetime.now(dt.UTC), reason="dibina")

    await office.tick(at(MONDAY + 4 * DAY, "21:00"))

    assert (await steps(office))["ORAL_WARNING"] == "withdrawn"


async def test_our_own_failure_proposes_an_outage_that_grows_and_falls_with_the_minutes_that_arrive(office: Office) -> None:
    now = dt.datetime(2031, 3, 3, 2, 0, tzinfo=dt.UTC)  # a time of its own: the database is shared by this file
    await tell(office, [(now - dt.timedelta(minutes=n), 9, 0) for n in range(40, 90)])
    await tell(office, [(now - dt.timedelta(minutes=n), 0, 7) for n in range(30, 40)])

    assert await outages.look(office.lanes, now) == 1
    [proposed] = await waiting(office)
    assert proposed.request.requester == "system"
    assert (proposed.body["from"], proposed.body["to"]) == ("2031-03-03T01:21:00Z", "2031-03-03T02:00:00Z")
    assert await outages.look(office.lanes, now) == 0

    await tell(office, [(now - dt.timedelta(minutes=n), 9, 0) for n in range(30)])
    assert await outages.look(office.lanes, now) == 1
    [proposed] = await waiting(office)
    assert proposed.body["to"] == "2031-03-03T01:31:00Z"

    await decide(office.lanes, proposed.request_id, "approve", Who("server-contoh", "admin"), reason="Kafka mati")
    await decide(office.lanes, proposed.request_id, "approve", BKD, reason="amnesti")
    assert await outages.look(office.lanes, now) == 0
    async with office.lanes.pool.acquire() as connection:
        decided = await connection.fetchrow("select * from fact where correction_id = $1", requests.decision_id(proposed.request_id))
    assert decided is not None
    assert (decided["kind"], decided["state"]) == ("outage_decision", "approved")


async def test_a_province_may_leave_days_alone_until_somebody_confirms_a_proposal(office: Office) -> None:
    own = shipped().model_copy(update={"outage_proposals": OutageProposals(hold_days=False)})
    await requests.set_rules(office.lanes, own, actor="bkd-contoh", reason="SE contoh")
    now = dt.datetime(2032, 3, 3, 2, 0, tzinfo=dt.UTC)
    await tell(office, [(now - dt.timedelta(minutes=n), 0, 7) for n in range(20)])
    assert await outages.look(office.lanes, now) == 1
    assert (await waiting(office))[-1].body["holds"] is False
    await requests.set_rules(office.lanes, shipped(), actor="bkd-contoh", reason="kembali")


async def test_while_check_ins_fail_for_longer_everybody_is_looked_at_anew_each_quarter_of_an_hour_and_not_each_minute(
    office: Office,
) -> None:
    seven, said = dt.datetime(2033, 3, 3, 0, 0, tzinfo=dt.UTC), []
    async with office.lanes.pool.acquire() as connection:
        await connection.execute("delete from ingest_minute")  # of other tests: silence since then
    for minute in range(70):
        now = seven + dt.timedelta(minutes=minute + 1)
        await tell(office, [(now - dt.timedelta(minutes=1), 9, 7 if 5 <= minute < 52 else 0)])
        if await outages.look(office.lanes, now):
            said.append((minute, (await waiting(office))[-1].body["to"]))

    assert said == [
        (7, "2033-03-03T00:15:00Z"), (15, "2033-03-03T00:30:00Z"), (30, "2033-03-03T00:45:00Z"), (45, "2033-03-03T01:00:00Z"),
        (62, "2033-03-03T00:52:00Z")]


async def test_a_breach_that_goes_on_after_a_person_confirmed_it_is_proposed_from_there_on(office: Office) -> None:
    seven = dt.datetime(2034, 3, 3, 0, 0, tzinfo=dt.UTC)
    async with office.lanes.pool.acquire() as connection:
        await connection.execute("delete from ingest_minute")  # of other tests: silence since then
    for minute in range(70):
        now = seven + dt.timedelta(minutes=minute + 1)
        await tell(office, [(now - dt.timedelta(minutes=1), 9, 7 if 5 <= minute < 52 else 0)])
        await outages.look(office.lanes, now)
        if minute in (10, 35):  # confirmed while it lasts, twice
            await decide(office.lanes, (await waiting(office))[-1].request_id, "approve", Who("server-contoh", "admin"), reason="benar")

    async with office.lanes.pool.acquire() as connection:
        told = await connection.fetch(
            "select body->>'from' as since, body->>'to' as until from fact where kind = 'outage' and body->>'from' like '2034%' order by 1")
    assert [tuple(row) for row in told] == [
        ("2034-03-03T00:05:00Z", "2034-03-03T00:15:00Z"), ("2034-03-03T00:15:00Z", "2034-03-03T00:45:00Z"),
        ("2034-03-03T00:45:00Z", "2034-03-03T00:52:00Z")]


async def test_a_proposal_that_nobody_looked_at_for_days_waits_as_it_is_and_is_not_made_again_piece_by_piece(office: Office) -> None:
    seven = dt.datetime(2035, 3, 3, 0, 0, tzinfo=dt.UTC)
    async with office.lanes.pool.acquire() as connection:
        await connection.execute("delete from ingest_minute")  # of other tests: silence since then
    await tell(office, [(seven + dt.timedelta(minutes=n), 9, 7 if 5 <= n < 36 else 0) for n in range(-60, 4 * 24 * 60)])
    assert await outages.look(office.lanes, seven + dt.timedelta(hours=2)) == 1
    before = (await waiting(office))[-1]

    for minute in range(0, 60, 7):
        assert await outages.look(office.lanes, seven + dt.timedelta(days=3, minutes=minute)) == 0
    after = (await waiting(office))[-1]

    assert (after.request_id, after.body, after.request.state) == (before.request_id, before.body, "requested")


async def test_what_hadir_took_back_itself_is_proposed_again_when_it_fails_again(office: Office) -> None:
    seven = dt.datetime(2036, 3, 3, 0, 0, tzinfo=dt.UTC)
    async with office.lanes.pool.acquire() as connection:
        await connection.execute("delete from ingest_minute")
    await tell(office, [(seven + dt.timedelta(minutes=n), 9, 0 if n < 0 else 7) for n in range(-60, 3)])
    assert await outages.look(office.lanes, seven + dt.timedelta(minutes=3)) == 1
    first = (await waiting(office))[-1].request_id
    await tell(office, [(seven + dt.timedelta(minutes=2), 900, 0)])  # of another process, late: two bad minutes propose nothing
    assert await outages.look(office.lanes, seven + dt.timedelta(minutes=4)) == 1
    assert first not in {one.request_id for one in await waiting(office)}

    await tell(office, [(seven + dt.timedelta(minutes=n), 9, 7 if n < 30 else 0) for n in range(3, 60)])
    assert await outages.look(office.lanes, seven + dt.timedelta(hours=1)) == 1
    again = (await waiting(office))[-1]
    assert again.request_id != first
    assert (again.body["from"], again.body["to"]) == ("2036-03-03T00:00:00Z", "2036-03-03T00:30:00Z")


async def tell(office: Office, minutes: list[tuple[dt.datetime, int, int]]) -> None:
    instance = uuid4()
    lane = lane_of(instance)
    records = [
        Record(
            INGEST_AVAILABILITY, lane, 0, b"", AvailabilityCounted(instance=instance, minute=at, accepted=fine, refused=0, unavailable=bad),
            Envelope(uuid4(), INGEST_AVAILABILITY.ce_type, "/hadir/ingest", at, "", None, uuid4()), b"")
        for at, fine, bad in minutes
    ]  # fmt: skip
    async with office.lanes.hold({lane}) as work:
        await outages.keep_minutes(work, records)


async def waiting(office: Office) -> list[Any]:
    async with office.lanes.pool.acquire() as connection:
        return [one for one in await request_rows.requests(connection, state="requested", role="admin") if one.kind == "outage-proposed"]
