"""Tells how much waits in front of each service, for how long a lane stood, and what was given up; runs or not."""

from collections.abc import Mapping
from time import monotonic

from services.reports.flow import CONSUMED, Ends, Flow
from shared import metrics
from shared.failures import REASONS
from shared.topics import SERVICES, Service


class Flows:
    """What was seen at the last look, so that standing still can be told from being slow."""

    def __init__(self) -> None:
        self._moved: dict[tuple[Service, tuple[str, int]], tuple[int, float]] = {}

    async def tell(self, flow: Flow) -> None:
        """Look once at positions, ends, outboxes, dead letters and gaps."""
        lags: dict[tuple[str, ...], float] = {}
        for service, topics in CONSUMED:
            ends = await flow.ends(topics)
            done = await flow.positions(service, [topic.name for topic in topics])
            waiting = {place: max(0, end - done.get(place, 0)) for place, end in ends.items()}
            for topic in topics:
                lags[service, topic.name] = sum(events for (name, _), events in waiting.items() if name == topic.name)
            metrics.WAITING_EVENTS.labels(service).set(sum(waiting.values()))
            metrics.STALLED_SECONDS.labels(service).set(self._still(service, done, waiting))
        metrics.replace(metrics.KAFKA_LAG, lags)
        buried: dict[tuple[str, ...], float] = {}
        for service in SERVICES:
            metrics.UNPUBLISHED.labels(service).set(await flow.unpublished(service))
            buried |= await _buried(flow, service)
            metrics.LOST.labels(service).set(await _lost(flow, service))
        metrics.replace(metrics.BURIED, buried)

    def _still(self, service: Service, done: Ends, waiting: Ends) -> float:
        """Seconds since the lane that stands longest finished with anything, while something waits there.

        Lanes that move do not hide one that stands: behind it are the days of a twenty-fourth of all employees.
        """
        now = monotonic()
        longest = 0.0
        for place, events in waiting.items():
            at = done.get(place, 0)
            before, since = self._moved.get((service, place), (-1, now))
            if at != before or not events:
                self._moved[service, place] = (at, now)
            else:
                longest = max(longest, now - since)
        return longest


async def _buried(flow: Flow, service: Service) -> Mapping[tuple[str, ...], float]:
    rows = await flow.connection.fetch(
        f"select reason, count(*)::bigint as messages from {service}.dead_letter group by reason"  # noqa: S608 (one of four names)
    )
    return {(service, reason): 0.0 for reason in REASONS} | {(service, row["reason"]): row["messages"] for row in rows}


async def _lost(flow: Flow, service: Service) -> int:
    lost: int = await flow.connection.fetchval(
        f"select coalesce(sum(next_offset - first_offset), 0)::bigint from {service}.gap"  # noqa: S608 (one of four names)
    )
    return lost
