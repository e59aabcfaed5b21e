"""What becomes of a conflict that cannot be put on record; how it is recorded is tried in tests/integration/ingest."""

import asyncio
import contextlib
import datetime as dt
from collections.abc import AsyncIterator, Callable
from typing import Any, cast

import pytest

from services.ingest.conflicts import Conflict, Conflicts
from services.ingest.rules.admission import Submission, submit_check_in
from services.ingest.rules.refusals import Refusal
from shared.lanes import Lanes

CheckIn = Callable[..., dict[str, Any]]
NOW = dt.datetime(2026, 1, 5, 0, 25, tzinfo=dt.UTC)


class Away:
    """Lanes that cannot be had: with an error, or not for a very long time."""

    def __init__(self, error: Exception | None) -> None:
        self.error = error

    @contextlib.asynccontextmanager
    async def hold(self, _lanes: set[int]) -> AsyncIterator[None]:
        if self.error is not None:
            raise self.error
        await asyncio.sleep(86_400)
        yield


@pytest.mark.parametrize(
    ("error", "code"),
    [(ConnectionError("gone"), "database-unavailable"), (None, "database-unavailable"), (RuntimeError("a bug"), "internal-error")],
)
async def test_a_conflict_that_cannot_be_recorded_is_no_conflict_yet_and_the_next_one_is_tried_again(
    error: Exception | None, code: str, a_check_in: CheckIn
) -> None:
    conflicts = Conflicts(cast(Lanes, Away(error)), within_s=0.05)
    submission = submit_check_in(a_check_in(), NOW)
    assert isinstance(submission, Submission)
    recording = asyncio.create_task(conflicts.record())
    try:
        for _ in range(2):
            answers: list[asyncio.Future[Refusal | None]] = [asyncio.get_running_loop().create_future() for _ in range(2)]
            conflicts.tell([Conflict(submission, NOW, answer.set_result) for answer in answers])
            assert [await asyncio.wait_for(answer, 60) for answer in answers] == [Refusal(code)] * 2  # type: ignore[arg-type]
    finally:
        recording.cancel()
