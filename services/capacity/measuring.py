"""Bytes on disk that a played stack holds, by topic and by table, and of how many people and days they are."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from shared.database import connect_auditor
from shared.reading import consuming, partitions_of
from shared.topics import SERVICES, TOPICS


@dataclass(frozen=True)
class Held:
    """Records of a topic or rows of a table, and their bytes on disk with indexes."""

    name: str
    count: int
    size: int


@dataclass(frozen=True)
class Measured:
    """One stack: check-ins, assessed employee-days and employees of all plays in it, and what it holds."""

    check_ins: int
    employee_days: int
    employees: int
    topics: list[Held]
    tables: list[Held]


_TABLES: Final = """
select n.nspname || '.' || coalesce(p.relname, c.relname) as name, sum(pg_total_relation_size(c.oid))::bigint as size
from pg_class c join pg_namespace n on n.oid = c.relnamespace
left join pg_inherits i on i.inhrelid = c.oid left join pg_class p on p.oid = i.inhparent
where n.nspname = any($1::text[]) and c.relkind = 'r' group by 1 order by 1
"""


async def measure(database: str, kafka: str, log: Path) -> Measured:
    """Measures a stack at rest; `log` is the folder in which its only broker keeps its topics."""
    connection = await connect_auditor(database, "hadir capacity")
    try:
        tables = []
        for row in await connection.fetch(_TABLES, list(SERVICES)):
            count = await connection.fetchval(f"select count(*) from {row['name']}")  # noqa: S608 - from the catalogue
            tables.append(Held(row["name"], count, row["size"]))
        people = await connection.fetchrow(
            "select (select count(*) from geofence.check_in) as check_ins, (select count(*) from schedule.assessment) as days,"
            " (select count(*) from schedule.employee) as employees"
        )
        assert people is not None  # a select without a table has one row
    finally:
        await connection.close()
    return Measured(people["check_ins"], people["days"], people["employees"], await _topics(kafka, log), tables)


async def _topics(kafka: str, log: Path) -> list[Held]:
    async with consuming(kafka, "hadir-capacity") as consumer:
        ends = await consumer.end_offsets(partitions_of(*TOPICS))
    held = []
    for topic in TOPICS:
        size = sum(part.stat().st_size for n in range(topic.partitions) for part in (log / f"{topic.name}-{n}").glob("*.log"))
        held.append(Held(topic.name, sum(ends[place] for place in partitions_of(topic)), size))
    return held
