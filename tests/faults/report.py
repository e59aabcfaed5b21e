"""What a run found: JSON, and Markdown for docs/faults.md; nothing is said there that the JSON does not hold."""

import json
import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from services.bench.machine import Machine, commit
from tests.faults import soak as soaks
from tests.faults.campaign import Found, Wanted, now
from tests.faults.nemeses import FAULTS

_ROOT = Path(__file__).parents[2]
_FIRST_EIGHT = tuple(f"F{number}" for number in range(1, 9))

_HEAD = """\
# Faults

Written by `make faults-long`; not edited by hand. Real processes (broker, PostgreSQL, all services, a client with an fsynced
journal of every 2xx) are struck at random moments under load from the simulator; after every few faults everything is healed, must
come to rest by itself, and is held against the invariants. Tests show the presence of faults, never their absence: with N cycles
and no violation, the chance of one per cycle is below 3/N with 95 % confidence, for these kinds of fault on this machine.
"""

_NOT_NONE = """\
A round that could not be begun or finished counts against both sums, whichever fault it was; with violations the bound is the
Poisson one (4.74/N for one)."""

_INVARIANTS = """\
## What long campaigns found, and where it was mended

- A worker that met a broker which had just started was given no lanes, and asked again only when its metadata was five minutes old:
  `shared/pump.py` gives lanes by the declared number of partitions (seed 20261201, round 18 of 22: the others held).
- A machine whose clock is an hour or more ahead could publish nothing, since a broker refuses records dated so: the broker dates them
  now (`shared/kafka.py`); found with every service by a clock of its own, one of them a day ahead.
- A reader of reference data that heard nothing more, or could not end, kept ingest from the newest people for three minutes: it is
  replaced now (`shared/reference.py`; seed 20261205, round 16; the other rounds of that run held).
- A worker behind a backlog unpacked all that the broker gave it, a MiB packed of each partition: in a soak of two hours, beside other
  work, schedule's memory rose from 278 to 886 MiB. It takes 2,048 messages at once now, and 256 KiB of a partition (`shared/pump.py`):
  geofence in front of 149,000 waiting check-ins held 478 MiB before, and 129 since (`tests/integration/streaming/test_delivery.py`).

## Where each line of the matrix is tried

| line | where |
|---|---|
| F1, F3 to F8, F10 to F12, F14, F16, F22 | at random in the campaigns; F5 and the failover: `--house three` |
| F1, F6: in every `make faults` too | `tests/faults/test_kills.py`; `test_standby.py` (failover, and its control that loses) |
| F5, failover: in every `make faults` too | `tests/faults/test_campaigns.py`: three brokers and a standby |
| F2, F18: a kill at every named boundary, the relay's among them | `test_failpoints.py` in `tests/integration/streaming`, `…/ingest` |
| F9: clocks | `make faults-long ARGS="--house clocks"` |
| F12: poison | `tests/integration/test_poisoned_topics.py`, `test_poisoned_requests.py` (every operation of every API) |
| F13: two versions | `tests/faults/test_rolling.py`, and in the campaigns |
| F15: replay | `tests/e2e/test_replay.py` |
| F17: offsets ahead | `tests/integration/streaming/test_delivery.py` |
| F19: rules, rosters, leaves changed meanwhile | hypothesis against the oracle: `tests/e2e/test_oracle_live.py`, `tests/unit` |
| F20: a late event after the close | `tests/e2e/test_month_end.py` |
| F21: a burst of ten times what is sustained | `hadir bench backpressure`, `window-close` |
| F23: an old backup, a cut dump | `tests/integration/backup/` |
| F24: mutants | `docs/mutants.md` |

## What was checked

| name | what must hold |
|---|---|
| I1 | every id that was answered 2xx has its receipt, is on the topic, and in the inbox of those who judge by it, once |
| I2 | nothing stands behind the front door that no client sent |
| I3 | one violation of a kind per employee-day; no charge in force twice; no entry reversed twice |
| I4 | every day, month and rupiah is as the simulator's own truth says; every total is the sum of its ledger |
| I5 | the topics, folded to their newest versions, are what the tables say; no version is missing or was told differently |
| I6 | positions, epochs and outbox numbers never went back, whenever they were looked at (after each fault); no hole |
| I7 | every bad record placed on a topic lies in the dead letters byte for byte; no good one does |
| I8 | the lag is gone within 60 s after everything is healed and the load has ended, without a human hand |
| I10 | every ledger entry bears out its hash, recomputed by the harness |

Every `make faults` strikes one fault of each of F1, F3, F4, F6, F7 and F8 on one house and each of F5 on another, and shows each
of these invariants damage that was planted: each must find it (`tests/faults/test_campaigns.py`).

F13 lets the version before (a commit named in `tests/faults/previous.py`, out of the repository's history) do a service's work beside
this version and alone, on this version's tables. The whole way, from its tables through the migrations under load to this version and
back by one service, is `tests/faults/test_rolling.py`, in every `make faults`.

I9 (memory, descriptors, connections, disk) is looked at by the soak, where one was run; how much each may rise is in
`tests/faults/soak.py`. A power cut of the machine is not among the faults: `kill -9` leaves the kernel's caches alone.
"""


@dataclass
class Part:
    """One campaign of a run: what was asked for, what came of it."""

    wanted: Wanted
    found: Found


@dataclass
class Report:
    """A whole run."""

    parts: list[Part]
    began: str
    soak: dict[str, Any] | None = None

    def as_json(self) -> dict[str, Any]:
        """For docs/faults.json."""
        machine = Machine.now()
        told = {"began": self.began, "ended": now(), "commit": commit(_ROOT), "machine": machine.sentence()}
        own = _own(told)
        parts = [
            {
                "brokers": part.wanted.brokers, "standby": part.wanted.standby, "seed": part.wanted.seed, "rate": part.wanted.rate,
                "every": part.wanted.every, "clocks": part.wanted.clocks, **own,
                **{name: dict(value) if isinstance(value, Counter) else value for name, value in vars(part.found).items()},
            }
            for part in self.parts
        ]  # fmt: skip
        return summed({**told, "load": machine.load, "parts": parts, "soak": {**self.soak, **own} if self.soak else None})


def _own(told: dict[str, Any]) -> dict[str, Any]:
    """What each campaign and each soak says of itself, as a report may hold several of them."""
    return {"from": told["began"], "to": told["ended"], "commit": told["commit"], "machine": told["machine"]}


class TwoSoaks(ValueError):
    """A report has room for one soak."""


def merged(reports: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Several reports as one: every campaign, and the soak of whichever holds one. Raises TwoSoaks."""
    parts = [{**_own(report), **part} for report in reports for part in report["parts"]]
    found = [{**_own(report), **report["soak"]} for report in reports if report["soak"]]
    if len(found) > 1:
        raise TwoSoaks("two of the files hold a soak, and a report has room for one")
    every = [*parts, *found]
    return summed({
        "load": max(report["load"] for report in reports),
        "began": min(one["from"] for one in every), "ended": max(one["to"] for one in every),
        **{name: ", ".join(dict.fromkeys(one[name] for one in every)) for name in ("commit", "machine")},
        "parts": parts, "soak": found[0] if found else None,
    })  # fmt: skip


def summed(told: dict[str, Any]) -> dict[str, Any]:
    """The report with its sums: a row for each fault, struck or not, and the totals."""
    parts = told["parts"]
    cycles, suspected = (sum((Counter(part[name]) for part in parts), Counter[str]()) for name in ("cycles", "suspected"))
    declared = [fault.name for fault in FAULTS]
    order = sorted({*cycles, *declared}, key=lambda name: (int(name.split()[0][1:]), name not in declared, (*declared, name).index(name)))
    rows = [
        {"fault": name, "cycles": cycles[name], "violations": suspected[name], "bound": None if suspected[name] else bound(cycles[name], 0)}
        for name in order
    ]  # fmt: skip
    bad = sum(len(_bad_rounds(part)) for part in parts)
    sums = {}
    for what, some in (("F1 to F8", [n for n in order if n.split()[0] in _FIRST_EIGHT]), ("all", order)):
        total = sum(cycles[name] for name in some)
        sums[what] = {"cycles": total, "rounds_with_a_violation": bad, "bound": bound(total, bad)}
    return told | {
        "faults": rows, "sums": sums, "hours": sum(part["seconds"] for part in parts) / 3600,
        "accepted": sum(part["accepted"] for part in parts), "checks": sum(part["checks"] for part in parts),
        "violations": [sentence for part in parts for sentence in part["violations"]],
        "seeds": [part["seed"] for part in parts],
    }  # fmt: skip


def _bad_rounds(part: dict[str, Any]) -> set[str]:
    """Every sentence begins with its round."""
    return {found[1] for sentence in part["violations"] if (found := re.match(r"round (\d+)\b", sentence))}


def bound(cycles: int, bad: int) -> float | None:
    """Upper 95 % bound of the chance that a cycle goes wrong, as `bad` of so many did: 3/N for none; None without cycles."""
    if not cycles:
        return None
    if not bad:
        return min(1.0, 3 / cycles)
    low, high = float(bad), 3.0 * bad + 10
    while high - low > 1e-6:
        mean = (low + high) / 2
        below = sum(math.exp(number * math.log(mean) - mean - math.lgamma(number + 1)) for number in range(bad + 1))
        low, high = (mean, high) if below > 0.05 else (low, mean)
    return min(1.0, high / cycles)


def write(told: dict[str, Any], folder: Path) -> None:
    """Write faults.json and faults.md into a folder."""
    (folder / "faults.json").write_text(json.dumps(told, ensure_ascii=False, indent=1) + "\n")
    (folder / "faults.md").write_text(markdown(told))


def table(told: dict[str, Any]) -> list[str]:
    """The table fault × cycles × violations, and its sums."""
    lines = ["| fault | cycles | of them in a round with a violation | 95 % bound (3/N) |", "|---|---:|---:|---:|"]
    lines += [
        f"| {row['fault']} | {row['cycles']} | {row['violations']} | {_told(row['bound'])} |" if row["cycles"] else
        f"| {row['fault']} | 0 | – | not struck in this run |"
        for row in told["faults"]
    ]  # fmt: skip
    for what, row in told["sums"].items():
        bad = row["rounds_with_a_violation"]
        lines.append(f"| **{what}** | **{row['cycles']}** | **{_rounds(bad) if bad else 0}** | **{_told(row['bound'])}** |")
    return lines


def _rounds(many: int) -> str:
    return f"{many} round{'s' * (many != 1)}"


def _told(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"


def markdown(told: dict[str, Any]) -> str:
    """The page."""
    parts, wrong = told["parts"], told["violations"]
    quiet = sorted(second for part in parts for second in part["quiet_s"])
    lines = [_HEAD]
    if parts:
        lines += [
            "## The last long run", "",
            f"{sum(row['cycles'] for row in told['faults']):,} faults, {told['accepted']:,} events accepted (2xx in the journal),",
            f"{told['hours']:.2f} hours of a house, {told['checks']} checks of all invariants, **violations: {len(wrong)}**.",
            f"Machine: {told['machine']}; load at the end {told['load']:.1f}.",
        ]  # fmt: skip
        if quiet:
            median, longest = quiet[len(quiet) // 2], quiet[-1]
            lines.append(f"The lag was gone {median:.1f} s (median), {longest:.1f} s (longest) after the end of faults and load.")
        lines += ["", *_campaigns(parts), "", *table(told)]
        if any(row["rounds_with_a_violation"] for row in told["sums"].values()):
            lines += ["", _NOT_NONE]
        lines += ["", "## Violations", "", *([f"- {sentence}" for sentence in wrong] or ["None."])]
        if left := [sentence for part in parts for sentence in part["left_out"]]:
            lines += ["", "## Left out", "", *(f"- {sentence}" for sentence in left)]
        lines += [
            "", "## What clients and supervisors saw", "",
            f"Requests that had to be repeated, by the code or error they met: {_counted(parts, 'unanswered')}.", "",
            f"Services that ended by themselves, as crash-only services do, and were started again: {_counted(parts, 'ended')}.", "",
        ]  # fmt: skip
    if soak := told["soak"]:
        lines += ["## Soak", "", f"{soak['from']} to {soak['to']}, commit {soak['commit']}.", *soaks.lines(soak), ""]
    lines += [_INVARIANTS]
    return "\n".join(lines)


def _campaigns(parts: Sequence[dict[str, Any]]) -> list[str]:
    """A row for each house; those that overlap ran at once."""
    rows = ["| house | seed | from | to | commit | hours | faults | accepted | violations |", "|---|---:|---|---|---|---:|---:|---:|---:|"]
    return rows + [
        f"| {_house(part)} | {part['seed']} | {part['from']} | {part['to']} | {part['commit']} | {part['seconds'] / 3600:.2f}"
        f" | {sum(part['cycles'].values())} | {part['accepted']:,} | {len(part['violations'])} |"
        for part in parts
    ]


def _house(part: dict[str, Any]) -> str:
    servers = "three brokers" if part["brokers"] == 3 else "one broker"
    return servers + (", synchronous standby" if part["standby"] else "") + (", clocks apart" if part["clocks"] else "")


def _counted(parts: list[dict[str, Any]], name: str) -> str:
    total: Counter[str] = sum((Counter(part[name]) for part in parts), Counter())
    return ", ".join(f"{what} {many}" for what, many in total.most_common()) or "none"
