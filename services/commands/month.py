"""`hadir month`: a month is reviewed, signed level by level, paid; or closed in one step, once all under way is counted."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Coroutine
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias, TypeVar
from uuid import uuid4

import typer

from services.commands.terminal import print_line, require_month, stop_with
from shared.refusal import Refusal
from shared.settings import Settings, settings

if TYPE_CHECKING:
    from services.payroll.rules.signing import Action, Asked, Step, Uncovered
    from services.reports.close import Told
    from shared.lanes import Lanes

T = TypeVar("T")

Obstacle: TypeAlias = Literal["open-days", "missing-ceilings"]
"""What stands against a signature unless whoever signs answers for it."""

app = typer.Typer(no_args_is_help=True, help="Months: review, signatures, payment. A signed month stands; changes become supplements.")

Month = Annotated[str, typer.Option("--month", metavar="YYYY-MM", help="Which month.")]
Clock = Annotated[str, typer.Option("--clock", metavar="NAME", help="For invented people who live by this clock.")]
Wait = Annotated[bool, typer.Option("--wait/--no-wait", help="Wait until what is under way has been counted, or refuse at once.")]
Despite = Annotated[bool, typer.Option("--despite-open-days", help="Although days are PENDING or HELD; needs --reason.")]
DespiteCeilings = Annotated[bool, typer.Option("--despite-missing-ceilings", help="Although people have no TPP ceiling; needs --reason.")]
Reason = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; kept in the audit trail.")]
Actor = Annotated[str, typer.Option("--actor", metavar="ID", help="Who; kept in the audit trail.")]
Role = Annotated[str, typer.Option("--role", metavar="ROLE", help="In which role, where levels of signatures ask for one.")]


@app.command("close")
def close(
    month: Month, clock: Clock = "", wait: Wait = True, despite_open_days: Despite = False,
    despite_missing_ceilings: DespiteCeilings = False, reason: Reason = "", actor: Actor = "operator",
) -> None:
    """Close a month in one step: its totals become facts, and later changes are owed as supplements (susulan).

    Waits first until every service has passed what had been sent when this command was given, and says what is
    still awaited. Refuses a month that has not ended, one with undecided days, one with people who have no TPP ceiling
    (their deductions would be facts of Rp 0), and, where levels of signatures are configured, everybody's month: that
    one is reviewed and signed.

    Examples: [bold]hadir month close --month 2026-02[/bold],
    [bold]hadir month close --month 2026-02 --despite-open-days --reason "SK Sekda 900/12"[/bold]
    """
    from services.simulator.progress import drawn

    _checked(month, actor)
    with drawn() as told:
        despite = _despite(despite_open_days, despite_missing_ceilings)
        _say(perform(settings(), month, clock, told, wait=wait, despite=despite, reason=reason, actor=actor))


@app.command("review")
def review(month: Month, clock: Clock = "", wait: Wait = True, reason: Reason = "", actor: Actor = "operator", role: Role = "") -> None:
    """Put a month that has ended under review, so that it can be signed. Its figures still follow corrections.

    Example: [bold]hadir month review --month 2026-02 --actor bendahara-1[/bold]
    """
    from services.simulator.progress import drawn

    _checked(month, actor)
    with drawn() as told:
        _say(take(settings(), _asked("review", actor, role, reason), month, clock, told, wait=wait))


@app.command("sign")
def sign(
    month: Month, clock: Clock = "", wait: Wait = True, despite_open_days: Despite = False,
    despite_missing_ceilings: DespiteCeilings = False, reason: Reason = "", actor: Actor = "operator", role: Role = "",
) -> None:
    """Sign the next level of a month under review; the last signature closes it. Each level is signed by another person.

    Waits like `close`, and refuses undecided days and people without a TPP ceiling. A signature stands for exact
    figures: when they change before the next level signs, the month is to be returned and signed anew.

    Example: [bold]hadir month sign --month 2026-02 --actor kepala-bkd --role bkd[/bold]
    """
    from services.simulator.progress import drawn

    _checked(month, actor)
    with drawn() as told:
        asked = _asked("sign", actor, role, reason)
        despite = _despite(despite_open_days, despite_missing_ceilings)
        _say(take(settings(), asked, month, clock, told, wait=wait, despite=despite))


@app.command("return")
def give_back(month: Month, reason: Reason, clock: Clock = "", actor: Actor = "operator", role: Role = "") -> None:
    """Return a month under review: it is open again, and its signatures are void.

    Example: [bold]hadir month return --month 2026-02 --reason "roster RSUD belum lengkap" --actor kepala-bkd[/bold]
    """
    _checked(month, actor)
    _say(record(settings(), _asked("return", actor, role, reason), month, clock))


@app.command("pay")
def pay(
    month: Month,
    reference: Annotated[str, typer.Option("--reference", metavar="NUMBER", help="Number of the payment order (SP2D).")],
    clock: Clock = "", reason: Reason = "", actor: Actor = "operator", role: Role = "",
) -> None:
    """Record that a signed month was paid. Corrections that come later are supplements in the next open month.

    Example: [bold]hadir month pay --month 2026-02 --reference "SP2D 00123/2026" --actor bendahara-1[/bold]
    """
    _checked(month, actor)
    _say(record(settings(), _asked("pay", actor, role, reason, reference), month, clock))


@app.command("levels")
def levels(
    names: Annotated[list[str] | None, typer.Argument(metavar="[NAME=ROLE ...]", help="in order of signing; ROLE is optional")] = None,
    none: Annotated[bool, typer.Option("--none", help="Take all levels away: one signature, of whatever role.")] = False,
    reason: Reason = "", actor: Actor = "operator",
) -> None:
    """Show who signs a month, or configure it: each level is signed by another person, in the role it names.

    Examples: [bold]hadir month levels[/bold],
    [bold]hadir month levels "Kepala BKD=bkd" "Bendahara=payroll_officer" --reason "Pergub Contoh 5/2026"[/bold]
    """
    if names and none:
        stop_with("Sebutkan tingkat atau --none, salah satu saja.", 2)
    if (names or none) and not reason.strip():
        stop_with('Mengubah tingkat tanda tangan memerlukan alasan; tambahkan --reason "…".', 2)
    _say(_levels(settings(), names, none=none, reason=reason, actor=actor))


@app.command("status")
def status(month: Month, clock: Clock = "") -> None:
    """Where a month stands, its figures, and every step that led there: who, in which role, when, why.

    Example: [bold]hadir month status --month 2026-02[/bold]
    """
    _checked(month, "operator")
    _say(standing(settings(), month, clock))


def _checked(month: str, actor: str) -> None:
    require_month(month)
    if not 1 <= len(actor) <= 100:
        stop_with("--actor kosong atau terlalu panjang; tulis id petugas.", 2)


def _despite(open_days: bool, missing_ceilings: bool) -> list[Obstacle]:
    told: dict[Obstacle, bool] = {"open-days": open_days, "missing-ceilings": missing_ceilings}
    return [obstacle for obstacle, said in told.items() if said]


def _asked(action: "Action", actor: str, role: str, reason: str, reference: str | None = None) -> "Asked":
    from services.payroll.rules.signing import Asked

    return Asked(action, uuid4(), actor, role, reason, reference)


def _say(doing: Coroutine[Any, Any, list[str]]) -> None:
    from shared.failures import is_infrastructure

    try:
        lines = asyncio.run(doing)
    except Exception as error:
        if not is_infrastructure(error):
            raise
        stop_with(f"Kafka atau basis data tidak terjangkau ({type(error).__name__}): jalankan `hadir run`, lalu ulangi.")
    for line in lines:
        print_line(line)


async def perform(
    setting: Settings, month: str, clock: str, told: "Told", *,
    wait: bool = True, despite: Collection[Obstacle] = (), reason: str = "", actor: str = "operator", patience_s: float = 120.0,
) -> list[str]:  # fmt: skip
    """Close the month in one step on the stack that the settings name; returns what is to be said. Raises Refusal with the reason."""
    asked = _asked("close", actor, "", reason)
    return await take(setting, asked, month, clock, told, wait=wait, despite=despite, patience_s=patience_s)


async def take(
    setting: Settings, asked: "Asked", month: str, clock: str, told: "Told", *, wait: bool = True,
    despite: Collection[Obstacle] = (), patience_s: float = 120.0,
) -> list[str]:  # fmt: skip
    """Let a month that has ended take a step for which everything must have been counted: review, sign, close.

    Returns what is to be said; raises Refusal with the reason.
    """
    from services.reports.close import StillUnderWay, until_nothing_is_under_way
    from services.reports.closing import (
        TO_DECIDE,
        Span,
        counted,
        in_words,
        left_open,
        not_covered,
        not_ended,
        uncovered,
    )
    from services.reports.flow import Flow
    from services.reports.open_days import by_code, closed_since, open_days, time_of, totals

    action = asked.action
    async with Flow(setting.database, setting.kafka) as flow:
        now = await time_of(flow.connection, clock)
        if now is None:
            raise Refusal(f"Jam {clock!r} tidak dikenal; tanpa --clock perintah ini tentang bulan pegawai sebenarnya.")
        if action == "close" and (since := await closed_since(flow.connection, month, clock)):
            return [f"Bulan {month} sudah ditutup pada {since:%d-%m-%Y %H:%M} UTC; tidak ada yang berubah."]
        span = Span.of(month, clock, now)
        if refusal := not_ended(span):
            raise Refusal(refusal)
        try:
            ends = await until_nothing_is_under_way(flow, span, told, wait=wait, patience_s=patience_s)
        except StillUnderWay as problem:
            raise Refusal(str(problem)) from None
        undecided = await open_days(flow.connection, span)
        bare = await by_code(flow.connection, await _with_lanes(setting, lambda lanes: _uncovered(lanes, month, clock)))
        # A review only shows what stands against the month; whoever signs or closes answers for it.
        if action != "review":
            against = (
                left_open(undecided, despite="open-days" in despite, reason=asked.reason),
                not_covered(month, bare, despite="missing-ceilings" in despite, reason=asked.reason),
            )
            if any(against):
                raise Refusal("\n".join(sentence for sentence in against if sentence))
        detail = {"open_days": counted(undecided), "offsets": ends}
        step, levels = await _with_lanes(
            setting, lambda lanes: _step_and_freeze(lanes, month, clock, asked, detail, told, despite)
        )
        sums = await totals(flow.connection, month, clock)
    rupiah = f"{sums.rupiah:,}".replace(",", ".")
    if step.state == "SIGNED":
        signed = "ditutup" if action == "close" else f"ditandatangani (tingkat {step.level} dari {levels}) dan ditutup"
        lines = [f"Bulan {month} {signed}: {sums.people} pegawai, potongan Rp {rupiah}. Perubahan sesudah ini menjadi susulan."]
    elif action == "sign":
        lines = [f"Bulan {month} ditandatangani, tingkat {step.level} dari {levels}: {sums.people} pegawai, potongan Rp {rupiah}."]
    else:
        lines = [f"Bulan {month} diajukan untuk diperiksa: {sums.people} pegawai, potongan Rp {rupiah}. Menunggu {levels} tanda tangan."]
    if bare and action == "review":
        lines.append(f"{uncovered(month, bare)} Impor pagunya sebelum ditandatangani: `hadir import ceilings BERKAS --month {month}`.")
    elif bare:
        what = "Ditutup" if step.state == "SIGNED" else "Ditandatangani"
        lines.append(f"{what} meskipun {step.uncovered} pegawai belum berpagu TPP; jumlah dan alasan tercatat pada jejak audit.")
    if undecided and action == "review":
        lines.append(f"Masih ada hari terbuka sebelum ditandatangani: {in_words(undecided)}. {TO_DECIDE}")
    elif undecided:
        lines.append(f"Ditutup meskipun ada hari terbuka: {in_words(undecided)}; alasan tercatat pada jejak audit.")
    return lines


async def _uncovered(lanes: "Lanes", month: str, clock: str) -> list["Uncovered"]:
    from services.payroll.store.steps import uncovered_of

    async with lanes.pool.acquire() as connection:
        return await uncovered_of(connection, month, clock)


async def _step_and_freeze(
    lanes: "Lanes", month: str, clock: str, asked: "Asked", detail: dict[str, Any], told: "Told",
    despite: Collection[Obstacle],
) -> tuple["Step", int]:
    from services.payroll.chores import freeze_closed_months
    from services.payroll.commands import step_month
    from services.payroll.store.references import Policies
    from services.payroll.store.steps import levels
    from shared.topics import LANES

    async with lanes.pool.acquire() as connection:
        count = max(len(await levels(connection)), 1)
    step = await step_month(
        lanes, month, clock, asked, despite_open_days=True, despite_missing_ceilings="missing-ceilings" in despite, detail=detail
    )
    if step.state == "SIGNED":
        policies, frozen, whole = Policies(), 0, step.people or 0
        while done := await freeze_closed_months(lanes, range(LANES), policies):
            frozen += done
            told("membekukan jumlah setiap pegawai", min(frozen, whole), whole)
    return step, count


async def record(setting: Settings, asked: "Asked", month: str, clock: str = "") -> list[str]:
    """Let a month take a step that waits for nothing: return, pay. Returns what is to be said; raises Refusal with the reason."""
    from services.payroll.commands import step_month

    await _with_lanes(setting, lambda lanes: step_month(lanes, month, clock, asked))
    if asked.action == "return":
        return [f"Bulan {month} dikembalikan dan terbuka lagi; tanda tangannya gugur."]
    return [f"Bulan {month} tercatat dibayar dengan {asked.reference}. Koreksi sesudah ini menjadi susulan yang menyebut {month}."]


async def _levels(setting: Settings, names: list[str] | None, *, none: bool, reason: str, actor: str) -> list[str]:
    from services.payroll.commands import set_levels
    from services.payroll.rules.signing import ANYBODY, Level
    from services.payroll.store.steps import levels as configured

    asked = []
    for number, text in enumerate(names or (), 1):
        name, _, role = text.partition("=")
        asked.append(Level(number, name.strip(), role.strip()))
    if any(not level.name or len(level.name) > 100 for level in asked):
        raise Refusal('Tulis setiap tingkat sebagai NAMA=PERAN, misalnya "Kepala BKD=bkd".')

    async def act(lanes: "Lanes") -> list[Level]:
        if asked or none:
            await set_levels(lanes, asked, actor=actor, reason=reason)
        async with lanes.pool.acquire() as connection:
            return await configured(connection)

    known = await _with_lanes(setting, act)
    told = [f"tingkat {one.level}: {one.name}{f', peran {one.role}' if one.role else ''}" for one in known or ANYBODY]
    return told if known else [*told, "Belum diatur: satu tanda tangan cukup, dan `hadir month close` boleh dipakai."]


async def standing(setting: Settings, month: str, clock: str) -> list[str]:
    """Where a month stands, what stands against signing it, and its steps, as lines to be said."""
    from services.payroll.rules.signing import ANYBODY, signatures, state_of
    from services.payroll.store import steps as store
    from services.reports.closing import uncovered
    from services.reports.open_days import by_code
    from services.reports.words import rupiah
    from shared.database import connect_auditor

    async def look(lanes: "Lanes") -> list[str]:
        async with lanes.pool.acquire() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
            steps = await store.steps_of(connection, month, clock)
            levels = await store.levels(connection) or ANYBODY
            figures = await store.figures_of(connection, month, clock)
            bare = await store.uncovered_of(connection, month, clock)
        state = state_of(steps)
        sums = f"{figures.people} pegawai, potongan {rupiah(figures.rupiah)}, {figures.open_days} hari belum final"
        lines = [f"Bulan {month}: {state}. {sums}."]
        if state == "REVIEW":
            signed = len(signatures(steps))
            lines.append(f"Tanda tangan: {signed} dari {len(levels)}; berikutnya tingkat {signed + 1} ({levels[signed].name}).")
        if bare:
            auditor = await connect_auditor(setting.database)
            try:
                lines.append(uncovered(month, await by_code(auditor, bare)))
            finally:
                await auditor.close()
        if state in ("SIGNED", "PAID"):
            fact = next((step for step in reversed(steps) if step.state == "SIGNED"), steps[-1])
            if fact.figures is not None:
                same = "sama dengan" if fact.figures == figures.digest else "TIDAK sama dengan"
                lines.append(f"Angka sekarang {same} angka yang ditandatangani (sidik {figures.digest[:16]}).")
        for step in steps:
            asked = step.asked
            level = f" tingkat {step.level}" if step.level else ""
            by = f"{asked.actor}{f' ({asked.role})' if asked.role else ''}"
            although = f"meskipun {step.uncovered} pegawai tanpa pagu" if step.uncovered else ""
            rest = "".join(f"; {text}" for text in (asked.reference, although, asked.reason) if text)
            sum_of = "" if step.rupiah is None else f", {step.people} pegawai, {rupiah(step.rupiah)}"
            lines.append(f"  {step.number}. {step.at:%Y-%m-%d %H:%M} UTC {asked.action}{level} → {step.state} oleh {by}{sum_of}{rest}")
        return lines

    return await _with_lanes(setting, look)


async def _with_lanes(setting: Settings, act: "Callable[[Lanes], Awaitable[T]]") -> T:
    from services.payroll.rules.signing import MonthRefused
    from shared.database import open_pool
    from shared.lanes import Lanes

    pool = await open_pool(setting.database, "payroll", max_size=2)
    try:
        return await act(Lanes(pool, "payroll"))
    except MonthRefused as problem:
        raise Refusal(f"Ditolak: {problem}.") from None
    finally:
        await pool.close()
