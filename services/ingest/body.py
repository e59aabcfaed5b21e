"""Reads a request's body within its limits: refuses what is too large before reading it, and what is too slow."""

import asyncio
import re
from typing import Final

from fastapi import Request

from services.ingest.rules.refusals import Refusal
from shared.faults import too_large

READ_WITHIN_S: Final = 10.0
_JSON: Final = re.compile(rb"""application/json\s*(;\s*(charset="?utf-8"?|(?!charset)[\w-]+=[^;\s]*)\s*)*""", re.IGNORECASE)
"""JSON with whatever parameters; a charset can only be UTF-8, since that is how the bytes are read."""


async def read_body(request: Request, at_most: int) -> bytes | Refusal:
    """The body, or why it is not read.

    A body that announces more than `at_most` bytes is not read at all; one that turns out larger is read no
    further. A client that went away is treated as too slow: nobody hears the answer.
    """
    media_type = encoding = b""
    announced = b"0"
    for name, value in request.scope["headers"]:  # the raw list: looking up by name decodes all of them each time
        if name == b"content-length":
            announced = value
        elif name == b"content-type":
            media_type = value
        elif name == b"content-encoding":
            encoding = value
    if not _JSON.fullmatch(media_type.strip()) or encoding.lower() not in (b"", b"identity"):
        return Refusal("unsupported-media-type")
    if not announced.isdigit() or len(announced) > 15 or int(announced) > at_most:
        return Refusal("body-too-large", (too_large(at_most),))
    receive = request.receive
    try:
        async with asyncio.timeout(READ_WITHIN_S):
            message = await receive()
            body: bytes = message.get("body", b"")
            while message["type"] == "http.request" and len(body) <= at_most and message.get("more_body"):
                message = await receive()
                body += message.get("body", b"")
    except TimeoutError:
        return Refusal("body-too-slow")
    if message["type"] != "http.request":
        return Refusal("body-too-slow")
    return body if len(body) <= at_most else Refusal("body-too-large", (too_large(at_most),))
