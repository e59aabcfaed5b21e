"""Declares every figure with its target, and every measuring program with its sizes."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

Size: TypeAlias = Literal["quick", "normal", "long"]


@dataclass(frozen=True, slots=True)
class Target:
    """What a figure should be: its `value`, or its `ratio` to the reference, at least or at most `bound`."""

    of: Literal["value", "ratio"]
    sense: Literal["≥", "≤"]
    bound: float

    def reached(self, value: float | None, ratio: float | None) -> bool | None:
        """Whether it was reached; None when it was not measured."""
        measured = value if self.of == "value" else ratio
        if measured is None:
            return None
        return measured >= self.bound if self.sense == "≥" else measured <= self.bound


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure: what it says, its unit, and its targets (none: it is told for comparison only).

    `full` is the size whose run is as large as the target asks; a smaller one is a short form of it.
    """

    what: str
    unit: str
    targets: tuple[Target, ...] = ()
    full: Size = "normal"


@dataclass(frozen=True, slots=True)
class Bench:
    """A measuring program: `python -m tests.benchmarks.<module>` with the arguments of a size, and its figures.

    A size that is not there is not run. `within_s` is when it is given up.
    """

    module: str
    figures: tuple[str, ...]
    arguments: Mapping[Size, tuple[str, ...]]
    within_s: Mapping[Size, float]
    needs: str | None = None
    """A program on the PATH without which it runs only when it is named."""

    @property
    def options(self) -> str:
        """The options by which its sizes are asked for; the normal one has none."""
        return " or ".join(f"--{size}" for size in self.arguments if size != "normal")


def command_of(bench: str, size: Size) -> str:
    """By which command somebody measures a bench in that size."""
    return " ".join(["hadir bench", bench, *([] if size == "normal" else [f"--{size}"])])


def _at_least(bound: float) -> Target:
    return Target("value", "≥", bound)


def _at_most(bound: float) -> Target:
    return Target("value", "≤", bound)


def _times(bound: float) -> Target:
    return Target("ratio", "≥", bound)


def _only_times(bound: float) -> Target:
    return Target("ratio", "≤", bound)


FIGURES: Final[Mapping[str, Figure]] = {
    "ingest-single": Figure("ingest, one check-in a request, per core of its process", "/s per core", (_at_least(3_000),)),
    "ingest-batch": Figure("ingest, batches of 500, per core of its process", "/s per core", (_at_least(15_000),)),
    "geofence": Figure("geofence decision, 5,000 sites, regions of 8,000 vertices, batches of 500", "µs each", (_at_most(3),)),
    "geofence-tile38": Figure("the same points asked of a Tile38 server, its processor time alone, by pipelines of 500", "µs each"),
    "assessment": Figure("assessment of an employee-day", "µs each", (_at_most(20),)),
    "what-if": Figure(
        "what-if over 300,000 people's month (6.6 M employee-days), on two cores, every day judged anew", "minutes", (_at_most(5),), "long"
    ),
    "warm-start": Figure("warm start of the local stack until all is ready, without Prometheus and what it looks at", "s", (_at_most(15),)),
    "memory": Figure("memory of the local stack after a played day: broker, database, services, APIs (PSS)", "MiB", (_at_most(1_536),)),
    "memory-rss": Figure("the same as RSS in sum: pages that several processes share count for each", "MiB", (_at_most(1_536),)),
    "hop": Figure("durable hop that also publishes: state, position and outbox in one transaction, relay", "/s", (_times(2.5),)),
    "hop-aiokafka": Figure("plain aiokafka loop beside it, nothing durable: get many, produce, commit", "/s"),
    "hop-confluent": Figure("confluent-kafka loop beside it, nothing durable", "/s"),
    "pipeline": Figure(
        "whole pipeline from a filled check-in topic to ledger and published aggregate", "/s", (_at_least(3_000), _times(5)), "long"
    ),
    "http-load": Figure("the same from HTTP, generator on the same machine, lag flat", "/s", (_at_least(1_000),), "long"),
    "latency-100-p50": Figure("202 → published aggregate at 100/s, p50", "s"),
    "latency-100-p99": Figure("202 → published aggregate at 100/s, p99", "s", (_at_most(0.5),)),
    "latency-700-p50": Figure("202 → published aggregate at 700/s, p50", "s"),
    "latency-700-p99": Figure("202 → published aggregate at 700/s, p99", "s", (_at_most(0.5),)),
    "history-people": Figure("CPU per event with 100,000 people ÷ 10,000, a month of history each", "µs", (_only_times(1.3),)),
    "history-year": Figure("CPU per event of 10,000 people with a year of history ÷ a month of it", "µs", (_only_times(1.3),)),
    "history-large-people": Figure("CPU per event with 1,000,000 people ÷ 100,000, a month of history each", "µs", (_only_times(1.3),)),
    "history-large-year": Figure("CPU per event of 100,000 people with a year of history ÷ a month of it", "µs", (_only_times(1.3),)),
    "window-close": Figure(
        "202 → aggregate p99 of one zone at its pace while another's days all fall due at once", "s", (_at_most(1),), "long"
    ),
    "window-close-rate": Figure("days judged per second meanwhile, each with its violation", "/s", (), "long"),
    "shed-memory": Figure(
        "ingest's peak memory under 10 times what is sustained, and with no broker ÷ before", "MiB", (_only_times(1.5),), "long"
    ),
    "shed-lost": Figure("check-ins answered 202 in either flood and not located afterwards", "", (_at_most(0),), "long"),
    "shed-without-retry-after": Figure("503 answers in either flood without Retry-After", "", (_at_most(0),), "long"),
    "shed-recovery": Figure("seconds after the flood until no event waits anywhere ÷ the flood's", "s", (), "long"),
}
"""Targets are those of issue 5 (where it has words, the numbers are ours), on 2 cores that also carry broker, database and load."""


BENCHES: Final[Mapping[str, Bench]] = {
    "assessment": Bench(
        "assessment", ("assessment",),
        {"quick": ("--rounds", "1"), "normal": (), "long": ()}, {"quick": 60, "normal": 120, "long": 120},
    ),
    "geofence": Bench(
        "geofence", ("geofence",),
        {"quick": ("--rounds", "2", "--reference-marks", "50"), "normal": (), "long": ()}, {"quick": 120, "normal": 180, "long": 180},
    ),
    "geofence-tile38": Bench("tile38", ("geofence-tile38",), {"long": ()}, {"long": 180}, "tile38-server"),
    "what-if": Bench(
        "preview", ("what-if",),
        {"quick": ("--people", "300"), "normal": ("--people", "10000"), "long": ("--people", "300000")},
        {"quick": 120, "normal": 300, "long": 3_600},
    ),
    "footprint": Bench(
        "footprint", ("warm-start", "memory", "memory-rss"),
        {"quick": ("--employees", "50"), "normal": (), "long": ()}, {"quick": 400, "normal": 400, "long": 400},
    ),
    "ingest": Bench(
        "ingest", ("ingest-single", "ingest-batch"),
        {"quick": ("--people", "50", "--seconds", "1"), "normal": (), "long": ("--seconds", "30")},
        {"quick": 300, "normal": 300, "long": 400},
    ),
    "hop": Bench(
        "hop", ("hop", "hop-aiokafka", "hop-confluent"),
        {"quick": ("--events", "2000"), "normal": (), "long": ("--events", "400000")},
        {"quick": 300, "normal": 400, "long": 1_800},
    ),
    "pipeline": Bench(
        "pipeline", ("pipeline",),
        {"quick": ("--people", "300", "--days", "1", "--warm-up", "150", "--seconds", "1", "--reference-events", "300"),
         "normal": (), "long": ("--seconds", "200", "--people", "40000", "--reference-events", "20000")},
        {"quick": 500, "normal": 1_200, "long": 3_600},
    ),
    "load": Bench(
        "load", ("http-load",),
        {"quick": ("--rate", "30", "--seconds", "4"), "normal": (), "long": ("--rate", "1030", "--seconds", "200")},
        {"quick": 400, "normal": 900, "long": 2_400},
    ),
    "latency": Bench(
        "latency", ("latency-100-p50", "latency-100-p99", "latency-700-p50", "latency-700-p99"),
        {"quick": ("--slow", "10", "--fast", "20", "--seconds", "3"), "normal": (), "long": ("--seconds", "120")},
        {"quick": 400, "normal": 900, "long": 2_400},
    ),
    "window-close": Bench(
        "window_close", ("window-close", "window-close-rate"),
        {"quick": ("--days", "100", "--rate", "10", "--seconds", "5"), "normal": (),
         "long": ("--days", "300000", "--seconds", "120", "--throughout")},
        {"quick": 400, "normal": 900, "long": 7_200},
    ),
    "backpressure": Bench(
        "backpressure", ("shed-memory", "shed-lost", "shed-without-retry-after", "shed-recovery"),
        {"quick": ("--people", "50", "--calm", "2000", "--seconds", "2", "--queue", "500", "--standstill", "2"),
         "normal": (), "long": ("--seconds", "120", "--standstill", "20")},
        {"quick": 400, "normal": 900, "long": 3_600},
    ),
    "history": Bench(
        "history", ("history-people", "history-year"),
        {"quick": ("--people", "60", "--times", "2", "--events", "60"), "long": ("--people", "10000", "--times", "10")},
        {"quick": 500, "long": 2 * 3_600},
    ),
    "history-large": Bench(
        "history", ("history-large-people",),
        {"long": ("--people", "100000", "--times", "10", "--name", "history-large", "--only", "people")}, {"long": 5 * 3_600},
    ),
    "history-large-year": Bench(
        "history", ("history-large-year",),
        {"long": ("--people", "100000", "--name", "history-large", "--only", "year")}, {"long": 5 * 3_600},
    ),
}
"""In the order in which they run; `history` and each of the two after it build provinces for an hour, `geofence-tile38` needs
Tile38's server on the PATH: these are for the long run only."""
