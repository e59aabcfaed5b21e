"""Runs what_if.py on a slice of a province and says what the whole would take on two cores.

    python -m tests.benchmarks.preview --people 10000

The reference is the same preview with a pack that judges every day anew: the dearest question there is.
"""

import argparse
import json
import subprocess
import sys
from typing import Any

from tests.benchmarks.telling import figure, progress, tell


def asked(people: int, after: str) -> dict[str, Any]:
    progress(f"{people:,} people, {after} instead of POL-A")
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.what_if", "--people", str(people), "--after", after, "--json"],
        stdout=subprocess.PIPE, check=True,
    )  # fmt: skip
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def main() -> None:
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--people", type=int, default=10_000)
    given = ask.parse_args()
    priced, judged = asked(given.people, "POL-B"), asked(given.people, "POL-A-STRICT")
    tell(figure(
        "what-if", priced["minutes_for_300000_on_two_cores"], reference="every day judged anew (POL-A-STRICT)",
        reference_value=judged["minutes_for_300000_on_two_cores"],
        note=f"{priced['employee_days']:,} employee-days took {priced['seconds']} s and {priced['cpu_seconds']} s of processor time, "
        f"{priced['us_per_employee_day']} µs each; a change that only prices anew. {priced['peak_mib_of_a_process']} MiB a process at most",
    ))  # fmt: skip


if __name__ == "__main__":
    main()
