"""The geofence's edge: gathers what judging needs, lets the rules decide, writes and emits; nothing is decided here."""

import hashlib
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Final
from uuid import UUID

from services.geofence.rules.integrity import Seen, Sign, Trace, shared_device, signs_of, suspicion_id
from services.geofence.rules.locate import Judgement, locate
from services.geofence.store import check_ins as inbox
from services.geofence.store import evidence, reached
from services.geofence.store.check_ins import CheckIn
from services.geofence.store.evidence import Suspicion
from services.geofence.store.people import Person, people, save_traces
from services.geofence.store.sites import SiteBook
from shared import metrics
from shared.events import CheckInRecorded, IntegritySuspected
from shared.failures import CONFLICT
from shared.lanes import Lanes, Record, Work
from shared.topics import CHECK_IN_LOCATED, CHECK_IN_RECORDED, INTEGRITY_SUSPECTED

MOST_AT_ONCE: Final = 500
"""Check-ins judged again in one transaction, so that live ones never wait long for the lane."""

COORDINATES_KEPT: Final = CHECK_IN_RECORDED.retention or timedelta(days=90)
"""How long judging again is promised: as long as the topic itself keeps the check-in."""


class Geofence:
    """Judges check-ins as they come and again when sites or memberships change."""

    def __init__(self, book: SiteBook) -> None:
        self._book = book

    async def locate_check_ins(self, work: Work, records: Sequence[Record[CheckInRecorded]]) -> None:
        """Judge a batch: every check-in once, however often it was delivered."""
        fresh = await _without_known(work, records)
        if not fresh:
            return
        known = await people(work.connection, {record.event.employee_id for record, _ in fresh})
        judgements = await self._judge(work, [record.event for record, _ in fresh], known)
        judged = [
            _judged(record, digest, judgement) for (record, digest), judgement in zip(fresh, judgements, strict=True)
        ]
        await inbox.insert_check_ins(work.connection, judged)
        for check_in, (record, _) in zip(judged, fresh, strict=True):
            _emit(work, check_in, record)
        _count(judged)
        await _tell_signs(work, [(record, row) for (record, _), row in zip(fresh, judged, strict=True)], known)

    async def judge_due(self, lanes: Lanes, owned: Collection[int]) -> int:
        """Judge some due check-ins again; a new version goes out only where the verdict changed.

        When none is due, an import of sites is carried on, so that never more is due than one piece of it; returns how much was done.
        """
        async with lanes.pool.acquire() as connection:
            due = await inbox.due_lanes(connection, owned, MOST_AT_ONCE)
            piece = None if due else await reached.next_piece(connection, owned)
        if piece is not None:
            async with lanes.hold({piece.lane}) as work:
                return await reached.carry_on(work.connection, piece)
        if not due:
            return 0
        async with lanes.hold(due) as work:
            taken = await inbox.take_due(work.connection, due)
            known = await people(work.connection, {check_in.employee_id for check_in in taken})
            judgements = await self._judge(work, taken, known)
            changed = [
                check_in._replace(version=check_in.version + 1, judgement=judgement)
                for check_in, judgement in zip(taken, judgements, strict=True)
                if judgement != check_in.judgement
            ]
            if changed:
                await inbox.update_judgements(work.connection, changed)
            for check_in in changed:
                _emit(work, check_in, None)
            _count(changed)
        return sum(map(len, due.values()))

    async def _judge(
        self, work: Work, marks: Sequence[CheckInRecorded] | Sequence[CheckIn], known: Mapping[UUID, Person]
    ) -> list[Judgement]:
        catalogue = await self._book.current(work.connection)
        return locate(
            catalogue,
            [
                known[mark.employee_id].fix(
                    mark.employee_id, mark.mark, mark.captured_at, mark.latitude, mark.longitude, mark.accuracy_m)
                for mark in marks
            ],
        )  # fmt: skip


async def _without_known(
    work: Work, records: Sequence[Record[CheckInRecorded]]
) -> list[tuple[Record[CheckInRecorded], bytes]]:
    """Check-ins not judged before, first delivery first; buries those that reuse an id for something else."""
    seen = await inbox.known_digests(work.connection, {record.event.check_in_id for record in records})
    fresh: list[tuple[Record[CheckInRecorded], bytes]] = []
    for record in records:
        digest = digest_of(record.event)
        earlier = seen.get(record.event.check_in_id)
        if earlier is None:
            seen[record.event.check_in_id] = digest
            fresh.append((record, digest))
        elif earlier != digest:
            work.bury(record, CONFLICT, "check_in_id: the same id was used before for a check-in with other content")
    return fresh


def digest_of(event: CheckInRecorded) -> bytes:
    """What makes two deliveries the same check-in: all that the employee sent; the server's stamp is not part of it."""
    # Defaults are left out, so that an optional field of tomorrow does not make today's check-ins look changed.
    content = event.__pydantic_serializer__.to_json(event, exclude={"received_at"}, exclude_defaults=True)
    return hashlib.sha256(content).digest()


def _judged(record: Record[CheckInRecorded], digest: bytes, judgement: Judgement) -> CheckIn:
    event = record.event
    return CheckIn(
        check_in_id=event.check_in_id, employee_id=event.employee_id, lane=record.partition, digest=digest,
        event_id=record.envelope.id, correlation_id=record.envelope.correlation_id, mark=event.mark.value,
        captured_at=event.captured_at, received_at=event.received_at, latitude=event.latitude,
        longitude=event.longitude, accuracy_m=event.accuracy_m, mock=event.mock, evidence=event.evidence is not None,
        reason_given=bool(event.reason and event.reason.strip()), version=1, judgement=judgement,
    )  # fmt: skip


def _emit(work: Work, check_in: CheckIn, record: Record[CheckInRecorded] | None) -> None:
    work.emit(
        CHECK_IN_LOCATED, str(check_in.check_in_id), check_in.version, check_in.located(),
        key=str(check_in.employee_id), lane=check_in.lane, cause=record.envelope if record else check_in.cause,
    )  # fmt: skip


def _count(judged: Iterable[CheckIn]) -> None:
    for verdict, count in Counter(check_in.judgement.site.value for check_in in judged).items():
        metrics.GEOFENCE_LOCATED.labels(verdict).inc(count)


async def _tell_signs(
    work: Work, judged: Iterable[tuple[Record[CheckInRecorded], CheckIn]], known: Mapping[UUID, Person]
) -> None:
    """Compare each good mark with the person's trace and the devices of the day; tell what was not told before."""
    found: list[tuple[Record[CheckInRecorded], Sign, str]] = []
    traces: dict[UUID, Trace] = {}
    devices = []
    for record, check_in in judged:
        event = record.event
        person = known[event.employee_id]
        day = event.captured_at.astimezone(person.zone(event.captured_at)).date()
        devices.append((record, (day, event.device_id)))
        if check_in.judgement.quality != "good":
            continue
        seen = Seen(event.captured_at, event.latitude, event.longitude, event.accuracy_m, day, event.mock,
                    event.position_source == "device")  # fmt: skip
        before = traces.get(event.employee_id, person.trace)
        signs, traces[event.employee_id] = signs_of(seen, before)
        found.extend((record, sign, day.isoformat() if sign.of_day else str(event.check_in_id)) for sign in signs)
    shared = await evidence.use_devices(
        work.connection, [(day, device, record.event.employee_id) for record, (day, device) in devices]
    )
    for record, use in devices:
        if use in shared and (sign := shared_device(shared[use], use[0])) is not None:
            found.append((record, sign, f"{use[1]}|{use[0].isoformat()}"))
    if traces:
        await save_traces(work.connection, traces)
    await _suspect(work, found)


async def _suspect(work: Work, found: Sequence[tuple[Record[CheckInRecorded], Sign, str]]) -> None:
    told: dict[UUID, tuple[Record[CheckInRecorded], IntegritySuspected]] = {}
    for record, sign, scope in found:
        event = record.event
        own_id = suspicion_id(sign.signal, event.employee_id, scope)
        told.setdefault(own_id, (record, IntegritySuspected(
            suspicion_id=own_id, employee_id=event.employee_id, check_in_id=event.check_in_id, signal=sign.signal,
            detail=sign.detail, seen_at=event.captured_at,
        )))  # fmt: skip
    if not told:
        return
    fresh = await evidence.new_suspicions(work.connection, [
        Suspicion(e.suspicion_id, e.employee_id, e.check_in_id, e.signal, e.seen_at) for _, e in told.values()
    ])  # fmt: skip
    for own_id, (record, suspected) in told.items():
        if own_id in fresh:
            work.emit(
                INTEGRITY_SUSPECTED, str(own_id), 1, suspected,
                key=str(suspected.employee_id), lane=record.partition, cause=record.envelope,
            )  # fmt: skip
