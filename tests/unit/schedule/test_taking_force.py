"""When a change may take force: never while people are checking in, and never unseen where it weighs much."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.schedule.rules import Duty, Span, duty_on
from services.schedule.rules.taking_force import AROUND_START, Limits, check_in_span, digest_of, free_from
from shared.events import Mode
from shared.policy import Policy

MONDAY = dt.date(2026, 2, 2)
WEEK = {0: (7 * 60 + 30, 16 * 60)}
PLAIN = Policy.from_content({})


def wib(clock: str, date: dt.date = MONDAY) -> dt.datetime:
    return dt.datetime.combine(date, dt.time.fromisoformat(clock), dt.timezone(dt.timedelta(hours=7)))


def duty(zone: str = "Asia/Jakarta") -> Duty:
    return duty_on(MONDAY, WEEK, (), None, zone)


@pytest.mark.parametrize(
    ("window", "opens", "closes"),
    [
        (None, "05:30", "09:30"),
        ({"open": "06:00", "close": "08:00"}, "06:00", "08:00"),
        ({"close": "08:15"}, "05:30", "08:15"),
        ({"open": "06:00"}, "06:00", "09:30"),
        ({"open": "06:00", "close": "07:15"}, "06:00", "07:30"),
    ],
)
def test_people_check_in_during_the_scan_window_or_around_the_start(window: dict[str, str] | None, opens: str, closes: str) -> None:
    policy = Policy.from_content({"in_window": window} if window else {})

    assert check_in_span(duty(), policy) == Span(wib(opens), wib(closes))


def test_nobody_checks_in_on_a_day_off() -> None:
    assert check_in_span(Duty(MONDAY, Mode.OFF), PLAIN) is None


@pytest.mark.parametrize(
    ("now", "free"),
    [("05:29", "05:29"), ("05:30", "09:30"), ("07:10", "09:30"), ("09:29", "09:30"), ("09:30", "09:30"), ("12:00", "12:00")],
)
def test_the_soppeng_edit_at_seven_ten_waits_until_the_window_has_closed(now: str, free: str) -> None:
    span = check_in_span(duty(), PLAIN)
    assert span is not None

    assert free_from([span], wib(now)) == wib(free)


def test_windows_of_three_zones_that_follow_each_other_are_waited_for_one_after_the_other() -> None:
    spans = [span for zone in ("Asia/Jakarta", "Asia/Makassar", "Asia/Jayapura") if (span := check_in_span(duty(zone), PLAIN)) is not None]

    assert free_from(spans, wib("04:00")) == wib("09:30")  # 06:00 in Jayapura


@given(
    st.lists(st.tuples(st.integers(0, 1000), st.integers(1, 300)), max_size=8),
    st.integers(0, 1400),
)
def test_the_first_free_instant_lies_in_no_span_and_every_instant_before_it_does(given_spans: list[tuple[int, int]], minute: int) -> None:
    start = wib("00:00")
    spans = [Span(start + dt.timedelta(minutes=begin), start + dt.timedelta(minutes=begin + length)) for begin, length in given_spans]
    now = start + dt.timedelta(minutes=minute)

    free = free_from(spans, now)

    assert not any(span.holds(free) for span in spans)
    moment = now
    while moment < free:
        assert any(span.holds(moment) for span in spans)
        moment += dt.timedelta(minutes=1)


@pytest.mark.parametrize(
    ("people", "rupiah", "second"), [(500, 50_000_000, False), (501, 0, True), (0, 50_000_001, True), (0, 0, False)]
)
def test_above_either_limit_a_second_person_must_consent(people: int, rupiah: int, second: bool) -> None:
    assert Limits().needs_second(people, rupiah) is second


def test_a_digest_knows_its_kind_and_every_byte_of_the_change() -> None:
    digests = {digest_of("policy", ["a"]), digest_of("calendar", ["a"]), digest_of("policy", ["b"]), digest_of("policy", ["a", "b"])}

    assert len(digests) == 4
    assert digest_of("policy", {"a": 1, "b": 2}) == digest_of("policy", {"b": 2, "a": 1})


def test_the_default_around_the_start_is_two_hours() -> None:
    assert dt.timedelta(hours=2) == AROUND_START
