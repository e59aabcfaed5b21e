"""Every metric of the system, declared once with what makes it rise; labels come from closed sets only."""

from collections.abc import Mapping
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

REGISTRY: Final = CollectorRegistry()

_SECONDS: Final = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10)
_LAGS: Final = (0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 300, 1800, 7200, 86400)
_SIZES: Final = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)


def _counter(name: str, meaning: str, *labels: str) -> Counter:
    return Counter(name, meaning, labels, registry=REGISTRY)


def _gauge(name: str, meaning: str, *labels: str) -> Gauge:
    return Gauge(name, meaning, labels, registry=REGISTRY)


def _histogram(name: str, meaning: str, buckets: tuple[float, ...], *labels: str) -> Histogram:
    return Histogram(name, meaning, labels, buckets=buckets, registry=REGISTRY)


# ingest
INGEST_ACCEPTED: Final = _counter("hadir_ingest_accepted_total", "Check-ins answered 202 for the first time", "mark")
INGEST_REFUSED: Final = _counter("hadir_ingest_refused_total", "Requests refused, by problem code", "code")
INGEST_DUPLICATES: Final = _counter("hadir_ingest_duplicates_total", "Requests answered from an earlier receipt")
# geofence
GEOFENCE_LOCATED: Final = _counter("hadir_geofence_located_total", "Check-ins judged, by site verdict", "verdict")
# schedule
SCHEDULE_ASSESSED: Final = _counter("hadir_schedule_assessed_total", "New versions of days, by status", "status")
SCHEDULE_VIOLATIONS: Final = _counter(
    "hadir_schedule_violations_total", "Violations raised and retracted, by code", "code", "action"
)
DUE_DAYS: Final = _gauge("hadir_due_days", "Employee-days waiting to be assessed now", "service")
# payroll
PAYROLL_DEDUCTIONS: Final = _counter("hadir_payroll_deductions_total", "Ledger lines posted and reversed", "action")
PAYROLL_DEDUCTED_RUPIAH: Final = _counter(
    "hadir_payroll_deducted_rupiah_total", "Rupiah of ledger lines, by direction (posted, reversed)", "direction"
)
# streaming runtime, in every worker
BATCH_SIZE: Final = _histogram("hadir_batch_size", "Records in one database transaction", _SIZES, "service")
BATCH_SECONDS: Final = _histogram("hadir_batch_seconds", "Duration of one batch, retries included", _SECONDS, "service")
TIME_LAG_SECONDS: Final = _histogram(
    "hadir_time_lag_seconds", "Age of a record (now minus its ce_time) when it was processed", _LAGS, "service"
)
LAG_EVENTS: Final = _gauge("hadir_lag_events", "Records in the owned partitions that are not yet processed", "service")
LANES_OWNED: Final = _gauge("hadir_lanes_owned", "Lanes that this process owns", "service")
RETRIES: Final = _counter("hadir_retries_total", "Work retried in place because infrastructure failed", "service")
DEAD_LETTERS: Final = _counter("hadir_dead_letters_total", "Messages buried, by reason", "service", "reason")
HOLES: Final = _counter("hadir_holes_total", "Holes in the pump's delivery, healed by reading again", "service")
GAPS: Final = _counter(
    "hadir_gaps_total", "Records lost because the broker no longer had them: each one is an alarm", "service"
)
OUTBOX_DEPTH: Final = _gauge("hadir_outbox_depth", "Outbox rows that the relay has not published yet", "service")
RELAYED: Final = _counter("hadir_relayed_total", "Outbox rows published", "service")
READY: Final = _gauge("hadir_ready", "1 when the process can do its work, 0 when something is missing", "service")

CONTENT_TYPE: Final = CONTENT_TYPE_LATEST


def exposition() -> bytes:
    """All metrics of this process in Prometheus' text format."""
    return generate_latest(REGISTRY)


def catalogue() -> Mapping[str, str]:
    """Name and meaning of every metric, for the README table and the dashboards' check."""
    return {family.name: family.documentation for family in REGISTRY.collect()}
