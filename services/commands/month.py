"""`hadir month`: closes a month, once all that was under way has been counted."""

import asyncio
import re
from typing import TYPE_CHECKING, Annotated

import typer

from services.commands.terminal import print_line, stop_with
from shared.refusal import Refusal
from shared.settings import Settings, settings

if TYPE_CHECKING:
    from services.reports.close import Told

app = typer.Typer(no_args_is_help=True, help="Close months: from then on the total stands, and changes become supplements.")


@app.callback()
def _keep_the_verb() -> None:
    """Without a second command Typer would drop the verb `close`."""


@app.command("close")
def close(
    month: Annotated[str, typer.Option("--month", metavar="YYYY-MM", help="The month to close.")],
    clock: Annotated[str, typer.Option("--clock", metavar="NAME", help="For invented people who live by this clock.")] = "",
    wait: Annotated[
        bool, typer.Option("--wait/--no-wait", help="Wait until what is under way has been counted, or refuse at once.")
    ] = True,
    despite_open_days: Annotated[
        bool, typer.Option("--despite-open-days", help="Close although days are PENDING or HELD; needs --reason.")
    ] = False,
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; kept in the audit trail.")] = "",
    actor: Annotated[str, typer.Option("--actor", metavar="ID", help="Who closes; kept in the audit trail.")] = "operator",
) -> None:
    """Close a month for everybody: its totals become facts, and later changes are owed as supplements (susulan).

    Waits first until every service has passed what had been sent when this command was given, and says what is
    still awaited. Refuses a month that has not ended, and one with undecided days.

    Examples: [bold]hadir month close --month 2026-02[/bold],
    [bold]hadir month close --month 2026-02 --despite-open-days --reason "SK Sekda 900/12"[/bold]
    """
    from services.simulator.progress import drawn
    from shared.failures import is_infrastructure

    if not re.fullmatch(r"[0-9]{4}-(0[1-9]|1[0-2])", month):
        stop_with(f"{month!r} bukan bulan; tulis seperti --month 2026-02.", 2)
    if not 1 <= len(actor) <= 100:
        stop_with("--actor kosong atau terlalu panjang; tulis id petugas.", 2)
    try:
        with drawn() as told:
            lines = asyncio.run(
                perform(settings(), month, clock, told, wait=wait, despite=despite_open_days, reason=reason, actor=actor)
            )
    except Exception as error:
        if not is_infrastructure(error):
            raise
        stop_with(f"Kafka atau basis data tidak terjangkau ({type(error).__name__}): jalankan `hadir run`, lalu ulangi.")
    for line in lines:
        print_line(line)


async def perform(
    setting: Settings, month: str, clock: str, told: "Told", *,
    wait: bool = True, despite: bool = False, reason: str = "", actor: str = "operator", patience_s: float = 120.0,
) -> list[str]:  # fmt: skip
    """Close the month on the stack that the settings name; returns what is to be said. Raises Refusal with the reason."""
    from services.payroll.chores import freeze_closed_months
    from services.payroll.commands import close_month
    from services.payroll.store.references import Policies
    from services.reports.close import StillUnderWay, until_nothing_is_under_way
    from services.reports.closing import Span, counted, left_open, not_ended
    from services.reports.flow import Flow
    from services.reports.open_days import closed_since, open_days, time_of, totals
    from shared.database import open_pool
    from shared.lanes import Lanes
    from shared.topics import LANES

    async with Flow(setting.database, setting.kafka) as flow:
        now = await time_of(flow.connection, clock)
        if now is None:
            raise Refusal(f"Jam {clock!r} tidak dikenal; tanpa --clock perintah ini menutup bulan untuk pegawai sebenarnya.")
        if since := await closed_since(flow.connection, month, clock):
            return [f"Bulan {month} sudah ditutup pada {since:%d-%m-%Y %H:%M} UTC; tidak ada yang berubah."]
        span = Span.of(month, clock, now)
        if refusal := not_ended(span):
            raise Refusal(refusal)
        try:
            ends = await until_nothing_is_under_way(flow, span, told, wait=wait, patience_s=patience_s)
        except StillUnderWay as problem:
            raise Refusal(str(problem)) from None
        undecided = await open_days(flow.connection, span)
        if refusal := left_open(undecided, despite=despite, reason=reason):
            raise Refusal(refusal)
        pool = await open_pool(setting.database, "payroll", max_size=2)
        try:
            lanes = Lanes(pool, "payroll")
            detail = {"open_days": counted(undecided), "offsets": ends}
            closed = await close_month(lanes, month, clock, actor=actor, reason=reason, detail=detail)
            policies, whole = Policies(), (await totals(flow.connection, month, clock)).people
            frozen = 0
            while done := await freeze_closed_months(lanes, range(LANES), policies):
                frozen += done
                told("membekukan jumlah setiap pegawai", min(frozen, whole), whole)
        finally:
            await pool.close()
        if not closed:
            return [f"Bulan {month} baru saja ditutup oleh perintah lain; tidak ada yang berubah."]
        sums = await totals(flow.connection, month, clock)
    rupiah = f"{sums.rupiah:,}".replace(",", ".")
    lines = [f"Bulan {month} ditutup: {sums.people} pegawai, potongan Rp {rupiah}. Perubahan sesudah ini menjadi susulan."]
    if sums.people > sums.with_ceiling:
        lines.append(f"{sums.people - sums.with_ceiling} pegawai belum berpagu TPP bulan ini, jadi belum berjumlah rupiah.")
    if undecided:
        lines.append(f"Ditutup meskipun ada hari terbuka: {counted(undecided)}; alasan tercatat pada jejak audit.")
    return lines
