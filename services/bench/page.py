"""Keeps what was reached in docs/benchmarks.json and writes docs/benchmarks.md from it, misses included."""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

from services.bench.figures import FIGURES, Figure
from services.bench.record import Record

LANDED_AS: Final[Mapping[str, str]] = {"6a9e815": "dbe8ea4", "a8522bd": "dbe8ea4"}
"""Commits at which something was measured and which the history does not hold, each with the one that brought what was measured.

They stood on a branch that was rebased before it landed. dbe8ea4 brought the figures of a8522bd and the profile of 6a9e815; of
services and measuring programs that branch was rebased over other lines in services/bench and services/simulator/truth.py only.
"""

_HEAD: Final = """\
# Benchmarks

Written by `hadir bench`; not edited by hand, but for notes that say so, and one row (100,000 people, 2026-11-30) that was kept by hand:
its note says by which program, and beside which work. Most figures stand beside a reference that the same run
measured on the same machine, because a ratio survives a change of machine and a rate does not: the simplest program that does the same
without our promises (ingest, geofence, assessment, hop, pipeline; in `tests/benchmarks/reference/`), the same stack with less to do
(history, the latency while days fall due, the flood's memory), or a record that is sent and read beside it (the other latencies).
These have no such reference, and a change of machine moves them as a change of code does:

- what-if stands beside our own preview when it judges every day anew: nobody else has such a preview, and its target is a duration;
- warm start and memory stand beside the part of themselves that is Kafka and PostgreSQL, so that one sees what is ours;
- the load from HTTP stands beside the rate asked for, days judged per second beside the 300 check-ins/s that go on meanwhile, and
  recovery beside the length of the flood: numbers that somebody chose, which say how much was asked;
- check-ins lost and 503 answers without Retry-After stand beside nothing: they count what has to be 0 on every machine.

A row has the title under which it was measured. A figure about answers that nobody gave is not measured. When a run fails, what was
measured before stays, with its date and commit: the code has changed since.

Broker, database, all services and the load share the cores. What was measured beside other work says so: read its rates as a lower
bound and its latencies as an upper one. "Short form" is a run that is smaller than its target asks (the note says how large; `--long`
runs it whole). Where the targets are words we chose the numbers: "before memory grows" is at most 1.5 times, and "lag flat" a growth of
less than a fiftieth of the rate.
"""

_COLUMNS: Final = ("figure", "target", "reached", "ratio", "verdict", "command", "date", "commit", "other work at the start")


def keep(file: Path, fresh: Iterable[Record]) -> list[Record]:
    """Put fresh records in place of older ones of the same figure and form; returns all that are kept, in the order of figures.

    A figure that could not be measured this time stays as it was measured before, with its date.
    """
    kept = {(record.figure, record.long): record for record in read(file)}
    for record in fresh:
        before = kept.get((record.figure, record.long))
        if record.value is not None or before is None or before.value is None:
            kept[record.figure, record.long] = record
    ordered = [kept[name, long] for name in FIGURES for long in (False, True) if (name, long) in kept]
    file.write_text(json.dumps([record.as_json() for record in ordered], ensure_ascii=False, indent=1) + "\n")
    return ordered


def read(file: Path) -> list[Record]:
    """The kept records; those of figures that are no longer declared are left out."""
    if not file.exists():
        return []
    return [Record.of_json(kept) for kept in json.loads(file.read_text()) if kept["figure"] in FIGURES]


def markdown(records: Sequence[Record]) -> str:
    """The page: a table of all declared figures in order, a row for each form that was measured, then notes, then the machines."""
    lines = [_HEAD, "| " + " | ".join(_COLUMNS) + " |", "|" + "---|" * len(_COLUMNS)]
    for name, figure in FIGURES.items():
        measured: list[Record | None] = [record for record in records if record.figure == name]
        lines += ["| " + " | ".join(_row(figure, record)) + " |" for record in measured or [None]]
    notes = [_note(record) for record in records if record.note or record.failed]
    if notes:
        lines += ["", "## Notes", "", *notes]
    lines += _commits(records)
    lines += _durations(records)
    lines += _machines(records)
    return "\n".join(lines) + "\n"


def _commits(records: Sequence[Record]) -> list[str]:
    """What the commits landed as that the history does not hold."""
    elsewhere = sorted({record.commit.rstrip("+") for record in records} & LANDED_AS.keys())
    if not elsewhere:
        return []
    told = ", ".join(f"{one} as {LANDED_AS[one]}" for one in elsewhere)
    return ["", f"Commits that this history does not hold were measured on a branch that landed as another commit: {told}."]


def _durations(records: Sequence[Record]) -> list[str]:
    """How long the benches took; long forms, and those of which it is not known, are no part of the sum."""
    took = {record.command: record.seconds for record in records}
    known = {command: seconds for command, seconds in took.items() if seconds is not None}
    if not known:
        return []
    normal, long = ({command: known[command] for command in known if ("--long" in command) is wanted} for wanted in (False, True))
    told = [f"{sum(normal.values()) / 60:.1f} minutes: {_each(normal)}."] if normal else []
    told += [f"Long forms: {_each(long)}."] if long else []
    told += [f"Not kept: {', '.join(f'`{command}`' for command in took if command not in known)}."] if len(known) < len(took) else []
    return ["", "## How long they took", "", *told]


def _each(took: Mapping[str, float]) -> str:
    return ", ".join(f"`{command}` {seconds:.0f} s" for command, seconds in took.items())


def _machines(records: Sequence[Record]) -> list[str]:
    """Every machine once, and where there are several, what was measured on which."""
    on: dict[str, dict[str, None]] = {}
    for record in records:
        on.setdefault(record.machine.sentence(), {})[record.command] = None
    several = len(on) > 1
    told = [f"- {machine}" + (f": {', '.join(f'`{command}`' for command in on[machine])}" if several else "") for machine in sorted(on)]
    return ["", "## Machine" + "s" * several, "", *told]


def number(value: float | None) -> str:
    """A figure for people: three significant digits below a thousand, thousands with commas."""
    if value is None:
        return "–"
    return f"{value:,.0f}" if abs(value) >= 1_000 or value == int(value) else f"{value:.3g}"


def target_text(figure: Figure) -> str:
    """The figure's targets in words."""
    texts = [
        f"{target.sense} {number(target.bound)}" + (" × the reference" if target.of == "ratio" else f" {figure.unit}".rstrip())
        for target in figure.targets
    ]
    return " and ".join(texts) or "–"


def _row(figure: Figure, record: Record | None) -> tuple[str, ...]:
    if record is None:
        return (figure.what, target_text(figure), "–", "–", "not measured yet", "–", "–", "–", "–")
    beside = "–"
    if record.ratio is not None:
        beside = f"**{number(record.ratio)} ×** {record.reference} ({number(record.reference_value)})"
    verdict = record.judgement
    if record.verdict in ("missed", "not measured"):
        verdict = verdict.replace(record.verdict, f"**{record.verdict}**")
    load = record.machine.occupied() if record.machine.quiet else f"**{record.machine.occupied()}: not quiet**"
    reached = f"{number(record.value)} {figure.unit}".rstrip()
    return (
        record.what, target_text(figure), reached, beside, verdict, f"`{record.command}`", record.date.isoformat(), record.commit, load
    )  # fmt: skip


def _note(record: Record) -> str:
    text = f"not measured: {record.failed}" if record.failed else record.note
    return f"- *{record.what}{' (long form)' if record.long else ''}*: {text}"
