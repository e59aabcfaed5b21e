"""What the handlers of an API work with: its settings, its pool, its lanes; and the connection that a read uses."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from typing import Annotated, Final, Protocol, cast

from fastapi import Depends, Request

from shared.database import Connection, Pool
from shared.lanes import Lanes
from shared.settings import Settings
from shared.topics import Service
from shared.web.actors import admit

POOL_SIZE: Final = 8
_COMMANDS_AT_ONCE: Final = 3
"""A command holds two connections; were there as many at once as connections, all would wait for their second one."""

_WAIT_S: Final = 10.0
"""How long a read waits for a connection; then it is answered 503."""


class Api:
    """The collaborators of the handlers; `app.state.api`."""

    def __init__(self, settings: Settings, service: Service | None, pool: Pool) -> None:
        """`service` None: the pool reads all services' schemas and nothing can be commanded."""
        self.settings: Final = settings
        self.pool: Final = pool
        self._lanes = None if service is None else Lanes(pool, service)
        self._room = asyncio.Semaphore(_COMMANDS_AT_ONCE)

    @property
    def lanes(self) -> Lanes:
        """Where commands write; TypeError in an API that only reads."""
        if self._lanes is None:
            raise TypeError("this API only reads")
        return self._lanes

    def room_for_command(self) -> AbstractAsyncContextManager[None]:
        """Waits until there are connections for one more command."""
        return self._room


class _HasApi(Protocol):
    api: Api


async def _reading(request: Request) -> AsyncIterator[Connection]:
    admit(request)  # wherever the route names who asks: nobody else gets a connection
    api = cast(_HasApi, request.app.state).api
    async with api.pool.acquire(timeout=_WAIT_S) as connection, connection.transaction(readonly=True, isolation="repeatable_read"):
        yield connection


Reading = Annotated[Connection, Depends(_reading, scope="function")]
"""A connection in a read-only transaction: all that one answer says is of one instant. Given back before it is sent."""
