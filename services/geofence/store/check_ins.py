"""The inbox: check-ins with their newest verdict, which of them are due to be judged again, and what is erased."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Literal, NamedTuple
from uuid import UUID

import asyncpg

from services.geofence.rules.locate import Judgement
from shared.database import Connection
from shared.envelope import Envelope
from shared.events import CheckInLocated, Mark, Verdict
from shared.topics import CHECK_IN_RECORDED


class CheckIn(NamedTuple):
    """One row of the inbox: the check-in with its coordinates (None once erased) and its newest verdict."""

    check_in_id: UUID
    employee_id: UUID
    lane: int
    digest: bytes
    event_id: UUID
    correlation_id: UUID
    mark: str
    captured_at: datetime
    received_at: datetime
    latitude: float | None
    longitude: float | None
    accuracy_m: float | None
    mock: bool
    evidence: bool
    reason_given: bool
    version: int
    judgement: Judgement

    @property
    def cause(self) -> Envelope:
        """Envelope of the recorded check-in, as far as what follows from it needs one."""
        return Envelope(
            id=self.event_id, type=CHECK_IN_RECORDED.ce_type, source=f"/hadir/{CHECK_IN_RECORDED.owner}",
            time=self.received_at, subject=str(self.check_in_id), causation_id=None, correlation_id=self.correlation_id,
        )  # fmt: skip

    def located(self) -> CheckInLocated:
        """The event that tells the newest verdict, without coordinates."""
        return CheckInLocated(
            check_in_id=self.check_in_id, employee_id=self.employee_id, version=self.version, mark=Mark(self.mark),
            captured_at=self.captured_at, received_at=self.received_at, mock=self.mock, evidence=self.evidence,
            reason_given=self.reason_given, **self.judgement._asdict(),
        )  # fmt: skip


async def known_digests(connection: Connection, check_in_ids: Collection[UUID]) -> dict[UUID, bytes]:
    """Digests of those check-ins that were judged before."""
    rows = await connection.fetch(
        "select check_in_id, digest from check_in where check_in_id = any($1::uuid[])", list(check_in_ids)
    )
    return {row["check_in_id"]: row["digest"] for row in rows}


async def insert_check_ins(connection: Connection, check_ins: Sequence[CheckIn]) -> None:
    """Store newly judged check-ins; the caller has made sure that none is known."""
    await connection.copy_records_to_table(
        "check_in",
        records=[(*row[:-1], *row.judgement) for row in check_ins],
        columns=(*CheckIn._fields[:-1], *Judgement._fields),
    )


async def update_judgements(connection: Connection, check_ins: Sequence[CheckIn]) -> None:
    """Store new versions of verdicts."""
    columns = zip(*((row.check_in_id, row.version, *row.judgement) for row in check_ins), strict=True)
    await connection.execute(
        "update check_in c set version = v.version, site = v.site, site_id = v.site_id,"
        " site_distance_m = v.site_distance_m, activity_site = v.activity_site, region = v.region,"
        " region_id = v.region_id, quality = v.quality"
        " from unnest($1::uuid[], $2::int[], $3::text[], $4::uuid[], $5::bigint[], $6::bool[], $7::text[], $8::uuid[],"
        " $9::text[]) v(check_in_id, version, site, site_id, site_distance_m, activity_site, region, region_id, quality)"
        " where c.check_in_id = v.check_in_id",
        *map(list, columns),
    )


async def due_lanes(connection: Connection, lanes: Collection[int], limit: int) -> dict[int, list[UUID]]:
    """Some check-ins of these lanes that are to be judged again, by lane."""
    rows = await connection.fetch(
        "select lane, check_in_id from due_check_in where lane = any($1::int[]) order by lane, check_in_id limit $2",
        sorted(lanes), limit,
    )  # fmt: skip
    found: dict[int, list[UUID]] = {}
    for row in rows:
        found.setdefault(row["lane"], []).append(row["check_in_id"])
    return found


async def take_due(connection: Connection, due: Mapping[int, Collection[UUID]]) -> list[CheckIn]:
    """Take check-ins off the list of due ones; returns those whose coordinates are still kept."""
    places = [(lane, check_in_id) for lane, listed in due.items() for check_in_id in listed]
    rows = await connection.fetch(
        "with taken as (delete from due_check_in d using unnest($1::int[], $2::uuid[]) t(lane, check_in_id)"
        "   where d.lane = t.lane and d.check_in_id = t.check_in_id returning d.check_in_id)"
        " select c.* from check_in c join taken using (check_in_id) where c.latitude is not null",
        [lane for lane, _ in places], [check_in_id for _, check_in_id in places],
    )  # fmt: skip
    return [_check_in(row) for row in rows]


def _check_in(row: asyncpg.Record) -> CheckIn:
    quality: Literal["good", "bad_fix"] = row["quality"]
    judgement = Judgement(Verdict(row["site"]), row["site_id"], row["site_distance_m"], row["activity_site"],
                          Verdict(row["region"]), row["region_id"], quality)  # fmt: skip
    return CheckIn._make([*(row[name] for name in CheckIn._fields[:-1]), judgement])


async def mark_due_of(connection: Connection, since: Mapping[UUID, datetime | None]) -> None:
    """Have the check-ins of these people from these moments on (None: all) judged again, as far as coordinates are kept."""
    await connection.execute(
        "insert into due_check_in (lane, check_in_id) select c.lane, c.check_in_id"
        " from unnest($1::uuid[], $2::timestamptz[]) moved(employee_id, since) join check_in c using (employee_id)"
        " where c.captured_at >= coalesce(moved.since, '-infinity') and c.latitude is not null on conflict do nothing",
        list(since), list(since.values()),
    )  # fmt: skip


async def erase(connection: Connection, lanes: Collection[int], kept: timedelta, limit: int) -> int:
    """Erase coordinates of check-ins received longer ago than `kept`, some at once; verdicts stand. Returns how many rows changed."""
    status = await connection.execute(
        "update check_in set latitude = null, longitude = null, accuracy_m = null where check_in_id in"
        " (select check_in_id from check_in where latitude is not null and lane = any($1::int[])"
        " and received_at < now() - $2::interval limit $3 for update skip locked)",
        sorted(lanes), kept, limit,
    )  # fmt: skip
    return int(status.rpartition(" ")[2])


async def erase_traces(connection: Connection, kept: timedelta) -> None:
    """Erase where people were last and on which devices, of whom no coordinates are left; it reads a row for everybody."""
    await connection.execute(
        "delete from trace where captured_at < now() - $1::interval"
        " and not exists (select from check_in c where c.employee_id = trace.employee_id and c.latitude is not null)",
        kept,
    )
    await connection.execute("delete from device_use where day < now() - $1::interval", kept)
