"""Whether Kafka, PostgreSQL and the services stand as they must to keep the promise that nothing is lost."""

import datetime as dt
import time
from collections.abc import AsyncIterator, Mapping
from typing import Final

import httpx

from services.doctor.broker import look
from services.doctor.finding import Finding
from services.payroll.store.balance import balance
from shared.database import Connection
from shared.kafka import BrokerAway, TopicsUnfit, check_topics
from shared.schemas import pending_in
from shared.settings import Settings
from shared.topics import SERVICES, TOPICS

_SKEW_S: Final = 2.0
"""Clocks further apart than this grade somebody's 07:30 differently; default, well under the minute that rules count in."""
_STALE: Final = dt.timedelta(hours=26)
"""A nightly backup that is older was missed."""


def check_settings(settings: Settings, environment: Mapping[str, str]) -> list[Finding]:
    """Every HADIR_ variable is one that some process reads: a misspelt one changes nothing, silently."""
    known = {f"HADIR_{name.upper()}" for name in type(settings).model_fields} | _READ_ELSEWHERE
    unknown = sorted(name for name in environment if name.startswith("HADIR_") and name not in known)
    if unknown:
        return [Finding("settings", "warn", f"Nothing reads {', '.join(unknown)}.", "Correct the name, or drop it: README, Configure.")]
    return [Finding("settings", "ok", "Every HADIR_ variable is read by something.")]


_READ_ELSEWHERE: Final = {"HADIR_HOME", "HADIR_CACHE", "HADIR_FAILPOINT", "HADIR_THOROUGH"}


async def check_broker(settings: Settings) -> AsyncIterator[Finding]:
    """Topics are as declared, in as many copies as keep an acknowledged record through the loss of a broker."""
    try:
        await check_topics(settings.kafka)
    except BrokerAway as error:
        raise ConnectionError(str(error)) from error
    except TopicsUnfit as error:
        yield Finding("kafka", "fail", f"{error}.", "hadir topics apply; hadir topics list --check.")
        return
    seen = await look(settings.kafka)
    yield Finding("kafka", "ok", f"{len(TOPICS)} topics with the declared partitions are on {seen.brokers} brokers.")
    if seen.copies < 3:
        yield Finding(
            "kafka", "warn", f"Some topic has {seen.copies} copies: a lost disk would lose acknowledged check-ins.",
            "For real people: three brokers, HADIR_REPLICATION=3, min.insync.replicas 2 (deploy/k8s does so).",
        )  # fmt: skip
    if seen.behind:
        yield Finding("kafka", "fail", f"{seen.behind} partitions have a copy that is not in sync.", "docs/runbooks: Kafka's copies.")
    if seen.otherwise:
        more = f", and {len(seen.otherwise) - 3} more" if len(seen.otherwise) > 3 else ""
        yield Finding("kafka", "fail", f"{'; '.join(seen.otherwise[:3])}{more}.", "hadir topics apply; in a cluster Strimzi does so.")
    if seen.otherwise is None or seen.creates_topics is None:
        yield Finding("kafka", "ok", "How brokers and topics are set this login may not ask (DescribeConfigs).")
    if seen.creates_topics:
        yield Finding(
            "kafka", "warn", "Brokers create topics by themselves: a misspelt name would become a topic nobody reads.",
            "Set auto.create.topics.enable=false.",
        )  # fmt: skip


async def check_database(connection: Connection, settings: Settings) -> AsyncIterator[Finding]:
    """Tables are those of this version; what Postgres says is committed is on disk, and on a second machine."""
    lacking = {service: names for service, names in (await pending_in(settings.database)).items() if names}
    if lacking:
        yield Finding("postgres", "fail", f"Migrations are pending: {lacking}.", "hadir schemas apply.")
    else:
        yield Finding("postgres", "ok", "All migrations have run.")
    row = await connection.fetchrow(
        "select current_setting('fsync') as fsync, current_setting('synchronous_commit') as synchronous,"
        " current_setting('synchronous_standby_names') as standbys, current_setting('archive_mode') as archive,"
        " (select last_archived_time from pg_stat_archiver) as archived, clock_timestamp() as at"
    )
    assert row is not None  # a select without a table has one row
    skew = abs(row["at"].timestamp() - time.time())
    if skew > _SKEW_S:
        yield Finding("clocks", "fail", f"This machine and the database's are {skew:.1f} s apart.", "Run chrony or ntpd on both.")
    else:
        yield Finding("clocks", "ok", f"This machine and the database's are within {_SKEW_S:g} s.")
    if row["fsync"] != "on" or row["synchronous"] == "off":
        yield Finding(
            "postgres", "fail", f"fsync is {row['fsync']}, synchronous_commit {row['synchronous']}: a power cut loses decisions.",
            "Set both on.",
        )  # fmt: skip
    if not row["standbys"]:
        yield Finding(
            "postgres", "warn", "There is no synchronous standby: the loss of this disk loses money decisions since the last backup.",
            "For real people: two instances and synchronous_standby_names (deploy/k8s does so).",
        )  # fmt: skip
    if row["archive"] == "off":
        yield Finding("postgres", "warn", "WAL is not archived: a restore ends at the last full backup.", "docs/operations.md, Backup.")
    elif row["archived"] is None or row["at"] - row["archived"] > _STALE:
        yield Finding("postgres", "fail", "No WAL was archived for more than a day.", "docs/operations.md, Backup.")


async def check_flow(connection: Connection) -> AsyncIterator[Finding]:
    """Nothing lies buried or lost, no outbox stands still, no day waits that should be assessed."""
    clean = True
    for service in SERVICES:
        row = await connection.fetchrow(
            f"select (select count(*) from {service}.dead_letter where buried_at > now() - interval '1 day') as buried,"  # noqa: S608 - from a closed set
            f" (select coalesce(sum(next_offset - first_offset), 0)::bigint from {service}.gap) as lost,"
            f" (select coalesce(sum(l.out_seq - c.sent_seq), 0)::bigint from {service}.lane l join {service}.relay_cursor c using (lane))"
            " as unsent"
        )
        assert row is not None  # aggregates
        if row["lost"]:
            clean = False
            lost = f"{service} never saw {row['lost']:,} records that Kafka no longer has."
            yield Finding("flow", "fail", lost, "docs/runbooks: lost records.")
        if row["buried"]:
            clean = False
            buried = f"{service} buried {row['buried']:,} messages since yesterday."
            yield Finding("flow", "warn", buried, f"Table {service}.dead_letter says why.")
        if row["unsent"] > 10_000:
            clean = False
            unsent = f"{service} has {row['unsent']:,} events to publish."
            yield Finding("flow", "warn", unsent, "Is Kafka slow, or its relay down? docs/runbooks.")
    late = await connection.fetchval(
        "select count(*) from schedule.due_day where clock = '' and due_at < now() - interval '10 minutes'"
    )
    if late:
        clean = False
        overdue = f"{late:,} days should have been assessed ten minutes ago."
        yield Finding("flow", "fail", overdue, "Is the schedule worker up? docs/runbooks.")
    if clean:
        yield Finding("flow", "ok", "Nothing is buried, lost, unsent or overdue.")


async def check_balance(connection: Connection) -> AsyncIterator[Finding]:
    """Every total equals its ledger."""
    found = await balance(connection)
    if found.different:
        different = f"{found.different:,} employee-months do not equal their ledger."
        yield Finding("money", "fail", different, "hadir verify balance; docs/runbooks.")
    else:
        yield Finding("money", "ok", f"{found.months:,} employee-months equal their ledger, to the rupiah.")


_ELSEWHERE: Final = "If it runs elsewhere, ask there; here: hadir run."
_PROCESSES: Final[Mapping[str, str]] = {
    **dict.fromkeys((*SERVICES, "geofence_api", "schedule_api", "payroll_api", "reports_api"), _ELSEWHERE),
    "monitor": "If it runs nowhere, most alerts have no figures: python -m services.monitor.",
    "canaries": "If they run nowhere, nobody notices a wrong cut before the employee: hadir run --canaries.",
}
"""Every process of a whole house, and what to do when it does not answer."""


async def check_services(settings: Settings) -> AsyncIterator[Finding]:
    """Every process answers that it is ready, as far as this machine can reach them."""
    async with httpx.AsyncClient(timeout=3) as client:
        for service, remedy in _PROCESSES.items():
            port = getattr(settings, f"{service}_port")
            try:
                answer = await client.get(f"http://{settings.host}:{port}/readyz")
            except httpx.HTTPError:
                yield Finding("services", "warn", f"{service} does not answer at {settings.host}:{port}.", remedy)
                continue
            if answer.status_code == 200:
                yield Finding("services", "ok", f"{service} is ready.")
            else:
                yield Finding("services", "fail", f"{service} is not ready: {answer.text[:200]}", "docs/runbooks.")
