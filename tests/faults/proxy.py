"""A TCP proxy of our own between the services and their servers: it can stall, cut, reset, slow down and starve.

What passes is never changed or dropped byte by byte, since TCP would not do that either; a peer that is gone stalls,
and is reset or comes back.
"""

import asyncio
import contextlib
import socket
import struct
from dataclasses import dataclass, field

_RESET = struct.pack("ii", 1, 0)
"""SO_LINGER of zero seconds: closing sends RST instead of FIN."""


@dataclass
class Proxy:
    """One listening port in front of one server; `target` may change, for whoever connects from then on.

    `stalled_up` stops what clients send, `stalled_down` what they are answered. `delay_s` is added to every piece,
    `bytes_per_s` limits each direction of each connection, `refusing` resets whoever connects.
    """

    target: tuple[str, int]
    port: int = 0
    delay_s: float = 0.0
    bytes_per_s: float | None = None
    refusing: bool = False
    touched: int = 0
    """How many pieces were held back and connections reset so far: whether a strike met anything."""

    _up: asyncio.Event = field(default_factory=asyncio.Event)
    _down: asyncio.Event = field(default_factory=asyncio.Event)
    _open: set[asyncio.StreamWriter] = field(default_factory=set)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _server: asyncio.Server | None = None

    async def start(self) -> None:
        """Listen on `port`."""
        self.heal()
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Close the port and everything that goes through it."""
        assert self._server is not None
        self._server.close()
        self.reset()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    def stall(self, *, up: bool = True, down: bool = True) -> None:
        """Let nothing pass in these directions until `heal`; both ends still believe to be connected."""
        if up:
            self._up.clear()
        if down:
            self._down.clear()

    @property
    def is_open(self) -> bool:
        """Whether anybody is connected through it."""
        return bool(self._open)

    def reset(self) -> None:
        """Send RST to both ends of every connection."""
        for writer in list(self._open):
            self._abort(writer)

    def heal(self) -> None:
        """Let everything pass again, at full speed."""
        self.delay_s, self.bytes_per_s, self.refusing = 0.0, None, False
        self._up.set()
        self._down.set()

    async def _accept(self, client_in: asyncio.StreamReader, client_out: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self._open.add(client_out)
        try:
            if self.refusing:
                self._abort(client_out)
                return
            await self._held(self._up)  # a stalled network does not answer a new connection's first words either
            try:
                server_in, server_out = await asyncio.open_connection(*self.target)
            except OSError:
                self._abort(client_out)
                return
            self._open.add(server_out)
            try:
                await asyncio.gather(
                    self._pump(client_in, server_out, self._up), self._pump(server_in, client_out, self._down)
                )
            finally:
                self._open.discard(server_out)
                server_out.transport.abort()
        except asyncio.CancelledError:
            pass  # `stop`: the loop has nobody to tell
        finally:
            self._open.discard(client_out)
            self._tasks.discard(task)
            client_out.transport.abort()

    def _abort(self, writer: asyncio.StreamWriter) -> None:
        self.touched += 1
        with contextlib.suppress(OSError):
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        writer.transport.abort()

    async def _held(self, open_: asyncio.Event) -> None:
        self.touched += not open_.is_set()
        await open_.wait()

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, open_: asyncio.Event) -> None:
        try:
            while piece := await source.read(65_536):
                await self._held(open_)
                if wait_s := self.delay_s + (len(piece) / self.bytes_per_s if self.bytes_per_s else 0):
                    self.touched += 1
                    await asyncio.sleep(wait_s)
                sink.write(piece)
                await sink.drain()
            sink.write_eof()
        except OSError:
            sink.transport.abort()
