"""Asks a Tile38 server (Go) the same points: which fences hold this one? It knows no accuracy, people or dates.

The server is a Go module, built once where Go is installed:

    GOBIN=/tmp/tile38 go install github.com/tidwall/tile38/cmd/tile38-server@latest
    python -m tests.benchmarks.geofence --tile38 /tmp/tile38/tile38-server
"""

import asyncio
import json
import subprocess
import tempfile
import time
from collections.abc import Sequence

from services.geofence.rules.locate import Fix
from services.geofence.rules.sites import Site
from services.local.process import free_port

_PIPELINED = 500


def ask_all(program: str, sites: Sequence[Site], fixes: Sequence[Fix]) -> float:
    """Seconds per point, asked in pipelines of 500 as our batches are."""
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        command = [program, "-h", "127.0.0.1", "-p", str(port), "-d", folder, "--appendonly", "no"]
        server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            return asyncio.run(_ask(port, sites, fixes))
        finally:
            server.terminate()
            server.wait(20)


async def _ask(port: int, sites: Sequence[Site], fixes: Sequence[Fix]) -> float:
    deadline = time.monotonic() + 30
    while True:
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=2**24)
            break
        except OSError:
            assert time.monotonic() < deadline, "tile38-server does not answer"
            await asyncio.sleep(0.1)
    # Circles are points with a radius here; Tile38 takes them as bounds around the point, which is kinder to it.
    for site in sites:
        writer.write(_command("SET", "sites", str(site.site_id), "OBJECT", json.dumps(site.geometry)))
        await _answer(reader)
    began = time.monotonic()
    for start in range(0, len(fixes), _PIPELINED):
        some = fixes[start : start + _PIPELINED]
        writer.write(b"".join(
            _command("INTERSECTS", "sites", "IDS", "CIRCLE", f"{fix.latitude:.7f}", f"{fix.longitude:.7f}", "100") for fix in some
        ))  # fmt: skip
        for _ in some:
            await _answer(reader)
    took = time.monotonic() - began
    writer.close()
    return took / len(fixes)


def _command(*parts: str) -> bytes:
    return b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(part.encode()), part.encode()) for part in parts)


async def _answer(reader: asyncio.StreamReader) -> None:
    """Read one RESP answer and throw it away; an error ends the measurement."""
    line = await reader.readline()
    kind, rest = line[:1], line[1:].strip()
    assert kind != b"-", line
    if kind == b"$" and int(rest) >= 0:
        await reader.readexactly(int(rest) + 2)
    elif kind == b"*":
        for _ in range(int(rest)):
            await _answer(reader)
