"""Rosters on a real database: from a proposed draft to changed duties, with every refusal on the way, and who was where."""

import datetime as dt
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest

from services.monitor.schemes import tell_schemes
from services.replay import restoring
from services.schedule import commands, planning, rosters, schemes, shares
from services.schedule.memory import Memory
from services.schedule.reference import CalendarState, EmployeeState, Membership, RosterState
from services.schedule.rosters import Breached, NoRotation, Order, Outdated, View
from services.schedule.rules.schemes import BreachCode, Place, Scheme
from services.schedule.rules.workflow import Who
from services.schedule.schemes import Scope, apply_schemes
from services.schedule.store import plans
from services.schedule.store import schemes as scheme_rows
from shared.database import connect_auditor, open_pool
from shared.envelope import Envelope, decode
from shared.events import CalendarDay, Mark, Mode, RosterDay, Verdict
from shared.lanes import Lanes, Record
from shared.refusal import Refused
from shared.topics import SCHEME
from tests.integration.schedule.office import DAY, MONDAY, Office, at

FEBRUARY = dt.date(2026, 2, 1)
SUNDAY = MONDAY - DAY
OPD = Who("kasubag-1", "unit_officer")
BKD = Who("bkd-1", "bkd")


def scheme(**more: Any) -> Scheme:
    return Scheme(**{"title": f"uji {uuid4()}", "legal_source": "SE uji 1/2026", "weekly_wfa_limit": None, **more})


class Unit:
    """An office with a few people under one scheme, and orders about its roster of February 2026."""

    def __init__(self, office: Office, people: list[EmployeeState]) -> None:
        self.office = office
        self.lanes = office.lanes
        self.people = people

    def order(self, by: Who, version: int | None, reason: str = "uji") -> Order:
        return Order(self.office.unit, FEBRUARY, by, reason, version)

    async def see(self) -> View:
        async with self.lanes.pool.acquire() as connection:
            return await rosters.view(connection, Memory(), self.office.unit, FEBRUARY)

    async def trail(self) -> list[tuple[str, str, str, str, str]]:
        seen = await self.see()
        assert seen.row is not None
        async with self.lanes.pool.acquire() as connection:
            steps = await plans.trail(connection, seen.row.plan_id)
        return [(step.action, step.state, step.actor, step.role, step.reason) for step in steps]

    async def standing(self, date: dt.date, kind: shares.Kind) -> shares.Standing:
        async with self.lanes.pool.acquire() as connection:
            return await shares.standing(connection, Memory(), self.office.unit, date, date, kind)


@pytest.fixture
async def unit(lanes: Lanes) -> Unit:
    """Four people and one who joins in the middle of the month, half of whom are to be WFA; it is Sunday noon."""
    office = Office(lanes, since=dt.date(2026, 1, 1))
    await office.set_up(publish_person=False)
    people = [office.person(employee_id=uuid4(), nip=f"{uuid4().int % 10**18:018}") for _ in range(4)]
    await commands.publish_employees(lanes, people)
    await commands.move_clock(lanes, office.clock, at(SUNDAY, "12:00"))
    half = scheme(quotas=[{"per": "day", "wfa": "50"}])
    await apply_schemes(lanes, {half.title: half}, [Scope(half.title, FEBRUARY, org_unit_id=office.unit)], BKD, reason="uji")
    return Unit(office, people)


def on(person: EmployeeState, date: dt.date, mode: Mode | None) -> dict[UUID, dict[dt.date, RosterDay | None]]:
    return {person.employee_id: {date: RosterDay(date=date, mode=mode) if mode is not None else None}}


async def published(unit: Unit, version: int | None = None) -> int:
    """Takes a proposed roster all the way; returns its version."""
    row = (await rosters.draft_proposal(unit.lanes, unit.order(OPD, version))).row
    row = (await rosters.submit(unit.lanes, unit.order(OPD, row.version))).row
    row = (await rosters.approve(unit.lanes, unit.order(BKD, row.version))).row
    return (await rosters.publish(unit.lanes, unit.order(BKD, row.version))).row.version


async def test_a_year_without_holidays_is_told_to_whoever_makes_a_roster(unit: Unit) -> None:
    calendar = unit.office.calendar
    assert f"kalender {calendar} 2026 belum ada" in (rosters.without_holidays((await unit.see()).staff) or "")

    holiday = CalendarDay(date=dt.date(2026, 2, 17), name="Imlek", kind="holiday", source="uji")
    await commands.publish_calendars(unit.lanes, [CalendarState(calendar, 2026, (holiday,))])
    assert rosters.without_holidays((await unit.see()).staff) is None


async def test_a_proposed_roster_goes_its_way_and_changes_what_is_owed(unit: Unit) -> None:
    assert await published(unit) == 4

    assert await unit.trail() == [
        ("draft", "draft", "kasubag-1", "unit_officer", "uji"), ("submit", "submitted", "kasubag-1", "unit_officer", "uji"),
        ("approve", "approved", "bkd-1", "bkd", "uji"), ("publish", "published", "bkd-1", "bkd", "uji")]
    seen = await unit.see()
    assert seen.errors == ()
    modes = [next(day.mode for day in seen.asked[person.employee_id] if day.date == MONDAY) for person in unit.people]
    assert sorted(modes) == ["WFA", "WFA", "WFO", "WFO"]

    await unit.office.tick(at(MONDAY, "20:00"))
    days = [await unit.office.the_day_of(person.employee_id, MONDAY) for person in unit.people]
    assert [day["mode"] for day in days] == modes
    async with unit.lanes.pool.acquire() as connection:
        told = await connection.fetch(
            """select convert_from(value, 'UTF8') as value from outbox where topic = 'hadir.schedule.audit.v1' and key = any($1)
               order by lane, seq""", [b"kasubag-1", b"bkd-1"])
        rosters_told = await connection.fetchval(
            "select count(*) from outbox where topic = 'hadir.roster.v1' and key = any($1)",
            [f"{person.employee_id}|2026-02".encode() for person in unit.people])
    assert rosters_told == 4
    assert seen.row is not None
    mine = {event["action"]: event["detail"] for row in told if (event := orjson.loads(row["value"]))["subject"] == str(seen.row.plan_id)}
    assert {action: (detail["role"], detail["reason"], detail["version"]) for action, detail in mine.items()} == {
        "roster-draft": ("unit_officer", "uji", 1), "roster-submit": ("unit_officer", "uji", 2), "roster-approve": ("bkd", "uji", 3),
        "roster-publish": ("bkd", "uji", 4)}


async def test_what_an_import_changed_of_a_published_roster_is_told(unit: Unit) -> None:
    await published(unit)
    seen = await unit.see()
    assert seen.moved == 0
    person = unit.people[0].employee_id
    days = tuple(
        day.model_copy(update={"mode": Mode.OFF, "start": None, "end": None}) if day.date == MONDAY + DAY else day
        for day in seen.asked[person]
    )
    await commands.publish_rosters(unit.lanes, [RosterState(person, FEBRUARY, days)])
    assert (await unit.see()).moved == 1


async def test_publishing_makes_the_days_due_that_waited_for_their_end(unit: Unit) -> None:
    async def due_at_once() -> int:
        async with unit.lanes.pool.acquire() as connection:
            return int(await connection.fetchval(
                "select count(*) from due_day where employee_id = any($1::uuid[]) and date = $2 and due_at = 'epoch'",
                [person.employee_id for person in unit.people], MONDAY))

    await unit.office.work_off()
    assert await due_at_once() == 0

    await published(unit)

    assert await due_at_once() == 4


async def test_a_day_that_has_begun_cannot_be_changed_by_publishing(unit: Unit) -> None:
    version = await published(unit)
    await commands.move_clock(unit.lanes, unit.office.clock, at(MONDAY, "00:05"))
    person = unit.people[0]

    with pytest.raises(Refused, match=r"2026-02-02 \(1 orang\).*mulai 2026-02-03.*koreksi"):
        await rosters.draft(unit.lanes, unit.order(OPD, version), on(person, MONDAY, Mode.OFF))

    row = (await rosters.draft(unit.lanes, unit.order(OPD, version), on(person, MONDAY + DAY, Mode.OFF))).row
    row = (await rosters.submit(unit.lanes, unit.order(OPD, row.version))).row
    row = (await rosters.approve(unit.lanes, unit.order(BKD, row.version), despite_breaches=True)).row
    await commands.move_clock(unit.lanes, unit.office.clock, at(MONDAY + DAY, "00:05"))
    with pytest.raises(Refused, match="2026-02-03"):
        await rosters.publish(unit.lanes, unit.order(BKD, row.version))
    assert (await unit.see()).row == row


async def test_a_shift_after_midnight_cannot_be_moved_while_people_check_in_for_it(unit: Unit) -> None:
    real = unit.office.person(employee_id=uuid4(), nip=f"{uuid4().int % 10**18:018}", played_clock=None)
    await commands.publish_employees(unit.lanes, [real])
    noon, night = at(SUNDAY, "12:00"), at(SUNDAY, "23:30")
    shift = {real.employee_id: {MONDAY: RosterDay(date=MONDAY, mode=Mode.WFO, start="00:30", end="08:00")}}
    row = (await rosters.draft(unit.lanes, unit.order(OPD, None), shift, noon)).row
    row = (await rosters.submit(unit.lanes, unit.order(OPD, row.version))).row
    row = (await rosters.approve(unit.lanes, unit.order(BKD, row.version), despite_breaches=True)).row

    with pytest.raises(Refused, match="jendela absen masuknya sedang terbuka"):
        await rosters.publish(unit.lanes, unit.order(BKD, row.version), night)

    assert (await rosters.publish(unit.lanes, unit.order(BKD, row.version), noon)).row.state == "published"


async def test_a_proposal_in_the_middle_of_a_month_leaves_what_has_begun(unit: Unit) -> None:
    version = await published(unit)
    before = (await unit.see()).asked
    tenth = dt.date(2026, 2, 10)
    await commands.move_clock(unit.lanes, unit.office.clock, at(tenth, "09:00"))
    newcomer = unit.office.person(employee_id=uuid4(), nip=f"{uuid4().int % 10**18:018}", memberships=(
        Membership(tenth + DAY, unit.office.unit),))
    await commands.publish_employees(unit.lanes, [newcomer])

    again = await rosters.draft_proposal(unit.lanes, unit.order(OPD, version))

    after = (await unit.see()).asked
    for person in unit.people:
        old, new = ({day.date: day for day in asked[person.employee_id]} for asked in (before, after))
        assert {date: day for date, day in old.items() if date <= tenth} == {date: day for date, day in new.items() if date <= tenth}
    assert min(day.date for day in after[newcomer.employee_id]) == tenth + DAY
    assert [breach for breach in again.breaches if not breach.warning] == []


async def test_who_has_seen_an_older_version_is_told_to_look_again(unit: Unit) -> None:
    await rosters.draft_proposal(unit.lanes, unit.order(OPD, None))
    await rosters.draft(unit.lanes, unit.order(OPD, 1), on(unit.people[0], MONDAY, Mode.WFO))

    for stale in (None, 1, 3):
        with pytest.raises(Outdated, match="sekarang versi 2"):
            await rosters.submit(unit.lanes, unit.order(OPD, stale))


async def test_only_who_may_decides_and_only_on_what_was_submitted(unit: Unit) -> None:
    elsewhere = Who("kasubag-2", "unit_officer", frozenset({uuid4()}))
    with pytest.raises(Refused, match="di luar jangkauan"):
        await rosters.draft_proposal(unit.lanes, unit.order(elsewhere, None))
    with pytest.raises(Refused, match="peran employee tidak berwenang"):
        await rosters.draft_proposal(unit.lanes, unit.order(Who("x", "employee"), None))
    await rosters.draft_proposal(unit.lanes, unit.order(OPD, None))
    with pytest.raises(Refused, match="peran unit_officer tidak berwenang"):
        await rosters.approve(unit.lanes, unit.order(OPD, 1))
    with pytest.raises(Refused, match="masih rancangan; langkah ini hanya untuk roster yang menunggu persetujuan"):
        await rosters.approve(unit.lanes, unit.order(BKD, 1))
    with pytest.raises(Refused, match="alasan wajib diisi"):
        await rosters.submit(unit.lanes, unit.order(OPD, 1, reason=" "))
    assert [step[0] for step in await unit.trail()] == ["draft"]


async def test_bkd_returns_adjusts_and_approves_only_what_keeps_the_scheme_unless_it_says_otherwise(unit: Unit) -> None:
    everybody: dict[UUID, dict[dt.date, RosterDay | None]] = {}
    for person in unit.people:
        everybody |= on(person, MONDAY, Mode.WFA)
    await rosters.draft_proposal(unit.lanes, unit.order(OPD, None))
    stepped = await rosters.draft(unit.lanes, unit.order(OPD, 1), everybody)
    assert [(breach.code, breach.date, breach.counted) for breach in stepped.breaches] == [(BreachCode.QUOTA_OVER, MONDAY, 4)]
    await rosters.submit(unit.lanes, unit.order(OPD, 2))

    with pytest.raises(Refused, match="mengajukan roster tidak dapat menyetujuinya"):
        await rosters.approve(unit.lanes, unit.order(replace(BKD, name=OPD.name.upper()), 3), despite_breaches=True)
    with pytest.raises(Breached, match="1 tempat"):
        await rosters.approve(unit.lanes, unit.order(BKD, 3))
    await rosters.give_back(unit.lanes, unit.order(BKD, 3, "loket kosong pada hari Senin"))
    await rosters.submit(unit.lanes, unit.order(OPD, 4))
    half = on(unit.people[0], MONDAY, Mode.WFO) | on(unit.people[1], MONDAY, None)
    adjusted = await rosters.adjust(unit.lanes, unit.order(BKD, 5, "loket"), half)
    assert adjusted.breaches == ()
    await rosters.approve(unit.lanes, unit.order(BKD, 6))

    assert [(action, state) for action, state, *_ in await unit.trail()] == [
        ("draft", "draft"), ("draft", "draft"), ("submit", "submitted"), ("return", "draft"), ("submit", "submitted"),
        ("adjust", "submitted"), ("approve", "approved")]
    assert (await unit.trail())[3][4] == "loket kosong pada hari Senin"


async def test_a_scheme_that_cannot_be_kept_is_told_instead_of_drafted(unit: Unit) -> None:
    strict = scheme(quotas=[{"per": "day", "wfa": "75"}], person_week={"wfo": 3, "wfa": 2})
    scope = Scope(strict.title, FEBRUARY, org_unit_id=unit.office.unit)
    await apply_schemes(unit.lanes, {strict.title: strict}, [scope], BKD, reason="uji")

    with pytest.raises(NoRotation, match="kuota harian meminta 15 orang-hari WFA"):
        await rosters.draft_proposal(unit.lanes, unit.order(OPD, None))
    assert (await unit.see()).row is None


async def test_days_in_another_unit_stay_when_a_roster_is_published(unit: Unit) -> None:
    mover, friday = unit.people[0], MONDAY + 4 * DAY
    other = Office(unit.lanes, since=dt.date(2026, 1, 1), calendar=unit.office.calendar)
    await other.set_up(publish_person=False)
    await commands.publish_employees(unit.lanes, [mover.joined(friday, other.unit)])
    elsewhere = Unit(other, [mover])
    await rosters.draft(unit.lanes, elsewhere.order(OPD, None), on(mover, friday, Mode.OFF))
    row = (await rosters.submit(unit.lanes, elsewhere.order(OPD, 1))).row
    row = (await rosters.approve(unit.lanes, elsewhere.order(BKD, row.version))).row
    await rosters.publish(unit.lanes, elsewhere.order(BKD, row.version))

    await published(unit)

    async with unit.lanes.pool.acquire() as connection:
        staff = await planning.staff_of(connection, Memory(), other.unit, FEBRUARY, FEBRUARY + 27 * DAY)
    kept = {day.date: day.mode for day in staff.month_of(mover.employee_id)}
    assert kept[friday] == "OFF"
    assert MONDAY in kept
    assert not {date for date in kept if date > friday}


async def test_leave_is_foreseen_and_forecast_as_a_breach_before_the_day(unit: Unit) -> None:
    await published(unit)
    assert (await unit.standing(MONDAY, "planned")).breaches == ()
    seen = await unit.see()
    in_office = next(person for person in unit.people if seen.asked[person.employee_id][0].mode is Mode.WFO)

    await commands.record_fact(unit.lanes, correction_id=uuid4(), kind="leave", employee_id=in_office.employee_id,
                               body={"kind": "annual", "from": MONDAY, "to": MONDAY})

    standing = await unit.standing(MONDAY, "planned")
    [share] = standing.shares
    assert (share.owed, share.wfa, share.away, share.allowed) == (3, 2, 1, (1, 1))
    assert [breach.code for breach in standing.breaches] == [BreachCode.QUOTA_OVER]


async def test_the_fact_is_where_people_were_and_not_where_they_were_planned(unit: Unit, schedule_database: str) -> None:
    await published(unit)
    seen = await unit.see()
    wfa = [person for person in unit.people if seen.asked[person.employee_id][0].mode is Mode.WFA]
    wfo = [person for person in unit.people if person not in wfa]
    await unit.office.tick(at(MONDAY, "06:00"))
    for person, site in ((wfa[0], Verdict.OUTSIDE), (wfa[1], Verdict.INSIDE), (wfo[0], Verdict.INSIDE)):
        for mark, clock in ((Mark.IN, "07:20"), (Mark.OUT, "16:10")):
            await unit.office.tell(unit.office.located(mark, at(MONDAY, clock), employee_id=person.employee_id, site=site))
    await unit.office.tick(at(MONDAY + DAY, "06:00"))

    standing = await unit.standing(MONDAY, "fact")

    [share] = standing.shares
    assert (share.owed, share.wfa, share.wfo, share.away) == (3, 1, 2, 1)
    assert standing.moved == {MONDAY: (wfa[1].employee_id,)}
    assert standing.breaches == ()
    auditor = await connect_auditor(schedule_database)
    await auditor.execute("set search_path = schedule")
    found = await shares.gauges(auditor, Memory(), at(MONDAY + DAY, "08:00"))
    holidays_later = await shares.gauges(auditor, Memory(), at(MONDAY + 12 * DAY, "08:00"))
    await tell_schemes(auditor)
    await auditor.close()
    code = f"OPD-{unit.office.unit}"
    assert found["share"][code, "fact"] == holidays_later["share"][code, "fact"] == pytest.approx(1 / 3)
    assert found["share"][code, "planned"] == pytest.approx(1 / 2)
    assert found["quota"][code,] == pytest.approx(1 / 2)


async def test_schemes_are_published_extended_and_rebuilt_from_their_topic(office: Office, fresh_database: str) -> None:
    lanes, unit = office.lanes, office.unit
    own = scheme(quotas=[{"per": "day", "wfa": "75"}], region="stay", evidence="geotag_photo")
    march = Scope("X", dt.date(2026, 3, 1), dt.date(2026, 3, 31), unit)

    once = await apply_schemes(lanes, {"X": own}, [march], BKD, reason="SE uji")
    again = await apply_schemes(lanes, {"X": own}, [march], BKD, reason="SE uji")
    longer = await schemes.extend(lanes, own.identity, unit, dt.date(2026, 4, 30), BKD, reason="evaluasi", legal_source="SE uji 2/2026")

    assert [(done.outcome.new, done.outcome.changed, done.outcome.unchanged) for done in (once, again, longer)] == [
        (1, 0, 0), (0, 0, 1), (0, 1, 0)]
    async with lanes.pool.acquire() as connection:
        kept = (await scheme_rows.schemes(connection))[own.identity]
        told = await connection.fetch(
            "select convert_from(value, 'UTF8') as value from outbox where topic = 'hadir.scheme.v1' and key = $1 order by seq",
            str(own.identity).encode())
    assert kept.version == 2
    assert [(scope.until, scope.legal_source) for scope in kept.state.in_force] == [(dt.date(2026, 4, 30), "SE uji 2/2026")]
    events = [orjson.loads(row["value"]) for row in told]
    assert [(event["version"], event["in_force"][0]["until"]) for event in events] == [(1, "2026-03-31"), (2, "2026-04-30")]

    newest = decode(SCHEME, told[-1]["value"].encode())
    envelope = Envelope(uuid4(), SCHEME.ce_type, "/test", dt.datetime.now(dt.UTC), "", None, uuid4())
    pool = await open_pool(fresh_database, "schedule")
    for _ in range(2):
        await restoring._schemes(Lanes(pool, "schedule"), [Record(SCHEME, 0, 0, None, newest, envelope, b"")])
    async with pool.acquire() as connection:
        rebuilt = await scheme_rows.schemes(connection)
    await pool.close()
    assert {scheme_id: (one.version, one.state) for scheme_id, one in rebuilt.items()} == {own.identity: (1, kept.state)}


async def test_an_idea_needs_a_legal_source_of_its_own_to_take_force(office: Office) -> None:
    idea = scheme(person_week={"wfo": 3, "wfa": 2}, standing="idea")

    with pytest.raises(Refused, match="sebutkan dasar hukumnya"):
        await apply_schemes(office.lanes, {"X": idea}, [Scope("X", MONDAY, org_unit_id=office.unit)], BKD, reason="uji")
    with pytest.raises(Refused, match="peran unit_officer tidak berwenang"):
        await apply_schemes(office.lanes, {"X": idea}, [Scope("X", MONDAY, None, office.unit, "SE uji")], OPD, reason="uji")
    await apply_schemes(office.lanes, {"X": idea}, [Scope("X", MONDAY, None, office.unit, "SE uji")], BKD, reason="uji")
    async with office.lanes.pool.acquire() as connection:
        force = await schemes.schemes_in_force(connection)
    assert (held := force.on(office.unit, MONDAY)) is not None
    assert held.scheme == idea


def test_places_of_a_plan_are_the_words_of_modes() -> None:
    assert {Place.WFO.value, Place.WFA.value} < {mode.value for mode in Mode}
