"""A month's way from review to payment over HTTP: who may take which step, and that a repeated request takes none."""

import datetime as dt
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

from services.payroll.api import create_app
from services.payroll.commands import set_levels
from services.payroll.rules.signing import Level
from services.payroll.store.references import save_employees
from services.payroll.store.steps import uncovered_of
from shared.events import DayAssessed, EmployeeKind, EmployeePublished, UnitMembership
from shared.policy import Policy
from tests.calling import acting, keyed, read, refused, serving

PACK = Policy.from_content({"tk_day": "3.00"})
STEPS = "/v1/closings/2026-02/steps"


async def test_a_month_is_reviewed_signed_and_paid_once_however_often_it_is_asked(
    fresh_database: str, payroll: Any, absence: Callable[..., DayAssessed]
) -> None:
    person = uuid4()
    await payroll.publish(PACK)
    await payroll.set_ceiling(person, "2026-02", 4_000_000)
    await payroll.hear(absence(person, dt.date(2026, 2, 3), PACK))
    await set_levels(payroll.lanes, [Level(1, "BKD", "bkd"), Level(2, "Bendahara", "payroll_officer")], actor="bkd-1", reason="SK 1")

    async with serving(create_app, "payroll", fresh_database) as api:
        bkd, treasurer = acting("bkd", "bkd-2"), acting("payroll_officer", "bendahara-1")
        assert refused(await api.post(STEPS, json={"action": "sign", "reason": "ok"}, headers=bkd | keyed())) == (422, "refused")
        assert refused(await api.post(STEPS, json={"action": "review", "reason": "x"}, headers=acting("admin") | keyed()))[0] == 403
        assert (await api.post(STEPS, json={"action": "review", "reason": "akhir bulan"}, headers=bkd | keyed())).status_code == 201

        once = keyed()
        first = await api.post(STEPS, json={"action": "sign", "reason": "benar"}, headers=bkd | once)
        again = await api.post(STEPS, json={"action": "sign", "reason": "benar"}, headers=bkd | once)
        assert (first.json()["level"], first.json()["state"], again.json()) == (1, "REVIEW", first.json())
        assert refused(await api.post(STEPS, json={"action": "sign", "reason": "lagi"}, headers=bkd | keyed())) == (422, "refused")

        signed = await api.post(STEPS, json={"action": "sign", "reason": "benar"}, headers=treasurer | keyed())
        assert (signed.json()["state"], signed.json()["rupiah"], signed.json()["people"]) == ("SIGNED", 120_000, 1)
        paid = {"action": "pay", "reason": "dibayar", "reference": "SP2D 00123/2026"}
        assert (await api.post(STEPS, json=paid, headers=treasurer | keyed())).json()["state"] == "PAID"

        told = await read(api, "/closings/2026-02")
        assert [(one["level"], one["signed_by"]) for one in told["levels"]] == [(1, "bkd-2"), (2, "bendahara-1")]
        assert [one["action"] for one in told["steps"]] == ["review", "sign", "sign", "pay"]
        assert told["figures"] == told["steps"][2]["figures"]
        assert [(one["month"], one["state"]) for one in (await read(api, "/closings"))["items"]] == [("2026-02", "PAID")]

    await payroll.freeze()
    assert (await payroll.month(person))["closed"] is True


async def test_a_month_with_people_who_have_no_ceiling_is_signed_only_by_who_says_so_and_that_is_on_record(
    fresh_database: str, payroll: Any, absence: Callable[..., DayAssessed], day: Callable[..., DayAssessed]
) -> None:
    covered, charged, clean, nobody = (UUID(int=number) for number in range(1, 5))
    office, hospital = UUID(int=20), UUID(int=30)
    await payroll.publish(PACK)
    await payroll.set_ceiling(covered, "2026-02", 4_000_000)
    async with payroll.lanes.pool.acquire() as connection:
        await save_employees(connection, [
            EmployeePublished(
                employee_id=person, version=1, nip=f"{person.int:018}", name="Contoh", kind=EmployeeKind.PNS, group="pelaksana",
                memberships=moves, timezone="Asia/Jakarta",
            )
            for person, moves in (
                (covered, (UnitMembership(since=dt.date(2026, 1, 1), org_unit_id=office),)),
                (charged, (UnitMembership(since=dt.date(2026, 1, 1), org_unit_id=office),
                           UnitMembership(since=dt.date(2026, 2, 28), org_unit_id=hospital),
                           UnitMembership(since=dt.date(2026, 3, 1), org_unit_id=office))),
                (clean, (UnitMembership(since=dt.date(2026, 1, 1), org_unit_id=hospital),)),
            )
        ])  # fmt: skip
    for person in (covered, charged, nobody):
        await payroll.hear(absence(person, dt.date(2026, 2, 3), PACK))
    await payroll.hear(day(clean, dt.date(2026, 2, 3), PACK))

    async with serving(create_app, "payroll", fresh_database) as api:
        assert (await api.post(STEPS, json={"action": "review", "reason": "akhir bulan"}, headers=keyed())).status_code == 201
        told = (await read(api, "/closings/2026-02"))["without_ceiling"]
        assert [(one["org_unit_id"], one["people"], one["charged"], one["nip"]) for one in told] == [
            (str(hospital), 2, 1, f"{charged.int:018}"), (None, 1, 1, None),
        ]  # fmt: skip
        seen = await read(api, "/closings/2026-02", acting("admin"))
        assert [one["nip"] for one in seen["without_ceiling"]] == [None, None]
        months = await read(api, "/months", month="2026-02", without_ceiling=True)
        assert [one["employee_id"] for one in months["items"]] == [str(one) for one in (charged, clean, nobody)]

        sign = {"action": "sign", "reason": "SK Sekda 900/12"}
        key = keyed()
        answer = await api.post(STEPS, json=sign, headers=key)
        assert refused(answer) == (422, "ceilings-missing")
        problem = answer.json()
        assert problem["detail"].startswith("3 pegawai belum berpagu TPP bulan 2026-02")
        assert "2 di antaranya terkena potongan" in problem["detail"]
        assert [one["field"] for one in problem["errors"]] == [f"org_units.{hospital}", "org_units.?"]
        assert f"NIP {charged.int:018}" in problem["errors"][0]["detail"]
        assert (await read(api, "/closings/2026-02"))["state"] == "REVIEW"

        signed = await api.post(STEPS, json=sign | {"despite_missing_ceilings": True}, headers=keyed())
        assert (signed.status_code, signed.json()["state"], signed.json()["uncovered"]) == (201, "SIGNED", 3)
        assert [one["uncovered"] for one in (await read(api, "/closings/2026-02"))["steps"]] == [None, 3]
    [audit] = await payroll.fetch(
        "select convert_from(value, 'utf8')::jsonb -> 'detail' ->> 'uncovered' as said, convert_from(value, 'utf8')::jsonb -> 'detail' ->>"
        " 'reason' as reason from outbox where topic = 'hadir.payroll.audit.v1' and convert_from(value, 'utf8') like '%month.signed%'"
    )
    assert (audit["said"], audit["reason"]) == ("3", "SK Sekda 900/12")

    # A ceiling that comes afterwards brings what was not charged, as a supplement, which waits for a ceiling in its turn.
    await payroll.freeze()
    await payroll.set_ceiling(charged, "2026-02", 2_000_000)
    entries = "select month, amount from ledger where employee_id = $1 order by number"
    assert [tuple(row) for row in await payroll.fetch(entries, charged)] == [("2026-03", 60_000), ("2026-03", -60_000)]
    async with payroll.lanes.pool.acquire() as connection:
        [bare] = await uncovered_of(connection, "2026-03", "")
    assert (bare.org_unit_id, bare.people, bare.charged, bare.employee_id) == (office, 1, 0, charged)


async def test_bkd_sets_who_signs_and_not_while_a_month_is_under_review(
    fresh_database: str, payroll: Any, absence: Callable[..., DayAssessed]
) -> None:
    await payroll.publish(PACK)
    await payroll.hear(absence(uuid4(), dt.date(2026, 2, 3), PACK))
    asked = {"levels": [{"name": "Kepala BKD", "role": "bkd"}, {"name": "Bendahara", "role": "payroll_officer"}], "reason": "Pergub 5/2026"}
    async with serving(create_app, "payroll", fresh_database) as api:
        path = "/v1/signing-levels"
        assert await read(api, "/signing-levels") == {"levels": []}
        assert refused(await api.put(path, json=asked, headers=acting("payroll_officer") | keyed())) == (403, "forbidden")
        wrong = {**asked, "levels": [{"name": "Siapa", "role": "employee"}]}
        assert refused(await api.put(path, json=wrong, headers=keyed())) == (422, "invalid-request")
        assert (await api.put(path, json=asked, headers=keyed())).json()["levels"] == asked["levels"]
        assert (await read(api, "/signing-levels", acting("payroll_officer")))["levels"] == asked["levels"]

        assert (await api.post(STEPS, json={"action": "review", "reason": "akhir bulan"}, headers=keyed())).status_code == 201
        late = await api.put(path, json={"levels": [], "reason": "salah"}, headers=keyed())
        assert refused(late) == (422, "refused")
        assert "bulan 2026-02 sedang diperiksa" in late.json()["detail"]
