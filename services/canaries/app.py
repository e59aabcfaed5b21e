"""Composition root: enrolment, ears, life, and the server that Prometheus asks."""

import asyncio
import logging
import signal
from typing import Final

from services.canaries.ears import Ears
from services.canaries.enrolment import enrol, hatch, is_enrolled, may_enrol, newest_generation
from services.canaries.life import Life
from services.canaries.truth import FIRST_DAY, FLOCK, LAST_DAY, ZONE, clock_of, following, identity
from shared import logs
from shared.database import Pool, open_pool
from shared.failures import is_infrastructure
from shared.health import HealthServer, Readiness
from shared.lanes import Lanes
from shared.refusal import Refusal
from shared.settings import Settings

_log = logging.getLogger(__name__)

_AGAIN_S: Final = 5.0
_GEOFENCE_WITHIN_S: Final = 1800.0
"""A geofence that is down is somebody else's alarm; the canaries wait for it."""


async def run(settings: Settings) -> None:
    """Let canaries live until SIGTERM or SIGINT. Raises `Refusal` when they are not enrolled and this login may not do it."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    readiness = Readiness("canaries", "enrolled", "listening")
    await HealthServer("canaries", readiness, settings.host, settings.canaries_port).start()
    living = asyncio.create_task(_live(settings, readiness))
    stopped = asyncio.create_task(stop.wait())
    await asyncio.wait([living, stopped], return_when=asyncio.FIRST_COMPLETED)
    stopped.cancel()
    if living.done():
        living.result()  # it never ends but by an error
    living.cancel()
    await asyncio.gather(living, stopped, return_exceptions=True)


async def _live(settings: Settings, readiness: Readiness) -> None:
    await _until_enrolled(settings.database)
    readiness.have("enrolled")
    pool = await open_pool(settings.database, "schedule", max_size=2)
    try:
        while True:
            await _generation(settings, readiness, pool)
    finally:
        pool.terminate()


async def _until_enrolled(database: str) -> None:
    while True:
        try:
            if not await is_enrolled(database):
                await _enrol(database)
        except Exception as error:
            if not is_infrastructure(error):
                raise
            logs.event(_log, "Enrolment waits for the database", level=logging.WARNING, error=error)
            await asyncio.sleep(_AGAIN_S)
        else:
            return


async def _enrol(database: str) -> None:
    if not await may_enrol(database):
        raise Refusal(
            "The canaries are not enrolled, and this login may not import sites: run `hadir canaries enrol` once"
            " with a login that may act for all services."
        )
    await enrol(database, _GEOFENCE_WITHIN_S)


async def _generation(settings: Settings, readiness: Readiness, pool: Pool) -> None:
    """Let the newest generation live on from the day after its last; when its century is over, hatch the next one."""
    generation = await newest_generation(settings.database)
    at = await pool.fetchval("select at from clock where name = $1", clock_of(generation))
    # The day that an earlier process began is left alone: its marks were another's.
    date = FIRST_DAY if at is None else following(at.astimezone(ZONE).date())
    if date > LAST_DAY:
        generation, date = generation + 1, FIRST_DAY
    await hatch(settings.database, generation)
    ears, listening = Ears([identity(generation, canary) for canary in FLOCK]), asyncio.Event()
    ingest = settings.ingest_url or f"http://{settings.host}:{settings.ingest_port}"

    async def live() -> None:
        await listening.wait()
        readiness.have("listening")
        await Life(Lanes(pool, "schedule"), ears, ingest, generation).live(date, LAST_DAY)

    tasks = [asyncio.create_task(ears.listen(settings.kafka, listening)), asyncio.create_task(live())]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
