"""Requests on a real database: pending is no absence, levels and deputies, deadlines and limits, and the one road to the ledger."""

import datetime as dt
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import pytest

from services.schedule import requests
from services.schedule.approvals import shipped
from services.schedule.commands import publish_employees, publish_org_units, publish_policies, record_fact
from services.schedule.corrections import CorrectionRefused
from services.schedule.outages import effect
from services.schedule.reference import OrgUnitState
from services.schedule.requests import decide, submit, withdraw
from services.schedule.rules.workflow import Who
from services.schedule.store import requests as rows
from services.schedule.store.requests import Asked, Deputy
from shared.events import Document, Mark
from tests.integration.schedule.office import DAY, MONDAY, Office, at, packs

HEAD = Who("kadis-contoh", "supervisor")
OFFICER = Who("umpeg-contoh", "unit_officer")
BKD = Who("bkd-contoh", "bkd")
AUDITOR = Who("inspektur-contoh", "inspectorate")
PAPER = Document(number="445/12/RSUD", date=MONDAY)
WHY: dict[str, Any] = {"reason": "surat terlampir"}


async def ask(office: Office, kind: Any, body: dict[str, Any], **more: Any) -> Asked:
    me = Who(str(office.employee), "employee")
    return await submit(office.lanes, more.pop("id", uuid4()), kind, body, me, **{"employee_id": office.employee, **WHY, **more})


async def sick(office: Office, **more: Any) -> Asked:
    return await ask(office, "leave.sick", {"from": str(MONDAY), "to": str(MONDAY)}, **more)


async def approve(office: Office, asked: Asked, who: Who, **more: Any) -> Asked:
    after = await decide(office.lanes, asked.request_id, "approve", who, **{**WHY, **more})
    await office.work_off()
    return after


async def trail(office: Office, request_id: UUID) -> list[tuple[int, str, str | None, str]]:
    async with office.lanes.pool.acquire() as connection:
        asked = await rows.request(connection, request_id)
    assert asked is not None
    return [(done.number, done.action, done.level, done.who.name) for done in asked.request.trail]


async def test_a_pending_request_is_no_absence_and_its_approval_makes_the_day_a_leave(office: Office) -> None:
    await office.tick(at(MONDAY, "20:00"))
    assert await office.summary(MONDAY) == ("ABSENT", ["TK"], 1)

    asked = await sick(office, document=PAPER)
    await office.work_off()
    assert await office.summary(MONDAY) == ("PENDING", [], 2)
    assert (await approve(office, asked, HEAD)).request.state == "approved"

    assert await office.summary(MONDAY) == ("LEAVE", [], 3)
    assert await trail(office, asked.request_id) == [
        (1, "request", None, str(office.employee)), (2, "approve", "atasan", "kadis-contoh")]
    told = await office.published("hadir.correction.v1")
    assert [(event["state"], event["action"], event["role"]) for event in told] == [
        ("requested", "request", "employee"), ("approved", "approve", "supervisor")]
    assert told[-1]["body"]["letter"] == "445/12/RSUD"


@pytest.mark.parametrize("end", ["reject", "withdraw"])
async def test_a_request_that_is_rejected_or_withdrawn_leaves_the_absence_as_it_was(office: Office, end: str) -> None:
    asked = await sick(office)
    await office.tick(at(MONDAY, "20:00"))
    assert await office.summary(MONDAY) == ("PENDING", [], 1)

    if end == "reject":
        await decide(office.lanes, asked.request_id, "reject", HEAD, **WHY)
    else:
        await withdraw(office.lanes, asked.request_id, Who(str(office.employee), "employee"), **WHY)
    await office.work_off()

    assert await office.summary(MONDAY) == ("ABSENT", ["TK"], 2)
    with pytest.raises(CorrectionRefused, match="sudah di"):
        await decide(office.lanes, asked.request_id, "approve", HEAD, **WHY)


async def test_a_leave_of_two_levels_needs_two_people_in_their_roles_and_never_oneself(office: Office) -> None:
    await office.tick(at(MONDAY, "06:00"))
    asked = await ask(office, "leave.annual", {"from": str(MONDAY), "to": str(MONDAY)})
    refused = (
        (Who(str(office.employee), "supervisor"), "sendiri"),
        (BKD, "atasan diputuskan oleh peran supervisor"),
        (Who("kadis-lain", "supervisor", frozenset({uuid4()})), "di luar wewenang"),
        (Who("system", "supervisor"), "sistem hanya mengusulkan"),
    )
    for who, why in refused:
        with pytest.raises(CorrectionRefused, match=why):
            await decide(office.lanes, asked.request_id, "approve", who, **WHY)

    assert (await approve(office, asked, Who("kadis-contoh", "supervisor", frozenset({office.unit})))).request.state == "requested"
    with pytest.raises(CorrectionRefused, match="dua tingkat"):
        await decide(office.lanes, asked.request_id, "approve", HEAD, **WHY)
    assert (await approve(office, asked, OFFICER)).request.state == "approved"
    await office.tick(at(MONDAY, "20:00"))
    assert await office.summary(MONDAY) == ("LEAVE", [], 1)


async def test_nobody_becomes_somebody_else_by_a_nip_a_former_nip_or_capitals(office: Office) -> None:
    former = f"{uuid4().int % 10**18:018}"
    await publish_employees(office.lanes, [office.person(former_nips=(former,))])
    own = await sick(office)
    spaced = f"{office.nip[:8]} {office.nip[8:14]} {office.nip[14]} {office.nip[15:]}"
    for name in (str(office.employee).upper(), office.nip, spaced, former):
        with pytest.raises(CorrectionRefused, match="sendiri"):
            await decide(office.lanes, own.request_id, "approve", Who(name, "supervisor"), **WHY)
    # any date: WIB, by which deputies are asked for, is on this date or the next, and the deputy is there on both
    today = dt.datetime.now(dt.UTC).date()
    deputy = Deputy(uuid4(), office.nip, "sekretaris-contoh", "supervisor", None, today, today + DAY, "cuti", "bkd-contoh")
    assert await requests.appoint(office.lanes, deputy)
    with pytest.raises(CorrectionRefused, match="sendiri"):
        await decide(office.lanes, own.request_id, "approve", Who("sekretaris-contoh", "employee"), stands_in_for=office.nip, **WHY)
    with pytest.raises(CorrectionRefused, match="orang lain"):
        await requests.appoint(office.lanes, replace(deputy, deputy_id=uuid4(), deputy=former))

    hours = {"from": at(MONDAY, "07:00").isoformat(), "to": at(MONDAY, "08:00").isoformat()}
    outage = await submit(office.lanes, uuid4(), "outage", hours, Who("Diskominfo", "admin"), org_unit_id=office.unit, **WHY)
    with pytest.raises(CorrectionRefused, match="sendiri"):
        await decide(office.lanes, outage.request_id, "approve", Who("diskominfo ", "bkd"), **WHY)
    assert (await withdraw(office.lanes, own.request_id, Who(office.nip, "employee"), **WHY)).request.state == "withdrawn"


async def test_a_deputy_stands_in_while_appointed_and_is_barred_where_the_principal_is(office: Office) -> None:
    await office.tick(at(MONDAY, "06:00"))
    # any date: WIB, by which deputies are asked for, is on this date or the next, and the deputy is there on both
    today = dt.datetime.now(dt.UTC).date()
    first, second = await sick(office), await ask(office, "leave.annual", {"from": str(MONDAY + DAY), "to": str(MONDAY + DAY)})
    stand_in = Who("sekretaris-contoh", "employee")
    with pytest.raises(CorrectionRefused, match="wakil"):
        await decide(office.lanes, first.request_id, "approve", stand_in, stands_in_for="kadis-contoh", **WHY)
    deputy = Deputy(uuid4(), "kadis-contoh", "sekretaris-contoh", "supervisor", None, today - DAY, today + DAY, "cuti", "bkd-contoh")
    assert await requests.appoint(office.lanes, deputy)
    assert not await requests.appoint(office.lanes, deputy)

    after = await decide(office.lanes, first.request_id, "approve", stand_in, stands_in_for="kadis-contoh", **WHY)
    done = after.request.trail[-1]
    assert (after.request.state, done.who.name, done.who.deputy_of) == ("approved", "sekretaris-contoh", "kadis-contoh")
    await decide(office.lanes, second.request_id, "approve", stand_in, stands_in_for="kadis-contoh", **WHY)
    with pytest.raises(CorrectionRefused, match="dua tingkat"):
        await decide(office.lanes, second.request_id, "approve", Who("kadis-contoh", "unit_officer"), **WHY)


async def test_a_forgotten_mark_holds_the_day_while_it_waits_and_counts_once_approved(office: Office) -> None:
    await office.tick(at(MONDAY, "06:00"))
    await office.mark(Mark.IN, at(MONDAY, "07:20"))
    await office.tick(at(MONDAY, "20:00"))
    assert await office.summary(MONDAY) == ("PRESENT", ["PSW4"], 2)

    with pytest.raises(CorrectionRefused, match="belum terjadi"):
        await ask(office, "forgotten-mark", {"mark": "in", "at": at(MONDAY + DAY, "07:25").isoformat()})
    asked = await ask(office, "forgotten-mark", {"mark": "out", "at": at(MONDAY, "16:05").isoformat()})
    await office.work_off()
    assert await office.summary(MONDAY) == ("HELD", [], 3)
    await approve(office, asked, HEAD)

    assert await office.summary(MONDAY) == ("PRESENT", [], 4)
    assert asked.body["nth_forgotten"] == 1


async def test_what_overlaps_is_late_or_has_no_paper_is_refused_with_a_sentence(office: Office) -> None:
    await office.tick(at(MONDAY, "20:00"))
    await sick(office)
    with pytest.raises(CorrectionRefused, match="bertumpuk dengan sick 02-02-2026 sampai 02-02-2026 yang masih diajukan"):
        await ask(office, "leave.important", {"from": str(MONDAY), "to": str(MONDAY + 2 * DAY)})
    with pytest.raises(CorrectionRefused, match="harus menyebut dokumennya"):
        await ask(office, "duty-travel", {"from": str(MONDAY + DAY), "to": str(MONDAY + DAY), "destination": "Jakarta"})
    with pytest.raises(CorrectionRefused, match="tujuannya"):
        await ask(office, "duty-travel", {"from": str(MONDAY + DAY), "to": str(MONDAY + DAY)}, document=PAPER)

    await office.tick(at(MONDAY + 4 * DAY, "08:00"))  # Friday: the fourth duty day after Monday
    with pytest.raises(CorrectionRefused, match="05-02-2026 dan sudah lewat"):
        await ask(office, "forgotten-mark", {"mark": "out", "at": at(MONDAY, "16:05").isoformat()})
    for kind, body in (
        ("integrity", {"check_ins": [str(uuid4())], "decision": "confirmed"}), ("review", {"review": str(uuid4()), "decision": "accepted"})
    ):
        with pytest.raises(CorrectionRefused, match="tidak dikenal"):
            await ask(office, kind, body)
    await office.tick(at(MONDAY + 9 * DAY, "08:00"))
    late = await ask(office, "leave.important", {"from": str(MONDAY + DAY), "to": str(MONDAY + DAY)})
    assert (late.late, [level.name for level in late.request.levels]) == (True, ["atasan", "bkd"])


@pytest.mark.parametrize(("kind", "names", "one", "other"), [
    ("integrity", "check_ins", "confirmed", "cleared"), ("review", "review", "rejected", "accepted"),
])
async def test_a_check_in_is_decided_on_once_and_turns_by_one_appeal_only(
    office: Office, kind: str, names: str, one: str, other: str
) -> None:
    mark = await office.mark(Mark.IN, at(MONDAY, "07:20"))
    named: Any = {names: str(mark.check_in_id) if kind == "review" else [str(mark.check_in_id)]}
    asked = await ask(office, kind, {**named, "decision": one})
    with pytest.raises(CorrectionRefused, match=f"masih menunggu putusan dalam permohonan {asked.request_id}"):
        await ask(office, kind, {**named, "decision": other})
    await approve(office, asked, AUDITOR if kind == "integrity" else HEAD)
    with pytest.raises(CorrectionRefused, match=f"--kind appeal --correction {asked.request_id}"):
        await ask(office, kind, {**named, "decision": other})

    appeal = await ask(office, "appeal", {"correction": str(asked.request_id)})
    with pytest.raises(CorrectionRefused, match=f"keberatan {appeal.request_id} atas hal yang sama"):
        await ask(office, "appeal", {"correction": str(asked.request_id)})


async def test_annual_leave_is_counted_in_duty_days_of_the_year_and_what_is_over_the_right_is_refused(office: Office) -> None:
    april = dt.date(2026, 4, 6)
    await ask(office, "leave.annual", {"from": str(april), "to": str(april + 18 * DAY)})  # three weeks: 15 duty days

    with pytest.raises(CorrectionRefused, match="hak 18 hari kerja, sudah diambil atau diajukan 15, diminta 5"):
        await ask(office, "leave.annual", {"from": "2026-06-01", "to": "2026-06-05"})


async def test_the_same_request_again_changes_nothing_and_another_one_under_its_id_is_refused(office: Office) -> None:
    mine = uuid4()
    first, again = await sick(office, id=mine), await sick(office, id=mine)
    assert first.requested_at == again.requested_at
    assert len(await office.published("hadir.correction.v1")) == 1
    with pytest.raises(CorrectionRefused, match="sudah dipakai"):
        await ask(office, "permission", {"date": str(MONDAY)}, id=mine)


async def test_a_declared_outage_holds_the_days_it_explains_and_amnesty_takes_the_cut_away(office: Office) -> None:
    await office.tick(at(MONDAY, "06:00"))
    await office.mark(Mark.IN, at(MONDAY, "08:12"))
    await office.mark(Mark.OUT, at(MONDAY, "16:02"))
    await office.tick(at(MONDAY, "20:00"))
    assert await office.codes(MONDAY) == ["TL2"]

    body = {"from": at(MONDAY, "07:00").isoformat(), "to": at(MONDAY, "08:10").isoformat()}
    outage = await ask(office, "outage", body, employee_id=None, org_unit_id=office.unit)
    await office.work_off()
    assert (await office.the_day(MONDAY))["status"] == "HELD"
    assert await effect(office.lanes, outage.request_id) == {("PRESENT TL2", "PRESENT"): 1}
    await approve(office, outage, BKD)

    assert ((await office.the_day(MONDAY))["status"], await office.codes(MONDAY)) == ("PRESENT", [])
    assert ("retracted", "TL2", 2) in await office.violations()


async def test_an_appeal_turns_a_refusal_over_by_other_people_than_those_who_refused(office: Office) -> None:
    await office.tick(at(MONDAY, "20:00"))
    asked = await ask(office, "leave.annual", {"from": str(MONDAY), "to": str(MONDAY)})
    with pytest.raises(CorrectionRefused, match="belum diputuskan"):
        await ask(office, "appeal", {"correction": str(asked.request_id)})
    await decide(office.lanes, asked.request_id, "reject", HEAD, **WHY)
    await office.work_off()

    appeal = await ask(office, "appeal", {"correction": str(asked.request_id)})
    with pytest.raises(CorrectionRefused, match="memutuskan semula"):
        await decide(office.lanes, appeal.request_id, "approve", Who("kadis-contoh", "bkd"), **WHY)
    await approve(office, appeal, BKD)
    await approve(office, appeal, AUDITOR)

    assert (await office.the_day(MONDAY))["status"] == "LEAVE"
    assert (await trail(office, asked.request_id))[-1] == (3, "overturn", None, "inspektur-contoh")


async def test_an_appeal_that_overturns_a_move_puts_the_person_and_the_days_back_where_they_were(office: Office) -> None:
    other = uuid4()
    await publish_org_units(office.lanes, [OrgUnitState(other, f"OPD-{other}", "RSUD", "Asia/Jakarta", office.calendar)])
    await publish_policies(office.lanes, packs(), [("POL-L", MONDAY, other)])
    moved = uuid4()
    await record_fact(office.lanes, correction_id=moved, kind="move", employee_id=office.employee, body={
        "to_unit": other, "from": MONDAY + DAY})
    await office.tick(at(MONDAY + 2 * DAY, "21:00"))
    assert [(await office.the_day(MONDAY + n * DAY))["org_unit_id"] for n in range(3)] == [str(office.unit), str(other), str(other)]

    appeal = await ask(office, "appeal", {"correction": str(moved)})
    await approve(office, appeal, BKD)
    await approve(office, appeal, AUDITOR)

    assert {(await office.the_day(MONDAY + n * DAY))["org_unit_id"] for n in range(3)} == {str(office.unit)}
    told = (await office.published("hadir.employee.v1"))[-1]
    assert [row["org_unit_id"] for row in told["memberships"]] == [str(office.unit)]


async def test_a_trail_can_be_added_to_and_never_changed(office: Office) -> None:
    asked = await sick(office)
    for change in ("update correction_trail set reason = 'lain'", "delete from correction_trail"):
        async with office.lanes.pool.acquire() as connection:
            with pytest.raises(Exception, match="append-only"):
                await connection.execute(change)
    assert len(await trail(office, asked.request_id)) == 1


async def test_a_province_sets_its_own_rules_for_requests_from_then_on(office: Office) -> None:
    await office.tick(at(MONDAY, "06:00"))
    before = await sick(office)
    own = shipped().model_copy(update={"requests": {
        **shipped().requests, "leave.sick": shipped().requests["leave.sick"].model_copy(update={"levels": ("bkd",)})}})
    assert await requests.set_rules(office.lanes, own, actor="bkd-contoh", reason="SE contoh")
    assert not await requests.set_rules(office.lanes, own, actor="bkd-contoh", reason="SE contoh")

    after = await ask(office, "leave.sick", {"from": str(MONDAY + DAY), "to": str(MONDAY + DAY)})
    assert ([level.name for level in before.request.levels], [level.name for level in after.request.levels]) == (["atasan"], ["bkd"])
    assert await requests.set_rules(office.lanes, shipped(), actor="bkd-contoh", reason="kembali")
