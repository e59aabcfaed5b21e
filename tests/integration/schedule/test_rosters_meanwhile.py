"""While a roster is loaded and checked nobody waits; what somebody changes of it meanwhile is looked at again, and refused again."""

import asyncio
import datetime as dt
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest

from services.schedule import commands, rosters, taking_force
from services.schedule.reference import CalendarState, RosterState
from services.schedule.rosters import Outdated
from services.schedule.schemes import Scope, apply_schemes
from shared.events import CalendarDay, Mode, RosterDay
from shared.refusal import Refused
from shared.topics import LANES
from tests.integration.schedule.office import DAY, MONDAY
from tests.integration.schedule.test_rosters import BKD, FEBRUARY, OPD, Unit, on, published, scheme, unit

__all__ = ["unit"]

FRIDAY = MONDAY + 4 * DAY


async def approved(unit: Unit) -> int:
    """A proposed roster, approved; returns its version."""
    row = (await rosters.draft_proposal(unit.lanes, unit.order(OPD, None))).row
    row = (await rosters.submit(unit.lanes, unit.order(OPD, row.version))).row
    return (await rosters.approve(unit.lanes, unit.order(BKD, row.version))).row.version


async def test_no_event_waits_while_a_roster_is_loaded_or_the_gate_is_asked(unit: Unit, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def letting_others_work(module: Any, name: str) -> None:
        plain = getattr(module, name)

        async def freely(*given: Any) -> Any:
            async with asyncio.timeout(20), unit.lanes.hold(range(LANES)):
                asked.append(name)
            return await plain(*given)

        monkeypatch.setattr(module, name, freely)

    letting_others_work(rosters, "view")
    letting_others_work(taking_force, "allow_rosters")
    await published(unit)

    assert asked == [*["view"] * 4, "allow_rosters"]


async def change(unit: Unit, what: str) -> None:
    """Changes something that a roster of February follows from."""
    person = unit.people[0]
    match what:
        case "somebody's roster":
            row = RosterDay(date=FRIDAY, mode=Mode.OFF)
            await commands.publish_rosters(unit.lanes, [RosterState(person.employee_id, FEBRUARY, (row,))])
        case "somebody's roster of the week before":
            row = RosterDay(date=dt.date(2026, 1, 30), mode=Mode.OFF)
            await commands.publish_rosters(unit.lanes, [RosterState(person.employee_id, dt.date(2026, 1, 1), (row,))])
        case "somebody's group":
            await commands.publish_employees(unit.lanes, [replace(person, group="pengawas")])
        case "somebody who joins":
            await commands.publish_employees(unit.lanes, [
                unit.office.person(employee_id=uuid4(), nip=f"{uuid4().int % 10**18:018}")])
        case "somebody's leave":
            await commands.record_fact(unit.lanes, correction_id=uuid4(), kind="leave", employee_id=person.employee_id,
                                       body={"kind": "annual", "from": FRIDAY, "to": FRIDAY})
        case "the scheme":
            full = scheme(quotas=[{"per": "day", "wfa": "100"}])
            scope = Scope(full.title, FEBRUARY, org_unit_id=unit.office.unit)
            await apply_schemes(unit.lanes, {full.title: full}, [scope], BKD, reason="uji")
        case "the calendar":
            holiday = CalendarDay(date=FRIDAY, name="Libur", kind="holiday", source="uji")
            await commands.publish_calendars(unit.lanes, [CalendarState(unit.office.calendar, 2026, (holiday,))])
        case _:
            raise AssertionError(what)


@pytest.mark.parametrize("what", [
    "somebody's roster", "somebody's roster of the week before", "somebody's group", "somebody who joins", "somebody's leave",
    "the scheme", "the calendar"])
async def test_what_changes_while_a_roster_is_looked_at_has_it_looked_at_again(
    unit: Unit, monkeypatch: pytest.MonkeyPatch, what: str,
) -> None:
    version, gate, asked = await approved(unit), taking_force.allow_rosters, []

    async def allow(*given: Any) -> taking_force.Cleared:
        asked.append(await gate(*given))
        if len(asked) == 1:
            await change(unit, what)
        return asked[-1]

    monkeypatch.setattr(taking_force, "allow_rosters", allow)
    stepped = await rosters.publish(unit.lanes, unit.order(BKD, version))

    assert (stepped.row.version, len(asked)) == (version + 1, 2 + (what.startswith("somebody's roster")))  # an import asks, too
    seen = await unit.see()
    assert (seen.moved, seen.breaches) == (0, stepped.breaches)


async def test_a_step_that_somebody_else_took_meanwhile_is_told_and_nothing_is_published(
    unit: Unit, monkeypatch: pytest.MonkeyPatch
) -> None:
    version, gate = await approved(unit), taking_force.allow_rosters

    async def allow(*given: Any) -> taking_force.Cleared:
        cleared = await gate(*given)
        await rosters.adjust(unit.lanes, unit.order(BKD, version), on(unit.people[0], FRIDAY, Mode.WFO))
        return cleared

    monkeypatch.setattr(taking_force, "allow_rosters", allow)
    with pytest.raises(Outdated, match=f"sekarang versi {version + 1}"):
        await rosters.publish(unit.lanes, unit.order(BKD, version))

    assert not (await unit.see()).staff.rosters
    assert [step[0] for step in await unit.trail()] == ["draft", "submit", "approve", "adjust"]


async def test_what_was_refused_is_asked_again_when_the_reason_went_away_meanwhile(unit: Unit, monkeypatch: pytest.MonkeyPatch) -> None:
    version, asked = await approved(unit), 0

    async def allow(*_: Any) -> taking_force.Cleared:
        nonlocal asked
        asked += 1
        if asked == 1:
            await change(unit, "somebody's leave")
        raise Refused(f"pertanyaan {asked}")

    monkeypatch.setattr(taking_force, "allow_rosters", allow)
    with pytest.raises(Refused, match="pertanyaan 2"):
        await rosters.publish(unit.lanes, unit.order(BKD, version))
    row = (await unit.see()).row
    assert row is not None
    assert row.state == "approved"
