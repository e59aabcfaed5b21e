"""The proof of balance: every month's ledger sums to what is told of it, and no entry is missing from its numbers."""

from dataclasses import dataclass
from uuid import UUID

from shared.database import Connection


@dataclass(frozen=True, slots=True)
class Difference:
    """An employee-month whose ledger does not bear out what is told: rupiah and number of entries, told and found."""

    employee_id: UUID
    month: str
    told: int
    found: int
    entries_told: int
    entries_found: int


@dataclass(frozen=True, slots=True)
class Balance:
    """What was compared, all of one instant; `differences` holds the first ones, `different` counts them all."""

    months: int
    entries: int
    rupiah: int
    different: int
    differences: tuple[Difference, ...]


_COMPARED = """
with entered as (
    select employee_id, month, sum(amount)::bigint as rupiah, count(*)::int as entries, max(number) as last
    from payroll.ledger group by employee_id, month
), compared as (
    select employee_id, month, coalesce(m.amount, 0) + coalesce(m.supplementary, 0) as told, coalesce(e.rupiah, 0) as found,
           coalesce(m.entries, 0) as entries_told, coalesce(e.entries, 0) as entries_found, coalesce(e.last, 0) as last
    from payroll.month m full join entered e using (employee_id, month)
)
select *, told <> found or entries_told <> entries_found or last <> entries_found as differs from compared
"""

_TOTALS = f"""
select count(*) as months, coalesce(sum(entries_found), 0)::bigint as entries, coalesce(sum(found), 0)::bigint as rupiah,
       count(*) filter (where differs) as different from ({_COMPARED}) c
"""  # noqa: S608 - made of our own words
_DIFFERING = f"""
select * from ({_COMPARED}) c where differs order by month, employee_id limit $1
"""  # noqa: S608 - made of our own words


async def balance(connection: Connection, shown: int = 20) -> Balance:
    """Compare all months with their ledgers; needs only the right to read payroll's schema."""
    totals = await connection.fetchrow(_TOTALS)
    assert totals is not None  # an aggregate has one row
    rows = []
    if totals["different"]:
        rows = await connection.fetch(_DIFFERING, shown)
    return Balance(
        months=totals["months"],
        entries=totals["entries"],
        rupiah=totals["rupiah"],
        different=totals["different"],
        differences=tuple(
            Difference(row["employee_id"], row["month"], row["told"], row["found"], row["entries_told"], row["entries_found"])
            for row in rows
        ),
    )
