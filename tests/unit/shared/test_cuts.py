"""Decided cuts of one person: for one dossier the heaviest takes, in whatever order they became known."""

import datetime as dt
from fractions import Fraction
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from services.schedule.rules.cuts import Imposed, rival_of
from shared.cuts import months_later, replaced_by, taking, weight

MONTHS = [months_later("2026-01", n) for n in range(36)]


def cut(step: str, date: str, first: str, months: int, percent: int = 25) -> Imposed:
    return Imposed(step, dt.date.fromisoformat(date), Fraction(percent), first, months_later(first, months - 1))


SIX = cut("TPP_CUT_6", "2026-09-14", "2026-10", 6)
NINE = cut("TPP_CUT_9", "2026-09-17", "2026-10", 9)
TWELVE = cut("TPP_CUT_12", "2026-09-22", "2026-11", 12)
CUTS = st.lists(
    st.builds(
        cut, st.sampled_from(["TPP_CUT_6", "TPP_CUT_9", "TPP_CUT_12"]), st.sampled_from(["2026-02-16", "2026-09-14", "2027-03-01"]),
        st.sampled_from(MONTHS[:20]), st.integers(1, 12), st.sampled_from([10, 25]),
    ),
    max_size=4, unique_by=lambda one: (one.step, one.date),
)


def test_seventeen_days_cost_a_quarter_for_twelve_months_and_not_three_quarters() -> None:
    assert taking([SIX, NINE, TWELVE], "2026-10") == (NINE,)
    assert all(taking([SIX, NINE, TWELVE], month) == (TWELVE,) for month in MONTHS if "2026-11" <= month <= "2027-10")
    assert taking([SIX, NINE, TWELVE], "2027-11") == ()


def test_the_lighter_one_takes_again_when_the_heavier_one_is_annulled() -> None:
    assert replaced_by(SIX, [SIX, TWELVE]) == TWELVE
    assert taking([SIX], "2026-11") == (SIX,)


def test_the_months_of_a_replaced_cut_do_not_come_back_after_a_shorter_heavy_one() -> None:
    short = cut("TPP_CUT_9", "2026-09-17", "2026-11", 2, percent=90)

    assert taking([SIX, short], "2026-10") == (SIX,)
    assert taking([SIX, short], "2027-01") == ()


def test_cuts_of_two_years_do_not_replace_each_other() -> None:
    other = cut("TPP_CUT_12", "2027-01-20", "2027-02", 12)

    assert replaced_by(SIX, [SIX, other]) is None
    assert rival_of(other, [SIX]) == SIX
    assert rival_of(cut("TPP_CUT_12", "2027-01-20", "2027-04", 12), [SIX]) is None


def test_only_a_heavier_cut_may_follow_in_the_same_year() -> None:
    assert rival_of(TWELVE, [SIX, NINE]) is None
    assert rival_of(SIX, [TWELVE]) == TWELVE
    assert rival_of(cut("TPP_CUT_6", "2026-09-15", "2027-06", 6), [SIX]) == SIX


def test_where_the_ladder_looks_back_twelve_months_the_days_of_a_cut_are_not_punished_again_in_the_next_year() -> None:
    six, nine = cut("TPP_CUT_6", "2026-12-17", "2027-01", 6), cut("TPP_CUT_9", "2027-01-12", "2027-07", 9)

    assert rival_of(nine, [six], rolling=True) == six
    assert rival_of(six, [nine], rolling=True) == nine
    assert rival_of(nine, [six]) is None
    assert rival_of(cut("TPP_CUT_6", "2027-12-16", "2028-01", 6), [six], rolling=True) == six
    assert rival_of(cut("TPP_CUT_6", "2027-12-17", "2028-01", 6), [six], rolling=True) is None
    assert rival_of(TWELVE, [SIX, NINE], rolling=True) is None


@given(CUTS, st.sampled_from(MONTHS), st.randoms(use_true_random=False))
def test_at_most_one_cut_of_a_dossier_takes_whatever_the_order(cuts: list[Imposed], month: str, order: Random) -> None:
    found = taking(cuts, month)
    shuffled = list(cuts)
    order.shuffle(shuffled)

    assert taking(shuffled, month) == found
    years = [one.date.year for one in found]
    assert len(years) == len(set(years))
    for one in found:
        begun = [other for other in cuts if other.date.year == one.date.year and other.first_month <= month]
        assert weight(one) == max(map(weight, begun))
