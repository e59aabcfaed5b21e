"""What a run found: JSON, and Markdown for docs/faults.md; nothing is said there that the JSON does not hold."""

import json
import math
import os
import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from services.bench.machine import Machine, commit
from tests.faults import boundaries, words
from tests.faults import soak as soaks
from tests.faults.campaign import SETTLE_S, Found, Wanted, now
from tests.faults.nemeses import FAULTS

_ROOT = Path(__file__).parents[2]
_FIRST_EIGHT = tuple(f"F{number}" for number in range(1, 9))
GOAL = 1_000
"""So many of the first eight are to strike without a violation (issue 5)."""


@dataclass(frozen=True)
class Begin:
    """When a campaign or a soak began (the minute, UTC), on which commit and machine: hours later the tree may hold another."""

    at: str
    commit: str
    machine: str

    @classmethod
    def now(cls) -> Self:
        """As it is at this moment; takes two seconds."""
        return cls(now(), commit(_ROOT), Machine.now().sentence())


@dataclass
class Part:
    """One campaign of a run: what was asked for, what came of it."""

    wanted: Wanted
    found: Found


@dataclass
class Report:
    """A whole run."""

    parts: list[Part]
    begin: Begin
    soak: dict[str, Any] | None = None

    def as_json(self) -> dict[str, Any]:
        """For docs/faults.json."""
        told = {"began": self.begin.at, "ended": now(), "commit": self.begin.commit, "machine": self.begin.machine}
        own = _own(told)
        parts = [
            {
                "brokers": part.wanted.brokers, "standby": part.wanted.standby, "seed": part.wanted.seed, "asked": part.wanted.cycles,
                "rate": part.wanted.rate, "every": part.wanted.every, "clocks": part.wanted.clocks, **own,
                **{name: dict(value) if isinstance(value, Counter) else value for name, value in vars(part.found).items()},
            }
            for part in self.parts
        ]  # fmt: skip
        return summed({**told, "load": round(os.getloadavg()[0], 2), "parts": parts, "soak": {**self.soak, **own} if self.soak else None})


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
    """The report with its sums: a row for each fault, struck or not, and the totals, of all campaigns and of the present ones.

    A campaign with a violation, of Hadir or of the harness, carries the commits that mended it (`mended_by`, by hand); "present" are
    the campaigns whose code `holds` all of them and that began when checks were as strong as now (`words.PRESENT_CHECKS`), None while
    a violation is not mended.
    """
    parts = told["parts"]
    mends = sorted({mend for part in parts if part["violations"] for mend in part.get("mended_by", [])})
    for part in parts:
        part["holds"] = [mend for mend in mends if mend in part.get("holds", []) or _holds(part["commit"], mend)]
    unmended = [sentence for part in parts if not part.get("mended_by") for sentence in part["violations"]]
    present = None if unmended else [part for part in parts if part["holds"] == mends and part["from"] >= words.PRESENT_CHECKS]
    cycles, suspected, later = (_added(some, name) for some, name in ((parts, "cycles"), (parts, "suspected"), (present or [], "cycles")))
    declared = [fault.name for fault in FAULTS]
    order = sorted({*cycles, *declared}, key=lambda name: (int(name.split()[0][1:]), (*declared, name).index(name), name))
    rows = [
        {
            "fault": name, "cycles": cycles[name], "violations": suspected[name],
            "bound": None if suspected[name] else bound(cycles[name], 0), "present": later[name], "bound_present": bound(later[name], 0),
        }
        for name in order
    ]  # fmt: skip
    return told | {
        "faults": rows, "sums": {"ever": _sums(parts), "present": None if present is None else _sums(present)},
        "mends": mends, "unmended": unmended,
        **{name: sum(part.get(name, 0) for part in parts) for name in ("accepted", "checks")},
        "hours": sum(part.get("seconds", 0) for part in parts) / 3600,
        "violations": [f"seed {part['seed']}, {sentence}" for part in parts for sentence in part["violations"]],
        "seeds": [part["seed"] for part in parts],
    }  # fmt: skip


def _holds(code: str, mend: str) -> bool:
    """Whether the code of a campaign (a commit, and perhaps words after it) holds another commit; false where the history does not say.

    What a tree with changes (`+`) held nobody knows: it may have taken the other commit back.
    """
    git, found = shutil.which("git"), re.match(r"[0-9a-f]{7,}(?![0-9a-f+])", code)
    if git is None or found is None:
        return False
    return not subprocess.run(
        [git, "-C", str(_ROOT), "merge-base", "--is-ancestor", mend, found[0]], capture_output=True, check=False,
    ).returncode  # fmt: skip


def _added(parts: Sequence[dict[str, Any]], name: str) -> Counter[str]:
    return sum((Counter(part.get(name, {})) for part in parts), Counter[str]())


def _sums(parts: Sequence[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Faults and bounds, of those among F1 to F8 that were struck and of all."""
    cycles = +_added(parts, "cycles")
    bad, checks = sum(len(_bad_rounds(part)) for part in parts), sum(part.get("checks", 0) for part in parts)
    first = [name for name in cycles if name.split()[0] in _FIRST_EIGHT]
    totals = {label({name.split()[0] for name in first}): sum(cycles[name] for name in first), "all": cycles.total()}
    return {
        what: {"campaigns": len(parts), "checks": checks, "cycles": total, "rounds_with_a_violation": bad, "bound": bound(total, bad)}
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


class Foreign(ValueError):
    """A file is not one of our reports; the text says which, and why."""


def read(file: Path) -> dict[str, Any]:
    """A report that `write` wrote. Raises Foreign."""
    try:
        told = json.loads(file.read_text())
    except (OSError, ValueError) as error:
        raise Foreign(f"{file} cannot be read as a report: {error}") from error
    if not isinstance(told, dict) or not {"parts", "soak", "began", "ended", "commit", "machine", "load"} <= told.keys():
        raise Foreign(f"{file} is no report of this program: such a file is the faults.json that --write has written")
    return told


def write(told: dict[str, Any], folder: Path) -> None:
    """Write faults.json and faults.md into a folder; campaigns that are there already stay, and so does a soak if there is no new one."""
    folder.mkdir(parents=True, exist_ok=True)  # nobody loses hours of figures for a folder that is not there
    file = folder / "faults.json"
    if file.exists():
        before = read(file)
        told = merged([before | {"soak": None} if told["soak"] else before, told])
    file.write_text(json.dumps(told, ensure_ascii=False, indent=1) + "\n")
    (folder / "faults.md").write_text(markdown(told, boundaries.read(folder)))


def table(told: dict[str, Any], *, only_struck: bool = False) -> list[str]:
    """The table fault × cycles × violations, and its sums; with those of the present campaigns, unless a violation is not mended."""
    both = told["sums"]["present"] is not None
    bounded = " 95 % bound (3/N) |"
    lines = [
        f"| fault | cycles | of them in a round with a violation |{bounded}" + f" present |{bounded}" * both,
        "|---|---:|---:|---:|" + "---:|---:|" * both,
    ]
    for row in told["faults"]:
        if only_struck and not row["cycles"]:
            continue
        whole = f"{row['cycles']} | {row['violations']} | {_told(row['bound'])}" if row["cycles"] else "0 | – | not struck"
        lines.append(f"| {row['fault']} | {whole} |" + f" {row['present']} | {_told(row['bound_present'])} |" * both)
    shown = {"ever": "all campaigns", **({"present": "present"} if both else {})}
    return lines + ["", "| sum | faults | rounds with a violation | 95 % bound |", "|---|---:|---:|---:|"] + [
        f"| **{name}: {what}** | **{row['cycles']}** | **{row['rounds_with_a_violation']}** | **{_told(row['bound'])}** |"
        for when, name in shown.items() for what, row in told["sums"][when].items()
    ]  # fmt: skip


def _bounds(row: dict[str, Any]) -> str:
    """By fault, and by round: a check judges all faults of its round at once."""
    return f"{_told(row['bound'])} per fault, {_told(bound(row['checks'], row['rounds_with_a_violation']))} per round of {row['checks']}"


def _rounds(many: int) -> str:
    return f"{many} round{'s' * (many != 1)}"


def _told(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"


def markdown(told: dict[str, Any], at_boundaries: Mapping[str, Any] | None = None) -> str:
    """The page; `at_boundaries`: what `make failpoints` wrote down."""
    parts = told["parts"]
    quiet = sorted(second for part in parts for second in part.get("quiet_s", []))
    lines = [words.HEAD]
    if parts:
        lines += [
            f"## All campaigns, {parts[0]['from']} to {max(part['to'] for part in parts)}", "",
            f"{sum(row['cycles'] for row in told['faults']):,} faults in {len(parts)} campaigns, {told['accepted']:,} events accepted",
            f"(2xx in the journal), {told['hours']:.2f} hours of a house, {told['checks']} checks of all invariants,",
            f"**{_rounds(sum(len(_bad_rounds(part)) for part in parts))} with a violation**.",
            f"Machine: {', '.join(dict.fromkeys(part['machine'] for part in parts))}; load at the end {told['load']:.1f} at most.",
        ]  # fmt: skip
        lines += [*_present(told)]
        if quiet:
            lines += [_quiet(quiet, told["checks"])]
            lines += [
                f"{what} after everything was healed: {_spread([second for part in parts for second in part.get(name, ())])}."
                for name, what in words.SINCE_HEALED.items() if any(part.get(name) for part in parts)
            ]
        lines += ["", *_campaigns(parts), "", words.COLUMNS, "", *table(told)]
        if told["violations"]:
            lines += ["", words.NOT_NONE]
        lines += ["", "## Violations", "", *(_violations(parts) or ["None."])]
        if told["unmended"]:
            lines += ["", words.NO_SINCE]
        if left := [f"Seed {part['seed']}: {sentence}" for part in parts for sentence in part["left_out"]]:
            lines += ["", "## Left out", "", *(f"- {sentence}" for sentence in left)]
        if hands := [f"- Seed {part['seed']}, {_house(part)}: {_by_hand(part)}" for part in parts if part.get("by_hand")]:
            lines += ["", "## Completed by hand", "", words.HANDS, "", *hands]
        lines += [
            "", "## What clients and supervisors saw", "",
            f"Where processes died of F2 (campaigns begun after {words.DEATHS_RECORDED}): {_counted(parts, 'died_at')}.", "",
            *_missed(parts),
            f"Requests that had to be repeated, by the code or error they met: {_counted(parts, 'unanswered')}.", "",
            f"Commands of officers that had to be given again, likewise: {_counted(parts, 'asked_again')}.", "",
            f"Services that ended by themselves, as crash-only services do, and were started again: {_counted(parts, 'ended')}.", "",
        ]  # fmt: skip
    if soak := told["soak"]:
        lines += ["## Soak", "", f"{soak['from']} to {soak['to']}, commit {soak['commit']}.", *soaks.lines(soak), ""]
        lines += [f"By hand: {_by_hand(soak)}", ""] if soak.get("by_hand") else []
    lines += [*boundaries.table(at_boundaries or {}), words.AFTERWARDS]
    return "\n".join(lines)


def _present(told: dict[str, Any]) -> list[str]:
    """What was struck since everything that was found is mended, while checks were as strong as they are now."""
    if (sums := told["sums"]["present"]) is None:
        return []
    row = sums["all"]
    bad = row["rounds_with_a_violation"]
    eight = {what: one["cycles"] for what, one in sums.items() if what != "all"}
    reached = sum(eight.values()) >= GOAL and not bad
    mended = f" on code that holds what mended all that was found ({', '.join(told['mends'])})" if told["mends"] else ""
    return [
        f"Present campaigns, begun at {words.PRESENT_CHECKS} or after{mended}:",
        f"{row['cycles']:,} faults in {row['campaigns']} of them, {_rounds(bad)} with a violation, 95 % bound {_bounds(row)}.",
        f"The goal is {GOAL:,} of F1 to F8 in them, and no violation: {'**reached**' if reached else '**not reached**'},",
        f"{', '.join(f'{many:,} of {what}' for what, many in eight.items()) or 'none'}.",
        words.WHY_PRESENT,
    ]


def _quiet(seconds: Sequence[float], checks: int) -> str:
    """How long the lag lasted after the end of faults and load, in rising order; whoever waited to the end waited in vain."""
    gone = [one for one in seconds if one < SETTLE_S]
    stayed = len(seconds) - len(gone)
    told = f"gone {seconds[len(seconds) // 2]:.1f} s (median), {gone[-1]:.1f} s (longest) after" if gone else "never gone after"
    never = f"; {stayed} of the {len(seconds)} times that it was waited for it was not gone after {SETTLE_S:.0f} s" if stayed else ""
    return f"The lag was {told} the end of faults and load{never}{_unchecked(len(seconds) - checks)}."


def _spread(seconds: Sequence[float]) -> str:
    return f"{sorted(seconds)[len(seconds) // 2]:.1f} s (median), {max(seconds):.1f} s (longest of {len(seconds)} rounds)"


def _unchecked(many: int) -> str:
    """A round is counted among the checks when its check is through, and its wait before that."""
    return f" ({many} of those rounds could not be checked to the end)" if many > 0 else ""


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
        "| house | seed | from | to | commit | hours | asked for | faults | ended | accepted | commands | looks | bad rounds | mended by |",
        "|---|---:|---|---|---|---:|---:|---:|---|---:|---:|---:|---:|---|",
    ]
    return rows + [f"| {' | '.join(_cells(part))} |" for part in parts]


def _cells(part: dict[str, Any]) -> Iterator[str]:
    """Of a campaign whose file was lost little is known."""
    yield from (_house(part), str(part["seed"]), part["from"], part["to"], part["commit"])
    yield f"{part['seconds'] / 3600:.2f}" if "seconds" in part else "–"
    yield str(part.get("asked", "–"))
    yield str(sum(part["cycles"].values())) if "cycles" in part else "–"
    yield str(part.get("outcome", "–"))
    yield f"{part['accepted']:,}" if "accepted" in part else "–"
    yield from (str(part.get(name, "–")) for name in ("commands", "looks"))
    yield from (str(len(_bad_rounds(part))), ", ".join(part.get("mended_by", [])) or "–")


def _house(part: dict[str, Any]) -> str:
    servers = "three brokers" if part["brokers"] == 3 else "one broker"
    return servers + (", synchronous standby" if part["standby"] else "") + (", clocks apart" if part["clocks"] else "")


def _missed(parts: list[dict[str, Any]]) -> list[str]:
    """Of campaigns before that it is not known."""
    recorded = any("missed" in part for part in parts)
    return [f"Strikes that struck nothing, and are in no sum: {_counted(parts, 'missed')}.", ""] if recorded else []


def _counted(parts: list[dict[str, Any]], name: str) -> str:
    return ", ".join(f"{what} {many}" for what, many in _added(parts, name).most_common()) or "none"
