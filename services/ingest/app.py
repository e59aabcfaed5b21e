"""Composition root of ingest: one FastAPI app with its pool, producer, employee loader and intake."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final

from fastapi import FastAPI

from services.ingest import api, health, openapi, problems
from services.ingest.edge import Edge
from services.ingest.intake import Intake
from services.ingest.publisher import Publisher
from services.ingest.store import Store
from shared import logs
from shared.database import Pool, open_pool
from shared.failures import is_infrastructure
from shared.kafka import new_producer
from shared.settings import Settings

_logger = logging.getLogger(__name__)

_POOL_SIZE: Final = 6
"""Three rounds, the notes on publication, the readiness probe, and one to spare."""

_FORGET_EVERY_S: Final = 600.0
_FORGET_AT_MOST: Final = 5_000


def create_app(settings: Settings) -> FastAPI:
    """The app; its connections are opened in the background, so that it can say what is missing."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        pool = await open_pool(settings.database, "ingest", min_size=0, max_size=_POOL_SIZE)
        # The steps of a round must fit into the time in which a client is answered.
        store = Store(pool, within_s=settings.ingest_answer_within_s / 4)
        publisher = Publisher(
            partial(new_producer, settings.kafka, client_id="hadir-ingest", linger_ms=0),
            within_s=settings.ingest_answer_within_s / 2,
        )
        intake = Intake(
            store, publisher, capacity=settings.ingest_queue, answer_within_s=settings.ingest_answer_within_s
        )
        app.state.edge = Edge(settings, store, publisher, intake, lambda: True)
        publisher.start()
        intake.start()
        forgetting = asyncio.create_task(_forget_receipts(store, settings.receipt_days), name="forget receipts")
        try:
            yield
        finally:
            forgetting.cancel()
            with suppress(asyncio.CancelledError):
                await forgetting
            await intake.close()
            await publisher.close()
            await _close_pool(pool)

    app = FastAPI(
        title="Hadir: penerimaan tanda hadir",
        version="1",
        description="Menerima tanda hadir dan laporan kinerja harian ASN. Jawaban 202 berarti kejadian tersimpan; "
        "bila ragu, kirim ulang dengan id yang sama.",
        lifespan=lifespan,
        redirect_slashes=False,
    )
    app.include_router(api.router)
    app.include_router(health.router)
    problems.install(app)
    openapi.describe(app)
    return app


async def _close_pool(pool: Pool) -> None:
    try:
        await asyncio.wait_for(pool.close(), 5)
    except TimeoutError:  # a server that no longer answers
        pool.terminate()


async def _forget_receipts(store: Store, days: int) -> None:
    """Deletes old receipts now and then, a few at a time, so that nobody waits for it."""
    while True:
        await asyncio.sleep(_FORGET_EVERY_S)
        before = datetime.now(UTC) - timedelta(days=days)
        try:
            while await store.forget_receipts(before, _FORGET_AT_MOST) == _FORGET_AT_MOST:
                await asyncio.sleep(1)
        except Exception as error:
            if not is_infrastructure(error):
                raise
            logs.event(_logger, "could not delete old receipts", level=logging.WARNING, exc_info=error)
