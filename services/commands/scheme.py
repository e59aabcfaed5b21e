"""`hadir scheme`: WFO/WFA schemes are checked, put in force, extended, listed and shown."""

import asyncio
import datetime as dt
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from services.commands.terminal import print_line, stop_with

if TYPE_CHECKING:
    from uuid import UUID

    from services.schedule.rules.schemes import Scheme, SchemeState
    from services.schedule.rules.workflow import Who
    from shared.database import Connection
    from shared.lanes import Lanes

app = typer.Typer(no_args_is_help=True, help="WFO/WFA schemes: quotas, days of the week, who is left out; where and when they hold.")

SchemeFile = Annotated[Path, typer.Argument(metavar="FILE", help="schemes (YAML)")]
Name = Annotated[str, typer.Argument(metavar="NAME", help="name of a scheme that was applied")]
InForce = Annotated[
    str, typer.Option("--in-force", metavar="DATE[..DATE][@UNIT]", help="From when, until when, where; no UNIT: the province.")
]
Until = Annotated[str | None, typer.Option("--until", metavar="DATE", help="Last date on which it holds; default: open end.")]
Unit = Annotated[str | None, typer.Option("--unit", metavar="CODE", help="Only this org unit; default: the whole province.")]
Source = Annotated[str | None, typer.Option("--source", metavar="TEXT", help="Legal source of this; default: the scheme's own.")]
Reason = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; kept in the audit trail.")]
Actor = Annotated[str, typer.Option("--actor", metavar="ID", help="Who; kept in the audit trail.")]
Role = Annotated[str, typer.Option("--role", metavar="ROLE", help="In which role (shared/roles.py).")]
Database = Annotated[
    str | None,
    typer.Option("--database", metavar="URL", help="PostgreSQL URL; default: HADIR_DATABASE, else the running stack."),
]


@app.command("check")
def check(file: SchemeFile) -> None:
    """Load schemes and show what each of them asks for.

    Exit code 0 if the file can be used, 2 if not, with line and key of every fault.

    Example: [bold]hadir scheme check services/schedule/policies/example-schemes.yaml[/bold]
    """
    for name, scheme in _load(file).items():
        print_line(f"ok {name} {scheme.identity}")
        for line in _described(scheme):
            print_line(f"   {line}")


@app.command("apply")
def apply(
    file: SchemeFile,
    name: Annotated[str, typer.Option("--name", help="Which scheme of the file.")],
    in_force: InForce, reason: Reason, source: Source = None, actor: Actor = "operator", role: Role = "bkd", database: Database = None,
) -> None:
    """Put a scheme in force; one that began there on the same date gives way.

    Rosters are checked against it from then on; duties change only when a roster is published.

    Example: [bold]hadir scheme apply skema.yaml --name BENGKULU-25-75 --in-force 2026-02-01..2026-02-28 --reason "SE 800/12"[/bold]
    """
    schemes = _load(file)
    if name not in schemes:
        stop_with(f"Skema {name} tidak ada di berkas; yang ada: {', '.join(schemes)}.", 2)

    async def act(lanes: "Lanes", units: dict[str, "UUID"]) -> list[str]:
        from services.schedule.schemes import Scope, apply_schemes

        dates, _, unit = in_force.partition("@")
        since, _, until = dates.partition("..")
        scope = Scope(name, read_date(since), read_date(until) if until else None, unit_id(units, unit or None), source)
        return _told(await apply_schemes(lanes, {name: schemes[name]}, [scope], _who(actor, role), reason=reason))

    say(act, database)


@app.command("extend")
def extend(
    name: Name, reason: Reason,
    source: Annotated[str, typer.Option("--source", metavar="TEXT", help="The letter that extends it.")],
    until: Until = None, unit: Unit = None, actor: Actor = "operator", role: Role = "bkd", database: Database = None,
) -> None:
    """Let a scheme hold until another date where it holds now.

    Example: [bold]hadir scheme extend BENGKULU-25-75 --until 2026-03-31 --source "SE 800/31" --reason "hasil evaluasi"[/bold]
    """

    async def act(lanes: "Lanes", units: dict[str, "UUID"]) -> list[str]:
        from services.schedule.schemes import extend as extend_scheme

        async with lanes.pool.acquire() as connection:
            state = await _named(connection, name)
        scope = unit_id(units, unit)
        end = read_date(until) if until else None
        return _told(await extend_scheme(lanes, state.scheme_id, scope, end, _who(actor, role), reason=reason, legal_source=source))

    say(act, database)


@app.command("list")
def list_schemes(database: Database = None) -> None:
    """Every scheme that was applied, where and when it holds, and on which legal source.

    Example: [bold]hadir scheme list[/bold]
    """

    async def act(lanes: "Lanes", units: dict[str, "UUID"]) -> list[str]:
        from services.schedule.store import schemes as rows

        codes = {org_unit_id: code for code, org_unit_id in units.items()}
        async with lanes.pool.acquire() as connection:
            known = await rows.schemes(connection)
        lines = []
        for kept in sorted(known.values(), key=lambda kept: kept.state.name):
            lines.append(f"{kept.state.name}: {kept.state.scheme.title}")
            lines += [f"   {line}" for line in _scopes(kept.state, codes)]
        return lines or ["Belum ada skema; terapkan dengan `hadir scheme apply`."]

    say(act, database)


@app.command("show")
def show(name: Name, database: Database = None) -> None:
    """One scheme: what it asks for, its source, where and when it holds.

    Example: [bold]hadir scheme show BENGKULU-25-75[/bold]
    """

    async def act(lanes: "Lanes", units: dict[str, "UUID"]) -> list[str]:
        codes = {org_unit_id: code for code, org_unit_id in units.items()}
        async with lanes.pool.acquire() as connection:
            state = await _named(connection, name)
        return [f"{state.name} {state.scheme_id}", *(f"   {line}" for line in (*_described(state.scheme), *_scopes(state, codes)))]

    say(act, database)


def say(
    act: Callable[["Lanes", dict[str, "UUID"]], Coroutine[Any, Any, list[str]]], database: str | None
) -> None:
    """Carry out what needs lanes and the units by code; print its lines, or its refusal with exit code 1."""
    from services.schedule.store import reference_rows as rows
    from shared.database import open_pool
    from shared.failures import is_infrastructure
    from shared.lanes import Lanes
    from shared.refusal import Refused
    from shared.settings import settings

    async def done() -> list[str]:
        pool = await open_pool(database or settings().database, "schedule", max_size=2)
        try:
            async with pool.acquire() as connection:
                units = {kept.state.code: key for key, kept in (await rows.units(connection)).items()}
            return await act(Lanes(pool, "schedule"), units)
        finally:
            await pool.close()

    try:
        lines = asyncio.run(done())
    except Refused as refused:
        stop_with(str(refused))
    except Exception as error:
        if not is_infrastructure(error):
            raise
        stop_with(f"Basis data tidak terjangkau ({type(error).__name__}): jalankan `hadir run`, atau sebutkan --database.")
    for line in lines:
        print_line(line)


def read_date(text: str) -> dt.date:
    """A date of an option; ends the command if it is none."""
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        stop_with(f"{text!r} bukan tanggal; tulis seperti 2026-02-01.", 2)


def unit_id(units: dict[str, "UUID"], code: str | None) -> "UUID | None":
    """The unit of a code; ends the command if nobody knows it."""
    if code is not None and code not in units:
        stop_with(f"Unit {code} tidak terdaftar; yang ada: {', '.join(sorted(units)[:20])}.", 2)
    return units[code] if code is not None else None


def _who(actor: str, role: str) -> "Who":
    from services.schedule.rules.workflow import Who

    return Who(actor, role)


def _load(file: Path) -> "dict[str, Scheme]":
    from services.schedule.rules.schemes import SchemeError, load_schemes

    try:
        return load_schemes(file)
    except SchemeError as error:
        stop_with(str(error), 2)


async def _named(connection: "Connection", name: str) -> "SchemeState":
    from services.schedule.store import schemes as rows

    found = [kept.state for kept in (await rows.schemes(connection)).values() if kept.state.name == name]
    if not found:
        stop_with(f"Skema {name} belum diterapkan; lihat `hadir scheme list`.")
    return max(found, key=lambda state: max((scope.since for scope in state.in_force), default=dt.date.min))


def _told(applied: Any) -> list[str]:
    outcome = applied.outcome
    return [f"Skema: baru {outcome.new}, berubah {outcome.changed}, tetap {outcome.unchanged}",
            *(f"perhatikan: {remark}" for remark in applied.remarks)]


def _scopes(state: "SchemeState", codes: dict["UUID", str]) -> list[str]:
    return [
        f"berlaku {scope.since} sampai {scope.until or 'dicabut'} di "
        f"{codes.get(scope.org_unit_id, '?') if scope.org_unit_id else 'seluruh provinsi'}; dasar: {scope.legal_source}"
        for scope in state.in_force
    ] or ["belum berlaku di mana pun"]


def _described(scheme: "Scheme") -> list[str]:
    from shared.percent import percent_text

    per = {"day": "hari", "week": "minggu", "month": "bulan"}
    rounding = {"down": "ke bawah", "half_up": "ke yang terdekat", "up": "ke atas"}
    days = {"mon": "Senin", "tue": "Selasa", "wed": "Rabu", "thu": "Kamis", "fri": "Jumat", "sat": "Sabtu", "sun": "Minggu"}
    lines = [scheme.title, f"dasar: {scheme.legal_source} ({scheme.standing})"]
    for quota in scheme.quotas:
        parts = [f"WFA {percent_text(quota.exact)} %"] if quota.exact is not None else []
        parts += [f"WFA paling banyak {percent_text(quota.wfa_at_most)} %"] if quota.wfa_at_most is not None else []
        parts += [f"WFA paling sedikit {percent_text(quota.wfa_at_least)} %"] if quota.wfa_at_least is not None else []
        lines.append(f"per {per[quota.per]}: {', '.join(parts)}; dibulatkan {rounding[quota.rounding]}, toleransi {quota.tolerance} orang")
    if scheme.person_week is not None:
        lines.append(f"tiap orang seminggu: {scheme.person_week.wfo} hari WFO, {scheme.person_week.wfa} hari WFA")
    lines += [f"setiap {days[day.weekday]}: semua {day.mode.value}" for day in scheme.fixed_days]
    left_out = [*(["unit pelayanan langsung"] if scheme.excluded.public_service else []), *scheme.excluded.units,
                *(f"kelompok {group}" for group in scheme.excluded.groups)]
    if left_out:
        lines.append(f"dikecualikan: {', '.join(left_out)}")
    if scheme.weekly_wfa_limit is not None:
        lines.append(f"peringatan di atas {scheme.weekly_wfa_limit} hari WFA seminggu (PermenPANRB 4/2025)")
    if scheme.region == "stay":
        lines.append("WFA hanya di dalam daerah, kecuali dinas luar")
    if scheme.evidence == "geotag_photo":
        lines.append("WFA wajib mengirim foto geotag")
    return [*lines, *([f"catatan: {scheme.note}"] if scheme.note else [])]
