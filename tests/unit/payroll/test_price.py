"""What a finding costs under a policy: domain.md §3.5, §7.2."""

from collections.abc import Callable
from fractions import Fraction
from typing import TypeAlias
from uuid import UUID

import pytest

from services.payroll.rules import price, priced_day
from shared.events import DayAssessed, DayStatus, Finding, FindingKind
from shared.policy import Policy

Assessed: TypeAlias = Callable[..., DayAssessed]
ABSENT = Finding(kind=FindingKind.ABSENT, code="TK")
APEL = Finding(kind=FindingKind.APEL, code="APEL")
NO_IN = Finding(kind=FindingKind.NO_IN, code="TL4")
NO_OUT = Finding(kind=FindingKind.NO_OUT, code="PSW4")


def minutes(kind: FindingKind, count: int) -> Finding:
    return Finding(kind=kind, code="X", minutes=count)


def finding(kind: FindingKind, **fields: object) -> Finding:
    return Finding.model_validate({"kind": kind, "code": "X"} | fields)


@pytest.mark.parametrize(
    ("pack", "group", "findings", "percent"),
    [
        pytest.param("POL-A", "pelaksana", [minutes(FindingKind.LATE, 30)], "0.50", id="thirty minutes late are TL1"),
        pytest.param("POL-A", "pelaksana", [minutes(FindingKind.LATE, 31)], "1.00", id="thirty-one are TL2"),
        pytest.param("POL-A", "pelaksana", [minutes(FindingKind.LATE, 35), minutes(FindingKind.EARLY, 40)], "2.00",
                     id="G15: late and early the same day add up"),
        pytest.param("POL-A", "pelaksana", [NO_IN], "1.50", id="a missing check-in costs no_in"),
        pytest.param("POL-A", "pelaksana", [NO_OUT], "1.50", id="G16: a missing check-out costs no_out"),
        pytest.param("POL-A", "pelaksana", [ABSENT], "3.00", id="G18: an absence costs TK once"),
        pytest.param("POL-G", "pelaksana", [ABSENT], "5.00", id="G19: the app table's TK"),
        pytest.param("POL-G", "pelaksana", [minutes(FindingKind.LATE, 12)], "0", id="a tolerance band costs nothing"),
        pytest.param("POL-C", "pelaksana", [minutes(FindingKind.LATE, 5), minutes(FindingKind.EARLY, 10)], "6.00", id="G35: DKI 3 + 3"),
        pytest.param("POL-L", "pelaksana", [minutes(FindingKind.LATE, 1)], "4.00", id="G34: Samarinda's flat 4"),
        pytest.param("POL-L", "pelaksana", [finding(FindingKind.LEFT)], "4.00", id="leaving during hours in Samarinda"),
        pytest.param("POL-K", "pelaksana", [minutes(FindingKind.LATE, 90)], "0", id="below the first band nothing"),
        pytest.param("POL-D", "functional", [APEL], "2.00", id="A16: a functional officer misses apel"),
        pytest.param("POL-D", "pelaksana", [APEL], "1.00", id="a pelaksana misses apel"),
        pytest.param("POL-D", "pelaksana", [ABSENT], "1.50", id="A16: a pelaksana is absent"),
        pytest.param("POL-D", "pelaksana", [ABSENT, APEL], "1.50", id="A16: absent and apel missed is TK only"),
        pytest.param("POL-D", "pelaksana", [NO_IN], "0", id="Kalsel has no minute rules"),
        pytest.param("POL-E", "pelaksana", [APEL], "2.00", id="Sumsel's apel for every group"),
        pytest.param("POL-F", "pelaksana", [ABSENT], "0", id="under tk_steps the fold charges the step"),
        pytest.param("POL-I", "pelaksana", [minutes(FindingKind.LATE, 1)], "25", id="PPU: any lateness 25 of the day"),
        pytest.param("POL-I", "pelaksana", [minutes(FindingKind.EARLY, 300)], "25", id="PPU: any early leaving 25 of the day"),
        pytest.param("POL-I", "pelaksana", [finding(FindingKind.LEFT)], "50", id="PPU: away in hours 50 of the day"),
        pytest.param("POL-C", "pelaksana", [finding(FindingKind.IZIN)], "3.00", id="DKI: izin"),
        pytest.param("POL-C", "pelaksana", [finding(FindingKind.SICK, leave="sick", nth_day=1)], "2.50", id="DKI: sick"),
        pytest.param("POL-A", "pelaksana", [finding(FindingKind.MISSED_BREAK)], "0", id="A05: a missed break costs nothing"),
        pytest.param("POL-A", "pelaksana", [finding(FindingKind.FRAUD), ABSENT], "3.00", id="A25: FAKE_GPS itself costs nothing"),
        pytest.param("POL-A", "pelaksana", [finding(FindingKind.OUTSIDE), NO_IN], "1.50", id="A33: the void mark is what costs"),
    ],
)
def test_a_day_costs_what_its_policy_says(
    packs: dict[str, Policy], assessed: Assessed, pack: str, group: str, findings: list[Finding], percent: str
) -> None:
    policy = packs[pack]
    day = assessed(2, policy, *findings, group=group)
    lines = price(day, policy)
    assert sum((line.percent for line in lines), Fraction(0)) == Fraction(percent)
    assert all(line.percent > 0 for line in lines)


OUTPATIENT = Policy.from_content(
    {  # Permenkop 8/2025 Art. 17
        "base": "discipline_component", "weight": "0.40", "sakit_day": "0",
        "leave": {
            "sick": [
                {"pct": "2.00", "from_day": 4, "inpatient": False, "letter": True},
                {"pct": "2.00", "from_day": 26, "inpatient": True},
            ],
            "important": [{"pct": "2.00", "from_day": 4}],
        },
    }
)


@pytest.mark.parametrize(
    ("leave", "percent"),
    [
        pytest.param({"leave": "sick", "nth_day": 3, "letter": True, "inpatient": False}, "0", id="outpatient, day 3"),
        pytest.param({"leave": "sick", "nth_day": 4, "letter": True, "inpatient": False}, "2.00", id="A30: outpatient from day 4"),
        pytest.param({"leave": "sick", "nth_day": 25, "inpatient": True}, "0", id="inpatient, 25 days free"),
        pytest.param({"leave": "sick", "nth_day": 26, "inpatient": True}, "2.00", id="inpatient from day 26"),
        pytest.param({"leave": "important", "nth_day": 5}, "2.00", id="important leave from day 4"),
        pytest.param({"leave": "annual", "nth_day": 5}, "0", id="annual leave has no row"),
    ],
)
def test_a_leave_day_costs_by_the_table_of_its_kind(assessed: Assessed, leave: dict[str, object], percent: str) -> None:
    kind = FindingKind.SICK if leave["leave"] == "sick" else FindingKind.LEAVE
    day = assessed(2, OUTPATIENT, finding(kind, **leave), status=DayStatus.LEAVE)
    assert sum((line.percent for line in price(day, OUTPATIENT)), Fraction(0)) == Fraction(percent)


def test_a_ceremony_a_proof_of_presence_and_a_kind_of_employee_have_prices_of_their_own(assessed: Assessed) -> None:
    policy = Policy.from_content({
        "apel": "1.00", "ceremony": "2.00", "missed_presence": "0.75",
        "left_during_hours": "15.00", "left_during_hours_by_kind": {"PPPK_PW": "5.00"},  # Perwali Bontang 31/2025 (A34)
    })
    ceremony = finding(FindingKind.APEL, code="CEREMONY")
    proof = finding(FindingKind.NO_EVIDENCE, code="NO_PRESENCE")
    left = finding(FindingKind.LEFT)

    def costs(*findings: Finding, kind: str = "PNS", pack: Policy = policy) -> list[Fraction]:
        return [line.percent for line in price(assessed(2, pack, *findings, employee_kind=kind), pack)]

    assert costs(ceremony, finding(FindingKind.APEL), proof) == [2, 1, Fraction("0.75")]
    assert [*costs(left), *costs(left, kind="PPPK_PW")] == [15, 5]
    assert costs(ceremony, pack=Policy.from_content({"apel": "1.00"})) == [1]


def test_a_missing_work_report_costs_only_where_the_policy_says_so(assessed: Assessed) -> None:
    policy = Policy.from_content({"missed_work_report": "1.00"})
    report = Finding(kind=FindingKind.NO_EVIDENCE, code="NO_WORK_REPORT")
    photo = Finding(kind=FindingKind.NO_EVIDENCE, code="NO_EVIDENCE")
    assert [line.code for line in price(assessed(2, policy, report, photo), policy)] == ["NO_WORK_REPORT"]


def test_minutes_of_a_day_that_is_excused_or_not_decided_are_not_counted(assessed: Assessed) -> None:
    policy = Policy.from_content({})
    for status, expected in ((DayStatus.PRESENT, 45), (DayStatus.PENDING, 45), (DayStatus.LEAVE, 0), (DayStatus.HELD, 0)):
        day = assessed(2, policy, status=status, late=40, early=5)
        assert priced_day(day, policy).minutes == expected


def test_a_priced_day_keeps_the_policy_that_priced_it(packs: dict[str, Policy], assessed: Assessed) -> None:
    day = priced_day(assessed(2, packs["POL-A"], ABSENT), packs["POL-A"])
    assert isinstance(day.policy_id, UUID)
    assert day.policy_id == packs["POL-A"].identity
    assert day.absent
