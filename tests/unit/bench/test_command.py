"""`hadir bench` tells a short form and a failure on the terminal, and ends with 1 after a failure."""

import datetime as dt
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from services.__main__ import app
from services.bench import running
from services.bench.figures import BENCHES, FIGURES
from services.bench.machine import Machine
from services.bench.page import keep, read
from services.bench.record import Record

MEASURED = Record(
    "hop", FIGURES["hop"].what, 11_000.0, "textbook Faust hop", 4_000.0, "", "hadir bench hop", dt.date(2026, 11, 24), "abc1234",
    Machine(2, "Contoh CPU", 23.9, "Linux 6.1", "3.11.7", 3.0, 0.1, "without a profile"),
)  # fmt: skip


def bench(monkeypatch: pytest.MonkeyPatch, root: Path, said: dict[str, object], *arguments: str) -> tuple[int, str]:
    """What `hadir bench hop` ends with and prints when its program said this."""

    def run_bench(_name: str, size: str, _told: object) -> list[Record]:
        command, day = "hadir bench hop" + ("" if size == "normal" else f" --{size}"), dt.date(2026, 11, 30)
        return [Record.of_program({"figure": "hop", **said}, command=command, date=day, commit="x", machine=MEASURED.machine)]

    monkeypatch.setattr(running, "run_bench", run_bench)
    monkeypatch.setattr(running, "ROOT", root)
    ended = CliRunner().invoke(app, ["bench", "hop", *arguments])
    return ended.exit_code, ended.output


def test_the_terminal_says_that_a_quick_run_is_a_short_form(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    said = {"value": 30, "reference": "beside", "reference_value": 10}
    code, told = bench(monkeypatch, tmp_path, said, "--quick")

    assert (code, told.split("  ")[0]) == (0, "reached, short form")
    assert '"short_form": true' in bench(monkeypatch, tmp_path, said, "--quick", "--json")[1]


def test_a_failure_is_told_with_its_reason_and_the_kept_figure_stays(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    keep(tmp_path / "docs/benchmarks.json", [MEASURED])
    code, told = bench(monkeypatch, tmp_path, {"value": None, "failed": "ended with code 1: no broker"})

    assert code == 1
    assert "not measured" in told
    assert told.rstrip().endswith("ended with code 1: no broker")
    why = "last tried on 2026-11-30 at x: failed because ended with code 1: no broker"
    assert read(tmp_path / "docs/benchmarks.json") == [replace(MEASURED, tried=why)]
    page = (tmp_path / "docs/benchmarks.md").read_text()
    assert "| reached; **the last try failed** | `hadir bench hop` | 2026-11-24 |" in page
    assert f"- *{MEASURED.what}*: {why}" in page


def test_what_needs_another_program_is_measured_with_all_only_where_that_is(monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[str] = []

    def run_bench(name: str, _size: str, _told: object) -> list[Record]:
        ran.append(name)
        return []

    monkeypatch.setattr(running, "run_bench", run_bench)
    for there in (None, "/somewhere/tile38-server"):
        monkeypatch.setattr("shutil.which", lambda _name, there=there: there)
        CliRunner().invoke(app, ["bench", "--long", "--no-keep"], catch_exceptions=False)

    assert ran.count("geofence") == 2
    assert ran.count("geofence-tile38") == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["history"], "history does not run without --quick or --long, only with --quick or --long."),
        (["geofence-tile38", "--quick"], "geofence-tile38 does not run with --quick, only with --long."),
        (["history-large"], "history-large does not run without --quick or --long, only with --long."),
    ],
)
def test_who_asks_for_a_size_that_is_not_there_is_told_those_that_are(arguments: list[str], said: str) -> None:
    ended = CliRunner().invoke(app, ["bench", *arguments])

    assert (ended.exit_code, " ".join(ended.output.split())) == (2, said)


def test_the_list_has_the_figures_of_all_benches_below_each_other_and_says_which_need_an_option() -> None:
    lines = CliRunner().invoke(app, ["bench", "--list"]).output.splitlines()

    assert {line.index(f" {one.figures[0]}") for line, one in zip(lines, BENCHES.values(), strict=True)} == {len("history-large-year ")}
    assert {line.split()[0]: line.partition("   (")[2] for line in lines if "(only" in line} == {
        "geofence-tile38": "only with --long)", "history": "only with --quick or --long)", "history-large": "only with --long)",
        "history-large-year": "only with --long)",
    }  # fmt: skip
