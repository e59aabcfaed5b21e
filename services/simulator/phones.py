"""The phones: sends check-ins and reports over HTTP as a careful client does, with the same ids until answered.

A 503 (or no answer at all) means "not known to be accepted": wait as `Retry-After` asks, with a little jitter,
and send the same again. A refusal that no repetition can change is a fault of the play and ends it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Final, Self

import aiohttp
import orjson

from services.simulator.chance import Chance

MOST_IN_BATCH: Final = 250
PATIENCE_S: Final = 180.0
"""So long a request is repeated before the play gives up."""

_TIMEOUT: Final = aiohttp.ClientTimeout(total=35, sock_connect=5)
_LONGEST_WAIT_S: Final = 30.0


class SendingFailed(Exception):
    """The server refused what it should accept, or stayed away for too long; the text says which code."""


@dataclass(slots=True)
class Sent:
    """What became of everything sent: requests made, check-ins answered 202, those of them known before, repeats.

    `unanswered` counts why requests had to be repeated, by the server's code; `refused` what was refused for good.
    """

    requests: int = 0
    sent: int = 0
    accepted: int = 0
    replayed: int = 0
    reports: int = 0
    retries: int = 0
    unanswered: dict[str, int] = field(default_factory=dict)
    refused: dict[str, int] = field(default_factory=dict)


class Phones:
    """A pool of keep-alive connections to ingest; use as an asynchronous context."""

    def __init__(
        self,
        address: str,
        *,
        connections: int = 8,
        patience_s: float = PATIENCE_S,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        journal: Callable[[Sequence[str]], None] = lambda _ids: None,
    ) -> None:
        """`journal` is told the check-ins and reports of every 202 before anything else is done with it."""
        self._address = address
        self._connections = connections
        self._patience_s = patience_s
        self._sleep = sleep
        self._journal = journal
        self._jitter = Chance("retry")
        self.tally = Sent()

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            base_url=self._address, timeout=_TIMEOUT, connector=aiohttp.TCPConnector(limit=self._connections),
            headers={"Content-Type": "application/json"},
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._session.close()

    async def check_in(self, body: dict[str, Any]) -> None:
        """Send one check-in until it is accepted."""
        self.tally.sent += 1
        replayed = await self._until_accepted("/v1/check-ins", body["check_in_id"], orjson.dumps(body))
        self.tally.accepted += 1
        self.tally.replayed += replayed

    async def report(self, body: dict[str, Any]) -> None:
        """Send one work report until it is accepted."""
        await self._until_accepted("/v1/work-reports", body["report_id"], orjson.dumps(body))
        self.tally.reports += 1

    async def check_ins(self, bodies: Sequence[dict[str, Any]]) -> None:
        """Send check-ins as one batch, and those that were not accepted again, until all are."""
        self.tally.sent += len(bodies)
        waiting = list(bodies)
        patience = _Patience(self._patience_s)
        while waiting:
            self.tally.requests += 1
            results, retry_after = await self._batch(waiting)
            answered = zip(waiting, results, strict=True)
            self._journal([body["check_in_id"] for body, result in answered if result is not None and result["status"] == 202])
            again = []
            for body, result in zip(waiting, results, strict=True):
                if result is not None and result["status"] == 202:
                    self.tally.accepted += 1
                    self.tally.replayed += bool(result.get("replayed"))
                elif result is None or result["status"] >= 500:
                    again.append(body)
                else:
                    self._refuse(result["code"])
            waiting = again
            if waiting:
                await self._wait(retry_after, patience)

    async def _batch(self, bodies: Sequence[dict[str, Any]]) -> tuple[Sequence[dict[str, Any] | None], float | None]:
        unknown: list[None] = [None] * len(bodies)
        try:
            async with self._session.post("/v1/check-ins:batch", data=orjson.dumps({"check_ins": bodies})) as answer:
                content = await answer.read()
        except (aiohttp.ClientError, TimeoutError, OSError) as problem:
            self._not_answered(type(problem).__name__)
            return unknown, None
        told = _json(content)
        if answer.status >= 500:
            self._not_answered(str(told.get("code", answer.status)))
        if answer.status == 207 or (answer.status >= 500 and "results" in told):
            return told["results"], _retry_after(answer)
        if answer.status >= 500:
            return unknown, _retry_after(answer)
        self._refuse(str(told.get("code", answer.status)))
        raise AssertionError("refusing raises")

    async def _until_accepted(self, path: str, identity: str, body: bytes) -> bool:
        """Send one body with this id until it is answered 202; returns whether it had been accepted before."""
        patience = _Patience(self._patience_s)
        while True:
            self.tally.requests += 1
            retry_after = None
            try:
                async with self._session.post(path, data=body) as answer:
                    content = await answer.read()
                if answer.status == 202:
                    self._journal([identity])
                    return answer.headers.get("Hadir-Replayed") == "true"
                code = str(_json(content).get("code", answer.status))
                if answer.status < 500:
                    self._refuse(code)
                self._not_answered(code)
                retry_after = _retry_after(answer)
            except (aiohttp.ClientError, TimeoutError, OSError) as problem:
                self._not_answered(type(problem).__name__)
            await self._wait(retry_after, patience)

    def _not_answered(self, code: str) -> None:
        self.tally.unanswered[code] = self.tally.unanswered.get(code, 0) + 1

    def _refuse(self, code: str) -> None:
        self.tally.refused[code] = self.tally.refused.get(code, 0) + 1
        raise SendingFailed(f"ingest refused a check-in of the simulator: {code}")

    async def _wait(self, retry_after: float | None, patience: "_Patience") -> None:
        self.tally.retries += 1
        await self._sleep(patience.next(retry_after) * (0.8 + self._jitter.below(400) / 1000))


class _Patience:
    """Waiting times that grow when the server does not say how long, up to a limit in all."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._began = asyncio.get_running_loop().time()
        self._own = 0.25

    def next(self, retry_after: float | None) -> float:
        if asyncio.get_running_loop().time() - self._began > self._seconds:
            raise SendingFailed(f"ingest did not accept a check-in within {self._seconds:.0f} s; is it running?")
        self._own = min(self._own * 2, 5.0)
        return self._own if retry_after is None else min(retry_after, _LONGEST_WAIT_S)


def _json(content: bytes) -> dict[str, Any]:
    with suppress(orjson.JSONDecodeError):
        told = orjson.loads(content)
        if isinstance(told, dict):
            return told
    return {}


def _retry_after(answer: aiohttp.ClientResponse) -> float | None:
    told = answer.headers.get("Retry-After", "")
    return float(told) if told.isdigit() else None
