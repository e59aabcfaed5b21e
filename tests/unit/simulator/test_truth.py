"""The simulator's truth against sums done by hand, and against the batch oracle over the very same check-ins."""

import datetime as dt
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import pytest

from services.simulator.behaviour import Conduct, DayPlan, plan
from services.simulator.duty import is_free, owed
from services.simulator.province import Person, Province
from services.simulator.truth import of_day, of_month
from shared.events import Mode
from tests.oracle import days, money, places

A = {
    "tl": [{"code": f"TL{n}", "min": low, "max": high, "pct": pct} for n, low, high, pct in (
        (1, 1, 30, "0.50"), (2, 31, 60, "1.00"), (3, 61, 90, "1.25"), (4, 91, None, "1.50"))],
    "psw": [{"code": f"PSW{n}", "min": low, "max": high, "pct": pct} for n, low, high, pct in (
        (1, 1, 30, "0.50"), (2, 31, 60, "1.00"), (3, 61, 90, "1.25"), (4, 91, None, "1.50"))],
    "no_in": {"code": "TL4", "pct": "1.50"}, "no_out": {"code": "PSW4", "pct": "1.50"}, "tk_day": "3.00",
}
B = {
    "tl": [{"code": f"TL{n}", "min": low, "max": high, "pct": pct} for n, low, high, pct in (
        (1, 1, 30, "0.50"), (2, 31, 60, "1.00"), (3, 61, 90, "1.50"), (4, 91, None, "2.00"))],
    "psw": [{"code": f"PSW{n}", "min": low, "max": high, "pct": pct} for n, low, high, pct in (
        (1, 1, 30, "0.50"), (2, 31, 60, "1.00"), (3, 61, 90, "1.50"), (4, 91, None, "2.00"))],
    "no_in": {"code": "TL4", "pct": "2.00"}, "no_out": {"code": "PSW4", "pct": "2.00"}, "tk_day": "4.00",
}
G = {
    "tl": [{"code": "TL0", "min": 1, "max": 30, "pct": "0.00"}, {"code": "TL1", "min": 31, "max": 60, "pct": "0.50"},
           {"code": "TL2", "min": 61, "max": 90, "pct": "1.25"}, {"code": "TL3", "min": 91, "max": None, "pct": "2.50"}],
    "psw": [{"code": "PSW1", "min": 1, "max": 30, "pct": "0.50"}, {"code": "PSW2", "min": 31, "max": 60, "pct": "1.25"},
            {"code": "PSW3", "min": 61, "max": None, "pct": "2.50"}],
    "no_in": {"code": "LAM", "pct": "2.50"}, "no_out": {"code": "LAP", "pct": "2.50"}, "tk_day": "5.00",
}
PACKS = {"POL-A": A, "POL-B": B, "POL-E": A | {"base": "discipline_component", "weight": "0.40"}, "POL-G": G}
FIRST = dt.date(2026, 5, 25)  # two weeks with Idul Adha on the 27th, joint leave on the 28th, Pancasila on 1 June


@pytest.fixture(scope="module")
def province() -> Province:
    return Province(11, 250, FIRST, days=14)


def _plans(province: Province) -> Iterator[DayPlan]:
    return (plan(province, person, date) for person in province.people() for date in province.dates)


def _site(person: Person) -> list[dict[str, Any]]:
    sites: list[dict[str, Any]] = []
    for office in person.unit.offices:
        shape = office.geometry()
        lon, lat = shape["coordinates"] if office.circle else (0.0, 0.0)
        sites.append({"lat": lat, "lon": lon, "radius_m": office.size_m} if office.circle else {"ring": shape["coordinates"][0]})
    return sites


def _marks(planned: DayPlan) -> Iterator[dict[str, Any]]:
    """The day's check-ins as the oracle wants them, each judged by haversine and ray casting."""
    region = [{"ring": planned.person.unit.region.ring()}]
    for stamp in planned.stamps:
        where = stamp.place.latitude, stamp.place.longitude, stamp.accuracy_m
        verdicts = {"site": places.verdict_of_all(*where, _site(planned.person)), "region": places.verdict_of_all(*where, region)}
        judged_by = "region" if planned.owed.mode is Mode.WFA else "site"
        assert (verdicts[judged_by] == "unclear") == (planned.unsure and stamp.accuracy_m > 100)
        yield {
            "id": stamp.check_in_id, "person": planned.person.number, "mark": stamp.mark.value, "at": stamp.captured,
            "evidence": stamp.evidence, **{key: "unsure" if v == "unclear" else v for key, v in verdicts.items()},
        }


def test_truth_and_oracle_say_the_same_of_every_day_and_month(province: Province) -> None:
    """Two computations that share no code: from intentions, and from stamps and coordinates."""
    week = {day: ["07:30", "16:30" if day == "fri" else "16:00"] for day in ("mon", "tue", "wed", "thu", "fri")}
    for person in province.people():
        around = [FIRST + dt.timedelta(days=n) for n in range(-2, province.days + 2)]
        duties = {date: owed(province.seed, person, date) for date in around}
        plans = [plan(province, person, date) for date in province.dates]
        world: dict[str, Any] = {
            "week": week, "holidays": {date for date in around if is_free(date)},
            "roster": {
                (person.number, date): {"mode": d.mode.value} | ({} if d.hours is None else {"start": d.hours[0], "end": d.hours[1]})
                for date, d in duties.items() if d.rostered
            },
            "policies": [(FIRST, None, PACKS[person.unit.pack])],
            "people": {person.number: {"unit": person.unit.code, "timezone": person.unit.region.timezone, "group": person.group}},
            "marks": [mark for planned in plans for mark in _marks(planned)],
        }
        assessed = [days.assess(world, person.number, date) for date in province.dates]  # type: ignore[arg-type]
        for planned, day in zip(plans, assessed, strict=True):
            true = of_day(planned)
            assert (day["status"], sorted(code for code, _ in money.charges(day))) == (true.status, sorted(true.codes)), planned
            assert sum((cost for _, (cost, _) in money.charges(day)), Fraction(0)) == Fraction(true.hundredths, 100)
        for month in province.months:
            of_this = [n for n, date in enumerate(province.dates) if f"{date:%Y-%m}" == month]
            total = money.month([assessed[n] for n in of_this], person.ceiling)
            mine = of_month([plans[n] for n in of_this])
            assert (Fraction(mine.raw_hundredths, 100), Fraction(mine.hundredths, 100), mine.amount) == (
                total["raw_percent"], total["percent"], total["amount"])


def test_the_province_has_free_days_holidays_capped_months_and_every_status(province: Province) -> None:
    statuses = {of_day(planned).status for planned in _plans(province)}

    assert statuses == {"PRESENT", "ABSENT", "HOLIDAY", "OFF", "HELD"}


def test_a_month_of_absence_under_five_percent_a_day_is_capped_at_the_whole_tpp() -> None:
    province = Province(3, 600, dt.date(2026, 7, 1), days=31)
    vanished = next(
        person for person in province.people()
        if person.unit.pack == "POL-G"
        and all(plan(province, person, date).conduct in (Conduct.ABSENT, None) for date in province.dates)
    )
    truth = of_month(plan(province, vanished, date) for date in province.dates)

    assert truth.raw_hundredths > 10_000
    assert (truth.hundredths, truth.amount) == (10_000, vanished.ceiling)
