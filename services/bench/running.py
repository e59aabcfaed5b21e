"""Runs one measuring program as a process of its own and reads the figures that it prints."""

import contextlib
import datetime as dt
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from threading import Timer
from types import FrameType
from typing import Any, Final, NoReturn

from services.bench.figures import BENCHES, Bench, Size, command_of
from services.bench.machine import Machine, OtherWork, commit
from services.bench.record import Record
from shared.refusal import Refusal

ROOT: Final = Path(__file__).parents[2]
"""The clone: measuring programs belong to it and are not installed."""

_END_WITHIN_S: Final = 60.0


def run_bench(name: str, size: Size, told: Callable[[str], None]) -> list[Record]:
    """Measure everything of one bench; a program that fails leaves records that say why, and so does one too late.

    `told` gets its progress line by line. Raises Refusal where there are no measuring programs, and SystemExit, once the program
    has ended with its servers, when this process is told to end.
    """
    bench = BENCHES[name]
    if not (ROOT / "tests" / "benchmarks" / f"{bench.module}.py").exists():
        raise Refusal("The measuring programs are in tests/benchmarks of a clone of the repository; run `hadir bench` there.")
    machine, now, what = Machine.now(), dt.datetime.now(dt.UTC).date(), commit(ROOT)
    told(f"{name}: {machine.occupied()} of {machine.cores}" + ("" if machine.quiet else ", NOT quiet"))
    began, took, others = time.monotonic(), None, OtherWork()
    try:
        with _told_to_end():
            said = _measure(bench, size, told)
        took = round(time.monotonic() - began, 1)
    except Failed as problem:
        told(f"{name}: {problem}")
        said = [{"figure": figure, "value": None, "failed": str(problem)} for figure in bench.figures]
    beside = others.cores()
    after = Machine.now()
    for when, busy in (("with other work meanwhile", beside), ("when it had ended", after.busy)):
        if not (then := replace(after, busy=busy)).quiet:
            told(f"{name}: {then.occupied()} of {then.cores} {when}, NOT quiet")
    machine = machine.busier(beside, after.busy)
    records = [Record.of_program(one, command=command_of(name, size), date=now, commit=what, machine=machine) for one in said]
    return [replace(record, seconds=took) for record in records]


class Failed(Exception):
    """A measuring program ended badly, took too long, or said nothing; the text is the end of what it said."""


def _measure(bench: Bench, size: Size, told: Callable[[str], None]) -> list[dict[str, Any]]:
    arguments = [sys.executable, "-m", f"tests.benchmarks.{bench.module}", *bench.arguments[size]]
    # Nothing of a stack that runs here may be touched, so none of its settings are handed on; where downloads are kept is none.
    environment = {key: value for key, value in os.environ.items() if not key.startswith("HADIR_") or key == "HADIR_CACHE"}
    # In the background of a script SIGINT is ignored, and so it would be by whomever we start: it could not be asked to end.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    process = subprocess.Popen(  # noqa: S603 - a program of ours
        arguments, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    signal.signal(signal.SIGINT, before)
    last = ""
    watch = _Deadline(process, bench.within_s[size])
    assert process.stderr is not None
    assert process.stdout is not None
    try:
        for line in process.stderr:
            last = last if watch.struck else line.strip() or last  # what it says of its end is no news
            told(f"  {line.rstrip()}")
        output = process.stdout.read()
        code = process.wait()
    finally:
        watch.over()
        _end(process)
        process.stderr.close()
        process.stdout.close()
    if watch.struck:
        raise Failed(f"given up after {bench.within_s[size]:.0f} s; the last that was heard: {last}")
    if code:
        raise Failed(f"ended with code {code}: {last}")
    try:
        said: list[dict[str, Any]] = json.loads(output)["figures"]
    except (ValueError, KeyError) as error:
        raise Failed(f"did not print its figures ({type(error).__name__})") from error
    return said


@contextlib.contextmanager
def _told_to_end() -> Iterator[None]:
    """Leave by an exception when told to end, so that the program, which is in a session of its own, is not left behind."""

    def leave(signum: int, _frame: FrameType | None) -> NoReturn:
        sys.exit(128 + signum)

    heard = [signum for signum in (signal.SIGTERM, signal.SIGHUP) if signal.getsignal(signum) is not signal.SIG_IGN]  # not below nohup
    before = {signum: signal.signal(signum, leave) for signum in heard}
    try:
        yield
    finally:
        for signum, handler in before.items():
            signal.signal(signum, handler)


class _Deadline:
    """Asks a process to end when its time is up."""

    def __init__(self, process: "subprocess.Popen[str]", seconds: float) -> None:
        self.struck = False
        self._process = process
        self._timer = Timer(seconds, self._strike)
        self._timer.daemon = True
        self._timer.start()

    def over(self) -> None:
        self._timer.cancel()

    def _strike(self) -> None:
        self.struck = True
        _end(self._process)


def _end(process: "subprocess.Popen[str]") -> None:
    """Politely, so that it stops its servers; then for sure, with all that is left in its group."""
    if process.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_END_WITHIN_S)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
