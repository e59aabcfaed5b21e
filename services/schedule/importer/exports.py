"""What imports took over, written in the shape that imports read: the same file imported again changes nothing."""

from collections.abc import AsyncIterator
from typing import Final

from services.schedule.importer import holidays_of_year, people, roster, units
from services.schedule.store import exported
from services.schedule.store import reference_rows as rows
from shared.database import Connection

PEOPLE: Final = (*people.EMPLOYEE_COLUMNS[0], *people.EMPLOYEE_COLUMNS[1])
UNITS: Final = (*units.UNIT_COLUMNS[0], *units.UNIT_COLUMNS[1])
WEEK_SCOPES: Final = (*units.SCOPE_COLUMNS[0], *units.SCOPE_COLUMNS[1])
ROSTER: Final = ("nip", "employee_id", "date", "mode", "start", "end")
WEEKS: Final = (*units.WEEK_COLUMNS[0], *units.WEEK_COLUMNS[1])
CALENDAR: Final = (*holidays_of_year.CALENDAR_COLUMNS[0], *holidays_of_year.CALENDAR_COLUMNS[1])


async def people_table(connection: Connection, clock: str = "") -> AsyncIterator[list[str]]:
    """Everybody who lives by `clock`, in order of NIP, by the columns `PEOPLE`; run in one transaction."""
    codes = {unit_id: kept.state.code for unit_id, kept in (await rows.units(connection)).items()}
    async for person in exported.people(connection, clock):
        for row in people.person_rows(person, codes):
            yield [row[column] for column in PEOPLE]


async def week_scopes_table(connection: Connection) -> AsyncIterator[list[str]]:
    """Where week patterns hold and when, in order of date and unit, by the columns `WEEK_SCOPES`."""
    codes = {unit_id: kept.state.code for unit_id, kept in (await rows.units(connection)).items()}
    held = [
        (scope.since, codes[scope.org_unit_id] if scope.org_unit_id else "", code, scope.until)
        for code, kept in (await rows.weeks(connection)).items() for scope in kept.state.in_force
    ]
    for since, unit, code, until in sorted(held, key=lambda one: one[:3]):
        yield [code, since.isoformat(), until.isoformat() if until else "", unit]


async def weeks_table(connection: Connection) -> AsyncIterator[list[str]]:
    """All week patterns in order of code, by the columns `WEEKS`."""
    for code, kept in sorted((await rows.weeks(connection)).items()):
        hours = {day: "-".join(span) for day, span in kept.state.hours.items()}
        yield [code, kept.state.name, kept.state.source, *(hours.get(day, "") for day in units.WEEK_COLUMNS[1])]


async def calendar_table(connection: Connection, year: int) -> AsyncIterator[list[str]]:
    """The holidays of all calendars in a year, by calendar and date, by the columns `CALENDAR`."""
    for (calendar, of), kept in sorted((await rows.calendars(connection)).items()):
        for day in kept.state.days if of == year else ():
            yield [day.date.isoformat(), day.kind, day.name, day.source, calendar]


async def units_table(connection: Connection) -> AsyncIterator[list[str]]:
    """All org units in order of code, by the columns `UNITS`."""
    for row in units.unit_rows(kept.state for kept in (await rows.units(connection)).values()):
        yield [row[column] for column in UNITS]


async def roster_table(connection: Connection, month: str, clock: str = "") -> AsyncIterator[list[str]]:
    """The rostered days of a month ("2026-02") of those who live by `clock`, by the columns `ROSTER`; run in one transaction."""
    async for nip, state in exported.rosters(connection, month, clock):
        for row in roster.roster_rows(state, nip):
            yield [row[column] for column in ROSTER]
