"""What a database says about people, read down to one hash per kind of statement; and where two databases differ.

Left out is what tells how a conclusion came about and not what it is: versions, ids of causes, stamps, hashes of rows.
Money is compared by the month in which it arose, since a correction that came after a close stands in a later one; what an open
month will carry on is in no other month yet, and left out.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from shared.database import Connection, connect_auditor

MOST_NAMED: Final = 10
_AT_ONCE: Final = 2_000
_LONGEST_SORT_S: Final = 3600.0

_STATEMENTS: Final[Mapping[str, str]] = {
    "verdicts of check-ins": """
        select check_in_id::text as key, concat_ws('|', mark, captured_at, site, region, quality, mock, evidence) as value
        from geofence.check_in order by check_in_id""",
    "assessed days": """
        select employee_id || ' ' || date as key, (content - 'version')::text as value
        from schedule.assessment order by employee_id, date""",
    "violations that stand": """
        select employee_id || ' ' || date || ' ' || kind || ' ' || code as key, coalesce(minutes::text, '') as value
        from schedule.violation where action = 'raised' order by employee_id, date, kind, code""",
    "ladder steps that stand": """
        select employee_id || ' ' || step || ' ' || date as key, action || ' ' || unexcused_days as value
        from schedule.discipline_step where action <> 'withdrawn' order by employee_id, step, date""",
    "priced days": """
        select employee_id || ' ' || (day->>0) as key,
               concat_ws('|', (day::jsonb - 5 - 1)::text, facts->'policies'->>(day->>5)::int) as value
        from payroll.month, json_array_elements(facts->'days') with ordinality of_month(day, place)
        order by employee_id, month, place""",
    "deductions by month of origin": """
        select employee_id || ' ' || coalesce(origin, month) as key, sum(l.amount)::text as value
        from payroll.ledger l join payroll.month m using (employee_id, month) where m.closed or origin is distinct from month
        group by employee_id, coalesce(origin, month) having sum(l.amount) <> 0
        order by employee_id, coalesce(origin, month)""",
}
"""Each selects (key, value) in order of the key, which names nobody. A priced day is what `write_facts` wrote of it: status, minutes and
each line's code and percent, here without its version, and with the rule pack's id in place of its number in the month's list."""


@dataclass
class Statement:
    """One kind of statement as two databases make it."""

    name: str
    rows: tuple[int, int] = (0, 0)
    hashes: tuple[str, str] = ("", "")
    differing: list[str] = field(default_factory=list)
    """The first keys about which they differ; `...` where there are more."""

    @property
    def equal(self) -> bool:
        """Whether both say the same, to the last byte."""
        return self.hashes[0] == self.hashes[1]


async def digest(database: str) -> dict[str, tuple[int, str]]:
    """Number of rows and SHA-256 of each kind of statement in one database (URL), in one snapshot."""
    connection = await connect_auditor(database, "hadir replay")
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            return await digest_seen_by(connection)
    finally:
        await connection.close()


async def digest_seen_by(connection: Connection) -> dict[str, tuple[int, str]]:
    """As `digest`, of what a connection sees within a transaction that may read every schema."""
    found: dict[str, tuple[int, str]] = {}
    for name, query in _STATEMENTS.items():
        rows, running = 0, hashlib.sha256()
        async for row in connection.cursor(query, prefetch=_AT_ONCE, timeout=_LONGEST_SORT_S):
            rows += 1
            running.update(f"{row['key']}\t{row['value']}\n".encode())
        found[name] = (rows, running.hexdigest())
    return found


async def compare(live: str, rebuilt: str) -> list[Statement]:
    """Both databases (URLs), statement by statement; where they differ, the first keys that do."""
    one, other = await digest(live), await digest(rebuilt)
    statements = []
    for name in _STATEMENTS:
        statement = Statement(name, (one[name][0], other[name][0]), (one[name][1], other[name][1]))
        if not statement.equal:
            here, there = await _all(live, name), await _all(rebuilt, name)
            keys = sorted(key for key in here.keys() | there.keys() if here.get(key) != there.get(key))
            statement.differing = keys[:MOST_NAMED] + (["..."] if len(keys) > MOST_NAMED else [])
        statements.append(statement)
    return statements


async def _all(database: str, name: str) -> dict[str, str]:
    connection = await connect_auditor(database, "hadir replay")
    try:
        return {row["key"]: row["value"] for row in await connection.fetch(_STATEMENTS[name])}
    finally:
        await connection.close()
