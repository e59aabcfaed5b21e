"""Days on a real database: opened, assessed as marks come, closed by the clock, restated by whatever changes; versions without holes."""

import datetime as dt
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from services.schedule import commands
from services.schedule.importer.apply import take_employees
from services.schedule.reference import CalendarState, Membership, OrgUnitState, Rank, RosterState
from services.schedule.store import reference_rows
from shared.events import CalendarDay, EmployeeKind, Mark, Mode, RosterDay, Verdict, WorkReportSubmitted
from shared.lanes import Lanes
from shared.policy import Policy
from tests.integration.schedule.office import DAY, MONDAY, Office, at, packs

FEBRUARY = dt.date(2026, 2, 1)


async def test_a_mark_in_time_makes_a_provisional_day_at_once(office: Office) -> None:
    await office.tick(at(MONDAY, "06:00"))
    await office.mark(Mark.IN, at(MONDAY, "07:25"))

    day = await office.the_day(MONDAY)

    assert (day["state"], day["status"], day["version"], day["late"], day["findings"]) == ("PROVISIONAL", "PENDING", 1, 0, [])
    assert (day["duty_days_in_month"], day["work_week_days"], day["scheduled"]) == (20, 5, True)


async def test_a_day_without_marks_becomes_absent_when_its_window_closes_by_the_clock(office: Office) -> None:
    await office.tick(at(MONDAY, "19:59"))
    assert await office.day(MONDAY) is None

    await office.tick(at(MONDAY, "20:00"))

    assert await office.summary(MONDAY) == ("ABSENT", ["TK"], 1)
    assert await office.violations() == [("raised", "TK", 1)]


async def test_a_late_upload_makes_a_second_version_that_takes_the_absence_back(office: Office) -> None:
    await office.tick(at(MONDAY, "20:00"))
    await office.tell(office.located(Mark.IN, at(MONDAY, "07:25")), office.located(Mark.OUT, at(MONDAY, "16:02")))

    assert await office.summary(MONDAY) == ("PRESENT", [], 2)
    assert await office.violations() == [("raised", "TK", 1), ("retracted", "TK", 2)]


async def test_the_same_mark_delivered_three_times_is_one_mark_and_one_version(office: Office) -> None:
    await office.tick(at(MONDAY, "06:00"))
    mark = office.located(Mark.IN, at(MONDAY, "07:41"))
    await office.tell(mark, mark)
    await office.tell(mark)

    assert [event["version"] for event in await office.published("hadir.day.assessed.v1")] == [1]
    assert await office.violations() == [("raised", "TL1", 1)]


async def test_lateness_that_grows_no_further_is_told_once_and_the_close_adds_what_is_missing(office: Office) -> None:
    await office.tick(at(MONDAY, "06:00"))
    await office.mark(Mark.IN, at(MONDAY, "07:41"))
    await office.tick(at(MONDAY, "20:00"))

    assert await office.summary(MONDAY) == ("PRESENT", ["TL1", "PSW4"], 2)
    assert await office.violations() == [("raised", "TL1", 1), ("raised", "PSW4", 1)]


async def test_a_violation_whose_minutes_change_is_retracted_and_raised_again_under_its_id(office: Office) -> None:
    await office.tick(at(MONDAY, "06:00"))
    await office.mark(Mark.IN, at(MONDAY, "07:41"))
    await office.mark(Mark.IN, at(MONDAY, "07:35"))

    assert await office.violations() == [("raised", "TL1", 1), ("retracted", "TL1", 2), ("raised", "TL1", 3)]
    told = await office.published("hadir.violation.v1")
    assert len({event["violation_id"] for event in told}) == 1
    assert [event["minutes"] for event in told] == [11, 11, 5]


async def test_a_judgement_that_is_replaced_restates_the_day_and_an_older_one_does_not(office: Office) -> None:
    await office.tick(at(MONDAY, "06:00"))
    first = await office.mark(Mark.IN, at(MONDAY, "07:20"), site=Verdict.OUTSIDE)
    await office.mark(Mark.OUT, at(MONDAY, "16:10"))
    await office.tick(at(MONDAY, "20:00"))
    assert await office.summary(MONDAY) == ("PRESENT", ["TL4"], 2)

    await office.tell(first.model_copy(update={"version": 2, "site": Verdict.INSIDE}))
    assert await office.summary(MONDAY) == ("PRESENT", [], 3)
    await office.tell(first)
    assert await office.summary(MONDAY) == ("PRESENT", [], 3)


async def test_days_are_opened_without_any_event_and_only_up_to_tomorrow(office: Office) -> None:
    await office.tick(at(MONDAY + 4 * DAY, "21:00"))

    statuses = [await office.summary(MONDAY + n * DAY) for n in range(7)]

    assert statuses[:5] == [("ABSENT", ["TK"], 1)] * 5
    assert statuses[5] == ("OFF", [], 1)  # Saturday is known a day ahead
    assert statuses[6] is None


async def test_a_rostered_shift_beats_the_calendar_and_the_day_is_restated(office: Office) -> None:
    await publish_holidays(office, MONDAY)
    await office.tick(at(MONDAY + DAY, "07:00"))
    assert await office.summary(MONDAY) == ("HOLIDAY", [], 1)

    await commands.publish_rosters(office.lanes, [RosterState(office.employee, FEBRUARY, (
        RosterDay(date=MONDAY, mode=Mode.WFO, start="07:00", end="14:00"),))])
    await office.work_off()

    assert await office.summary(MONDAY) == ("ABSENT", ["TK"], 2)


async def test_a_holiday_declared_late_takes_the_absence_back(office: Office) -> None:
    await office.tick(at(MONDAY, "20:00"))
    await publish_holidays(office, MONDAY)
    await office.work_off()

    assert await office.summary(MONDAY) == ("HOLIDAY", [], 2)
    assert await office.violations() == [("raised", "TK", 1), ("retracted", "TK", 2)]


async def test_a_holiday_declared_after_a_roster_that_only_says_where_frees_the_day_until_it_is_withdrawn(office: Office) -> None:
    await commands.publish_rosters(office.lanes, [RosterState(office.employee, FEBRUARY, (
        RosterDay(date=MONDAY, mode=Mode.WFA), RosterDay(date=MONDAY + DAY, mode=Mode.WFO, start="07:30", end="16:00")))])
    await office.tick(at(MONDAY + DAY, "20:00"))
    assert await office.summary(MONDAY) == await office.summary(MONDAY + DAY) == ("ABSENT", ["TK"], 1)

    await publish_holidays(office, MONDAY, MONDAY + DAY)
    await office.work_off()
    assert await office.summary(MONDAY) == ("HOLIDAY", [], 2)
    assert await office.summary(MONDAY + DAY) == ("ABSENT", ["TK"], 2)  # one duty day less in the month

    await commands.publish_calendars(office.lanes, [CalendarState(office.calendar, MONDAY.year, ())])
    await office.work_off()
    assert await office.summary(MONDAY) == ("ABSENT", ["TK"], 3)


async def test_an_overnight_shift_keeps_its_marks_under_the_date_on_which_it_starts(office: Office) -> None:
    await commands.publish_rosters(office.lanes, [RosterState(office.employee, FEBRUARY, (
        RosterDay(date=MONDAY, mode=Mode.WFO, start="21:00", end="07:00"),
        RosterDay(date=MONDAY + DAY, mode=Mode.OFF)))])
    await office.tick(at(MONDAY, "20:00"))
    await office.mark(Mark.IN, at(MONDAY, "20:50"))
    await office.mark(Mark.OUT, at(MONDAY + DAY, "07:05"))
    await office.tick(at(MONDAY + DAY, "11:00"))

    assert await office.summary(MONDAY) == ("PRESENT", [], 3)
    assert await office.summary(MONDAY + DAY) == ("OFF", [], 1)


async def test_a_sick_leave_approved_later_retracts_and_the_same_command_again_does_nothing(office: Office) -> None:
    await office.tick(at(MONDAY + 8 * DAY, "08:00"))
    leave: dict[str, Any] = {"correction_id": uuid4(), "kind": "leave", "employee_id": office.employee,
             "body": {"kind": "sick", "from": MONDAY, "to": MONDAY + DAY}, "actor": "bkd"}

    first = await commands.record_fact(office.lanes, **leave)
    again = await commands.record_fact(office.lanes, **leave)
    await office.work_off()

    assert first is not None
    assert (first.version, again) == (1, None)
    assert await office.summary(MONDAY) == ("LEAVE", [], 2)
    assert await office.summary(MONDAY + DAY) == ("LEAVE", [], 2)
    assert await office.summary(MONDAY + 2 * DAY) == ("ABSENT", ["TK"], 1)
    assert [event["version"] for event in await office.published("hadir.correction.v1")] == [1]
    assessed = [event for event in await office.published("hadir.day.assessed.v1") if event["date"] == str(MONDAY)]
    assert [event["version"] for event in assessed] == [1, 2]


async def test_a_leave_that_is_rejected_after_all_brings_the_absence_back(office: Office) -> None:
    await office.tick(at(MONDAY, "21:00"))
    leave: dict[str, Any] = {"correction_id": uuid4(), "kind": "leave", "employee_id": office.employee,
             "body": {"kind": "annual", "from": MONDAY, "to": MONDAY}}
    for state in ("requested", "approved", "rejected"):
        await commands.record_fact(office.lanes, **leave, state=state)
        await office.work_off()

    assert await office.summary(MONDAY) == ("ABSENT", ["TK"], 4)
    told = await office.violations()
    assert told == [("raised", "TK", 1), ("retracted", "TK", 2), ("raised", "TK", 3)]


async def sick(office: Office, first: dt.date, last: dt.date, leave: UUID | None = None, state: Any = "approved") -> UUID:
    leave = leave or uuid4()
    await commands.record_fact(office.lanes, correction_id=leave, kind="leave", employee_id=office.employee, state=state, body={
        "kind": "sick", "from": first, "to": last})
    await office.work_off()
    return leave


async def numbers(office: Office, *dates: dt.date) -> list[tuple[int, int] | None]:
    """Which day of how many of its sick leave each of these dates is; None for a day that costs nothing."""
    found = [(await office.the_day(date))["findings"] for date in dates]
    return [(one[0]["nth_day"], one[0]["leave_days"]) if one else None for one in found]


async def test_a_second_letter_counts_on_and_the_first_one_taken_back_lets_it_begin_anew(office: Office) -> None:
    await put_sick_table_in_force(office)
    await office.tick(at(MONDAY + 14 * DAY, "08:00"))
    friday, monday, tuesday = MONDAY + 4 * DAY, MONDAY + 7 * DAY, MONDAY + 8 * DAY
    first = await sick(office, friday - DAY, friday)
    await sick(office, monday, tuesday)

    assert await numbers(office, friday, monday, tuesday) == [(2, 4), (3, 4), (4, 4)]

    await sick(office, friday - DAY, friday, first, "rejected")

    assert await office.codes(friday) == ["TK"]
    assert await numbers(office, monday, tuesday) == [(1, 2), (2, 2)]


async def test_a_holiday_in_the_middle_of_a_leave_restates_its_days_of_the_next_month_too(office: Office) -> None:
    await put_sick_table_in_force(office)
    march = dt.date(2026, 3, 2)
    await office.tick(at(march + 7 * DAY, "08:00"))
    await sick(office, dt.date(2026, 2, 23), dt.date(2026, 2, 27))
    await sick(office, march, march + 4 * DAY)
    await sick(office, march + 7 * DAY, march + 7 * DAY)
    late = march + 4 * DAY
    assert await numbers(office, march, late) == [(6, 11), (10, 11)]

    await commands.publish_calendars(office.lanes, [CalendarState(office.calendar, 2026, (
        CalendarDay(date=dt.date(2026, 2, 24), name="Libur daerah", kind="holiday", source="SK"),))])
    await office.work_off()

    assert await numbers(office, march, late) == [(5, 10), (9, 10)]


async def put_sick_table_in_force(office: Office) -> None:
    content = packs()["POL-A"].content() | {"leave": {"sick": [{"pct": "2.50"}]}}
    await commands.publish_policies(office.lanes, {"SAKIT": Policy.from_content(content)}, [("SAKIT", MONDAY, office.unit)])


async def test_an_outage_of_a_unit_holds_its_days_until_it_is_decided(office: Office) -> None:
    await office.tick(at(MONDAY, "20:00"))
    outage = uuid4()
    await commands.record_fact(office.lanes, correction_id=outage, kind="outage", org_unit_id=office.unit, body={
        "from": at(MONDAY, "07:00").isoformat(), "to": at(MONDAY, "17:00").isoformat()})
    await office.work_off()
    assert await office.summary(MONDAY) == ("HELD", [], 2)

    await commands.record_fact(office.lanes, correction_id=uuid4(), kind="outage_decision", org_unit_id=office.unit, body={
        "outage_decision": outage, "decision": "confirmed"})
    await office.work_off()

    assert await office.summary(MONDAY) == ("PRESENT", [], 3)


async def test_confirmed_spoofing_voids_the_marks_of_the_day(office: Office) -> None:
    await office.tick(at(MONDAY, "06:00"))
    marks = [await office.mark(Mark.IN, at(MONDAY, "07:20"), mock=True), await office.mark(Mark.OUT, at(MONDAY, "16:10"), mock=True)]
    await office.tick(at(MONDAY, "20:00"))
    assert (await office.the_day(MONDAY))["status"] == "HELD"

    await commands.record_fact(office.lanes, correction_id=uuid4(), kind="fraud", employee_id=office.employee, body={
        "check_ins": [str(mark.check_in_id) for mark in marks], "decision": "confirmed"})
    await office.work_off()

    assert await office.codes(MONDAY) == ["TK", "FAKE_GPS"]


async def test_a_move_counts_from_its_date_and_takes_the_rules_of_the_new_unit(office: Office, lanes: Lanes) -> None:
    other = uuid4()
    await commands.publish_org_units(lanes, [OrgUnitState(other, f"OPD-{other}", "RSUD", "Asia/Jakarta", office.calendar)])
    policies = packs()
    await commands.publish_policies(lanes, policies, [("POL-L", MONDAY, other)])
    await office.tick(at(MONDAY + DAY, "21:00"))
    assert {(await office.the_day(MONDAY + n * DAY))["org_unit_id"] for n in (0, 1)} == {str(office.unit)}

    await commands.record_fact(lanes, correction_id=uuid4(), kind="move", employee_id=office.employee, body={
        "to_unit": other, "from": MONDAY + DAY})
    await office.work_off()

    before, after = await office.the_day(MONDAY), await office.the_day(MONDAY + DAY)
    assert (before["org_unit_id"], before["version"]) == (str(office.unit), 1)
    assert (after["org_unit_id"], after["policy_id"], after["version"]) == (str(other), str(policies["POL-L"].identity), 2)


@pytest.mark.parametrize("road", ["import", "letter"])
async def test_who_moves_to_another_zone_is_judged_by_the_old_one_before_and_by_the_new_one_after(
    office: Office, lanes: Lanes, road: str, tmp_path: Path
) -> None:
    there, papua, move = dt.timezone(dt.timedelta(hours=9)), uuid4(), uuid4()
    tuesday = MONDAY + DAY
    await commands.publish_org_units(lanes, [OrgUnitState(papua, f"OPD-{papua}", "Kantor Papua", "Asia/Jayapura", office.calendar)])
    await commands.publish_policies(lanes, packs(), [("POL-A", MONDAY, papua)])
    for mark, clock in ((Mark.IN, "07:20"), (Mark.OUT, "16:05")):
        await office.mark(mark, at(MONDAY, clock))
    await office.tick(at(MONDAY, "21:00"))
    clean = await office.summary(MONDAY)
    assert (clean or ())[:2] == ("PRESENT", [])

    if road == "import":
        (tmp_path / "people.csv").write_text(
            f"nip;name;kind;group;org_unit;since\n{office.nip};Siti Contoh;PNS;pelaksana;OPD-{papua};{tuesday}\n")
        assert (await take_employees(lanes, tmp_path / "people.csv")).preview == (
            (f"ubah: pegawai …{office.nip[-4:]}: unit OPD-{office.unit} sejak {MONDAY}, OPD-{papua} sejak {tuesday}; "
             f"zona WIB sejak {MONDAY}, WIT sejak {tuesday}"),)
    else:
        await commands.record_fact(
            lanes, correction_id=move, kind="move", employee_id=office.employee, body={"to_unit": papua, "from": tuesday})
    for mark, clock in ((Mark.IN, "07:20"), (Mark.OUT, "16:05")):
        await office.mark(mark, dt.datetime.combine(tuesday, dt.time.fromisoformat(clock), there))
    await office.tick(at(tuesday, "21:00"))

    assert await office.summary(MONDAY) == clean
    assert (await office.summary(tuesday) or ())[:2] == ("PRESENT", [])
    assert (await office.published("hadir.employee.v1"))[-1]["zones"] == [
        {"since": str(MONDAY), "timezone": "Asia/Jakarta"}, {"since": str(tuesday), "timezone": "Asia/Jayapura"}]
    if road == "letter":
        await commands.record_fact(
            lanes, correction_id=move, kind="move", employee_id=office.employee, body={"to_unit": papua, "from": tuesday}, state="rejected")
        await office.work_off()
        assert (await office.summary(tuesday) or ())[:2] == ("PRESENT", ["PSW4"]), "14.05 in the old zone"


async def test_a_promotion_counts_from_its_date_and_leaves_the_days_before_as_they_were(office: Office) -> None:
    await office.tick(at(MONDAY + 2 * DAY, "21:00"))
    promoted = office.person().ranked(MONDAY + DAY, Rank(EmployeeKind.PPPK, "structural", 9))

    await commands.publish_employees(office.lanes, [promoted])
    await office.work_off()

    days = [await office.the_day(MONDAY + n * DAY) for n in range(3)]
    assert [(day["employee_kind"], day["group"], day["version"]) for day in days] == [
        ("PNS", "pelaksana", 1), ("PPPK", "structural", 2), ("PPPK", "structural", 2)]
    async with office.lanes.pool.acquire() as connection:
        assert (await reference_rows.employees(connection, [office.employee]))[office.employee].state == promoted
    assert (await office.published("hadir.employee.v1"))[-1]["ranks"] == [
        {"since": str(MONDAY), "kind": "PNS", "group": "pelaksana", "job_class": None},
        {"since": str(MONDAY + DAY), "kind": "PPPK", "group": "structural", "job_class": 9}]


async def test_the_rule_pack_of_the_business_date_counts(office: Office) -> None:
    policies = packs()
    await commands.publish_policies(office.lanes, policies, [("POL-B", MONDAY + DAY, office.unit)])
    await office.tick(at(MONDAY + DAY, "21:00"))

    used = [(await office.the_day(MONDAY + n * DAY))["policy_id"] for n in (0, 1)]

    assert used == [str(policies["POL-A"].identity), str(policies["POL-B"].identity)]


async def test_a_rule_pack_put_in_force_later_restates_the_days_from_its_date(office: Office) -> None:
    await office.tick(at(MONDAY + DAY, "21:00"))
    policies = packs()
    await commands.publish_policies(office.lanes, policies, [("POL-B", MONDAY + DAY, office.unit)])
    await office.work_off()

    assert [(await office.the_day(MONDAY + n * DAY))["version"] for n in (0, 1)] == [1, 2]
    assert (await office.the_day(MONDAY + DAY))["policy_id"] == str(policies["POL-B"].identity)


async def test_a_required_work_report_clears_its_violation(lanes: Lanes, office: Office) -> None:
    strict = packs()["POL-A"].model_copy(update={"work_report_required": (Mode.WFO,)})
    await commands.publish_policies(lanes, {"POL-W": strict}, [("POL-W", MONDAY, office.unit)])
    await office.tick(at(MONDAY, "06:00"))
    await office.tell(office.located(Mark.IN, at(MONDAY, "07:20")), office.located(Mark.OUT, at(MONDAY, "16:10")))
    await office.tick(at(MONDAY, "20:00"))
    assert await office.codes(MONDAY) == ["NO_WORK_REPORT"]

    await office.tell(WorkReportSubmitted(report_id=uuid4(), employee_id=office.employee, work_date=MONDAY,
                                          submitted_at=at(MONDAY, "21:00"), received_at=at(MONDAY, "21:00")))

    assert await office.codes(MONDAY) == []


async def test_nothing_to_do_means_nothing_is_written(office: Office) -> None:
    await office.tick(at(MONDAY, "20:00"))
    before = len(await office.published("hadir.day.assessed.v1"))

    assert await office.work_off() == 0
    await commands.publish_employees(office.lanes, [office.person()])
    await commands.publish_org_units(office.lanes, [OrgUnitState(
        office.unit, f"OPD-{office.unit}", "Dinas", "Asia/Jakarta", office.calendar)])
    assert await office.work_off() == 0

    assert len(await office.published("hadir.day.assessed.v1")) == before


async def test_a_mark_of_somebody_not_yet_imported_is_kept_and_counts_afterwards(lanes: Lanes) -> None:
    office = Office(lanes)
    await office.set_up(publish_person=False)
    await office.mark(Mark.IN, at(MONDAY, "07:20"))
    await office.mark(Mark.OUT, at(MONDAY, "16:10"))
    await commands.publish_employees(lanes, [office.person()])
    await office.tick(at(MONDAY, "20:00"))

    assert await office.summary(MONDAY) == ("PRESENT", [], 1)


async def test_an_inactive_person_gets_no_new_days_and_keeps_the_old_ones(office: Office) -> None:
    await office.tick(at(MONDAY, "20:00"))
    await commands.publish_employees(office.lanes, [office.person(active=False)])
    await office.tick(at(MONDAY + 3 * DAY, "21:00"))

    assert await office.summary(MONDAY) == ("ABSENT", ["TK"], 1)
    assert await office.summary(MONDAY + 3 * DAY) is None


async def test_a_membership_that_never_began_takes_back_what_was_said(office: Office) -> None:
    await office.tick(at(MONDAY, "20:00"))
    await commands.publish_employees(office.lanes, [office.person(memberships=(Membership(MONDAY + DAY, office.unit),))])
    await office.work_off()

    assert await office.summary(MONDAY) == ("OFF", [], 2)
    assert await office.violations() == [("raised", "TK", 1), ("retracted", "TK", 2)]


async def publish_holidays(office: Office, *dates: dt.date) -> None:
    days = tuple(CalendarDay(date=date, name="Libur", kind="holiday", source="uji") for date in dates)
    await commands.publish_calendars(office.lanes, [CalendarState(office.calendar, dates[0].year, days)])
