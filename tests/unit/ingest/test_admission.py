"""Who may state what: form, clock, employee and org unit; and that a statement has one digest, however it is written."""

import datetime as dt
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ingest.rules.admission import (
    Employee,
    Membership,
    Submission,
    refusal_of,
    submit_check_in,
    submit_work_report,
    units_between,
)
from services.ingest.rules.refusals import Refusal
from shared.envelope import decode
from shared.events import CheckInRecorded, Mark, WorkReportSubmitted

CheckIn = Callable[..., dict[str, Any]]

NOW = dt.datetime(2026, 1, 5, 0, 25, tzinfo=dt.UTC)
EMPLOYEE = UUID("2f1d7c1e-0b57-4c0e-8f39-1f0a4f6f7a01")
OLD_UNIT, NEW_UNIT = UUID(int=1), UUID(int=2)
KNOWN = Employee(EMPLOYEE, active=True, played=False)
REPORT = {
    "report_id": "6a0f5b0e-7f83-4c3b-9f86-0d7f3f5f2b21",
    "employee_id": str(EMPLOYEE),
    "work_date": "2026-01-05",
    "submitted_at": "2026-01-05T16:20:00+07:00",
}


def accepted(document: Any) -> Submission:
    submission = submit_check_in(document, NOW)
    assert isinstance(submission, Submission), submission
    return submission


def faults(outcome: object) -> dict[str, str]:
    assert isinstance(outcome, Refusal)
    return {fault.field: fault.code for fault in outcome.faults}


def test_a_full_check_in_becomes_the_event_with_every_field(a_check_in: CheckIn) -> None:
    body = a_check_in(mock=True, reason="Rapat", evidence={"reference": "foto/1.jpg", "sha256": "a" * 64})

    event = decode(accepted(body).topic, accepted(body).event(NOW))

    assert isinstance(event, CheckInRecorded)
    assert event.mark is Mark.IN
    assert event.captured_at == dt.datetime(2026, 1, 5, 0, 24, 10, tzinfo=dt.UTC)
    assert event.received_at == NOW
    assert (event.latitude, event.longitude, event.accuracy_m) == (-3.79565, 102.2595, 12.5)
    assert event.position_source == "device"
    assert event.mock
    assert event.evidence is not None
    assert event.evidence.sha256 == "a" * 64
    assert event.reason == "Rapat"
    assert (event.device_id, event.source_app) == ("perangkat-1", "presensi")


def test_a_map_link_gives_the_position_and_says_so(a_check_in: CheckIn) -> None:
    body = a_check_in(latitude=None, longitude=None, map_link="https://www.google.com/maps/@-3.5,102.5,17z")

    event = decode(accepted(body).topic, accepted(body).event(NOW))

    assert isinstance(event, CheckInRecorded)
    assert (event.latitude, event.longitude, event.position_source) == (-3.5, 102.5, "map_link")


def test_a_work_report_becomes_the_event_with_every_field() -> None:
    submission = submit_work_report({**REPORT, "reference": "laporan/1.pdf", "sha256": "b" * 64}, NOW)

    assert isinstance(submission, Submission)
    event = decode(submission.topic, submission.event(NOW))
    assert isinstance(event, WorkReportSubmitted)
    assert event.work_date == dt.date(2026, 1, 5)
    assert event.submitted_at == dt.datetime(2026, 1, 5, 9, 20, tzinfo=dt.UTC)
    assert (event.reference, event.sha256) == ("laporan/1.pdf", "b" * 64)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        pytest.param({"latitude": 91}, {"latitude": "out-of-range"}, id="latitude 91"),
        pytest.param({"longitude": -180.5}, {"longitude": "out-of-range"}, id="longitude beyond the date line"),
        pytest.param({"latitude": "-3.79"}, {"latitude": "wrong-type"}, id="a number as text"),
        pytest.param({"latitude": True}, {"latitude": "wrong-type"}, id="true is not 1"),
        pytest.param({"latitude": None}, {"latitude": "missing"}, id="half a position"),
        pytest.param({"latitude": None, "longitude": None}, {"latitude": "missing", "longitude": "missing"}, id="no position"),
        pytest.param({"map_link": "geo:1,2"}, {"map_link": "position-twice"}, id="two positions"),
        pytest.param({"accuracy_m": -1}, {"accuracy_m": "out-of-range"}, id="negative accuracy"),
        pytest.param({"captured_at": "2026-01-05T07:24:10"}, {"captured_at": "zone-missing"}, id="naive time"),
        pytest.param({"captured_at": "9999-12-31T23:59:59-12:00"}, {"captured_at": "out-of-range"}, id="year 9999"),
        pytest.param({"captured_at": "1999-12-31T23:59:59Z"}, {"captured_at": "out-of-range"}, id="last century"),
        pytest.param({"captured_at": "0001-01-01T00:00:00+14:00"}, {"captured_at": "out-of-range"}, id="before all time"),
        pytest.param({"captured_at": "2026-02-30T07:00:00Z"}, {"captured_at": "not-a-time"}, id="30 February"),
        pytest.param({"captured_at": "2026-01-05T23:59:60Z"}, {"captured_at": "not-a-time"}, id="a leap second"),
        pytest.param({"captured_at": "1767572650"}, {"captured_at": "not-a-time"}, id="seconds as text"),
        pytest.param({"captured_at": 1767572650}, {"captured_at": "not-a-time"}, id="seconds since 1970"),
        pytest.param({"captured_at": "2026-01-05"}, {"captured_at": "not-a-time"}, id="a date is not a time"),
        pytest.param({"mark": "lunch"}, {"mark": "not-allowed"}, id="an unknown mark"),
        pytest.param({"check_in_id": "1"}, {"check_in_id": "not-a-uuid"}, id="no UUID"),
        pytest.param({"check_in_id": 7}, {"check_in_id": "not-a-uuid"}, id="a number for a UUID"),
        pytest.param({"device_id": ""}, {"device_id": "too-short"}, id="empty device"),
        pytest.param({"reason": "x" * 501}, {"reason": "too-long"}, id="a novel for a reason"),
        pytest.param({"reason": "a\x00b"}, {"reason": "nul-character"}, id="NUL"),
        pytest.param({"accuracy": 5}, {"accuracy": "unknown-field"}, id="a misspelt field"),
        pytest.param({"evidence": {"reference": "a", "sha256": "A" * 64}}, {"evidence.sha256": "wrong-pattern"}, id="digest"),
        pytest.param({"evidence": []}, {"evidence": "wrong-type"}, id="evidence as a list"),
        pytest.param({"mock": "no"}, {"mock": "wrong-type"}, id="mock as text"),
        pytest.param({"mark": "x", "latitude": 99}, {"mark": "not-allowed", "latitude": "out-of-range"}, id="all at once"),
    ],
)
def test_what_is_wrong_is_named_by_field(a_check_in: CheckIn, fields: dict[str, Any], expected: dict[str, str]) -> None:
    outcome = submit_check_in(a_check_in(**fields), NOW)

    assert faults(outcome) == expected
    assert isinstance(outcome, Refusal)
    assert outcome.code == "invalid-body"


@pytest.mark.parametrize("document", [None, 1, "x", [], [{}]])
def test_what_is_no_object_is_refused(document: Any) -> None:
    assert faults(submit_check_in(document, NOW)) == {"": "wrong-type"}


@pytest.mark.parametrize("link", ["https://maps.app.goo.gl/x", "https://www.google.com/maps/place/Kantor"])
def test_a_refused_link_comes_with_a_sentence_on_how_to_copy_a_better_one(a_check_in: CheckIn, link: str) -> None:
    outcome = submit_check_in(a_check_in(latitude=None, longitude=None, map_link=link), NOW)

    assert isinstance(outcome, Refusal)
    assert "salin" in outcome.faults[0].detail


@pytest.mark.parametrize("work_date", ["1999-12-31", "2026-01-06", "9999-01-01"])
def test_a_report_is_for_a_day_that_has_begun(work_date: str) -> None:
    assert faults(submit_work_report({**REPORT, "work_date": work_date}, NOW)) == {"work_date": "out-of-range"}


class TestDigest:
    @given(st.randoms(use_true_random=False))
    def test_the_order_of_keys_does_not_matter(self, a_check_in: CheckIn, random: Any) -> None:
        items = list(a_check_in(reason="x", evidence={"reference": "a", "sha256": "0" * 64}).items())
        random.shuffle(items)

        shuffled = accepted(dict(items))

        assert shuffled.digest == accepted(dict(sorted(items))).digest

    @pytest.mark.parametrize(
        "fields",
        [
            pytest.param({"captured_at": "2026-01-05T00:24:10Z"}, id="another zone"),
            pytest.param({"captured_at": "2026-01-05T07:24:10.000+07:00"}, id="needless digits"),
            pytest.param({"check_in_id": "8C7F2A52-6D0F-4A54-9A0E-6E7E1F0B5C11"}, id="capitals in the id"),
            pytest.param({"mock": False}, id="a default spelt out"),
            pytest.param({"latitude": -3.795650}, id="another spelling of a number"),
        ],
    )
    def test_the_same_statement_written_otherwise_is_the_same(self, a_check_in: CheckIn, fields: dict[str, Any]) -> None:
        assert accepted(a_check_in(**fields)).digest == accepted(a_check_in()).digest

    def test_whole_numbers_and_negative_zero_are_what_they_equal(self, a_check_in: CheckIn) -> None:
        assert accepted(a_check_in(latitude=-0.0)).digest == accepted(a_check_in(latitude=0)).digest

    @pytest.mark.parametrize(
        "fields",
        [
            {"mark": "out"}, {"latitude": -3.8}, {"accuracy_m": None}, {"mock": True}, {"reason": ""},
            {"captured_at": "2026-01-05T07:24:10.000001+07:00"}, {"org_unit_id": str(OLD_UNIT)}, {"device_id": "perangkat-2"},
        ],
    )  # fmt: skip
    def test_any_other_statement_has_another_digest(self, a_check_in: CheckIn, fields: dict[str, Any]) -> None:
        assert accepted(a_check_in(**fields)).digest != accepted(a_check_in()).digest

    def test_the_event_is_the_same_bytes_however_the_statement_was_written(self, a_check_in: CheckIn) -> None:
        one = accepted(a_check_in())
        other = accepted(dict(reversed(a_check_in(captured_at="2026-01-05T00:24:10Z").items())))

        assert one.event(NOW) == other.event(NOW)

    def test_the_digest_of_todays_statements_never_changes(self, a_check_in: CheckIn) -> None:
        """Receipts outlive releases: a retry after a deployment must still be recognised."""
        body = a_check_in(mock=True, reason="Rapat", org_unit_id=str(OLD_UNIT),
                          evidence={"reference": "foto/1.jpg", "sha256": "a" * 64})

        assert accepted(body).digest.hex() == "7e0aa88b916442ccf04a00b626f0c060c12df5cad80bed96278521e3c76baddd"
        report = submit_work_report(REPORT, NOW)
        assert isinstance(report, Submission)
        assert report.digest.hex() == "fb1d390266f4077213878a1983035548d101f4133908b05f4514bd175fde233a"


class TestRefusal:
    def test_nothing_speaks_against_a_known_employee(self, a_check_in: CheckIn) -> None:
        assert refusal_of(accepted(a_check_in()), KNOWN) is None

    def test_an_unknown_employee_is_named(self, a_check_in: CheckIn) -> None:
        refusal = refusal_of(accepted(a_check_in()), None)

        assert refusal is not None
        assert refusal.code == "unknown-employee"
        assert faults(refusal) == {"employee_id": "unknown-employee"}

    def test_an_inactive_employee_is_refused(self, a_check_in: CheckIn) -> None:
        refusal = refusal_of(accepted(a_check_in()), Employee(EMPLOYEE, active=False, played=False))

        assert refusal is not None
        assert refusal.code == "inactive-employee"

    @pytest.mark.parametrize(("ahead_s", "refused"), [(0, False), (600, False), (601, True), (86_400, True), (-10**8, False)])
    def test_a_device_may_be_ten_minutes_fast_and_arbitrarily_late(
        self, a_check_in: CheckIn, ahead_s: int, refused: bool
    ) -> None:
        captured_at = (NOW + dt.timedelta(seconds=ahead_s)).isoformat()

        refusal = refusal_of(accepted(a_check_in(captured_at=captured_at)), KNOWN)

        assert (refusal is not None and refusal.code == "captured-in-future") is refused

    def test_an_invented_employee_lives_in_another_time(self, a_check_in: CheckIn) -> None:
        future = accepted(a_check_in(captured_at="2031-01-05T07:00:00+07:00"))

        assert refusal_of(future, Employee(EMPLOYEE, active=True, played=True)) is None

    @pytest.mark.parametrize(
        ("captured_at", "unit", "refused"),
        [
            pytest.param("2026-01-04T12:00:00+07:00", OLD_UNIT, False, id="the old unit before the move"),
            pytest.param("2026-01-04T12:00:00+07:00", NEW_UNIT, True, id="the new unit before the move"),
            pytest.param("2026-01-05T07:00:00+07:00", NEW_UNIT, False, id="the new unit on the day of the move"),
            pytest.param("2026-01-05T02:00:00+07:00", OLD_UNIT, False, id="a night shift that began before the move"),
            pytest.param("2026-01-05T00:30:00+09:00", NEW_UNIT, False, id="the day begins earlier in WIT"),
            pytest.param("2026-01-07T07:00:00+07:00", OLD_UNIT, True, id="the old unit after the move"),
            pytest.param("2026-01-07T07:00:00+07:00", UUID(int=3), True, id="a unit of somebody else"),
        ],
    )
    def test_a_claimed_unit_must_be_the_employees_on_that_date(
        self, a_check_in: CheckIn, captured_at: str, unit: UUID, refused: bool
    ) -> None:
        moved = Employee(EMPLOYEE, active=True, played=True, memberships=(
            Membership(dt.date(2020, 1, 1), OLD_UNIT), Membership(dt.date(2026, 1, 5), NEW_UNIT)))

        refusal = refusal_of(accepted(a_check_in(captured_at=captured_at, org_unit_id=str(unit))), moved)

        assert (refusal is not None and refusal.code == "org-unit-mismatch") is refused


@given(
    st.lists(st.tuples(st.dates(dt.date(2020, 1, 1), dt.date(2020, 2, 1)), st.integers(1, 5)), max_size=6),
    st.dates(dt.date(2020, 1, 1), dt.date(2020, 2, 1)),
    st.integers(0, 5),
)
def test_units_between_two_dates_are_those_of_each_single_date(
    since: list[tuple[dt.date, int]], first: dt.date, days: int
) -> None:
    memberships = tuple(Membership(date, UUID(int=unit)) for date, unit in dict(since).items())
    dates = [first + dt.timedelta(days=n) for n in range(days + 1)]

    each = [units_between(memberships, date, date) for date in dates]

    assert units_between(memberships, dates[0], dates[-1]) == frozenset().union(*each)
    assert all(len(units) <= 1 for units in each)
