"""The rule pack: the golden packs load unchanged, and every slip in a file is told with line and key."""

import datetime as dt
import re
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from shared.events import EmployeeKind
from shared.policy import Policy, PolicyError, check_policies, load_policies, policy_id
from shared.policy.leave import LeaveDay
from shared.policy.schema import policy_file_schema
from shared.policy.wording import EN, ID, Words

GOLDEN = Path(__file__).parents[3] / "services/schedule/policies/golden-policies.yaml"
BANDS = '[{code: A, min: 1, max: 30, pct: "0.50"}, {code: B, min: 31, max: null, pct: "1.00"}]'


def loaded(tmp_path: Path, text: str) -> dict[str, Policy]:
    file = tmp_path / "packs.yaml"
    file.write_text(text)
    return load_policies(file)


def refused(tmp_path: Path, text: str) -> str:
    with pytest.raises(PolicyError) as error:
        loaded(tmp_path, text)
    return str(error.value).replace(f"{tmp_path}/", "")


def test_the_golden_packs_load_and_come_back_from_their_content() -> None:
    packs = load_policies(GOLDEN)

    assert [name for name in packs if name != "POL-A-STRICT"] == [f"POL-{letter}" for letter in "ABCDEFGHIJKL"]
    for policy in packs.values():
        again = Policy.from_content(policy.content())
        assert again == policy
        assert policy_id(again) == policy.identity


def test_a_pack_inherits_whole_keys_and_replaces_its_own() -> None:
    packs = load_policies(GOLDEN)

    assert packs["POL-A-STRICT"].tl == packs["POL-A"].tl
    assert (packs["POL-E"].base, packs["POL-E"].weight) == ("discipline_component", Fraction(2, 5))
    assert packs["POL-E"].tk_day == 3


def test_absent_keys_have_the_defaults_of_the_format(tmp_path: Path) -> None:
    policy = loaded(tmp_path, "P: {}")["P"]

    assert [policy.seconds, policy.out_pick, policy.base] == ["stamp_floor", "last", "total_tpp"]
    assert [policy.no_in.code, policy.no_out.code] == ["TL4", "PSW4"]
    assert [policy.no_in.pct, policy.tk_day, policy.cap] == [0, 0, 100]
    assert policy.tl_band(5) is None
    assert policy.convert_minutes_per_day is None
    assert policy.final_after_minutes == 240


@pytest.mark.parametrize(("minutes", "code"), [(0, None), (1, "TL1"), (30, "TL1"), (31, "TL2"), (90, "TL3"), (91, "TL4"), (999, "TL4")])
def test_a_band_holds_both_its_edges(minutes: int, code: str | None) -> None:
    band = load_policies(GOLDEN)["POL-A"].tl_band(minutes)

    assert (band and band.code) == code


def test_equal_rules_have_one_identity_however_they_are_written(tmp_path: Path) -> None:
    packs = loaded(tmp_path, 'A: {tk_day: "3.00", cap: "100"}\nB: {tk_day: "3", tl: []}\nC: {tk_day: "3.01"}')

    assert packs["A"].identity == packs["B"].identity != packs["C"].identity


def test_a_changed_copy_has_its_own_identity() -> None:
    policy = load_policies(GOLDEN)["POL-A"]
    before = policy.identity

    assert policy.model_copy(update={"out_pick": "first"}).identity != before


def test_a_table_by_group_is_silent_of_a_group_that_neither_it_nor_the_single_price_names() -> None:
    by_group = {"tk_day_by_group": {"pelaksana": "1.50"}, "apel_by_group": {"pelaksana": "1.00"}}

    assert Policy.from_content(by_group).silent_of("fungsional") == ("tk_day_by_group", "apel_by_group")
    assert Policy.from_content(by_group).silent_of("pelaksana") == ()
    assert Policy.from_content({**by_group, "tk_day": "3.00"}).silent_of("fungsional") == ("apel_by_group",)
    assert Policy.from_content({"tk_day": "3.00"}).silent_of("fungsional") == ()


def test_tables_by_group_come_before_the_single_percent() -> None:
    policy = load_policies(GOLDEN)["POL-D"]

    assert [policy.tk_percent("pelaksana"), policy.tk_percent("nobody")] == [Fraction(3, 2), 0]
    assert policy.apel_price("functional").percent == 2


def test_a_kind_without_its_own_ladder_has_that_of_the_pns() -> None:
    policy = Policy.from_content({"ladder_by_kind": {"PPPK": [{"days": 5, "step": "ORAL_WARNING"}]}})

    assert [row.days for row in policy.ladder_for(EmployeeKind.PPPK)] == [5]
    assert [row.days for row in policy.ladder_for(EmployeeKind.CPNS)] == [3, 4, 7, 11, 14, 17, 21, 25, 28]


def a_day(nth: int) -> LeaveDay:
    """The nth day of a leave of thirty days on all of which work is owed."""
    since = dt.date(2026, 2, 2)
    return LeaveDay(since + dt.timedelta(days=nth - 1), since, since + dt.timedelta(days=29), nth, 30)


def test_the_leave_table_takes_the_last_row_that_fits() -> None:
    rows = [{"pct": "2.00", "from_day": 4}, {"pct": "0", "inpatient": True, "to_day": 25}]
    policy = Policy.from_content({"leave": {"sick": rows}, "sakit_day": "1.00"})

    def percent(nth: int, inpatient: bool | None) -> Fraction:
        return policy.leave_price("sick", a_day(nth), letter=None, inpatient=inpatient).percent

    assert [percent(3, None), percent(4, None), percent(4, True), percent(26, True)] == [1, 2, 0, 2]
    assert policy.leave_price("annual", a_day(1), letter=None, inpatient=None).percent == 0


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("P:\n  tk_dya: '3'", "packs.yaml:2: P.tk_dya: unknown key"),
        ("P:\n  tk_day: 0.5", 'packs.yaml:2: P.tk_day: a percent is a quoted decimal such as "0.50", not 0.5'),
        ("P: {tk_day: 3}", "P.tk_day: a percent is a quoted decimal"),
        ("P: {tk_day: '-3'}", "P.tk_day: '-3' is not a decimal"),
        ("P: {tk_day: '1/2'}", "P.tk_day: '1/2' is not a decimal"),
        ("P: {tk_day: ' 3'}", "P.tk_day: ' 3' is not a decimal"),
        ("P: {tk_day: '1e1'}", "P.tk_day: '1e1' is not a decimal"),
        ("P: {tk_day: true}", "P.tk_day: a percent is a quoted decimal"),
        ("P: {tk_day: '101'}", "P.tk_day: 101.00 is over the cap of 100.00"),
        ("P: {tk_day: '30', cap: '25'}", "P.tk_day: 30.00 is over the cap of 25.00"),
        ("P: {cap: '101'}", "P.cap: the cap is at most 100"),
        ("P:\n  tl:\n  - {code: A, min: 1, max: 30, pct: '1'}\n  - {code: B, min: 32, max: null, pct: '2'}",
         "packs.yaml:4: P.tl[1].min: a gap: minutes 31 to 31 are in no band"),
        ("P: {psw: [{code: A, min: 1, max: 30, pct: '1'}, {code: B, min: 30, max: 60, pct: '2'}]}",
         "P.psw[1].min: an overlap: minute 30 is in the band before as well"),
        ("P: {tl: [{code: A, min: 1, max: null, pct: '1'}, {code: B, min: 31, max: 60, pct: '2'}]}",
         "P.tl[0].max: only the last band may be open"),
        ("P: {tl: [{code: A, min: 9, max: 3, pct: '1'}]}", "P.tl[0].max: the band ends at 3, before it begins at 9"),
        ("P: {tl: [{code: A, min: 0, max: 3, pct: '1'}]}", "P.tl[0].min: 0 is too small: at least 1; write 1 or more"),
        ("P: {tl: [{code: A, min: '1', max: 3, pct: '1'}]}", "P.tl[0].min: '1' is not a whole number; write digits without quotes"),
        ("P: {tl: [{code: A, min: 1, pct: '1'}]}", "P.tl[0].max: is missing"),
        ("P: {weight: '0.4'}", "P.weight: weight goes with base discipline_component only"),
        ("P: {base: discipline_component}", "P.weight: base discipline_component needs its weight"),
        ("P: {base: discipline_component, weight: '40'}", "P.weight: weight is a share"),
        ("P: {base: salary}", "P.base: 'salary' is none of the words that are known here; write one of: total_tpp, discipline_component"),
        (f"P: {{late_any: '25', tl: {BANDS}}}", "P.late_any: give either late_any or tl, not both"),
        ("P: {tk_steps: [{days: 2, pct: '5'}, {days: 2, pct: '9'}]}", "P.tk_steps[1].days: days must rise"),
        ("P: {tk_steps: [{days: 1, pct: '9'}, {days: 2, pct: '5'}]}", "P.tk_steps[1].pct: more days may not cost less"),
        ("P: {marks: [in, break]}", "P.marks: marks are in and out"),
        ("P: {in_window: {close: 7h}}", "P.in_window.close:"),
        ("P: {leave: {holiday: []}}", "P.leave.holiday"),
        ("P: {split: {fixed: '0.7', performance: '0.1', attendance: '0.1'}}", "P.split: fixed, performance and attendance"),
        ("P: {extends: Q}", "P.extends: there is no policy 'Q' in this file"),
        ("P: {extends: Q}\nQ: {extends: P}", "extends itself"),
        ("P: {seconds: strict}\nQ:\n  extends: P\n  cap: '1'\n  tk_day: '3'",
         "packs.yaml:5: Q.tk_day: 3.00 is over the cap of 1.00 (line 4, Q.cap)"),
        ("Q: {extends: P, cap: '1'}\nP:\n  tk_day: '3'",
         "packs.yaml:3: P.tk_day: in Q, which takes this key from P: 3.00 is over the cap of 1.00 (line 1, Q.cap); lower it"),
        ("P: {tk_day: '3'}\nP: {tk_day: '4'}", "packs.yaml:2: the key 'P' is written twice"),
        ("P:\n  cap: '1'\n  cap: '2'", "packs.yaml:3: the key 'cap' is written twice"),
        ("- P", "packs.yaml:1: a policy file is a mapping"),
        ("P: 3", "packs.yaml:1: P: a policy is a mapping of keys"),
        ("P: {cap: [", "packs.yaml:"),
        ("", "packs.yaml: holds 0 YAML documents"),
    ],
)
def test_a_slip_is_told_with_its_line_and_key(tmp_path: Path, text: str, sentence: str) -> None:
    assert sentence in refused(tmp_path, text)


def test_all_slips_of_a_file_are_told_at_once(tmp_path: Path) -> None:
    told = refused(tmp_path, "P: {cap: 1, tk_dya: '3'}\nQ: {base: salary}\nR: {weight: '1'}").splitlines()

    assert [line.split(": ")[1] for line in told] == ["P.cap", "P.tk_dya", "Q.base", "R.weight"]


def test_a_missing_file_is_told_by_its_name(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match=r"packs\.yaml: No such file"):
        load_policies(tmp_path / "packs.yaml")


@pytest.mark.parametrize("content", [{"tk_dya": "3"}, {"cap": 0.5}, {"tk_day": "300"}])
def test_content_from_the_wire_is_checked_like_a_file(content: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Policy.from_content(content)


def test_the_schema_documents_every_key() -> None:
    schema = policy_file_schema()

    for name, definition in schema["$defs"].items():
        for key, value in definition.get("properties", {}).items():
            assert value.get("description"), f"{name}.{key} has no description"
    assert set(Policy.model_fields) < set(schema["$defs"]["Policy"]["properties"])


MANY = """\
P:
  cap: 1
  tk_dya: '3'
  tl:
  - {code: A, min: 1, max: 30, pct: 1}
  - {code: B, min: 32, max: null, pct: '2'}
  in_window: {close: 7h}
  leave: {sickk: []}
Q: {extends: P, base: salary, weight: '0.4'}
R:
  extends: S
  cap: '1'
S:
  tk_day: '3'
  marks: [in, in]
"""


def faults(tmp_path: Path, text: str) -> list[tuple[int | None, str, str, tuple[str, ...]]]:
    file = tmp_path / "packs.yaml"
    file.write_text(text)
    return [(fault.line, fault.path, fault.code, fault.packs) for fault in check_policies(file).faults]


def test_a_fault_across_keys_is_told_beside_faults_in_single_keys_and_inherited_ones_where_they_stand(tmp_path: Path) -> None:
    assert faults(tmp_path, MANY) == [
        (2, "P.cap", "percent_not_text", ("P", "Q")),
        (3, "P.tk_dya", "unknown_key", ("P", "Q")),
        (5, "P.tl[0].pct", "percent_not_text", ("P", "Q")),
        (6, "P.tl[1].min", "gap", ("P", "Q")),
        (7, "P.in_window.close", "not_moment", ("P", "Q")),
        (8, "P.leave.sickk", "unknown_key", ("P", "Q")),
        (9, "Q.base", "not_one_of", ("Q",)),
        (14, "S.tk_day", "over_cap", ("R",)),
        (15, "S.marks", "marks_wrong", ("R", "S")),
    ]


def test_a_key_that_is_faulty_itself_is_not_compared_with_others(tmp_path: Path) -> None:
    bands = "[{code: A, min: x, max: 9, pct: '1'}, {code: B, min: 99, max: null, pct: '1'}]"
    told = faults(tmp_path, f"P: {{base: salary, weight: '0.4', tl: {bands}}}")

    assert [code for _, _, code, _ in told] == ["not_one_of", "not_whole"]


@pytest.mark.parametrize("code", sorted(EN))
def test_every_fault_is_told_in_both_languages_with_the_same_values(code: str) -> None:
    def places(words: Words) -> set[str]:
        return set(re.findall(r"{(\w+)", words.sentence + words.advice))

    assert places(EN[code]) == places(ID[code])
    assert EN[code].sentence != ID[code].sentence


def test_no_fault_is_told_in_the_words_of_the_library(tmp_path: Path) -> None:
    text = (
        "P: {seconds: 1, tl: 3, psw: [4], no_in: 5, tk_day_by_group: 6, tk_steps: [{days: 0, pct: '1'}], minutes_per_day: {five_day: 1.5},"
        " marks: [lunch], cap: null, ladder: {}, evidence_required: [X], flex_minutes: -1, split: [], title: '', legal_source: 3,"
        " effective_from: 3, compensation: {max_minutes: 99999}, ladder_by_kind: {X: []}, leave: {sick: 3}, month_close_day: '3',"
        " out_window: {after_close: never, opne: 1}, reach: null, accuracy: {cap_m: true}, assumed: {tk_day: 1}}"
    )
    told = refused(tmp_path, text)

    assert len(told.splitlines()) >= 24
    for words in ("Input should", "valid integer", "validation error", "Extra inputs", "pydantic", "type="):
        assert words not in told
    for line in told.splitlines():
        assert re.fullmatch(r"packs\.yaml:\d+: P\.[\w.\[\]]+: [^;]+; .+", line), line


def test_a_typo_is_answered_with_the_key_that_was_meant(tmp_path: Path) -> None:
    assert "P.tk_dya: unknown key; did you mean tk_day?" in refused(tmp_path, "P: {tk_dya: '3'}")
    assert "P.tl[0].cod: unknown key; did you mean code?" in refused(tmp_path, "P: {tl: [{cod: A, min: 1, max: null, pct: '1'}]}")


def test_dates_are_dates_and_a_pack_ends_after_it_begins(tmp_path: Path) -> None:
    pack = loaded(tmp_path, "P: {effective_from: 2026-01-01, effective_until: '2026-12-31'}")["P"]

    assert pack == Policy.from_content(pack.content())
    backwards = "P: {effective_from: 2026-01-02, effective_until: 2026-01-01}"
    assert "P.effective_until: effective_until is before" in refused(tmp_path, backwards)
    assert "P.effective_from: 20260101 is not a date" in refused(tmp_path, "P: {effective_from: 20260101}")


def test_the_shipped_examples_say_where_they_come_from_and_how_sure_that_is_and_claim_no_region_of_the_news() -> None:
    packs = load_policies(GOLDEN)

    assert all(policy.confidence and policy.title for policy in packs.values())
    assert [name for name, policy in packs.items() if policy.legal_source is None] == ["POL-G"]
    for policy in packs.values():
        claims = f"{policy.title} {policy.legal_source}".lower()
        assert not any(region in claims for region in ("bengkulu", "jabar", "jawa barat", "rejang lebong"))
    assert set(packs["POL-C"].assumed) == {"no_in", "no_out"}
