"""Was every ledger entry published as it stands? Reads hadir.tpp.deduction.v1 from its beginning beside the ledger.

Records repeat after a takeover and never change; numbers run from 1 within an employee-month, so that a hole, a foreign amount
or another place in the hash chain shows. Entries made after the ledger was read are left for the next time.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias
from uuid import UUID

import orjson

from services.reports.flow import Flow
from shared.reading import consuming, partitions_of, to_the_ends
from shared.topics import DEDUCTION

Key: TypeAlias = tuple[UUID, str]
_PATIENCE_S: Final = 30.0

_LEDGER: Final = """
select employee_id, month, count(*)::int as entries, sum(amount)::bigint as rupiah,
       (array_agg(row_hash order by number desc))[1] as head
from payroll.ledger where $1::text is null or month = $1 group by employee_id, month
"""

_BEGUN: Final = """
select k.employee_id, k.month from unnest($1::uuid[], $2::text[]) as k (employee_id, month)
join payroll.ledger l on l.employee_id = k.employee_id and l.month = k.month and l.number = 1
"""


class NotSent(Exception):
    """Entries have waited in payroll's outbox for too long; the text says how many."""


@dataclass(slots=True)
class Told:
    """What the topic says of one employee-month: how many entries, their rupiah, the hash of the last one, holes."""

    entries: int = 0
    rupiah: int = 0
    head: str | None = None
    holes: int = 0

    def take(self, number: int, amount: int, row_hash: str | None) -> None:
        """One record; a repetition of an earlier one says nothing."""
        if number <= self.entries:
            return
        self.holes += number != self.entries + 1
        self.entries, self.rupiah, self.head = number, self.rupiah + amount, row_hash


@dataclass(frozen=True, slots=True)
class Published:
    """The comparison: events that counted, their rupiah, and the employee-months about which topic and ledger differ."""

    events: int
    rupiah: int
    months: int
    differing: tuple[tuple[UUID, str, int, int], ...] = field(default=())
    """(employee, month, rupiah of the ledger, rupiah of the events)."""


def differing(ledger: Mapping[Key, Told], told: Mapping[Key, Told]) -> tuple[tuple[UUID, str, int, int], ...]:
    """The employee-months whose events are not their ledger, entry for entry, in order of month."""
    nothing = Told()
    wrong = []
    for key in ledger.keys() | told.keys():
        kept, said = ledger.get(key, nothing), told.get(key, nothing)
        same = (kept.entries, kept.rupiah, said.holes) == (said.entries, said.rupiah, 0)
        if not same or (kept.head is not None and kept.head != said.head):
            wrong.append((*key, kept.rupiah, said.rupiah))
    return tuple(sorted(wrong, key=lambda row: (row[1], str(row[0]))))


async def compare(flow: Flow, kafka: str, month: str | None = None) -> Published:
    """Compare all months, or one ("2026-02"), with what was published of them. Raises NotSent."""
    async with flow.connection.transaction(isolation="repeatable_read", readonly=True):
        issued = await flow.issued("payroll")
        rows = await flow.connection.fetch(_LEDGER, month)
    ledger = {(row["employee_id"], row["month"]): Told(row["entries"], row["rupiah"], row["head"]) for row in rows}
    deadline = asyncio.get_running_loop().time() + _PATIENCE_S
    while unsent := await flow.unsent("payroll", issued):
        if asyncio.get_running_loop().time() > deadline:
            raise NotSent(f"{unsent} outbox rows of payroll wait to be sent; is its worker running?")
        await asyncio.sleep(0.1)
    told = await _read(kafka, ledger, month)
    strangers = [key for key in told if key not in ledger]
    for row in await flow.connection.fetch(_BEGUN, [who for who, _ in strangers], [of for _, of in strangers]):
        del told[row["employee_id"], row["month"]]  # begun after the ledger was read
    return Published(
        sum(one.entries for one in told.values()), sum(one.rupiah for one in told.values()), len(ledger), differing(ledger, told)
    )


async def _read(kafka: str, ledger: Mapping[Key, Told], month: str | None) -> dict[Key, Told]:
    told: dict[Key, Told] = {}
    async with consuming(kafka, "hadir-balance") as consumer:
        async for record in to_the_ends(consumer, await consumer.beginning_offsets(partitions_of(DEDUCTION))):
            _take(told, ledger, orjson.loads(record.value), month)
    return told


def _take(told: dict[Key, Told], ledger: Mapping[Key, Told], event: Mapping[str, Any], month: str | None) -> None:
    if month is not None and event["month"] != month:
        return
    key = UUID(event["employee_id"]), event["month"]
    kept = ledger.get(key)
    if kept is None or event["number"] <= kept.entries:  # else made after the ledger was read, or of nobody's ledger
        told.setdefault(key, Told()).take(event["number"], event["amount"], event.get("row_hash"))
