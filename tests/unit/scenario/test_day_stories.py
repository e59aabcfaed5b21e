"""Day cases become stories that say the same: played by the pure rules they come out as the cases do."""

from pathlib import Path

import pytest

from services.scenario.day_case import CaseError, read_day_cases, run_day_cases
from services.scenario.day_stories import stories
from services.scenario.pure import run
from shared.policy import load_policies

ROOT = Path(__file__).parents[3]
PACKS = load_policies(ROOT / "services/schedule/policies/golden-policies.yaml")
GOLDEN = ROOT / "tests/unit/golden/golden-cases.yaml"
OTHERS = """
- {id: FIRST-OUT, policy: POL-A, out_pick: first, date: 2026-02-02, start: "07:30", end: "16:00", in: ["2026-02-02T07:20:00+07:00"],
   out: ["2026-02-02T15:50:00+07:00", "2026-02-02T16:10:00+07:00"], expect: {early: 10, codes: [PSW1]}}
- {id: NIGHT, policy: POL-A, date: 2026-02-02, start: "21:00", end: "07:00", tz: Asia/Jayapura, in: ["2026-02-02T21:05:00+09:00"],
   out: ["2026-02-03T07:00:00+09:00"], expect: {late: 5, codes: [TL1]}}
- {id: WRONG, policy: POL-B, date: 2026-02-02, start: "07:30", end: "16:00", expect: {codes: [], percent: "1.00"}}
"""


@pytest.mark.parametrize("which", ["golden", "others"])
def test_the_stories_of_day_cases_come_out_as_the_cases_do(which: str, tmp_path: Path) -> None:
    file = GOLDEN
    if which == "others":
        file = tmp_path / "cases.yaml"
        file.write_text(OTHERS)
    cases = read_day_cases(file, PACKS)
    asked = stories(cases, PACKS)

    assert asked.cases([run(scenario, asked.packs) for scenario in asked.scenarios]) == run_day_cases(cases, PACKS)
    assert len(asked.scenarios) == len({(case.policy, case.out_pick) for case in cases})


def test_a_duty_of_more_than_a_day_is_refused_with_its_case(tmp_path: Path) -> None:
    file = tmp_path / "cases.yaml"
    file.write_text('- {id: LONG, policy: POL-A, date: 2026-02-02, start: "07:30", end: "16:00", overnight: true, expect: {}}\n')

    with pytest.raises(CaseError, match="LONG: a duty of more than a day"):
        stories(read_day_cases(file, PACKS), PACKS)
