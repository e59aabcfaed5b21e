"""Breaches of what ingest promises, told from its own minutes."""

import datetime as dt
from fractions import Fraction
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from services.schedule.rules.outages import Breach, Minute, Promise, breaches, unsaid

SEVEN = dt.datetime(2026, 2, 2, 0, tzinfo=dt.UTC)  # 07:00 WIB
PROMISE = Promise(Fraction(1, 20), dt.timedelta(minutes=10), dt.timedelta(minutes=3), dt.timedelta(minutes=10))


def at(minute: int) -> dt.datetime:
    return SEVEN + dt.timedelta(minutes=minute)


def fine(*minutes: int) -> list[Minute]:
    return [Minute(at(minute), 100, 0) for minute in minutes]


def bad(*minutes: int) -> list[Minute]:
    return [Minute(at(minute), 10, 90) for minute in minutes]


def test_an_hour_in_which_check_ins_failed_is_one_breach_though_nobody_tried_in_some_minutes() -> None:
    told = [*fine(*range(-30, 0)), *bad(0, 1, 5, 14, 20, 29), *[Minute(at(n), 0, 0) for n in (2, 3, 4)], *fine(*range(30, 60))]

    assert breaches(told, PROMISE, at(60)) == (Breach(at(0), at(30)),)


def test_silence_between_two_minutes_is_a_breach_and_a_restart_is_none() -> None:
    assert breaches(fine(0, 1, 2, 4, 5), PROMISE, at(6)) == ()
    assert breaches(fine(0, 1, 2, *range(72, 90)), PROMISE, at(90)) == (Breach(at(3), at(72)),)


def test_silence_that_lasts_is_told_up_to_the_next_quarter_of_an_hour() -> None:
    assert breaches(fine(0, 1, 2), PROMISE, at(12)) == ()
    assert breaches(fine(0, 1, 2), PROMISE, at(20)) == (Breach(at(3), at(30), lasting=True),)
    assert breaches(fine(0, 1, 2), PROMISE, at(29)) == breaches(fine(0, 1, 2), PROMISE, at(20))


def test_a_breach_that_more_may_join_is_told_up_to_the_next_quarter_of_an_hour_and_then_to_the_minute() -> None:
    told = [*fine(-2, -1), *bad(0, 1, 2, 3), *fine(*range(4, 30))]

    def by(minute: int) -> tuple[Breach, ...]:
        return breaches([one for one in told if one.at < at(minute)], PROMISE, at(minute))

    assert [by(minute) for minute in (2, 3, 14)] == [(), *[(Breach(at(0), at(15), lasting=True),)] * 2]
    assert [by(minute) for minute in (15, 30)] == [(Breach(at(0), at(4)),)] * 2


@given(st.lists(st.booleans(), max_size=180))
def test_a_breach_is_told_anew_once_a_quarter_of_an_hour_and_at_no_minute_shorter_than_it_is_known_to_be(failing: list[bool]) -> None:
    told = [*fine(-1), *[one for n, fails in enumerate(failing) for one in (bad(n) if fails else fine(n))]]
    ends: dict[dt.datetime, list[dt.datetime]] = {}
    for minute in range(1, len(failing) + 30):
        known = [*told[:minute + 1], *fine(*range(len(failing), minute))]
        for breach in breaches(known, PROMISE, at(minute)):
            ends.setdefault(breach.since, []).append(breach.until)
            assert not any(breach.until <= one.at <= breach.until + PROMISE.join for one in known if one.unavailable)
    for since, said in ends.items():
        others = sum(until != before for before, until in pairwise(said))
        assert others <= (max(said) - since) // dt.timedelta(minutes=15) + 2


def test_a_short_failure_or_a_small_share_of_failures_proposes_nothing() -> None:
    assert breaches([*fine(0, 1, 4, 5), *bad(2, 3)], PROMISE, at(6)) == ()
    assert breaches([Minute(at(n), 100, 5) for n in range(10)], PROMISE, at(10)) == ()
    assert breaches((), PROMISE, at(10)) == ()


@given(st.lists(st.tuples(st.integers(0, 300), st.integers(0, 20), st.integers(0, 20)), unique_by=lambda row: row[0]))
def test_breaches_are_apart_in_order_hold_every_bad_minute_that_matters_and_do_not_depend_on_the_order_of_arrival(
    rows: list[tuple[int, int, int]],
) -> None:
    told = [Minute(at(n), answered, failed) for n, answered, failed in rows]
    found = breaches(told, PROMISE, at(320))

    assert found == breaches(reversed(told), PROMISE, at(320))
    assert all(one.until - one.since >= PROMISE.least for one in found)
    assert all(later.since - earlier.until > PROMISE.join for earlier, later in pairwise(found))
    for one in found:
        inside = [minute for minute in told if one.since <= minute.at < one.until]
        edge = [minute.at for minute in inside if minute.unavailable == 0 or minute.unavailable * 20 < minute.answered + minute.unavailable]
        assert one.since not in edge, "a breach never begins with a good minute"


def test_what_was_said_of_a_breach_before_is_left_out_and_its_last_piece_may_still_last() -> None:
    breach = Breach(at(3), at(30), lasting=True)

    assert unsaid(breach, [(at(5), at(15))]) == [Breach(at(3), at(5)), Breach(at(15), at(30), lasting=True)]
    assert unsaid(breach, [(at(0), at(15)), (at(10), at(20)), (at(40), at(50))]) == [Breach(at(20), at(30), lasting=True)]
    assert unsaid(breach, [(at(0), at(30))]) == []
    assert unsaid(breach, []) == [breach]


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(1, 20)), max_size=6))
def test_each_minute_of_a_breach_is_said_once(said: list[tuple[int, int]]) -> None:
    pieces = unsaid(Breach(at(10), at(50)), [(at(begin), at(begin + length)) for begin, length in said])

    for minute in range(10, 50):
        before = any(begin <= minute < begin + length for begin, length in said)
        assert sum(piece.since <= at(minute) < piece.until for piece in pieces) == (not before)
