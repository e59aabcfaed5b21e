"""Asks Tile38, a server for geofences written in Go, the same points as `geofence.py` asks our rule.

    python -m tests.benchmarks.tile38       # with tile38-server on the PATH (docs/performance.md says how to build it)

It keeps the same sites (a round fence as a ring of 64 corners, which is what its own circles are) and is asked by pipelines of
500 which of them hold a point: all that its index does best, and less than our rule answers, which knows whose sites they are, dates,
accuracy and three verdicts. Processor time of its server alone counts, not that of asking; beside it our rule in the same rounds.
"""

import argparse
import contextlib
import random
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import Any, BinaryIO
from uuid import UUID

import orjson
from pyproj import Geod

from services.geofence.rules.locate import Fix, locate
from services.geofence.rules.sites import DEFAULT_ACCURACY, Catalogue, Site
from services.local.process import free_port
from shared.events import Verdict
from tests.benchmarks.geofence import BATCH, BATCHES, fixes, sites
from tests.benchmarks.reference.point_by_point import PointByPoint
from tests.benchmarks.stack import cpu_s_of
from tests.benchmarks.telling import figure, progress, tell

SERVER = "tile38-server"
CORNERS = 64
_START_WITHIN_S = 10.0
_WGS84 = Geod(ellps="WGS84")


class Tile38:
    """A connection to the server that sends many commands before it reads their answers."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port))
        self._answers: BinaryIO = self._socket.makefile("rb")

    def keep(self, drawn: Iterable[Site]) -> None:
        """Keep the sites as objects, by id."""
        for site in drawn:
            self._send([("SET", "sites", str(site.site_id), "OBJECT", orjson.dumps(outline(site)).decode())])
            assert self._read() == b"OK"

    def around(self, some: Sequence[Fix]) -> list[set[bytes]]:
        """The ids of the sites that hold each point, sent as one pipeline."""
        self._send(("INTERSECTS", "sites", "IDS", "POINT", str(fix.latitude), str(fix.longitude)) for fix in some)
        found = []
        for _ in some:
            cursor, ids = self._read()
            assert cursor == 0
            found.append({*ids})
        return found

    def close(self) -> None:
        self._answers.close()
        self._socket.close()

    def _send(self, commands: Iterable[Sequence[str]]) -> None:
        self._socket.sendall("".join(
            f"*{len(words)}\r\n" + "".join(f"${len(word)}\r\n{word}\r\n" for word in words) for words in commands).encode())

    def _read(self) -> Any:
        """One answer of the Redis protocol."""
        line = self._answers.readline()
        kind, rest = line[:1], line[1:].strip()
        if kind == b"*":
            return [self._read() for _ in range(int(rest))]
        if kind == b"$":
            return self._answers.read(int(rest) + 2)[:-2]
        assert kind in b"+:", line
        return int(rest) if kind == b":" else rest


def outline(site: Site) -> dict[str, object]:
    """A site's fence as a polygon."""
    if site.radius_m is None:
        return dict(site.geometry)
    lon, lat = site.geometry["coordinates"]
    ends = [_WGS84.fwd(lon, lat, 360 * corner / CORNERS, site.radius_m)[:2] for corner in range(CORNERS)]
    return {"type": "Polygon", "coordinates": [[*ends, ends[0]]]}


@contextlib.contextmanager
def serving(program: str) -> Iterator[tuple[Tile38, int]]:
    """A server of its own in an empty folder: a connection to it, and its process id."""
    with tempfile.TemporaryDirectory(prefix="hadir-tile38-") as folder:
        port, log = free_port(), Path(folder) / "log"
        with log.open("wb") as stream:
            process = subprocess.Popen([program, "-h", "127.0.0.1", "-p", str(port), "-d", folder], stdout=stream, stderr=stream)
        try:
            connection = _connected(port, process, log)
            yield connection, process.pid
            connection.close()
        finally:
            process.terminate()
            process.wait(10)


def _connected(port: int, process: "subprocess.Popen[bytes]", log: Path) -> Tile38:
    deadline = time.monotonic() + _START_WITHIN_S
    while True:
        assert process.poll() is None, log.read_text()
        try:
            return Tile38(port)
        except ConnectionRefusedError:
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.05)


def opposite(drawn: Sequence[Site], asked: Sequence[Fix], ours: Sequence[Verdict], theirs: Sequence[set[bytes]]) -> int:
    """How many points one says are inside an office of the unit and the other outside, by more than an accuracy rule credits."""
    plain = PointByPoint(drawn)
    offices: defaultdict[UUID | None, set[bytes]] = defaultdict(set)
    for site in drawn:
        if site.kind == "office":
            offices[site.org_unit_ids[0]].add(str(site.site_id).encode())
    found = 0
    for fix, said, ids in zip(asked, ours, theirs, strict=True):
        held = bool(ids & offices[fix.org_unit_id])
        beyond = said is Verdict.INSIDE and not held and plain.beyond(fix) > DEFAULT_ACCURACY["office"].cap_m
        found += beyond or (said is Verdict.OUTSIDE and held)
    return found


def main() -> None:
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--rounds", type=int, default=10)
    given = ask.parse_args()
    program = shutil.which(SERVER)
    if program is None:
        sys.exit(f"{SERVER} is not on the PATH; docs/performance.md says how to build it")
    chance = random.Random(38)
    drawn, centres = sites(chance)
    catalogue = Catalogue(drawn)
    batches = [fixes(chance, centres, BATCH) for _ in range(BATCHES)]
    ours: list[float] = []
    theirs: list[float] = []
    with serving(program) as (server, pid):
        server.keep(drawn)
        progress(f"{len(drawn):,} sites kept")
        for number in range(given.rounds):
            began = time.process_time()
            judged = [one.site for batch in batches for one in locate(catalogue, batch)]
            ours.append((time.process_time() - began) / len(judged))
            used = cpu_s_of(pid)
            held = [one for batch in batches for one in server.around(batch)]
            theirs.append((cpu_s_of(pid) - used) / len(held))
            progress(f"round {number + 1}: ours {ours[-1] * 1e6:.2f} µs, Tile38 {theirs[-1] * 1e6:.1f} µs each")
    wrong = opposite(drawn, [fix for batch in batches for fix in batch], judged, held)
    assert not wrong, f"{wrong} opposite verdicts: Tile38 was not asked the same question"
    note = f"median of {given.rounds} rounds over {BATCH * BATCHES:,} marks; processor time of its server alone, by pipelines of {BATCH}"
    tell(figure("geofence-tile38", median(theirs) * 1e6, reference="our rule in the same rounds", reference_value=median(ours) * 1e6,
                note=note))  # fmt: skip


if __name__ == "__main__":
    main()
