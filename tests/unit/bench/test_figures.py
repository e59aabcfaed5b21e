"""Figures are computed, judged and written down right; nothing here takes time or asserts how long anything takes."""

import datetime as dt
import json
import os
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from services.bench import running
from services.bench.figures import BENCHES, FIGURES, Bench, Target
from services.bench.machine import Machine, OtherWork, commit
from services.bench.page import keep, markdown, number, read, target_text
from services.bench.record import Record
from services.bench.running import ROOT, run_bench

QUIET = Machine(2, "Contoh CPU", 23.9, "Linux 6.1", "3.11.7", 3.0, 0.1, "without a profile")
BUSY = replace(QUIET, busy=1.7)
DAY = dt.date(2026, 11, 24)


def a_record(figure: str = "hop", value: float | None = 11_000, beside: float | None = 4_000, machine: Machine = QUIET) -> Record:
    return Record(figure, FIGURES[figure].what, value, "textbook Faust hop", beside, "", f"hadir bench {figure}", DAY, "abc1234", machine)


def the_row(page: str, figure: str) -> list[str]:
    [line] = [line for line in page.splitlines() if line.startswith(f"| {FIGURES[figure].what} |")]
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_a_ratio_is_the_figure_by_its_reference_of_the_same_run() -> None:
    assert a_record(value=11_000, beside=4_000).ratio == 2.75
    assert a_record(beside=None).ratio is None
    assert a_record(beside=0).ratio is None


@pytest.mark.parametrize(
    ("figure", "value", "beside", "verdict"),
    [
        ("hop", 10_000, 4_000, "reached"), ("hop", 9_999, 4_000, "missed"),  # at least 2.5 times
        ("pipeline", 3_000, 600, "reached"), ("pipeline", 3_000, 601, "missed"), ("pipeline", 2_999, 100, "missed"),  # both targets
        ("latency-100-p99", 0.5, None, "reached"), ("latency-100-p99", 0.51, None, "missed"),  # at most
        ("history-people", 130, 100, "reached"), ("history-people", 131, 100, "missed"),
        ("shed-lost", 0, None, "reached"), ("shed-lost", 1, None, "missed"),
        ("hop", 10_000, None, "missed"),  # without its reference a ratio is not reached
        ("hop-aiokafka", 1, 1, "told"), ("hop", None, None, "not measured"),
    ],
)  # fmt: skip
def test_a_figure_is_reached_when_all_its_targets_are(figure: str, value: float | None, beside: float | None, verdict: str) -> None:
    assert a_record(figure, value, beside).verdict == verdict


def test_a_machine_with_more_than_a_sixth_of_its_cores_busy_is_not_quiet_whatever_the_minute_before_was_like() -> None:
    assert [replace(QUIET, busy=busy).quiet for busy in (0.0, 0.3, 0.31)] == [True, True, False]
    assert [replace(QUIET, cores=8, busy=busy).quiet for busy in (1.2, 1.3)] == [True, False]


def test_of_older_figures_the_load_of_the_minute_before_is_known_only() -> None:
    old = replace(QUIET, busy=None)
    assert [replace(old, load=load).quiet for load in (0.0, 1.0, 1.01)] == [True, True, False]
    assert [replace(old, cores=8, load=load).quiet for load in (4.0, 4.1)] == [True, False]


def test_a_run_that_is_smaller_than_its_target_asks_is_told_as_a_short_form() -> None:
    short = replace(a_record("pipeline", 3_000, 600), seconds=90.0)
    whole, other = replace(short, command="hadir bench pipeline --long", seconds=240.0), replace(a_record(), seconds=60.0)

    assert the_row(markdown([short]), "pipeline")[4] == "reached, short form"
    page = markdown([whole, other])
    assert the_row(page, "pipeline")[4] == the_row(page, "hop")[4] == "reached"
    assert ": `hadir bench hop` 60 s.\n- A, long forms: `hadir bench pipeline --long` 240 s." in page


def test_a_quick_run_is_a_short_form_whatever_its_target_asks(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    said = '{"figures": [{"figure": "hop", "value": 30, "reference": "beside", "reference_value": 10}]}'
    [quick] = a_bench(tmp_path, monkeypatch, f"print('{said}')")

    assert (quick.as_json()["short_form"], quick.judgement) == (True, "reached, short form")
    assert (a_record().as_json()["short_form"], a_record().judgement) == (False, "reached")
    assert replace(quick, value=None, failed="no broker").judgement == "not measured"


def test_a_bench_of_which_nobody_knows_how_long_it_took_is_no_part_of_the_sum() -> None:
    known, unknown = replace(a_record(), seconds=60.0), replace(a_record("geofence", 2, 10), command="hadir bench geofence")
    others = "assessment, geofence, what-if, footprint, ingest, pipeline, load, latency, window-close, backpressure"
    assert f"- A: 1.0 minutes without {others}: `hadir bench hop` 60 s.\n\n" in markdown([known, unknown])
    assert "How long" not in markdown([unknown])


def test_the_sum_of_all_benches_of_the_normal_size_says_of_none_that_it_is_without_it() -> None:
    normal = [
        replace(a_record(bench.figures[0]), command=f"hadir bench {name}", seconds=6.0)
        for name, bench in BENCHES.items() if "normal" in bench.arguments
    ]

    assert "- A: 1.1 minutes: `hadir bench assessment` 6 s, " in markdown(normal)
    assert "- A: 1.0 minutes without latency: `hadir bench assessment` 6 s, " in markdown(
        [record for record in normal if record.command != "hadir bench latency"]
    )


def test_the_page_has_every_declared_figure_with_target_ratio_command_date_and_commit() -> None:
    page = markdown([a_record()])

    assert the_row(page, "hop") == [
        FIGURES["hop"].what, "≥ 2.5 × the reference", "11,000 /s", "**2.75 ×** textbook Faust hop (4,000)", "reached",
        "`hadir bench hop`", "2026-11-24", "abc1234", "0.1 cores busy", "A",
    ]  # fmt: skip
    assert [name for name in FIGURES if not the_row(page, name)] == []
    assert "no day is opened at\nmidnight meanwhile, and none closes" in page
    assert the_row(page, "geofence")[4] == "not measured yet"
    machine = "2 cores of Contoh CPU, 24 GiB, Linux 6.1, Python 3.11.7 (built without a profile); disk not noted"
    assert page.endswith(f"\n## Machine\n\n- **A**: {machine}\n")


def test_the_page_says_which_figures_were_taken_by_which_interpreter_where_there_were_several() -> None:
    old, guided = replace(QUIET, built=""), replace(QUIET, built="with a profile")
    page = markdown([
        a_record(), replace(a_record("hop-aiokafka"), command="hadir bench hop"),
        a_record("pipeline", machine=guided), a_record("http-load", machine=guided),
        replace(a_record("memory", machine=old), command="hadir bench footprint"),
    ])  # fmt: skip

    where = "2 cores of Contoh CPU, 24 GiB, Linux 6.1, Python 3.11.7"
    built = {"A": "built with a profile", "B": "built without a profile", "C": "not noted how built"}
    machines = [f"- **{letter}**: {where} ({how}); disk not noted" for letter, how in built.items()]
    assert page.partition("## Machines\n\n")[2].splitlines() == machines
    assert [the_row(page, name)[9] for name in ("hop", "hop-aiokafka", "pipeline", "http-load", "memory")] == ["B", "B", "A", "A", "C"]


def test_what_was_measured_on_another_processor_stands_beside_it_and_not_in_its_place(tmp_path: Path) -> None:
    file, slower = tmp_path / "benchmarks.json", replace(QUIET, model="Contoh CPU lambat")
    keep(file, [a_record()])
    kept = keep(file, [replace(a_record(value=9_000, machine=slower), note="slower")])

    assert [(record.value, record.verdict) for record in kept] == [(11_000, "reached"), (9_000, "missed")]
    assert f"- *{FIGURES['hop'].what}*, A: slower" in markdown(kept)
    assert [record.value for record in keep(file, [a_record(value=12_000)])] == [12_000, 9_000]


def test_what_was_measured_on_another_number_of_cores_of_the_same_processor_has_a_place_of_its_own(tmp_path: Path) -> None:
    file, wider = tmp_path / "benchmarks.json", replace(QUIET, cores=8)
    keep(file, [a_record()])
    kept = keep(file, [a_record(value=30_000, machine=wider)])

    assert [(record.value, record.machine.cores) for record in kept] == [(11_000, 2), (30_000, 8)]
    assert read(file) == kept


def test_a_record_from_before_it_was_noted_how_the_interpreter_was_built_is_read_as_before() -> None:
    kept = a_record().as_json()
    del kept["machine"]["built"]

    assert Record.of_json(kept) == a_record(machine=replace(QUIET, built=""))
    assert Record.of_json(a_record().as_json()) == a_record()


def test_the_page_says_what_was_missed_what_failed_and_that_the_machine_was_not_quiet() -> None:
    missed, failed = a_record(value=4_000, machine=BUSY), replace(a_record("geofence", None, None), failed="ended with code 1: no shapes")
    page = markdown([missed, failed])

    assert the_row(page, "hop")[4] == "**missed**"
    assert the_row(page, "hop")[8] == "**1.7 cores busy: not quiet**"
    assert the_row(page, "geofence")[4] == "**not measured**"
    assert "not measured: ended with code 1: no shapes" in page


def test_a_row_and_its_note_have_the_title_under_which_they_were_measured() -> None:
    before = replace(a_record("shed-lost", 0, None), what="check-ins lost in one flood", note="of 12", command="hadir bench x --long")
    page = markdown([Record.of_json(before.as_json()), a_record("shed-lost", 0, None)])

    assert "| check-ins lost in one flood | ≤ 0 | 0 |" in page
    assert "- *check-ins lost in one flood (long form)*: of 12" in page
    assert the_row(page, "shed-lost")[2] == "0"


def test_a_run_that_fails_leaves_what_was_measured_before_with_its_date(tmp_path: Path) -> None:
    file, later = tmp_path / "benchmarks.json", dt.date(2026, 11, 30)
    failed = replace(a_record(value=None, beside=None), failed="ended with code 1", date=later)
    never = replace(failed, figure="geofence", what=FIGURES["geofence"].what)
    keep(file, [a_record()])

    kept = keep(file, [failed, never])

    assert [(record.figure, record.value, record.date) for record in kept] == [("geofence", None, later), ("hop", 11_000, DAY)]
    assert kept[1].tried == "last tried on 2026-11-30 at abc1234: failed because ended with code 1"
    again = keep(file, [a_record("geofence", 2, 10), replace(a_record(), value=9_000)])
    assert [(record.value, record.tried) for record in again] == [(2, ""), (9_000, "")]


def test_what_was_measured_under_another_load_than_was_asked_for_is_missed_and_what_is_doubted_is_not_reached() -> None:
    missed, doubted = replace(a_record(), missed="the rate was not held"), replace(a_record("geofence", 2, 10), doubt="its ruler was bent")
    page = markdown([missed, doubted])

    assert [the_row(page, name)[4] for name in ("hop", "geofence")] == ["**missed**", "**in doubt**"]
    assert ": missed: the rate was not held" in page
    assert ": in doubt: its ruler was bent" in page
    assert (replace(doubted, value=20).verdict, replace(a_record("hop-aiokafka"), missed="so").verdict) == ("missed", "told")
    assert [Record.of_json(record.as_json()) for record in (missed, doubted)] == [missed, doubted]


@pytest.mark.parametrize(
    ("figure", "value", "beside", "machine", "verdict"),
    [
        ("hop", 11_000, 4_000, BUSY, "in doubt"), ("hop", 11_000, 4_000, QUIET, "reached"), ("hop", 4_000, 4_000, BUSY, "missed"),
        ("pipeline", 4_000, 500, BUSY, "in doubt"),  # of its two targets one is a ratio
        ("geofence", 2, 10, BUSY, "reached"), ("hop-aiokafka", 9, 1, BUSY, "told"),
    ],
)  # fmt: skip
def test_a_ratio_that_was_taken_beside_other_work_is_in_doubt_and_a_plain_value_is_a_bound(
    figure: str, value: float, beside: float, machine: Machine, verdict: str
) -> None:
    record = a_record(figure, value, beside, machine)

    assert record.verdict == verdict
    assert (": in doubt: a ratio that was taken beside other work (1.7 cores busy)" in markdown([record])) == (verdict == "in doubt")


def test_the_page_says_once_what_commits_landed_as_that_the_history_does_not_hold() -> None:
    gone = [replace(a_record(name), commit=commit) for name, commit in (("hop", "a8522bd"), ("pipeline", "a8522bd+"))]

    assert markdown([*gone, a_record("geofence")]).count("landed as another commit: a8522bd as dbe8ea4.") == 1
    assert "landed as" not in markdown([a_record()])


def test_a_page_keeps_older_figures_and_replaces_those_measured_anew(tmp_path: Path) -> None:
    file = tmp_path / "benchmarks.json"
    keep(file, [a_record("pipeline", 2_000, 500), a_record("hop")])

    kept = keep(file, [a_record("hop", 12_000)])

    assert [(record.figure, record.value) for record in kept] == [("hop", 12_000), ("pipeline", 2_000)]
    assert read(file) == kept


def test_a_long_form_and_the_normal_one_stand_beside_each_other(tmp_path: Path) -> None:
    file = tmp_path / "benchmarks.json"
    long = replace(a_record("pipeline", 2_900, 300), command="hadir bench pipeline --long", note="234 s")

    keep(file, [a_record("pipeline", 2_000, 500), long])
    kept = keep(file, [a_record("pipeline", 3_000, 500)])

    assert [record.value for record in kept] == [3_000, 2_900]
    rows = [line for line in markdown(kept).splitlines() if line.startswith(f"| {FIGURES['pipeline'].what} |")]
    assert ["3,000 /s" in rows[0], "2,900 /s" in rows[1], len(rows)] == [True, True, 2]
    assert f"- *{FIGURES['pipeline'].what} (long form)*: 234 s" in markdown(kept)


def test_the_page_of_the_repository_is_what_its_json_says() -> None:
    assert (ROOT / "docs" / "benchmarks.md").read_text() == markdown(read(ROOT / "docs" / "benchmarks.json"))


def test_a_figure_that_is_no_longer_declared_leaves_the_page(tmp_path: Path) -> None:
    file = tmp_path / "benchmarks.json"
    file.write_text(json.dumps([{**a_record().as_json(), "figure": "of-yesterday"}]))

    assert read(file) == []


def test_a_program_that_names_an_undeclared_figure_is_a_fault() -> None:
    with pytest.raises(KeyError, match="invented"):
        Record.of_program({"figure": "invented", "value": 1}, command="", date=DAY, commit="", machine=QUIET)


def test_every_bench_has_its_program_and_every_figure_its_bench() -> None:
    assert [name for name, bench in BENCHES.items() if not (ROOT / "tests/benchmarks" / f"{bench.module}.py").exists()] == []
    assert sorted(figure for bench in BENCHES.values() for figure in bench.figures) == sorted(FIGURES)
    assert [name for name, bench in BENCHES.items() if bench.arguments.keys() != bench.within_s.keys()] == []


@pytest.mark.parametrize(
    ("name", "sizes"),
    [
        ("load", {"--rate": 1_030, "--seconds": 200}), ("pipeline", {"--seconds": 200, "--people": 40_000}),  # three minutes and a margin
        ("window-close", {"--days": 300_000}), ("backpressure", {"--seconds": 120}), ("what-if", {"--people": 300_000}),
        ("history", {"--people": 10_000, "--times": 10}), ("history-large", {"--people": 100_000, "--times": 10}),
        ("history-large-year", {"--people": 100_000}),
    ],
)  # fmt: skip
def test_the_long_form_of_a_bench_is_as_large_as_its_target_asks(name: str, sizes: dict[str, int]) -> None:
    given = BENCHES[name].arguments["long"]

    assert {option: int(given[given.index(option) + 1]) for option in sizes} == sizes


def test_what_is_smaller_than_the_long_form_of_a_bench_whose_target_asks_for_that_is_a_short_form() -> None:
    asked_long = ("http-load", "pipeline", "window-close", "shed-memory", "shed-lost", "what-if")

    assert [a_record(name).short_form for name in asked_long] == [True] * 6
    assert [replace(a_record(name), command="hadir bench x --long").short_form for name in asked_long] == [False] * 6


def test_numbers_and_targets_read_as_people_write_them() -> None:
    texts = {None: "–", 0: "0", 0.4567: "0.457", 12.34: "12.3", 999: "999", 999.4: "999", 1_536: "1,536", 13_274.4: "13,274"}
    texts |= {999.7: "1,000", -999.7: "-1,000"}  # first rounded: not 1e+03

    assert {value: number(value) for value in texts} == texts
    assert target_text(FIGURES["pipeline"]) == "≥ 3,000 /s and ≥ 5 × the reference"
    assert Target("value", "≥", 1).reached(None, None) is None


def test_the_commit_is_told_with_a_sign_when_the_code_differs_from_it(tmp_path: Path) -> None:
    assert commit(tmp_path) == "unknown"
    assert len(commit(ROOT).rstrip("+")) >= 7


def a_bench(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str, within_s: float = 30, told: Callable[[str], None] = lambda _line: None,
    busy: tuple[float, float, float] = (0.1, 0.1, 0.1),
) -> list[Record]:
    """What a program leads to on a machine that is so busy before it, with other work during it, and after it."""
    looks = iter([replace(QUIET, busy=busy[0]), replace(QUIET, busy=busy[2])])
    monkeypatch.setattr(Machine, "now", lambda: next(looks))
    monkeypatch.setattr(OtherWork, "cores", lambda _others: busy[1])
    (tmp_path / "tests/benchmarks").mkdir(parents=True)
    (tmp_path / "tests/benchmarks/trial.py").write_text(program)
    monkeypatch.setattr(running, "ROOT", tmp_path)
    monkeypatch.setitem(cast(dict[str, Bench], BENCHES), "trial", Bench("trial", ("hop",), {"quick": ()}, {"quick": within_s}))
    return run_bench("trial", "quick", told)


def test_what_a_program_prints_becomes_a_record_with_its_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = '{"figures": [{"figure": "hop", "value": 30, "reference": "beside", "reference_value": 10, "note": "so"}]}'

    [record] = a_bench(tmp_path, monkeypatch, f"print('{said}')")

    assert (record.ratio, record.verdict, record.note, record.command) == (3.0, "reached", "so", "hadir bench trial --quick")
    assert record.machine == QUIET


@pytest.mark.parametrize("name", ["assessment", "geofence"])
def test_a_bench_of_rules_alone_measures_in_its_short_form(name: str) -> None:
    [record] = run_bench(name, "quick", lambda _line: None)

    assert record.verdict in ("reached", "missed"), record.failed
    assert record.ratio is not None
    assert record.ratio > 0


@pytest.mark.parametrize(
    ("program", "why"),
    [
        ("import sys; sys.exit('the broker went away')", "ended with code 1: the broker went away"),
        ("print('nothing of use')", "did not print its figures"),
        ("import sys, time; print('busy', file=sys.stderr, flush=True); time.sleep(60)", "after 3 s; the last that was heard: busy"),
    ],
)
def test_a_program_that_fails_is_written_down_as_not_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str, why: str
) -> None:
    [record] = a_bench(tmp_path, monkeypatch, program, within_s=3 if "sleep" in program else 30)

    assert record.verdict == "not measured"
    assert why in record.failed


def test_who_is_told_to_end_ends_its_program_first_and_politely_though_it_runs_in_the_background_of_a_script(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def told(line: str) -> None:
        if line == "  busy":
            os.kill(os.getpid(), signal.SIGHUP)  # whoever ignores it, as below nohup, goes on
            os.kill(os.getpid(), signal.SIGTERM)

    program = (
        "import pathlib, sys, time\ntry:\n print('busy', file=sys.stderr, flush=True); time.sleep(5)\n"
        f"except KeyboardInterrupt:\n pathlib.Path({str(tmp_path / 'ended')!r}).touch()"
    )
    mine: dict[signal.Signals, Any] = {signal.SIGTERM: lambda *_: None, signal.SIGINT: signal.SIG_IGN, signal.SIGHUP: signal.SIG_IGN}
    before = {signum: signal.signal(signum, handler) for signum, handler in mine.items()}
    try:
        with pytest.raises(SystemExit) as end:
            a_bench(tmp_path, monkeypatch, program, told=told)
        assert {signum: signal.getsignal(signum) for signum in mine} == mine
    finally:
        for signum, handler in before.items():
            signal.signal(signum, handler)
    assert (end.value.code, (tmp_path / "ended").exists()) == (143, True)


@pytest.mark.parametrize("busy", [(0.1, 0.2, 1.7), (0.2, 1.7, 0.1), (1.7, 0.1, 0.2)])
def test_a_machine_is_as_busy_as_before_the_bench_while_it_ran_or_after_it_whichever_is_most(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, busy: tuple[float, float, float]
) -> None:
    lines: list[str] = []

    [record] = a_bench(tmp_path, monkeypatch, """print('{"figures": [{"figure": "hop", "value": 30}]}')""", told=lines.append, busy=busy)

    assert (record.machine, record.machine.quiet) == (replace(QUIET, busy=1.7), False)
    assert len([line for line in lines if "1.7 cores busy of 2" in line and "NOT quiet" in line]) == 1
