"""The ladder as data: every step has its meaning, the shipped table is that of PP 94/2021, and PPPK may have one of its own."""

import datetime as dt
from fractions import Fraction

from services.schedule.ladders import ladders
from services.schedule.rules import LadderDay, counted, ladder
from services.schedule.rules.ladder import CONSECUTIVE_10
from shared.events import EmployeeKind
from shared.policy import Policy
from shared.policy.keys import PP_94_2021

MONDAY = dt.date(2026, 2, 2)
ABSENT = [LadderDay(MONDAY + dt.timedelta(days=n), True, True) for n in range(11)]


def test_the_shipped_table_is_the_default_of_every_rule_pack() -> None:
    assert ladders().tables["PP-94-2021"].rows == PP_94_2021


def test_every_step_of_every_table_is_named_with_its_article() -> None:
    for table in ladders().tables.values():
        for row in table.rows:
            assert ladders().steps[row.step].source


def test_the_three_cuts_are_a_quarter_for_six_nine_and_twelve_months() -> None:
    cuts = [step.cut for name, step in ladders().steps.items() if name.startswith("TPP_CUT")]

    assert [(cut.percent, cut.months) for cut in cuts if cut] == [(Fraction(25), months) for months in (6, 9, 12)]


def test_pppk_climb_the_table_that_the_pack_of_their_agency_gives_them() -> None:
    pack = Policy(ladder_by_kind={EmployeeKind.PPPK: ladders().tables["PPPK-CONTOH"].rows})

    def steps(kind: EmployeeKind) -> list[str]:
        return [reached.step for reached in ladder(ABSENT, pack, kind)]

    assert "RAISE_DELAYED_12" in steps(EmployeeKind.PPPK)
    assert "TPP_CUT_6" not in steps(EmployeeKind.PPPK)
    assert "TPP_CUT_6" in steps(EmployeeKind.PNS)


def test_a_dossier_holds_the_days_that_the_step_counts_and_no_other_year() -> None:
    older = [LadderDay(dt.date(2025, 12, 1), True, True), LadderDay(MONDAY - dt.timedelta(days=1), True, False, 40)]
    pack = Policy()
    reached = {step.step: step for step in ladder([*older, *ABSENT], pack, EmployeeKind.PNS)}

    assert [day.date for day in counted([*older, *ABSENT], pack, reached["ORAL_WARNING"])] == [day.date for day in ABSENT[:3]]
    assert len(counted([*older, *ABSENT], pack, reached["CONSECUTIVE_10"])) == 10
    minutes = Policy(convert_minutes_per_day=450)
    assert [day.minutes for day in counted([*older, *ABSENT], minutes, reached["ORAL_WARNING"])] == [40, 0, 0, 0]


def test_who_works_by_contract_climbs_no_ladder_that_his_agency_has_not_set() -> None:
    plain = Policy()
    assert plain.ladder_for(EmployeeKind.PNS) == plain.ladder_for(EmployeeKind.CPNS) == plain.ladder
    assert plain.ladder
    assert plain.ladder_for(EmployeeKind.PPPK) == plain.ladder_for(EmployeeKind.PPPK_PW) == ()
    for kind in (EmployeeKind.PPPK, EmployeeKind.PPPK_PW):
        assert ladder(ABSENT, plain, kind) == ()  # ten in a row are PP 94/2021, too
    own = Policy(ladder_by_kind={EmployeeKind.PPPK: ladders().tables["PPPK-CONTOH"].rows})
    assert CONSECUTIVE_10 in [reached.step for reached in ladder(ABSENT, own, EmployeeKind.PPPK)]
    assert ladder(ABSENT, own, EmployeeKind.PPPK_PW) == ()
