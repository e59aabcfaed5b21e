"""How requests for corrections look at the command line: one line each, or with their whole trail; in Indonesian."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from shared.policy.leave import CAUSES, cause_of

if TYPE_CHECKING:
    from services.schedule.store.requests import Asked

STATES: Final = {"requested": "diajukan", "approved": "disetujui", "rejected": "ditolak", "withdrawn": "ditarik"}
_ACTIONS: Final = {
    "request": "diajukan", "amend": "diubah", "approve": "disetujui", "reject": "ditolak", "withdraw": "ditarik",
    "overturn": "putusan dibalik karena keberatan diterima",
}  # fmt: skip


def line_of(asked: "Asked") -> str:
    """A request in one line: id, kind, dates, whom it is about, and what it waits for."""
    level = asked.request.level
    about = asked.employee_id or asked.org_unit_id or "semua unit"
    # An outage is listed by its hours: its dates reach around it, so that no zone's business date is left out.
    first, last = (asked.body["from"], asked.body["to"]) if asked.kind.startswith("outage") else (asked.first, asked.last)
    dates = f"{first}" if first == last else f"{first} sampai {last}"
    waits = f"menunggu {level.name} ({' atau '.join(level.roles)})" if level else STATES[asked.request.state]
    return f"{asked.request_id}  {asked.kind}  {dates}  {about}  {waits}{', terlambat' if asked.late else ''}"


def told(asked: "Asked") -> Iterator[str]:
    """A request with its trail, and with the words by which a leave table takes one row or another."""
    yield line_of(asked)
    cause, inpatient = asked.body.get("reason"), asked.body.get("inpatient")
    priced = [f"sebab {CAUSES.get(cause_of(cause), cause)}"] if isinstance(cause, str) else []
    priced += [] if inpatient is None else ["rawat inap" if inpatient else "rawat jalan"]
    if priced:
        yield f"  {', '.join(priced)}"
    if asked.due_by is not None:
        yield f"  batas pengajuan {asked.due_by}; tingkat: {' → '.join(level.name for level in asked.request.levels)}"
    for done in asked.request.trail:
        deputy = f" selaku wakil {done.who.deputy_of}" if done.who.deputy_of else ""
        level = f" pada tingkat {done.level}" if done.level else ""
        letter = f", surat {done.document.number} tanggal {done.document.date}" if done.document else ""
        yield (
            f"  {done.number}. {_ACTIONS[done.action]}{level} oleh {done.who.name} ({done.who.role}){deputy},"
            f" {done.at:%Y-%m-%d %H:%M} UTC: {done.reason}{letter}"
        )
