"""Waits until a month can become a fact: all that was under way when its close was asked for has reached payroll.

Stage by stage in the order in which events flow: the end of what a service consumes is noted once, and waited for,
then the last number of what it thereby published, and so on. What arrives later is not waited for, so that the wait
ends although people go on checking in.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from services.reports.closing import Span
from services.reports.flow import Flow
from shared.topics import CHECK_IN_LOCATED, CHECK_IN_RECORDED, DAY_ASSESSED, DISCIPLINE, WORK_REPORT_SUBMITTED, Topic

_LOOK_EVERY_S: Final = 0.1

Told: TypeAlias = Callable[[str, int, int], None]
"""Called with what is awaited (Indonesian), how much of it is done, and the whole."""

_DUE_DAYS: Final = """
select (select count(*) from schedule.due_day where clock = $1 and date <= $3 and due_at <= $4)
     + (select count(*) from schedule.opening where clock = $1 and opened_until < $3)
     + (select count(*) from schedule.restatement_lane l join schedule.restatement r using (restatement_id)
        where r.from_date <= $3 and r.until_date >= $2)
"""


class StillUnderWay(Exception):
    """Something on the way to payroll has not arrived; the text says what, where and what to do, in Indonesian."""


@dataclass(frozen=True, slots=True)
class _Stage:
    what: str
    left: Callable[[], Awaitable[int]]


async def until_nothing_is_under_way(
    flow: Flow, span: Span, told: Told, *, wait: bool = True, patience_s: float = 120.0
) -> dict[str, int]:
    """Wait until all that was under way for this month has been counted; returns up to which offsets (sums by topic).

    Raises StillUnderWay at once without `wait`, else when nothing moved for `patience_s` seconds.
    """
    ends: dict[str, int] = {}
    loop = asyncio.get_running_loop()
    async for stage in _stages(flow, span, ends):
        moved, fewest, most = loop.time(), 0, 0
        while left := await stage.left():
            most = max(most, left)
            told(stage.what, most - left, most)
            if not wait:
                raise StillUnderWay(f"Belum dapat ditutup: {stage.what} ({left} lagi). Tunggu sebentar, atau ulangi dengan --wait.")
            if left < fewest or not fewest:
                fewest, moved = left, loop.time()
            if loop.time() - moved > patience_s:
                raise StillUnderWay(
                    f"Berhenti menunggu: {stage.what}, {left} lagi dan tidak berkurang selama {patience_s:.0f} detik."
                    " Periksa layanan tersebut (`/readyz`, log, dead letter), lalu ulangi perintah ini."
                )
            await asyncio.sleep(_LOOK_EVERY_S)
    return ends


async def _stages(flow: Flow, span: Span, ends: dict[str, int]) -> AsyncIterator[_Stage]:
    """The stages in order; each notes its end when it is reached, hence after the one before is done."""

    async def count(query: str, *values: Any) -> int:
        return int(await flow.connection.fetchval(query, *values))

    async def consumed(what: str, service: Any, topics: tuple[Topic[Any], ...]) -> _Stage:
        until = await flow.ends(topics)
        for (topic, _), end in until.items():
            ends[topic] = ends.get(topic, 0) + end
        return _Stage(what, lambda: flow.short_of(service, until))

    async def published(what: str, service: Any) -> _Stage:
        issued = await flow.issued(service)
        return _Stage(what, lambda: flow.unsent(service, issued))

    yield await consumed("absensi yang menunggu diperiksa lokasinya (geofence)", "geofence", (CHECK_IN_RECORDED,))
    yield _Stage(
        "bagian impor lokasi yang belum menjangkau absensi lama (geofence)",
        lambda: count("select coalesce(sum(parts_left), 0) from geofence.reached_lane"),
    )
    yield _Stage("absensi yang menunggu diperiksa ulang (geofence)", lambda: count("select count(*) from geofence.due_check_in"))
    yield await published("hasil lokasi yang belum terkirim (geofence)", "geofence")
    yield await consumed(
        "hasil lokasi dan laporan kerja yang menunggu dinilai (schedule)", "schedule", (CHECK_IN_LOCATED, WORK_REPORT_SUBMITTED)
    )
    yield _Stage(
        "hari yang menunggu dinilai (schedule)", lambda: count(_DUE_DAYS, span.clock, span.first, span.last, span.now)
    )
    yield await published("penilaian hari yang belum terkirim (schedule)", "schedule")
    yield await consumed("penilaian hari dan putusan hukuman yang menunggu dihitung (payroll)", "payroll", (DAY_ASSESSED, DISCIPLINE))
    yield _Stage(
        "pagu TPP yang menunggu diterapkan (payroll)",
        lambda: count("select count(*) from payroll.due_ceiling where month <= $1", span.month),
    )
    yield await published("baris potongan yang belum terkirim (payroll)", "payroll")
