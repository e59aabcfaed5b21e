"""What a run found: JSON, and Markdown for docs/faults.md; nothing is said there that the JSON does not hold."""

import json
import math
import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Collection, Sequence
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

Written by `make faults-long` out of `faults.json`, which keeps every campaign that was ever put into it; what a campaign did not
record itself was completed by hand, and is named as such below. Real processes (broker, PostgreSQL, all services, a client with an fsynced
journal of every 2xx) are struck at random moments under load from the simulator; after every few faults everything is healed, must
come to rest by itself, and is held against the invariants. Tests show the presence of faults, never their absence: with N cycles
and no violation, the chance of one per cycle is below 3/N with 95 % confidence, for these kinds of fault on this machine.
"""

_NOT_NONE = """\
A round that could not be begun or finished counts against the sums, whichever fault it was; with violations the bound is the
Poisson one (4.74/N for one round)."""

_COLUMNS = """\
*ended*: `finished` with all that was asked for, by `time`, by a `violation` that let no round be finished, or `stopped` from outside.
*looks*: how often positions could be read, at best after each fault and in each check. A dash: not recorded."""

_HANDS = "Fields of `faults.json` that these campaigns did not record, and whence they are."
_NO_SINCE = "A violation is not mended yet (its campaign names no commit that did): there is no sum of what came after."

_INVARIANTS = """\
## What long campaigns found, and where it was mended

- A worker that met a broker which had just started was given no lanes, and asked again only when its metadata was five minutes old:
  `shared/pump.py` gives lanes by the declared number of partitions (8edb05f; seed 20261201: payroll in round 15, geofence in 18).
- Round 23 of the same campaign could not be checked: the harness' own disk of 800 MB was full of an hour's data (e53f37b).
- A machine whose clock is an hour or more ahead could publish nothing, since a broker refuses records dated so: the broker dates them
  now (`shared/kafka.py`, c89273a); found with every service by a clock of its own, one of them a day ahead, in a trial whose
  figures were not kept: it is in no sum of this page.
- A reader of reference data that heard nothing more, or could not end, kept ingest from the newest people for three minutes: it is
  replaced now (`shared/reference.py`, 91b4598; seed 20261205, round 16; the other rounds of that run held).
- A worker behind a backlog unpacked all that the broker gave it, a MiB packed of each partition: in a soak of two hours (85d576d, 10:13
  to 12:41 UTC), which reached 262/s of 300 beside campaigns on the same cores, schedule's memory rose from 278 to 886 MiB. It takes
  16,384 messages at once at most now, and 128 KiB of a partition (`shared/pump.py`; 2,048 and 256 KiB at first, 55918bb). With the first
  bounds geofence before 149,000 waiting check-ins held 129 MiB instead of 478 (`tests/integration/streaming/test_delivery.py`).
- In the soak of this page that change has been in: schedule stood at 165 MiB after an hour and a half, rose to 189 in the next twelve
  minutes, in which other work brought the rate down to 245/s, and stayed there: more than the slope allows. All three
  workers lost their sessions at the same seconds, ten times, some five minutes apart as the played days were: probably the harness, through
  whose proxies they reach the broker, planned 43,200 people in one piece for longer than a session lasts. It plans in a thread now
  (`tests/faults/load.py`). That the steps come of these rebalances is a guess: three fell into those minutes, others left no step.
- The first soak (7176ced, 06:47 to 08:49 UTC) sent 160/s of 300, as its load paused between provinces (34c9764), and ingest's descriptors
  rose by 4.4 an hour in it, of at most 4, to 24.

## Where each line of the matrix is tried

| line | where |
|---|---|
| F1 to F8, F10 to F12, F14, F16, F22 | at random in the campaigns; F5 and the failover: `--house three` |
| F1, F6: in every `make faults` too | `tests/faults/test_kills.py`; `test_standby.py` (failover, and its control that loses) |
| F5, failover: in every `make faults` too | `tests/faults/test_campaigns.py`: three brokers and a standby |
| F2, F18: a kill at every named boundary of runtime, relay and ingest | `test_failpoints.py` in `tests/integration/streaming`, `…/ingest` |
| F9: clocks | `make faults-long ARGS="--house clocks"` |
| F12: poison | `tests/integration/test_poisoned_topics.py`, `test_poisoned_requests.py` (every operation of every API) |
| F13: this version and that of a named commit | `tests/faults/test_rolling.py`, in the campaigns; the commit: `…/previous.py` |
| F15: replay | `tests/e2e/test_replay.py` |
| F16: records that the broker no longer has; F17: offsets ahead | `tests/integration/streaming/test_delivery.py` |
| F19: rules, rosters, leaves changed meanwhile | `tests/unit/test_oracle_agrees.py`, `tests/integration/schedule/test_days.py` |
| F20: a late event after the close | `tests/e2e/test_month_end.py` |
| F21: a burst of ten times what is sustained | `hadir bench backpressure`, `window-close` |
| F23: an old backup, a cut dump | `tests/integration/backup/` |
| F24: mutants | `docs/mutants.md` |

The version before is not the commit before: it is moved on by hand with each release. The failover's control, which is asynchronous and
loses commits, writes to a table of its own (`paid`): it shows what PostgreSQL does, and nothing of Hadir. Of F4, the broker is away for
8 to 20 s, and the matrix has 60. Of F22, being killed for memory is a kill -9, as in F1.

Strikes that struck nothing are not counted in campaigns begun after 2026-11-29 15:50 UTC: a kill of a service that was down
already, no record to repeat, ingest not there to refuse another body, a reset of no connection. Before that such strikes counted too,
and how many is not known.

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

Every `make faults` strikes one fault of each of F1 to F4, F6, F7 and F8 on one house and each of F5 on another, and shows each
of these invariants damage that was planted, for each clause: each must find it (`tests/faults/test_campaigns.py`, `planted.py`).

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
                "brokers": part.wanted.brokers, "standby": part.wanted.standby, "seed": part.wanted.seed, "asked": part.wanted.cycles,
                "rate": part.wanted.rate, "every": part.wanted.every, "clocks": part.wanted.clocks, **own,
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
    """Several reports as one: every campaign once, as it was told last, and the soak of whichever holds one. Raises TwoSoaks."""
    once: dict[tuple[Any, ...], dict[str, Any]] = {}
    for part in ({**_own(report), **part} for report in reports for part in report["parts"]):
        of = (part["from"], part["seed"], part["brokers"], bool(part["clocks"]))
        once[of] = once.get(of, {}) | part
    parts = sorted(once.values(), key=lambda part: (part["from"], part["to"]))
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
    """The report with its sums: a row for each fault, struck or not, and the totals, of all campaigns and of those since the last mending.

    A campaign with a violation carries the commits that mended it (`mended_by`, by hand: no program knows them); "since" is every
    campaign whose code `holds` all of them. None while a violation is not mended.
    """
    parts = told["parts"]
    mends = sorted({mend for part in parts for mend in part.get("mended_by", [])})
    for part in parts:
        part["holds"] = [mend for mend in mends if mend in part.get("holds", []) or _holds(part["commit"], mend)]
    unmended = [sentence for part in parts if not part.get("mended_by") for sentence in part["violations"]]
    since = None if unmended else [part for part in parts if part["holds"] == mends]
    cycles, suspected, later = (_added(some, name) for some, name in ((parts, "cycles"), (parts, "suspected"), (since or [], "cycles")))
    declared = [fault.name for fault in FAULTS]
    order = sorted({*cycles, *declared}, key=lambda name: (int(name.split()[0][1:]), name not in declared, (*declared, name).index(name)))
    rows = [
        {
            "fault": name, "cycles": cycles[name], "violations": suspected[name],
            "bound": None if suspected[name] else bound(cycles[name], 0), "since": later[name], "bound_since": bound(later[name], 0),
        }
        for name in order
    ]  # fmt: skip
    return told | {
        "faults": rows, "sums": {"ever": _sums(parts), "since": None if since is None else _sums(since)},
        "mends": mends, "unmended": unmended,
        "hours": sum(part["seconds"] for part in parts) / 3600,
        "accepted": sum(part["accepted"] for part in parts), "checks": sum(part["checks"] for part in parts),
        "violations": [f"seed {part['seed']}, {sentence}" for part in parts for sentence in part["violations"]],
        "seeds": [part["seed"] for part in parts],
    }  # fmt: skip


def _holds(code: str, mend: str) -> bool:
    """Whether the code of a campaign (a commit, and perhaps words after it) holds another commit; false where the history does not say."""
    git, found = shutil.which("git"), re.match(r"[0-9a-f]{7,}", code)
    if git is None or found is None:
        return False
    return not subprocess.run(
        [git, "-C", str(_ROOT), "merge-base", "--is-ancestor", mend, found[0]], capture_output=True, check=False,
    ).returncode  # fmt: skip


def _added(parts: Sequence[dict[str, Any]], name: str) -> Counter[str]:
    return sum((Counter(part[name]) for part in parts), Counter[str]())


def _sums(parts: Sequence[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Faults and bounds, of those among F1 to F8 that were struck and of all."""
    cycles = +_added(parts, "cycles")
    bad = sum(len(_bad_rounds(part)) for part in parts)
    first = [name for name in cycles if name.split()[0] in _FIRST_EIGHT]
    totals = {label({name.split()[0] for name in first}): sum(cycles[name] for name in first), "all": cycles.total()}
    return {
        what: {"campaigns": len(parts), "cycles": total, "rounds_with_a_violation": bad, "bound": bound(total, bad)}
        for what, total in totals.items() if what
    }  # fmt: skip


def label(codes: Collection[str]) -> str:
    """What a sum is of: `F1, F3 to F8`, and nothing that was not struck."""
    runs: list[list[int]] = []
    for number in sorted(int(code[1:]) for code in codes):
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ", ".join(f"F{run[0]} to F{run[-1]}" if len(run) > 2 else ", ".join(f"F{number}" for number in run) for run in runs)


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
    """Write faults.json and faults.md into a folder; campaigns that are there already stay, and so does a soak if there is no new one."""
    folder.mkdir(parents=True, exist_ok=True)  # nobody loses hours of figures for a folder that is not there
    file = folder / "faults.json"
    if file.exists():
        before = json.loads(file.read_text())
        told = merged([before | {"soak": None} if told["soak"] else before, told])
    file.write_text(json.dumps(told, ensure_ascii=False, indent=1) + "\n")
    (folder / "faults.md").write_text(markdown(told))


def table(told: dict[str, Any]) -> list[str]:
    """The table fault × cycles × violations, and its sums; with those since the last mending, if anything was mended."""
    both = bool(told["mends"] and told["sums"]["since"])
    bounded = " 95 % bound (3/N) |"
    lines = [
        f"| fault | cycles | of them in a round with a violation |{bounded}" + f" since the last mending |{bounded}" * both,
        "|---|---:|---:|---:|" + "---:|---:|" * both,
    ]
    for row in told["faults"]:
        whole = f"{row['cycles']} | {row['violations']} | {_told(row['bound'])}" if row["cycles"] else "0 | – | not struck"
        lines.append(f"| {row['fault']} | {whole} |" + f" {row['since']} | {_told(row['bound_since'])} |" * both)
    for when, sums in told["sums"].items():
        if sums and (both or when == "ever"):
            name = "all campaigns" if when == "ever" else "since the last mending"
            for what, row in sums.items():
                bad = f"**{_rounds(many) if (many := row['rounds_with_a_violation']) else 0}**"
                total, most = f"**{row['cycles']}**", f"**{_told(row['bound'])}**"
                cells = f"{total} | {bad} | {most} |" + " | |" * both if when == "ever" else f"| {bad} | | {total} | {most} |"
                lines.append(f"| **{name}: {what}** | {cells}")
    return lines


def _rounds(many: int) -> str:
    return f"{many} round{'s' * (many != 1)}"


def _told(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"


def markdown(told: dict[str, Any]) -> str:
    """The page."""
    parts = told["parts"]
    quiet = sorted(second for part in parts for second in part["quiet_s"])
    lines = [_HEAD]
    if parts:
        lines += [
            f"## All campaigns, {parts[0]['from']} to {max(part['to'] for part in parts)}", "",
            f"{sum(row['cycles'] for row in told['faults']):,} faults in {len(parts)} campaigns, {told['accepted']:,} events accepted",
            f"(2xx in the journal), {told['hours']:.2f} hours of a house, {told['checks']} checks of all invariants,",
            f"**{_rounds(sum(len(_bad_rounds(part)) for part in parts))} with a violation**.",
            f"Machine: {', '.join(dict.fromkeys(part['machine'] for part in parts))}; load at the end {told['load']:.1f} at most.",
        ]  # fmt: skip
        if told["mends"]:
            lines += [*_since(told)]
        if quiet:
            median, longest = quiet[len(quiet) // 2], quiet[-1]
            lines.append(f"The lag was gone {median:.1f} s (median), {longest:.1f} s (longest) after the end of faults and load.")
        lines += ["", *_campaigns(parts), "", _COLUMNS, "", *table(told)]
        if told["violations"]:
            lines += ["", _NOT_NONE]
        lines += ["", "## Violations", "", *(_violations(parts) or ["None."])]
        if told["unmended"]:
            lines += ["", _NO_SINCE]
        if left := [f"Seed {part['seed']}: {sentence}" for part in parts for sentence in part["left_out"]]:
            lines += ["", "## Left out", "", *(f"- {sentence}" for sentence in left)]
        if hands := [f"- Seed {part['seed']}, {_house(part)}: {_by_hand(part)}" for part in parts if part.get("by_hand")]:
            lines += ["", "## Completed by hand", "", _HANDS, "", *hands]
        lines += [
            "", "## What clients and supervisors saw", "",
            f"Requests that had to be repeated, by the code or error they met: {_counted(parts, 'unanswered')}.", "",
            f"Services that ended by themselves, as crash-only services do, and were started again: {_counted(parts, 'ended')}.", "",
        ]  # fmt: skip
    if soak := told["soak"]:
        lines += ["## Soak", "", f"{soak['from']} to {soak['to']}, commit {soak['commit']}.", *soaks.lines(soak), ""]
        lines += [f"By hand: {_by_hand(soak)}", ""] if soak.get("by_hand") else []
    lines += [_INVARIANTS]
    return "\n".join(lines)


def _since(told: dict[str, Any]) -> list[str]:
    """What was struck since everything that was found is mended."""
    if not (sums := told["sums"]["since"]):
        return []
    row = sums["all"]
    return [
        f"Since what they found was mended ({', '.join(told['mends'])}): {row['cycles']:,} faults in {row['campaigns']} of them,",
        f"{_rounds(row['rounds_with_a_violation'])} with a violation, 95 % bound {_told(row['bound'])} per fault.",
    ]


def _violations(parts: Sequence[dict[str, Any]]) -> list[str]:
    return [
        f"- Seed {part['seed']}, {sentence} ({'mended by ' + ', '.join(part['mended_by']) if part.get('mended_by') else 'not mended'})"
        for part in parts for sentence in part["violations"]
    ]  # fmt: skip


def _by_hand(part: dict[str, Any]) -> str:
    return "; ".join(f"`{name}` ({why})" for name, why in part["by_hand"].items()) + "."


def _campaigns(parts: Sequence[dict[str, Any]]) -> list[str]:
    """A row for each house; those that overlap ran at once."""
    rows = [
        "| house | seed | from | to | commit | hours | asked for | faults | ended | accepted | looks | bad rounds | mended by |",
        "|---|---:|---|---|---|---:|---:|---:|---|---:|---:|---:|---|",
    ]
    return rows + [
        f"| {_house(part)} | {part['seed']} | {part['from']} | {part['to']} | {part['commit']} | {part['seconds'] / 3600:.2f}"
        f" | {_or_dash(part.get('asked'))} | {sum(part['cycles'].values())} | {_or_dash(part.get('outcome'))} | {part['accepted']:,}"
        f" | {_or_dash(part.get('looks'))} | {len(_bad_rounds(part))} | {', '.join(part.get('mended_by', [])) or '–'} |"
        for part in parts
    ]


def _or_dash(value: object) -> str:
    return "–" if value is None else str(value)


def _house(part: dict[str, Any]) -> str:
    servers = "three brokers" if part["brokers"] == 3 else "one broker"
    return servers + (", synchronous standby" if part["standby"] else "") + (", clocks apart" if part["clocks"] else "")


def _counted(parts: list[dict[str, Any]], name: str) -> str:
    return ", ".join(f"{what} {many}" for what, many in _added(parts, name).most_common()) or "none"
