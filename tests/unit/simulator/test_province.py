"""The invented province: the same for the same seed, visibly invented, and complete."""

import asyncio
import datetime as dt
import itertools
import re
from collections import Counter

from services.simulator.agenda import arrivals, planned, work_reports
from services.simulator.behaviour import Conduct, plan
from services.simulator.duty import last_complete_working_day
from services.simulator.province import Province, UnitKind

THURSDAY = dt.date(2026, 11, 19)


def test_the_same_seed_gives_the_same_province_and_another_round_gives_other_ids() -> None:
    one, again, other = (Province(7, 300, THURSDAY, round=number) for number in (1, 1, 2))

    assert list(one.people()) == list(again.people())
    assert {p.employee_id for p in one.people()}.isdisjoint(p.employee_id for p in other.people())
    assert {p.nip for p in one.people()}.isdisjoint(p.nip for p in other.people())
    assert {u.code for u in one.units}.isdisjoint(u.code for u in other.units)
    assert [p.ceiling for p in one.people()] == [p.ceiling for p in other.people()]


def test_nobody_in_it_can_be_taken_for_a_real_person() -> None:
    people = list(Province(7, 500, THURSDAY).people())

    assert len({p.nip for p in people}) == len(people)
    for person in people:
        assert re.fullmatch(r"19(00|01|02|03|04|05|06|07|08|09)(0[1-9]|1[0-2])[0-9]{2}[0-9]{6}[12][0-9]{3}", person.nip)
        assert re.fullmatch(r"Contoh \d{6} Sintetis", person.name)


def test_three_zones_every_kind_of_unit_and_every_conduct_occur_in_two_thousand_people() -> None:
    province = Province(1, 2000, THURSDAY)
    people = list(province.people())
    plans = [plan(province, person, THURSDAY) for person in people]

    assert {unit.region.timezone for unit in province.units} == {"Asia/Jakarta", "Asia/Makassar", "Asia/Jayapura"}
    assert {unit.kind for unit in province.units} == set(UnitKind)
    assert {unit.pack for unit in province.units} == {"POL-A", "POL-B", "POL-E", "POL-G"}
    assert sum(unit.size for unit in province.units) == 2000
    assert {planned.conduct for planned in plans} >= set(Conduct)
    assert any(person.nurse for person in people)
    assert all(person.unit.first <= person.number < person.unit.first + person.unit.size for person in people)
    overnight = [p for p in plans if p.owed.end is not None and p.owed.end.date() > THURSDAY]
    assert overnight


def test_a_province_of_three_hundred_thousand_is_laid_out_without_listing_its_people() -> None:
    province = Province(1, 300_000, THURSDAY)

    assert sum(unit.size for unit in province.units) == 300_000
    assert max(unit.size for unit in province.units if unit.kind is UnitKind.EDUCATION) > 3_000
    last = province.person(299_999)
    assert last.unit == province.units[-1]


def test_arrivals_come_in_order_and_carry_every_copy_of_every_stamp() -> None:
    province = Province(3, 200, dt.date(2026, 11, 18), days=3)
    seen = list(arrivals(province))
    planned = Counter(
        stamp.check_in_id
        for date in province.dates for person in province.people()
        for stamp in plan(province, person, date).stamps for _ in range(stamp.copies)
    )

    assert [arrival.at for arrival in seen] == sorted(arrival.at for arrival in seen)
    assert Counter(arrival.stamp.check_in_id for arrival in seen) == planned
    assert max(planned.values()) == 2
    assert all(arrival.at >= arrival.stamp.captured.replace(microsecond=0) for arrival in seen)
    assert all(arrival.body() == arrival.body() for arrival in seen[:50])


async def test_whoever_sends_a_province_can_do_other_things_while_its_day_is_worked_out() -> None:
    province = Province(3, 1000, THURSDAY)
    turns, before = itertools.count(), 0

    async def others() -> None:
        while True:
            next(turns)
            await asyncio.sleep(0)

    beside = asyncio.create_task(others())
    try:
        seen = []
        async for arrival in planned(province):
            before = before or next(turns)
            seen.append(arrival)
    finally:
        beside.cancel()

    assert before > 10, "one turn is all that a loop gets that plans by itself"
    assert seen == list(arrivals(province))


def test_whoever_worked_from_anywhere_hands_in_a_report() -> None:
    province = Province(3, 200, THURSDAY)
    reports = list(work_reports(province))

    assert reports
    assert {report["work_date"] for report in reports} == {"2026-11-19"}


def test_the_sample_day_is_over_in_all_three_zones_and_is_a_working_day() -> None:
    monday_evening = dt.datetime(2026, 11, 23, 19, 0, tzinfo=dt.UTC)
    monday_morning = dt.datetime(2026, 11, 23, 2, 0, tzinfo=dt.UTC)
    after_new_year = dt.datetime(2027, 1, 2, 12, 0, tzinfo=dt.UTC)

    assert last_complete_working_day(monday_morning) == dt.date(2026, 11, 20)
    assert last_complete_working_day(monday_evening) == dt.date(2026, 11, 20)
    assert last_complete_working_day(after_new_year) == dt.date(2026, 12, 31)
