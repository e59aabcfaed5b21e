"""What is read of people's days for the discipline ladder: all that can move a step, and not their whole service."""

import datetime as dt
from collections.abc import Iterable
from random import Random
from uuid import UUID

from services.schedule.rules import Judged, LadderDay, counted, ruling, standing
from services.schedule.store.discipline import ladder_days
from shared.database import Connection
from shared.events import DayAssessed, DayState, DayStatus, EmployeeKind, Mode
from shared.lanes import Lanes
from shared.policy import Policy

FIRST = dt.date(2025, 10, 6)
PLAIN = Policy.from_content({"ladder": [{"days": 3, "step": "ORAL_WARNING"}, {"days": 30, "step": "DISMISSAL"}]})
CONVERTING = Policy.from_content({"convert_minutes_per_day": 60, "compensation": {"max_minutes": 60, "per_month": 1}})
ROLLING = Policy.from_content({"ladder_window": "rolling_12m", "ladder_consecutive_days": 4})
PACKS = {pack.identity: pack for pack in (PLAIN, CONVERTING, ROLLING)}


def day(employee: int, date: dt.date, status: DayStatus, pack: Policy = PLAIN, *, late: int = 0, final: bool = True) -> DayAssessed:
    return DayAssessed(
        employee_id=UUID(int=employee), org_unit_id=UUID(int=2), date=date, version=1,
        state=DayState.FINAL if final or status is DayStatus.ABSENT else DayState.PROVISIONAL, status=status, mode=Mode.WFO,
        scheduled=status not in {DayStatus.OFF, DayStatus.HOLIDAY}, late=late if status is DayStatus.PRESENT else None,
        early=0 if status is DayStatus.PRESENT else None, made_up=status is DayStatus.PRESENT and late == 60,
        policy_id=pack.identity, employee_kind=EmployeeKind.PNS, group="pelaksana", duty_days_in_month=20, work_week_days=5,
    )  # fmt: skip


def at_random(employee: int) -> list[DayAssessed]:
    """A year and a half of one person, in stretches of one kind: rows of absences that days off join and worked ones part."""
    chance, days, date = Random(employee), list[DayAssessed](), FIRST
    packs = [list(PACKS.values()), [PLAIN], [PLAIN, ROLLING], [CONVERTING]][employee % 4]
    while len(days) < 400:
        status, pack = chance.choice(list(DayStatus)), chance.choice(packs)
        for _ in range(chance.choice((1, 1, 2, 5, 9, 12))):
            late, final = chance.choice((0, 0, 20, 60)), chance.random() < 0.8
            days.append(day(employee, date, DayStatus.OFF if date.weekday() > 4 else status, pack, late=late, final=final))
            date += dt.timedelta(days=1)
    return days


async def put(connection: Connection, days: Iterable[DayAssessed]) -> None:
    await connection.executemany(
        "insert into assessment (employee_id, date, version, state, status, content) values ($1, $2, 1, $3, $4, $5::jsonb)",
        [(day.employee_id, day.date, day.state.value, day.status.value, day.model_dump_json(exclude_none=True)) for day in days])


def judged(day: DayAssessed) -> Judged:
    """A day as the ladder would see it if all days were read."""
    final = day.state is DayState.FINAL
    late, early = (day.late or 0, day.early or 0) if final else (0, 0)
    seen = LadderDay(day.date, day.scheduled, day.status is DayStatus.ABSENT, late + early, late if day.made_up else 0)
    return seen, PACKS[day.policy_id], day.employee_kind


def dossiers(days: list[Judged]) -> list[tuple[LadderDay, ...]]:
    """The days under each step that stands."""
    ruled = ruling(days)
    return [counted(ruled[0], ruled[1], step) for step in standing(days)] if ruled else []


async def test_what_is_read_reaches_the_same_steps_by_the_same_days_as_everything_would(lanes: Lanes) -> None:
    people = {employee: at_random(employee) for employee in range(1000, 1080)}
    async with lanes.pool.acquire() as connection:
        for days in people.values():
            await put(connection, days)
        read = await ladder_days(connection, [UUID(int=employee) for employee in people], PACKS)
    told = 0
    for employee, days in people.items():
        everything, mine = [judged(day) for day in days], read.get(UUID(int=employee), [])
        assert standing(mine) == standing(everything), employee
        assert dossiers(mine) == dossiers(everything), employee
        told += len(standing(mine))
    assert told > 200


async def test_of_years_of_service_the_absences_are_read_and_the_duty_day_after_each(lanes: Lanes) -> None:
    absent = {FIRST + dt.timedelta(days=n) for n in (3, 200, 201, 599)}
    days = [
        day(1, date, DayStatus.ABSENT if date in absent else DayStatus.PRESENT, late=45)
        for date in (FIRST + dt.timedelta(days=n) for n in range(600))
    ]
    async with lanes.pool.acquire() as connection:
        await put(connection, days)
        read = (await ladder_days(connection, [UUID(int=1)], PACKS))[UUID(int=1)]
    assert {seen.date for seen, _, _ in read} == absent | {FIRST + dt.timedelta(days=n) for n in (4, 202)}
