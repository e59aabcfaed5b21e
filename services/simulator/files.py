"""Writes the province as the files that officers import: calendar, org units, people, roster, sites, ceilings, rule packs."""

import csv
import datetime as dt
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from services.simulator.duty import free_dates, owed
from services.simulator.places import REGIONS
from services.simulator.province import Province

_MARGIN: Final = dt.timedelta(days=2)
"""Rostered so far beyond the played days on both sides: a night shift's reach ends where the next duty's begins."""

CALENDAR: Final = "simulasi"
"""Calendar of the invented units: officers may edit the national one without making the simulator's truth untrue."""

PACKS: Final = """\
# Rule packs of the invented province, as in the national pattern and its variants; not official for any region.
POL-A:
  legal_source: "simulasi; pola nasional TL/PSW 0,5-1,5 %, TK 3 %"
  seconds: stamp_floor
  base: total_tpp
  tl:  [{code: TL1, min: 1, max: 30, pct: "0.50"}, {code: TL2, min: 31, max: 60, pct: "1.00"}, \
{code: TL3, min: 61, max: 90, pct: "1.25"}, {code: TL4, min: 91, max: null, pct: "1.50"}]
  psw: [{code: PSW1, min: 1, max: 30, pct: "0.50"}, {code: PSW2, min: 31, max: 60, pct: "1.00"}, \
{code: PSW3, min: 61, max: 90, pct: "1.25"}, {code: PSW4, min: 91, max: null, pct: "1.50"}]
  no_in:  {code: TL4, pct: "1.50"}
  no_out: {code: PSW4, pct: "1.50"}
  tk_day: "3.00"
  cap: "100"
POL-B:
  legal_source: "simulasi; tabel Permentan 68/2012"
  seconds: stamp_floor
  base: total_tpp
  tl:  [{code: TL1, min: 1, max: 30, pct: "0.50"}, {code: TL2, min: 31, max: 60, pct: "1.00"}, \
{code: TL3, min: 61, max: 90, pct: "1.50"}, {code: TL4, min: 91, max: null, pct: "2.00"}]
  psw: [{code: PSW1, min: 1, max: 30, pct: "0.50"}, {code: PSW2, min: 31, max: 60, pct: "1.00"}, \
{code: PSW3, min: 61, max: 90, pct: "1.50"}, {code: PSW4, min: 91, max: null, pct: "2.00"}]
  no_in:  {code: TL4, pct: "2.00"}
  no_out: {code: PSW4, pct: "2.00"}
  tk_day: "4.00"
  cap: "100"
POL-E:
  extends: POL-A
  legal_source: "simulasi; persen dari komponen disiplin 40 %"
  base: discipline_component
  weight: "0.40"
POL-G:
  legal_source: "simulasi; tabel dengan pita toleransi 30 menit"
  seconds: stamp_floor
  base: total_tpp
  tl:  [{code: TL0, min: 1, max: 30, pct: "0.00"}, {code: TL1, min: 31, max: 60, pct: "0.50"}, \
{code: TL2, min: 61, max: 90, pct: "1.25"}, {code: TL3, min: 91, max: null, pct: "2.50"}]
  psw: [{code: PSW1, min: 1, max: 30, pct: "0.50"}, {code: PSW2, min: 31, max: 60, pct: "1.25"}, \
{code: PSW3, min: 61, max: null, pct: "2.50"}]
  no_in:  {code: LAM, pct: "2.50"}
  no_out: {code: LAP, pct: "2.50"}
  tk_day: "5.00"
  cap: "100"
"""


@dataclass(frozen=True, slots=True)
class Files:
    """Where the files of one province stand."""

    folder: Path

    @property
    def calendar(self) -> Path:
        """One row per holiday or joint-leave day of the years touched."""
        return self.folder / "calendar.csv"

    @property
    def org_units(self) -> Path:
        """One row per OPD."""
        return self.folder / "org-units.csv"

    @property
    def employees(self) -> Path:
        """One row per invented person."""
        return self.folder / "employees.csv"

    @property
    def roster(self) -> Path:
        """One row per rostered day: shifts of nurses, days from anywhere."""
        return self.folder / "roster.csv"

    @property
    def sites(self) -> Path:
        """Offices and regions."""
        return self.folder / "sites.geojson"

    @property
    def ceilings(self) -> Path:
        """One row per employee-month: the TPP in rupiah."""
        return self.folder / "ceilings.csv"

    @property
    def policies(self) -> Path:
        """The rule packs by name."""
        return self.folder / "policies.yaml"


def write(province: Province, folder: Path) -> Files:
    """Write all files of the province into the folder, which is made if it is not there; existing ones are replaced."""
    folder.mkdir(parents=True, exist_ok=True)
    files = Files(folder)
    _table(files.calendar, ("date", "kind", "name", "source", "calendar"), (
        (date, "holiday", "Hari libur", "simulasi", CALENDAR)
        for year in sorted({(province.first_day - _MARGIN).year, (province.last_day + _MARGIN).year})
        for date in sorted(free_dates(year))
    ))
    _table(files.org_units, ("code", "name", "timezone", "org_unit_id", "public_service", "calendar"), (
        (unit.code, unit.name, unit.region.timezone, province.identity("unit", unit.number),
         "ya" if unit.public_service else "tidak", CALENDAR)
        for unit in province.units
    ))
    _table(files.employees, ("nip", "name", "kind", "group", "org_unit", "since", "employee_id", "played_clock"), (
        (p.nip, p.name, p.kind.value, p.group, p.unit.code, province.first_day, p.employee_id, province.label)
        for p in province.people()
    ))
    _table(files.roster, ("employee_id", "date", "mode", "start", "end"), _roster(province))
    _table(files.ceilings, ("employee_id", "month", "amount"), (
        (person.employee_id, month, person.ceiling) for person in province.people() for month in province.months
    ))
    files.sites.write_text(json.dumps({"type": "FeatureCollection", "features": list(_sites(province))}, ensure_ascii=False))
    files.policies.write_text(PACKS)
    return files


def _roster(province: Province) -> Iterator[tuple[object, ...]]:
    first, last = province.first_day - _MARGIN, province.last_day + _MARGIN
    dates = [first + dt.timedelta(days=number) for number in range((last - first).days + 1)]
    for person in province.people():
        for date in dates:
            duty = owed(province.seed, person, date)
            if duty.rostered:
                yield person.employee_id, date, duty.mode.value, *(duty.hours or ("", ""))


def _sites(province: Province) -> Iterator[dict[str, Any]]:
    for region in REGIONS:
        codes = [unit.code for unit in province.units if unit.region is region]
        if codes:
            yield _feature(
                f"{province.tag}-{region.letter}", f"Wilayah contoh {region.letter}", "region", codes,
                {"type": "Polygon", "coordinates": [region.ring()]},
            )
    for unit in province.units:
        for office in unit.offices:
            feature = _feature(office.code, office.name, "office", [unit.code], office.geometry())
            if office.circle:
                feature["properties"]["radius_m"] = office.size_m
            yield feature


def _feature(code: str, name: str, kind: str, units: Sequence[str], geometry: dict[str, Any]) -> dict[str, Any]:
    properties: dict[str, Any] = {"code": code, "name": name, "kind": kind, "org_units": list(units)}
    return {"type": "Feature", "properties": properties, "geometry": geometry}


def _table(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(rows)
