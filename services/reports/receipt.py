"""The receipt of one employee-month: from check-in to rupiah, as JSON-safe values that anyone can recompute.

Pure: gathered values in, values out. It holds neither name, NIP nor coordinates. `seal` is the SHA-256 of all the
rest and shows any slip on the way; that the ledger itself was not rewritten is shown by the hash chain, whose hashes
were stored and published when the entries were made. `canonical` is the one way in which a receipt is written down.
"""

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from fractions import Fraction
from hashlib import sha256
from typing import Any, Final, TypeAlias
from uuid import UUID
from zoneinfo import ZoneInfo

from services.payroll.rules import genesis, link, price
from services.reports.arithmetic import arithmetic, known_ceiling
from services.reports.gathered import Cause, CheckIn, Day, Entered, Gathered, Pack, Sanction
from services.reports.words import OF_THE_MONTH, rule_of
from shared.percent import percent_text

Receipt: TypeAlias = dict[str, Any]

FORMAT: Final = "hadir-receipt/1"


def build(gathered: Gathered, date: dt.date | None = None) -> Receipt:
    """The receipt of the month; with `date` it tells of that day only, ledger and sum stay whole."""
    month, person = gathered.month, gathered.person
    reported = month.reported
    sums = arithmetic(month, gathered.packs)
    days = [day for day in gathered.days if date is None or day.assessed.date == date]
    by_date = {str(day.assessed.date): day for day in gathered.days}
    for line in sums["lines"]:
        line["rule"] = _rule(line, by_date.get(line["date"]), gathered.packs[UUID(line["policy_id"])])
    for cut in sums["sanctions"]:
        cut["decisions"] = [_decision(one) for one in _decided(gathered) if one.step == cut["code"]]
    known = known_ceiling(month)
    ceiling = None if known is None else {"amount": known.amount, "static_tkd": known.static_tkd, "wage": known.wage}
    receipt: Receipt = {
        "format": FORMAT,
        "employee": {"id": str(person.employee_id), "kind": person.kind, "group": person.group},
        "month": month.month,
        "state": "CLOSED" if reported.closed else "OPEN",
        "version": month.version,
        "timezone": person.timezone,
        "ceiling": ceiling,
        "policies": {str(policy_id): _policy(pack) for policy_id, pack in sorted(gathered.packs.items())},
        "days": [_day(day, gathered) for day in days],
        "arithmetic": sums,
        "ledger": [_entry(entered, gathered.causes) for entered in gathered.ledger],
        "chain": chain(gathered),
    }
    return receipt | {"seal": seal(receipt)}


def canonical(receipt: Receipt) -> str:
    """The receipt as text, always the same for the same content: sorted keys, one space of indent, a newline at the end."""
    return json.dumps(receipt, ensure_ascii=False, sort_keys=True, indent=1) + "\n"


def seal(receipt: Receipt) -> str:
    """SHA-256 (hexadecimal) of the canonical text of the receipt without its seal."""
    return sha256(canonical({key: value for key, value in receipt.items() if key != "seal"}).encode()).hexdigest()


def chain(gathered: Gathered) -> dict[str, Any]:
    """Where the hash chain begins and ends, and which stored hashes are not those of the entries (there must be none)."""
    start = genesis(gathered.person.employee_id, gathered.month.month)
    head, chained, broken = start, 0, []
    for entered in gathered.ledger:
        if entered.row_hash is None and not chained:
            continue  # made before there was a chain
        chained += 1
        head = link(head, entered.row.content())
        if entered.row_hash != head:
            broken.append(entered.row.number)
    return {"genesis": start, "head": head, "chained": chained, "broken": broken}


def _policy(pack: Pack) -> dict[str, Any]:
    policy = pack.policy
    return {
        "name": pack.name,
        "legal_source": policy.legal_source,
        "base": policy.base,
        "weight": None if policy.weight is None else percent_text(policy.weight),
        "cap": percent_text(policy.cap),
        "split": None if policy.split is None else policy.split.model_dump(mode="json"),
    }


def _rule(line: Mapping[str, Any], day: Day | None, pack: Pack) -> dict[str, Any]:
    """By which rule a line stands: its findings with their percents, if they are what it was made of."""
    found: list[dict[str, Any]] = []
    if day is not None and day.assessed.policy_id == UUID(line["policy_id"]):
        prices = [one for one in price(day.assessed, pack.policy) if one.code == line["code"]]
        if sum((one.percent for one in prices), Fraction(0)) == Fraction(line["percent"]):
            kinds = {one.kind for one in prices}
            for finding in day.assessed.findings:
                if finding.kind in kinds and finding.code == line["code"]:
                    text, band = rule_of(finding, pack.policy.on(day.assessed.date))
                    cost = next(one for one in prices if one.kind is finding.kind)
                    found.append({
                        "text": text, "kind": str(finding.kind), "minutes": finding.minutes,
                        "percent": percent_text(cost.percent),
                        "base": None if cost.base is None else [cost.base[0], percent_text(cost.base[1])],
                        "band": None if band is None else {"code": band.code, "min": band.min, "max": band.max},
                    })
    return {"findings": found, "of_the_month": None if found else OF_THE_MONTH.get(line["code"])}


def _decided(gathered: Gathered) -> Sequence[Sanction]:
    """The decisions that the month's cuts rest on: for a closed month as they stood at its close, whatever was decided since.

    Whether one was annulled since is told as it is now. A month that was closed before its cuts were kept shows what is known now.
    """
    frozen = gathered.month.closed_on
    if frozen is None or not frozen.sanctions:
        return gathered.sanctions
    now = {(one.step, one.date): one for one in gathered.sanctions}
    found = []
    for cut in frozen.sanctions:
        today = now.get((cut.step, cut.date))
        found.append(Sanction(
            cut.step, cut.date, percent_text(cut.percent), cut.first_month, cut.last_month, cut.legal_source,
            None if cut.document is None else json.loads(cut.document), None if today is None else today.decided_by,
            today is None or today.withdrawn,
        ))
    return found


def _decision(one: Sanction) -> dict[str, Any]:
    """A decided cut as the receipt names it: article, document, months; who decided is on the document."""
    return {
        "step": one.step, "date": str(one.date), "percent": one.percent, "first_month": one.first_month, "last_month": one.last_month,
        "legal_source": one.legal_source, "document": one.document, "withdrawn": one.withdrawn,
    }


def _day(day: Day, gathered: Gathered) -> dict[str, Any]:
    assessed = day.assessed
    zone = ZoneInfo(day.timezone)
    policy = gathered.packs[assessed.policy_id].policy.on(assessed.date)
    hours = None
    if day.duty is not None and day.duty.start is not None and day.duty.end is not None:
        hours = {"start": _local(day.duty.start, zone), "end": _local(day.duty.end, zone)}
    return {
        "date": str(assessed.date),
        "version": assessed.version,
        "state": str(assessed.state),
        "status": str(assessed.status),
        "unit": day.unit,
        "timezone": day.timezone,
        "duty": {"mode": str(assessed.mode), "hours": hours},
        "late": assessed.late,
        "early": assessed.early,
        "policy_id": str(assessed.policy_id),
        "check_ins": [_check_in(check_in, assessed.evidence, zone) for check_in in day.check_ins],
        "findings": [
            {"kind": str(finding.kind), "code": finding.code, "minutes": finding.minutes, "text": rule_of(finding, policy)[0]}
            for finding in assessed.findings
        ],
        "corrections": [
            {
                "id": str(one.correction_id), "kind": one.kind, "state": one.state, "actor": one.actor,
                "decided_at": _local(one.decided_at, zone), "fields": dict(one.fields),
            }
            for one in day.corrections
        ],
    }


def _check_in(check_in: CheckIn, evidence: Sequence[UUID], zone: ZoneInfo) -> dict[str, Any]:
    return {
        "id": str(check_in.check_in_id),
        "mark": check_in.mark,
        "captured_at": _local(check_in.captured_at, zone),
        "received_at": _local(check_in.received_at, zone),
        "counted": check_in.check_in_id in evidence,
        "verdict": check_in.verdict,
        "site": check_in.site,
        "distance_m": check_in.distance_m,
        "region": check_in.region,
        "region_known": check_in.region_known,
        "quality": check_in.quality,
        "mock": check_in.mock,
        "photo": check_in.photo,
    }


def _entry(entered: Entered, causes: Mapping[UUID, Cause]) -> dict[str, Any]:
    row = entered.row
    return {
        **row.content(),
        "row_hash": entered.row_hash,
        "because": _because(row.cause, causes),
        "began_with": _because(row.correlation, causes),
    }


def _because(event: UUID | None, causes: Mapping[UUID, Cause]) -> dict[str, Any] | None:
    """What an event id stands for; None if no event, or one that the services no longer tell apart (reference data)."""
    cause = None if event is None else causes.get(event)
    if cause is None:
        return None
    return {"kind": cause.kind, "about": cause.about, "version": cause.version, "word": cause.word}


def _local(at: dt.datetime, zone: ZoneInfo) -> str:
    return at.astimezone(zone).isoformat(timespec="seconds")
