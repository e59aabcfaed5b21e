"""Composition root of ingest: one FastAPI app with its pool, producer, employee loader and intake."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final

from fastapi import FastAPI
from fastapi_offline import FastAPIOffline

from services.ingest import api, openapi, problems
from services.ingest.availability import Minutes
from services.ingest.conflicts import Conflicts
from services.ingest.edge import Edge
from services.ingest.intake import Intake
from services.ingest.publisher import Publisher
from services.ingest.short_cut import ShortCut
from services.ingest.store import Store, apply_employees
from shared import health, logs
from shared.database import Pool, open_pool
from shared.failures import is_infrastructure
from shared.health import Readiness
from shared.kafka import BrokerAway, TopicsUnfit, check_topics, new_producer
from shared.lanes import Lanes
from shared.reference import Reference, ReferenceLoader
from shared.refusal import Refusal
from shared.relay import Relay
from shared.retry import persist
from shared.schemas import require_schema
from shared.settings import Settings
from shared.topics import (
    AUDIT,
    CHECK_IN_RECORDED,
    DEAD_LETTER,
    EMPLOYEE,
    INGEST_AVAILABILITY,
    LANES,
    WORK_REPORT_SUBMITTED,
)
from shared.web.duties import Duties, End
from shared.web.parameters import KNOWN_ONLY

_log: Final = logging.getLogger(__name__)

_POOL_SIZE: Final = 8
"""Three rounds, the notes on publication, the probe, two for the employee loader, and one for minutes, conflicts and old receipts."""

_FORGET_EVERY_S: Final = 600.0
_FORGET_AT_MOST: Final = 5_000
_PROBE_EVERY_S: Final = 1.0


def create_app(settings: Settings, end: End) -> FastAPI:
    """The app; its connections are opened in the background, so that it can say what is missing.

    `end` is called, once, with the error that makes it impossible to go on; the process should then stop.
    """
    readiness = Readiness("ingest", "database", "tables up to date", "broker", "topics checked", "employees caught up")

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        pool = await open_pool(settings.database, "ingest", min_size=0, max_size=_POOL_SIZE)
        # The steps of a round must fit into the time in which a client is answered.
        store = Store(pool, within_s=settings.ingest_answer_within_s / 4)
        publisher = Publisher(
            partial(new_producer, settings.kafka, client_id="hadir-ingest", linger_ms=0),
            within_s=settings.ingest_answer_within_s / 2,
        )
        # The outbox of ingest holds dead letters of the employee topic, minutes and conflicts; any pod may publish all of it.
        relay = Relay(settings, "ingest", readiness, lambda: frozenset(range(LANES)))
        lanes = Lanes(pool, "ingest", on_outbox=relay.wake)
        loader = ReferenceLoader(
            settings, "ingest", [Reference(EMPLOYEE, apply_employees)], lanes, readiness, on_change=lambda: None
        )
        minutes = Minutes(lanes)
        conflicts = Conflicts(lanes, within_s=settings.ingest_answer_within_s / 4)
        intake = Intake(
            store, publisher, conflicts, capacity=settings.ingest_queue, answer_within_s=settings.ingest_answer_within_s,
            gather_within_s=settings.batch_within_s,
        )  # fmt: skip
        app.state.edge = Edge(settings, intake)
        duties = Duties(end)
        duties.take_on(publisher.keep_connected(), "producer")
        duties.take_on(intake.begin_rounds(), "rounds")
        duties.take_on(intake.note_published(), "publication notes")
        duties.take_on(conflicts.record(), "conflicts")
        duties.take_on(_probe(store, publisher, readiness), "probe")
        duties.take_on(_await_tables(pool, readiness), "tables")
        duties.take_on(_check_topics(settings, readiness), "topics")
        duties.take_on(loader.run(), "employees")
        duties.take_on(_await_employees(loader, readiness), "employees caught up")
        duties.take_on(minutes.tell(), "minutes")
        duties.take_on(relay.run(), "relay")
        duties.take_on(_forget_receipts(store, settings.receipt_days), "old receipts")
        try:
            yield
        finally:
            # Bounded: after a failure of ours the queue may have nobody left who works it off.
            await asyncio.wait([asyncio.ensure_future(intake.drain())], timeout=settings.ingest_answer_within_s)
            await asyncio.wait([asyncio.ensure_future(relay.stop())], timeout=2)
            await duties.lay_down()
            await intake.note_rest()
            await minutes.tell_rest()
            await publisher.close()
            await _close_pool(pool)

    app = FastAPIOffline(  # its pages need nothing from outside: offices' networks are often closed
        title="Hadir: penerimaan tanda hadir",
        version="1",
        description="Menerima tanda hadir dan laporan kinerja harian ASN. Jawaban 202 berarti kejadian tersimpan; "
        "bila ragu, kirim ulang dengan id yang sama.",
        lifespan=lifespan,
        redirect_slashes=False,
        redoc_url=None,
        static_url="/docs/assets",
    )
    app.include_router(api.router, dependencies=[KNOWN_ONLY])
    app.include_router(health.router(readiness))
    app.add_middleware(ShortCut, posts=api.POSTS)
    problems.install(app)
    openapi.describe(app)
    return app


async def _probe(store: Store, publisher: Publisher, readiness: Readiness) -> None:
    """Keeps readiness true to whether database and broker answer now."""
    while True:
        for what, there in (("database", _answers(store)), ("broker", publisher.reachable())):
            if await there:
                readiness.have(what)
            else:
                readiness.lack(what)
        await asyncio.sleep(_PROBE_EVERY_S)


async def _answers(store: Store) -> bool:
    try:
        await store.ping()
    except Exception as error:
        if not is_infrastructure(error):
            raise
        return False
    return True


async def _await_tables(pool: Pool, readiness: Readiness) -> None:
    """Waits for the migrations, which may still run beside the new pods."""
    await persist(partial(require_schema, pool, "ingest"), what="tables up to date", service="ingest", readiness=readiness)
    readiness.have("tables up to date")


async def _check_topics(settings: Settings, readiness: Readiness) -> None:
    """Raises `Refusal` when a topic is missing or unfit: its partitions would not be the lanes."""

    async def once() -> None:
        try:
            await check_topics(settings.kafka, [
                CHECK_IN_RECORDED, WORK_REPORT_SUBMITTED, INGEST_AVAILABILITY, EMPLOYEE, AUDIT["ingest"], DEAD_LETTER["ingest"],
            ])  # fmt: skip
        except BrokerAway as error:
            raise ConnectionError("no broker answers") from error
        except TopicsUnfit as error:
            raise Refusal(f"ingest cannot start: {error}") from error

    await persist(once, what="topics checked", service="ingest", readiness=readiness)
    readiness.have("topics checked")


async def _await_employees(loader: ReferenceLoader, readiness: Readiness) -> None:
    await loader.caught_up()
    readiness.have("employees caught up")


async def _forget_receipts(store: Store, days: int) -> None:
    """Deletes old receipts now and then, a few at a time, so that nobody waits for it.

    Whether it succeeds has no part in readiness: check-ins must not be sent away because tidying up is slow.
    """
    while True:
        await asyncio.sleep(_FORGET_EVERY_S)
        forgotten = _FORGET_AT_MOST
        while forgotten == _FORGET_AT_MOST:
            try:
                forgotten = await store.forget_receipts(datetime.now(UTC) - timedelta(days=days), _FORGET_AT_MOST)
            except Exception as error:
                if not is_infrastructure(error):
                    raise
                logs.event(_log, "Old receipts stay for now: infrastructure failed", level=logging.WARNING, exc_info=error)
                break
            await asyncio.sleep(1)


async def _close_pool(pool: Pool) -> None:
    try:
        async with asyncio.timeout(5):
            await pool.close()
    except TimeoutError:  # a server that no longer answers
        pool.terminate()
