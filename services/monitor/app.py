"""Runs the groups of figures, each at its own pace, beside the server that Prometheus asks."""

import asyncio
import logging
import signal
from collections.abc import Awaitable, Callable
from time import monotonic, time
from typing import Final

from services.monitor.broker import Broker
from services.monitor.fairness import tell_fairness
from services.monitor.flows import Flows
from services.monitor.proofs import tell_proofs
from services.monitor.server import Server
from services.reports.flow import Flow
from shared import logs, metrics
from shared.failures import is_infrastructure
from shared.health import HealthServer, Readiness
from shared.settings import Settings

_log = logging.getLogger(__name__)

Gather = Callable[[], Awaitable[None]]

_OFTEN_S: Final = 5.0
_SELDOM_S: Final = 15.0
_PROOF_S: Final = 30.0
_SHARE: Final = 20
"""A gathering that takes a second rests for 20: figures never cost the database more than a twentieth of one core."""


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
        self._server = Server()

    groups: Final = {"flow": _OFTEN_S, "kafka": _SELDOM_S, "postgres": _OFTEN_S, "fairness": _SELDOM_S, "proofs": _PROOF_S}
    """Names of the groups, each with the seconds that it rests at least."""

    async def keep(self, group: str) -> None:
        """Gather a group again and again; what is away is waited for, and counted."""
        metrics.FIGURES_FAILED.labels(group)
        while True:
            began = monotonic()
            try:
                await self._gather(group)
            except Exception as error:
                if not is_infrastructure(error):
                    raise
                metrics.FIGURES_FAILED.labels(group).inc()
                if group == "postgres":
                    metrics.POSTGRES_UP.set(0)
                logs.event(_log, "Figures could not be gathered", level=logging.WARNING, group=group, error=error)
            else:
                metrics.FIGURES_SECONDS.labels(group).set(monotonic() - began)
                metrics.FIGURES_AT.labels(group).set(time())
                self._missing.discard(group)
                if not self._missing:
                    self._readiness.have("first figures")
            await asyncio.sleep(max(self.groups[group], _SHARE * (monotonic() - began)))

    async def _gather(self, group: str) -> None:
        if group == "postgres":
            await self._server.tell(self._settings.database)
            return
        if group == "kafka":
            async with Broker(self._settings.kafka) as broker:
                await broker.tell()
            return
        # Connections are made anew for each gathering: they are few, and after an outage nothing stale is left.
        async with Flow(self._settings.database, self._settings.kafka) as flow:
            if group == "flow":
                await self._flows.tell(flow)
            elif group == "fairness":
                await tell_fairness(flow.connection)
            else:
                await tell_proofs(flow)
