"""Puts a story's world on a running system: units, people, rules and places of its own, under a clock of its own.

Nothing here touches anybody else: every run has new ids, its own org units, calendar, week and rule packs, and
invented people whose clock is moved by hand.
"""

import asyncio
import datetime as dt
import json
import tempfile
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from uuid import UUID, uuid4, uuid5

from services.geofence.importer import import_sites
from services.payroll.importer import import_ceilings
from services.preview.gate import sites_gate
from services.scenario.arrivals import Activity, CheckIn, Letter, Move, Now
from services.scenario.model import Scenario
from services.schedule import commands
from services.schedule.reference import (
    CalendarState,
    EmployeeState,
    Membership,
    OrgUnitState,
    RosterState,
    WeekAssignment,
    WeekPatternState,
)
from shared.events import HADIR_NAMESPACE, CalendarDay, Mode, RosterDay, Verdict
from shared.lanes import Lanes
from shared.policy import Policy

LATITUDE: Final = -3.8
LONGITUDE: Final = 102.27
"""Where every story's office stands; its fences hold for its own units only, so stories do not meet."""

_REGION_NORTH: Final = LATITUDE + 0.01


class StageError(Exception):
    """The world of a story could not be put up; the text says why."""


@dataclass(frozen=True, slots=True)
class Position:
    """Where a phone says it is: degrees, and accuracy in metres."""

    latitude: float
    longitude: float
    accuracy_m: float | None


INSIDE: Final = Position(LATITUDE, LONGITUDE, 5)
IN_THE_REGION: Final = Position(LATITUDE - 1, LONGITUDE, 5)
OUTSIDE: Final = Position(LATITUDE + 2, LONGITUDE, 5)
UNSURE: Final = Position(_REGION_NORTH + 0.002, LONGITUDE, 150)
"""Some 220 m beyond the region with an accuracy of 150 m: too coarse for the office, too near for the region."""


@dataclass(slots=True)
class Stage:
    """The ids and places of one story on a running system."""

    scenario: Scenario
    nonce: str = field(default_factory=lambda: uuid4().hex[:12])
    _ids: dict[tuple[str, str], UUID] = field(default_factory=dict)

    @property
    def clock(self) -> str:
        """Name of the clock by which the story's people live."""
        return f"scenario-{self.nonce}"

    def id_of(self, what: str, name: str) -> UUID:
        """The id that a name of the story has in this run; it follows from the nonce, so a fixed nonce fixes all ids."""
        return self._ids.setdefault((what, name), uuid5(HADIR_NAMESPACE, f"{self.nonce}|{what}|{name}"))

    def employee_ids(self) -> dict[UUID, str]:
        """Names of the story's people by their ids in this run."""
        return {self.id_of("employee", person.id): person.id for person in self.scenario.employees}

    def first_date(self) -> dt.date:
        """The earliest business date on which a rule pack holds."""
        return min(row.since for row in self.scenario.policies)

    def packs(self, policies: Mapping[str, Policy]) -> dict[str, Policy]:
        """The story's rule packs under ids of their own, with the marks of the story's day if it names any."""
        marks = {} if self.scenario.marks is None else {"marks": [str(mark) for mark in self.scenario.marks]}
        return {
            f"{row.policy} {self.nonce}": Policy.from_content(
                {**policies[row.policy].content(), **marks, "legal_source": f"scenario {self.nonce}"}
            )
            for row in self.scenario.policies
        }

    def position(self, row: CheckIn) -> Position:
        """Where the phone stands for the place that the story names."""
        if row.lat is not None and row.lon is not None:
            return Position(row.lat, row.lon, row.accuracy)
        match row.verdict:
            case None:
                return self.activity_place(row.place or "")
            case Verdict.INSIDE:
                return IN_THE_REGION if row.mode is Mode.WFA else INSIDE
            case Verdict.OUTSIDE:
                return OUTSIDE
            case _:
                return UNSURE

    def activity_place(self, letter: str) -> Position:
        """Where the activity of a letter takes place: as the letter says, or a place of its own beyond the region."""
        letters = [row for row in self.scenario.arrivals if isinstance(row, Letter)]
        number = next(place for place, row in enumerate(letters) if row.letter == letter)
        place = letters[number].activity
        if isinstance(place, Activity) and place.lat is not None and place.lon is not None:
            return Position(place.lat, place.lon, 5)
        return Position(LATITUDE + 2, LONGITUDE + 0.1 * (number + 1), 5)

    def units(self) -> dict[str, UUID]:
        """Ids of the story's units by name."""
        names = {person.unit for person in self.scenario.employees}
        names |= {row.to_unit for row in self.scenario.arrivals if isinstance(row, Move)}
        return {name: self.id_of("unit", name) for name in sorted(names)}

    def last_date(self) -> dt.date:
        """The last date that the story may speak of."""
        said = [row.now.date() for row in self.scenario.arrivals if isinstance(row, Now)]
        said += [row.date for row in self.scenario.expect.days] + [row.date for row in self.scenario.roster]
        return max([self.first_date(), *said])


async def put_up(stage: Stage, lanes: Lanes, database_url: str, policies: Mapping[str, Policy]) -> None:
    """Publish all that the story takes for granted, and set its clock to the start of its first day."""
    scenario, units = stage.scenario, stage.units()
    calendar = f"cal-{stage.nonce}"
    await commands.publish_org_units(lanes, [
        OrgUnitState(unit_id, f"SK-{stage.nonce}-{name}", f"Unit skenario {name}", scenario.timezone, calendar)
        for name, unit_id in units.items()
    ])
    week = WeekPatternState(
        f"week-{stage.nonce}", "Pekan skenario", {str(day): hours for day, hours in scenario.week.items()}, "scenario",
    )
    await commands.publish_weeks(lanes, [week])
    await commands.publish_calendars(lanes, _calendars(scenario, calendar))
    packs = stage.packs(policies)
    await commands.publish_policies(lanes, packs, [
        (f"{row.policy} {stage.nonce}", row.since, unit_id) for row in scenario.policies for unit_id in units.values()
    ])
    start = dt.datetime.combine(stage.first_date(), dt.time(), dt.UTC) - dt.timedelta(hours=14)
    await commands.move_clock(lanes, stage.clock, start)
    await commands.publish_employees(lanes, [
        EmployeeState(
            stage.id_of("employee", person.id), f"{stage.id_of('nip', person.id).int % 10**16:016}".rjust(18, "9"),
            f"Contoh {person.id} Sintetis",
            person.kind, person.group, person.timezone or scenario.timezone,
            (Membership(stage.first_date(), units[person.unit]),), (WeekAssignment(dt.date(2000, 1, 1), week.code),),
            played_clock=stage.clock,
        )
        for person in scenario.employees
    ])
    await commands.publish_rosters(lanes, _rosters(stage))
    with tempfile.TemporaryDirectory() as folder:
        await _import_sites(stage, database_url, Path(folder) / "sites.geojson", _features(stage))
        await _import_ceilings(stage, database_url, Path(folder) / "ceilings.csv")


async def add_activity(stage: Stage, letter: Letter, database_url: str) -> None:
    """Publish the activity site of a letter."""
    place = stage.activity_place(letter.letter)
    radius = letter.activity.radius_m if isinstance(letter.activity, Activity) else None
    site = _circle(stage, f"letter-{letter.letter}", "activity", place.latitude, place.longitude, radius or 100.0) | {}
    site["properties"] |= {
        "letter": letter.letter, "employees": [str(stage.id_of("employee", name)) for name in letter.employees],
        "valid_from": letter.since.isoformat(), "valid_to": letter.until.isoformat(), "timezone": stage.scenario.timezone,
    }
    with tempfile.TemporaryDirectory() as folder:
        await _import_sites(stage, database_url, Path(folder) / "letter.geojson", [site])


def _calendars(scenario: Scenario, calendar: str) -> list[CalendarState]:
    days: dict[int, list[CalendarDay]] = defaultdict(list)
    for date in scenario.calendar.holidays:
        days[date.year].append(CalendarDay(date=date, name="Libur skenario", kind="holiday", source="scenario"))
    for date in scenario.calendar.joint_leave:
        days[date.year].append(CalendarDay(date=date, name="Cuti bersama skenario", kind="joint_leave", source="scenario"))
    return [
        CalendarState(calendar, year, tuple(sorted(listed, key=lambda day: day.date))) for year, listed in sorted(days.items())
    ]


def _rosters(stage: Stage) -> list[RosterState]:
    months: dict[tuple[str, dt.date], list[RosterDay]] = defaultdict(list)
    for employee, day in stage.scenario.rostered():
        months[employee, day.date.replace(day=1)].append(day)
    return [
        RosterState(stage.id_of("employee", name), month, tuple(sorted(days, key=lambda day: day.date)))
        for (name, month), days in months.items()
    ]


def _features(stage: Stage) -> list[dict[str, Any]]:
    scenario = stage.scenario
    codes = [f"SK-{stage.nonce}-{name}" for name in stage.units()]
    features: list[dict[str, Any]] = []
    for row in scenario.sites:
        if row.polygon is None:
            site = _circle(stage, row.id, row.kind, row.lat or 0.0, row.lon or 0.0, row.radius_m or 0.0)
        else:
            ring = [[longitude, latitude] for latitude, longitude in row.polygon]
            site = _polygon(stage, row.id, row.kind, [*ring, ring[0]])
        if row.employees:
            site["properties"]["employees"] = [str(stage.id_of("employee", name)) for name in row.employees]
        else:
            site["properties"]["org_units"] = [f"SK-{stage.nonce}-{row.unit}"] if row.unit else codes
        features.append(site)
    if any(isinstance(row, CheckIn) and (row.place is not None or row.lat is None) for row in scenario.arrivals):
        office = _circle(stage, "kantor-skenario", "office", LATITUDE, LONGITUDE, 100.0)
        south, west, east = LATITUDE - 2, LONGITUDE - 2, LONGITUDE + 2
        corners = [[west, south], [east, south], [east, _REGION_NORTH], [west, _REGION_NORTH], [west, south]]
        region = _polygon(stage, "wilayah-skenario", "region", corners)
        for site in (office, region):
            site["properties"]["org_units"] = codes
            features.append(site)
    return features


def _circle(stage: Stage, name: str, kind: str, latitude: float, longitude: float, radius_m: float) -> dict[str, Any]:
    return {
        "type": "Feature", "geometry": {"type": "Point", "coordinates": [longitude, latitude]},
        "properties": {"code": f"SK-{stage.nonce}-{name}", "name": name, "kind": kind, "radius_m": radius_m},
    }


def _polygon(stage: Stage, name: str, kind: str, ring: list[list[float]]) -> dict[str, Any]:
    return {
        "type": "Feature", "geometry": {"type": "Polygon", "coordinates": [ring]},
        "properties": {"code": f"SK-{stage.nonce}-{name}", "name": name, "kind": kind},
    }


async def _import_sites(stage: Stage, database_url: str, path: Path, features: list[dict[str, Any]]) -> None:
    if not features:
        return
    await asyncio.to_thread(path.write_text, json.dumps({"type": "FeatureCollection", "features": features}))
    actor = f"scenario-{stage.nonce}"
    report = await import_sites(database_url, path, gate=sites_gate(database_url, actor), actor=actor)
    if not report.ok:
        raise StageError("; ".join(report.lines()))


async def _import_ceilings(stage: Stage, database_url: str, path: Path) -> None:
    months, month = [], stage.first_date().replace(day=1)
    while month <= stage.last_date():
        months.append(month)
        month = (month + dt.timedelta(days=31)).replace(day=1)
    rows = [
        ";".join("" if cell is None else str(cell) for cell in (
            stage.id_of("employee", person.id), f"{month:%Y-%m}", person.tpp, person.static_tkd, person.wage))
        for person in stage.scenario.employees if person.tpp is not None for month in months
    ]
    if not rows:
        return
    await asyncio.to_thread(path.write_text, "\n".join(["employee_id;month;amount;static_tkd;wage", *rows]) + "\n")
    report = await import_ceilings(database_url, path)
    if not report.ok:
        raise StageError("; ".join(report.lines()))
