"""Keeps what was reached in docs/benchmarks.json and writes docs/benchmarks.md from it, misses included."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from string import ascii_uppercase
from typing import Final

from services.bench.figures import BENCHES, FIGURES, Figure, command_of
from services.bench.record import Record

LANDED_AS: Final[Mapping[str, str]] = {"6a9e815": "dbe8ea4", "a8522bd": "dbe8ea4"}
"""Commits at which something was measured and which the history does not hold, each with the one that brought what was measured.

They stood on a branch that was rebased before it landed. dbe8ea4 brought the figures of a8522bd and the profile of 6a9e815; of
services and measuring programs that branch was rebased over other lines in services/bench and services/simulator/truth.py only.
"""

_HEAD: Final = """\
# Benchmarks

Written by `hadir bench`; not edited by hand, but for notes that say so, and rows whose notes say that they were kept by hand. Where
figures were taken on several processors each has rows of its own, and the last column names the machine (below). Most figures stand
beside a reference that the same run measured on the same machine, because a ratio survives a change of machine and a rate does not: the
simplest program that does the same without our promises (ingest, geofence, assessment, hop, pipeline; in `tests/benchmarks/reference/`),
the same stack with less to do (history, the latency while days fall due, the flood's memory), or a record that is sent and read beside it
(the other latencies).
These have no such reference, and a change of machine moves them as a change of code does:

- what-if, which judges every day anew, stands beside our own preview of a change that only prices anew: nobody else has such a
  preview, and its target is a duration;
- warm start and memory stand beside the part of themselves that is Kafka and PostgreSQL, so that one sees what is ours;
- the load from HTTP stands beside the rate asked for, days judged per second beside the 300 check-ins/s that go on meanwhile, and
  recovery beside the length of the flood: numbers that somebody chose, which say how much was asked;
- check-ins lost and 503 answers without Retry-After stand beside nothing: they count what has to be 0 on every machine.

A row has the title under which it was measured. A figure about answers that nobody gave is not measured. A value of another load than
was asked for is missed however good it looks: its rate was not held, its lag grew, a flood was less than ten times what the same run
sustained before it, or days were closing during less than half of a play that did not see nearly all of their closing. When a run fails,
what was measured before stays, with its date and commit, and says when it was tried in vain, and why.
"In doubt" is a value that reached its target beside something that was found to be wrong later, or a ratio that did beside other work;
its note says what.

Broker, database, all services and the load share the cores. What was measured beside other work says so: read its rates as a lower
bound and its latencies as an upper one; its ratios are neither, since other work may have weighed on one side alone. Other work is
looked for in the two seconds before a bench, since 2026-11-30 in those after it too, and since 2026-12-01 for as long as it runs: all
processor time that is not of the bench and of what it started. The most is told. "Short form" is a run that is smaller than its target asks
(the note says how large; `--long` runs it whole). Where the targets are words we chose the numbers: "before memory grows" is at most 1.5
times, "lag flat" a growth of less than a fiftieth of the rate, and a rate is held when at least 95 % of it was sent: nothing is sent before
its time, so that a little is always missing, and 1,030/s are asked for where 1,000 are the target.
What a phone sends twice counts once; before 2026-12-01 some 2.9 % of what was sent from HTTP (load, latency, while days fall due) were
such copies, which are answered from their receipts and go no further. The pipeline's rate is that of check-ins alone: no day is opened at
midnight meanwhile, and none closes.
"""

_COLUMNS: Final = (
    "figure", "target", "reached", "ratio", "verdict", "command", "date", "commit", "other work before, during or after", "machine"
)  # fmt: skip


def keep(file: Path, fresh: Iterable[Record]) -> list[Record]:
    """Put fresh records in place of older ones of the same figure, form and processor; returns all that are kept, in the order of figures.

    A figure that could not be measured this time stays as it was measured before, with its date, and says why not.
    """
    kept = {_place(record): record for record in read(file)}
    for record in fresh:
        before = kept.get(_place(record))
        if record.value is None and before is not None and before.value is not None:
            why = f"last tried on {record.date.isoformat()} at {record.commit}: failed because {record.failed}"
            kept[_place(record)] = replace(before, tried=why)
        else:
            kept[_place(record)] = record
    ordered = [kept[place] for place in sorted(kept, key=lambda place: (tuple(FIGURES).index(place[0]), *place[1:]))]
    file.write_text(json.dumps([record.as_json() for record in ordered], ensure_ascii=False, indent=1) + "\n")
    return ordered


def _place(record: Record) -> tuple[str, bool, int, str]:
    """Whatever is measured again in this place is the same figure."""
    return record.figure, record.long, record.machine.cores, record.machine.model


def read(file: Path) -> list[Record]:
    """The kept records; those of figures that are no longer declared are left out."""
    if not file.exists():
        return []
    return [Record.of_json(kept) for kept in json.loads(file.read_text()) if kept["figure"] in FIGURES]


def markdown(records: Sequence[Record]) -> str:
    """The page: a table of all declared figures in order, a row for each form that was measured, then notes, then the machines."""
    on = _letters(records)
    lines = [_HEAD, "| " + " | ".join(_COLUMNS) + " |", "|" + "---|" * len(_COLUMNS)]
    for name, figure in FIGURES.items():
        measured: list[Record | None] = [record for record in records if record.figure == name]
        lines += ["| " + " | ".join(_row(figure, record, on)) + " |" for record in measured or [None]]
    notes = [_note(record, on) for record in records if _told(record)]
    if notes:
        lines += ["", "## Notes", "", *notes]
    lines += _commits(records)
    lines += _durations(records, on)
    lines += ["", "## Machine" + "s" * (len(on) > 1), ""]
    lines += [f"- **{letter}**: {machine}; {_disk(records, machine)}" for machine, letter in on.items()]
    return "\n".join(lines) + "\n"


def _letters(records: Iterable[Record]) -> dict[str, str]:
    """A letter for each machine, by its sentence."""
    return dict(zip(sorted({record.machine.sentence() for record in records}), ascii_uppercase, strict=False))


def _disk(records: Iterable[Record], machine: str) -> str:
    """The disk of this machine, as fast as it was when it was last looked at."""
    looked = [record for record in records if record.machine.sentence() == machine and record.machine.disk]
    if not looked:
        return "disk not noted"
    last = max(looked, key=lambda record: record.date)
    return f"disk on {last.date.isoformat()}: {last.machine.disk}"


def _commits(records: Sequence[Record]) -> list[str]:
    """What the commits landed as that the history does not hold."""
    elsewhere = sorted({record.commit.rstrip("+") for record in records} & LANDED_AS.keys())
    if not elsewhere:
        return []
    told = ", ".join(f"{one} as {LANDED_AS[one]}" for one in elsewhere)
    return ["", f"Commits that this history does not hold were measured on a branch that landed as another commit: {told}."]


def _durations(records: Sequence[Record], on: Mapping[str, str]) -> list[str]:
    """How long the benches took on each machine, and which of the normal size have no part in the sum, as no long form has."""
    told: list[str] = []
    for machine, letter in on.items():
        took = {record.command: record.seconds for record in records if record.machine.sentence() == machine}
        known = {command: seconds for command, seconds in took.items() if seconds is not None}
        normal, long = ({command: known[command] for command in known if ("--long" in command) is wanted} for wanted in (False, True))
        absent = [name for name, bench in BENCHES.items() if "normal" in bench.arguments and command_of(name, "normal") not in normal]
        without = f" without {', '.join(absent)}" if absent else ""
        told += [f"- {letter}: {sum(normal.values()) / 60:.1f} minutes{without}: {_each(normal)}."] if normal else []
        told += [f"- {letter}, long forms: {_each(long)}."] if long else []
    return ["", "## How long they took", "", *told] if told else []


def _each(took: Mapping[str, float]) -> str:
    return ", ".join(f"`{command}` {seconds:.0f} s" for command, seconds in took.items())


def number(value: float | None) -> str:
    """A figure for people: three significant digits below a thousand, thousands with commas."""
    if value is None:
        return "–"
    rounded = float(f"{value:.3g}")  # first, since what is below a thousand may be one when it is rounded
    return f"{value:,.0f}" if abs(rounded) >= 1_000 or value == int(value) else f"{value:.3g}"


def target_text(figure: Figure) -> str:
    """The figure's targets in words."""
    texts = [
        f"{target.sense} {number(target.bound)}" + (" × the reference" if target.of == "ratio" else f" {figure.unit}".rstrip())
        for target in figure.targets
    ]
    return " and ".join(texts) or "–"


def _row(figure: Figure, record: Record | None, on: Mapping[str, str]) -> tuple[str, ...]:
    if record is None:
        return (figure.what, target_text(figure), "–", "–", "not measured yet", "–", "–", "–", "–", "–")
    beside = "–"
    if record.ratio is not None:
        beside = f"**{number(record.ratio)} ×** {record.reference} ({number(record.reference_value)})"
    verdict = record.judgement
    if record.verdict in ("missed", "in doubt", "not measured"):
        verdict = verdict.replace(record.verdict, f"**{record.verdict}**")
    if record.tried:
        verdict += "; **the last try failed**"
    load = record.machine.occupied() if record.machine.quiet else f"**{record.machine.occupied()}: not quiet**"
    reached = f"{number(record.value)} {figure.unit}".rstrip()
    return (
        record.what, target_text(figure), reached, beside, verdict, f"`{record.command}`", record.date.isoformat(), record.commit, load,
        on[record.machine.sentence()],
    )  # fmt: skip


def _note(record: Record, on: Mapping[str, str]) -> str:
    where = f", {on[record.machine.sentence()]}" if len(on) > 1 else ""
    return f"- *{record.what}{' (long form)' if record.long else ''}*{where}: {_told(record)}"


def _told(record: Record) -> str:
    """All that is to be said of a figure beside its row."""
    if record.failed:
        return f"not measured: {record.failed}"
    doubts = record.doubts if record.verdict == "in doubt" else record.doubt
    said = (record.missed and f"missed: {record.missed}", doubts and f"in doubt: {doubts}", record.note, record.tried)
    return "; ".join(filter(None, said))
