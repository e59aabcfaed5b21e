"""Stories run through the pure rules exactly as an officer runs them, and files that must be refused."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from services.commands.scenario import app

ROOT = Path(__file__).parents[3]
STORIES = ROOT / "tests" / "scenarios" / "golden-sequences.yaml"
PACKS = ROOT / "services" / "schedule" / "policies" / "golden-policies.yaml"
runner = CliRunner()


def written(folder: Path, text: str) -> Path:
    story = folder / "story.yaml"
    story.write_text(text)
    return story


def tried(story: Path, *options: str) -> tuple[int, str]:
    result = runner.invoke(app, ["test", str(story), "--policies", str(PACKS), *options])
    return result.exit_code, result.output


def test_every_golden_sequence_comes_out_as_the_domain_says() -> None:
    code, output = tried(STORIES)

    assert output.splitlines()[-1] == "22 passed, 0 failed"
    assert code == 0


OTHERS = [file for file in sorted(STORIES.parent.glob("*.yaml")) if file.stem not in {"golden-sequences", "packs"}]


@pytest.mark.parametrize("story", OTHERS, ids=lambda file: file.stem)
def test_every_other_story_comes_out_as_worked_out_by_hand(story: Path) -> None:
    packs = {"day-rules": story.parent / "packs.yaml", "tables": PACKS.parent / "example-packs.yaml"}.get(story.stem, PACKS)
    result = runner.invoke(app, ["test", str(story), "--policies", str(packs)])
    lines = result.output.splitlines()

    assert lines[:-1], result.output
    assert lines[-1] == f"{len(lines) - 1} passed, 0 failed", result.output
    assert result.exit_code == 0


def test_there_is_a_story_for_each_of_the_users_texts_and_each_known_disaster() -> None:
    assert {file.stem for file in OTHERS} == {
        *(f"seed-00{number}" for number in range(5)), "batola-2019", "soppeng-2022", "karawang-2021", "dki-2019", "ten-in-a-row",
        "month-close", "day-rules", "tables",
    }


@pytest.mark.parametrize(
    ("right", "wrong", "field"),
    [
        ('raw_percent: "10.75"', 'raw_percent: "10.50"', "months[e1 2026-02].raw_percent: expected 10.50 got 10.75"),
        ("amount: 564375", "amount: 564374", "months[e1 2026-02].amount: expected 564374 got 564375"),
        ("step: STATEMENT", "step: TPP_CUT_6", "ladder[e1]"),
        ("codes: [MISSED_BREAK]", "codes: []", "days[e1 2026-02-02].codes"),
        ("status: HOLIDAY", "status: OFF", "days[e1 2026-02-17].status: expected OFF got HOLIDAY"),
    ],
)
def test_a_wrong_expectation_is_told_with_its_field(tmp_path: Path, right: str, wrong: str, field: str) -> None:
    [told] = [text for text in STORIES.read_text().split("\n---\n") if right in text][:1]
    story = written(tmp_path, told.replace(right, wrong, 1))

    code, output = tried(story)

    assert code == 1
    assert any(line.startswith("MISMATCH ") and field in line for line in output.splitlines())
    assert output.splitlines()[-1] == "0 passed, 1 failed"


def test_a_case_that_differs_in_several_fields_is_still_one_line(tmp_path: Path) -> None:
    [told] = [text for text in STORIES.read_text().split("\n---\n") if "id: A10\n" in text]
    story = written(tmp_path, told.replace('raw_percent: "10.75", percent: "10.75"', 'raw_percent: "1", percent: "2"', 1))

    _, output = tried(story)

    [line] = [line for line in output.splitlines() if line.startswith("MISMATCH")]
    assert line == ("MISMATCH A10 months[e1 2026-02].raw_percent: expected 1.00 got 10.75; "
                    "months[e1 2026-02].percent: expected 2.00 got 10.75")


def test_json_tells_the_same_as_the_lines() -> None:
    code, output = tried(STORIES, "--json")
    told = json.loads(output)

    assert (code, told["passed"], told["failed"]) == (0, 22, 0)
    assert told["cases"][0] == {
        "id": "A01", "ok": True, "differences": [], "got": {
            "days": [{"employee": "e1", "date": "2026-02-17", "status": "HOLIDAY", "late": None, "early": None,
                      "codes": [], "percent": "0.00"}],
            "months": [{"employee": "e1", "month": "2026-02", "raw_percent": "0.00", "percent": "0.00", "amount": 0}],
        },
    }


MINIMAL = """\
scenario: 1
id: X
policies: [{from: 2026-02-02, policy: POL-A}]
employees: [{id: e1, tpp: 1000000}]
week: {mon: ["07:30", "16:00"]}
arrivals:
  - {check_in: c1, employee: e1, mark: in, at: "2026-02-02T07:25:00+07:00"}
"""


@pytest.mark.parametrize(
    ("right", "wrong", "told"),
    [
        ("POL-A", "POL-Z", "story.yaml:3: policies[0].policy: 'POL-Z' is not in the policies file"),
        ("mark: in", "mark: sideways", "story.yaml:7: arrivals[0].mark"),
        ("+07:00", "", "story.yaml:7: arrivals[0].at"),
        ("employee: e1", "employee: e2", "employee 'e2' is not in this file"),
        ("check_in", "chekin", "story.yaml:7: arrivals[0]: no arrival begins with these keys"),
        ("scenario: 1", "scenario: 2", "story.yaml:1: scenario"),
        ("week:", "weeks:", "story.yaml:5: weeks"),
        ("week:", "timezone: Asia/Jakrta\nweek:", "story.yaml:5: timezone: Value error, 'Asia/Jakrta' is no time zone"),
        ("}]\nemployees", "}, {from: 2026-02-02, policy: POL-B}]\nemployees", "first date of a policy 2026-02-02 stands there 2"),
        ("tpp: 1000000}]", "tpp: 1000000}, {id: e1, tpp: 2}]", "the employee e1 stands there 2 times"),
        ("arrivals:", "roster: [{employee: e1, date: 2026-02-08, mode: WFO}]\narrivals:", "e1 on 2026-02-08 has no hours"),
        ("arrivals:", "arrivals:\n  - {now: '9999-12-31T00:00:00Z'}", "story.yaml:7: arrivals[0].now"),
        ("arrivals:", "arrivals:\n  - {letter: s, activity: hall, employees: [], from: 2026-02-02, to: 2026-02-02}",
         "story.yaml:7: arrivals[0].employees"),
        ("arrivals:", "arrivals:\n  - {leave: l, employee: e1, kind: annual, from: 2026-02-03, to: 2026-02-02}", "to is before from"),
        ("arrivals:", "sites: [{id: s, lat: 91, lon: 200, radius_m: -5}]\narrivals:", "story.yaml:6: sites[0].lat"),
        ("arrivals:", "expect: {days: [{employee: e1, date: 2026-02-02, status: ABSNT}]}\narrivals:", "expect.days[0].status"),
        ("arrivals:", "expect: {days: [{employee: e1, date: 2026-02-02, percent: three}]}\narrivals:",
         "story.yaml:6: expect.days[0].percent"),
        ("week: {mon", "week: {mon: [], mon", "the key 'mon' is written twice"),
        ("[{id: e1, tpp: 1000000}]", "[", "story.yaml:"),
    ],
)
def test_a_file_that_cannot_be_read_names_file_line_and_reason(tmp_path: Path, right: str, wrong: str, told: str) -> None:
    story = written(tmp_path, MINIMAL.replace(right, wrong, 1))

    code, output = tried(story)

    assert code == 2
    assert told in output


def test_every_roster_row_of_a_story_overrides_the_calendar_also_one_without_hours(tmp_path: Path) -> None:
    story = written(tmp_path, MINIMAL + "  - {now: '2026-02-03T23:00:00+07:00'}\ncalendar: {holidays: [2026-02-02, 2026-02-03]}\n"
                     "roster: [{employee: e1, date: 2026-02-02, mode: WFO}]\nexpect:\n"
                     "  days: [{employee: e1, date: 2026-02-02, status: PRESENT}, {employee: e1, date: 2026-02-03, status: HOLIDAY}]\n")

    assert tried(story) == (0, "ok X\n1 passed, 0 failed\n")


@pytest.mark.parametrize(("until", "codes"), [("2026-02-02", "[]"), ("'2026-02-02T22:00:00+07:00'", "[PSW4]")])
def test_the_place_of_a_letter_for_whole_dates_holds_for_the_check_out_of_its_last_night(tmp_path: Path, until: str, codes: str) -> None:
    story = written(tmp_path, MINIMAL.replace("07:25", "20:55")
                     + "  - {check_in: c2, employee: e1, mark: out, at: '2026-02-03T07:02:00+07:00', place: s}\n"
                     f"  - {{letter: s, activity: hall, employees: [e1], from: 2026-02-02, to: {until}}}\n"
                     "  - {now: '2026-02-03T23:00:00+07:00'}\n"
                     "roster: [{employee: e1, date: 2026-02-02, mode: WFO, start: '21:00', end: '07:00'}]\n"
                     f"expect: {{days: [{{employee: e1, date: 2026-02-02, status: PRESENT, codes: {codes}}}]}}\n")

    assert tried(story) == (0, "ok X\n1 passed, 0 failed\n")


def test_words_that_other_yaml_readers_take_for_booleans_stay_words(tmp_path: Path) -> None:
    story = written(tmp_path, MINIMAL + "  - {now: '2026-02-02T23:00:00+07:00'}\nexpect:\n  ladder: []\n"
                     "  days: [{employee: e1, date: 2026-02-02, status: PRESENT, codes: [PSW4]}]\n"
                     "roster: [{employee: e1, date: 2026-02-03, mode: OFF}]\n")

    assert tried(story) == (0, "ok X\n1 passed, 0 failed\n")
