"""What a new assessment raises and takes back."""

import datetime as dt
from uuid import UUID

from services.schedule.rules import Found, Violation, diff_violations, violations_of
from shared.events import FindingKind

ALICE, BOB = UUID(int=1), UUID(int=2)
MONDAY = dt.date(2026, 2, 2)
LATE_35 = Found(FindingKind.LATE, "TL2", 35)
LATE_45 = Found(FindingKind.LATE, "TL2", 45)
LATE_5 = Found(FindingKind.LATE, "TL1", 5)
ABSENT = Found(FindingKind.ABSENT, "TK")


def of(*found: Found, employee: UUID = ALICE, date: dt.date = MONDAY) -> tuple[Violation, ...]:
    return violations_of(employee, date, found)


def test_the_cost_of_an_excused_day_is_no_violation() -> None:
    assert of(Found(FindingKind.SICK, "SAKIT"), Found(FindingKind.LEAVE, "CUTI"), Found(FindingKind.IZIN, "IZIN")) == ()


def test_the_same_finding_has_the_same_id_and_any_other_another() -> None:
    ids = {of(LATE_35)[0].id, of(LATE_45)[0].id}

    assert len(ids) == 1
    others = (of(LATE_5), of(ABSENT), of(LATE_35, employee=BOB), of(LATE_35, date=MONDAY + dt.timedelta(days=1)))
    assert len(ids | {violation.id for [violation] in others}) == 5


def test_nothing_is_said_of_what_did_not_change() -> None:
    assert diff_violations(of(LATE_35, ABSENT), of(ABSENT, LATE_35)) == ((), ())


def test_an_excuse_retracts_and_an_absence_raises() -> None:
    assert diff_violations(of(ABSENT), ()) == ((), of(ABSENT))
    assert diff_violations((), of(ABSENT)) == (of(ABSENT), ())


def test_other_minutes_or_another_band_take_back_the_old_word_and_say_the_new() -> None:
    assert diff_violations(of(LATE_35), of(LATE_45)) == (of(LATE_45), of(LATE_35))
    assert diff_violations(of(LATE_35), of(LATE_5)) == (of(LATE_5), of(LATE_35))


def test_a_changed_reason_alone_is_no_new_violation() -> None:
    assert diff_violations(of(ABSENT), of(Found(FindingKind.ABSENT, "TK", detail="OUTSIDE_SITE"))) == ((), ())
