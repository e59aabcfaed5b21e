"""`make faults-long`: campaigns for as long as one wants, a table at the end, and docs/faults.md if all of it is asked for."""

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.faults.campaign import Found, NothingToStrike, Wanted, campaign, faults_of, now
from tests.faults.report import Part, Report, TwoSoaks, merged, table, write
from tests.faults.soak import lines, risen, soak

_ROOT = Path(__file__).parents[2]
_SHARE_OF_THREE = 0.2
_SECONDS_PER_FAULT = 4.0
"""For so long per fault there is load; a round whose load has ended is checked."""


def main() -> int:
    """Run what the arguments ask for; the exit code is 1 if any invariant was violated and no mending is on record."""
    asked = _arguments()
    told = _merged(asked.merge) if asked.merge else _both(asked) if asked.house == "both" else _one(asked)
    if told["parts"]:
        whole = told["sums"]["ever"]["all"]
        print("\n".join(table(told)))
        print(f"\n{whole['cycles']} faults, {told['accepted']} events accepted, {told['hours']:.2f} hours,"
              f" seed {', '.join(map(str, told['seeds']))}, commit {told['commit']}, {len(told['violations'])} violations;"
              f" 95 % bound per fault {whole['bound'] or 1:.4f}")
    if told["soak"]:
        print("\n".join(lines(told["soak"])))
    wrong = [*told["unmended"], *(risen(told["soak"]) if told["soak"] else [])]
    for sentence in wrong:
        print(f"VIOLATION {sentence}")
    if asked.write:
        write(told, asked.write)
        print(f"Written: {asked.write / 'faults.md'}")
    return int(bool(wrong))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make faults-long", description="Faults at random moments under load, and every invariant.")
    parser.add_argument("--cycles", type=int, default=1200, help="how many faults (default 1200)")
    parser.add_argument("--hours", type=float, default=12.0, help="end after so many hours at the latest")
    parser.add_argument("--seed", type=int, default=int(time.time()), help="the same seed draws the same faults and waits")
    parser.add_argument("--every", type=int, default=40, help="check everything after so many faults")
    parser.add_argument("--rate", type=float, default=20.0, help="check-ins a second")
    parser.add_argument("--only", default="", help="kinds of the matrix, e.g. F1,F8")
    parser.add_argument(
        "--house", choices=("one", "three", "clocks", "both"), default="both",
        help="one broker; three and a standby; one, and each service by a clock of its own; the first two at once",
    )  # fmt: skip
    parser.add_argument("--soak", type=float, default=0.0, metavar="HOURS", help="then a soak without faults, and its slopes")
    parser.add_argument("--soak-rate", type=float, default=300.0, help="check-ins a second of the soak")
    parser.add_argument("--write", type=Path, metavar="FOLDER", help="write faults.json and faults.md there; campaigns that are in it stay")
    parser.add_argument("--logs", type=Path, help="keep the processes' logs there")
    parser.add_argument("--merge", type=Path, nargs="+", metavar="FILE", help="run nothing: make one report of several faults.json")
    asked = parser.parse_args()
    asked.houses = [house for house in (("one", "three") if asked.house == "both" else (asked.house,)) if _strikes(asked, house)]
    if not asked.merge and asked.cycles and not asked.houses:
        parser.error(f"--only {asked.only}: no such fault strikes at random in a house of this kind (--house {asked.house})")
    return asked


def _strikes(asked: argparse.Namespace, house: str) -> bool:
    """Whether any fault that is asked for can strike such a house."""
    return bool(faults_of(_wanted(asked, house), disks=house != "three", previous=True))


def _wanted(asked: argparse.Namespace, house: str) -> Wanted:
    three = house == "three"
    people = max(200, round(asked.every * _SECONDS_PER_FAULT * asked.rate / 2))
    return Wanted(
        asked.cycles, asked.seed, asked.every, asked.rate, 3 if three else 1, three, people, 1, asked.hours,
        only=tuple(filter(None, asked.only.split(","))), clocks=house == "clocks", logs=asked.logs,
    )  # fmt: skip


def _one(asked: argparse.Namespace) -> dict[str, Any]:
    wanted, began = _wanted(asked, asked.house), now()

    def save(found: Found) -> None:
        if asked.write:
            write(Report([Part(wanted, found)], began).as_json(), asked.write)

    try:
        parts = [Part(wanted, asyncio.run(campaign(wanted, _say, save)))] if asked.cycles else []
    except NothingToStrike as reason:
        sys.exit(f"--only: {reason}")
    return Report(parts, began, asyncio.run(soak(asked.soak, asked.soak_rate, _say)) if asked.soak else None).as_json()


def _both(asked: argparse.Namespace) -> dict[str, Any]:
    """Both houses at once, each a process of its own, or the one that has such faults; the soak has the machine for itself afterwards."""
    three = round(asked.cycles * _SHARE_OF_THREE) if len(asked.houses) > 1 else asked.cycles
    shares = {house: three if house == "three" else asked.cycles - (three if len(asked.houses) > 1 else 0) for house in asked.houses}
    with tempfile.TemporaryDirectory(prefix="hadir-faults-report-") as folder:
        running = []
        for house, cycles in shares.items():
            (Path(folder) / house).mkdir()
            command = [
                sys.executable, "-m", "tests.faults.run", f"--house={house}", f"--cycles={cycles}", f"--seed={asked.seed}",
                f"--hours={asked.hours}", f"--every={asked.every}", f"--rate={asked.rate}", f"--only={asked.only}",
                f"--write={Path(folder) / house}", *([f"--logs={asked.logs / house}"] if asked.logs else []),
            ]  # fmt: skip
            running.append(subprocess.Popen(command, cwd=_ROOT))
        try:
            for process in running:
                process.wait()
        finally:
            for process in running:
                process.terminate()
        written = [file for house in shares if (file := Path(folder) / house / "faults.json").exists()]
        if not written:
            sys.exit("no house was begun: see above")
        told = _merged(written)
    if asked.soak:
        if asked.write:
            write(told, asked.write)  # hours of soak may end badly
        soaked = Report([], now(), asyncio.run(soak(asked.soak, asked.soak_rate, _say))).as_json()
        told = merged([told, soaked])
    return told


def _merged(files: Sequence[Path]) -> dict[str, Any]:
    """The reports of houses that ran beside each other, or one after the other, as one."""
    try:
        return merged([json.loads(file.read_text()) for file in files])
    except TwoSoaks as reason:
        sys.exit(f"--merge: {reason}")


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
