"""Plays the previews that were ordered over HTTP, one after the other, and keeps what they found."""

import asyncio
import datetime as dt
import logging
import tempfile
from pathlib import Path
from typing import Final

from services.preview import asking
from services.preview.change import Change, Window
from services.preview.previewing import Previewed, preview
from services.schedule.previewing import keep_preview
from services.schedule.rules.schemes import SchemeError
from services.schedule.store import preview_orders
from services.schedule.store.preview_orders import Order
from services.schedule.store.previews import Preview
from shared import logs
from shared.database import Connection
from shared.failures import is_infrastructure
from shared.lanes import Lanes
from shared.policy import PolicyError
from shared.refusal import Refusal, Refused
from shared.web.api import Api

_LOOK_EVERY_S: Final = 1.0
_SAY_EVERY_S: Final = 2.0
_ENDINGS: Final = {"policy": "yaml", "scheme": "yaml", "sites": "geojson"}
"""How the name of a kind's file ends; all others are tables."""

_log = logging.getLogger(__name__)


async def play_orders(api: Api) -> None:
    """Takes orders for ever. While the database is away it waits; an order that was under way then is played anew."""
    url = api.settings.audit_database or api.settings.database
    while True:
        try:
            if not await play_next(api.lanes, url):
                await asyncio.sleep(_LOOK_EVERY_S)
        except Exception as error:
            if not is_infrastructure(error):
                raise
            await asyncio.sleep(_LOOK_EVERY_S)


async def play_next(lanes: Lanes, url: str, *, processes: int = 2) -> bool:
    """Plays the oldest order that nobody plays, and keeps its preview; False if there is none.

    `url` is of a login that may act as the audit role. What stands against the file ends the order with a sentence.
    """
    async with lanes.pool.acquire() as connection:
        order = await preview_orders.take(connection)
    if order is None:
        return False
    try:
        change = await change_of(url, order)
        done = await _played(lanes, url, order, change, processes)
        found = done.found
        await keep_preview(lanes, Preview(
            order.preview_id, change.kind, change.digest, change.title[:200], order.actor, dt.datetime.now(dt.UTC), order.first,
            order.last, change.units is None, found["people_changed"], found["rupiah_more"], found["rupiah_less"],
        ), found)
    except (Refusal, Refused, PolicyError, SchemeError) as problem:
        await _fail(lanes, order, str(problem))
    except Exception as error:
        if is_infrastructure(error):
            raise
        logs.event(_log, "A preview failed", level=logging.ERROR, error=error)
        await _fail(lanes, order, "Kesalahan pada server; admin dapat melihat sebabnya dalam log")
    return True


async def change_of(url: str, order: Order) -> Change:
    """The change that an order asks for, read as an import would read it. Raises Refusal, PolicyError."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"berkas.{_ENDINGS.get(order.kind, 'csv')}"
        await asyncio.to_thread(path.write_text, order.content, encoding="utf-8")
        return await asking.read_change(url, lambda connection: _read(connection, path, order), order.asked.get("org_units") or ())


async def _read(connection: Connection, path: Path, order: Order) -> Change:
    match order.kind:
        case "policy":
            scopes = [(one["name"], dt.date.fromisoformat(one["since"]), one.get("org_unit")) for one in order.asked["in_force"]]
            return await asking.policy_change(connection, path, scopes)
        case "scheme":
            return await asking.scheme_change(connection, path, [
                (one["name"], dt.date.fromisoformat(one["since"]), dt.date.fromisoformat(one["until"]) if one.get("until") else None,
                 one.get("org_unit")) for one in order.asked["in_force"]])
        case kind:
            return await asking.OF_FILES[kind](connection, path)


async def _played(lanes: Lanes, url: str, order: Order, change: Change, processes: int) -> Previewed:
    """Plays in processes of its own, saying meanwhile how far it is."""
    so_far: list[tuple[int, int | None]] = [(0, None)]

    async def say() -> None:
        while True:
            async with lanes.pool.acquire() as connection:
                await preview_orders.at_work(connection, order.preview_id, *so_far[-1])
            await asyncio.sleep(_SAY_EVERY_S)

    telling = asyncio.create_task(say())
    try:
        window, now = Window(order.first, order.last), dt.datetime.now(dt.UTC)
        return await asyncio.to_thread(
            preview, url, change, window, now, processes=processes, progress=lambda done, everybody: so_far.append((done, everybody)))
    finally:
        telling.cancel()
        await asyncio.gather(telling, return_exceptions=True)  # what it could not say is no reason to lose the result


async def _fail(lanes: Lanes, order: Order, problem: str) -> None:
    async with lanes.pool.acquire() as connection:
        await preview_orders.finish(connection, order.preview_id, problem[:4000])
