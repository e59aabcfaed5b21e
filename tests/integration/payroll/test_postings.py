"""From assessed days to rows, ledger entries and the outbox, on a real PostgreSQL."""

import datetime as dt
from collections.abc import Callable
from random import Random
from typing import Any, TypeAlias
from uuid import UUID, uuid4

import asyncpg
import orjson
import pytest

from services.payroll.chores import tell_missing_packs
from services.payroll.rules import Ceiling
from shared import metrics
from shared.events import DayAssessed, DayStatus, Finding, FindingKind
from shared.failures import Unready
from shared.percent import parse_percent
from shared.policy import Policy
from shared.topics import DEDUCTION, TPP_MONTH
from tests.oracle import money

Made: TypeAlias = Callable[..., DayAssessed]
A = Policy.from_content({"tk_day": "3.00", "tl": [{"code": "TL1", "min": 1, "max": None, "pct": "0.50"}], "legal_source": "Perbup A"})
H = Policy.from_content({"tk_day": "2.50", "consecutive_full": {"days": 4, "pct": "100"}})
FEB_2 = dt.date(2026, 2, 2)
LATE = Finding(kind=FindingKind.LATE, code="TL1", minutes=12)


async def published(payroll: Any, topic: str, employee: UUID) -> list[dict[str, Any]]:
    rows = await payroll.fetch("select value from outbox where topic = $1 order by lane, seq", topic)
    told: list[dict[str, Any]] = [orjson.loads(row["value"]) for row in rows]
    return [event for event in told if event["employee_id"] == str(employee)]


async def test_an_assessed_day_becomes_a_ledger_line_and_a_new_version_replaces_it(payroll: Any, day: Made, absence: Made) -> None:
    me = uuid4()
    await payroll.publish(A)
    await payroll.set_ceiling(me, "2026-02", 5_250_000)
    await payroll.hear(absence(me, FEB_2, A))
    assert await payroll.ledger(me) == [("posted", "TK", 157_500)]
    row = await payroll.month(me)
    assert (row["percent"], row["amount"], row["version"]) == ("3.00", 157_500, 1)
    await payroll.hear(day(me, FEB_2, A, [LATE], version=2))
    assert await payroll.ledger(me) == [("posted", "TK", 157_500), ("reversed", "TK", -157_500), ("posted", "TL1", 26_250)]
    row = await payroll.month(me)
    assert (row["percent"], row["amount"], row["version"]) == ("0.50", 26_250, 2)


async def test_flat_rupiah_and_the_wage_are_posted_once_their_amounts_are_known_and_survive_the_close(payroll: Any, day: Made) -> None:
    me = uuid4()
    beside = Policy.from_content({
        "apel": {"rupiah": 500_000}, "left_during_hours_by_kind": {"PPPK_PW": {"pct": "5.00", "base": "wage"}}, "legal_source": "Perwali B",
    })
    found = [Finding(kind=FindingKind.APEL, code="APEL"), Finding(kind=FindingKind.LEFT, code="LEFT")]
    await payroll.publish(beside)
    await payroll.set_ceiling(me, "2026-02", 400_000)
    await payroll.hear(day(me, FEB_2, beside, found, employee_kind="PPPK_PW"))
    assert ((await payroll.month(me))["amount"], await payroll.ledger(me)) == (None, [])  # 5 percent of a wage that nobody told yet

    await payroll.set_ceiling(me, "2026-02", 400_000, wage=2_000_000)

    # flat rupiah take no more than the ceiling; the wage is another purse
    assert await payroll.ledger(me) == [("posted", "APEL", 500_000), ("posted", "LEFT", 100_000), ("posted", "CAP", -100_000)]
    row = await payroll.month(me)
    assert (row["amount"], row["of_wage"]) == (500_000, 100_000)
    assert [(told["amount"], told["of_wage"]) for told in await published(payroll, TPP_MONTH.name, me)] == [(None, 0), (500_000, 100_000)]
    await payroll.close("2026-02")
    await payroll.set_ceiling(me, "2026-03", 400_000)
    await payroll.set_ceiling(me, "2026-02", 400_000, wage=3_000_000)
    assert [(action, code, rupiah) for action, code, rupiah in await payroll.ledger(me, "2026-03")] == [("posted", "SUPPLEMENT", 50_000)]


async def test_what_is_published_carries_cause_version_and_legal_source(payroll: Any, day: Made, absence: Made) -> None:
    me = uuid4()
    await payroll.publish(A)
    await payroll.set_ceiling(me, "2026-02", 5_250_000)
    await payroll.hear(absence(me, FEB_2, A))
    await payroll.hear(day(me, FEB_2, A, version=2))
    first, second = await published(payroll, DEDUCTION.name, me)
    assert (first["action"], first["number"], first["legal_source"]) == ("posted", 1, "Perbup A")
    assert (second["action"], second["number"], second["reverses"]) == ("reversed", 2, first["entry_id"])
    assert [event["version"] for event in await published(payroll, TPP_MONTH.name, me)] == [1, 2]
    rows = await payroll.fetch("select headers from outbox where topic = $1 order by seq", DEDUCTION.name)
    causes = await payroll.fetch("select cause from ledger order by number")
    assert [orjson.loads(row["headers"])["ce_causationid"] for row in rows] == [str(row["cause"]) for row in causes]
    keys = await payroll.fetch("select key from outbox where topic = $1", TPP_MONTH.name)
    assert {row["key"] for row in keys} == {f"{me}|2026-02".encode()}


async def test_a_duplicate_and_an_old_version_change_nothing(payroll: Any, day: Made, absence: Made) -> None:
    me = uuid4()
    await payroll.publish(A)
    await payroll.set_ceiling(me, "2026-02", 5_250_000)
    await payroll.hear(absence(me, FEB_2, A, version=3))
    before = await payroll.fetch("select count(*) from outbox")
    await payroll.hear(absence(me, FEB_2, A, version=3))
    await payroll.hear(day(me, FEB_2, A, version=2), absence(me, FEB_2, A, version=3))
    assert await payroll.ledger(me) == [("posted", "TK", 157_500)]
    assert (await payroll.month(me))["version"] == 1
    assert await payroll.fetch("select count(*) from outbox") == before


async def test_a_policy_that_has_not_arrived_is_waited_for(payroll: Any, absence: Made) -> None:
    me = uuid4()
    with pytest.raises(Unready, match=str(A.identity)):
        await payroll.hear(absence(me, FEB_2, A))
    assert await payroll.fetch("select 1 from month") == []
    await payroll.publish(A)
    await payroll.hear(absence(me, FEB_2, A))
    assert (await payroll.month(me))["percent"] == "3.00"


async def test_a_ceiling_that_arrives_late_makes_the_amount_and_the_ledger_appear(payroll: Any, absence: Made) -> None:
    me = uuid4()
    await payroll.publish(A)
    await payroll.hear(absence(me, FEB_2, A))
    assert (await payroll.month(me))["amount"] is None
    assert await payroll.ledger(me) == []
    await payroll.set_ceiling(me, "2026-02", 1_000_000)
    assert (await payroll.month(me))["amount"] == 30_000
    await payroll.set_ceiling(me, "2026-02", 2_000_000)
    assert await payroll.ledger(me) == [("posted", "TK", 30_000), ("reversed", "TK", -30_000), ("posted", "TK", 60_000)]
    await payroll.set_ceiling(me, "2026-02", 2_000_000)
    assert (await payroll.month(me))["version"] == 3, "the same ceiling again is no news"


@pytest.mark.parametrize(
    "statement", ["update ledger set amount = 0", "delete from ledger", "truncate ledger", "delete from ledger where false"]
)
async def test_the_database_itself_refuses_to_change_the_ledger(payroll: Any, absence: Made, fresh_database: str, statement: str) -> None:
    me = uuid4()
    await payroll.publish(A)
    await payroll.set_ceiling(me, "2026-02", 1_000_000)
    await payroll.hear(absence(me, FEB_2, A))
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await payroll.fetch(statement)
    superuser = await asyncpg.connect(fresh_database)
    try:
        with pytest.raises(asyncpg.RaiseError, match="append-only"):
            await superuser.execute(statement.replace("ledger", "payroll.ledger"))
    finally:
        await superuser.close()
    assert await payroll.ledger(me) == [("posted", "TK", 30_000)]


async def test_a_streak_from_january_fills_february_and_a_change_in_january_takes_it_back(
    payroll: Any, day: Made, absence: Made
) -> None:
    me = uuid4()
    await payroll.publish(H)
    await payroll.set_ceiling(me, "2026-02", 1_000_000)
    january = [dt.date(2026, 1, 29), dt.date(2026, 1, 30)]
    february = [dt.date(2026, 2, 2), dt.date(2026, 2, 3)]
    await payroll.hear(*(absence(me, date, H) for date in february))
    assert (await payroll.month(me))["amount"] == 50_000
    await payroll.hear(*(absence(me, date, H) for date in january))
    assert (await payroll.month(me))["amount"] == 1_000_000, "January arrived after February"
    await payroll.hear(day(me, january[1], H, status=DayStatus.LEAVE, version=2))
    assert (await payroll.month(me))["amount"] == 50_000
    assert sum(amount for _, _, amount in await payroll.ledger(me)) == 50_000


async def test_both_months_of_a_streak_may_come_in_one_batch(payroll: Any, absence: Made) -> None:
    me = uuid4()
    await payroll.publish(H)
    dates = [dt.date(2026, 2, 2), dt.date(2026, 1, 29), dt.date(2026, 2, 3), dt.date(2026, 1, 30)]
    await payroll.hear(*(absence(me, date, H) for date in dates))
    assert (await payroll.month(me))["percent"] == "100.00"


async def test_after_the_close_a_change_is_a_supplement_in_the_next_open_month(payroll: Any, day: Made, absence: Made) -> None:
    me = uuid4()
    await payroll.publish(A)
    await payroll.set_ceiling(me, "2026-02", 1_000_000)
    await payroll.hear(absence(me, FEB_2, A), absence(me, dt.date(2026, 2, 3), A))
    await payroll.close("2026-02")
    closed = await payroll.month(me)
    assert (closed["closed"], closed["amount"]) == (True, 60_000)
    entries = await payroll.ledger(me)
    await payroll.hear(day(me, FEB_2, A, status=DayStatus.LEAVE, version=2))
    after = await payroll.month(me)
    assert (after["amount"], after["version"], await payroll.ledger(me)) == (60_000, closed["version"], entries)
    assert await payroll.ledger(me, "2026-03") == [("posted", "SUPPLEMENT", -30_000)]
    assert (await payroll.month(me, "2026-03"))["supplementary"] == -30_000
    line = (await published(payroll, DEDUCTION.name, me))[-1]
    assert (line["month"], line["origin"]) == ("2026-03", "2026-02")
    await payroll.close("2026-03")
    await payroll.set_ceiling(me, "2026-04", 1_000_000)
    await payroll.hear(day(me, FEB_2, A, [LATE], version=3))
    assert await payroll.ledger(me, "2026-03") == [("posted", "SUPPLEMENT", -30_000)]
    assert await payroll.ledger(me, "2026-04") == [("posted", "SUPPLEMENT", 5_000)]


async def test_what_a_months_tpp_does_not_hold_is_carried_to_the_next_open_month_once(payroll: Any, day: Made, absence: Made) -> None:
    me = uuid4()
    await payroll.publish(A)
    await payroll.set_ceiling(me, "2026-02", 1_000_000)
    await payroll.hear(absence(me, FEB_2, A))
    await payroll.close("2026-02")
    await payroll.set_ceiling(me, "2026-03", 10_000)
    await payroll.set_ceiling(me, "2026-02", 2_000_000)  # known late: the absence costs 30,000 more
    await payroll.hear(day(me, dt.date(2026, 3, 2), A))
    assert await payroll.ledger(me, "2026-03") == [("posted", "SUPPLEMENT", 30_000), ("posted", "SUPPLEMENT", -20_000)]
    await payroll.set_ceiling(me, "2026-04", 1_000_000)
    await payroll.close("2026-03")
    await payroll.freeze()
    assert await payroll.ledger(me, "2026-04") == [("posted", "SUPPLEMENT", 20_000)]
    assert [(await payroll.month(me, month))["supplementary"] for month in ("2026-03", "2026-04")] == [10_000, 20_000]


async def test_a_late_day_meets_a_close_that_has_not_reached_its_row_yet(payroll: Any, day: Made, absence: Made) -> None:
    me, other = uuid4(), uuid4()
    await payroll.publish(A)
    for employee in (me, other):
        await payroll.set_ceiling(employee, "2026-02", 1_000_000)
        await payroll.hear(absence(employee, FEB_2, A))
    await payroll.set_ceiling(other, "2026-03", 1_000_000)
    await payroll.close("2026-02", frozen=False)
    await payroll.hear(day(me, FEB_2, A, version=2))
    await payroll.set_ceiling(other, "2026-02", 2_000_000)
    assert [(await payroll.month(employee))["amount"] for employee in (me, other)] == [30_000, 30_000]
    assert await payroll.ledger(me, "2026-03") == [("posted", "SUPPLEMENT", -30_000)]
    assert await payroll.ledger(other, "2026-03") == [("posted", "SUPPLEMENT", 30_000)]
    await payroll.freeze()
    assert [(await payroll.month(employee))["closed"] for employee in (me, other)] == [True, True]


async def test_random_versions_of_a_months_days_end_where_the_batch_oracle_ends(payroll: Any, day: Made) -> None:
    chance = Random(3)
    policies = [A, H, Policy.from_content({"base": "daily_net_tpp", "tk_day": "100", "late_any": "25"})]
    for policy in policies:
        await payroll.publish(policy)
    rules = {policy.identity: policy for policy in policies}
    people = {uuid4(): Ceiling(chance.randrange(1_000_000, 9_999_999)) for _ in range(20)}
    versions: list[DayAssessed] = []
    for me in people:
        packs = chance.sample(policies, 2)
        for number in range(1, 29):
            policy = packs[number > 14]
            for version in range(1, chance.randint(1, 3) + 1):
                absent = Finding(kind=FindingKind.ABSENT, code="TK")
                band = policy.tl_band(5)
                late = Finding(kind=FindingKind.LATE, code=band.code if band else "TL", minutes=5)
                findings = chance.choice([[], [], [absent] if policy is H else [late], [absent]])  # H has no lateness
                versions.append(day(me, dt.date(2026, 2, number), policy, findings, version=version))
    final = {(told.employee_id, told.date): told for told in sorted(versions, key=lambda told: told.version)}
    arrivals = versions + chance.sample(versions, 200)
    chance.shuffle(arrivals)
    for employee, ceiling in list(people.items())[:10]:
        await payroll.set_ceiling(employee, "2026-02", ceiling.amount)
    while arrivals:
        size = chance.randint(1, 120)
        await payroll.hear(*arrivals[:size])
        arrivals = arrivals[size:]
    for employee, ceiling in list(people.items())[10:]:
        await payroll.set_ceiling(employee, "2026-02", ceiling.amount)
    for employee, ceiling in people.items():
        told = [one for (who, _), one in final.items() if who == employee]
        expected = money.month([as_the_oracle_wants(one, rules) for one in told], ceiling.amount)
        row = await payroll.month(employee)
        assert (parse_percent(row["raw_percent"]), parse_percent(row["percent"])) == (expected["raw_percent"], expected["percent"])
        assert row["amount"] == expected["amount"]
        assert sum(amount for _, _, amount in await payroll.ledger(employee)) == expected["amount"]


def as_the_oracle_wants(told: DayAssessed, rules: dict[UUID, Policy]) -> money.Day:
    return {
        "date": told.date, "policy": rules[told.policy_id].content(), "status": told.status.value, "scheduled": told.scheduled,
        "late": 5 if told.findings and told.status is DayStatus.PRESENT else 0, "early": 0, "no_in": False, "no_out": False,
        "group": told.group, "duty_days": told.duty_days_in_month, "six_days": False,
    }


async def test_a_day_that_found_what_its_pack_does_not_know_is_buried_and_not_priced_at_nothing(payroll: Any, day: Made) -> None:
    me = uuid4()
    await payroll.publish(A)
    await payroll.set_ceiling(me, "2026-02", 1_000_000)
    foreign = Finding(kind=FindingKind.LATE, code="TL9", minutes=12)

    await payroll.hear(day(me, FEB_2, A, [foreign]), day(me, dt.date(2026, 2, 3), A, [LATE]))

    rows = await payroll.fetch("select reason, detail from dead_letter")
    assert [tuple(row) for row in rows] == [("unpriced", "findings: LATE with a code that the day's rule pack does not give it")]
    assert await payroll.ledger(me) == [("posted", "TL1", 5_000)]


async def test_the_pack_that_payroll_waits_for_is_named_until_it_comes(payroll: Any, absence: Made) -> None:
    me = uuid4()
    with pytest.raises(Unready, match=str(A.identity)):
        await payroll.hear(absence(me, FEB_2, A))

    await tell_missing_packs(payroll.lanes, payroll.policies)
    assert [row["policy_id"] for row in await payroll.fetch("select policy_id from waiting_pack")] == [A.identity]
    assert metrics.PAYROLL_WAITING_PACKS._value.get() == 1

    await payroll.publish(A)
    await payroll.hear(absence(me, FEB_2, A))
    await tell_missing_packs(payroll.lanes, payroll.policies)
    assert await payroll.fetch("select policy_id from waiting_pack") == []
    assert metrics.PAYROLL_WAITING_PACKS._value.get() == 0
