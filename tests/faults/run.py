"""`make faults-long`: campaigns for as long as one wants, a table at the end, and docs/faults.md if all of it is asked for."""

import argparse
import asyncio
import logging
import math
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from services.local.process import LAUNCH, LocalError, make_folder
from tests.ending import end_in_order
from tests.faults.campaign import Found, NothingToStrike, Wanted, campaign, faults_of
from tests.faults.nemeses import FAULTS
from tests.faults.report import Begin, Foreign, Part, Report, TwoSoaks, label, merged, read, table, write
from tests.faults.soak import lines, risen, soak

_ROOT = Path(__file__).parents[2]
_SHARE_OF_THREE = 0.2
_SECONDS_PER_FAULT = 4.0
"""For so long per fault there is load; a round whose load is sent, but for what is kept back, is checked."""
_TRIED_ENOUGH = 3
"""Some strikes meet nothing, as a service was down just then; who meets nothing so often, and never anything, is broken. So is a harness of
which as many rounds had nothing left to send once all was healed."""


_KINDS = tuple(dict.fromkeys(fault.code for fault in FAULTS))
_EPILOG = f"""\
kinds of faults that strike at random:
{chr(10).join(f"  {kind:4} {'; '.join(dict.fromkeys(fault.what for fault in FAULTS if fault.code == kind))}" for kind in _KINDS)}
  F5 and the failover of F6 need --house three, F9 needs --house clocks, F7 a house of one broker and root (it mounts two tmpfs),
  F13 a clone with its history

exit codes: 0 no violation; 1 a violation, or something asked for was not done; 2 what is asked for cannot be done
Ctrl-C and SIGTERM take the houses down and keep what was checked until then.

example: make faults-long ARGS="--house one --only F1,F8 --cycles 40 --seed 7"
"""


class _Help(argparse.ArgumentDefaultsHelpFormatter, argparse.RawDescriptionHelpFormatter):
    """Defaults are told, and the lines of the epilog stay as they are."""

    def _get_help_string(self, action: argparse.Action) -> str | None:
        return super()._get_help_string(action) if action.default else action.help


def main() -> int:
    """Run what the arguments ask for; the exit code is 1 if a violation is not mended, or something asked for was not done."""
    asked = _arguments()
    undone: list[str] = []
    end_in_order()
    try:
        told = merged(asked.merging) if asked.merge else _both(asked, undone) if asked.house == "both" else _one(asked, undone)
    except KeyboardInterrupt:  # before there was a house, or pressed again by somebody who does not want to wait
        told = None
        undone.append("stopped from outside, before anything was struck or once more while all was taken down")
    wrong = _shown(told) if told else []
    for sentence in wrong:
        print(f"VIOLATION {sentence}")
    if told and asked.write:
        write(told, asked.write)
        print(f"Written: {asked.write / 'faults.md'}")
    for sentence in undone:
        print(f"NOT DONE {sentence}")
    return int(bool(wrong or undone))


def _shown(told: dict[str, Any]) -> list[str]:
    """Prints table and sums; returns the violations that have no mending on record."""
    if told["parts"]:
        whole = told["sums"]["ever"]["all"]
        print("\n".join(table(told, only_struck=True)))
        print(f"\n{whole['cycles']} faults, {told['accepted']} events accepted, {told['hours']:.2f} hours,"
              f" seed {', '.join(map(str, told['seeds']))}, commit {told['commit']}, {len(told['violations'])} violations;"
              f" 95 % bound per fault {whole['bound'] or 1:.4f}")
    if told["soak"]:
        print("\n".join(lines(told["soak"])))
    return [*told["unmended"], *(risen(told["soak"]) if told["soak"] else [])]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="make faults-long", description="Faults at random moments under load, and every invariant.", epilog=_EPILOG,
        formatter_class=_Help,
    )  # fmt: skip
    parser.add_argument("--cycles", type=_whole(0), default=1200, help="how many faults; 0: only the soak")
    parser.add_argument("--hours", type=_more_than_nothing, default=12.0, help="end after so many hours at the latest")
    parser.add_argument("--seed", type=int, help="what chance begins with, the time if not given; timing has its part, too")
    parser.add_argument("--every", type=_whole(1), default=40, help="check everything after so many faults")
    parser.add_argument("--rate", type=_more_than_nothing, default=20.0, help="check-ins a second")
    parser.add_argument("--only", type=_kinds, default=(), metavar="F1,F8", help="kinds of the matrix; all if not given")
    parser.add_argument(
        "--house", choices=("one", "three", "clocks", "both"), default="both",
        help="one broker; three and a standby; one, and each service by a clock of its own; the first two at once",
    )  # fmt: skip
    parser.add_argument("--soak", type=_more_than_nothing, metavar="HOURS", help="then a soak without faults; else there is none")
    parser.add_argument("--soak-rate", type=_more_than_nothing, default=300.0, help="check-ins a second of the soak")
    parser.add_argument("--write", type=Path, metavar="FOLDER", help="write faults.json and faults.md there; campaigns that are in it stay")
    parser.add_argument("--logs", type=Path, metavar="FOLDER", help="keep the processes' logs there")
    parser.add_argument("--merge", type=Path, nargs="+", metavar="FILE", help="run nothing: make one report of several faults.json")
    asked = parser.parse_args()
    besides = [name for name, value in vars(asked).items() if name not in {"merge", "write"} and value != parser.get_default(name)]
    if asked.merge and besides:
        parser.error(f"--merge runs nothing, so that --{besides[0].replace('_', '-')} would do nothing")
    if not (asked.merge or asked.cycles or asked.soak):
        parser.error("--cycles 0 and no --soak: nothing is asked for")
    asked.seed = int(time.time()) if asked.seed is None else asked.seed
    try:  # what cannot be read or written is found out before hours are spent, and not after them
        asked.merging = [read(file) for file in asked.merge or ()]
        if asked.write:
            make_folder(asked.write, "--write")
            if (before := asked.write / "faults.json").exists():
                read(before)
        if asked.logs:
            make_folder(asked.logs, "--logs")
        if asked.merge:
            merged(asked.merging)
    except (Foreign, TwoSoaks, LocalError) as reason:
        parser.error(str(reason))
    houses = ("one", "three") if asked.house == "both" else (asked.house,)
    asked.houses = [house for house in houses if _struck(asked, house)]
    nowhere = {*asked.only}.difference(*(_struck(asked, house) for house in houses))
    if asked.cycles and nowhere:
        parser.error(f"--only {label(nowhere)}: no such fault strikes at random in a house of this kind (--house {asked.house})")
    return asked


def _whole(least: int) -> Callable[[str], int]:
    """Reads a whole number that is not below `least`."""

    def read(text: str) -> int:
        if not text.isdecimal() or int(text) < least:
            raise argparse.ArgumentTypeError(f"{text} is not a whole number of {least} or more")
        return int(text)

    return read


def _more_than_nothing(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"{text} is not a number above 0")
    return value


def _kinds(text: str) -> tuple[str, ...]:
    kinds = tuple(filter(None, text.upper().replace(" ", "").split(",")))
    if unknown := [kind for kind in kinds if kind not in _KINDS]:
        raise argparse.ArgumentTypeError(f"{', '.join(unknown)}: nothing of this name strikes at random; there are {', '.join(_KINDS)}")
    return kinds


def _struck(asked: argparse.Namespace, house: str) -> set[str]:
    """The kinds of what is asked for that can strike such a house."""
    return {fault.code for fault in faults_of(_wanted(asked, house), disks=house != "three", previous=True)}


def _wanted(asked: argparse.Namespace, house: str) -> Wanted:
    three = house == "three"
    people = max(200, round(asked.every * _SECONDS_PER_FAULT * asked.rate / 2))
    return Wanted(
        asked.cycles, asked.seed, asked.every, asked.rate, 3 if three else 1, three, people, 1, asked.hours,
        only=asked.only, clocks=house == "clocks", logs=asked.logs,
    )  # fmt: skip


def _one(asked: argparse.Namespace, undone: list[str]) -> dict[str, Any] | None:
    """One house, and then the soak; None if there is nothing to report. What was asked for and not done is added to `undone`."""
    reports = []
    if asked.cycles:
        wanted, begin = _wanted(asked, asked.house), Begin.now()
        found = Found(wanted.seed)

        def save(so_far: Found) -> None:
            nonlocal found
            found = so_far
            if asked.write and _says_something(found):
                write(Report([Part(wanted, found)], begin).as_json(), asked.write)

        try:
            found = asyncio.run(campaign(wanted, _say, save))
        except NothingToStrike as reason:
            sys.exit(f"--only: {reason}")
        except KeyboardInterrupt:
            _leave_the_soak(asked, undone)
        undone += _left_undone(wanted, found)
        for why in found.left_out:
            _say(f"LEFT OUT {why}")
        if _says_something(found):
            reports.append(Report([Part(wanted, found)], begin).as_json())
    reports += _soaked(asked, undone)
    return merged(reports) if reports else None


def _leave_the_soak(asked: argparse.Namespace, undone: list[str]) -> None:
    """Whoever stops the campaigns does not want hours of something else."""
    undone += ["stopped from outside: what was checked before is kept"] + ["no soak was begun"] * bool(asked.soak)
    asked.soak = None


def _soaked(asked: argparse.Namespace, undone: list[str]) -> list[dict[str, Any]]:
    """The report of the soak, if one is asked for and came to its end."""
    begin = Begin.now() if asked.soak else None
    try:
        return [Report([], begin, asyncio.run(soak(asked.soak, asked.soak_rate, _say))).as_json()] if begin else []
    except KeyboardInterrupt:
        undone.append("the soak was stopped from outside, and its figures are not kept")
        return []


def _says_something(found: Found) -> bool:
    """Whether anything was struck, or found before: a campaign of no fault has no place in a report."""
    return bool(found.cycles.total() or found.violations)


def _left_undone(wanted: Wanted, found: Found) -> Iterator[str]:
    """A sentence if nothing was struck or it was stopped, if I8 saw nothing taken afterwards, for each kind of `only` that was left out,
    and each fault that struck nothing.
    """
    struck = found.cycles.total()
    if not struck or found.outcome == "stopped":
        yield f"seed {wanted.seed}: {struck} of {wanted.cycles} faults were struck, and it ended by: {found.outcome}"
    yield from (f"seed {wanted.seed}: left out {reason}" for reason in found.left_out if reason.partition(":")[0] in wanted.only)
    if found.checks >= _TRIED_ENOUGH and not found.front_s:
        yield f"seed {wanted.seed}: in none of {found.checks} rounds was anything left to send when all was healed (I8)"
    for name, many in found.missed.items():
        if many >= _TRIED_ENOUGH and not found.cycles[name]:
            yield f"seed {wanted.seed}: {name}: of {many} strikes none could be proved to have struck anything"


def _both(asked: argparse.Namespace, undone: list[str]) -> dict[str, Any] | None:
    """Both houses at once, each a process of its own, or the one that has such faults; the soak has the machine for itself afterwards.

    None if there is nothing to report. What was asked for and not done is added to `undone`.
    """
    three = round(asked.cycles * _SHARE_OF_THREE) if len(asked.houses) > 1 else asked.cycles
    of_each = {house: three if house == "three" else asked.cycles - (three if len(asked.houses) > 1 else 0) for house in asked.houses}
    with tempfile.TemporaryDirectory(prefix="hadir-faults-report-") as folder:
        running = {}
        for house, cycles in of_each.items():
            if cycles:
                (Path(folder) / house).mkdir()
                # In a session of its own: Ctrl-C comes to us alone, and they are told once.
                running[house] = subprocess.Popen(_command(asked, house, cycles, Path(folder) / house), cwd=_ROOT, start_new_session=True)
        try:
            codes = {house: process.wait() for house, process in running.items()}
        except KeyboardInterrupt:
            _leave_the_soak(asked, undone)
            for process in running.values():
                process.terminate()
            codes = {house: process.wait() for house, process in running.items()}
        files = {house: Path(folder) / house / "faults.json" for house in running}
        undone += [f"--house {house}: it ended with code {code}" for house, code in codes.items() if code]
        undone += [f"--house {house}: it left no report" for house, file in files.items() if not file.exists()]
        written = [file for file in files.values() if file.exists()]
        told = merged([read(file) for file in written]) if written else None
    if asked.soak and told and asked.write:
        write(told, asked.write)  # hours of soak may end badly
    reports = [*filter(None, [told]), *_soaked(asked, undone)]
    return merged(reports) if reports else None


def _command(asked: argparse.Namespace, house: str, cycles: int, folder: Path) -> Sequence[str]:
    """What runs one of several houses, for as long as we live, and writes its report into a folder."""
    return [
        sys.executable, "-I", "-S", str(LAUNCH), str(os.getpid()), "SIGTERM", "-",
        sys.executable, "-m", "tests.faults.run", f"--house={house}", f"--cycles={cycles}", f"--seed={asked.seed}",
        f"--hours={asked.hours}", f"--every={asked.every}", f"--rate={asked.rate}", f"--only={','.join(asked.only)}",
        f"--write={folder}", *([f"--logs={asked.logs / house}"] if asked.logs else []),
    ]  # fmt: skip


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # refusals are what a struck house is for
    sys.exit(main())
