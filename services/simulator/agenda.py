"""In which order a province's check-ins reach the server: by arrival, all zones together, in little memory.

A day of 300,000 people is some 900,000 arrivals. Only a 64-bit number is kept of each; the check-in itself
is planned again when its turn comes, which `behaviour.plan` allows.
"""

import asyncio
import datetime as dt
from bisect import bisect_left
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from services.simulator.behaviour import DayPlan, Stamp, plan
from services.simulator.province import Person, Province
from shared.events import Mode

_COPIES: Final = 1
_STAMPS: Final = 3
_DATES: Final = 10
_PEOPLE: Final = 24
_PLANNED_AT_ONCE: Final = 200

RESEND_AFTER: Final = dt.timedelta(seconds=20)
"""A phone that heard no answer sends the same check-in again so much later."""

SOURCE_APP: Final = "simulator"


@dataclass(frozen=True, slots=True)
class Arrival:
    """A check-in of a plan reaching the server at a played instant (aware, UTC); `copy` is how often it was sent before."""

    at: dt.datetime
    plan: DayPlan
    stamp: Stamp
    copy: int = 0

    def body(self) -> dict[str, Any]:
        """The check-in as the phone sends it; equal for every copy."""
        return body_of(self.plan.person, self.stamp)


def body_of(person: Person, stamp: Stamp) -> dict[str, Any]:
    """What `POST /v1/check-ins` is told of a mark."""
    body: dict[str, Any] = {
        "check_in_id": str(stamp.check_in_id),
        "employee_id": str(person.employee_id),
        "mark": stamp.mark.value,
        "captured_at": stamp.captured.isoformat(),
        "latitude": stamp.place.latitude,
        "longitude": stamp.place.longitude,
        "accuracy_m": stamp.accuracy_m,
        "device_id": f"contoh-{person.employee_id.hex[:16]}",
        "source_app": SOURCE_APP,
    }
    if stamp.evidence:
        body["evidence"] = {"reference": f"contoh/{stamp.check_in_id}.jpg", "sha256": stamp.check_in_id.hex * 2}
    return body


def arrivals(province: Province) -> Iterator[Arrival]:
    """All check-ins of the province in order of arrival, each copy of a resent one on its own."""
    start = dt.datetime.combine(province.first_day, dt.time(), dt.UTC) - dt.timedelta(days=1)
    waiting: list[int] = []
    for index, date in enumerate(province.dates):
        waiting.extend(_of_date(province, date, index, start))
        waiting.sort()
        # Nothing of a later date arrives before that date begins in the easternmost zone (UTC+9).
        horizon = int((dt.datetime.combine(date, dt.time(15), dt.UTC) - start).total_seconds())
        last = index == province.days - 1
        ready = len(waiting) if last else _first_after(waiting, horizon)
        for packed in waiting[:ready]:
            yield _unpacked(province, packed, start)
        del waiting[:ready]


async def planned(province: Province) -> AsyncIterator[Arrival]:
    """As `arrivals`, worked out in a thread: a day of many people is planned in one piece, and whoever sends has others to serve."""
    found = arrivals(province)
    while some := await asyncio.to_thread(lambda: list(islice(found, _PLANNED_AT_ONCE))):
        for arrival in some:
            yield arrival


def _of_date(province: Province, date: dt.date, index: int, start: dt.datetime) -> Iterator[int]:
    for person in province.people():
        planned = plan(province, person, date)
        for number, stamp in enumerate(planned.stamps):
            for copy in range(stamp.copies):
                second = int((stamp.arrives + copy * RESEND_AFTER - start).total_seconds())
                packed = (second << _PEOPLE | person.number) << _DATES | index
                yield (packed << _STAMPS | number) << _COPIES | copy


def _first_after(waiting: list[int], second: int) -> int:
    limit = second << (_PEOPLE + _DATES + _STAMPS + _COPIES)
    return bisect_left(waiting, limit)


def _unpacked(province: Province, packed: int, start: dt.datetime) -> Arrival:
    packed, copy = packed >> _COPIES, packed & ((1 << _COPIES) - 1)
    packed, number = packed >> _STAMPS, packed & ((1 << _STAMPS) - 1)
    packed, index = packed >> _DATES, packed & ((1 << _DATES) - 1)
    second, person = packed >> _PEOPLE, packed & ((1 << _PEOPLE) - 1)
    planned = plan(province, province.person(person), province.dates[index])
    return Arrival(start + dt.timedelta(seconds=second), planned, planned.stamps[number], copy)


def work_reports(province: Province) -> Iterator[dict[str, Any]]:
    """The daily work reports (laporan kinerja harian) of everybody who worked from anywhere, as the app sends them."""
    for date in province.dates:
        for person in province.people():
            planned = plan(province, person, date)
            if planned.owed.mode is Mode.WFA and planned.owed.end is not None and planned.stamps:
                report = province.identity("report", person.number, date)
                yield {
                    "report_id": str(report),
                    "employee_id": str(person.employee_id),
                    "work_date": date.isoformat(),
                    "submitted_at": planned.owed.end.isoformat(),
                    "reference": f"contoh/{report}.pdf",
                    "sha256": report.hex * 2,
                }
