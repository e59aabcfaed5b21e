"""Decides whether a body is accepted, and as which event: form first, then employee, clock and org unit.

A body that is well formed becomes a `Submission`. Its digest is taken over the normalised fields, so that the
same statement in another key order, spacing, zone or number style is the same statement. What needs to be
known of the employee is judged later, in a batch (`refusal_of`), and only for ids that were never accepted.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final, NamedTuple, TypeVar
from uuid import UUID

import orjson
from pydantic import BaseModel, ValidationError

from services.ingest.rules.bodies import CheckInBody, WorkReportBody
from services.ingest.rules.map_link import Point, point_of
from services.ingest.rules.refusals import Refusal
from services.ingest.rules.wording import fault_of, map_link_fault
from shared.events import Event
from shared.faults import Fault
from shared.ids import quick
from shared.topics import CHECK_IN_RECORDED, WORK_REPORT_SUBMITTED, Topic

FIRST_YEAR: Final = 2000
LAST_YEAR: Final = 2100
CLOCK_TOLERANCE: Final = dt.timedelta(minutes=10)
"""How far a device's clock may be ahead of the server's; a phone that is further off is set wrongly."""

_WESTERNMOST: Final = dt.timedelta(hours=7)  # WIB
_EASTERNMOST: Final = dt.timedelta(hours=9)  # WIT
_DAY: Final = dt.timedelta(days=1)
_FIRST_DATE: Final = dt.date(FIRST_YEAR, 1, 1)
_MOST_FAULTS: Final = 20
_B = TypeVar("_B", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Membership:
    """From `since` on the employee belongs to this org unit."""

    since: dt.date
    org_unit_id: UUID


@dataclass(frozen=True, slots=True)
class Employee:
    """What ingest knows of an employee. `played`: an invented one, whose clock is moved by hand."""

    employee_id: UUID
    active: bool
    played: bool
    memberships: tuple[Membership, ...] = ()


class Submission(NamedTuple):
    """A well-formed statement that awaits acceptance.

    `stated` is the event as JSON, all but `received_at`; `digest` the SHA-256 of what was stated; `stated_at`
    the device's time; `work_date` the business date where the statement names one.
    """

    id: UUID
    employee_id: UUID
    topic: Topic[Event]
    label: str
    stated_at: dt.datetime
    work_date: dt.date | None
    org_unit_id: UUID | None
    stated: bytes
    digest: bytes
    received_at: dt.datetime

    def event(self, received_at: dt.datetime) -> bytes:
        """The event as it goes on the wire: the same bytes for the same statement and `received_at`, for ever."""
        return b'%b,"received_at":%b}' % (self.stated[:-1], orjson.dumps(received_at, option=orjson.OPT_UTC_Z))


def submit_check_in(document: Any, received_at: dt.datetime) -> Submission | Refusal:
    """A check-in from parsed JSON, or all that is wrong with its form."""
    body = _read(CheckInBody, document)
    if isinstance(body, Refusal):
        return body
    point = _position(body)
    if isinstance(point, Refusal):
        return point
    captured_at = _in_window("captured_at", body.captured_at)
    if isinstance(captured_at, Refusal):
        return captured_at
    # What is absent, null or false is left out: a later optional field must not change old digests.
    fields: dict[str, Any] = {
        "check_in_id": body.check_in_id,
        "employee_id": body.employee_id,
        "mark": body.mark,
        "captured_at": captured_at,
        "latitude": point.latitude,
        "longitude": point.longitude,
        "position_source": "device" if body.map_link is None else "map_link",
        "device_id": body.device_id,
        "source_app": body.source_app,
    }
    if body.accuracy_m is not None:
        fields["accuracy_m"] = body.accuracy_m + 0.0
    if body.mock:
        fields["mock"] = True
    if body.evidence is not None:
        fields["evidence"] = {"reference": body.evidence.reference, "sha256": body.evidence.sha256}
    if body.reason is not None:
        fields["reason"] = body.reason
    stated = _stated(fields)
    return Submission(
        id=quick(body.check_in_id),
        employee_id=quick(body.employee_id),
        topic=CHECK_IN_RECORDED,
        label=body.mark.value,
        stated_at=captured_at,
        work_date=None,
        org_unit_id=body.org_unit_id,
        stated=stated,
        digest=_digest(CHECK_IN_RECORDED, stated, body.org_unit_id),
        received_at=received_at,
    )


def submit_work_report(document: Any, received_at: dt.datetime) -> Submission | Refusal:
    """A daily work report from parsed JSON, or all that is wrong with its form."""
    body = _read(WorkReportBody, document)
    if isinstance(body, Refusal):
        return body
    submitted_at = _in_window("submitted_at", body.submitted_at)
    if isinstance(submitted_at, Refusal):
        return submitted_at
    if not _FIRST_DATE <= body.work_date <= (submitted_at + _EASTERNMOST).date():
        return _invalid(Fault("work_date", "out-of-range",
                              "Tanggal kerja harus sejak tahun 2000 dan tidak setelah waktu pengiriman (submitted_at)."))
    fields: dict[str, Any] = {
        "report_id": body.report_id,
        "employee_id": body.employee_id,
        "work_date": body.work_date,
        "submitted_at": submitted_at,
    }
    if body.reference is not None:
        fields["reference"] = body.reference
    if body.sha256 is not None:
        fields["sha256"] = body.sha256
    stated = _stated(fields)
    return Submission(
        id=quick(body.report_id),
        employee_id=quick(body.employee_id),
        topic=WORK_REPORT_SUBMITTED,
        label="work-report",
        stated_at=submitted_at,
        work_date=body.work_date,
        org_unit_id=body.org_unit_id,
        stated=stated,
        digest=_digest(WORK_REPORT_SUBMITTED, stated, body.org_unit_id),
        received_at=received_at,
    )


def refusal_of(submission: Submission, employee: Employee | None) -> Refusal | None:
    """Why this employee cannot make this statement now; None if nothing speaks against it.

    The device's clock is compared with the server's (`received_at`), except for invented employees, whose
    days are played in another time. A claimed org unit must be the employee's on a business date that the
    statement may belong to.
    """
    if employee is None:
        return Refusal("unknown-employee", (Fault(
            "employee_id", "unknown-employee",
            "Pegawai ini belum terdaftar di Hadir. Minta admin BKD mengimpor data pegawai, lalu kirim ulang."),))
    if not employee.active:
        return Refusal("inactive-employee", (Fault(
            "employee_id", "inactive-employee",
            "Pegawai ini tercatat tidak aktif. Hubungi admin BKD bila ini keliru."),))
    if not employee.played and submission.stated_at > submission.received_at + CLOCK_TOLERANCE:
        field = "captured_at" if submission.topic is CHECK_IN_RECORDED else "submitted_at"
        return Refusal("captured-in-future", (Fault(
            field, "captured-in-future",
            "Waktu perangkat lebih dari 10 menit di depan waktu server. Setel jam perangkat ke otomatis, "
            "lalu tandai hadir lagi."),))
    if submission.org_unit_id is not None and submission.org_unit_id not in units_between(
        employee.memberships, *_business_dates(submission)
    ):
        return Refusal("org-unit-mismatch", (Fault(
            "org_unit_id", "org-unit-mismatch",
            "Pegawai ini bukan anggota unit kerja tersebut pada tanggal itu. Perbarui data pegawai di aplikasi "
            "atau kirim tanpa org_unit_id."),))
    return None


def units_between(memberships: tuple[Membership, ...], first: dt.date, last: dt.date) -> frozenset[UUID]:
    """Org units the employee belongs to on any of the dates first..last (both included)."""
    ordered = sorted(memberships, key=lambda membership: membership.since)
    units = {membership.org_unit_id for membership in ordered if first < membership.since <= last}
    before = [membership.org_unit_id for membership in ordered if membership.since <= first]
    return frozenset(units | set(before[-1:]))


def _read(model: type[_B], document: Any) -> _B | Refusal:
    try:
        return model.model_validate(document)
    except ValidationError as wrong:
        errors = wrong.errors(include_url=False, include_input=False)
        return _invalid(*(fault_of(error) for error in errors[:_MOST_FAULTS]))


def _position(body: CheckInBody) -> Point | Refusal:
    if body.map_link is not None:
        if body.latitude is not None or body.longitude is not None:
            return _invalid(Fault("map_link", "position-twice",
                                  "Kirim salah satu saja: latitude dan longitude, atau map_link."))
        point = point_of(body.map_link)
        return point if isinstance(point, Point) else _invalid(map_link_fault(point))
    missing = [name for name, value in (("latitude", body.latitude), ("longitude", body.longitude)) if value is None]
    if body.latitude is None or body.longitude is None:
        return _invalid(*(Fault(name, "missing", f"Isi {name}, atau kirim map_link yang memuat koordinat.")
                          for name in missing))
    return Point(body.latitude + 0.0, body.longitude + 0.0)  # + 0.0: no negative zero, it would change the digest


def _in_window(field: str, stated_at: dt.datetime) -> dt.datetime | Refusal:
    # The year as stated: year 9999 west of Greenwich has no UTC.
    if FIRST_YEAR <= stated_at.year <= LAST_YEAR:
        return stated_at.astimezone(dt.UTC)
    return _invalid(Fault(field, "out-of-range", "Waktu harus antara tahun 2000 dan 2100. Periksa jam perangkat."))


def _business_dates(submission: Submission) -> tuple[dt.date, dt.date]:
    if submission.work_date is not None:
        return submission.work_date, submission.work_date
    # a night shift belongs to the day on which it began
    return (submission.stated_at + _WESTERNMOST).date() - _DAY, (submission.stated_at + _EASTERNMOST).date()


def _invalid(*faults: Fault) -> Refusal:
    return Refusal("invalid-body", faults)


def _stated(fields: Mapping[str, Any]) -> bytes:
    return orjson.dumps(fields, option=orjson.OPT_SORT_KEYS | orjson.OPT_UTC_Z)


def _digest(topic: Topic[Event], stated: bytes, org_unit_id: UUID | None) -> bytes:
    claimed = b"" if org_unit_id is None else b"\n" + org_unit_id.bytes
    return sha256(b"%b\n%b%b" % (topic.name.encode(), stated, claimed)).digest()
