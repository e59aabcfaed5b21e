"""`hadir import sites`: takes over a GeoJSON file of sites, all of it or nothing, and has check-ins judged again."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from math import pi, sqrt
from pathlib import Path
from typing import Final
from uuid import UUID, uuid4, uuid5
from zoneinfo import ZoneInfo

import orjson

from services.geofence.rules.calibration import NARROW_M, expected_rates
from services.geofence.rules.sitefile import Draft, Problem, SiteFile, read_site_file
from services.geofence.rules.sites import fence_of
from services.geofence.store import sites as store
from services.geofence.store.people import DEFAULT_ZONE
from services.geofence.store.reached import MOST_COUNTED, Reach, count_reached, note_reached
from services.geofence.store.sites import SiteRow
from shared.database import Connection, open_pool
from shared.envelope import MAX_EVENT_BYTES, encode
from shared.events import HADIR_NAMESPACE, AuditRecorded
from shared.faults import fault_of_json, unreadable
from shared.imports import MOST_BYTES, Report, RowError
from shared.lanes import Lanes
from shared.topics import AUDIT, LANES, SITE, lane_of


@dataclass(frozen=True, slots=True)
class Moving:
    """What an import moves: the sites that come or change, those replaced by them, and new ones that first fence somebody in.

    A new region may take the place of the province's; a first office makes "outside" of what was "unsure". Further offices
    and activity sites only add places, and hurt nobody.
    """

    rows: tuple[SiteRow, ...]
    replaced: tuple[SiteRow, ...]
    exposing: tuple[SiteRow, ...]


Gate = Callable[[Moving], Awaitable[None]]
"""Asked before fences move; raises Refused if they may not take force now. Geofence knows no hours of duty itself."""

PATIENCE_S: Final = 15.0
"""How long an import waits for org units and employees that were imported a moment ago and are on their way."""

MOST_PREVIEWED: Final = 50
_KIND_WORDS: Final = {"office": "kantor", "activity": "kegiatan", "region": "wilayah"}


@dataclass(frozen=True, slots=True)
class FeatureError(RowError):
    """One thing wrong with a feature (`row` is its number from 1, 0 the whole file) and the property."""

    def __str__(self) -> str:
        where = f"fitur {self.row}" if self.row else "berkas"
        return f"{where}{f', {self.column}' if self.column else ''}: {self.problem}"


@dataclass(frozen=True, slots=True)
class SitesReport(Report):
    """Report of an import of sites; `judged_again` counts check-ins that the change concerns, up to `MOST_COUNTED`."""

    judged_again: int = 0
    left_alone: int = 0

    def lines(self) -> list[str]:
        """The report as an officer reads it."""
        # Two-argument form: a dataclass with slots is another class than the one that super() without arguments knows.
        told = Report.lines(self)
        told[0] = f"{self.what}: {self.rows} fitur; baru {self.new}, berubah {self.changed}, tetap {self.unchanged}"
        if self.ok:
            told.append(f"{self.left_alone} situs lain tidak disebut dalam berkas dan tetap berlaku.")
            if self.judged_again:
                verb = "dinilai ulang" if self.applied else "akan dinilai ulang"
                least = "sedikitnya " if self.judged_again == MOST_COUNTED else ""
                told.append(f"{least}{self.judged_again} tanda kehadiran yang sudah masuk {verb}.")
        return told


def site_id_of(code: str) -> UUID:
    """Id of the site that officers call by this code; the same in every database."""
    return uuid5(HADIR_NAMESPACE, f"site|{code}")


async def import_sites(
    database_url: str,
    path: Path,
    dry_run: bool = False,
    *,
    gate: Gate,
    actor: str = "operator",
    patience_s: float = PATIENCE_S,
    say: Callable[[str], None] | None = None,
) -> SitesReport:
    """Read, check and (unless `dry_run`) apply a file of sites; sites that it does not name stay as they are.

    `gate` is asked before anything is written and may raise Refused: a fence that moves while people check in
    punishes them. Mistakes are in the report's `errors`, and then nothing was applied. Org units and
    employees are looked up in the geofence's own copy of them; names that it lacks are waited for up to `patience_s`
    seconds, and `say` is told. Raises what the database raises when it is away.
    """
    read, digest = _read(path)
    if read.errors and not read.drafts:
        return _report(read)
    pool = await open_pool(database_url, "geofence", max_size=2)
    try:
        return await take_over(Lanes(pool, "geofence"), read, digest, dry_run=dry_run, gate=gate, actor=actor, patience_s=patience_s,
                               say=say)
    finally:
        await pool.close()


async def take_over(
    lanes: Lanes, read: SiteFile, digest: str, *, dry_run: bool, gate: Gate, actor: str, patience_s: float = PATIENCE_S,
    say: Callable[[str], None] | None = None,
) -> SitesReport:  # fmt: skip
    """Check and (unless `dry_run`) apply what was read of a file with this digest; the rest as `import_sites`."""
    if read.errors and not read.drafts:
        return _report(read)
    async with lanes.pool.acquire() as connection:
        names = await _look_up(connection, read.drafts, patience_s, say)
        rows = _resolve(read, names)
        if read.errors:
            return _report(read)
        if dry_run:
            change = await _change(connection, rows)
            reached = await count_reached(connection, change.reaches)
            return _report(read, change, judged_again=reached)
    change, reached = await _apply(lanes, rows, gate, actor, digest)
    return _report(read, change, judged_again=reached, applied=True)


async def changed_sites(
    connection: Connection, path: Path, patience_s: float = 0.0
) -> tuple[list[SiteRow], list[SiteRow], tuple[RowError, ...]]:
    """The sites that a file would add or change, those it would replace, and what stands against the file."""
    read, _ = _read(path)
    rows = _resolve(read, await _look_up(connection, read.drafts, patience_s, None))
    if read.errors:
        return [], [], _told(read.errors)
    change = await _change(connection, rows)
    return change.rows, change.replaced, ()


def _read(path: Path) -> tuple[SiteFile, str]:
    try:
        if path.stat().st_size > MOST_BYTES:
            return SiteFile(errors=[Problem(0, None, "berkas lebih besar dari 512 MiB; bagi menjadi beberapa berkas")]), ""
        raw = path.read_bytes()
    except OSError as error:
        return SiteFile(errors=[Problem(0, None, f"{path.name}: {unreadable(error)}")]), ""
    return parse_sites(raw)


def parse_sites(raw: bytes) -> tuple[SiteFile, str]:
    """What the bytes of a GeoJSON file say, mistakes included, and their SHA-256 (empty for what is no JSON)."""
    try:
        document = orjson.loads(raw.removeprefix(b"\xef\xbb\xbf"))
    except orjson.JSONDecodeError as error:
        fault = fault_of_json(error)
        return SiteFile(errors=[Problem(0, fault.field or None, f"bukan JSON yang sah: {fault.detail}")]), ""
    return read_site_file(document), hashlib.sha256(raw).hexdigest()


@dataclass(frozen=True, slots=True)
class _Names:
    """What names of org units (id and zone) and employees in the file mean."""

    org_units: Mapping[str, tuple[UUID, str]]
    employees: Mapping[str, UUID]


async def _look_up(
    connection: Connection, drafts: Sequence[Draft], patience_s: float, say: Callable[[str], None] | None
) -> _Names:
    """Look the names up, and again while some are missing and patience lasts: references may still be under way."""
    units = {name for draft in drafts for name in draft.org_units}
    people = {name for draft in drafts for name in draft.employees}
    deadline = asyncio.get_running_loop().time() + patience_s
    told = False
    while True:
        names = _Names(
            await store.org_units_named(connection, units), await store.employees_named(connection, people)
        )
        missing = len(units - names.org_units.keys()) + len(people - names.employees.keys())
        if not missing or asyncio.get_running_loop().time() >= deadline:
            return names
        if say is not None and not told:
            say(f"menunggu {missing} unit kerja atau pegawai yang belum sampai di geofence ...")
            told = True
        await asyncio.sleep(0.3)


def _resolve(read: SiteFile, names: _Names) -> list[SiteRow]:
    """Drafts as rows; what cannot be resolved goes to the file's errors, narrow fences to its warnings."""
    rows = []
    for draft in read.drafts:
        wrong = list(_unknown_names(draft, names))
        zone = ZoneInfo(_zone_of(draft, names))
        start, end = _moment(draft.valid_from, zone), _moment(draft.valid_to, zone, last=True)
        if start is not None and end is not None and start >= end:
            wrong.append(Problem(draft.feature, "valid_to", "harus sesudah valid_from"))
        row = SiteRow(
            site_id=site_id_of(draft.code), code=draft.code, name=draft.name, kind=draft.kind,
            geometry=orjson.loads(orjson.dumps(draft.geometry)), radius_m=draft.radius_m,
            org_unit_ids=_ids(names.org_units[name][0] for name in draft.org_units if name in names.org_units),
            employee_ids=_ids(names.employees[name] for name in draft.employees if name in names.employees),
            valid_from=start, valid_to=end, letter=draft.letter, accuracy_cap_m=draft.accuracy_cap_m,
            max_accuracy_m=draft.max_accuracy_m, outside_factor=draft.outside_factor,
        )  # fmt: skip
        size = len(encode(row.published(1)))
        if size > MAX_EVENT_BYTES:
            told = f"terlalu besar ({size // 1000} kB, paling banyak {MAX_EVENT_BYTES // 1000} kB); sederhanakan garisnya"
            wrong.append(Problem(draft.feature, "geometry", told))
        read.errors.extend(wrong)
        read.warnings.extend(_narrow(draft.feature, row))
        rows.append(row)
    return rows


def _unknown_names(draft: Draft, names: _Names) -> Iterable[Problem]:
    for name in draft.org_units:
        if name not in names.org_units:
            told = f"unit kerja {name[:60]} tidak dikenal; impor unit kerja lebih dahulu, dan geofence harus berjalan"
            yield Problem(draft.feature, "org_units", told)
    for place, name in enumerate(draft.employees, start=1):
        if name not in names.employees:
            told = f"pegawai ke-{place} (berakhiran {name[-3:]}) tidak dikenal; periksa NIP, atau impor pegawai dahulu"
            yield Problem(draft.feature, "employees", told)


def _zone_of(draft: Draft, names: _Names) -> str:
    if draft.timezone is not None:
        return draft.timezone
    return next((names.org_units[name][1] for name in draft.org_units if name in names.org_units), DEFAULT_ZONE)


def _moment(given: date | datetime | None, zone: ZoneInfo, *, last: bool = False) -> datetime | None:
    """A moment as it is; a date as its first instant in the zone, or with `last` the first one after it."""
    if given is None or isinstance(given, datetime):
        return None if given is None else given.astimezone(UTC)
    day = given + timedelta(days=1) if last else given
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)


def _ids(ids: Iterable[UUID]) -> tuple[UUID, ...]:
    return tuple(sorted({UUID(int=one.int) for one in ids}))


def _narrow(feature: int, row: SiteRow) -> Iterable[Problem]:
    """A warning when the fence is as small as a phone's own error (Kota Bengkulu's 15 m, domain.md §4.1)."""
    fence = fence_of(row.geometry)
    radius = row.radius_m if fence.polygon is None else sqrt(fence.polygon.area / pi)
    if row.kind == "region" or radius is None or radius >= NARROW_M:
        return
    radius = max(1.0, round(radius))
    rates = expected_rates(radius, row.accuracy())
    strict = expected_rates(radius, replace(row.accuracy(), cap_m=0.0))
    yield Problem(
        feature, "radius_m" if fence.polygon is None else "geometry",
        f"pagar sekitar {radius:.0f} m lebih sempit daripada galat GPS ponsel (5-35 m): dari orang yang benar-benar di "
        f"dalam, kira-kira {rates.unsure:.0%} akan 'unsure' dan {rates.outside:.1%} 'outside' dengan aturan akurasi "
        f"situs ini ({strict.unsure:.0%} dan {strict.outside:.1%} tanpa kelonggaran akurasi)",
    )  # fmt: skip


@dataclass(slots=True)
class _Change:
    """What an import does to the stored sites."""

    new: list[SiteRow] = field(default_factory=list)
    changed: list[tuple[SiteRow, SiteRow, int]] = field(default_factory=list)
    unchanged: int = 0
    left_alone: int = 0

    @property
    def rows(self) -> list[SiteRow]:
        """The sites as they will be, those that stay the same left out."""
        return [*self.new, *(after for _, after, _ in self.changed)]

    @property
    def replaced(self) -> list[SiteRow]:
        """The sites that change, as they are now."""
        return [before for before, _, _ in self.changed]

    @property
    def reaches(self) -> list[Reach]:
        """Whom the change concerns: by the new state and, where there was one, by the old."""
        return [Reach.of(row) for row in self.new] + [
            Reach.of(row) for before, after, _ in self.changed for row in (before, after)
        ]

    @property
    def preview(self) -> tuple[str, ...]:
        """One line per site, the first ones only."""
        told = [f"+ {row.code} ({_KIND_WORDS[row.kind]}) baru" for row in self.new]
        told += [f"~ {after.code}: {_difference(before, after)}" for before, after, _ in self.changed]
        more = len(told) - MOST_PREVIEWED
        return tuple(told[:MOST_PREVIEWED]) + ((f"... dan {more} lagi",) if more > 0 else ())


async def _change(connection: Connection, rows: Sequence[SiteRow]) -> _Change:
    stored = await store.stored_sites(connection, [row.code for row in rows])
    change = _Change(left_alone=await store.count_sites(connection) - len(stored))
    for row in rows:
        before, version = stored.get(row.code, (None, 0))
        if before is None:
            change.new.append(row)
        elif before != row:
            change.changed.append((before, row, version + 1))
        else:
            change.unchanged += 1
    return change


def _difference(before: SiteRow, after: SiteRow) -> str:
    """Which columns change, with the values where these are short."""
    told = []
    for name in store.COLUMNS:
        old, new = getattr(before, name), getattr(after, name)
        if old == new:
            continue
        if name == "geometry":
            told.append("bentuk atau letak berubah")
        elif isinstance(old, tuple):
            told.append(f"{name} +{len(set(new) - set(old))} -{len(set(old) - set(new))}")
        else:
            told.append(f"{name} {_short(old)} menjadi {_short(new)}")
    return ", ".join(told)


def _short(value: object) -> str:
    if value is None:
        return "-"
    return f"{value:g}" if isinstance(value, float) else str(value)[:60]


async def _apply(lanes: Lanes, rows: Sequence[SiteRow], gate: Gate, actor: str, digest: str) -> tuple[_Change, int]:
    """What was changed, and how many check-ins are judged again for it, counted before the lanes are held."""
    reached = 0

    async def look(connection: Connection) -> tuple[_Change, Moving]:
        change = await _change(connection, rows)
        return change, await _moving(connection, change)

    async def clear(connection: Connection, seen: tuple[_Change, Moving]) -> None:
        nonlocal reached
        reached = await count_reached(connection, seen[0].reaches)
        await gate(seen[1])

    # Every lane: whoever judges a check-in meanwhile sees all of the change or nothing of it.
    async with lanes.hold_cleared(range(LANES), look, clear) as (work, (change, _)):
        saved = [(row, 1) for row in change.new] + [(after, version) for _, after, version in change.changed]
        if not saved:
            return change, 0
        changed = await store.save_sites(work.connection, saved)
        for row, version in saved:
            entity = str(row.site_id)
            work.emit(SITE, entity, version, row.published(version), key=entity, lane=lane_of(entity), cause=None)
        await note_reached(work.connection, changed, change.reaches)
        audit = AuditRecorded(
            audit_id=uuid4(), actor=actor, action="sites.imported", subject=digest[:16], at=datetime.now(UTC),
            detail={"new": len(change.new), "changed": len(change.changed), "judged_again": reached, "sha256": digest},
        )  # fmt: skip
        work.emit(AUDIT["geofence"], str(audit.audit_id), 1, audit, key=actor, lane=lane_of(actor), cause=None)
    return change, reached


async def _moving(connection: Connection, change: _Change) -> Moving:
    fenced = await store.units_with_places(connection) if change.new else set()
    exposing = tuple(row for row in change.new if row.kind == "region" or (row.kind == "office" and not fenced >= {*row.org_unit_ids}))
    return Moving(tuple(change.rows), tuple(change.replaced), exposing)


def _report(
    read: SiteFile, change: _Change | None = None, *, judged_again: int = 0, applied: bool = False
) -> SitesReport:
    change = change or _Change()
    return SitesReport(
        what="situs", rows=read.features, new=len(change.new), changed=len(change.changed),
        unchanged=change.unchanged, errors=_told(read.errors), warnings=_told(read.warnings), preview=change.preview,
        applied=applied, judged_again=judged_again, left_alone=change.left_alone,
    )  # fmt: skip


def _told(problems: Collection[Problem]) -> tuple[RowError, ...]:
    ordered = sorted(problems, key=lambda problem: problem.feature)
    return tuple(FeatureError(problem.feature, problem.property, problem.text) for problem in ordered)
