"""Cuts decided as discipline: priced beside attendance for their months, reversed when annulled, owed where months were closed."""

import datetime as dt
import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from services.payroll.sanctions import follow_decisions
from services.reports.gathering import gather
from services.reports.receipt import build, canonical
from shared.database import AUDIT_ROLE, connect
from shared.envelope import Envelope, derived_id, encode
from shared.events import DayAssessed, DisciplineStepChanged, Document
from shared.lanes import Record
from shared.policy import Policy, load_policies
from shared.topics import DISCIPLINE, lane_of
from tests.integration.payroll.conftest import Payroll

POLICIES = Path(__file__).parents[3] / "services" / "schedule" / "policies" / "golden-policies.yaml"
FOURTH = dt.date(2026, 2, 4)
PAPER = Document(number="800/12/BKD", date=dt.date(2026, 3, 2))
ARTICLE = "PP 94/2021 Pasal 10"


@dataclass
class Decisions:
    """Decisions on discipline as payroll hears of them."""

    payroll: Payroll
    employee: UUID
    version: int = 1

    async def hear(self, action: str, **more: Any) -> None:
        self.version += 1
        given = {
            "employee_id": self.employee, "step": "TPP_CUT_6", "date": dt.date(2026, 2, 20), "version": self.version, "action": action,
            "unexcused_days": 11, "legal_source": ARTICLE, "actor": "ppk-contoh", "document": PAPER,
            "decided_at": dt.datetime(2026, 3, 2, tzinfo=dt.UTC),
        }  # fmt: skip
        if action == "decided":
            given |= {"effective_from": "2026-02", "cut_percent": "25.00", "cut_months": 6}
        await self.deliver(DisciplineStepChanged.model_validate(given | more))

    async def deliver(self, event: DisciplineStepChanged) -> None:
        own = derived_id(DISCIPLINE, f"{event.employee_id}|{event.step}|{event.date}", event.version)
        envelope = Envelope(own, DISCIPLINE.ce_type, "/hadir/schedule", dt.datetime.now(dt.UTC), "step", None, uuid4())
        record = Record(DISCIPLINE, lane_of(event.employee_id), 0, b"", event, envelope, encode(event))
        async with self.payroll.lanes.hold({record.partition}) as work:
            await follow_decisions(work, [record], self.payroll.policies)


@pytest.fixture
async def pack(payroll: Payroll) -> Policy:
    policy = load_policies(POLICIES)["POL-A"]
    await payroll.publish(policy)
    return policy


@pytest.fixture
async def decisions(payroll: Payroll) -> Decisions:
    return Decisions(payroll, uuid4())


async def test_a_decided_cut_takes_a_quarter_of_six_months_and_is_reversed_when_it_is_annulled(
    payroll: Payroll, decisions: Decisions, pack: Policy, absence: Callable[..., DayAssessed], day: Callable[..., DayAssessed]
) -> None:
    me = decisions.employee
    await payroll.set_ceiling(me, "2026-02", 5_250_000)
    await payroll.hear(absence(me, FOURTH, pack))
    assert (await payroll.month(me))["amount"] == 157_500

    await decisions.hear("decided")

    assert await payroll.ledger(me) == [("posted", "TK", 157_500), ("posted", "TPP_CUT_6", 1_312_500)]
    february = await payroll.month(me)
    assert (february["amount"], february["percent"]) == (1_470_000, "3.00")
    [line] = await payroll.fetch(
        "select convert_from(value, 'UTF8')::jsonb->>'legal_source' as article from outbox where topic = 'hadir.tpp.deduction.v1'"
        " and convert_from(value, 'UTF8')::jsonb->>'code' = 'TPP_CUT_6'")
    assert line["article"] == ARTICLE
    for month in ("2026-07", "2026-08"):
        await payroll.set_ceiling(me, month, 5_250_000)
        await payroll.hear(day(me, dt.date.fromisoformat(f"{month}-03"), pack))
    assert [row[1:] for row in await payroll.ledger(me, "2026-07")] == [("TPP_CUT_6", 1_312_500)]
    assert await payroll.ledger(me, "2026-08") == []

    await decisions.hear("withdrawn")

    assert (await payroll.month(me))["amount"] == 157_500
    assert await payroll.ledger(me, "2026-07") == [("posted", "TPP_CUT_6", 1_312_500), ("reversed", "TPP_CUT_6", -1_312_500)]


@pytest.mark.parametrize("heavier_first", [False, True])
async def test_a_heavier_cut_of_the_same_dossier_takes_the_place_of_a_lighter_one_and_gives_it_back_when_annulled(
    payroll: Payroll, decisions: Decisions, pack: Policy, day: Callable[..., DayAssessed], fresh_database: str, heavier_first: bool,
) -> None:
    me = decisions.employee
    for month in ("2026-02", "2026-03", "2026-05"):
        await payroll.set_ceiling(me, month, 4_000_000)
        await payroll.hear(day(me, dt.date.fromisoformat(f"{month}-04"), pack))
    heavier: dict[str, Any] = {"step": "TPP_CUT_12", "date": dt.date(2026, 2, 27), "effective_from": "2026-03", "cut_months": 2,
                               "cut_percent": "90.00"}
    for more in (heavier, {}) if heavier_first else ({}, heavier):
        await decisions.hear("decided", **more)

    amounts = [(await payroll.month(me, month))["amount"] for month in ("2026-02", "2026-03", "2026-05")]
    assert amounts == [1_000_000, 3_600_000, 0]  # never both, and the lighter one does not come back after the heavier one
    receipt = await receipt_of(fresh_database, me, month="2026-03")
    assert [one["code"] for one in receipt["arithmetic"]["sanctions"]] == ["TPP_CUT_12"]
    assert _verifier().verify(canonical(receipt).encode())

    await decisions.hear("withdrawn", step="TPP_CUT_12", date=dt.date(2026, 2, 27))
    amounts = [(await payroll.month(me, month))["amount"] for month in ("2026-02", "2026-03", "2026-05")]
    assert amounts == [1_000_000] * 3


async def test_an_old_decision_that_is_delivered_again_after_the_annulment_changes_nothing(
    payroll: Payroll, decisions: Decisions, pack: Policy, absence: Callable[..., DayAssessed]
) -> None:
    me = decisions.employee
    await payroll.set_ceiling(me, "2026-02", 5_250_000)
    await payroll.hear(absence(me, FOURTH, pack))
    await decisions.hear("decided")
    await decisions.hear("withdrawn")
    before = await payroll.ledger(me)

    decisions.version = 1
    await decisions.hear("decided")

    assert await payroll.ledger(me) == before


async def test_a_cut_that_is_annulled_after_the_close_is_given_back_in_the_next_open_month(
    payroll: Payroll, decisions: Decisions, pack: Policy, day: Callable[..., DayAssessed]
) -> None:
    me = decisions.employee
    await payroll.set_ceiling(me, "2026-02", 4_000_000)
    await payroll.hear(day(me, FOURTH, pack))
    await decisions.hear("decided", cut_months=1)
    await payroll.close("2026-02")

    await decisions.hear("withdrawn")

    assert (await payroll.month(me))["amount"] == 1_000_000
    march = await payroll.month(me, "2026-03")
    assert march["supplementary"] == -1_000_000


async def test_cuts_and_attendance_never_take_more_than_the_ceiling(
    payroll: Payroll, decisions: Decisions, pack: Policy, absence: Callable[..., DayAssessed]
) -> None:
    me = decisions.employee
    await payroll.set_ceiling(me, "2026-02", 1_000_000)
    await payroll.hear(*[absence(me, dt.date(2026, 2, 1 + n), pack) for n in range(28)])
    await decisions.hear("decided")

    assert (await payroll.month(me))["amount"] == 1_000_000
    assert [row for row in await payroll.ledger(me) if row[1].startswith(("TPP_CUT", "CUT"))] == [
        ("posted", "CUT_LIMIT", -90_000), ("posted", "TPP_CUT_6", 250_000)]


async def test_the_receipt_names_article_and_document_of_a_cut_and_anyone_can_verify_it(
    payroll: Payroll, decisions: Decisions, pack: Policy, absence: Callable[..., DayAssessed], fresh_database: str,
) -> None:
    me = decisions.employee
    await payroll.set_ceiling(me, "2026-02", 5_250_001)
    await payroll.hear(absence(me, FOURTH, pack))
    await decisions.hear("decided")
    async with payroll.lanes.pool.acquire() as connection:
        assert not await connection.fetchval("select count(*) from ledger where row_hash is null")
    receipt = await receipt_of(fresh_database, me)

    [cut] = receipt["arithmetic"]["sanctions"]
    assert (cut["code"], cut["percent"], cut["amount"]) == ("TPP_CUT_6", "25.00", 1_312_500)
    assert (cut["decisions"][0]["legal_source"], cut["decisions"][0]["document"]["number"]) == (ARTICLE, "800/12/BKD")
    assert receipt["arithmetic"]["reproducible"]
    verifier = _verifier()
    assert verifier.verify(canonical(receipt).encode())
    entry = next(one for one in receipt["ledger"] if one["code"] == "TPP_CUT_6")
    assert entry["because"] == {"kind": "discipline", "about": "2026-02-20", "version": 2, "word": "TPP_CUT_6"}

    del receipt["arithmetic"]["sanctions"][0]["decisions"][0]["legal_source"]
    with pytest.raises(verifier.Refused):
        verifier.verify(canonical(receipt).encode())


async def test_a_closed_month_with_cut_and_limit_stays_provable_whatever_is_decided_of_the_cut_afterwards(
    payroll: Payroll, decisions: Decisions, pack: Policy, absence: Callable[..., DayAssessed], fresh_database: str,
) -> None:
    me = decisions.employee
    await payroll.set_ceiling(me, "2026-02", 1_000_000)
    await payroll.hear(*[absence(me, dt.date(2026, 2, 1 + n), pack) for n in range(28)])
    await decisions.hear("decided", cut_months=1)
    await payroll.close("2026-02")
    verifier = _verifier()
    closed = await receipt_of(fresh_database, me)
    assert (closed["state"], closed["arithmetic"]["amount"], closed["arithmetic"]["cut_limit"]["amount"]) == ("CLOSED", 1_000_000, -90_000)
    earlier = canonical(closed).encode()
    assert verifier.verify(earlier)

    # Decided anew, smaller and for later months: what the closed month took stands, and rests on the decision of that time.
    await decisions.hear("decided", cut_percent="10.00", effective_from="2026-04", document=PAPER.model_copy(update={"number": "800/99"}))
    assert (await payroll.month(me, "2026-03"))["supplementary"] == -160_000
    anew = await receipt_of(fresh_database, me, known=True)
    [decision] = anew["arithmetic"]["sanctions"][0]["decisions"]
    assert (decision["percent"], decision["document"]["number"], decision["first_month"]) == ("25.00", "800/12/BKD", "2026-02")
    assert verifier.verify(canonical(anew).encode(), earlier)

    await decisions.hear("withdrawn")
    assert (await payroll.month(me, "2026-03"))["supplementary"] == -160_000  # given back once, not twice
    annulled = await receipt_of(fresh_database, me, known=True)
    assert annulled["arithmetic"]["sanctions"][0]["decisions"][0]["withdrawn"]
    assert verifier.verify(canonical(annulled).encode(), earlier)


async def receipt_of(database: str, employee: UUID, *, known: bool = False, month: str = "2026-02") -> dict[str, Any]:
    """The receipt of a person whom schedule knows as well; `known` when it does already."""
    if not known:
        await make_known(database, employee)
    auditor = await connect(database, None)
    try:
        await auditor.execute(f"set role {AUDIT_ROLE}")
        gathered = await gather(auditor, str(employee), month)
    finally:
        await auditor.close()
    assert gathered is not None
    return build(gathered)


async def make_known(database: str, employee: UUID) -> None:
    """Schedule knows the person, too."""
    connection = await connect(database, "schedule")
    try:
        await connection.execute(
            """insert into employee (employee_id, lane, version, nip, name, kind, grp, timezone, active, member_since, member_unit,
                                     week_since, week_code)
               values ($1, $2, 1, '199001012015011001', 'Siti Contoh', 'PNS', 'pelaksana', 'Asia/Jakarta', true, '{2026-01-01}', $3,
                       '{}', '{}')""",
            employee, lane_of(employee), [uuid4()])
    finally:
        await connection.close()


def _verifier() -> Any:
    path = Path(__file__).parents[3] / "docs" / "verify_receipt.py"
    spec = importlib.util.spec_from_file_location("verify_receipt", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
