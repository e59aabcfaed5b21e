"""What somebody owed on a date is the same by the short ways, which people share, and by the long one."""

import datetime as dt
from dataclasses import replace
from itertools import product

from hypothesis import event, given, settings
from hypothesis import strategies as st

from services.schedule.memory import Duties, Setting
from services.schedule.rules import Duty, DutyError, Placed, duty_on, place, reach_of, reaches_of, week_days
from shared.events import Mark, Mode, RosterDay
from tests.unit.schedule_edge.calendars import DATES, DAY, EXAMPLES, PACKS, STRANGE, Town, towns


class LongHand:
    """Each duty from its own row, week, calendar and zone; the month's duties counted one by one; nothing shared or remembered."""

    def __init__(self, town: Town) -> None:
        self._town = town

    def duty(self, date: dt.date) -> Duty:
        reference, person = self._town.reference, self._town.person
        unit = person.unit_on(date) or person.memberships[0].org_unit_id
        week, holidays = reference.week(reference.week_of(person, date)), reference.holidays[reference.calendar_of(unit)]
        row, zone = self._town.roster.get(date), person.zone_on(date)
        try:
            return duty_on(date, week, holidays, row, zone)
        except DutyError:
            return duty_on(date, week, holidays, None, zone)

    def setting(self, date: dt.date) -> Setting:
        reference = self._town.reference
        month = [day for day in (date.replace(day=1) + n * DAY for n in range(31)) if day.month == date.month]
        week = reference.week(reference.week_of(self._town.person, date))
        return Setting(
            *place(date, self.duty), sum(self.duty(day).working for day in month), week_days(date, week, self._town.roster))


@settings(max_examples=EXAMPLES, deadline=None)
@given(towns(), st.lists(DATES, min_size=1, max_size=6))
def test_the_setting_of_a_date_is_that_of_the_long_way_whatever_roster_week_calendar_and_moves(town: Town, dates: list[dt.date]) -> None:
    served = [date for date in dates if town.person.unit_on(date) is not None]
    duties, long_hand = Duties(town.reference, town.person, town.roster), LongHand(town)
    last = town.person.until
    for date in served:
        found, told = duties.setting(date), long_hand.setting(date)
        if last is not None and last < date.replace(day=28) + 12 * DAY:
            # After the last day of service nothing is owed and nobody asks; which week would hold then is left open.
            assert found.duty == told.duty
            continue
        event("shared" if not town.roster else "rostered")
        assert found == told, date


@settings(max_examples=EXAMPLES // 3, deadline=None)  # each asks for eighty settings, every two of which might be mistaken
@given(st.data(), towns(), DATES, st.integers(-9, 9))
def test_what_is_shared_is_not_mistaken_for_what_another_person_owes(data: st.DataObject, town: Town, date: dt.date, beside: int) -> None:
    holidays = sorted(day for days in town.reference.holidays.values() for day in days)
    rostered = data.draw(st.sampled_from([*holidays, date + beside * DAY]))
    me = replace(town.person, until=None)
    rows = [
        RosterDay(date=rostered, mode=mode, start=start, end=end)
        for mode in Mode for start, end in ((None, None), ("19:00", "07:00"), ("07:00", "19:00"), ("07:00", "12:00"))
    ]
    people = me, replace(me, timezone="Asia/Jayapura", zones=()), me.working(dt.date(2025, 12, 1), "malam")
    others = [Town(town.reference, person, {row.date: row} if row else {}) for person in people for row in (None, *rows)]
    asked = [Duties(other.reference, other.person, other.roster).setting(day) for other in others for day in (date, rostered)]

    assert asked == [LongHand(other).setting(day) for other in others for day in (date, rostered)]
    policies = [data.draw(st.sampled_from(PACKS)), *STRANGE[:2]]
    for placed in [Placed(one.duty, one.before, one.after) for one in asked]:
        for policy, mark in product(policies, Mark):
            assert reaches_of(placed, policy).of(mark) == reach_of(placed, policy, mark)
