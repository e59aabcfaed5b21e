"""Commands of payroll: what a person decides about months, written under the lanes that the stream uses too."""

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final
from uuid import UUID, uuid4

from services.payroll.rules.signing import (
    MOST_LEVELS,
    Action,
    Asked,
    CeilingsMissing,
    Figures,
    Level,
    MonthRefused,
    Step,
    has_ended,
    next_step,
    state_of,
)
from services.payroll.store import steps as store
from services.payroll.store.months import ask_close
from services.payroll.store.references import REAL
from shared.events import AuditRecorded
from shared.lanes import Lanes, Work
from shared.topics import AUDIT, LANES, lane_of

_MONTH: Final = re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])")

OPERATOR: Final = "operator"
"""Actor of commands given at the command line."""

_TOLD: Final[Mapping[Action, str]] = {
    "review": "month.reviewed", "return": "month.returned", "sign": "month.signed", "close": "month.closed", "pay": "month.paid",
}  # fmt: skip


async def close_month(
    lanes: Lanes, month: str, clock: str = REAL, *, actor: str = OPERATOR, reason: str = "", detail: Mapping[str, Any] | None = None
) -> bool:
    """Close a month ("2026-02") for everybody who lives by `clock`, in one step; False if it was closed already.

    From then on its total stands, and what arrives later is owed as a supplement in the next open month. The rows
    are frozen by a chore, or when they are next touched, as they stand at this moment. The audit topic tells who
    closed it and why, with `detail`. Raises ValueError for what is not a month, MonthRefused for one under review, and
    for everybody's money where levels of signatures are configured.
    """
    _check(month)
    async with lanes.hold(range(LANES)) as work:
        if state_of(await store.steps_of(work.connection, month, clock)) in ("SIGNED", "PAID"):
            return False
        asked = Asked("close", uuid4(), actor, reason=reason)
        await _step(work, month, clock, asked, despite_open_days=True, despite_missing_ceilings=True, detail=detail)
        return True


async def step_month(
    lanes: Lanes, month: str, clock: str, asked: Asked, *, despite_open_days: bool = False, despite_missing_ceilings: bool = False,
    detail: Mapping[str, Any] | None = None,
) -> Step:  # fmt: skip
    """Let a month take the step that somebody asks for; the same command again gives the same step and changes nothing.

    With the last signature the month closes: from then on its figures are a fact. That is refused while days are not
    final, unless `despite_open_days`. No signature is taken while people have no ceiling, unless
    `despite_missing_ceilings` with a reason. The audit topic tells who, in which role, why and over which figures. Raises
    MonthRefused (CeilingsMissing), and ValueError for what is not a month.
    """
    _check(month)
    async with lanes.hold(range(LANES)) as work:
        if (done := await store.step_by(work.connection, asked.command_id)) is not None:
            return done[2]
        return await _step(
            work, month, clock, asked, despite_open_days=despite_open_days, despite_missing_ceilings=despite_missing_ceilings,
            detail=detail,
        )


async def set_levels(lanes: Lanes, asked: Sequence[Level], *, actor: str, reason: str) -> None:
    """Configure who signs months, in order; none means one signature by whoever may sign.

    Raises MonthRefused while a month is under review, since its signatures were given by the old levels.
    """
    if len(asked) > MOST_LEVELS:
        raise MonthRefused(f"paling banyak {MOST_LEVELS} tingkat tanda tangan")
    async with lanes.hold(range(LANES)) as work:
        if waiting := await store.under_review(work.connection):
            months = ", ".join(sorted({month for month, _ in waiting}))
            raise MonthRefused(f"bulan {months} sedang diperiksa; selesaikan atau kembalikan dahulu")
        await store.put_levels(work.connection, asked)
        told = {"reason": reason, "levels": [{"level": one.level, "name": one.name, "role": one.role} for one in asked]}
        record_audit(work, actor, "month.levels", "signing-levels", told)


async def _step(
    work: Work, month: str, clock: str, asked: Asked, *, despite_open_days: bool, despite_missing_ceilings: bool,
    detail: Mapping[str, Any] | None,
) -> Step:  # fmt: skip
    now = dt.datetime.now(dt.UTC)
    levels = await store.levels(work.connection)
    figures = await store.figures_of(work.connection, month, clock)
    step = next_step(
        asked, await store.steps_of(work.connection, month, clock), levels, figures, now, one_step=not levels or clock != REAL
    )
    if clock == REAL and asked.action != "close" and not has_ended(month, now):
        raise MonthRefused(f"bulan {month} belum berakhir")
    if asked.action in ("sign", "close"):
        if step.state == "SIGNED":
            _refuse_open_days(figures, despite_open_days)
        if uncovered := await store.uncovered_of(work.connection, month, clock):
            if not despite_missing_ceilings:
                raise CeilingsMissing(month, uncovered)
            step = replace(step, uncovered=sum(one.people for one in uncovered))
        if step.state == "SIGNED":
            await ask_close(work.connection, month, range(LANES), clock)
    await store.add_step(work.connection, month, clock, step)
    told = {
        "clock": clock, "role": asked.role, "reason": asked.reason, "state": step.state, "people": figures.people,
        "rupiah": figures.rupiah, "figures": figures.digest, **(detail or {}),
    }  # fmt: skip
    if step.level is not None:
        told |= {"level": step.level, "levels": max(len(levels), 1)}
    if step.uncovered is not None:
        told["uncovered"] = step.uncovered
    if asked.reference is not None:
        told["reference"] = asked.reference
    record_audit(work, asked.actor, _TOLD[asked.action], month, told, now)
    return step


def _refuse_open_days(figures: Figures, despite: bool) -> None:
    if figures.open_days and not despite:
        raise MonthRefused(
            f"masih ada {figures.open_days} hari yang belum final; putuskan dahulu, atau nyatakan tetap ditutup (despite_open_days)"
            " dengan alasan; putusan sesudahnya menjadi susulan"
        )


def _check(month: str) -> None:
    if not _MONTH.fullmatch(month):
        raise ValueError(f"{month!r} is not a month such as 2026-02")


def record_audit(work: Work, actor: str, action: str, subject: str, detail: Mapping[str, Any], now: dt.datetime | None = None) -> None:
    """Tells on the audit topic who commanded what; the actor's lane is held. Holds no personal data."""
    audit_id: UUID = uuid4()
    at = now or dt.datetime.now(dt.UTC)
    told = AuditRecorded(audit_id=audit_id, actor=actor, action=action, subject=subject, at=at, detail=dict(detail))
    work.emit(AUDIT["payroll"], str(audit_id), 1, told, key=actor, lane=lane_of(actor), cause=None, time=at)
