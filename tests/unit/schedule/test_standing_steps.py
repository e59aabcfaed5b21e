"""Which steps stand once days have changed: those that the days reach by now, in whatever order they came."""

import asyncio
import datetime as dt
from collections.abc import Mapping, Sequence
from random import Random
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.schedule.discipline import restate_steps
from services.schedule.memory import Memory
from services.schedule.rules import Judged, LadderDay, standing
from services.schedule.steps import dossier
from services.schedule.store import discipline as rows
from services.schedule.store.discipline import StepKey, StepVersion
from shared.envelope import Envelope
from shared.events import DayAssessed, DayState, DayStatus, EmployeeKind, Mode
from shared.policy import Policy

ME, UNIT = UUID(int=5), UUID(int=2)
CAUSE = Envelope(UUID(int=1), "", "/test", dt.datetime(2026, 5, 1, tzinfo=dt.UTC), "", None, UUID(int=1))
PLAIN = Policy()
STRICT = Policy.from_content({
    "ladder": [{"days": 1, "step": "ORAL_WARNING"}, {"days": 4, "step": "WRITTEN_WARNING"}], "ladder_consecutive_days": 3,
})  # fmt: skip
CONVERTING = Policy.from_content({"convert_minutes_per_day": 60, "compensation": {"max_minutes": 60, "per_month": 1}})
ROLLING = Policy.from_content({"ladder_window": "rolling_12m"})
IN_A_ROW = Policy.from_content({"ladder": [{"days": 99, "step": "NEVER"}], "ladder_consecutive_days": 4})
PACKS = {pack.identity: pack for pack in (PLAIN, STRICT, CONVERTING, ROLLING, IN_A_ROW)}
PNS, PPPK = EmployeeKind.PNS, EmployeeKind.PPPK
JANUARY = dt.date(2026, 1, 12)
APRIL = [dt.date(2026, 4, day) for day in (6, 8, 10, 14, 16)]
DATES = [dt.date(2025, 12, 26) + dt.timedelta(days=n) for n in range(10)] + APRIL


def day(
    date: dt.date, status: str = "ABSENT", kind: EmployeeKind = PNS, pack: Policy = PLAIN, *, late: int = 0, final: bool = True,
) -> DayAssessed:  # fmt: skip
    return DayAssessed(
        employee_id=ME, org_unit_id=UNIT, date=date, version=1, state=DayState.FINAL if final else DayState.PROVISIONAL,
        status=DayStatus(status), mode=Mode.WFO, scheduled=status not in {"OFF", "HOLIDAY"},
        late=late if status in {"PRESENT", "HELD"} else None, made_up=status == "PRESENT" and late == 60,
        policy_id=pack.identity, employee_kind=kind, group="pelaksana",
        duty_days_in_month=20, work_week_days=5)  # fmt: skip


class House:
    """The days and steps of one person in memory, in the place of the database and of the unit of work."""

    connection = None

    def __init__(self) -> None:
        self.days: dict[dt.date, DayAssessed] = {}
        self.steps: dict[StepKey, StepVersion] = {}
        self.looks = 0

    def emit(self, *_: Any, **__: Any) -> None:
        """Nobody listens."""

    async def steps_of(self, _: Any, __: Sequence[UUID]) -> dict[StepKey, StepVersion]:
        return dict(self.steps)

    async def put_steps(self, _: Any, versions: Sequence[StepVersion]) -> None:
        self.steps |= {version.key: version for version in versions}

    async def ladder_days(self, _: Any, __: Sequence[UUID], policies: Mapping[UUID, Policy]) -> dict[UUID, list[Judged]]:
        self.looks += 1
        return {ME: [
            (LadderDay(one.date, True, one.status is DayStatus.ABSENT, *self._minutes(one)), policies[one.policy_id], one.employee_kind)
            for one in self.days.values() if one.scheduled
        ]}  # fmt: skip

    def hear(self, *batch: DayAssessed) -> "House":
        """Takes in days that were assessed (anew) in one unit of work; none of a date twice."""
        changed: list[Any] = [(self.days.get(one.date), one, CAUSE) for one in batch]
        self.days |= {one.date: one for one in batch}
        work: Any = self
        with pytest.MonkeyPatch.context() as patch:
            for name in ("steps_of", "put_steps", "ladder_days"):
                patch.setattr(rows, name, getattr(self, name))
            asyncio.run(restate_steps(work, changed, PACKS))
        return self

    def stand(self) -> list[tuple[str, str]]:
        return sorted((str(key[2]), key[1]) for key, step in self.steps.items() if step.action == "proposed")

    @staticmethod
    def _minutes(one: DayAssessed) -> tuple[int, int]:
        return (one.late or 0, (one.late or 0) if one.made_up else 0) if one.state is DayState.FINAL else (0, 0)


def test_a_sick_leave_of_the_time_under_contract_leaves_the_steps_of_the_civil_servant_that_its_days_still_reach() -> None:
    absent, sick = day(JANUARY, kind=PPPK), day(JANUARY, "LEAVE", PPPK)
    april = [day(date) for date in APRIL[:3]]

    house = House().hear(absent).hear(*april)
    assert house.stand() == [("2026-04-08", "ORAL_WARNING"), ("2026-04-10", "WRITTEN_WARNING")]
    assert house.hear(sick).stand() == [("2026-04-10", "ORAL_WARNING")]
    assert House().hear(absent).hear(sick).hear(*april).stand() == house.stand()


def test_a_kind_that_is_corrected_from_the_beginning_proposes_what_it_would_have_proposed_at_once() -> None:
    at_once = House().hear(*(day(date) for date in APRIL))
    assert at_once.stand() == [("2026-04-10", "ORAL_WARNING"), ("2026-04-14", "WRITTEN_WARNING")]

    house = House().hear(*(day(date, kind=PPPK) for date in APRIL))
    assert house.stand() == []
    assert house.hear(*(day(date) for date in APRIL)).stand() == at_once.stand()


def test_a_stricter_pack_proposes_when_it_is_put_in_force_backwards_and_an_older_packs_leave_takes_nothing_back() -> None:
    house = House().hear(day(JANUARY)).hear(day(APRIL[0]))
    assert house.stand() == []

    assert house.hear(day(APRIL[0], pack=STRICT)).stand() == [("2026-01-12", "ORAL_WARNING")]
    assert house.hear(day(JANUARY, "LEAVE")).stand() == [("2026-04-06", "ORAL_WARNING")]


def test_a_day_that_is_worked_moves_no_step_though_another_pack_and_kind_begin_with_it() -> None:
    house = House().hear(*(day(date) for date in APRIL[:3]))
    standing_before = house.stand()
    assert standing_before

    house.hear(day(dt.date(2026, 5, 4), "PRESENT", PPPK, STRICT))

    assert house.stand() == standing_before


def test_minutes_count_where_the_pack_of_their_own_day_makes_days_of_them() -> None:
    late = [day(date, "PRESENT", late=40) for date in APRIL[:4]]
    may = day(dt.date(2026, 5, 4), pack=CONVERTING)

    assert House().hear(*late).hear(may).stand() == []
    converting = [day(date, "PRESENT", pack=CONVERTING, late=40) for date in APRIL[:4]]
    assert House().hear(may).hear(*converting).stand() == [("2026-05-04", "ORAL_WARNING")]


@pytest.mark.parametrize("status", ["HOLIDAY", "OFF"])
def test_a_day_that_becomes_a_holiday_completes_a_row_and_breaks_it_when_it_is_none_any_more(status: str) -> None:
    around = [day(date, pack=IN_A_ROW) for date in (*APRIL[:2], *APRIL[3:])]
    worked, free = day(APRIL[2], "PRESENT", pack=IN_A_ROW), day(APRIL[2], status, pack=IN_A_ROW)

    house = House().hear(*around, worked)
    assert house.stand() == []
    assert house.hear(free).stand() == [("2026-04-16", "CONSECUTIVE_10")]
    assert house.hear(worked).stand() == []


def test_a_day_that_is_new_and_worked_or_free_causes_no_look_at_the_days_of_the_year() -> None:
    house = House().hear(day(APRIL[0]))
    house.looks = 0

    house.hear(day(APRIL[1], "PRESENT"), day(APRIL[2], "OFF")).hear(day(APRIL[1], "PRESENT"))
    assert house.looks == 0
    house.hear(day(APRIL[2], "PRESENT"))
    assert house.looks == 1


def test_a_dossier_lists_the_days_that_its_step_counts_also_when_a_newer_day_rules_them(monkeypatch: pytest.MonkeyPatch) -> None:
    november = [day(dt.date(2025, 11, 3) + dt.timedelta(days=n)) for n in range(5)]
    house = House().hear(*november, day(JANUARY), day(APRIL[0])).hear(day(APRIL[1], pack=ROLLING))
    key = (ME, "STATEMENT", APRIL[0])
    assert house.steps[key].unexcused_days == 7, "by the pack of the newest day twelve months count, and so the seventh is here"

    async def assessed_on(_: Any, __: UUID, dates: Sequence[dt.date]) -> list[DayAssessed]:
        return [house.days[date] for date in dates]

    async def current(*_: Any) -> SimpleNamespace:
        return SimpleNamespace(policies=PACKS)

    for name in ("steps_of", "ladder_days"):
        monkeypatch.setattr(rows, name, getattr(house, name))
    monkeypatch.setattr(rows, "assessed_on", assessed_on)
    monkeypatch.setattr(Memory, "current", current)
    connection: Any = None
    found = asyncio.run(dossier(connection, key))

    assert (found.counted, [one.date for _, one in found.days]) == (7, [*(one.date for one in november), JANUARY, APRIL[0]])


VERSIONS = [
    *(day(JANUARY, "ABSENT", kind, pack) for kind in (PNS, PPPK) for pack in PACKS.values()),
    *(day(JANUARY, "PRESENT", PNS, pack, late=late) for pack in (PLAIN, CONVERTING) for late in (0, 60, 130)),
    *(day(JANUARY, status, kind) for status in ("LEAVE", "OFF") for kind in (PNS, PPPK)),
    day(JANUARY, "HELD", late=130, final=False),
]
HISTORIES = st.lists(st.sampled_from(VERSIONS), min_size=2, max_size=4, unique_by=id).flatmap(
    lambda few: st.lists(st.lists(st.sampled_from(few), min_size=1, max_size=3), min_size=3, max_size=8))  # fmt: skip


@settings(deadline=None, max_examples=150)
@given(HISTORIES, st.permutations(DATES), st.randoms(use_true_random=False))
def test_the_same_days_leave_the_same_standing_steps_in_any_order_of_arrival(
    histories: list[list[DayAssessed]], dates: list[dt.date], order: Random
) -> None:
    told = [[one.model_copy(update={"date": date}) for one in versions] for date, versions in zip(dates, histories, strict=False)]
    house = House()
    left = [list(versions) for versions in told]
    while left := [versions for versions in left if versions]:
        batch = order.sample(left, order.randint(1, min(3, len(left))))
        house.hear(*(versions.pop(0) for versions in batch))

    at_once = House().hear(*(versions[-1] for versions in told))
    assert house.stand() == at_once.stand()
    [days] = asyncio.run(house.ladder_days(None, [ME], PACKS)).values()
    assert house.stand() == sorted((str(step.date), step.step) for step in standing(days))
