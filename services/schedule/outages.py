"""Proposes an outage when ingest broke its promise: a chore looks at ingest's own minutes, and a person confirms or rejects.

A proposal grows by quarters of an hour while the breach lasts, and is taken back when late minutes show that there was none;
what a person has confirmed or decided stays as it is, and what the breach lasts beyond it is proposed by itself. It is about real time, so
invented people, who live by clocks of their own, are not concerned.
"""

import datetime as dt
import logging
import time
from collections import Counter
from collections.abc import Collection, Sequence
from typing import Any, Final
from uuid import UUID, uuid5

from services.schedule import requests
from services.schedule.approvals import OutageProposals
from services.schedule.assessing import amnesty_turns
from services.schedule.corrections import CorrectionRefused
from services.schedule.memory import Memory
from services.schedule.rules.outages import Breach, Promise, breaches, unsaid
from services.schedule.rules.workflow import SYSTEM, Who
from services.schedule.store import availability as rows
from services.schedule.store import facts
from services.schedule.store import requests as request_rows
from shared import logs
from shared.database import Connection
from shared.events import HADIR_NAMESPACE, AvailabilityCounted
from shared.lanes import Lanes, Record, Work
from shared.topics import LANES

_log = logging.getLogger(__name__)

OUTAGE_LANE: Final = 0
"""Whoever owns this lane looks for breaches: one worker is enough."""

_LOOKS_BACK: Final = dt.timedelta(days=3)
_EVERY_S: Final = 20.0
_HADIR: Final = Who(SYSTEM, SYSTEM)


async def keep_minutes(work: Work, records: Sequence[Record[AvailabilityCounted]]) -> None:
    """Keeps ingest's minutes as they arrive."""
    await rows.put_minutes(work.connection, [record.event for record in records])


def proposal_id(breach: Breach, again: int = 0) -> UUID:
    """Id of the proposal of a breach: it follows from when it began, and how often that was taken back before."""
    since = breach.since.astimezone(dt.UTC)
    return uuid5(HADIR_NAMESPACE, f"outage-proposed|{since:%Y-%m-%dT%H:%MZ}" + (f"|{again}" if again else ""))


class Watch:
    """Looks at ingest's minutes now and then, in the worker that owns the lane for it."""

    def __init__(self, lanes: Lanes) -> None:
        self._lanes = lanes
        self._looked_at = float("-inf")

    async def propose_outages(self, owned: Collection[int]) -> int:
        """The chore: proposes, extends and takes back; returns how many proposals changed."""
        if OUTAGE_LANE not in owned or time.monotonic() < self._looked_at + _EVERY_S:
            return 0
        self._looked_at = time.monotonic()
        return await look(self._lanes, dt.datetime.now(dt.UTC))


async def look(lanes: Lanes, now: dt.datetime) -> int:
    """Compares what was proposed with the breaches that ingest's minutes tell of by `now`; returns how many proposals changed."""
    async with lanes.pool.acquire() as connection:
        rules = (await requests.rules_in_force(connection)).outage_proposals
        start = now - _LOOKS_BACK
        minutes = await rows.minutes_since(connection, start)
        told = await rows.told_outages(connection, start.date())
        # What began before the minutes that are looked at cannot be told better by them, and waits for a person as it is.
        waiting = {one.proposal for one in told if one.untouched and one.since >= start}
        said = [(one.since, one.until) for one in told if one.proposal not in waiting]
        pieces = [piece for breach in breaches(minutes, _promise(rules), now) for piece in unsaid(breach, said)]
        found = {await _id_for(connection, piece): piece for piece in pieces}
        known = {proposal: await request_rows.request(connection, proposal) for proposal in {*found, *waiting}}
    fresh = [proposal for proposal in found if known[proposal] is None]
    grown = [proposal for proposal in waiting if proposal in found and _body_of(known[proposal]) != _body(found[proposal], rules)]
    mistaken = [proposal for proposal in waiting if proposal not in found]
    if not (fresh or grown or mistaken):
        return 0
    async with lanes.hold(range(LANES)) as work:
        for proposal in fresh:
            await requests.make(
                work, proposal, "outage-proposed", _body(found[proposal], rules), _HADIR, reason=_why(found[proposal]),
                employee_id=None, org_unit_id=None,
            )  # fmt: skip
        for proposal in (*grown, *mistaken):
            asked = await request_rows.request(work.connection, proposal)
            if asked is None or asked.request.state != "requested" or asked.request.approvals:
                continue  # a person was faster
            if proposal in found:
                await requests.amend(work, asked, _body(found[proposal], rules), _HADIR, reason=_why(found[proposal]))
            else:
                await requests.drop(work, asked, _HADIR, reason="menit yang tiba kemudian menunjukkan bahwa layanan berjalan")
    for proposal in fresh:
        logs.event(_log, "An outage of ingest is proposed; somebody has to look at it", level=logging.WARNING, proposal=str(proposal))
    return len(fresh) + len(grown) + len(mistaken)


async def _id_for(connection: Connection, breach: Breach) -> UUID:
    """The id of its proposal: another one each time that Hadir has taken it back, since a request that has ended stays ended."""
    again = 0
    while (fact := await facts.correction(connection, proposal_id(breach, again))) is not None:
        if (fact.state, fact.actor) != ("rejected", SYSTEM):
            break
        again += 1
    return proposal_id(breach, again)


async def effect(lanes: Lanes, request_id: UUID) -> Counter[tuple[str, str]]:
    """How many days amnesty for an outage that waits for its decision would turn, from what to what; raises CorrectionRefused."""
    async with lanes.pool.acquire() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
        return await effect_on(connection, request_id, dt.datetime.now(dt.UTC))


async def effect_on(connection: Connection, request_id: UUID, now: dt.datetime) -> Counter[tuple[str, str]]:
    """As `effect`, in the caller's transaction."""
    asked, kept = await request_rows.request(connection, request_id), await facts.correction(connection, request_id)
    if asked is None or kept is None or kept.kind != "outage" or asked.request.state != "requested":
        raise CorrectionRefused("tidak ada gangguan dengan id ini yang menunggu putusan; lihat `hadir outage list`")
    return await amnesty_turns(connection, Memory(), kept, now)


def _promise(rules: OutageProposals) -> Promise:
    return Promise(
        rules.unavailable_share, dt.timedelta(minutes=rules.silent_minutes), dt.timedelta(minutes=rules.least_minutes),
        dt.timedelta(minutes=rules.join_minutes),
    )  # fmt: skip


def _body(breach: Breach, rules: OutageProposals) -> dict[str, Any]:
    told: dict[str, Any] = {"from": _text(breach.since), "to": _text(breach.until), "real_clock_only": True}
    return told if rules.hold_days else {**told, "holds": False}


def _body_of(asked: request_rows.Asked | None) -> dict[str, Any] | None:
    return asked.body if asked is not None else None


def _text(moment: dt.datetime) -> str:
    return moment.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _why(breach: Breach) -> str:
    return "penerimaan tanda hadir gagal atau tidak berjalan pada jam ini, menurut catatan menitnya sendiri" + (
        "; mungkin masih berlangsung" if breach.lasting else ""
    )
