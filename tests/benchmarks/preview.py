"""Runs what_if.py on a province, or on a slice of it, and says what the whole takes on two cores.

    python -m tests.benchmarks.preview --people 10000
    python -m tests.benchmarks.preview --people 300000    # the whole

The figure is a change by which every day is judged anew, the dearest question there is; its reference is the same preview with a pack
that only prices anew, the cheap one. Of the whole the time on the clock is told. Of a slice it is reckoned from processor time, of
PostgreSQL too, as if two cores shared it without a pause: the least that the whole can take. PostgreSQL does not wait for its disk
(`durable=False`); a preview writes nothing, so that this shortens only the filling, which is not counted.
"""

import argparse
import json
import subprocess
import sys
from typing import Any

from tests.benchmarks.telling import figure, progress, tell

WHOLE = 300_000
"""People of the province that the target is about."""
DAYS = 22
"""Days of each of them: a month."""


def asked(people: int, after: str) -> dict[str, Any]:
    progress(f"{people:,} people, {after} instead of POL-A")
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.what_if", "--people", str(people), "--days", str(DAYS), "--after", after, "--json"],
        stdout=subprocess.PIPE, check=True,
    )  # fmt: skip
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def minutes(found: dict[str, Any]) -> float:
    """Of the whole by the clock; of a slice reckoned, for as many people and two busy cores."""
    return float(found["seconds"]) / 60 if found["people"] >= WHOLE else float(found["minutes_for_300000_on_two_cores"])


def what_if(judged: dict[str, Any], priced: dict[str, Any]) -> dict[str, Any]:
    """The figure of the dear change beside the cheap one, each as what_if.py told it."""
    how = "by the clock"
    if judged["people"] < WHOLE:
        how = "reckoned from processor time, PostgreSQL's too, as if two cores were always busy"
    return figure(
        "what-if", minutes(judged), reference="the cheap change, which only prices anew (POL-B)", reference_value=minutes(priced),
        note=f"the dear change: every day judged anew (POL-A-STRICT); {how}. {_took(judged)}; only priced anew: {_took(priced)}. "
        "PostgreSQL without waiting for its disk, which a preview does not write to",
    )  # fmt: skip


def _took(found: dict[str, Any]) -> str:
    return (
        f"{found['employee_days']:,} employee-days took {found['seconds']} s by the clock, {found['cpu_seconds']} s of processor time, "
        f"{found['us_per_employee_day']} µs each, and {found['postgres_cpu_seconds']} s of PostgreSQL's; "
        f"{found['peak_mib_of_a_process']} MiB a process at most"
    )


def main() -> None:
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--people", type=int, default=10_000)
    given = ask.parse_args()
    tell(what_if(asked(given.people, "POL-A-STRICT"), asked(given.people, "POL-B")))


if __name__ == "__main__":
    main()
