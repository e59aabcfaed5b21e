"""A preview says before what the change does after: to the rupiah, for everybody, and nothing where nothing changes."""

import asyncio
import datetime as dt
import random
from dataclasses import replace
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from services.preview.asking import org_units_change
from services.preview.change import Change, Window
from services.preview.playing import play
from services.preview.result import Found, UnitTotal
from services.schedule import commands
from services.schedule.digests import calendar_digest, org_units_digest, policy_digest, roster_digest
from services.schedule.importer.apply import take_org_units
from services.schedule.memory import Memory
from services.schedule.reference import CalendarState, OrgUnitState, RosterState
from shared.events import CalendarDay, Mode, RosterDay
from tests.integration.preview.town import DAY, MONDAY, PACKS, Town, with_price


def policy_change(town: Town, name: str, since: dt.date, units: list[UUID] | None = None) -> Change:
    pack = PACKS[name]
    scopes = tuple((unit, since, pack.identity) for unit in units or town.units)
    return Change("policy", name, policy_digest(scopes), policies={pack.identity: pack}, scopes=scopes)


async def compare(town: Town, found: Found, before: dict[UUID, int]) -> None:
    """The preview's sums and cases against what became of everybody."""
    after = await town.amounts()
    moved = {person: after[person] - before[person] for person in town.people if after[person] != before[person]}
    assert {case.employee_id: case.delta for case in found.worst} == moved
    for unit in town.units:
        mine = [delta for person, delta in moved.items() if town.unit_of(person) == unit]
        total = found.units.get(unit, UnitTotal())
        assert (total.more, total.less) == (sum(max(delta, 0) for delta in mine), sum(max(-delta, 0) for delta in mine))


@pytest.mark.parametrize("name", ["POL-B", "POL-C", "POL-F", "POL-I", "POL-K"])
async def test_another_pack_costs_what_its_preview_said(town: Town, name: str) -> None:
    town.chance = random.Random(name)
    await town.set_up(days=12)
    since = MONDAY + 3 * DAY
    before = await town.amounts()

    found = await asyncio.to_thread(town.preview, policy_change(town, name, since))
    await commands.publish_policies(town.schedule, PACKS, [(name, since, unit) for unit in town.units])
    await town.settle()

    assert found.total.people > 0
    await compare(town, found, before)


async def test_who_pays_a_decided_cut_as_well_pays_it_before_and_after(town: Town) -> None:
    await town.set_up(days=5)
    for person in town.people[:4]:
        await town.cut(person)
    before = await town.amounts()

    found = await asyncio.to_thread(town.preview, policy_change(town, "POL-L", MONDAY))
    await commands.publish_policies(town.schedule, PACKS, [("POL-L", MONDAY, unit) for unit in town.units])
    await town.settle()

    assert {case.employee_id for case in found.worst} & {*town.people[:4]}
    await compare(town, found, before)


async def test_a_window_that_closes_earlier_costs_even_who_was_in_time(town: Town) -> None:
    await town.set_up(days=5)
    before = await town.amounts()
    window = {"open": "05:00", "close": "07:24", "after_close": "refuse"}
    narrow = with_price(PACKS["POL-A"], in_window=window, tl=[], psw=[])
    scopes = tuple((unit, MONDAY, narrow.identity) for unit in town.units)

    found = await asyncio.to_thread(
        town.preview, Change("policy", "narrow", policy_digest(scopes), policies={narrow.identity: narrow}, scopes=scopes))
    await commands.publish_policies(town.schedule, {"narrow": narrow}, [("narrow", MONDAY, unit) for unit in town.units])
    await town.settle()

    assert found.total.more > 0
    await compare(town, found, before)


async def test_a_change_for_one_unit_leaves_the_other_alone(town: Town) -> None:
    await town.set_up(days=5)
    before = await town.amounts()

    found = await asyncio.to_thread(town.preview, policy_change(town, "POL-L", MONDAY, town.units[:1]))
    await commands.publish_policies(town.schedule, PACKS, [("POL-L", MONDAY, town.units[0])])
    await town.settle()

    assert set(found.units) == {town.units[0]}
    await compare(town, found, before)


async def test_a_pack_of_an_agency_is_previewed_for_the_units_below_it_as_well(town: Town) -> None:
    town.above = {town.units[1]: town.units[0]}
    await town.set_up(days=5)
    before = await town.amounts()

    found = await asyncio.to_thread(town.preview, policy_change(town, "POL-L", MONDAY, town.units[:1]))
    await commands.publish_policies(town.schedule, PACKS, [("POL-L", MONDAY, town.units[0])])
    await town.settle()

    assert (set(found.units), found.people) == ({*town.units}, len(town.people))
    await compare(town, found, before)


async def test_another_unit_above_by_way_of_a_new_one_costs_what_its_preview_said(town: Town, tmp_path: Path) -> None:
    town.above = {town.units[1]: town.units[0]}
    await town.set_up(days=5)
    agency, branch = town.unit(uuid4()), f"CABANG-{town.calendar}"
    holiday = CalendarDay(date=dt.date(2026, 1, 1), name="Tahun baru", kind="holiday", source="uji")
    await commands.publish_calendars(town.schedule, [CalendarState(town.calendar, 2026, (holiday,))])
    await commands.publish_org_units(town.schedule, [agency])
    await commands.publish_policies(town.schedule, PACKS, [("POL-L", MONDAY, agency.org_unit_id)])
    before = await town.amounts()
    file = tmp_path / "opd.csv"
    file.write_text(
        f"code,name,timezone,calendar,parent\n{branch},Dinas,WIB,{town.calendar},{agency.code}\n"
        f"OPD-{town.units[1]},Dinas,WIB,{town.calendar},{branch}\n")
    async with town.schedule.pool.acquire() as connection, connection.transaction():
        change, again = [await org_units_change(connection, file) for _ in range(2)]
    assert change.digest == again.digest  # though the new unit has no id yet
    assert (change.kind, change.title) == ("org-units", f"OPD-{town.units[1]}: {town.calendar} < {branch}")

    found = await asyncio.to_thread(town.preview, change)
    assert (await take_org_units(town.schedule, file)).applied
    await town.settle()

    assert set(found.units) == {town.units[1]}
    await compare(town, found, before)


async def test_what_is_in_force_already_changes_nothing(town: Town) -> None:
    await town.set_up(days=5)

    found = await asyncio.to_thread(town.preview, policy_change(town, "POL-A", MONDAY))

    assert (found.judged, found.total, found.worst) == (0, UnitTotal(), ())
    assert (found.people, found.days) == (len(town.people), 5 * len(town.people))


async def test_the_same_rules_in_other_words_are_judged_anew_and_cost_nobody_anything(town: Town) -> None:
    await town.set_up(days=5)
    same = with_price(PACKS["POL-A"], note="said differently")
    scopes = tuple((unit, MONDAY, same.identity) for unit in town.units)

    found = await asyncio.to_thread(
        town.preview, Change("policy", "same", policy_digest(scopes), policies={same.identity: same}, scopes=scopes))

    assert found.judged == 5 * len(town.people)
    assert found.total == UnitTotal()


async def test_a_holiday_takes_back_what_its_preview_said(town: Town) -> None:
    await town.set_up(days=9)
    before = await town.amounts()
    holiday = CalendarState(town.calendar, 2026, (CalendarDay(date=MONDAY + 2 * DAY, name="Libur", kind="holiday", source="uji"),))

    found = await asyncio.to_thread(town.preview, Change(
        "calendar", "libur", calendar_digest([holiday]), calendars=(holiday,), touched=frozenset({MONDAY + 2 * DAY}),
        reached=frozenset(town.units)))
    await commands.publish_calendars(town.schedule, [holiday])
    await town.settle()

    assert found.total.more == 0
    assert found.total.less > 0
    await compare(town, found, before)


async def test_another_calendar_of_a_unit_takes_back_what_its_preview_said(town: Town, tmp_path: Path) -> None:
    await town.set_up(days=9)
    before = await town.amounts()
    other, unit = f"cal-{uuid4()}", town.units[0]
    await commands.publish_calendars(town.schedule, [
        CalendarState(other, 2026, (CalendarDay(date=MONDAY + 2 * DAY, name="Libur", kind="holiday", source="uji"),))])
    file = tmp_path / "opd.csv"
    file.write_text(f"code,name,timezone,calendar\nOPD-{unit},Dinas,WIB,{other}\nOPD-{town.units[1]},Dinas,WIB,{town.calendar}\n")
    async with town.schedule.pool.acquire() as connection, connection.transaction():
        change = await org_units_change(connection, file)
        moved = OrgUnitState(unit, f"OPD-{unit}", "Dinas", "Asia/Jakarta", other)
        after = (await Memory().current(connection)).changed(units=[moved])
    assert (change.digest, change.reached) == (org_units_digest([moved], after), frozenset({unit}))

    found = await asyncio.to_thread(town.preview, change)
    await commands.publish_org_units(town.schedule, [moved])
    await town.settle()

    assert found.total.less > 0
    await compare(town, found, before)


async def test_other_hours_by_roster_cost_what_their_preview_said(town: Town) -> None:
    await town.set_up(days=9)
    before = await town.amounts()
    rosters = [
        RosterState(person, MONDAY.replace(day=1), (
            RosterDay(date=MONDAY + DAY, mode=Mode.WFO, start="07:00", end="15:00"), RosterDay(date=MONDAY + 3 * DAY, mode=Mode.OFF)))
        for person in town.people[:5]
    ]

    found = await asyncio.to_thread(town.preview, Change(
        "roster", "lima orang", roster_digest(rosters), rosters=tuple(rosters), touched=frozenset({MONDAY + DAY, MONDAY + 3 * DAY})))
    await commands.publish_rosters(town.schedule, rosters)
    await town.settle()

    assert found.people == 5
    assert found.total.people > 0
    await compare(town, found, before)


async def test_a_change_of_tomorrow_is_tried_on_yesterday(town: Town) -> None:
    await town.set_up(days=5)
    future = policy_change(town, "POL-B", town.last + 30 * DAY)
    now = policy_change(town, "POL-B", MONDAY)

    tried, real = [await asyncio.to_thread(town.preview, change) for change in (future, now)]

    assert tried.total == real.total != UnitTotal()


async def test_two_processes_find_what_one_finds(town: Town) -> None:
    await town.set_up(days=5)
    change = replace(policy_change(town, "POL-B", MONDAY), clock=town.clock)
    window, now = Window(MONDAY, town.last), dt.datetime.now(dt.UTC)

    alone = await asyncio.to_thread(play, town.url, change, window, now, processes=1)
    both = await asyncio.to_thread(play, town.url, change, window, now, processes=2)

    assert (both.found.units, both.found.worst, both.found.days) == (alone.found.units, alone.found.worst, alone.found.days)


async def test_invented_people_are_counted_only_where_their_clock_is_asked_for(town: Town) -> None:
    await town.set_up(days=2)
    change, window, now = policy_change(town, "POL-L", MONDAY), Window(MONDAY, town.last), dt.datetime.now(dt.UTC)

    real = await asyncio.to_thread(play, town.url, change, window, now, processes=1)
    invented = await asyncio.to_thread(town.preview, change)

    assert (real.found.people, real.found.days, real.found.total) == (0, 0, UnitTotal())
    assert (invented.people, invented.days) == (len(town.people), 2 * len(town.people))
