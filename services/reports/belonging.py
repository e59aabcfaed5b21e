"""Of whom a report of one org unit reads: few, whose rows are looked up one person after the other in tables that hold everybody's."""

from uuid import UUID

from shared.database import Connection


async def ever_in(connection: Connection, unit: str | None) -> list[UUID] | None:
    """Everybody who belongs or has belonged to a unit (by code), by id; None of None, which is the province.

    Read before the report's own statement, in the same snapshot, so that Postgres plans that for as many people as there are.
    """
    if unit is None:
        return None
    found = await connection.fetch(
        """select e.employee_id from schedule.org_unit u join schedule.employee e on e.member_unit @> array[u.org_unit_id]
           where u.code = $1""",
        unit,
    )
    return [row["employee_id"] for row in found]


def rows(table: str, when: str, of_unit: bool, key: str = "employee_id = e.employee_id") -> str:
    """SQL to join of a table's rows for which `when` holds: everybody's in one scan, or (`of_unit`) those found by `key`.

    Postgres is not left the choice: of dates that are newer than its statistics it expects no rows, and finds all of them by the date.
    """
    by_key = f"lateral (select * from {table} where {key} and {when} offset 0)"  # noqa: S608 - made of our own words
    return by_key if of_unit else f"(select * from {table} where {when})"  # noqa: S608
