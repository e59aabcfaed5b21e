"""Says where the time goes while a stack works: py-spy's samples of each service, and PostgreSQL's own statistics.

    python -m tests.benchmarks.pipeline --seconds 60 --profile /tmp/profile --py-spy /path/to/py-spy

`load` and `window_close` take the same two arguments. py-spy is not among our packages: `pip install py-spy` in an environment of its own
is enough.
"""

import argparse
import asyncio
import subprocess
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg

from tests.benchmarks.stack import WORKERS, Stack

_STATEMENTS = """
select r.rolname as role, s.calls, s.rows, round(s.total_exec_time::numeric, 1) as ms,
       round((s.total_exec_time * 1000 / s.calls)::numeric, 1) as us_each,
       regexp_replace(left(s.query, 150), '\\s+', ' ', 'g') as query
from pg_stat_statements s join pg_roles r on r.oid = s.userid order by s.total_exec_time desc limit 30
"""


_SAMPLED = ("ingest", *WORKERS)


def may_profile(ask: argparse.ArgumentParser) -> None:
    """Adds the arguments that `profiled` looks at; the stack is to be started with `statements` if `profile` is given."""
    ask.add_argument("--profile", type=Path, metavar="FOLDER", help="say in FOLDER/profile.txt where the time goes (it costs some)")
    ask.add_argument("--py-spy", default="py-spy", metavar="PROGRAM")


@asynccontextmanager
async def profiled(stack: Stack, given: argparse.Namespace) -> AsyncIterator[None]:
    """Sample what happens within, if a profile is asked for."""
    if given.profile is None:
        yield
        return
    samples = Samples(stack, given.py_spy, given.profile)
    await samples.begin()
    try:
        yield
    finally:
        await samples.end()


class Samples:
    """py-spy beside each service, a hundred samples a second of whoever holds the interpreter, between `begin` and `end`."""

    def __init__(self, stack: Stack, program: str, folder: Path) -> None:
        self._stack, self._program, self._folder = stack, program, folder
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    async def begin(self) -> None:
        """Count from here on; the stack must have been started with `statements`."""
        await self._stack.execute("create extension if not exists pg_stat_statements", "select pg_stat_statements_reset()")
        self._folder.mkdir(parents=True, exist_ok=True)
        for name in _SAMPLED:
            pid = self._stack.children[name].popen.pid
            self._running[name] = subprocess.Popen(
                [self._program, "record", "--pid", str(pid), "--format", "raw", "--output", str(self._folder / f"{name}.raw"),
                 "--rate", "100", "--duration", "3600", "--nonblocking", "--gil"],
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            )  # fmt: skip

    async def end(self) -> None:
        """Write what was found: for each service its functions by own time, and the statements by theirs."""
        for process in self._running.values():
            process.send_signal(2)
        for process in self._running.values():
            await asyncio.to_thread(process.wait, 60)
        lines = [line for name in _SAMPLED for line in [f"== {name}", *own_time((self._folder / f"{name}.raw").read_text())]]
        connection = await asyncpg.connect(self._stack.database)
        try:
            rows = await connection.fetch(_STATEMENTS)
        finally:
            await connection.close()
        lines += ["== PostgreSQL"]
        lines += [f"{row['ms']:>10} ms {row['calls']:>7} × {row['us_each']:>9} µs  {row['role']}  {row['query']}" for row in rows]
        (self._folder / "profile.txt").write_text("\n".join(lines) + "\n")


def own_time(raw: str, most: int = 25) -> list[str]:
    """Functions by the share of samples in which they were on top, from py-spy's raw stacks (`a;b;c 12`)."""
    own: Counter[str] = Counter()
    for line in raw.splitlines():
        stack, _, count = line.rpartition(" ")
        own[stack.rpartition(";")[2]] += int(count)
    whole = max(1, own.total())
    return [f"{count / whole:6.1%} {function}" for function, count in own.most_common(most)]
