"""A WFO/WFA scheme before it holds: whom it concerns, which rosters and check-ins are against it, and that it costs nothing."""

import asyncio
import datetime as dt
import json
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import yaml
from typer.testing import CliRunner

from services.commands.preview import app
from services.preview.asking import read_change, scheme_change
from services.preview.change import Change, Window
from services.preview.ordered import play_next
from services.preview.schemes import NO_PHOTO, OUTSIDE_REGION, compared
from services.preview.standings import Standings, UnitStanding
from services.schedule import commands
from services.schedule.agent import Schedule
from services.schedule.api.previews import NewPreview
from services.schedule.digests import scheme_digest
from services.schedule.memory import Memory
from services.schedule.previewing import approve_preview, order_preview, record_preview, set_limits
from services.schedule.reference import RosterState
from services.schedule.rules.schemes import WARNINGS, Scheme
from services.schedule.rules.taking_force import Limits
from services.schedule.rules.workflow import Who
from services.schedule.schemes import Scope, apply_schemes, extend
from services.schedule.shares import standing
from services.schedule.store import preview_orders, previews
from services.schedule.store.preview_orders import Order
from shared.envelope import Envelope, encode
from shared.events import Mark, Mode, RosterDay, Verdict
from shared.lanes import Record
from shared.refusal import Refused
from shared.topics import CHECK_IN_LOCATED, lane_of
from tests.integration.preview.test_gate import FOUND, NOON, SEVEN_TEN, real
from tests.integration.preview.town import DAY, MONDAY, PACKS, WIB, Town, with_price

__all__ = ["real"]

BKD = Who("bkd-1", "bkd")
LAST = MONDAY + 4 * DAY


def scheme(town: Town, **more: Any) -> Scheme:
    return Scheme(**{"title": f"uji {town.calendar}", "legal_source": "SE uji 1/2026", "weekly_wfa_limit": None, **more})


async def put(town: Town, one: Scheme, since: dt.date, unit: UUID | None, **more: Any) -> None:
    await apply_schemes(town.schedule, {"UJI": one}, [Scope("UJI", since, org_unit_id=unit)], BKD, reason="uji", **more)


async def everybody_from_anywhere(town: Town, *dates: dt.date) -> None:
    days = tuple(RosterDay(date=date, mode=Mode.WFA) for date in dates)
    await commands.publish_rosters(town.schedule, [RosterState(person, MONDAY.replace(day=1), days) for person in town.people])
    await town.settle()


async def asked(town: Town, folder: Path, one: Scheme, since: dt.date, unit: UUID, until: dt.date | None = None) -> Change:
    """The change as an officer's file says it."""
    file = folder / "skema.yaml"
    file.write_text(yaml.safe_dump({"UJI": one.content()}))
    return await read_change(town.url, lambda connection: scheme_change(connection, file, [("UJI", since, until, f"OPD-{unit}")]), ())


async def play(town: Town, change: Change, window: Window | None = None) -> Standings:
    return (await compared(town.url, replace(change, clock=town.clock), window or Window(MONDAY, LAST), lambda _done, _all: None)).found


async def amount_against(town: Town, unit: UUID) -> int:
    async with town.schedule.pool.acquire() as connection:
        found = await standing(connection, Memory(), unit, MONDAY, LAST, "planned")
    return sum(breach.amount for breach in found.breaches if breach.code not in WARNINGS)


async def test_what_would_be_against_a_scheme_is_what_validation_finds_once_it_holds_and_nobody_pays(town: Town, tmp_path: Path) -> None:
    await town.set_up(days=5)
    [unit, other] = town.units
    await put(town, scheme(town, quotas=[{"per": "day", "wfa": "100"}]), MONDAY, unit)
    await everybody_from_anywhere(town, MONDAY + DAY, MONDAY + 2 * DAY)
    before, money = await amount_against(town, unit), await town.amounts()
    half = scheme(town, quotas=[{"per": "day", "wfa": "50"}], fixed_days=[{"weekday": "fri", "mode": "WFA"}])

    found = await play(town, await asked(town, tmp_path, half, MONDAY, unit))
    real = (await compared(town.url, await asked(town, tmp_path, half, MONDAY, unit), Window(MONDAY, LAST), lambda _done, _all: None)).found
    await put(town, half, MONDAY, unit)
    await town.settle()

    # before: three days on which nobody is WFA, where all four were to be; after: two of four too many or too few, Friday each of four
    assert before == 3 * 4
    assert await amount_against(town, unit) == 4 * 2 + 4
    assert found.codes == {"QUOTA_UNDER": (12, 4), "QUOTA_OVER": (0, 4), "FIXED_DAY": (0, 4)}
    assert found.units == {unit: UnitStanding(people=4, breaches=9, more=8, less=8)}
    assert (found.people, found.days) == (4, 20)
    assert real.people == 0
    assert {case.employee_id for case in found.worst} == {person for person in town.people if town.unit_of(person) == unit}
    assert {(case.before, case.after) for case in found.worst} == {(0, 1)}
    assert await town.amounts() == money
    assert other not in found.units


async def come(town: Town, person: UUID, date: dt.date, *, evidence: bool, region: Verdict) -> None:
    records = []
    for mark, hour in ((Mark.IN, 7), (Mark.OUT, 16)):
        at = dt.datetime.combine(date, dt.time(hour, 20), WIB)
        event = town.mark(person, mark, at).model_copy(update={"evidence": evidence, "region": region})
        envelope = Envelope(event.check_in_id, CHECK_IN_LOCATED.ce_type, "/test", dt.datetime.now(dt.UTC), "", None, event.check_in_id)
        town.heard += 1
        records.append(Record(CHECK_IN_LOCATED, lane_of(person), town.heard, None, event, envelope, encode(event)))
    async with town.schedule.hold({record.partition for record in records}) as work:
        await Schedule(town.memory).assess_arrivals(work, records)


async def test_check_ins_from_anywhere_without_photo_or_outside_the_region_are_told_by_person(town: Town, tmp_path: Path) -> None:
    await town.set_up(days=0)
    unit, people = town.units[0], town.people[::2]
    await put(town, scheme(town, quotas=[{"per": "day", "wfa": "100"}]), MONDAY, unit)
    await everybody_from_anywhere(town, *(MONDAY + number * DAY for number in range(5)))
    await come(town, people[0], MONDAY, evidence=True, region=Verdict.INSIDE)
    await come(town, people[1], MONDAY, evidence=False, region=Verdict.INSIDE)
    await come(town, people[2], MONDAY, evidence=True, region=Verdict.OUTSIDE)
    await come(town, people[2], MONDAY + DAY, evidence=False, region=Verdict.OUTSIDE)
    strict = scheme(
        town, quotas=[{"per": "day", "wfa": "100"}], evidence="geotag_photo", region="stay", excluded={"units": [f"OPD-{town.units[1]}"]})

    found = await play(town, await asked(town, tmp_path, strict, MONDAY, unit))

    assert found.codes == {NO_PHOTO: (0, 2), OUTSIDE_REGION: (0, 2)}
    assert [(case.employee_id, case.after) for case in found.worst] == [(people[2], 3), (people[1], 1)]
    assert found.remarks == ()  # POL-A demands both as well
    lenient = with_price(PACKS["POL-A"], evidence_required=[])
    await commands.publish_policies(town.schedule, {"longgar": lenient}, [("longgar", MONDAY, unit)])
    again = await play(town, await asked(town, tmp_path, strict, MONDAY, unit))
    assert ["evidence_required" in remark for remark in again.remarks] == [True]
    mistyped = scheme(town, quotas=[{"per": "day", "wfa": "100"}], excluded={"units": ["TIDAKADA"]})
    assert ["TIDAKADA" in one for one in (await play(town, await asked(town, tmp_path, mistyped, MONDAY, unit))).remarks] == [True]
    assert found.total == UnitStanding(people=2, breaches=4, more=4, less=0)


async def test_a_scheme_from_tomorrow_is_tried_on_the_days_that_were_and_one_that_holds_already_changes_nothing(
    town: Town, tmp_path: Path
) -> None:
    await town.set_up(days=1)
    unit = town.units[0]
    full = scheme(town, quotas=[{"per": "day", "wfa": "100"}])
    await put(town, full, MONDAY + 2 * DAY, unit)
    half = scheme(town, quotas=[{"per": "day", "wfa": "50"}])

    tried = await play(town, await asked(town, tmp_path, half, LAST + 30 * DAY, unit, LAST + 60 * DAY))
    same = await play(town, await asked(town, tmp_path, full, MONDAY + 2 * DAY, unit, LAST + 30 * DAY))

    assert tried.codes == {"QUOTA_UNDER": (3 * 4, 5 * 2)}
    assert (same.people, same.total) == (0, UnitStanding())


async def test_a_scheme_does_not_give_way_while_those_check_in_to_whom_it_applies(real: Town) -> None:
    unit, tuesday = real.units[0], MONDAY + DAY
    full, half = (scheme(real, quotas=[{"per": "day", "wfa": share}]) for share in ("100", "50"))
    await put(real, full, MONDAY, unit, now=SEVEN_TEN)  # nothing held there before

    with pytest.raises(Refused, match=r"skema ini mengubah hari yang jendela absen masuknya sedang terbuka.*Ulangi mulai 2026-02-03"):
        await put(real, half, tuesday, unit, now=SEVEN_TEN)
    with pytest.raises(Refused, match="skema ini mengubah hari"):
        await extend(real.schedule, full.identity, unit, MONDAY, BKD, reason="uji", legal_source="SE 2", now=SEVEN_TEN)
    await put(real, half, tuesday + DAY, unit, now=SEVEN_TEN)
    await put(real, half, tuesday, unit, now=NOON)


async def test_no_event_waits_while_the_gate_looks_at_those_of_another_scheme(real: Town, asked_freely: list[str]) -> None:
    full, half = (scheme(real, quotas=[{"per": "day", "wfa": share}]) for share in ("100", "50"))
    for one in (full, half):
        await put(real, one, MONDAY, real.units[0], now=NOON)

    assert asked_freely.count("allow_schemes") == 2


async def test_a_scheme_that_takes_the_place_of_another_for_many_needs_a_preview_and_a_second_approver(real: Town) -> None:
    await set_limits(real.schedule, Limits(free_people=0, people=0), "kepala-bkd", "SE 1")
    # any date: in a month, so that no window of that day is open
    unit, since = real.units[0], dt.datetime.now(dt.UTC).date() + 30 * DAY
    full, half = (scheme(real, quotas=[{"per": "day", "wfa": share}]) for share in ("100", "50"))
    await put(real, full, MONDAY, unit)
    with pytest.raises(Refused, match="hadir preview scheme"):
        await put(real, half, since, unit)
    digest = scheme_digest([(unit, since, None, str(half.identity))])
    preview, second = await record_preview(
        real.schedule, kind="scheme", digest=digest, title="uji", first=MONDAY, last=MONDAY, whole=True, found=FOUND, actor=BKD.name)
    assert second
    with pytest.raises(Refused, match="minta orang kedua menyetujui"):
        await put(real, half, since, unit)
    await approve_preview(real.schedule, preview.preview_id, "kepala-bkd", "ND 800/12")
    await put(real, half, since, unit)

    with pytest.raises(Refused, match="belum ada pratinjaunya"):
        await extend(real.schedule, full.identity, unit, since - 5 * DAY, BKD, reason="uji", legal_source="SE 2")
    await put(real, full, MONDAY, real.units[1])  # the first scheme there takes nothing away


async def test_a_preview_of_a_scheme_is_ordered_with_its_dates_and_kept(real: Town) -> None:
    half = scheme(real, quotas=[{"per": "day", "wfa": "50"}])
    scope = {"name": "UJI", "since": "2026-02-02", "until": "2026-03-31", "org_unit": f"OPD-{real.units[0]}"}
    order = Order(
        UUID(int=real.units[0].int ^ 1), "scheme", json.dumps({"UJI": half.content()}), {"in_force": [scope]}, MONDAY, LAST, "petugas",
        dt.datetime.now(dt.UTC))
    bad = replace(order, preview_id=UUID(int=real.units[0].int ^ 2), content="UJI: {title: x}")
    for one in (order, bad):
        await order_preview(real.schedule, one)
        assert await play_next(real.schedule, real.url)

    async with real.schedule.pool.acquire() as connection:
        kept = await previews.preview(connection, order.preview_id)
        found = await previews.found(connection, order.preview_id)
        failed = await preview_orders.order(connection, bad.preview_id)
    assert kept is not None
    assert kept.digest == scheme_digest([(real.units[0], MONDAY, dt.date(2026, 3, 31), str(half.identity))])
    assert (kept.people_changed, kept.rupiah, kept.whole) == (len(real.people), 0, True)
    assert found["codes"] == [{"code": "QUOTA_UNDER", "before": 0, "after": 5 * 4}]
    assert failed is not None
    assert (failed.state, "legal_source" in (failed.problem or "")) == ("failed", True)


async def test_the_command_tells_it_and_an_unknown_name_or_date_ends_it(real: Town, tmp_path: Path) -> None:
    unit = f"OPD-{real.units[0]}"
    file = tmp_path / "skema.yaml"
    file.write_text(yaml.safe_dump({"UJI": scheme(real, quotas=[{"per": "day", "wfa": "50"}]).content()}))

    async def run(*arguments: object, code: int = 0) -> str:
        words = ["scheme", str(file), *map(str, arguments), "--until", "2026-02-06", "--days", "5", "--database", real.url]
        done = await asyncio.to_thread(CliRunner().invoke, app, words)
        assert done.exit_code == code, done.output
        return done.output

    told = await run("--name", "UJI", "--in-force", f"2026-02-02..2026-03-31@{unit}")
    assert "8 employees concerned; 20 person-days more against the scheme, 0 less" in told
    assert "kept as preview" in told
    result = json.loads(await run("--name", "UJI", "--in-force", f"2026-02-02@{unit}", "--json"))
    assert (result["kind"], result["rupiah_more"], result["units"][0]["people"]) == ("scheme", 0, 8)
    await run("--name", "LAIN", code=1)
    await run("--name", "UJI", "--in-force", "besok", code=2)


def test_only_a_scheme_is_ordered_with_its_last_date() -> None:
    scope = {"name": "UJI", "since": "2026-02-02", "until": "2026-03-31"}
    asked = {"content": "UJI: {}", "in_force": [scope], "reason": "uji"}
    assert NewPreview.model_validate({"kind": "scheme", **asked}).in_force[0].until == dt.date(2026, 3, 31)
    for wrong in ({"kind": "policy"}, {"kind": "scheme", "in_force": []}, {"kind": "roster"}):
        with pytest.raises(ValueError, match=r"in_force|until"):
            NewPreview.model_validate({**asked, **wrong})
