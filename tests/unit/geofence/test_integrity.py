"""Signs of spoofing: what is one, what an honest person may do, and what leaves no trace."""

import datetime as dt
from typing import Any
from uuid import uuid4

from services.geofence.rules.integrity import (
    FROZEN,
    MOCK,
    SHARED_DEVICE,
    SPEED,
    Seen,
    Trace,
    shared_device,
    signs_of,
    suspicion_id,
)

ZONE = dt.timezone(dt.timedelta(hours=7))
START = dt.datetime(2026, 2, 2, 7, 25, tzinfo=ZONE)


def seen(days: float = 0.0, **more: Any) -> Seen:
    at = START + dt.timedelta(days=days)
    given = {"latitude": -3.7951234, "longitude": 102.2656789, "accuracy_m": 8.0, "mock": False, "from_device": True}
    return Seen(captured_at=at, day=at.date(), **{**given, **more})


def signals(*marks: Seen) -> list[str]:
    trace: Trace | None = None
    told: list[str] = []
    for mark in marks:
        signs, trace = signs_of(mark, trace)
        told += [sign.signal for sign in signs]
    return told


def test_the_phones_own_mock_flag_is_told() -> None:
    assert signals(seen(mock=True)) == [MOCK]


def test_the_very_same_position_is_a_sign_on_the_third_day_and_not_on_the_second() -> None:
    assert signals(seen(0), seen(0.35), seen(1), seen(1.35)) == []
    assert signals(seen(0), seen(1), seen(2)) == [FROZEN]


def test_a_position_that_jitters_is_no_sign() -> None:
    assert signals(*(seen(day, latitude=-3.7951234 + day * 1e-7) for day in range(10))) == []


def test_an_app_that_rounds_to_four_decimals_repeats_itself_honestly() -> None:
    assert signals(*(seen(day, latitude=-3.7951, longitude=102.2657) for day in range(10))) == []


def test_a_saved_map_link_repeats_itself_honestly() -> None:
    assert signals(*(seen(day, from_device=False) for day in range(10))) == []


def test_a_jump_no_one_can_make_is_told_with_its_least_speed() -> None:
    jumped = seen(1 / 48, latitude=-6.2)

    signs, _ = signs_of(jumped, signs_of(seen(), None)[1])

    assert [sign.signal for sign in signs] == [SPEED]
    assert "531 km/jam" in signs[0].detail


def test_a_drive_across_the_province_is_no_jump() -> None:
    assert signals(seen(0), seen(0.35, latitude=-2.8)) == []


def test_two_poor_fixes_a_second_apart_are_no_jump() -> None:
    assert signals(seen(0), seen(1 / 86_400, latitude=-3.75, accuracy_m=90.0)) == []


def test_a_mark_that_arrives_after_a_newer_one_is_no_evidence_and_moves_no_trace() -> None:
    _, trace = signs_of(seen(1), None)

    signs, after = signs_of(seen(0, latitude=-6.2), trace)

    assert (signs, after) == ([], trace)


def test_no_sign_tells_where_the_person_was() -> None:
    frozen = signs_of(seen(2), signs_of(seen(1), signs_of(seen(0), None)[1])[1])[0]
    jump = signs_of(seen(1 / 48, latitude=-6.2), signs_of(seen(), None)[1])[0]

    assert all("3.79" not in sign.detail and "102.26" not in sign.detail for sign in [*frozen, *jump])


def test_a_device_of_one_person_is_no_sign_and_of_two_is() -> None:
    alone, both = shared_device(1, START.date()), shared_device(2, START.date())

    assert alone is None
    assert both is not None
    assert (both.signal, both.of_day) == (SHARED_DEVICE, True)


def test_a_suspicion_has_one_id_however_often_it_is_found() -> None:
    person = uuid4()

    assert suspicion_id(FROZEN, person, "2026-02-02") == suspicion_id(FROZEN, person, "2026-02-02")
    assert suspicion_id(FROZEN, person, "2026-02-02") != suspicion_id(FROZEN, person, "2026-02-03")
