"""SQL of decided cuts of the TPP: kept in their newest version, under the lane of their employee."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from shared.database import Connection
from shared.events import DisciplineStepChanged


@dataclass(frozen=True, slots=True)
class Reach:
    """The months of one employee that a cut, new or taken back, bears on: to the end of the last cut that it may replace."""

    employee_id: UUID
    first: str
    last: str


async def newer(connection: Connection, event: DisciplineStepChanged, first: str, last: str) -> Reach | None:
    """The months that keeping this version will bear on; None if nothing is to be kept: it is old, or no cut that we know."""
    row = await connection.fetchrow(
        "select version, first_month, last_month from sanction where employee_id = $1 and step = $2 and date = $3",
        event.employee_id, event.step, event.date,
    )
    if (row is None and event.action != "decided") or (row is not None and row["version"] >= event.version):
        return None
    known: str | None = await connection.fetchval("select max(last_month) from sanction where employee_id = $1", event.employee_id)
    firsts = [row["first_month"]] if row is not None else []
    if event.action == "decided":
        firsts.append(first)
    return Reach(event.employee_id, min(firsts), max(last, known or last))


async def keep(connection: Connection, event: DisciplineStepChanged, first: str, last: str) -> None:
    """Keeps a decided cut for the months `first` to `last`, or that it was taken back."""
    if event.action != "decided":
        await connection.execute(
            "update sanction set version = $4, withdrawn = true, document = $5::text::jsonb, decided_by = $6"
            " where employee_id = $1 and step = $2 and date = $3",
            event.employee_id, event.step, event.date, event.version, event.document and event.document.model_dump_json(), event.actor,
        )
        return
    await connection.execute(
        "insert into sanction (employee_id, step, date, version, first_month, last_month, percent, legal_source, document, decided_by)"
        " values ($1, $2, $3, $4, $5, $6, $7, $8, $9::text::jsonb, $10)"
        " on conflict (employee_id, step, date) do update set version = excluded.version, first_month = excluded.first_month,"
        " last_month = excluded.last_month, percent = excluded.percent, legal_source = excluded.legal_source,"
        " document = excluded.document, decided_by = excluded.decided_by, withdrawn = false",
        event.employee_id, event.step, event.date, event.version, first, last, event.cut_percent, event.legal_source,
        event.document and event.document.model_dump_json(), event.actor,
    )


async def begun_within(connection: Connection, reach: Reach) -> Sequence[tuple[UUID, str]]:
    """The months of that reach of which something is known already."""
    rows = await connection.fetch(
        "select employee_id, month from month where employee_id = $1 and month between $2 and $3 order by month",
        reach.employee_id, reach.first, reach.last,
    )
    return [(row["employee_id"], row["month"]) for row in rows]
