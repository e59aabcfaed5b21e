"""Old receipts are tidied away beside the check-ins, whatever becomes of it."""

import asyncio
from datetime import datetime
from typing import cast

import asyncpg
import pytest

from services.ingest import app
from services.ingest.store import Store


class Slow:
    """A table in which old receipts are looked for longer than a statement may take, once."""

    def __init__(self) -> None:
        self.asked = 0
        self.asked_again = asyncio.Event()

    async def forget_receipts(self, before: datetime, at_most: int) -> int:
        self.asked += 1
        if self.asked == 1:
            raise asyncpg.QueryCanceledError("canceling statement due to statement timeout")
        self.asked_again.set()
        return 0


async def test_receipts_that_could_not_be_forgotten_are_tried_again_later_and_stop_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app, "_FORGET_EVERY_S", 0.0)
    slow = Slow()
    forgetting = asyncio.create_task(app._forget_receipts(cast(Store, slow), days=400))

    await asyncio.wait([forgetting, asyncio.create_task(slow.asked_again.wait())], return_when=asyncio.FIRST_COMPLETED, timeout=10)

    assert slow.asked_again.is_set()
    assert not forgetting.done()
    forgetting.cancel()
