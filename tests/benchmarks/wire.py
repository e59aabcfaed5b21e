"""A load generator that costs little: requests made beforehand, sent over keep-alive connections, answers barely read.

It would be cheating to let a slow generator take the cores that the server needs; aiohttp's client costs more than
ingest's whole work on a check-in.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from urllib.parse import urlsplit


def request(url: str, path: str, body: bytes) -> bytes:
    """A POST as it goes over the wire."""
    host = urlsplit(url).netloc
    return (
        f"POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode() + body


@dataclass
class Tally:
    """What was answered: how often each status, and how long each answer took (seconds)."""

    statuses: Counter[int] = field(default_factory=Counter)
    latencies: list[float] = field(default_factory=list)
    seconds: float = 0.0


Heard = Callable[[int, int, bytes, bytes], None]
"""Called with the request's number, the status, the head and the body of the answer."""


async def send_all(
    url: str, requests: Iterator[bytes], *, connections: int, until: float | None = None, heard: Heard | None = None
) -> Tally:
    """Send requests over so many connections, each waiting for its answer, until there are none or time is up.

    `until` is a time of the monotonic clock.
    """
    tally = Tally()
    numbered = enumerate(requests)
    parts = urlsplit(url)

    async def one() -> None:
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        try:
            for number, content in numbered:  # all connections draw from the one generator
                if until is not None and time.monotonic() >= until:
                    return
                began = time.monotonic()
                writer.write(content)
                head = await reader.readuntil(b"\r\n\r\n")
                body = await reader.readexactly(_length(head))
                tally.latencies.append(time.monotonic() - began)
                status = int(head[9:12])
                tally.statuses[status] += 1
                if heard is not None:
                    heard(number, status, head, body)
        finally:
            writer.close()

    began = time.monotonic()
    await asyncio.gather(*(one() for _ in range(connections)))
    tally.seconds = time.monotonic() - began
    return tally


def _length(head: bytes) -> int:
    lowered = head.lower()
    at = lowered.index(b"content-length:") + 15
    return int(lowered[at : lowered.index(b"\r\n", at)])
