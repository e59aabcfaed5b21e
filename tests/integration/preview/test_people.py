"""Changes of people: what their preview says is what comes of them, and many at once are never unseen."""

import asyncio
import csv
import datetime as dt
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from services.preview.asking import employees_change, read_change
from services.preview.change import Change
from services.preview.result import UnitTotal
from services.schedule import commands
from services.schedule.digests import employees_digest
from services.schedule.importer import import_employees
from services.schedule.importer.people import EMPLOYEE_COLUMNS, person_rows
from services.schedule.previewing import approve_preview, record_preview, set_limits
from services.schedule.reference import EmployeeState, RosterState, WeekPatternState
from services.schedule.rules.taking_force import Limits
from services.schedule.store import reference_rows as rows
from shared.events import EmployeeKind, Mode, RosterDay
from shared.refusal import Refused
from tests.integration.preview.test_gate import FOUND, NOON, SEVEN_TEN, real
from tests.integration.preview.test_previews import compare
from tests.integration.preview.town import DAY, MONDAY, PACKS, Town

__all__ = ["real"]


async def people(town: Town) -> list[EmployeeState]:
    async with town.schedule.pool.acquire() as connection:
        known = await rows.employees(connection, town.people)
    return [known[person].state for person in town.people]


async def change(town: Town, folder: Path, changed: list[EmployeeState]) -> Change:
    """The change as an officer's file says it."""
    async with town.schedule.pool.acquire() as connection:
        codes = {unit: kept.state.code for unit, kept in (await rows.units(connection)).items()}
    file = folder / "pegawai.csv"
    with file.open("w", newline="") as out:
        told = csv.DictWriter(out, [*EMPLOYEE_COLUMNS[0], *EMPLOYEE_COLUMNS[1]])
        told.writeheader()
        told.writerows(row for person in changed for row in person_rows(person, codes))
    return await read_change(town.url, lambda connection: employees_change(connection, file), ())


def moved(since: dt.date) -> Callable[[Town, EmployeeState], EmployeeState]:
    return lambda town, one: one.joined(since, town.units[1])


CHANGES: dict[str, Callable[[Town, EmployeeState], EmployeeState]] = {
    "a move to a unit under another pack": moved(MONDAY + 3 * DAY),
    "another week": lambda town, one: one.working(MONDAY + 2 * DAY, town.calendar[:20]),
    "another group": lambda _, one: replace(one, group="functional"),
    "another zone": lambda _, one: one.zoned(MONDAY + 3 * DAY, "Asia/Makassar"),
    "service that ended": lambda _, one: replace(one, until=MONDAY + 4 * DAY),
}


@pytest.mark.parametrize("name", CHANGES)
async def test_a_change_of_people_costs_what_its_preview_said(town: Town, tmp_path: Path, name: str) -> None:
    await town.set_up(days=9, pack="POL-D" if name == "another group" else "POL-A")
    await commands.publish_policies(town.schedule, PACKS, [("POL-L", MONDAY, town.units[1])])
    hours = dict.fromkeys(("mon", "tue", "wed", "thu"), ("07:00", "15:30"))
    await commands.publish_weeks(town.schedule, [WeekPatternState(town.calendar[:20], "Pagi", hours, "uji")])
    await town.settle()
    before = await town.amounts()
    half = [CHANGES[name](town, person) for person in (await people(town))[::2]]

    found = await asyncio.to_thread(town.preview, await change(town, tmp_path, half))
    await commands.publish_employees(town.schedule, half)
    await town.settle()

    assert found.people == len(half)
    assert found.total.people > 0
    await compare(town, found, before)


async def test_what_a_record_says_beside_its_days_changes_nothing(town: Town, tmp_path: Path) -> None:
    await town.set_up(days=3)
    renamed = [replace(person, name="Nama Lain", job_class=7) for person in await people(town)]

    found = await asyncio.to_thread(town.preview, await change(town, tmp_path, renamed))

    assert (found.people, found.total) == (0, UnitTotal())


async def preview_of(town: Town, changed: list[EmployeeState], known: list[EmployeeState], actor: str) -> UUID:
    digest = employees_digest(changed, {person.employee_id: person for person in known})
    preview, _ = await record_preview(
        town.schedule, kind="employees", digest=digest, title="uji", first=MONDAY, last=MONDAY, whole=True, found=FOUND, actor=actor)
    return preview.preview_id


@pytest.mark.parametrize("what", ["unit", "kind"])
async def test_many_people_of_whom_past_days_would_differ_need_a_preview_and_a_second_approver(real: Town, what: str) -> None:
    await set_limits(real.schedule, Limits(free_people=len(real.people) - 1, people=0), "kepala-bkd", "SE 1")
    known, now = await people(real), NOON + 3 * DAY  # when nobody checks in, whenever this runs
    changed = [one.joined(MONDAY + DAY, real.units[1]) if what == "unit" else replace(one, kind=EmployeeKind.PPPK) for one in known]

    async def put(some: list[EmployeeState], actor: str = "operator") -> int:
        return (await commands.publish_employees(real.schedule, some, actor, now)).changed

    with pytest.raises(Refused, match="hadir preview employees"):
        await put(changed)
    await preview_of(real, changed[1:], known, "petugas")
    with pytest.raises(Refused, match="belum ada pratinjaunya"):
        await put(changed)
    preview = await preview_of(real, changed, known, "petugas")
    with pytest.raises(Refused, match="minta orang kedua menyetujui"):
        await put(changed, "petugas")
    await approve_preview(real.schedule, preview, "kepala-bkd", "ND 800/12")
    assert await put(changed, "petugas") == len(known)
    assert await put(changed, "petugas") == 0


async def test_few_people_new_ones_and_moves_from_a_date_that_has_not_begun_are_free(real: Town) -> None:
    await set_limits(real.schedule, Limits(free_people=0), "kepala-bkd", "SE 1")
    known = await people(real)
    moving = [one.joined(NOON.date() + 5 * DAY, real.units[1]) for one in known]
    new = [replace(one, employee_id=uuid4(), nip=f"{uuid4().int % 10**18:018}") for one in known]

    assert (await commands.publish_employees(real.schedule, moving, now=SEVEN_TEN)).changed == len(known)
    assert (await commands.publish_employees(real.schedule, new, now=SEVEN_TEN)).new == len(known)


async def off_these_days(town: Town, person: UUID) -> None:
    """A correction is recorded by the real clock: whoever is off now is not checking in, whenever this runs."""
    months: dict[dt.date, list[RosterDay]] = {}
    # any date: from yesterday to the day after tomorrow, whichever is today in which zone
    for number in range(-1, 3):
        date = dt.datetime.now(dt.UTC).date() + number * DAY
        months.setdefault(date.replace(day=1), []).append(RosterDay(date=date, mode=Mode.OFF))
    await commands.publish_rosters(town.schedule, [RosterState(person, first, tuple(days)) for first, days in months.items()], now=NOON)


async def test_a_move_by_correction_from_a_past_date_counts_as_one_person(real: Town) -> None:
    await set_limits(real.schedule, Limits(free_people=1), "kepala-bkd", "SE 1")
    await off_these_days(real, real.people[0])
    body = {"from": str(MONDAY), "to_unit": str(real.units[1])}
    await commands.record_fact(real.schedule, correction_id=uuid4(), kind="move", body=body, employee_id=real.people[0])

    assert (await people(real))[0].unit_on(MONDAY) == real.units[1]


async def test_a_file_that_the_gate_stops_says_so_and_is_not_applied(real: Town, tmp_path: Path) -> None:
    await set_limits(real.schedule, Limits(free_people=0), "kepala-bkd", "SE 1")
    changed = [replace(one, group="functional") for one in await people(real)]
    await change(real, tmp_path, changed)

    with pytest.raises(Refused, match="hadir preview employees"):
        await import_employees(real.url, tmp_path / "pegawai.csv", actor="petugas")

    assert {one.group for one in await people(real)} == {"pelaksana"}
