"""`hadir policy`: what it prints and with which exit code it ends."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from services.commands.policy import app

ROOT = Path(__file__).parents[3]
PACKS = ROOT / "services/schedule/policies/golden-policies.yaml"
GOLDEN = ROOT / "tests/unit/golden/golden-cases.yaml"
CASE = """
- id: C1
  policy: POL-A
  date: 2026-02-02
  start: "07:30"
  end: "16:00"
  in: ["2026-02-02T08:05:00+07:00"]
  out: ["2026-02-02T15:20:00+07:00"]
  expect: {expected}
"""


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def tried(tmp_path: Path, text: str, *more: str) -> Result:
    file = tmp_path / "cases.yaml"
    file.write_text(text)
    return run("test", "--policies", PACKS, file, *more)


def test_every_golden_day_case_comes_out_as_the_domain_says() -> None:
    result = run("test", "--policies", PACKS, GOLDEN)

    assert result.exit_code == 0, result.output
    lines = result.output.splitlines()
    assert lines[0] == "ok G01"
    assert lines[-1] == f"{len(lines) - 1} passed, 0 failed"
    assert len(lines) == 27


def test_json_tells_the_same(tmp_path: Path) -> None:
    result = tried(tmp_path, CASE.replace("{expected}", "{codes: [TL2], percent: '2'}"), "--json")
    told = json.loads(result.output)

    assert result.exit_code == 1
    assert (told["passed"], told["failed"]) == (0, 1)
    assert told["cases"] == [{
        "id": "C1", "ok": False,
        "got": {"status": "PRESENT", "late": 35, "early": 40, "codes": ["TL2", "PSW2"], "percent": "2.00"},
        "differences": [{"field": "codes", "expected": ["TL2"], "got": ["TL2", "PSW2"]}],
    }]


@pytest.mark.parametrize(
    ("expected", "line"),
    [
        ("{late: 34}", "MISMATCH C1 late: expected 34 got 35"),
        ("{status: ABSENT}", "MISMATCH C1 status: expected ABSENT got PRESENT"),
        ("{early: null}", "MISMATCH C1 early: expected null got 40"),
        ('{percent: "1.99"}', "MISMATCH C1 percent: expected 1.99 got 2.00"),
    ],
)
def test_a_mismatch_names_case_and_field(tmp_path: Path, expected: str, line: str) -> None:
    result = tried(tmp_path, CASE.replace("{expected}", expected))

    assert result.output.splitlines() == [line, "0 passed, 1 failed"]
    assert result.exit_code == 1


@pytest.mark.parametrize("expected", ['{percent: "2"}', '{percent: "2.000"}', "{codes: [PSW2, TL2]}", "{}"])
def test_only_what_is_listed_is_compared_and_percents_as_numbers(tmp_path: Path, expected: str) -> None:
    assert tried(tmp_path, CASE.replace("{expected}", expected)).exit_code == 0


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("POL-A", "POL-Z", "cases.yaml:3: [0].policy: 'POL-Z' is not in the policies file"),
        ('"07:30"', '"7:30"', "cases.yaml:5: [0].start:"),
        ("T08:05:00+07:00", "T08:05:00", "cases.yaml:7: [0].in[0]: Input should have timezone info"),
        ("2026-02-02\n", "2026-02-30\n", "cases.yaml:4: [0].date:"),
        ("policy:", "polcy:", "cases.yaml:3: [0].polcy: unknown key"),
        ("{expected}", "{percnt: '1'}", "cases.yaml:9: [0].expect.percnt: unknown key"),
        ("{expected}", "{percent: 0.5}", "[0].expect.percent: Input should be a valid string"),
        ("  id: C1", "  id: C1\n  tz: Mars/Olympus", "cases.yaml:3: [0].tz: there is no time zone 'Mars/Olympus'"),
        ("- id: C1", "- {id: C1", "cases.yaml:"),
    ],
)
def test_a_file_that_cannot_be_read_ends_with_2_and_says_where(tmp_path: Path, old: str, new: str, sentence: str) -> None:
    text = CASE.replace("- id: C1", "-\n  id: C1").lstrip() if "tz:" in new else CASE
    result = tried(tmp_path, text.replace(old, new, 1).replace("{expected}", "{}"))

    assert result.exit_code == 2
    assert sentence in result.output.replace(f"{tmp_path}/", "")


def test_two_cases_of_one_id_are_refused(tmp_path: Path) -> None:
    case = CASE.replace("{expected}", "{}")

    result = tried(tmp_path, case + case)

    assert (result.exit_code, "'C1' is used on line 2 as well" in result.output) == (2, True)


@pytest.mark.parametrize("missing", ["policies", "cases"])
def test_a_missing_file_ends_with_2(tmp_path: Path, missing: str) -> None:
    nowhere = tmp_path / "nowhere.yaml"
    policies, cases = (nowhere, GOLDEN) if missing == "policies" else (PACKS, nowhere)

    result = run("test", "--policies", policies, cases)

    assert (result.exit_code, "nowhere.yaml: No such file or directory" in result.output) == (2, True)


def test_an_overnight_case_and_first_check_out(tmp_path: Path) -> None:
    case = """
- {id: N1, policy: POL-A, date: 2026-02-02, start: "21:00", end: "07:00", overnight: true,
   in: ["2026-02-02T21:10:00+07:00"], out: ["2026-02-03T06:50:00+07:00"],
   expect: {status: PRESENT, late: 10, early: 10, codes: [TL1, PSW1], percent: "1.00"}}
- {id: N2, policy: POL-A, date: 2026-02-02, start: "07:00", end: "08:00", overnight: true,
   in: ["2026-02-02T07:00:00+07:00"], out: ["2026-02-03T07:30:00+07:00"], expect: {early: 30, codes: [PSW1]}}
- {id: N3, policy: POL-A, date: 2026-02-02, start: "07:30", end: "16:00", out_pick: first,
   in: ["2026-02-02T07:00:00+07:00"], out: ["2026-02-02T16:10:00+07:00", "2026-02-02T15:50:00+07:00"],
   expect: {early: 10, codes: [PSW1], percent: "0.50"}}
- {id: N4, policy: POL-F, date: 2026-02-02, start: "07:30", end: "16:00",
   expect: {status: ABSENT, codes: [TK], percent: "4.50"}}
- {id: N5, policy: POL-I, date: 2026-02-02, start: "07:30", end: "16:00",
   expect: {status: ABSENT, codes: [TK], percent: "100"}}
- {id: N6, policy: POL-D, date: 2026-02-02, start: "07:30", end: "16:00", in: ["2026-02-02T07:00:00+07:00"],
   expect: {status: PRESENT, codes: [NO_OUT], percent: "0"}}
"""
    result = tried(tmp_path, case)

    assert result.output.splitlines()[-1] == "6 passed, 0 failed", result.output


def test_check_tells_what_an_officer_should_look_at_twice(tmp_path: Path) -> None:
    file = tmp_path / "packs.yaml"
    file.write_text(
        "P:\n  tk_day: '5'\n  no_in: {code: L, pct: '1.5'}\n  no_out: {code: P, pct: '1.5'}\n"
        "  tl: [{code: A, min: 1, max: 5, pct: '2'}, {code: B, min: 6, max: 9, pct: '1'}]\n"
    )

    result = run("check", file)

    assert result.exit_code == 0
    for remark in ("legal_source is missing", "together cost 3.00, a day of absence 5.00", "more than 9 minutes", "B costs less than A"):
        assert remark in result.output
    assert run("check", tmp_path / "none.yaml").exit_code == 2


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ("[{pct: '2', from_day: 4, letter: true, inpatient: false}]", "leave.sick[0].letter: day 4 of sick leave costs 2.00 with"),
        ("[{pct: '2'}, {pct: '1', letter: false}]", "leave.sick[0].letter: day 1 of sick leave costs 2.00 with a doctor's letter and 1.00"),
        ("[{pct: '2', letter: true}, {pct: '3', letter: false}]", None),
        ("[{pct: '2', from_day: 3, of: length}, {pct: '1', letter: true, reason: miscarriage}]", None),
    ],
)
def test_check_remarks_on_sick_leave_that_costs_more_with_a_letter_than_without(rows: str, told: str | None, tmp_path: Path) -> None:
    file = tmp_path / "packs.yaml"
    file.write_text(f"P: {{legal_source: Perbup Contoh, leave: {{sick: {rows}}}}}\n")

    result = run("check", file)

    assert (result.exit_code, "sick leave costs" in result.output) == (0, told is not None)
    assert told is None or told in result.output


def test_the_schema_is_json() -> None:
    schema = json.loads(run("schema").output)

    assert schema["additionalProperties"] == {"$ref": "#/$defs/Policy"}
    assert "consecutive_full" in schema["$defs"]["Policy"]["properties"]


def test_check_tells_faults_as_json_with_stable_codes(tmp_path: Path) -> None:
    file = tmp_path / "packs.yaml"
    file.write_text("P: {tk_dya: '3'}\nQ: {tk_day: '3'}\nR: {legal_source: '  '}\n")

    result = run("check", file, "--json")
    told = json.loads(result.output)

    assert (result.exit_code, told["ok"], list(told["policies"])) == (2, False, ["Q", "R"])
    assert [(fault["line"], fault["path"], fault["code"]) for fault in told["faults"]] == [(1, "P.tk_dya", "unknown_key")]
    assert [remark["code"] for remark in told["remarks"]] == ["no_source", "no_source", "tk_free"]


def test_check_says_what_is_right_while_something_else_is_wrong(tmp_path: Path) -> None:
    file = tmp_path / "packs.yaml"
    file.write_text("P: {tk_dya: '3'}\nQ: {tk_day: '3', legal_source: Perbup Contoh}\n")

    lines = run("check", file).output.splitlines()

    assert lines[0].startswith("ok Q ")
    assert lines[-1] == "1 fault; the file cannot be used before they are mended."


@pytest.mark.parametrize(
    ("bands", "tk", "sentence"),
    [
        ("tl: [{code: TL4, min: 1, max: null, pct: '3'}], psw: [{code: PSW4, min: 1, max: null, pct: '3'}]", "5",
         "TL4 and PSW4 together cost 6.00, a day of absence 5.00"),
        ("tl: [{code: TL4, min: 1, max: null, pct: '2.5'}], psw: [{code: PSW4, min: 1, max: null, pct: '2.5'}]", "5", None),
    ],
)
def test_check_compares_the_worst_late_and_early_with_a_day_of_absence(tmp_path: Path, bands: str, tk: str, sentence: str | None) -> None:
    file = tmp_path / "packs.yaml"
    file.write_text(f"P: {{tk_day: '{tk}', legal_source: Perbup Contoh, {bands}}}")

    told = run("check", file).output

    assert (sentence in told) if sentence else ("a day of absence" not in told)


def test_the_examples_are_listed_with_their_sources_and_none_is_called_official() -> None:
    told = run("list").output

    assert "POL-H" in told
    assert "Permendikdasmen 14/2025" in told
    assert "CUTI-PERMENKOP-8-2025" in told
    assert told.splitlines()[-1].endswith("None of them is the official table of any region today.")
    assert len(json.loads(run("list", "--json").output)) == 13 + 16


def test_a_pack_is_shown_with_its_bands_and_what_is_assumed() -> None:
    told = run("show", "POL-C").output

    assert "assumed     no_in: not stated in the excerpt" in told
    assert "1 and more min  TL         3.00 %" in told
    assert run("show", "POL-Z").exit_code == 2


def test_two_packs_are_compared_for_people_and_for_programs(tmp_path: Path) -> None:
    file = tmp_path / "new.yaml"
    file.write_text(PACKS.read_text().replace('tk_day: "3.00"', 'tk_day: "4.00"'))

    assert run("diff", "POL-A", f"{file}#POL-A").output.splitlines() == [
        f"POL-A → {file}#POL-A: 1 changes for people, 1 cost more, 0 cost less.",
        "  a day of absence (TK): 3.00 % → 4.00 % (more)",
    ]
    told = json.loads(run("diff", "POL-A", "POL-B", "--json").output)
    assert told["same_base"]
    assert {change["key"] for change in told["changes"]} >= {"tl", "psw", "no_in", "no_out", "tk_day"}
    assert "nothing changes for people" in run("diff", "POL-A", "POL-A").output
    assert run("diff", "POL-A", "POL-Z").exit_code == 2
