"""What a deployment for so many employees needs, reckoned from the bytes that one played province left behind."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from shared.topics import TOPICS

KAFKA_PER_CHECK_IN: Final[Mapping[str, int]] = {
    "hadir.check-in.recorded.v1": 241,
    "hadir.work-report.submitted.v1": 52,
    "hadir.check-in.located.v1": 255,
    "hadir.day.assessed.v1": 476,
    "hadir.violation.v1": 72,
    "hadir.discipline.v1": 1,
    "hadir.tpp.deduction.v1": 73,
    "hadir.tpp.month.v1": 274,
    "hadir.schedule.audit.v1": 1,
}
"""Bytes on disk of one copy of a topic for each check-in, lz4 batches as the services send them."""

TABLES_PER_CHECK_IN: Final[Mapping[str, int]] = {
    "geofence.check_in": 354,
    "geofence.device_use": 87,
    "ingest.receipt": 254,
    "schedule.mark": 209,
    "schedule.assessment": 735,
    "schedule.violation": 36,
    "schedule.work_report": 22,
    "payroll.month": 131,
    "payroll.ledger": 57,
    "geofence.outbox": 1_099,
    "schedule.outbox": 2_374,
    "payroll.outbox": 1_294,
}
"""Bytes of a table with its indexes for each check-in, in tables that grow with what people do."""

PER_EMPLOYEE: Final = 4_034
"""Bytes in all tables that hold one row or few for each employee: reference data, positions of theirs, ceilings."""

MONTH_RECORD: Final = 230
"""Bytes of a record of a compacted topic that has a key for each employee-month."""

KEPT_DAYS: Final[Mapping[str, int]] = {
    "ingest.receipt": 400, "geofence.outbox": 4, "schedule.outbox": 4, "payroll.outbox": 4, "geofence.device_use": 90,
}  # fmt: skip
"""Tables that lose what is older; all others keep everything."""

COPIES: Final = 3
"""Of each record in Kafka, and instances of PostgreSQL."""

ROOM: Final = 1.4
"""Disks are bought so much larger, since neither server lives on a full one."""

WORKING_SHARE: Final = 250 / 365

PEOPLE_PER_PEAK: Final = 300
"""Employees for one check-in a second at the end of a closed window: 1,000/s of 300,000 (architecture, sizing)."""

MS_PER_CHECK_IN: Final = 2.0
"""Processor milliseconds of all processes, broker and PostgreSQL for one check-in over HTTP, as measured at 500/s, where batches are
nearly empty (docs/performance.md: 1.8 to 2.3). Full batches, behind a backlog, cost 0.6; a slower processor 2.0 times as much."""

REQUEST: Final = 1_200
"""Bytes of one request of a phone with its answer and headers, TLS included; a generous guess."""

BUSY: Final = 0.6
"""Share of a core that the peak may take."""

LANES: Final = (1, 2, 3, 4, 6, 8, 12, 24)
"""Numbers of pods that share 24 lanes evenly. Two at least, so that one may go."""

WORKER_SHARE: Final = 0.16
"""Of the work is each worker's, geofence, schedule and payroll alike; the rest is ingest's, Kafka's and PostgreSQL's (as above)."""


@dataclass(frozen=True)
class Need:
    """Rates in check-ins a second, bytes of all copies together, megabits a second at the peak."""

    employees: int
    check_ins_a_day: int
    peak: float
    cores: float
    pods: int
    kafka_bytes: int
    kafka_bytes_a_year: int
    """What topics that are kept for ever add."""
    postgres_bytes: int
    """Of one instance after the first year."""
    postgres_bytes_a_year: int
    """What each further year adds to one instance."""
    ingest_mbit: float
    kafka_mbit: float


def need(employees: int, marks: float = 2.0) -> Need:
    """What so many employees need who check in `marks` times a working day, 250 days a year."""
    daily = employees * marks
    peak = employees / PEOPLE_PER_PEAK
    cores = peak * MS_PER_CHECK_IN / 1000 / BUSY
    kept = lasting = 0.0
    for topic in TOPICS:
        of_topic = KAFKA_PER_CHECK_IN.get(topic.name, 0) * daily
        if topic.compacted:
            continue
        if topic.retention is None:
            lasting += of_topic * 250
        else:
            kept += of_topic * topic.retention.days * WORKING_SHARE
    # Compacted topics: employees, rosters, ceilings and months; twice, since old records lie there until the cleaner comes.
    months = sum(1 for topic in TOPICS if topic.compacted and "month" in topic.key)
    kept += 2 * employees * MONTH_RECORD
    lasting += 2 * employees * 12 * months * MONTH_RECORD
    growing = sum(size for name, size in TABLES_PER_CHECK_IN.items() if name not in KEPT_DAYS) * daily * 250
    standing = employees * PER_EMPLOYEE + sum(
        TABLES_PER_CHECK_IN[name] * daily * max(days * WORKING_SHARE, min(days, 4)) for name, days in KEPT_DAYS.items()
    )
    through = sum(KAFKA_PER_CHECK_IN.values())
    return Need(
        employees, round(daily), peak, cores, next((lanes for lanes in LANES if lanes >= max(2, cores * WORKER_SHARE)), LANES[-1]),
        round((kept + lasting) * COPIES * ROOM), round(lasting * COPIES * ROOM), round((standing + growing) * ROOM), round(growing * ROOM),
        peak * REQUEST * 8 / 1e6, peak * through * COPIES * 8 / 1e6,
    )  # fmt: skip
