"""Commands about previews: recording one, consenting to it as a second person, and setting the limits; each is audited."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Final
from uuid import UUID, uuid4

from services.schedule.publishing import record_audit
from services.schedule.rules.taking_force import Kind, Limits
from services.schedule.store import preview_orders, previews, reference_rows
from services.schedule.store.preview_orders import Order
from services.schedule.store.previews import Preview
from shared.lanes import Lanes
from shared.refusal import Refused
from shared.topics import lane_of

MOST_WAITING: Final = 20
"""So many previews may wait to be played; each takes processor time of minutes."""

_LONGEST_NAME: Final = 100


async def record_preview(
    lanes: Lanes, *, kind: Kind, digest: str, title: str, first: dt.date, last: dt.date, whole: bool, found: Mapping[str, Any], actor: str,
) -> tuple[Preview, bool]:  # fmt: skip
    """Keeps what a preview showed, under who asked for it; returns it, and whether the change needs a second approver.

    `found` is the result as JSON (`services.preview.result.as_json`); `whole` false: it was narrowed to some units, and
    does not answer for the change as a whole.
    """
    return await keep_preview(lanes, Preview(
        uuid4(), kind, digest, title[:200], actor, dt.datetime.now(dt.UTC), first, last, whole, found["people_changed"],
        found["rupiah_more"], found["rupiah_less"],
    ), found)


async def keep_preview(lanes: Lanes, preview: Preview, found: Mapping[str, Any]) -> tuple[Preview, bool]:
    """Keeps a preview with its result as `record_preview` does, once for its id; the order that has this id is done with it."""
    _named(preview.actor)
    async with lanes.hold({lane_of(preview.actor)}) as work:
        limits = await previews.limits(work.connection)
        known = await previews.preview(work.connection, preview.preview_id)
        if known is None:
            await previews.put_preview(work.connection, preview, dict(found))
            detail = {
                "kind": preview.kind, "digest": preview.digest, "people_changed": preview.people_changed, "rupiah": preview.rupiah,
                "whole": preview.whole,
            }
            record_audit(work, preview.actor, "record-preview", str(preview.preview_id), detail)
        await preview_orders.finish(work.connection, preview.preview_id)
    kept = known or preview
    return kept, limits.needs_second(kept.people_changed, kept.rupiah)


async def order_preview(lanes: Lanes, order: Order) -> Order:
    """Has a change previewed by the process that plays; raises Refused when too many wait. Ordering twice changes nothing."""
    _named(order.actor)
    async with lanes.hold({lane_of(order.actor)}) as work:
        known = await preview_orders.order(work.connection, order.preview_id)
        if known is not None:
            return known
        if await preview_orders.waiting(work.connection) >= MOST_WAITING:
            raise Refused("sudah banyak pratinjau yang menunggu; coba lagi sesudah sebagian selesai")
        await preview_orders.put_order(work.connection, order)
        detail = {"kind": order.kind, "first": str(order.first), "last": str(order.last)}
        record_audit(work, order.actor, "order-preview", str(order.preview_id), detail)
    return order


async def approve_preview(lanes: Lanes, preview_id: UUID, actor: str, reason: str) -> Preview:
    """Consents to a previewed change as somebody else than who previewed it; raises Refused. Doing it twice changes nothing."""
    _named(actor)
    if not reason.strip():
        raise Refused("alasan persetujuan kosong; tulis dasar keputusannya")
    async with lanes.hold({lane_of(actor)}) as work:
        preview = await previews.preview(work.connection, preview_id)
        if preview is None:
            raise Refused("pratinjau ini tidak dikenal; lihat daftarnya dengan `hadir preview list`")
        if await reference_rows.same_person(work.connection, preview.actor, actor):
            raise Refused("pratinjau harus disetujui oleh orang lain daripada yang membuatnya")
        if not preview.whole:
            raise Refused("pratinjau ini hanya untuk sebagian unit; buat pratinjau untuk seluruh perubahan lalu setujui itu")
        if await previews.put_approval(work.connection, preview_id, actor, reason.strip()[:500], dt.datetime.now(dt.UTC)):
            record_audit(work, actor, "approve-preview", str(preview_id), {"digest": preview.digest, "reason": reason.strip()[:500]})
    return preview


async def set_limits(lanes: Lanes, limits: Limits, actor: str, reason: str) -> None:
    """Sets from which weight on a change needs a preview and a second approver; the audit topic keeps old and new ones. Raises Refused."""
    _named(actor)
    if not reason.strip():
        raise Refused("alasan perubahan batas kosong; tulis dasar keputusannya")
    async with lanes.hold({lane_of(actor)}) as work:
        former = await previews.limits(work.connection)
        await previews.put_limits(work.connection, limits)
        detail = {"reason": reason.strip()[:500], "former": asdict(former), **asdict(limits)}
        record_audit(work, actor, "set-preview-limits", "preview-limits", detail)


def _named(actor: str) -> None:
    if not 1 <= len(actor) <= _LONGEST_NAME:
        raise Refused("petugas tidak disebut; tulis id petugas")
