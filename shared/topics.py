"""Every topic, declared once: name, event, key, single owner, partitions, retention, personal-data class.

The broker's topics, the README table and the Kubernetes manifests are all made from `TOPICS`.
Employee-keyed topics are co-partitioned: `lane_of(employee_id)` is the partition on each of them, and
the lane that a service locks in Postgres.
"""

import struct
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from typing import Any, Final, Generic, Literal, TypeAlias, TypeVar

from aiokafka.partitioner import murmur2

from shared import events
from shared.events import Event
from shared.refusal import Refusal

LANES: Final = 24
"""Partitions of every employee-keyed topic; fixed for ever, since changing it would break per-person order."""

Service: TypeAlias = Literal["ingest", "geofence", "schedule", "payroll"]
DataClass: TypeAlias = Literal["public", "pseudonymous", "restricted"]
E_co = TypeVar("E_co", bound=Event, covariant=True)


@dataclass(frozen=True)
class Topic(Generic[E_co]):
    """A topic and everything anyone may need to know of it.

    `key` names what the record key is made of; `compacted` topics have holes in their offsets and are
    loaded by `shared.reference`, never by a stream with the no-hole check.
    """

    name: str
    event: type[E_co]
    key: str
    owner: Service
    what: str
    partitions: int = LANES
    retention: timedelta | None = timedelta(days=400)
    compacted: bool = False
    data: DataClass = "pseudonymous"

    @property
    def ce_type(self) -> str:
        """CloudEvents type: the topic's name under our reverse domain, so that one implies the other."""
        return f"id.go.{self.name}"


@lru_cache(maxsize=1 << 15)  # a batch asks for the same person several times
def lane_of(key: object, lanes: int = LANES) -> int:
    """Lane of a key: Kafka's own default hash (murmur2) of its text, so that foreign producers agree."""
    text = str(key).encode()
    return ((_murmur2_of_id(text) if len(text) == _ID_LENGTH else murmur2(text)) & 0x7FFFFFFF) % lanes


_ID_LENGTH: Final = 36
_WORDS: Final = struct.Struct("<9I").unpack
_32_BITS: Final = 0xFFFFFFFF
_MIX: Final = 0x5BD1E995


def _murmur2_of_id(text: bytes) -> int:
    """As aiokafka's `murmur2`, for the 36 bytes of a UUID's text, in 2 µs instead of 5: every event is asked for its lane."""
    found = 0x9747B28C ^ _ID_LENGTH
    for word in _WORDS(text):
        mixed = word * _MIX & _32_BITS
        found = (found * _MIX ^ (mixed ^ mixed >> 24) * _MIX) & _32_BITS
    found = (found ^ found >> 13) * _MIX & _32_BITS
    return found ^ found >> 15


_DAYS = timedelta(days=1)

CHECK_IN_RECORDED: Final = Topic(
    "hadir.check-in.recorded.v1", events.CheckInRecorded, "employee_id", "ingest",
    "the accepted raw check-in, with coordinates", retention=90 * _DAYS, data="restricted",
)
WORK_REPORT_SUBMITTED: Final = Topic(
    "hadir.work-report.submitted.v1", events.WorkReportSubmitted, "employee_id", "ingest",
    "daily work report (laporan kinerja harian)",
)
INGEST_AVAILABILITY: Final = Topic(
    "hadir.ingest.availability.v1", events.AvailabilityCounted, "instance", "ingest",
    "what each process of ingest took in, refused and could not take in, minute by minute", retention=90 * _DAYS, data="public",
)
CHECK_IN_LOCATED: Final = Topic(
    "hadir.check-in.located.v1", events.CheckInLocated, "employee_id", "geofence",
    "verdict for site and region, rounded distance, signals; no coordinates",
)
INTEGRITY_SUSPECTED: Final = Topic(
    "hadir.integrity.suspected.v1", events.IntegritySuspected, "employee_id", "geofence",
    "spoofing evidence for a person to look at, never a penalty", data="restricted",
)
DAY_ASSESSED: Final = Topic(
    "hadir.day.assessed.v1", events.DayAssessed, "employee_id", "schedule",
    "full state of one employee-day with its version",
)
VIOLATION: Final = Topic(
    "hadir.violation.v1", events.ViolationChanged, "employee_id", "schedule",
    "violations raised and retracted, with legal source and evidence ids",
)
DISCIPLINE: Final = Topic(
    "hadir.discipline.v1", events.DisciplineStepChanged, "employee_id", "schedule",
    "ladder steps proposed, withdrawn, decided",
)
DEDUCTION: Final = Topic(
    "hadir.tpp.deduction.v1", events.DeductionEntered, "employee_id", "payroll",
    "ledger lines: posted and reversed", retention=None,
)
TPP_MONTH: Final = Topic(
    "hadir.tpp.month.v1", events.TppMonthChanged, "employee_id|month", "payroll",
    "running aggregate of an employee-month: raw %, capped %, rupiah", compacted=True, retention=None,
)
CORRECTION: Final = Topic(
    "hadir.correction.v1", events.CorrectionDecided, "employee_id or org_unit_id", "schedule",
    "leave, duty travel, manual marks, outages, decisions, appeals", data="restricted",
)
EMPLOYEE: Final = Topic(
    "hadir.employee.v1", events.EmployeePublished, "employee_id", "schedule",
    "employees with NIP, name and memberships by date", compacted=True, retention=None, data="restricted",
)
ORG_UNIT: Final = Topic(
    "hadir.org-unit.v1", events.OrgUnitPublished, "org_unit_id", "schedule",
    "org units (OPD, UPT) and their zone", partitions=6, compacted=True, retention=None, data="public",
)
POLICY: Final = Topic(
    "hadir.policy.v1", events.PolicyPublished, "policy_id", "schedule",
    "rule packs with their scopes and dates", partitions=6, compacted=True, retention=None, data="public",
)
ROSTER: Final = Topic(
    "hadir.roster.v1", events.RosterPublished, "employee_id|month", "schedule",
    "roster of an employee-month", compacted=True, retention=None,
)
CALENDAR: Final = Topic(
    "hadir.calendar.v1", events.CalendarPublished, "calendar|year", "schedule",
    "holidays and joint leave", partitions=6, compacted=True, retention=None, data="public",
)
WEEK_PATTERN: Final = Topic(
    "hadir.week-pattern.v1", events.WeekPatternPublished, "week", "schedule",
    "hours of each weekday, by pattern", partitions=6, compacted=True, retention=None, data="public",
)
SCHEME: Final = Topic(
    "hadir.scheme.v1", events.SchemePublished, "scheme_id", "schedule",
    "WFO/WFA schemes with their scopes and dates", partitions=6, compacted=True, retention=None, data="public",
)
SITE: Final = Topic(
    "hadir.site.v1", events.SitePublished, "site_id", "geofence",
    "offices, activity sites, regions", partitions=6, compacted=True, retention=None,
)
CEILING: Final = Topic(
    "hadir.tpp.ceiling.v1", events.CeilingPublished, "employee_id|month", "payroll",
    "TPP ceiling of an employee-month", compacted=True, retention=None, data="restricted",
)


def _audit(service: Service, what: str = "commands and decisions, with actor and reason") -> Topic[events.AuditRecorded]:
    return Topic(f"hadir.{service}.audit.v1", events.AuditRecorded, "actor", service, what,
                 partitions=6, retention=None, data="restricted")


def _dead_letter(service: Service) -> Topic[events.DeadLetterBuried]:
    return Topic(f"hadir.{service}.dead-letter.v1", events.DeadLetterBuried, "source topic:partition", service,
                 "poison messages with reason and raw bytes", partitions=6, data="restricted")


SERVICES: Final[tuple[Service, ...]] = ("ingest", "geofence", "schedule", "payroll")
AUDIT: Final = {service: _audit(service) for service in SERVICES} | {  # ingest takes no commands
    "ingest": _audit("ingest", "ids under which another statement came than the accepted one, once each, and in whose name"),
}
DEAD_LETTER: Final = {service: _dead_letter(service) for service in SERVICES}

TOPICS: Final[tuple[Topic[Event], ...]] = (
    CHECK_IN_RECORDED, WORK_REPORT_SUBMITTED, INGEST_AVAILABILITY, CHECK_IN_LOCATED, INTEGRITY_SUSPECTED, DAY_ASSESSED, VIOLATION,
    DISCIPLINE, DEDUCTION, TPP_MONTH, CORRECTION, EMPLOYEE, ORG_UNIT, POLICY, ROSTER, CALENDAR, WEEK_PATTERN, SCHEME, SITE, CEILING,
    *AUDIT.values(), *DEAD_LETTER.values(),
)

CONSUMES: Final[Mapping[Service, tuple[Topic[Any], ...]]] = {
    "ingest": (EMPLOYEE,),
    "geofence": (CHECK_IN_RECORDED, EMPLOYEE, ORG_UNIT),
    "schedule": (CHECK_IN_LOCATED, WORK_REPORT_SUBMITTED, INGEST_AVAILABILITY),
    "payroll": (DAY_ASSESSED, DISCIPLINE, POLICY, EMPLOYEE),
}
"""What each service reads, as streams and as references: its rights on the broker follow from it."""


def refuse_two_owners(topics: Iterable[Topic[Event]]) -> None:
    """Raises `Refusal` for a topic that is declared twice: whose is it, and who keeps its order."""
    owners: dict[str, list[str]] = defaultdict(list)
    for topic in topics:
        owners[topic.name].append(topic.owner)
    for name, found in owners.items():
        if len(found) > 1:
            raise Refusal(
                f"Topic {name} has two owners, {' and '.join(found)}: one service writes a topic, others read it."
            )
