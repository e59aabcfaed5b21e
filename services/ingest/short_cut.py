"""Leads the busy addresses past the framework's router, which would cost more than all that is done for a check-in.

Measured on one core: FastAPI's routing, dependency solving and exit stacks take some 170 µs per request, half of
the time there is at 3,000 requests a second. The routes stay declared in FastAPI, for its documentation, for 405
answers, and so that both ways lead to the same handlers.
"""

from collections.abc import Awaitable, Callable, Mapping

from fastapi import Request, Response
from starlette.types import ASGIApp, Receive, Scope, Send

Handler = Callable[[Request], Awaitable[Response]]


class ShortCut:
    """ASGI middleware: POSTs to these paths go straight to their handlers, everything else goes on.

    So do addresses with a query: the routes take no parameters, and the framework's way refuses them.
    """

    def __init__(self, app: ASGIApp, posts: Mapping[str, Handler]) -> None:
        self._app = app
        self._posts = posts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one request; exceptions go to the framework's outermost layer, as usual."""
        busy = scope["type"] == "http" and scope["method"] == "POST" and not scope["query_string"]
        handler = self._posts.get(scope["path"]) if busy else None
        if handler is None:
            await self._app(scope, receive, send)
        else:
            response = await handler(Request(scope, receive))
            await response(scope, receive, send)
