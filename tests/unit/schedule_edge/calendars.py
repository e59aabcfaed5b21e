"""Any people, rosters, weeks, calendars, moves and rule packs in force, for the tests that compare two ways to the same."""

import datetime as dt
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final
from uuid import UUID

from hypothesis import strategies as st

from services.schedule.in_force import PoliciesInForce, WeeksInForce
from services.schedule.memory import Reference
from services.schedule.reference import UNITS_WEEK, EmployeeState, Membership, OrgUnitState
from services.schedule.rules import parse_week
from shared.events import EmployeeKind, Mode, RosterDay, WeekInForce
from shared.policy import Policy, load_policies

EXAMPLES: Final = int(os.environ.get("HADIR_EXAMPLES", "120"))
FIRST: Final = dt.date(2026, 1, 20)
LAST: Final = dt.date(2026, 3, 12)
DATES: Final = st.dates(FIRST, LAST)
DAY: Final = dt.timedelta(days=1)
ME: Final = UUID(int=7)
_UNITS: Final = [UUID(int=number) for number in (1, 2, 3)]
_ZONES: Final = st.sampled_from(["Asia/Jakarta", "Asia/Makassar", "Asia/Jayapura"])
_FOLDER: Final = Path(__file__).parents[3] / "services/schedule/policies"
PACKS: Final = [pack for name in ("golden-policies", "example-packs") for pack in load_policies(_FOLDER / f"{name}.yaml").values()]
STRANGE: Final = [Policy.from_content(content) for content in (
    {"reach": {"before_minutes": 720, "after_minutes": 720}}, {"reach": {"before_minutes": 0, "after_minutes": 0}},
    {"in_window": {"open": -1440}, "out_window": {"close": 1440}},
    {"in_window": {"open": "06:00", "close": "09:00", "after_close": "refuse"}},
    {"marks": ["in", "break", "out"], "out_window": {"open": "15:00", "close": "19:00"},
     "reach": {"before_minutes": 30, "after_minutes": 30}},
    {"marks": ["in", "break", "out"], "break_window": {"open": "11:30", "close": "13:30"}},
)]
_OFFICE: Final = ("mon", "tue", "wed", "thu", "fri")
_WEEKS: Final = {
    "lima-hari": parse_week(dict.fromkeys(_OFFICE, ("07:30", "16:00"))),
    "enam-hari": parse_week(dict.fromkeys((*_OFFICE, "sat"), ("07:30", "14:00"))),
    "ramadan": parse_week(dict.fromkeys(_OFFICE, ("08:00", "15:00"))),
    "malam": parse_week(dict.fromkeys(("mon", "wed", "fri", "sun"), ("20:00", "08:00"))),
}
_CODES: Final = st.sampled_from(sorted(_WEEKS))
_CLOCKS: Final = st.sampled_from(["00:00", "00:30", "07:00", "07:30", "08:00", "14:00", "16:00", "19:00", "21:00", "23:59"])
_HOURS: Final = st.lists(st.one_of(st.just((None, None)), st.tuples(_CLOCKS, _CLOCKS)), min_size=1, max_size=3)
_ROSTERED: Final = st.one_of(
    st.just([]), st.lists(DATES, max_size=8),
    st.builds(lambda first, length: [first + n * DAY for n in range(length)], DATES, st.integers(1, 40)),
)
_HOLIDAYS: Final = st.frozensets(DATES, max_size=4)
_CALENDARS: Final = st.sampled_from(["nasional", "daerah"])
_PACKS: Final = st.lists(st.sampled_from([*PACKS, *STRANGE]), min_size=1, max_size=3)
_CHANGES: Final = st.lists(st.sampled_from(["move", "zone", "week", "until"]), max_size=3)
_OWN_WEEKS: Final = st.one_of(_CODES, st.just(UNITS_WEEK))
_WEEKS_IN_FORCE: Final = st.lists(st.tuples(_CODES, st.builds(
    lambda since, length, unit: WeekInForce(since=since, until=since + length * DAY, org_unit_id=unit),
    DATES, st.integers(0, 30), st.sampled_from([None, *_UNITS]))), max_size=2)
_MODES: Final = st.sampled_from([st.just(Mode.WFA), st.sampled_from([Mode.WFO, Mode.WFA]), st.sampled_from(Mode)])
"""Strategies are made once: one that is made anew at each draw is looked through anew."""


@dataclass(frozen=True, slots=True)
class Town:
    """Somebody, with his roster, among the reference data that he lives by."""

    reference: Reference
    person: EmployeeState
    roster: Mapping[dt.date, RosterDay]


@st.composite
def rosters(draw: st.DrawFn, modes: st.SearchStrategy[Mode]) -> dict[dt.date, RosterDay]:
    """Rows of some dates, whole stretches of them or none."""
    dates = draw(_ROSTERED)
    hours = draw(_HOURS)
    return {
        date: RosterDay(date=date, mode=draw(modes), start=hours[date.day % len(hours)][0], end=hours[date.day % len(hours)][1])
        for date in dates
    }


@st.composite
def towns(draw: st.DrawFn) -> Town:
    """Mostly rosters that only say where one works, among people who move or not; and anything else."""
    units = {
        unit: OrgUnitState(unit, f"u{unit.int}", "Unit", draw(_ZONES), draw(_CALENDARS),
                           parent_id=draw(st.sampled_from([None, *_UNITS[:place]])))
        for place, unit in enumerate(_UNITS)
    }
    holidays = {name: draw(_HOLIDAYS) for name in ("nasional", "daerah")}
    packs = draw(_PACKS)
    since = draw(st.sampled_from([FIRST - 60 * DAY, FIRST + 20 * DAY]))
    in_force: list[tuple[UUID | None, dt.date, UUID]] = [(None, since, packs[0].identity)]
    in_force += [(draw(st.sampled_from(_UNITS)), draw(DATES), pack.identity) for pack in packs[1:]]
    weeks = draw(_WEEKS_IN_FORCE)
    reference = Reference(
        units, _WEEKS, holidays, {pack.identity: pack for pack in packs}, PoliciesInForce(in_force), WeeksInForce(weeks))
    person = EmployeeState(
        ME, "1" * 18, "Siti", EmployeeKind.PNS, "pelaksana", draw(_ZONES), (Membership(FIRST - 30 * DAY, _UNITS[0]),))
    for what in draw(_CHANGES):
        date = draw(DATES)
        if what == "move":
            unit = draw(st.sampled_from(_UNITS))
            person = person.joined(date, unit, units[unit].timezone)
        elif what == "zone":
            person = person.zoned(date, draw(_ZONES))
        elif what == "week":
            person = person.working(date, draw(_OWN_WEEKS))
        else:
            person = replace(person, until=date)
    modes = draw(_MODES)
    return Town(reference, person, draw(rosters(modes)))
