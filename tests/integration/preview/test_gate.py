"""The gate: no change inside an open check-in window, none unseen where it concerns many, none by one person alone."""

import datetime as dt
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from typer.testing import CliRunner

from services.commands.preview import app
from services.geofence.importer import Moving
from services.geofence.store.sites import SiteRow
from services.preview.gate import sites_gate
from services.schedule import commands
from services.schedule.digests import calendar_digest, policy_digest
from services.schedule.previewing import approve_preview, record_preview, set_limits
from services.schedule.reference import CalendarState, EmployeeState, Membership, OrgUnitState, RosterState
from services.schedule.rules.taking_force import Limits
from services.schedule.store import previews
from shared.events import CalendarDay, EmployeeKind, Mode, RosterDay
from shared.policy import Policy
from shared.refusal import Refused
from tests.integration.preview.town import DAY, MONDAY, PACKS, WIB, Town

EARLIER = Policy.from_content({**PACKS["POL-A"].content(), "seconds": "strict"})
SEVEN_TEN = dt.datetime.combine(MONDAY + DAY, dt.time(7, 10), WIB)
NOON = dt.datetime.combine(MONDAY + DAY, dt.time(12), WIB)
FOUND: dict[str, Any] = {"people_changed": 1, "rupiah_more": 10, "rupiah_less": 0}

Put = Callable[[dt.datetime], Awaitable[object]]


def somebody(employee_id: UUID, unit: UUID) -> EmployeeState:
    """Somebody invented, by the real clock, of a unit since Monday."""
    return EmployeeState(employee_id, f"{uuid4().int % 10**18:018}", "Contoh Sintetis", EmployeeKind.PNS, "pelaksana", "Asia/Jakarta",
                         (Membership(MONDAY, unit),))


@pytest.fixture
async def real(town: Town) -> Town:
    """The town with people who live by the real clock."""
    await commands.publish_org_units(town.schedule, [
        OrgUnitState(unit, f"OPD-{unit}", "Dinas", "Asia/Jakarta", town.calendar) for unit in town.units])
    await commands.publish_policies(town.schedule, PACKS, [("POL-A", MONDAY, unit) for unit in town.units])
    await commands.publish_employees(town.schedule, [
        somebody(person, town.units[0]) for person in town.people])
    await set_limits(town.schedule, Limits(), "kepala-bkd", "SE 1")
    return town


def earlier_start(town: Town, since: dt.date, actor: str = "operator") -> Put:
    return lambda now: commands.publish_policies(town.schedule, {"baru": EARLIER}, [("baru", since, town.units[0])], actor, now)


def holiday(town: Town, date: dt.date) -> CalendarState:
    return CalendarState(town.calendar, 2026, (CalendarDay(date=date, name="Libur", kind="holiday", source="uji"),))


def hours(town: Town, date: dt.date) -> list[RosterState]:
    day = RosterDay(date=date, mode=Mode.WFO, start="07:00", end="15:30")
    return [RosterState(town.people[0], date.replace(day=1), (day,))]


async def audited(town: Town, action: str) -> int:
    async with town.schedule.pool.acquire() as connection:
        return int(await connection.fetchval(
            "select count(*) from outbox where topic = 'hadir.schedule.audit.v1' and convert_from(value, 'UTF8')::jsonb->>'action' = $1",
            action))


async def test_rules_that_change_while_people_check_in_are_refused_with_the_time_from_which_they_may(real: Town) -> None:
    changes: list[Put] = [
        earlier_start(real, MONDAY + DAY),
        lambda now: commands.publish_calendars(real.schedule, [holiday(real, MONDAY + DAY)], now=now),
        lambda now: commands.publish_rosters(real.schedule, hours(real, MONDAY + DAY), now=now),
    ]
    for put in changes:
        with pytest.raises(Refused, match=r"Ulangi mulai 2026-02-03 09:(00|30) WIB, atau (berlakukan|ubah hanya) .* sesudah hari ini"):
            await put(SEVEN_TEN)
    assert [await audited(real, action) for action in ("publish-calendars", "publish-rosters")] == [0, 0]
    for put in changes:
        await put(NOON)


async def test_a_change_from_tomorrow_on_may_be_made_at_any_time(real: Town) -> None:
    tomorrow = MONDAY + 2 * DAY
    await earlier_start(real, tomorrow)(SEVEN_TEN)
    await commands.publish_calendars(real.schedule, [holiday(real, tomorrow)], now=SEVEN_TEN)
    await commands.publish_rosters(real.schedule, hours(real, tomorrow), now=SEVEN_TEN)


async def test_on_a_day_off_no_window_is_open(real: Town) -> None:
    sunday = dt.datetime.combine(MONDAY + 6 * DAY, dt.time(7, 10), WIB)

    await earlier_start(real, sunday.date())(sunday)


async def test_where_no_pack_held_before_nobody_is_surprised(real: Town) -> None:
    fresh = uuid4()
    await commands.publish_org_units(real.schedule, [OrgUnitState(fresh, f"OPD-{fresh}", "Baru", "Asia/Jakarta", real.calendar)])

    await commands.publish_policies(real.schedule, {"baru": EARLIER}, [("baru", MONDAY, fresh)], now=SEVEN_TEN)


async def test_people_of_a_unit_below_are_not_surprised_either(real: Town) -> None:
    agency, below = uuid4(), uuid4()
    await commands.publish_org_units(real.schedule, [real.unit(agency), real.unit(below, agency)])
    await commands.publish_policies(real.schedule, PACKS, [("POL-A", MONDAY, agency)])
    await commands.publish_employees(real.schedule, [somebody(uuid4(), below)])

    def put(now: dt.datetime) -> Awaitable[object]:
        return commands.publish_policies(real.schedule, {"baru": EARLIER}, [("baru", MONDAY + DAY, agency)], now=now)

    with pytest.raises(Refused, match="kebijakan ini mengubah hari"):
        await put(SEVEN_TEN)
    await put(NOON)


async def test_a_unit_moves_under_another_pack_not_while_people_check_in_even_by_way_of_a_new_unit(real: Town) -> None:
    agency, other, branch, below = uuid4(), uuid4(), uuid4(), uuid4()
    await commands.publish_org_units(real.schedule, [real.unit(agency), real.unit(other), real.unit(below, agency)])
    await commands.publish_policies(real.schedule, PACKS | {"baru": EARLIER}, [("POL-A", MONDAY, agency), ("baru", MONDAY, other)])
    await commands.publish_employees(real.schedule, [somebody(uuid4(), below)])

    def put(now: dt.datetime) -> Awaitable[object]:
        return commands.publish_org_units(real.schedule, [real.unit(branch, other), real.unit(below, branch)], now=now)

    with pytest.raises(Refused, match="unit kerja induk ini mengubah hari"):
        await put(SEVEN_TEN)
    await set_limits(real.schedule, Limits(free_people=0), "kepala-bkd", "SE 1")
    with pytest.raises(Refused, match="hadir preview org-units"):
        await put(NOON)
    await set_limits(real.schedule, Limits(), "kepala-bkd", "SE 1")
    await put(NOON)


async def test_a_pack_dated_before_any_held_meets_the_gate_for_the_one_that_holds_by_now(real: Town) -> None:
    agency, below = uuid4(), uuid4()
    await commands.publish_org_units(real.schedule, [real.unit(agency), real.unit(below, agency)])
    await commands.publish_policies(real.schedule, PACKS, [("POL-A", MONDAY, agency)])
    await commands.publish_employees(real.schedule, [somebody(uuid4(), below)])

    with pytest.raises(Refused, match="kebijakan ini mengubah hari"):
        await commands.publish_policies(real.schedule, {"baru": EARLIER}, [("baru", MONDAY - 7 * DAY, below)], now=SEVEN_TEN)


async def test_a_fence_does_not_move_while_people_check_in(real: Town) -> None:
    def site(radius: float) -> SiteRow:
        return SiteRow(
            site_id=uuid4(), code="KANTOR", name="Kantor", kind="office", geometry={"type": "Point", "coordinates": [102.26, -3.79]},
            radius_m=radius, org_unit_ids=(real.units[0],), employee_ids=(), valid_from=None, valid_to=None, letter=None,
            accuracy_cap_m=None, max_accuracy_m=None, outside_factor=None,
        )

    smaller = Moving((site(15.0),), (site(100.0),), ())
    with pytest.raises(Refused, match="Ulangi mulai 2026-02-03 09:30 WIB"):
        await sites_gate(real.url, "operator", SEVEN_TEN)(smaller)
    await sites_gate(real.url, "operator", NOON)(smaller)
    await sites_gate(real.url, "operator", SEVEN_TEN)(Moving((site(15.0),), (), ()))


async def preview_of(town: Town, digest: str, actor: str, found: dict[str, Any] = FOUND, *, whole: bool = True) -> UUID:
    preview, _ = await record_preview(
        town.schedule, kind="policy", digest=digest, title="uji", first=MONDAY, last=MONDAY, whole=whole, found=found, actor=actor)
    return preview.preview_id


async def test_a_change_that_concerns_many_needs_a_preview_of_that_very_change(real: Town) -> None:
    await set_limits(real.schedule, Limits(free_people=0), "kepala-bkd", "SE 1")
    # any date: what changes does so in a month; no window of that day is open
    now = dt.datetime.now(dt.UTC)
    since = now.date() + 30 * DAY
    put = earlier_start(real, since)
    digest = policy_digest([(real.units[0], since, EARLIER.identity)])
    with pytest.raises(Refused, match="belum ada pratinjaunya"):
        await put(now)
    await preview_of(real, policy_digest([(real.units[1], since, EARLIER.identity)]), "petugas")
    await preview_of(real, digest, "petugas", whole=False)
    with pytest.raises(Refused, match="belum ada pratinjaunya"):
        await put(now)
    await preview_of(real, digest, "petugas")
    with pytest.raises(Refused, match="belum ada pratinjaunya"):
        await put(now + 8 * DAY)
    await put(now)


async def test_above_the_limit_two_others_must_have_seen_it(real: Town) -> None:
    await set_limits(real.schedule, Limits(free_people=0, people=0), "kepala-bkd", "SE 1")
    # any date: what changes does so in a month; no window of that day is open
    now = dt.datetime.now(dt.UTC)
    since = now.date() + 30 * DAY
    digest = policy_digest([(real.units[0], since, EARLIER.identity)])
    preview = await preview_of(real, digest, "petugas")
    put = earlier_start(real, since, "petugas")
    with pytest.raises(Refused, match="minta orang kedua menyetujui"):
        await put(now)
    with pytest.raises(Refused, match="orang lain"):
        await approve_preview(real.schedule, preview, "Petugas ", "sudah saya lihat")
    with pytest.raises(Refused, match="alasan"):
        await approve_preview(real.schedule, preview, "kepala-bkd", "  ")
    for _ in range(2):
        await approve_preview(real.schedule, preview, "kepala-bkd", "ND 800/12")
    for name in ("kepala-bkd", " Kepala-BKD"):
        with pytest.raises(Refused, match=r"Anda sendiri yang menyetujui .* minta petugas, yang membuat pratinjaunya"):
            await earlier_start(real, since, name)(now)
    await put(now)
    assert await audited(real, "approve-preview") == 1


async def test_nobody_approves_what_is_unknown_or_only_a_part(real: Town) -> None:
    part = await preview_of(real, "0" * 64, "petugas", whole=False)

    with pytest.raises(Refused, match="sebagian unit"):
        await approve_preview(real.schedule, part, "kepala-bkd", "ya")
    with pytest.raises(Refused, match="tidak dikenal"):
        await approve_preview(real.schedule, uuid4(), "kepala-bkd", "ya")


async def test_a_holiday_in_the_past_needs_a_preview_and_one_in_the_future_does_not(real: Town) -> None:
    await set_limits(real.schedule, Limits(free_people=0), "kepala-bkd", "SE 1")
    now = dt.datetime.combine(MONDAY + 4 * DAY, dt.time(12), WIB)
    await commands.publish_calendars(real.schedule, [holiday(real, MONDAY + 8 * DAY)], now=now)
    past = CalendarState(real.calendar, 2026, (
        CalendarDay(date=MONDAY + DAY, name="Libur", kind="holiday", source="uji"), *holiday(real, MONDAY + 8 * DAY).days))
    with pytest.raises(Refused, match="hadir preview calendar"):
        await commands.publish_calendars(real.schedule, [past], now=now)
    await record_preview(
        real.schedule, kind="calendar", digest=calendar_digest([past]), title="uji", first=MONDAY, last=MONDAY, whole=True, found=FOUND,
        actor="petugas")
    await commands.publish_calendars(real.schedule, [past], now=dt.datetime.now(dt.UTC))


async def test_a_day_is_past_when_it_is_over_in_the_east_though_it_is_not_yet_in_utc(real: Town) -> None:
    await set_limits(real.schedule, Limits(free_people=0), "kepala-bkd", "SE 1")
    after_midnight = dt.datetime.combine(MONDAY + DAY, dt.time(0, 30), WIB)
    with pytest.raises(Refused, match="hadir preview calendar"):
        await commands.publish_calendars(real.schedule, [holiday(real, MONDAY)], now=after_midnight.astimezone(dt.UTC))
    await commands.publish_calendars(real.schedule, [holiday(real, MONDAY + DAY)], now=after_midnight.astimezone(dt.UTC))


def test_the_command_plays_records_and_tells(town_database: str, tmp_path: Path) -> None:
    pack = tmp_path / "pack.yaml"
    pack.write_text("BARU: {legal_source: Perbup Contoh 1/2026, tk_day: '3'}\n")

    def run(*arguments: object) -> Any:
        return CliRunner().invoke(app, [*map(str, arguments), "--database", town_database])

    told = run("policy", pack, "--days", 3, "--until", "2026-02-04", "--processes", 1, "--json", "--actor", "petugas")
    assert told.exit_code == 0, told.output
    result = json.loads(told.stdout)
    assert (result["first"], result["last"], result["kind"]) == ("2026-02-02", "2026-02-04", "policy")
    assert result["people_looked_at"] >= 0
    listed = run("list").stdout
    assert result["preview_id"] in listed
    assert "petugas: policy BARU@2026-02-02" in listed
    table = run("policy", pack, "--days", 3, "--until", "2026-02-04", "--processes", 1).stdout
    assert "employee-days looked at" in table
    assert "kept as preview" in table
    refused = run("approve", result["preview_id"], "--actor", "petugas", "--reason", "ya")
    assert (refused.exit_code, "orang lain" in refused.stderr) == (1, True)
    assert run("approve", result["preview_id"], "--actor", "kepala-bkd", "--reason", "ya").exit_code == 0
    assert "a preview counts for" in run("limits").stdout
    who, why = ("--actor", "kepala-bkd"), ("--reason", "SK 800/12")
    for given, code, word in (((), 2, "--actor"), (who, 2, "--reason"), ((*who, *why, "--role", "admin"), 1, "yang boleh: bkd")):
        refused = run("limits", "--people", 7, *given)
        assert (refused.exit_code, word in refused.stderr) == (code, True)
    assert "second approver      above 7 employees" in run("limits", "--people", 7, *who, *why).stdout
    assert run("policy", pack, "--unit", "TIDAK-ADA").exit_code == 1


async def test_limits_are_kept(real: Town) -> None:
    await set_limits(real.schedule, Limits(1, 2, 3, 4), "kepala-bkd", "SE 1")

    async with real.schedule.pool.acquire() as connection:
        assert await previews.limits(connection) == Limits(1, 2, 3, 4)
        [told] = await connection.fetch(
            """select detail->>'reason' as reason, detail->'former'->>'people' as former
               from (select convert_from(value, 'UTF8')::jsonb->'detail' as detail from outbox where topic = 'hadir.schedule.audit.v1') o
               where detail->>'people' = '2' and detail ? 'former'""")
    assert (told["reason"], told["former"]) == ("SE 1", "500")
