"""The reports by name, each from one read-only snapshot: what the command line and HTTP both call."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Final, Literal, TypeAlias
from uuid import UUID

from services.reports import evaluation as judging
from services.reports import supervision, tallies
from services.reports.documents import Document, lines, to_csv, to_xlsx
from services.reports.evaluation import Energy
from services.reports.feedback import Rated, of_units
from services.reports.recap import per_person, per_unit
from services.reports.recapping import people_of, state_of
from shared.database import Connection
from shared.refusal import Refused

Form: TypeAlias = Literal["text", "csv", "xlsx", "pdf"]
FORMS: Final[tuple[Form, ...]] = ("text", "csv", "xlsx", "pdf")

SIGNERS: Final = ("Kepala Perangkat Daerah", "Pengelola Kepegawaian")
"""Who signs a recap, unless others are named."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What every report may be told: one org unit (by code), who signs it and where, and the clock by which its people live."""

    unit: str | None = None
    signers: Sequence[str] = ()
    place: str = ""
    clock: str = ""


async def _registered(connection: Connection, code: str | None) -> None:
    """Raises Refused for a unit that nobody imported: an empty report would look like one of nobody."""
    if code is not None and not await connection.fetchval("select exists (select from schedule.org_unit where code = $1)", code):
        raise Refused(f"unit {code} tidak terdaftar; lihat kodenya dengan `hadir read schedule org-units`")


async def recap(connection: Connection, month: str, asked: Asked, *, units: bool = False) -> Document:
    """Attendance and deductions of a month ("2026-02"), a line for each person or (`units`) each org unit."""
    await _registered(connection, asked.unit)
    people, state = await people_of(connection, month, asked.unit, asked.clock), await state_of(connection, month, asked.clock)
    if units:
        return per_unit(people, month, state, asked.signers or SIGNERS, asked.place)
    return per_person(people, month, state, asked.unit, asked.signers or SIGNERS, asked.place)


async def compliance(connection: Connection, date: dt.date, asked: Asked) -> Document:
    """How each org unit did on a business date."""
    await _registered(connection, asked.unit)
    found = await tallies.unit_days(connection, date, asked.unit, asked.clock)
    return supervision.compliance(found, date, asked.signers, asked.place)


async def from_anywhere(connection: Connection, date: dt.date, asked: Asked) -> Document:
    """Who works from anywhere on a business date."""
    await _registered(connection, asked.unit)
    found = await tallies.from_anywhere(connection, date, asked.unit, asked.clock)
    return supervision.from_anywhere(found, date, asked.signers, asked.place)


async def evaluation(
    connection: Connection, month: str, before: int, asked: Asked, *, energy: Energy, rated: Sequence[Rated]
) -> Document:
    """WFO beside WFA in a month and so many months before it. Raises Refused where a rating is of a unit that nobody knows."""
    first = dt.date.fromisoformat(f"{month}-01")
    after = (first + dt.timedelta(days=31)).replace(day=1)
    for _ in range(before):
        first = (first - dt.timedelta(days=1)).replace(day=1)
    await _registered(connection, asked.unit)
    known = {row["code"] for row in await connection.fetch("select code from schedule.org_unit")}
    if unknown := sorted({one.unit for one in rated} - known):
        raise Refused(f"umpan balik menyebut unit yang tidak terdaftar: {', '.join(unknown[:10])}; periksa kode unitnya")
    months = await tallies.worked(connection, first, after, asked.unit, asked.clock)
    return judging.evaluation(
        months, energy, of_units(rated, asked.unit), unit=asked.unit, signers=asked.signers or ("Kepala BKD",), place=asked.place)


async def code_of(connection: Connection, org_unit_id: UUID) -> str | None:
    """The code of an org unit; None if there is none with this id."""
    code: str | None = await connection.fetchval("select code from schedule.org_unit where org_unit_id = $1", org_unit_id)
    return code


def read_energy(text: str) -> Energy | None:
    """What a day away saves, from "KWH;RUPIAH;SOURCE"; our own assumption where nothing is given, None for what is not that."""
    if not text:
        return judging.ASSUMED
    kwh, _, rest = text.partition(";")
    tariff, _, source = rest.partition(";")
    try:
        numbers = [Fraction(number.strip().replace(",", ".")) for number in (kwh, tariff)]
    except (ValueError, ZeroDivisionError):
        return None
    return Energy(numbers[0], numbers[1], source.strip()) if min(numbers) >= 0 and source.strip() else None


def write(document: Document, form: Form, path: Path) -> None:
    """Write a report to a file in one of its forms. Raises what writing raises."""
    if form == "text":
        path.write_text("\n".join(lines(document)) + "\n", encoding="utf-8")
    elif form == "pdf":
        from services.reports.pages import to_pdf  # noqa: PLC0415 - half a second of fonts that the other forms do without

        to_pdf(document, path, dt.datetime.now(dt.UTC))
    else:
        (to_xlsx if form == "xlsx" else to_csv)(document, path)
