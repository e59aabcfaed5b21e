"""What a file is silent about and its officer should know before it counts: warnings, and what stands against it, in Indonesian."""

import datetime as dt
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Final
from uuid import UUID

from services.schedule.memory import Reference
from services.schedule.reference import EmployeeState
from services.schedule.store.concerned import GroupOfUnit
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
