"""The canaries' truth: what is judged a wrong penalty, and what keeps canaries apart from people."""

import datetime as dt
import re
from fractions import Fraction

import pytest

from services.canaries.ears import Ears
from services.canaries.truth import (
    FLOCK,
    LAST_DAY,
    OFFICE,
    RADIUS_M,
    Canary,
    check_in,
    clock_of,
    following,
    identity,
    judged,
    morning,
    nip_of,
    opens_month,
)
from services.reports.invented import CANARY_CLOCKS
from shared.events import CheckInRecorded, TppMonthChanged
from shared.logs import FIELDS

BY_NAME = {canary.name: canary for canary in FLOCK}
MONDAY = dt.date(2001, 1, 8)


@pytest.mark.parametrize("canary", FLOCK, ids=lambda canary: canary.name)
def test_a_day_that_cost_what_it_truly_costs_is_as_known(canary: Canary) -> None:
    assert judged(canary, list(canary.owes), canary.costs) == "as-known"


@pytest.mark.parametrize("canary", FLOCK, ids=lambda canary: canary.name)
def test_a_day_that_costs_more_is_a_wrong_penalty(canary: Canary) -> None:
    assert judged(canary, [*canary.owes, "TK"], canary.costs + 3) == "penalised"


def test_the_right_percent_under_a_wrong_code_is_a_wrong_penalty_too() -> None:
    assert judged(BY_NAME["terlambat"], ["PSW1"], Fraction(1, 2)) == "penalised"


def test_who_was_late_and_pays_nothing_was_spared() -> None:
    assert judged(BY_NAME["terlambat"], [], Fraction(0)) == "spared"


def test_nobody_can_say_where_the_unsure_canary_was_and_so_it_pays_nothing() -> None:
    unsure = BY_NAME["belum-pasti"]
    beyond = unsure.metres_north - RADIUS_M

    assert min(unsure.accuracy_m, 30) < beyond <= 2.5 * unsure.accuracy_m
    assert unsure.costs == 0


def test_days_go_from_friday_to_monday() -> None:
    assert following(dt.date(2001, 1, 5)) == MONDAY


def test_a_month_opens_with_its_first_working_day() -> None:
    assert opens_month(dt.date(2001, 9, 3))  # a Monday, after a weekend
    assert not opens_month(dt.date(2001, 9, 4))
    assert opens_month(dt.date(2001, 1, 1))


def test_every_check_in_is_one_that_ingest_takes_and_no_two_stand_on_one_spot() -> None:
    spots = set()
    for day in (MONDAY, following(MONDAY)):
        for mark in ("in", "out"):
            body = check_in(1, FLOCK[0], day, mark)
            CheckInRecorded.model_validate({**body, "received_at": morning(day)})
            assert abs(body["longitude"] - OFFICE[0]) < 0.0001
            spots.add(body["longitude"])
    assert len(spots) == 4


def test_canaries_are_visibly_no_people_and_each_is_one_of_its_own() -> None:
    everyone = [(generation, canary) for generation in (1, 2) for canary in FLOCK]

    assert len({identity(*who) for who in everyone}) == len({nip_of(*who) for who in everyone}) == len(everyone)
    assert all(re.fullmatch(r"[0-9]{18}", nip_of(*who)) and nip_of(*who)[4:6] == "99" for who in everyone)
    assert clock_of(2).startswith(CANARY_CLOCKS)
    assert LAST_DAY.year < 2100


def test_the_log_may_name_every_kind_of_canary() -> None:
    assert [FIELDS["canary"](canary.name) for canary in FLOCK] == [canary.name for canary in FLOCK]


def test_an_old_version_heard_late_changes_nothing() -> None:
    me = identity(1, FLOCK[0])
    ears = Ears([me])
    for version, percent in ((2, "1.00"), (1, "0.50")):
        ears.hear(TppMonthChanged(
            employee_id=me, month="2001-01", version=version, state="OPEN", raw_percent=percent, percent=percent, amount=None,
            ceiling=None, days_assessed=1, days_final=1,
        ))  # fmt: skip

    assert ears.month(me, MONDAY) == (2, Fraction(1))
