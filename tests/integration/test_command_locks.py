"""A command whose session did not answer is not in progress for ever."""

import contextlib
from typing import Any

import asyncpg
import pytest

from shared.database import open_pool
from shared.web.commands import alone
from shared.web.problems import IN_PROGRESS, Problem
from tests.waiting import until

COMMAND = 7


class Deaf:
    """A session whose server does what it is asked, while the answer to one question never arrives."""

    def __init__(self, session: Any, question: int) -> None:
        self._session, self._left = session, question
        self.is_closed, self.terminate = session.is_closed, session.terminate

    async def fetchval(self, query: str, number: int) -> Any:
        """The answer, or TimeoutError once it is this question's turn."""
        answer = await self._session.fetchval(query, number)
        self._left -= 1
        if not self._left:
            raise TimeoutError
        return answer


@pytest.mark.parametrize("question", [1, 2], ids=["the lock", "its end"])
async def test_a_session_that_did_not_answer_takes_its_lock_along(question: int, fresh_database: str) -> None:
    second = await asyncpg.connect(fresh_database)
    pool = await open_pool(fresh_database, None)  # which keeps its sessions for as long as they live
    try:
        with pytest.raises(TimeoutError):
            async with pool.acquire() as first, alone(Deaf(first, question), COMMAND):  # type: ignore[arg-type] # as much of a session as is asked
                pass

        async def free() -> bool:
            with contextlib.suppress(Problem):
                async with alone(second, COMMAND):
                    return True
            return False

        await until(free)
    finally:
        pool.terminate()
        await second.close()


async def test_while_a_command_is_carried_out_nobody_else_may_begin_it(fresh_database: str) -> None:
    first, second = await asyncpg.connect(fresh_database), await asyncpg.connect(fresh_database)
    try:
        async with alone(first, COMMAND):
            with pytest.raises(Problem) as refused:
                async with alone(second, COMMAND):
                    raise AssertionError("two at once")
        assert refused.value.kind is IN_PROGRESS
        async with alone(second, COMMAND):
            assert not first.is_closed()
    finally:
        await first.close()
        await second.close()
