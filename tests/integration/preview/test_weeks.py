"""Week patterns of units and of everybody: what their preview says is what comes of them, and many never work other hours unseen."""

import asyncio
import datetime as dt
import json
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from typer.testing import CliRunner

from services.commands.preview import app
from services.preview.asking import org_units_change, read_change, weeks_in_force_change
from services.preview.change import Change
from services.preview.ordered import play_next
from services.preview.result import UnitTotal
from services.schedule import commands, taking_force
from services.schedule.digests import weeks_digest
from services.schedule.importer import import_week_scopes
from services.schedule.in_force import WeekScope, WeeksInForce
from services.schedule.previewing import approve_preview, order_preview, record_preview, set_limits
from services.schedule.reference import OrgUnitState
from services.schedule.rules.taking_force import Limits
from services.schedule.store import previews
from services.schedule.store.preview_orders import Order
from services.schedule.weeks import assign_weeks
from shared.refusal import Refused
from tests.integration.preview.test_gate import FOUND, NOON, SEVEN_TEN, real
from tests.integration.preview.test_previews import compare
from tests.integration.preview.town import DAY, MONDAY, Town

__all__ = ["real"]

FASTING = "lima-hari-ramadan"
"""08:00 to 15:00, half an hour later and an hour earlier than the usual week."""


def table(folder: Path, *rows: str) -> Path:
    file = folder / "pola-berlaku.csv"
    file.write_text("\n".join(["week_pattern;since;until;org_unit", *rows]) + "\n")
    return file


async def asked(town: Town, file: Path) -> Change:
    """The change as an officer's file says it."""
    return await read_change(town.url, lambda connection: weeks_in_force_change(connection, file), ())


async def put(town: Town, *scopes: WeekScope, now: dt.datetime | None = None, actor: str = "operator") -> None:
    await assign_weeks(town.schedule, scopes, actor, now)


async def test_a_week_of_a_unit_costs_what_its_preview_said_and_so_does_taking_it_away(town: Town, tmp_path: Path) -> None:
    await town.set_up(days=9)
    unit, first, last = town.units[0], MONDAY + 2 * DAY, MONDAY + 7 * DAY
    row = WeekScope(FASTING, first, last, unit)
    nothing_yet = await town.amounts()
    change = await asked(town, table(tmp_path, f"{FASTING};{first};{last};OPD-{unit}"))
    assert (change.digest, change.reached) == (weeks_digest(WeeksInForce(), WeeksInForce().saying([row])), frozenset({unit}))

    found = await asyncio.to_thread(town.preview, change)
    await put(town, row)
    await town.settle()

    assert found.people == 4
    assert found.total.less > 0
    await compare(town, found, nothing_yet)

    fasting = await town.amounts()
    back = await asyncio.to_thread(town.preview, await asked(town, table(tmp_path, f"-;{first};;OPD-{unit}")))
    await put(town, WeekScope(None, first, None, unit))
    await town.settle()
    assert (back.total.more, back.total.less) == (found.total.less, found.total.more)
    await compare(town, back, fasting)
    assert await town.amounts() == nothing_yet


async def test_a_week_of_a_unit_above_reaches_down_and_a_period_that_is_cut_short_costs_what_was_said(town: Town, tmp_path: Path) -> None:
    await town.set_up(days=9)
    agency = uuid4()
    await commands.publish_org_units(town.schedule, [
        OrgUnitState(agency, f"OPD-{agency}", "Sekretariat", "Asia/Jakarta", town.calendar),
        OrgUnitState(town.units[1], f"OPD-{town.units[1]}", "UPT", "Asia/Jakarta", town.calendar, parent_id=agency)])
    await put(town, WeekScope(FASTING, MONDAY + DAY, None, agency))
    await town.settle()
    before = await town.amounts()
    change = await asked(town, table(tmp_path, f"{FASTING};{MONDAY + DAY};{MONDAY + 3 * DAY};OPD-{agency}"))
    assert change.reached == frozenset({agency, town.units[1]})

    found = await asyncio.to_thread(town.preview, change)
    await put(town, WeekScope(FASTING, MONDAY + DAY, MONDAY + 3 * DAY, agency))
    await town.settle()

    assert set(found.units) == {town.units[1]}
    await compare(town, found, before)


async def test_another_unit_above_brings_its_weeks_along_as_its_preview_said(town: Town, tmp_path: Path) -> None:
    await town.set_up(days=9)
    agency, [unit, other] = uuid4(), town.units
    await commands.publish_org_units(town.schedule, [
        OrgUnitState(agency, f"OPD-{agency}", "Sekretariat", "Asia/Jakarta", town.calendar),
        OrgUnitState(unit, f"OPD-{unit}", "UPT", "Asia/Jakarta", town.calendar, parent_id=other)])
    await put(town, WeekScope(FASTING, MONDAY + 2 * DAY, MONDAY + 4 * DAY, agency))
    before = await town.amounts()
    file = tmp_path / "opd.csv"
    file.write_text(f"code,name,timezone,parent\nOPD-{other},Dinas,WIB,OPD-{agency}\n")
    change = await read_change(town.url, lambda connection: org_units_change(connection, file), ())
    assert change.reached == frozenset({unit, other})

    found = await asyncio.to_thread(town.preview, change)
    await commands.publish_org_units(
        town.schedule, [OrgUnitState(other, f"OPD-{other}", "Dinas", "Asia/Jakarta", town.calendar, parent_id=agency)])
    await town.settle()

    assert set(found.units) == {unit, other}
    await compare(town, found, before)


async def test_a_week_of_tomorrow_is_tried_on_yesterday_and_what_is_said_already_or_taken_away_early_changes_nothing(
    town: Town, tmp_path: Path
) -> None:
    await town.set_up(days=5)
    unit, later = town.units[0], town.last + 30 * DAY
    period = f"{later};{later + 29 * DAY};OPD-{unit}"

    tried = await asyncio.to_thread(town.preview, await asked(town, table(tmp_path, f"{FASTING};{period}")))
    now = await asyncio.to_thread(town.preview, await asked(town, table(tmp_path, f"{FASTING};{MONDAY};;OPD-{unit}")))
    await put(town, WeekScope(FASTING, later, later + 29 * DAY, unit))
    again = await asked(town, table(tmp_path, f"{FASTING};{period}"))
    away = await asyncio.to_thread(town.preview, await asked(town, table(tmp_path, f"-;{later};;OPD-{unit}")))

    assert tried.total == now.total != UnitTotal()
    assert (again.title, again.weeks) == ("nothing differs", ())
    assert (away.total, away.worst) == (UnitTotal(), ())


async def test_hours_of_a_unit_wait_until_its_people_have_checked_in(real: Town) -> None:
    unit, tuesday = real.units[0], MONDAY + DAY
    with pytest.raises(Refused, match=r"pola kerja ini mengubah hari yang jendela absen masuknya sedang terbuka.*Ulangi mulai 2026-02-03"):
        await put(real, WeekScope(FASTING, tuesday, None, unit), now=SEVEN_TEN)
    await put(real, WeekScope("lima-hari", tuesday, None, unit), now=SEVEN_TEN)  # the same hours as before
    await put(real, WeekScope(FASTING, tuesday + DAY, None, unit), now=SEVEN_TEN)
    with pytest.raises(Refused, match="sedang terbuka"):
        await put(real, WeekScope(FASTING, tuesday, None, unit), now=SEVEN_TEN)
    await put(real, WeekScope(FASTING, tuesday, None, unit), now=NOON)


async def test_a_unit_that_comes_while_the_gate_is_asked_has_it_asked_again(real: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    gate, asked = taking_force.allow_weeks, []

    async def allow(*given: Any) -> taking_force.Cleared:
        asked.append(await gate(*given))
        if len(asked) == 1:
            await commands.publish_org_units(real.schedule, [OrgUnitState(uuid4(), f"OPD-{uuid4()}", "Baru", "Asia/Jakarta")])
        return asked[-1]

    monkeypatch.setattr(taking_force, "allow_weeks", allow)
    await put(real, WeekScope(FASTING, MONDAY + DAY, None, real.units[0]), now=NOON)

    assert len(asked) == 2


async def preview_of(town: Town, before: WeeksInForce, scope: WeekScope, actor: str) -> UUID:
    preview, second = await record_preview(
        town.schedule, kind="weeks", digest=weeks_digest(before, before.saying([scope])), title="uji", first=MONDAY, last=MONDAY,
        whole=True, found=FOUND, actor=actor)
    assert second
    return preview.preview_id


@pytest.mark.parametrize("since", [MONDAY, dt.datetime.now(dt.UTC).date() + 30 * DAY], ids=["past", "to come"])  # any date: none is open
async def test_many_do_not_work_other_hours_without_a_preview_and_a_second_approver(real: Town, tmp_path: Path, since: dt.date) -> None:
    await set_limits(real.schedule, Limits(free_people=len(real.people) - 1, people=0), "kepala-bkd", "SE 1")
    unit, other = real.units
    scope = WeekScope(FASTING, since, since + 29 * DAY, unit)

    with pytest.raises(Refused, match="hadir preview weeks-in-force"):
        await put(real, scope)
    await preview_of(real, WeeksInForce(), WeekScope(FASTING, since, None, unit), "petugas")
    with pytest.raises(Refused, match="belum ada pratinjaunya"):
        await import_week_scopes(real.url, table(tmp_path, f"{FASTING};{since};{scope.until};OPD-{unit}"), actor="petugas")
    preview = await preview_of(real, WeeksInForce(), scope, "petugas")
    with pytest.raises(Refused, match="minta orang kedua menyetujui"):
        await put(real, scope, actor="petugas")
    await approve_preview(real.schedule, preview, "kepala-bkd", "SE 3/2026")
    await put(real, scope, actor="petugas")
    await put(real, scope)  # is said already

    with pytest.raises(Refused, match="hadir preview weeks-in-force"):
        await put(real, WeekScope(None, since, None, unit))
    await put(real, WeekScope("enam-hari-ramadan", since - 40 * DAY, None, other))  # nobody works there
    with pytest.raises(Refused, match="hadir preview org-units"):
        await commands.publish_org_units(
            real.schedule, [OrgUnitState(unit, f"OPD-{unit}", "Dinas", "Asia/Jakarta", real.calendar, parent_id=other)], now=NOON)


async def test_a_preview_of_weeks_is_ordered_and_kept_and_the_command_tells_it(real: Town, tmp_path: Path) -> None:
    unit = real.units[0]
    file = table(tmp_path, f"{FASTING};2026-02-02;2026-03-20;OPD-{unit}")
    order = Order(uuid4(), "weeks-in-force", file.read_text(), {}, MONDAY, MONDAY + 4 * DAY, "petugas", dt.datetime.now(dt.UTC))
    await order_preview(real.schedule, order)
    assert await play_next(real.schedule, real.url, processes=1)
    words = ["weeks-in-force", str(file), "--until", "2026-02-06", "--days", "5", "--processes", "1", "--json", "--database", real.url]
    done = await asyncio.to_thread(CliRunner().invoke, app, words)
    assert done.exit_code == 0, done.output

    async with real.schedule.pool.acquire() as connection:
        kept = await previews.preview(connection, order.preview_id)
    scope = WeekScope(FASTING, MONDAY, dt.date(2026, 3, 20), unit)
    assert kept is not None
    assert (kept.kind, kept.digest) == ("weeks", weeks_digest(WeeksInForce(), WeeksInForce().saying([scope])))
    told = json.loads(done.stdout)
    assert (told["kind"], told["digest"], told["people_changed"]) == ("weeks", kept.digest, kept.people_changed)
    assert told["change"] == f"{FASTING}@2026-02-02..2026-03-20@OPD-{unit}"
