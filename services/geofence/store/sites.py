"""Sites as stored, and the worker's compiled copy of them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import asyncpg
import orjson

from services.geofence.rules.sites import DEFAULT_ACCURACY, AccuracyRule, Catalogue, Site, SiteKind, empty_catalogue
from shared.database import Connection
from shared.events import SitePublished

IMPORT_LOCK: Final = 0x4841_5349
"""Advisory lock under which sites change, so that two imports number their changes one after the other."""


@dataclass(frozen=True, slots=True)
class SiteRow:
    """One site as an officer describes it; equality is what makes an import a change.

    Accuracy values are metres, `outside_factor` a number; None takes the default of the kind.
    """

    site_id: UUID
    code: str
    name: str
    kind: SiteKind
    geometry: Mapping[str, Any]
    radius_m: float | None
    org_unit_ids: tuple[UUID, ...]
    employee_ids: tuple[UUID, ...]
    valid_from: datetime | None
    valid_to: datetime | None
    letter: str | None
    accuracy_cap_m: float | None
    max_accuracy_m: float | None
    outside_factor: float | None

    def published(self, version: int) -> SitePublished:
        """The event that tells this state of the site."""
        return SitePublished(version=version, **{name: getattr(self, name) for name in COLUMNS})

    def accuracy(self) -> AccuracyRule:
        """The accuracy rule with the kind's defaults where the site names none."""
        default = DEFAULT_ACCURACY[self.kind]
        return AccuracyRule(
            default.cap_m if self.accuracy_cap_m is None else self.accuracy_cap_m,
            default.max_m if self.max_accuracy_m is None else self.max_accuracy_m,
            default.outside_factor if self.outside_factor is None else self.outside_factor,
        )

    def compiled(self, version: int) -> Site:
        """The site as the rules take it."""
        return Site(
            self.site_id, version, self.kind, self.geometry, self.radius_m, self.org_unit_ids, self.employee_ids,
            self.valid_from, self.valid_to, self.accuracy(),
        )  # fmt: skip


COLUMNS: Final = tuple(field.name for field in fields(SiteRow))
_SELECT: Final = f"select {', '.join(COLUMNS)}, version, changed from site"  # noqa: S608 names of our own fields


def _site_row(row: asyncpg.Record) -> SiteRow:
    values = {name: row[name] for name in COLUMNS}
    values["geometry"] = orjson.loads(row["geometry"])
    values["org_unit_ids"] = tuple(row["org_unit_ids"])
    values["employee_ids"] = tuple(row["employee_ids"])
    return SiteRow(**values)


class SiteBook:
    """The compiled sites of one process, brought up to date at the start of each batch.

    An import holds every lane while it commits, so whoever holds a lane sees all of it or nothing of it.
    """

    def __init__(self) -> None:
        self._seen = 0
        self._sites: dict[UUID, Site] = {}
        self._catalogue = empty_catalogue()

    async def current(self, connection: Connection) -> Catalogue:
        """The catalogue as of this transaction; loads only sites that changed since the last call."""
        if await connection.fetchval("select coalesce(max(changed), 0) from site") != self._seen:
            rows = await connection.fetch(f"{_SELECT} where changed > $1", self._seen)
            for row in rows:
                held = self._sites.get(row["site_id"])
                if held is None or held.version < row["version"]:
                    self._sites[row["site_id"]] = _site_row(row).compiled(row["version"])
                self._seen = max(self._seen, row["changed"])
            self._catalogue = Catalogue(self._sites.values(), self._catalogue.fences)
        return self._catalogue


async def stored_sites(connection: Connection, codes: Collection[str]) -> dict[str, tuple[SiteRow, int]]:
    """Those of these sites that exist, by code, with their version."""
    rows = await connection.fetch(f"{_SELECT} where code = any($1::text[])", list(codes))
    return {row["code"]: (_site_row(row), row["version"]) for row in rows}


async def every_site(connection: Connection) -> list[tuple[SiteRow, int]]:
    """All sites with their versions."""
    return [(_site_row(row), row["version"]) for row in await connection.fetch(_SELECT)]


async def units_with_places(connection: Connection) -> set[UUID]:
    """The org units that have an office or an activity site, at whatever time."""
    return {row["unit"] for row in await connection.fetch("select distinct unnest(org_unit_ids) as unit from site where kind <> 'region'")}


async def count_sites(connection: Connection) -> int:
    """Number of all sites."""
    count: int = await connection.fetchval("select count(*) from site")
    return count


async def save_sites(connection: Connection, sites: Sequence[tuple[SiteRow, int]]) -> int:
    """Insert or replace sites with their new version, as one numbered change; returns its number."""
    await connection.execute("select pg_advisory_xact_lock($1)", IMPORT_LOCK)
    changed: int = 1 + await connection.fetchval("select coalesce(max(changed), 0) from site")
    await connection.executemany(
        f"insert into site ({', '.join(COLUMNS)}, version, changed)"  # noqa: S608 names of our own fields
        f" values ({', '.join(f'${number}' for number in range(1, len(COLUMNS) + 3))})"
        " on conflict (site_id) do update set "
        + ", ".join(f"{name} = excluded.{name}" for name in (*COLUMNS[1:], "version", "changed")),
        [(*_values(site), version, changed) for site, version in sites],
    )
    return changed


def _values(site: SiteRow) -> tuple[object, ...]:
    return tuple(
        orjson.dumps(site.geometry).decode() if name == "geometry" else getattr(site, name) for name in COLUMNS
    )


async def org_units_named(connection: Connection, names: Collection[str]) -> dict[str, tuple[UUID, str]]:
    """Id and zone of org units given by code or id."""
    rows = await connection.fetch(
        "select org_unit_id, code, timezone from org_unit where code = any($1::text[]) or org_unit_id::text = any($1)",
        list(names),
    )
    found = {str(row["org_unit_id"]): (row["org_unit_id"], row["timezone"]) for row in rows}
    return found | {row["code"]: (row["org_unit_id"], row["timezone"]) for row in rows}


async def employees_named(connection: Connection, names: Collection[str]) -> dict[str, UUID]:
    """Ids of employees given by NIP or id."""
    rows = await connection.fetch(
        "select employee_id, nip from employee where nip = any($1::text[])"
        " union all select employee_id, nip from employee where employee_id = any($2::uuid[])",
        list(names), [UUID(name) for name in names if is_uuid(name)],
    )  # fmt: skip
    return {str(row["employee_id"]): row["employee_id"] for row in rows} | {
        row["nip"]: row["employee_id"] for row in rows
    }


def is_uuid(text: str) -> bool:
    """Whether a text is a UUID in its usual form."""
    try:
        return str(UUID(text)) == text.lower()
    except ValueError:
        return False
