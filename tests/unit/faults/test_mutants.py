"""The province of the mutants has what each of their faults needs, and a month for which cap before sum is neither right nor no cap."""

import pytest

from services.simulator.behaviour import plan
from services.simulator.truth import of_month
from tests.faults.mutants import LOW_CAP_SAYS, MUTANTS, PROVINCE, STRIKES, chosen, low_cap
from tests.faults.rested import parts


def test_mutants_are_chosen_by_their_names_and_a_name_that_none_has_is_refused() -> None:
    assert chosen("") == MUTANTS
    assert [mutant.name for mutant in chosen("noack-off,any-order")] == ["any-order", "noack-off"]
    with pytest.raises(ValueError, match="no mutant is called no-such, other"):
        chosen("any-order,other,no-such")


def test_each_fault_has_somebody_who_comes_and_goes() -> None:
    found = parts(PROVINCE, len(STRIKES))

    assert all(part.first for part in found)
    for part in found:
        assert {arrival.plan.person for arrival in part.first} <= {arrival.plan.person for arrival in part.rest}


def test_somebody_owes_neither_what_is_right_nor_what_no_cap_would_take_when_lines_are_capped_before_they_are_added() -> None:
    with low_cap():
        days = [plan(PROVINCE, person, PROVINCE.first_day) for person in PROVINCE.people() if person.unit.pack == "POL-A"]
        [month] = [of_month([day]) for day in days if (day.late or 0) > 60 and (day.early or 0) > 60]

    line = min(month.raw_hundredths // 2, month.hundredths)  # as late as early
    assert month.hundredths < 2 * line < month.raw_hundredths
    assert f"the services say {2 * line / 100:.2f} % raw, {2 * line / 100:.2f} %" == LOW_CAP_SAYS
