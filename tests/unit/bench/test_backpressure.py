"""What is said of answers that shed is said only where something was shed."""

import datetime as dt

from services.bench.machine import Machine
from services.bench.record import Record
from tests.benchmarks.backpressure import Flood, lost, without_retry_after


def a_flood(shed: int, without: int = 0) -> Flood:
    flood = Flood("http://127.0.0.1:1")
    flood.answers.update({"202": 500, **({"503": shed} if shed else {})})
    flood.without_retry_after = without
    return flood


def the_record(flood: Flood, still: Flood) -> Record:
    said, day = without_retry_after(flood, still), dt.date(2026, 11, 30)
    return Record.of_program(said, command="hadir bench backpressure", date=day, commit="abc1234", machine=Machine.now())


def test_what_was_answered_202_and_not_found_is_lost() -> None:
    assert [lost(1_000, located)["value"] for located in (1_000, 997)] == [0, 3]


def test_answers_without_retry_after_are_counted_over_both_floods() -> None:
    record = the_record(a_flood(20, 1), a_flood(40, 2))

    assert (record.value, record.verdict) == (3, "missed")
    assert record.note == "of 60 check-ins that were shed, 40 of them while the broker stood still"
    assert the_record(a_flood(0), a_flood(40)).verdict == "reached"


def test_where_nothing_was_shed_the_figure_is_not_measured_and_says_why() -> None:
    record = the_record(a_flood(0), a_flood(0))

    assert (record.value, record.verdict) == (None, "not measured")
    assert record.failed == (
        "nothing was shed: 202 500; 0 could not be sent at all; while the broker stood still: 202 500; 0 could not be sent at all"
    )
