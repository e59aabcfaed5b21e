"""What a file is silent about and its officer should know before it counts: warnings, and what stands against it, in Indonesian."""

import datetime as dt
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import product
from typing import Final
from uuid import UUID

from services.schedule.importer.cells import zone_word
from services.schedule.in_force import WeekScope
from services.schedule.memory import Reference
from services.schedule.reference import NATIONAL_CALENDAR, CalendarState, EmployeeState, OrgUnitState
from services.schedule.store.concerned import GroupOfUnit, ZoneOfUnit
from shared.imports import RowError, Table
from shared.policy import Policy

_FREE: Final = {"tk_day_by_group": "hari tanpa keterangan (TK)", "apel_by_group": "apel yang terlewat"}


def unpriced_groups(table: Table, people: Iterable[EmployeeState], reference: Reference, names: Mapping[UUID, str]) -> list[RowError]:
    """A warning for each group and rule pack of these people that says nothing of the group; `names` of packs by id.

    A person is looked at on every date from which another unit, group or pack holds.
    """
    turns: dict[UUID, set[dt.date]] = {}
    silent: dict[tuple[UUID, str], tuple[str, ...]] = {}
    found: Counter[tuple[UUID, str]] = Counter()
    for person in people:
        if person.played_clock is not None or not person.active:
            continue
        dates = {one.since for held in (person.memberships, person.ranks) for one in held}
        for unit in {m.org_unit_id for m in person.memberships}:
            if unit not in turns:
                turns[unit] = reference.in_force.turns(reference.line_of(unit))
            dates |= turns[unit]
        met = {(pack, person.rank_on(date).group) for date in dates if (pack := reference.pack_on(person.unit_on(date), date)) is not None}
        for pack, group in met:
            if (pack, group) not in silent:
                silent[pack, group] = reference.policies[pack].silent_of(group)
            found[pack, group] += bool(silent[pack, group])
    rows = {row["group"]: row.number for row in reversed(table.rows)}
    return [
        RowError(rows.get(group, 0), "group", _told(names.get(pack, "?"), reference.policies[pack], group, silent[pack, group], count))
        for (pack, group), count in sorted(found.items(), key=lambda one: (one[0][1], str(one[0][0]))) if count
    ]


def _told(name: str, policy: Policy, group: str, tables: Collection[str], count: int) -> str:
    known = sorted({word for table in tables for word in getattr(policy, table)})
    what = " dan ".join(_FREE[table] for table in tables)
    return (
        f"kelompok {group} ({count} pegawai) tidak ada pada {' dan '.join(tables)} kebijakan {name}, jadi {what} tidak dipotong; "
        f"tulis salah satu dari {', '.join(known)}, atau tambahkan kelompok itu ke kebijakannya"
    )


def unpriced_by(
    name: str, policy: Policy, since: dt.date, scope: UUID | None, after: Reference, groups: Iterable[GroupOfUnit]
) -> Iterator[tuple[bool, str]]:
    """What a pack would leave free of whom, put in force from that date in a unit and those below it (None: everywhere).

    True with a sentence: absence itself, which stands against it; False: only roll-calls. `after` is the reference as it would be.
    """
    units = set(after.units if scope is None else after.below(scope))
    found: Counter[str] = Counter()
    for one in groups:
        if one.org_unit_id in units:
            dates = {since, *after.in_force.turns(after.line_of(one.org_unit_id))}
            if any(after.pack_on(one.org_unit_id, date) == policy.identity for date in dates if date >= since):
                found[one.group] += one.people
    for group, count in sorted(found.items()):
        if tables := policy.silent_of(group):
            yield "tk_day_by_group" in tables, _told(name, policy, group, tables, count)


def left_in_zones(units: Mapping[UUID, OrgUnitState], people: Iterable[ZoneOfUnit]) -> Iterator[RowError]:
    """A warning for each of these units, which get another zone, whose people stay in another one than it."""
    for one in people:
        unit = units[one.org_unit_id]
        if one.timezone != unit.timezone:
            yield RowError(0, None, (
                f"{one.people} pegawai unit {unit.code} tetap memakai {zone_word(one.timezone)}: zona unit tidak mengubah zona pegawainya. "
                f"Bila ikut berubah, impor pegawainya (hadir import employees) dengan timezone {zone_word(unit.timezone)} dan since "
                "tanggal berlakunya"))


def without_national(
    names: Iterable[str], calendars: Mapping[tuple[str, int], CalendarState], years: Iterable[int]
) -> Iterator[RowError]:
    """A warning for each local calendar and year in which national holidays are missing: it holds in the place of the national one."""
    for name, year in product(sorted({*names} - {NATIONAL_CALENDAR}), sorted(years)):
        national, own = calendars.get((NATIONAL_CALENDAR, year)), calendars.get((name, year))
        dates = {day.date for day in national.days} if national else set()
        if missing := dates - {day.date for day in (own.days if own else ())}:
            yield RowError(0, None, (
                f"kalender {name} tidak memuat {len(missing)} dari {len(dates)} hari libur {NATIONAL_CALENDAR} {year}: bagi unit yang "
                f"memakainya itu hari kerja, karena kalender daerah menggantikan {NATIONAL_CALENDAR}. Salin yang perlu: hadir export "
                f"calendar libur.csv --year {year}, isi kolom calendar dengan {name}, lalu hadir import calendar libur.csv"))


def own_weeks(scope: WeekScope, own: int, people: int) -> RowError:
    """The warning that a week in force does nothing to people who have a week pattern of their own."""
    return RowError(0, None, (
        f"{own} dari {people} pegawai punya pola kerja sendiri dan tetap memakainya: {scope.week} sejak {scope.since} tidak berlaku bagi "
        "mereka. Bila seharusnya berlaku, impor mereka dengan week_pattern - sejak tanggal itu (hadir import employees)"))
