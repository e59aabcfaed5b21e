"""Every metric of the system, declared once with what makes it rise; labels come from closed sets only."""

from collections.abc import Iterable, Mapping
from itertools import product
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Metric, disable_created_metrics
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from shared.events import DayStatus, Mark, Verdict
from shared.failures import REASONS
from shared.topics import SERVICES

disable_created_metrics()  # type: ignore[no-untyped-call]  # half of the output, and nobody reads it

REGISTRY: Final = CollectorRegistry()
"""What services count of themselves."""
WATCHED: Final = CollectorRegistry()
"""What `services.monitor` sees of all from outside; no other process may tell it, not even as 0."""
CANARIES: Final = CollectorRegistry()
"""What `services.canaries` tells."""

_SECONDS: Final = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10)
_LAGS: Final = (0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 300, 1800, 7200, 86400)
_SIZES: Final = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
_ANSWERS: Final = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 1800, 7200, 86400)
"""Has a bound at 60 s, which the promise "assessed within a minute" is counted by."""
_LABELS: Final[dict[str, frozenset[str]]] = {}


def _counter(name: str, meaning: str, *labels: str, of: CollectorRegistry = REGISTRY) -> Counter:
    _LABELS[name] = frozenset(labels)
    return Counter(name, meaning, labels, registry=of)


def _gauge(name: str, meaning: str, *labels: str, of: CollectorRegistry = REGISTRY) -> Gauge:
    _LABELS[name] = frozenset(labels)
    return Gauge(name, meaning, labels, registry=of)


def _histogram(
    name: str, meaning: str, buckets: tuple[float, ...], *labels: str, of: CollectorRegistry = REGISTRY
) -> Histogram:
    _LABELS[name] = frozenset(labels)
    return Histogram(name, meaning, labels, buckets=buckets, registry=of)


def _watched(name: str, meaning: str, *labels: str) -> Gauge:
    return _gauge(name, meaning, *labels, of=WATCHED)


def _watched_total(name: str, meaning: str, *labels: str) -> Counter:
    return _counter(name, meaning, *labels, of=WATCHED)


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
ACCEPTED_TO_ASSESSED: Final = _histogram(
    "hadir_accepted_to_assessed_seconds", "From the receipt of a check-in to the assessment of its day", _ANSWERS
)
DUE_DAYS: Final = _gauge("hadir_due_days", "Employee-days waiting to be assessed now", "service")
# payroll
PAYROLL_DEDUCTIONS: Final = _counter("hadir_payroll_deductions_total", "Ledger lines posted and reversed", "action")
PAYROLL_DEDUCTED_RUPIAH: Final = _counter(
    "hadir_payroll_deducted_rupiah_total", "Rupiah of ledger lines, by direction (posted, reversed)", "direction"
)
PAYROLL_WAITING_PACKS: Final = _gauge(
    "hadir_payroll_waiting_packs", "Rule packs that days were judged under and that have not arrived; payroll stands still meanwhile"
)
# HTTP APIs of geofence, schedule, payroll
API_SECONDS: Final = _histogram(
    "hadir_api_seconds", "Duration of one request to an API, by operation and status", _SECONDS, "service", "operation", "status"
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

# services/monitor, seen from outside through the audit role and the broker; the same for all who scrape, so queries
# take `max` over processes
WAITING_EVENTS: Final = _watched("hadir_waiting_events", "Records that a service has not finished with, whether it runs or not", "service")
STALLED_SECONDS: Final = _watched("hadir_stalled_seconds", "How long a lane has processed none of its waiting records, at most", "service")
UNPUBLISHED: Final = _watched("hadir_unpublished_records", "Outbox rows not yet published, whether the service runs or not", "service")
BURIED: Final = _watched("hadir_buried_messages", "Dead letters kept in the table, by reason", "service", "reason")
LOST: Final = _watched("hadir_lost_records", "Records that the broker no longer had when the service came to them", "service")
MISSING: Final = _watched(
    "hadir_acknowledged_missing", "Check-ins and reports answered 202 some minutes ago that no service has, though nothing waits"
)
BALANCE_DIFFERENCES: Final = _watched("hadir_balance_differences", "Employee-months whose total differs from their ledger; must be 0")
BALANCE_MONTHS: Final = _watched("hadir_balance_months", "Employee-months that were compared with their ledger")
BALANCE_EVENT_DIFFERENCES: Final = _watched(
    "hadir_balance_event_differences", "Newest ledger entries not published as they stand, or published without; must be 0"
)
OPD_DAYS: Final = _watched("hadir_opd_days", "Employee-days of the last 14 dates, by unit, mode and status", "opd", "mode", "status")
OPD_MISPLACED: Final = _watched(
    "hadir_opd_misplaced_days", "Employee-days of the last 14 dates with a finding about the place", "opd", "mode"
)
WFA_SHARE: Final = _watched(
    "hadir_schedule_wfa_share",
    "Share of 1 that works from anywhere, of who owes work: planned for the next day of work, fact on the last one", "org_unit", "kind",
)
SCHEME_QUOTA: Final = _watched(
    "hadir_schedule_scheme_quota", "Most that the scheme lets be WFA on the next day of work, as a share of 1", "org_unit"
)
OPD_MARKS: Final = _watched("hadir_opd_marks", "Check-ins received in the last 24 h, by unit and verdict", "opd", "verdict")
OPD_VIOLATIONS: Final = _watched(
    "hadir_opd_violations", "Violations of the last 14 dates: in force (raised) or overturned (retracted)", "opd", "action"
)
OPD_DEDUCTION_RUPIAH: Final = _watched("hadir_opd_deduction_rupiah", "Running deductions of the newest two months", "opd", "month")
VIOLATIONS_IN_FORCE: Final = _watched("hadir_violations_in_force", "Violations of the last 14 dates that stand, by code", "code")
MONTH_DEDUCTION_RUPIAH: Final = _watched("hadir_month_deduction_rupiah", "Deductions of the newest two months", "month", "state")
MONTH_PEOPLE: Final = _watched("hadir_month_people", "People with a deduction other than Rp 0 in the newest two months", "month")
OUTAGES: Final = _watched("hadir_outages", "Outages declared for any of the last 14 dates, by state", "state")
UNDECIDED: Final = _watched("hadir_corrections_waiting", "Corrections requested that nobody has decided", "kind")
KAFKA_BROKERS: Final = _watched("hadir_kafka_brokers", "Brokers that the cluster knows")
KAFKA_UNDER_REPLICATED: Final = _watched("hadir_kafka_under_replicated_partitions", "Partitions with fewer copies in sync than declared")
KAFKA_RECORDS: Final = _watched("hadir_kafka_topic_end", "Sum of the end offsets of a topic's partitions", "topic")
KAFKA_LAG: Final = _watched(
    "hadir_kafka_lag_events", "End offsets of a topic minus the position that the service keeps in Postgres", "service", "topic"
)
POSTGRES_UP: Final = _watched("hadir_postgres_up", "1 when the database answered the last time it was asked")
POSTGRES_BYTES: Final = _watched("hadir_postgres_schema_bytes", "Size of a schema's tables and indexes", "schema")
POSTGRES_CONNECTIONS: Final = _watched("hadir_postgres_connections", "Sessions by state", "state")
POSTGRES_CONNECTIONS_MOST: Final = _watched("hadir_postgres_connections_most", "Sessions that the server allows (max_connections)")
POSTGRES_LONGEST_S: Final = _watched("hadir_postgres_longest_transaction_seconds", "Age of the oldest open transaction")
POSTGRES_WAITING: Final = _watched("hadir_postgres_waiting_for_locks", "Sessions that wait for a lock")
POSTGRES_COMMITS: Final = _watched_total("hadir_postgres_commits_total", "Transactions committed in our database")
POSTGRES_ROLLBACKS: Final = _watched_total("hadir_postgres_rollbacks_total", "Transactions rolled back in our database")
POSTGRES_READ: Final = _watched_total("hadir_postgres_blocks_read_total", "Blocks not found in the server's cache")
POSTGRES_HIT: Final = _watched_total("hadir_postgres_blocks_hit_total", "Blocks found in the server's cache")
POSTGRES_DEADLOCKS: Final = _watched_total("hadir_postgres_deadlocks_total", "Deadlocks in our database; lanes make them impossible")
FIGURES_AT: Final = _watched("hadir_figures_timestamp_seconds", "When a group of figures was last gathered", "group")
FIGURES_SECONDS: Final = _watched("hadir_figures_seconds", "How long gathering a group of figures took", "group")
FIGURES_FAILED: Final = _watched_total("hadir_figures_failures_total", "Gatherings that failed, by group", "group")
# services/canaries
CANARY_DAYS: Final = _counter("hadir_canary_days_total", "Days lived by canaries, by what came of them", "outcome", of=CANARIES)
CANARY_PENALISED: Final = _gauge(
    "hadir_canary_wrongly_penalised", "Of the canaries' days of the last 10 minutes, those that cost more than is true", of=CANARIES
)
CANARY_WAITING_S: Final = _gauge(
    "hadir_canary_waiting_seconds", "Age of the oldest canary check-in that is not assessed yet; 0: none waits", of=CANARIES
)
CANARY_SECONDS: Final = _histogram(
    "hadir_canary_seconds", "From a canary's deed to what was asked for", _ANSWERS, "until", of=CANARIES
)

_shown = REGISTRY

OUTCOMES: Final = ("as-known", "penalised", "spared", "unfinished")
"""What may come of a canary's day: as the truth is, dearer, cheaper, or not done before the next one began."""

_RUNTIME: Final = (RETRIES, HOLES, GAPS, RELAYED)
_OWN: Final[Mapping[str, tuple[tuple[Counter | Histogram, tuple[Iterable[str], ...]], ...]]] = {
    "ingest": ((INGEST_ACCEPTED, ((*Mark, "work-report"),)),),
    "geofence": ((GEOFENCE_LOCATED, (Verdict,)),),
    "schedule": ((SCHEDULE_ASSESSED, (DayStatus,)),),
    "payroll": ((PAYROLL_DEDUCTIONS, (("posted", "reversed"),)), (PAYROLL_DEDUCTED_RUPIAH, (("posted", "reversed"),))),
    "canaries": ((CANARY_DAYS, (OUTCOMES,)), (CANARY_SECONDS, (("assessed", "priced"),))),
}
"""What one service alone counts, and the words that each of their labels may have."""


def begin(service: str) -> None:
    """Let everything that this process may count begin at 0, so that a panel shows 0 and an increase is seen as one.

    Called once by each process with its service's name. Labels whose words come from data (codes of rule packs, units)
    begin when they are first seen; those of ingest's refusals begin where the codes are (services/ingest/problems.py).
    """
    global _shown  # noqa: PLW0603 - what this process is, it is for good
    _shown = {"monitor": WATCHED, "canaries": CANARIES}.get(service, REGISTRY)
    start_at_zero(_OWN.get(service, ()))
    if _shown is not REGISTRY or service not in SERVICES:
        return  # an API has no lanes and no lag
    for counter in _RUNTIME:
        counter.labels(service)
    for reason in REASONS:
        DEAD_LETTERS.labels(service, reason)
    for gauge in (LAG_EVENTS, OUTBOX_DEPTH, LANES_OWNED, *([DUE_DAYS] if service == "schedule" else [])):
        gauge.labels(service)


def start_at_zero(sets: Iterable[tuple[Counter | Histogram, tuple[Iterable[str], ...]]]) -> None:
    """Make a series of every combination of these labels' words."""
    for counter, words in sets:
        for labels in product(*words):
            counter.labels(*labels)


def replace(gauge: Gauge, values: Mapping[tuple[str, ...], float]) -> None:
    """Set a labelled gauge to exactly these values; series that are not among them end."""
    for labels, value in values.items():
        gauge.labels(*labels).set(value)
    for labels in {sample_labels for sample_labels in _labels_of(gauge) if sample_labels not in values}:
        gauge.remove(*labels)


def _labels_of(gauge: Gauge) -> list[tuple[str, ...]]:
    [family] = gauge.collect()
    return [tuple(sample.labels.values()) for sample in family.samples]


CONTENT_TYPE: Final = CONTENT_TYPE_LATEST


def exposition() -> bytes:
    """All metrics of this process in Prometheus' text format."""
    return generate_latest(_shown)


def catalogue() -> Mapping[str, str]:
    """Name and meaning of every metric, whichever process tells it."""
    return {family.name: family.documentation for registry in (REGISTRY, WATCHED, CANARIES) for family in registry.collect()}


def series() -> Mapping[str, str]:
    """Every name under which Prometheus stores something of ours, and its kind (counter, gauge, histogram)."""
    families = [family for registry in (REGISTRY, WATCHED, CANARIES) for family in registry.collect()]
    return {name: family.type for family in families for name in _stored(family)}


def labels() -> Mapping[str, frozenset[str]]:
    """The labels with which a process tells each series of ours; Prometheus adds `job` and `instance`."""
    ends = {"counter": "_total", "gauge": "", "histogram": ""}
    families = [family for registry in (REGISTRY, WATCHED, CANARIES) for family in registry.collect()]
    return {
        series: _LABELS[family.name + ends[family.type]] | ({"le"} if series.endswith("_bucket") else set())
        for family in families for series in _stored(family)
    }  # fmt: skip


def _stored(family: Metric) -> list[str]:
    ends = {"counter": ("_total",), "gauge": ("",), "histogram": ("_bucket", "_sum", "_count")}
    return [family.name + end for end in ends[family.type]]
