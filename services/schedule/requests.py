"""Requests for corrections: made, approved level by level, rejected, withdrawn; decided ones become facts by the one road.

Each command writes the request, its trail, the fact, the event, the audit record and the days made due in one unit of work.
Given twice with the same id it changes nothing the second time.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final, Literal
from uuid import UUID, uuid5

from services.schedule.admissible import admit, fact_of
from services.schedule.approvals import Approvals, RequestKind, kept_approvals, shipped
from services.schedule.corrections import WIB, AppealBody, CorrectionRefused, State, dated, overturned, read_body
from services.schedule.discipline import take_back_step
from services.schedule.publishing import record_audit
from services.schedule.recording import Said, lanes_of, record
from services.schedule.rules import workflow
from services.schedule.rules.workflow import NotAllowed, Request, Who
from services.schedule.store import discipline, facts, reference_rows
from services.schedule.store import requests as rows
from services.schedule.store.requests import Asked, Deputy
from shared.database import Connection
from shared.events import HADIR_NAMESPACE, Document
from shared.lanes import Lanes, Work
from shared.topics import lane_of

_STATES: Final[Mapping[str, State]] = {
    "requested": "requested", "approved": "approved", "rejected": "rejected", "withdrawn": "rejected",
}


def decision_id(outage_id: UUID) -> UUID:
    """Id of the decision on an outage that was asked for under this id."""
    return uuid5(HADIR_NAMESPACE, f"outage-decision|{outage_id}")


async def rules_in_force(connection: Connection) -> Approvals:
    """The province's own rules of approval, or those that are shipped."""
    own = await rows.approval_rules(connection)
    return kept_approvals(own[1]) if own else shipped()


async def set_rules(lanes: Lanes, rules: Approvals, *, actor: str, reason: str) -> bool:
    """Puts rules of approval in force for requests made from now on; False if they were in force already."""
    content = rules.model_dump(mode="json")
    async with lanes.hold({lane_of(actor)}) as work:
        await work.connection.execute("lock table approval_rules in share row exclusive mode")
        own = await rows.approval_rules(work.connection)
        if own is not None and kept_approvals(own[1]) == rules:
            return False
        version = own[0] + 1 if own else 1
        await rows.put_approval_rules(work.connection, version, content, actor, reason, _now())
        record_audit(work, actor, "correction.rules", str(version), {"reason": reason})
        return True


async def submit(
    lanes: Lanes, request_id: UUID, kind: RequestKind, body: Mapping[str, Any], by: Who, *, reason: str,
    employee_id: UUID | None = None, org_unit_id: UUID | None = None, document: Document | None = None,
) -> Asked:  # fmt: skip
    """Makes a request about one person, or (an outage) about one unit or everybody; from now on its days are no absence.

    The same request again changes nothing. Raises CorrectionRefused, which says what stands against it.
    """
    async with lanes.hold(lanes_of(employee_id, by.name)) as work:
        known = await rows.request(work.connection, request_id)
        if known is not None:
            asked_for = {key: value for key, value in known.body.items() if key in body}
            same = (known.kind, known.employee_id, known.org_unit_id, known.request.requester, asked_for) == (
                kind, employee_id, org_unit_id, by.name, dict(body)
            )  # fmt: skip
            if not same:
                raise CorrectionRefused("id permohonan ini sudah dipakai untuk permohonan lain; buat id baru")
            return known
        return await make(
            work, request_id, kind, body, by, reason=reason, employee_id=employee_id, org_unit_id=org_unit_id, document=document
        )


async def make(
    work: Work, request_id: UUID, kind: RequestKind, body: Mapping[str, Any], by: Who, *, reason: str,
    employee_id: UUID | None, org_unit_id: UUID | None, document: Document | None = None,
) -> Asked:  # fmt: skip
    """`submit` of a new request under lanes that are held (`lanes_of`)."""
    now = _now()
    rules = await rules_in_force(work.connection)
    admitted = await admit(
        work.connection, rules, kind, body, request_id, employee_id=employee_id, org_unit_id=org_unit_id, document=document, now=now
    )
    barred = await _barred(work.connection, body, employee_id) if kind == "appeal" else frozenset[str]()
    request = Request(
        by.name, rules.levels_of(kind, late=admitted.late), None if employee_id is None else str(employee_id),
        admitted.unit or org_unit_id, barred,
    )  # fmt: skip
    own = {**body, "on": admitted.first.isoformat()} if kind == "forgotten-mark" else dict(body)
    if "nth_forgotten" in admitted.body:
        own["nth_forgotten"] = admitted.body["nth_forgotten"]
    begun = _allowed(lambda: workflow.begin(request, by, now, reason, document))
    asked = Asked(
        request_id, kind, employee_id, org_unit_id, own, admitted.first, admitted.last, admitted.due_by, admitted.late, now, begun
    )
    await _keep(work, asked, None, admitted.fact, admitted.body)
    return asked


async def decide(
    lanes: Lanes, request_id: UUID, action: Literal["approve", "reject"], by: Who, *, reason: str,
    document: Document | None = None, stands_in_for: str | None = None,
) -> Asked:  # fmt: skip
    """Approves a request at the level at which it waits, or rejects it; after the last level it becomes a fact.

    `stands_in_for`: the approver whose appointed deputy `by` is, with that one's role and units. Raises CorrectionRefused.
    """
    async with lanes.hold(lanes_of(await _about(lanes, request_id), by.name)) as work:
        known, now = await _known(work.connection, request_id), _now()
        if lanes.given_before:
            return known
        dated(document, now)
        if stands_in_for is not None:
            by = await _as_deputy(work.connection, by, stands_in_for, now)
        by = await under_all_names(work.connection, by)
        act = workflow.approve if action == "approve" else workflow.reject
        after = replace(known, request=_allowed(lambda: act(known.request, by, now, reason, document)))
        await _keep(work, after, known)
        return after


async def withdraw(lanes: Lanes, request_id: UUID, by: Who, *, reason: str) -> Asked:
    """Takes a request back before it is decided; its days are judged as if it had never been made. Raises CorrectionRefused."""
    async with lanes.hold(lanes_of(await _about(lanes, request_id), by.name)) as work:
        known, now = await _known(work.connection, request_id), _now()
        if lanes.given_before:
            return known
        by = await under_all_names(work.connection, by)
        after = replace(known, request=_allowed(lambda: workflow.withdraw(known.request, by, now, reason)))
        await _keep(work, after, known)
        return after


async def amend(work: Work, known: Asked, body: Mapping[str, Any], by: Who, *, reason: str) -> Asked:
    """Gives a waiting request about many another body, under all lanes: what Hadir proposes by itself grows while it lasts."""
    request = _allowed(lambda: workflow.amend(known.request, by, _now(), reason))
    rules = await rules_in_force(work.connection)
    admitted = await admit(
        work.connection, rules, _kind(known), body, known.request_id, employee_id=known.employee_id, org_unit_id=known.org_unit_id,
        document=None, now=_now(),
    )  # fmt: skip
    after = replace(known, body=dict(body), first=admitted.first, last=admitted.last, request=request)
    await _keep(work, after, known)
    return after


async def drop(work: Work, known: Asked, by: Who, *, reason: str) -> Asked:
    """`withdraw` under lanes that are held."""
    after = replace(known, request=_allowed(lambda: workflow.withdraw(known.request, by, _now(), reason)))
    await _keep(work, after, known)
    return after


async def appoint(lanes: Lanes, deputy: Deputy) -> bool:
    """Appoints somebody's deputy, or ends an appointment (`ended`); False if it stood so. Raises CorrectionRefused."""
    if deputy.until < deputy.since:
        raise CorrectionRefused("masa wakil berakhir sebelum mulai")
    if not deputy.ended and deputy.until < _now().astimezone(WIB).date():
        raise CorrectionRefused(f"masa wakil sudah lewat (sampai {deputy.until:%d-%m-%Y}); periksa tanggalnya")
    async with lanes.hold({lane_of(deputy.appointed_by)}) as work:
        if await reference_rows.same_person(work.connection, deputy.deputy, deputy.principal):
            raise CorrectionRefused("wakil harus orang lain")
        changed = await rows.put_deputy(work.connection, deputy, _now())
        if changed:
            action = "correction.deputy-ended" if deputy.ended else "correction.deputy"
            record_audit(work, deputy.appointed_by, action, str(deputy.deputy_id), {
                "principal": deputy.principal, "deputy": deputy.deputy, "role": deputy.role, "since": deputy.since.isoformat(),
                "until": deputy.until.isoformat(), "reason": deputy.reason,
            })  # fmt: skip
        return changed


async def _keep(
    work: Work, asked: Asked, before: Asked | None, fact: str | None = None, body: Mapping[str, Any] | None = None
) -> None:
    """Writes the request and its new trail entries, tells the audit topic, and lets the facts follow."""
    new = asked.request.trail[len(before.request.trail) if before else 0 :]
    last = new[-1]
    await rows.put_request(work.connection, asked, new, last.at)
    cause = record_audit(work, last.who.name, f"correction.{last.action}", str(asked.request_id), {
        "kind": asked.kind, "role": last.who.role, "level": last.level, "deputy_of": last.who.deputy_of, "reason": last.reason,
        "state": asked.request.state, "late": asked.late, "document": last.document and last.document.model_dump(mode="json"),
    })  # fmt: skip
    said = Said(last.who.name, last.at, last.action, last.who.role, last.document, cause)
    if fact is None or body is None:
        fact, body = fact_of(_kind(asked), asked.body, _papers(asked.request))
    await _become_fact(work, asked, before, fact, body, said)


async def _become_fact(
    work: Work, asked: Asked, before: Asked | None, fact: str, body: Mapping[str, Any], said: Said
) -> None:
    state = _STATES[asked.request.state]
    if fact == "outage" and asked.request.approvals and state == "requested":
        state = "approved"  # somebody has confirmed that it happened; what becomes of the days is the next level's word
    whom = asked.employee_id, asked.org_unit_id
    await record(work, asked.request_id, fact, body, said, employee_id=whom[0], org_unit_id=whom[1], state=state)
    if asked.request.state != "approved" or (before is not None and before.request.state == "approved"):
        return
    if fact == "outage":
        decided = {"outage_decision": str(asked.request_id), "decision": "confirmed"}
        await record(work, decision_id(asked.request_id), "outage_decision", decided, said, employee_id=whom[0], org_unit_id=whom[1])
    if fact == "appeal":
        await _grant(work, asked, said)


async def _grant(work: Work, appeal: Asked, said: Said) -> None:
    """What an appeal was made against is turned over."""
    against = read_body("appeal", appeal.body)
    assert isinstance(against, AppealBody)
    last = appeal.request.trail[-1]
    if against.correction is not None:
        kept = await facts.correction(work.connection, against.correction)
        if kept is None:
            raise CorrectionRefused("koreksi yang diajukan keberatan tidak ada")
        state, body = overturned(kept.kind, kept.state, kept.body)
        asked = await rows.request(work.connection, against.correction)
        if asked is not None and asked.request.state in ("approved", "rejected"):
            turned = _allowed(lambda: workflow.overturn(asked.request, last.who, last.at, last.reason, last.document))
            await rows.put_request(work.connection, replace(asked, request=turned), turned.trail[-1:], last.at)
        await record(
            work, kept.correction_id, kept.kind, body, replace(said, action="overturn"), state=state, employee_id=kept.employee_id,
            org_unit_id=kept.org_unit_id,
        )  # fmt: skip
    elif appeal.employee_id is not None and against.step is not None and against.date is not None:
        await take_back_step(
            work, (appeal.employee_id, against.step, against.date), actor=last.who.name, at=last.at, reason=last.reason,
            document=_paper(appeal.request), cause=said.cause,
        )  # fmt: skip


async def _barred(connection: Connection, body: Mapping[str, Any], employee_id: UUID | None) -> frozenset[str]:
    """Who may not decide an appeal: who decided what it is against. Raises if there is nothing decided to appeal against."""
    against = read_body("appeal", body)
    assert isinstance(against, AppealBody)
    if against.correction is not None:
        kept = await facts.correction(connection, against.correction)
        if kept is None or kept.employee_id != employee_id:
            raise CorrectionRefused("koreksi yang diajukan keberatan bukan tentang pegawai ini")
        if kept.state == "requested":
            raise CorrectionRefused("permohonan ini belum diputuskan, jadi belum dapat diajukan keberatan")
        overturned(kept.kind, kept.state, kept.body)
        asked = await rows.request(connection, against.correction)
        return workflow.deciders(asked.request.trail) if asked is not None else frozenset({kept.actor})
    steps = await discipline.steps_of(connection, [employee_id] if employee_id else [])
    step = next((one for key, one in steps.items() if key[1:] == (against.step, against.date)), None)
    if step is None or step.action != "decided" or step.decision is None:
        raise CorrectionRefused("keberatan hanya atas hukuman yang sudah diputuskan; lihat `hadir ladder list`")
    return frozenset({step.decision.actor})


async def under_all_names(connection: Connection, by: Who) -> Who:
    """Somebody with all names under which he, and the one for whom he stands in, may act."""
    return replace(by, known_as=await reference_rows.names_of(connection, *filter(None, (by.name, by.deputy_of))))


async def _as_deputy(connection: Connection, by: Who, principal: str, now: dt.datetime) -> Who:
    found = await rows.deputies(connection, names=await reference_rows.names_of(connection, by.name), on=now.astimezone(WIB).date())
    for deputy in found:
        if deputy.principal == principal:
            return Who(by.name, deputy.role, deputy.units, principal)
    raise CorrectionRefused("Anda tidak sedang ditunjuk sebagai wakil pejabat itu; lihat `hadir correction deputy --list`")


async def _about(lanes: Lanes, request_id: UUID) -> UUID | None:
    """Whom a request is about, which never changes: it tells the lanes to hold."""
    async with lanes.pool.acquire() as connection:
        return (await _known(connection, request_id)).employee_id


async def _known(connection: Connection, request_id: UUID) -> Asked:
    known = await rows.request(connection, request_id)
    if known is None:
        raise CorrectionRefused("permohonan dengan id ini tidak ada; lihat `hadir correction list`")
    return known


def _papers(request: Request) -> dict[str, str]:
    paper = _paper(request)
    return {"number": paper.number} if paper else {}


def _paper(request: Request) -> Document | None:
    """The newest document that was named with the request or with a decision on it."""
    return next((done.document for done in reversed(request.trail) if done.document is not None), None)


def _kind(asked: Asked) -> RequestKind:
    return asked.kind  # type: ignore[return-value]  # only such kinds are ever kept


def _allowed(act: Any) -> Request:
    try:
        request: Request = act()
    except NotAllowed as refused:
        raise CorrectionRefused(str(refused)) from None
    return request


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)

