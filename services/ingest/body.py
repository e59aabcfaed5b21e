"""Reads a request's body within its limits: refuses what is too large before reading it, and what is too slow."""

import asyncio
from typing import Final

from fastapi import Request
from starlette.requests import ClientDisconnect

from services.ingest.rules.refusals import Refusal

READ_WITHIN_S: Final = 10.0


async def read_body(request: Request, at_most: int) -> bytes | Refusal:
    """The body, or why it is not read.

    A body that announces more than `at_most` bytes is not read at all; one that turns out larger is read no
    further. A client that went away is treated as too slow: nobody hears the answer.
    """
    headers = request.headers
    media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json" or headers.get("content-encoding", "identity").lower() != "identity":
        return Refusal("unsupported-media-type")
    announced = headers.get("content-length", "0")
    if not announced.isascii() or not announced.isdigit() or int(announced[:20]) > at_most:
        return Refusal("body-too-large")
    parts: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(READ_WITHIN_S):
            async for part in request.stream():
                size += len(part)
                if size > at_most:
                    return Refusal("body-too-large")
                parts.append(part)
    except (TimeoutError, ClientDisconnect):
        return Refusal("body-too-slow")
    return b"".join(parts)
