"""Corrections: the fields of each kind, the dates that it touches, and the fact that the rules judge by."""

import datetime as dt
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest

from services.schedule.corrections import KINDS, CorrectionRefused, date_in, dates_of, facts_of, read_body
from services.schedule.rules import ApelMissed, FraudDecided, Leave, Manual, Outage, Permission

WIT = ZoneInfo("Asia/Jayapura")
MONDAY = dt.date(2026, 2, 2)
NOW = dt.datetime(2026, 2, 9, 1, tzinfo=dt.UTC)
BODIES: dict[str, dict[str, Any]] = {
    "leave": {"kind": "annual", "from": "2026-02-02", "to": "2026-02-03"},
    "manual": {"mark": "in", "at": "2026-02-02T07:25:00+09:00"},
    "outage": {"from": "2026-02-02T07:00:00+09:00", "to": "2026-02-02T08:10:00+09:00"},
    "outage_decision": {"outage_decision": str(uuid4()), "decision": "confirmed"},
    "fraud": {"check_ins": [str(uuid4()), str(uuid4())], "decision": "confirmed"},
    "review": {"review": str(uuid4()), "decision": "accepted"},
    "apel": {"date": "2026-02-02"},
    "left": {"date": "2026-02-02"},
    "permission": {"date": "2026-02-02"},
    "letter": {"activity": "Lapangan", "from": "2026-02-02", "to": "2026-02-02"},
    "move": {"to_unit": str(uuid4()), "from": "2026-02-02"},
    "appeal": {"correction": str(uuid4())},
}


def test_every_kind_has_an_example_here() -> None:
    assert set(BODIES) == set(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_an_unknown_field_and_a_missing_one_are_refused_by_name(kind: str) -> None:
    read_body(kind, BODIES[kind])
    with pytest.raises(CorrectionRefused, match="surprise"):
        read_body(kind, BODIES[kind] | {"surprise": 1})
    last = list(BODIES[kind])[-1]
    with pytest.raises(CorrectionRefused, match=last):
        read_body(kind, {key: value for key, value in BODIES[kind].items() if key != last})


@pytest.mark.parametrize(("kind", "body"), [
    ("leave", {"kind": "annual", "from": "2026-02-03", "to": "2026-02-02"}),
    ("outage", {"from": "2026-02-02T08:00:00+07:00", "to": "2026-02-02T07:00:00+07:00"}),
    ("manual", {"mark": "in", "at": "2026-02-02T07:25:00"}),
    ("fraud", {"check_ins": [], "decision": "confirmed"}),
])
def test_what_cannot_be_is_refused_without_repeating_it(kind: str, body: dict[str, Any]) -> None:
    with pytest.raises(CorrectionRefused) as refused:
        read_body(kind, body)
    assert "2026-02" not in str(refused.value)
    for words in ("Input", "should", "Value error", "field", "before", "after"):
        assert words not in str(refused.value), "officers read Indonesian"


def test_an_instant_touches_the_dates_around_it_in_the_zone_of_the_person() -> None:
    assert dates_of(read_body("manual", BODIES["manual"]), date_in(WIT)) == (MONDAY - dt.timedelta(days=2), MONDAY + dt.timedelta(days=1))
    assert dates_of(read_body("leave", BODIES["leave"]), date_in(WIT)) == (MONDAY, MONDAY + dt.timedelta(days=1))


def test_facts_follow_the_state_of_a_correction() -> None:
    own = uuid4()
    kinds = {kind: [type(fact) for fact in facts_of(own, read_body(kind, BODIES[kind]), "approved", NOW)] for kind in KINDS}
    requested = {kind for kind in KINDS if facts_of(own, read_body(kind, BODIES[kind]), "requested", NOW)}
    rejected = {kind for kind in KINDS if facts_of(own, read_body(kind, BODIES[kind]), "rejected", NOW)}

    assert (kinds["leave"], kinds["manual"], kinds["outage"], kinds["apel"]) == ([Leave], [Manual], [Outage], [ApelMissed])
    assert (kinds["fraud"], kinds["permission"], kinds["letter"], kinds["move"]) == ([FraudDecided] * 2, [Permission], [], [])
    assert requested == {"leave", "permission", "manual", "outage"}
    assert rejected == set()


def test_duty_travel_without_its_letter_says_so() -> None:
    def letter(value: bool | str | None) -> bool | None:
        body = read_body("leave", {"kind": "dl", "from": "2026-02-02", "to": "2026-02-02", "letter": value})
        [fact] = facts_of(uuid4(), body, "approved", NOW)
        assert isinstance(fact, Leave)
        return fact.letter

    assert [letter(None), letter("SPT 800/12"), letter("  "), letter(False)] == [None, True, False, False]
