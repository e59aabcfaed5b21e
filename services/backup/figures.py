"""What must be the same in a database and in its restored copy: rows of every table, what is said of people, and the ledger."""

from dataclasses import asdict, dataclass
from hashlib import sha256
from typing import Any, Final

from services.payroll.rules.chain import LedgerRow, genesis, link
from services.payroll.store.balance import balance
from services.replay.digest import digest_seen_by
from shared.database import Connection
from shared.topics import SERVICES

_AT_ONCE: Final = 2_000
_LONGEST_S: Final = 3600.0

_LEDGER: Final = """
select employee_id, month, number, entry_id, date, code, origin, action, percent, amount, month_version, reverses, policy_id, cause,
       correlation, entered_at, row_hash
from payroll.ledger order by employee_id, month, number
"""


@dataclass(frozen=True)
class Figures:
    """Counts and hashes of one database at one instant; equal figures mean equal content.

    `tables`: rows by table. `statements`: rows and SHA-256 of each kind of statement (services/replay/digest.py).
    `unbalanced`: employee-months whose ledger does not sum to what is told of them. `heads`: SHA-256 over the last hash
    of every employee-month's chain; `broken`: entries whose hash is not that of their content.
    """

    tables: dict[str, int]
    statements: dict[str, tuple[int, str]]
    months: int
    entries: int
    rupiah: int
    unbalanced: int
    heads: str
    broken: int

    def as_json(self) -> dict[str, Any]:
        """For the paper beside a dump."""
        return asdict(self)

    @classmethod
    def of_json(cls, told: dict[str, Any]) -> "Figures":
        """From that paper; raises KeyError or TypeError if it is another's."""
        statements = {name: (int(rows), str(digest)) for name, (rows, digest) in told["statements"].items()}
        return cls(**{**told, "statements": statements})

    def differences(self, other: "Figures") -> list[str]:
        """A sentence for each figure in which `other` differs; [] when nothing does."""
        names = sorted(self.tables.keys() | other.tables.keys())
        found = [
            f"table {name}: {self.tables.get(name, 0):,} rows, then {other.tables.get(name, 0):,}"
            for name in names if self.tables.get(name) != other.tables.get(name)
        ]
        found += [
            f"{name}: {rows:,} rows {digest[:12]}, then {other.statements[name][0]:,} rows {other.statements[name][1][:12]}"
            for name, (rows, digest) in self.statements.items() if other.statements.get(name, (0, "")) != (rows, digest)
        ]
        for name in ("months", "entries", "rupiah", "unbalanced", "heads", "broken"):
            here, there = getattr(self, name), getattr(other, name)
            if here != there:
                found.append(f"ledger, {name}: {here}, then {there}")
        return found


async def figures_seen_by(connection: Connection) -> Figures:
    """Figures of what a connection sees within a transaction (one snapshot) that may read every schema."""
    told = await balance(connection, shown=0)
    heads, broken = await _chains(connection)
    return Figures(
        tables=await _tables(connection), statements=await digest_seen_by(connection), months=told.months,
        entries=told.entries, rupiah=told.rupiah, unbalanced=told.different, heads=heads, broken=broken,
    )  # fmt: skip


async def _tables(connection: Connection) -> dict[str, int]:
    names = await connection.fetch(
        "select n.nspname || '.' || c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace"
        " where c.relkind = 'r' and n.nspname = any($1::text[]) order by 1", list(SERVICES),
    )  # fmt: skip
    counted = {}
    for row in names:
        counted[row["name"]] = await connection.fetchval(f"select count(*) from {row['name']}", timeout=_LONGEST_S)  # noqa: S608 - from the catalogue
    return counted


async def _chains(connection: Connection) -> tuple[str, int]:
    """SHA-256 over the heads of all chains, and how many entries do not bear out their hash."""
    running, broken = sha256(), 0
    of: tuple[Any, str] | None = None
    head, chained = "", False
    async for row in connection.cursor(_LEDGER, prefetch=_AT_ONCE, timeout=_LONGEST_S):
        if of != (row["employee_id"], row["month"]):
            running.update(head.encode())
            of = (row["employee_id"], row["month"])
            head, chained = genesis(*of), False
        if row["row_hash"] is None and not chained:
            continue  # made before there was a chain
        chained = True
        entry = LedgerRow(**{name: value for name, value in row.items() if name != "row_hash"})
        head = link(head, entry.content())
        broken += row["row_hash"] != head
    running.update(head.encode())
    return running.hexdigest(), broken
