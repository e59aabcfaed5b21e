"""SQL by which the people of some org units are found, be they few or all of a province."""

from typing import Final

FEW_UNITS: Final = 64
"""So many are looked up by the index of units; the people of more are likely to be everywhere."""


def by_index(units: str, column: str = "member_unit") -> str:
    """Lets the index find the people of few units; true of everybody for more of them, and for no list of units (null).

    `units` is the parameter ("$1"); PostgreSQL decides it when it plans for the units that are asked (`database.PLANNED_EACH_TIME`).
    """
    return f"({units}::uuid[] is null or cardinality({units}::uuid[]) > {FEW_UNITS} or {column} && {units}::uuid[])"


def of_units(units: str) -> str:
    """Whoever ever belongs to one of these units; everybody for no list of units (null).

    `any` is looked up in a hash, where `&&` would compare each unit of a person with each of thousands.
    """
    found = f"exists (select from unnest(member_unit) u(unit) where u.unit = any({units}::uuid[]))"
    return f"({units}::uuid[] is null or {found}) and {by_index(units)}"
