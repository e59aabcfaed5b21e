"""`make faults-long` does what was asked for, or says what it did not do and ends with a code that says so."""

import asyncio
import json
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.faults import campaign, report, run
from tests.faults.campaign import Found, Wanted
from tests.faults.nemeses import FAULTS

STRUCK = Counter({"F1 kill -9 ingest": 4})


@pytest.fixture(autouse=True)
def _quickly(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(report.Begin, "now", lambda: report.Begin("2026-11-30 00:00 UTC", "aaaaaaa", "this"))
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in handlers.items():
        signal.signal(number, handler)


@pytest.fixture
def faults_long(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], int]:
    def begun(asked: str) -> int:
        monkeypatch.setattr("sys.argv", ["faults-long", *asked.split()])
        return run.main()

    return begun


def finds(monkeypatch: pytest.MonkeyPatch, **found: Any) -> None:
    """Every campaign of this process finds this."""

    async def played(wanted: Wanted, _told: Any, saved: Callable[[Found], None]) -> Found:
        told = Found(wanted.seed, **found)
        saved(told)
        return told

    monkeypatch.setattr(run, "campaign", played)


def ends(monkeypatch: pytest.MonkeyPatch, code: int, *, outcome: str | None = None) -> list[str]:
    """Every house that is a process of its own ends with this code, having written a report of that outcome, or none."""
    begun: list[str] = []

    class House:
        def __init__(self, command: list[str], **_: Any) -> None:
            asked = dict(word.removeprefix("--").split("=", 1) for word in command if "=" in word)
            begun.append(asked["house"])
            if outcome:
                wanted = Wanted(int(asked["cycles"]), 7, brokers=3 if asked["house"] == "three" else 1)
                found = Found(7, cycles=Counter(STRUCK), outcome=outcome)
                report.write(report.Report([report.Part(wanted, found)], report.Begin.now()).as_json(), Path(asked["write"]))

        def wait(self) -> int:
            return code

        def terminate(self) -> None:
            """It has ended."""

    monkeypatch.setattr("tests.faults.run.subprocess.Popen", House)
    return begun


@pytest.mark.parametrize("asked", ["--house one --only F99", "--house one --only F5", "--only F98,F99", "--house three --only F7"])
def test_faults_that_no_such_house_has_are_refused_before_anything_starts(
    asked: str, faults_long: Callable[[str], int], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        faults_long(asked)
    assert "strikes at random" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("--only F1,F99", "F99: nothing of this name strikes at random; there are F1, F2, F3"),
        ("--only F1,F5 --house one", "--only F5: no such"),
        ("--merge {file} --cycles 5", "--merge runs nothing, so that --cycles would do nothing"),
        ("--merge {file} --soak-rate 5", "--soak-rate would do nothing"),
    ],
)  # fmt: skip
def test_what_would_be_left_out_or_ignored_is_refused_with_the_reason(
    asked: str, said: str, faults_long: Callable[[str], int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as refused:
        faults_long(asked.format(file=tmp_path / "faults.json"))
    assert refused.value.code == 2
    assert said in capsys.readouterr().err


def test_kinds_may_be_written_small_and_help_tells_every_kind_what_it_needs_and_every_default(
    faults_long: Callable[[str], int], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["faults-long", "--only", "f1,f8"])
    assert run._arguments().only == ("F1", "F8")
    with pytest.raises(SystemExit):
        faults_long("--help")
    told = " ".join(capsys.readouterr().out.split())
    for said in (*(f" {fault.code} " for fault in FAULTS), "(default: 1200)", "else there is none", "root", "exit codes: 0", "example:"):
        assert said in told
    assert "(default: None)" not in told


def test_the_table_on_the_console_has_no_rows_for_what_was_not_struck(
    faults_long: Callable[[str], int], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    finds(monkeypatch, cycles=STRUCK, outcome="finished")
    assert faults_long("--house one --cycles 4") == 0
    [row] = [line for line in capsys.readouterr().out.splitlines() if line.startswith("| F")]
    assert row.startswith("| F1 kill -9 ingest | 4 | 0 | 0.7500 |")


def test_of_both_houses_one_without_such_faults_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    for only, houses in (("F5", ["three"]), ("F7,F4", ["one"]), ("F1", ["one", "three"])):
        monkeypatch.setattr("sys.argv", ["faults-long", "--only", only])
        assert run._arguments().houses == houses


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("--cycles -3", "-3 is not a whole number of 0 or more"), ("--cycles 1.5", "1.5 is not a whole number of 0 or more"),
        ("--every 0", "0 is not a whole number of 1 or more"), ("--rate 0", "0 is not a number above 0"),
        ("--rate nan", "nan is not a number above 0"), ("--hours -1", "-1 is not a number above 0"),
        ("--soak inf", "inf is not a number above 0"), ("--soak-rate x", "x is not a number above 0"),
        ("--cycles 0", "nothing is asked for"),
    ],
)  # fmt: skip
def test_numbers_that_ask_for_nothing_that_could_be_done_are_refused_with_a_sentence(
    asked: str, said: str, faults_long: Callable[[str], int], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as refused:
        faults_long(asked)
    assert refused.value.code == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("--write {file}/deeper", "Cannot write in {file}/deeper (Not a directory)"),
        ("--write {file}", "Cannot write in {file} (File exists)"),
        ("--write /proc/nowhere", "Cannot write in /proc/nowhere"), ("--logs {file}/deeper", "choose another folder with --logs"),
        ("--write {folder}", "{folder}/faults.json is no report"), ("--merge {folder}/none.json", "{folder}/none.json cannot be read"),
        ("--merge {file}", "{file} cannot be read as a report"), ("--merge {folder}/faults.json", "{folder}/faults.json is no report"),
    ],
)  # fmt: skip
def test_what_cannot_be_written_or_read_is_said_in_a_sentence_before_anything_starts(
    asked: str, said: str, faults_long: Callable[[str], int], monkeypatch: pytest.MonkeyPatch, tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.setattr(run, "campaign", lambda *_: pytest.fail("it has begun"))
    places = {"file": tmp_path / "file", "folder": tmp_path / "folder"}
    places["file"].write_text("words")
    places["folder"].mkdir()
    (places["folder"] / "faults.json").write_text('{"tests": 4}')
    with pytest.raises(SystemExit) as refused:
        faults_long(("" if "--merge" in asked else "--house one --cycles 4 ") + asked.format(**places))
    assert refused.value.code == 2
    assert said.format(**places) in capsys.readouterr().err


def test_a_house_that_was_killed_is_told_and_what_both_had_found_stays(
    faults_long: Callable[[str], int], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ends(monkeypatch, -9, outcome="stopped") == []
    assert faults_long(f"--cycles 10 --write {tmp_path}") == 1
    told = capsys.readouterr().out
    assert "8 faults, " in told
    assert "NOT DONE --house one: it ended with code -9" in told
    assert "NOT DONE --house three: it ended with code -9" in told
    assert len(json.loads((tmp_path / "faults.json").read_text())["parts"]) == 2


@pytest.mark.parametrize("code", [0, -9])
def test_a_house_that_left_no_report_is_told(
    code: int, faults_long: Callable[[str], int], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ends(monkeypatch, code)
    assert faults_long(f"--cycles 10 --write {tmp_path}") == 1
    assert "NOT DONE --house three: it left no report" in capsys.readouterr().out
    assert not (tmp_path / "faults.json").exists()


def test_of_two_faults_none_is_for_three_brokers_and_that_house_is_not_begun(
    faults_long: Callable[[str], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = ends(monkeypatch, 0, outcome="finished")
    assert faults_long("--cycles 2") == 0
    assert begun == ["one"]


@pytest.mark.parametrize("house", ["one", "both"])
def test_a_run_that_is_stopped_before_there_is_a_house_says_so_without_a_traceback(
    house: str, faults_long: Callable[[str], int], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stopped(*_: Any, **__: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(report.Begin, "now", stopped)
    monkeypatch.setattr("tests.faults.run.subprocess.Popen", stopped)
    assert faults_long(f"--house {house} --cycles 10") == 1
    assert capsys.readouterr().out.startswith("NOT DONE stopped from outside, before anything was struck")


def test_a_campaign_that_struck_nothing_is_told_with_the_reason_and_is_in_no_report(
    faults_long: Callable[[str], int], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    finds(monkeypatch, left_out=["F9: libfaketime is not installed"])
    assert faults_long(f"--house clocks --cycles 10 --seed 7 --write {tmp_path}") == 1
    said = ["LEFT OUT F9: libfaketime is not installed", "NOT DONE seed 7: 0 of 10 faults were struck, and it ended by: stopped"]
    assert capsys.readouterr().out.splitlines() == said
    assert list(tmp_path.iterdir()) == []


LEFT = ["F7: no root", "F13: no history"]


@pytest.mark.parametrize(("only", "missing"), [("", []), ("F1,F13", LEFT[1:]), ("F1,F7,F13", LEFT)])
def test_kinds_that_were_left_out_are_told_and_one_that_was_asked_for_by_its_name_is_something_not_done(
    only: str, missing: list[str], faults_long: Callable[[str], int], monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    finds(monkeypatch, cycles=STRUCK, left_out=LEFT, outcome="finished")
    assert faults_long(f"--house one --cycles 4 --seed 7 {only and '--only'} {only}") == bool(missing)
    told = capsys.readouterr().out.splitlines()
    assert [line for line in told if line.startswith("LEFT OUT")] == [f"LEFT OUT {reason}" for reason in LEFT]
    assert [line for line in told if line.startswith("NOT DONE")] == [f"NOT DONE seed 7: left out {reason}" for reason in missing]


@pytest.mark.parametrize(("outcome", "code"), [("finished", 0), ("time", 0), ("stopped", 1)])
def test_a_campaign_that_was_stopped_is_no_success(
    outcome: str, code: int, faults_long: Callable[[str], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    finds(monkeypatch, cycles=STRUCK, outcome=outcome)
    assert faults_long("--house one --cycles 10") == code


def test_a_fault_that_never_struck_anything_however_often_it_was_tried_is_told(
    faults_long: Callable[[str], int], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    finds(monkeypatch, cycles=STRUCK, missed=Counter({"F22 none left": 3, "F1 kill -9 ingest": 9, "F8 slow": 2}), outcome="finished")
    assert faults_long("--house one --cycles 4 --seed 7") == 1
    said = [line for line in capsys.readouterr().out.splitlines() if line.startswith("NOT DONE")]
    assert said == ["NOT DONE seed 7: F22 none left: of 3 strikes none could be proved to have struck anything"]


@pytest.mark.parametrize(("front_s", "code"), [([], 1), ([0.4], 0)])
def test_a_campaign_that_never_saw_anything_taken_once_all_was_healed_is_no_success(
    front_s: list[float], code: int, faults_long: Callable[[str], int], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    finds(monkeypatch, cycles=STRUCK, checks=3, front_s=front_s, outcome="finished")
    assert faults_long("--house one --cycles 4 --seed 7") == code
    said = [line for line in capsys.readouterr().out.splitlines() if line.startswith("NOT DONE")]
    assert said == ["NOT DONE seed 7: in none of 3 rounds was anything left to send when all was healed (I8)"] * code


def test_a_round_that_could_not_be_begun_is_in_the_report_although_nothing_was_struck(
    faults_long: Callable[[str], int], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    finds(monkeypatch, violations=["round 1 could not be finished: NotSettled"], outcome="violation")
    assert faults_long(f"--house one --cycles 10 --write {tmp_path}") == 1
    [part] = json.loads((tmp_path / "faults.json").read_text())["parts"]
    assert part["violations"]


def test_a_report_tells_the_commit_and_the_machine_that_its_campaign_began_with(monkeypatch: pytest.MonkeyPatch) -> None:
    begin = report.Begin("2026-11-30 00:00 UTC", "bbbbbbb", "that")
    monkeypatch.setattr(report, "commit", lambda _: pytest.fail("looked at when it was saved"))
    [part] = report.Report([report.Part(Wanted(4, 7), Found(7, cycles=Counter(STRUCK)))], begin).as_json()["parts"]
    assert (part["from"], part["commit"], part["machine"]) == ("2026-11-30 00:00 UTC", "bbbbbbb", "that")


async def test_why_a_round_could_not_be_finished_is_said_of_every_error_in_whatever_groups_they_lie() -> None:
    async def deep() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(_fails())

    with pytest.raises(ExceptionGroup) as found:
        async with asyncio.TaskGroup() as group:
            group.create_task(deep())
    assert [repr(one) for one in campaign.alone(found.value)] == ["ValueError('deep')"]
    assert [repr(one) for one in campaign.alone(ValueError("by itself"))] == ["ValueError('by itself')"]


async def _fails() -> None:
    raise ValueError("deep")
