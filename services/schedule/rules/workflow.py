"""How a request becomes a decision: who may approve it at which level, and what each action makes of it.

Nobody approves what he asked for or what is about himself, nobody holds two levels of one request, and a deputy stands
exactly where the one stands for whom he acts. What was done is never changed, only added to.
"""

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Literal, TypeAlias
from uuid import UUID

from shared.events import Document
from shared.roles import plain_name

State: TypeAlias = Literal["requested", "approved", "rejected", "withdrawn"]
Action: TypeAlias = Literal["request", "amend", "approve", "reject", "withdraw", "overturn"]

SYSTEM: Final = "system"
"""Name and role of what Hadir proposes by itself; it never approves anything."""


class NotAllowed(ValueError):
    """An action that the state of the request or the rules of approval forbid; the text says why, in Indonesian."""


@dataclass(frozen=True, slots=True)
class Level:
    """One level of approval: its name, and the roles of which somebody must approve there."""

    name: str
    roles: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Who:
    """Somebody who acts: his name, his role, the units in which the role holds (None: all), and for whom he stands in.

    For a deputy `role` and `units` are those of the one whom he stands in for. `known_as` are the other names of both: an
    employee may act under the employee's id, the NIP or a former NIP.
    """

    name: str
    role: str
    units: frozenset[UUID] | None = None
    deputy_of: str | None = None
    known_as: frozenset[str] = field(default=frozenset(), compare=False)

    @property
    def names(self) -> frozenset[str]:
        """Everybody whose word this is, under all names, as names are compared."""
        return _plain({self.name, self.deputy_of, *self.known_as})


@dataclass(frozen=True, slots=True)
class Done:
    """One entry of the trail, numbered from 1; `level` is the one at which it was done, None for none."""

    number: int
    action: Action
    level: str | None
    who: Who
    at: dt.datetime
    reason: str
    document: Document | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """A request with all that was done to it.

    `subject` is the name under which its employee acts (the employee's id), `unit` the unit that it is about (None: no one
    unit), `barred` who may not decide it for what they did before.
    """

    requester: str
    levels: tuple[Level, ...]
    subject: str | None = None
    unit: UUID | None = None
    barred: frozenset[str] = frozenset()
    state: State = "requested"
    trail: tuple[Done, ...] = ()

    @property
    def level(self) -> Level | None:
        """The level at which it waits; None if it waits for nobody."""
        return self.levels[len(self.approvals)] if self.state == "requested" else None

    @property
    def approvals(self) -> tuple[Done, ...]:
        """The approvals so far, one for each level that is passed."""
        return tuple(done for done in self.trail if done.action == "approve")


def begin(request: Request, who: Who, at: dt.datetime, reason: str, document: Document | None = None) -> Request:
    """The request as it is when it was made. Raises ValueError for one without levels or with a past."""
    if not request.levels or request.trail or request.requester != who.name:
        raise ValueError("a new request has levels, no trail, and is made by its requester")
    return _done(request, "request", None, who, at, reason, document)


def approve(request: Request, who: Who, at: dt.datetime, reason: str, document: Document | None = None) -> Request:
    """One level further; after the last level it is approved. Raises NotAllowed."""
    level = _waiting(request)
    _may_decide(request, level, who)
    after = _done(request, "approve", level.name, who, at, reason, document)
    return replace(after, state="approved") if len(after.approvals) == len(after.levels) else after


def reject(request: Request, who: Who, at: dt.datetime, reason: str, document: Document | None = None) -> Request:
    """Refused at the level at which it waits. Raises NotAllowed."""
    level = _waiting(request)
    _may_decide(request, level, who)
    return replace(_done(request, "reject", level.name, who, at, reason, document), state="rejected")


def withdraw(request: Request, who: Who, at: dt.datetime, reason: str) -> Request:
    """Taken back by who made it, or by whom it is about, before it is decided. Raises NotAllowed."""
    _waiting(request)
    if not who.names & _plain({request.requester, request.subject}):
        raise NotAllowed("hanya pemohon atau pegawai yang bersangkutan yang dapat menarik permohonan ini")
    return replace(_done(request, "withdraw", None, who, at, reason), state="withdrawn")


def amend(request: Request, who: Who, at: dt.datetime, reason: str) -> Request:
    """Its requester says more exactly what is asked for, before anybody approved it. Raises NotAllowed."""
    _waiting(request)
    if who.name != request.requester or request.approvals:
        raise NotAllowed("permohonan hanya dapat diubah oleh pemohonnya, sebelum disetujui pada tingkat pertama")
    return _done(request, "amend", None, who, at, reason)


def overturn(request: Request, who: Who, at: dt.datetime, reason: str, document: Document | None = None) -> Request:
    """The decision was turned over by an appeal that was granted; no level of this request is passed by it."""
    if request.state not in ("approved", "rejected"):
        raise NotAllowed("permohonan ini belum diputuskan, jadi belum dapat diajukan keberatan")
    turned: State = "approved" if request.state == "rejected" else "rejected"
    return replace(_done(request, "overturn", None, who, at, reason, document), state=turned)


def deciders(trail: Sequence[Done]) -> frozenset[str]:
    """Everybody whose word is part of what was decided."""
    return frozenset(name for done in trail if done.action in ("approve", "reject", "overturn") for name in done.who.names)


def _plain(names: Iterable[str | None]) -> frozenset[str]:
    return frozenset(plain_name(name) for name in names if name)


def _waiting(request: Request) -> Level:
    if request.level is None:
        words = {"approved": "disetujui", "rejected": "ditolak", "withdrawn": "ditarik"}
        raise NotAllowed(f"permohonan ini sudah {words.get(request.state, request.state)}; tidak ada yang perlu diputuskan lagi")
    return request.level


def _may_decide(request: Request, level: Level, who: Who) -> None:
    if SYSTEM in who.names or who.role == SYSTEM:
        raise NotAllowed("sistem hanya mengusulkan; keputusan ada pada pejabat")
    if who.role not in level.roles:
        raise NotAllowed(f"tingkat {level.name} diputuskan oleh peran {' atau '.join(level.roles)}, bukan {who.role}")
    if request.unit is not None and who.units is not None and request.unit not in who.units:
        raise NotAllowed("permohonan ini dari unit di luar wewenang Anda")
    if who.names & _plain({request.requester, request.subject}):
        raise NotAllowed("permohonan sendiri tidak dapat diputuskan sendiri; mintalah pejabat lain atau wakilnya")
    if who.names & deciders(request.trail):
        raise NotAllowed("satu orang tidak dapat memutuskan dua tingkat dari permohonan yang sama")
    if who.names & _plain(request.barred):
        raise NotAllowed("yang memutuskan semula tidak dapat memutuskan keberatan atas keputusannya")


def _done(
    request: Request, action: Action, level: str | None, who: Who, at: dt.datetime, reason: str, document: Document | None = None
) -> Request:
    if not reason.strip():
        raise NotAllowed("sebutkan alasan atau dasarnya, misalnya nomor surat")
    entry = Done(len(request.trail) + 1, action, level, who, at, reason.strip(), document)
    return replace(request, trail=(*request.trail, entry))
