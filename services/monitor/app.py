"""Runs the groups of figures, each at its own pace, beside the server that Prometheus asks."""

import asyncio
import datetime as dt
import logging
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from time import monotonic, time
from typing import Final

from services.monitor.broker import Broker
from services.monitor.entries import Entries
from services.monitor.fairness import tell_fairness
from services.monitor.flows import Flows
from services.monitor.proofs import tell_proofs
from services.monitor.schemes import tell_schemes
from services.monitor.server import Server
from services.reports.flow import Flow
from shared import logs, metrics
from shared.database import connect_auditor
from shared.failures import is_infrastructure
from shared.health import HealthServer, Readiness
from shared.settings import Settings

_log = logging.getLogger(__name__)

Gather = Callable[[], Awaitable[None]]

_SHARE: Final = 20
"""A gathering of the dear groups that takes a second rests for 20: never more than a twentieth of one of the database's cores."""
_DEAR: Final = ("fairness", "proofs", "schemes")
_LONGEST_REST_S: Final = 600.0


async def run(settings: Settings) -> None:
    """Gather and serve until SIGTERM or SIGINT. Raises `Refusal` when the port is taken."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    readiness = Readiness("monitor", "first figures")
    await HealthServer("monitor", readiness, settings.host, settings.monitor_port).start()
    house = House(settings, readiness)
    groups = [asyncio.create_task(house.keep(group), name=group) for group in house.groups]
    stopped = asyncio.create_task(stop.wait())
    done, _ = await asyncio.wait([stopped, *groups], return_when=asyncio.FIRST_COMPLETED)
    for task in (stopped, *groups):
        task.cancel()
    await asyncio.gather(stopped, *groups, return_exceptions=True)
    for task in done - {stopped}:
        task.result()  # a group never ends but by a bug: the process ends with it, and is started anew


class House:
    """The groups of figures and where they come from; each group has connections of its own, so that none waits for another."""

    def __init__(self, settings: Settings, readiness: Readiness) -> None:
        self._settings = settings
        self._readiness = readiness
        self._missing = set(self.groups)
        self._flows = Flows()
        self._entries = Entries()
        self._server = Server()

    groups: Final = {"flow": 5.0, "kafka": 15.0, "postgres": 5.0, "fairness": 15.0, "proofs": 30.0, "schemes": 60.0}
    """Names of the groups, each with the seconds that it rests at least."""

    async def keep(self, group: str) -> None:
        """Gather a group again and again; what is away is waited for, and counted."""
        metrics.FIGURES_FAILED.labels(group)
        metrics.FIGURES_AT.labels(group).set(0)  # never yet: what a group has not looked at must not pass for 0
        while True:
            began = monotonic()
            try:
                async with self._source(group) as gather:
                    while True:
                        began = monotonic()
                        await self._rest(group, await self._once(group, gather))
            except Exception as error:
                if not is_infrastructure(error):
                    raise
                metrics.FIGURES_FAILED.labels(group).inc()
                if group == "postgres":
                    metrics.POSTGRES_UP.set(0)
                logs.event(_log, "Figures could not be gathered", level=logging.WARNING, group=group, error=error)
            await self._rest(group, monotonic() - began)  # what took two minutes to fail would take them again

    async def _once(self, group: str, gather: Gather) -> float:
        began = monotonic()
        await gather()
        took = monotonic() - began
        metrics.FIGURES_SECONDS.labels(group).set(took)
        metrics.FIGURES_AT.labels(group).set(time())
        self._missing.discard(group)
        if not self._missing:
            self._readiness.have("first figures")
        return took

    async def _rest(self, group: str, took: float) -> None:
        share = min(_LONGEST_REST_S, _SHARE * took) if group in _DEAR else 0.0
        await asyncio.sleep(max(self.groups[group], share))

    @asynccontextmanager
    async def _source(self, group: str) -> AsyncIterator[Gather]:
        """Connections of a group's own, and what gathers with them; after an outage they are made anew."""
        if group == "postgres":
            yield partial(self._server.tell, self._settings.database)
        elif group == "kafka":
            async with Broker(self._settings.kafka) as broker:
                yield broker.tell
        elif group in ("fairness", "schemes"):
            connection = await connect_auditor(self._settings.database, "hadir monitor")
            try:
                yield partial(tell_fairness if group == "fairness" else tell_schemes, connection)
            finally:
                await connection.close()
        else:
            async with Flow(self._settings.database, self._settings.kafka) as flow:
                yield partial(self._flows.tell if group == "flow" else self._prove, flow)

    async def _prove(self, flow: Flow) -> None:
        await tell_proofs(flow)
        await self._entries.tell(flow, self._settings.kafka, dt.datetime.now(dt.UTC))
