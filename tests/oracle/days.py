"""From duties and marks to assessed days, in long hand and after the fact: every day is already over.

A world is a dict of plain values:
    week      {"mon": ["07:30", "16:00"], ...}; a weekday that is not listed is free
    holidays  a set of dates, joint leave included
    roster    {(person, date): {"mode": "WFO" | "WFA" | "OFF", "start": "HH:MM", "end": "HH:MM"}}; stronger than both
    policies  [(first date, unit or None, content)]; a unit's own row is stronger than None, the latest date holds
    people    {person: {"unit", "timezone", "group", "tpp", "static_tkd"}}
    leaves    [{"person", "kind", "from", "to"}]
    marks     [{"id", "person", "mark", "at", "site", "region", "evidence"}]: verdicts inside | outside | unsure
Marks may stand there in any order and any number of times.
"""

import datetime as dt
from fractions import Fraction
from math import ceil, floor
from typing import Any
from zoneinfo import ZoneInfo

from tests.oracle.money import Day, Pack, charges

World = dict[str, Any]
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
ONE_DAY = dt.timedelta(days=1)


def duty(world: World, person: str, date: dt.date) -> dict[str, Any]:
    """What was owed: mode, start and end (aware), and whether the date itself was free for everybody."""
    zone = ZoneInfo(world["people"][person]["timezone"])
    row = world["roster"].get((person, date))
    holiday = row is None and date in world["holidays"]
    if row is None:
        hours = None if holiday else world["week"].get(WEEKDAYS[date.weekday()])
        row = {"mode": "OFF"} if hours is None else {"mode": "WFO", "start": hours[0], "end": hours[1]}
    if row["mode"] == "OFF":
        return {"mode": "OFF", "holiday": holiday}
    start = dt.datetime.combine(date, dt.time.fromisoformat(row["start"]), zone)
    end = dt.datetime.combine(date, dt.time.fromisoformat(row["end"]), zone)
    return {"mode": row["mode"], "holiday": False, "start": start, "end": end if end > start else end + ONE_DAY}


def policy_on(world: World, person: str, date: dt.date) -> Pack:
    """The rule pack of the business date: the unit's own if there is one, else everybody's."""
    unit = world["people"][person]["unit"]
    for scope in (unit, None):
        rows = [(since, pack) for since, of, pack in world["policies"] if of == scope and since <= date]
        if rows:
            pack: Pack = max(rows, key=lambda row: row[0])[1]
            return pack
    raise LookupError("no policy holds on this date")


def measured_from(owed: dict[str, Any], mark: str) -> dt.datetime:
    """What a mark is measured by: a check-in by the start of work, a check-out by its end, a break by the middle."""
    start: dt.datetime = owed["start"]
    end: dt.datetime = owed["end"]
    return {"in": start, "out": end, "break": start + (end - start) / 2}[mark]


def belonging(world: World, person: str, date: dt.date, pack: Pack) -> list[dict[str, Any]]:
    """The person's distinct marks that belong to this duty: it is the nearest one to them, and not too far from them."""
    distinct = {mark["id"]: mark for mark in world["marks"] if mark["person"] == person}
    return [mark for mark in distinct.values() if belongs(world, person, date, pack, mark["mark"], mark["at"])]


def belongs(world: World, person: str, date: dt.date, pack: Pack, mark: str, at: dt.datetime) -> bool:
    """Whether a stamp of this direction belongs to the duty of the date; of two equally near ones to the later."""
    own = duty(world, person, date)
    reach = pack.get("reach") or {}
    first = own["start"] - dt.timedelta(minutes=reach.get("before_minutes", 8 * 60))
    last = own["end"] + dt.timedelta(minutes=reach.get("after_minutes", 12 * 60))
    if mark == "in" and (opened := window(own, pack, "in_window")[0]) is not None:
        first = max(min(first, opened), own["start"] - dt.timedelta(hours=12))
    if mark == "out" and (closed := window(own, pack, "out_window")[1]) is not None:
        last = min(max(last, closed + dt.timedelta(minutes=1)), own["end"] + dt.timedelta(hours=12))
    if not first <= at < last:
        return False
    owed = {step: duty(world, person, date + step * ONE_DAY) for step in range(-3, 4)}
    far = {step: abs(at - measured_from(one, mark)) for step, one in owed.items() if one["mode"] != "OFF"}
    return min(far, key=lambda step: (far[step], -step)) == 0


def window(own: dict[str, Any], pack: Pack, key: str) -> tuple[dt.datetime | None, dt.datetime | None]:
    """Opening and closing of a scan window given as clock times, for duties that end on their own date."""
    given = pack.get(key) or {}
    day = own["start"] if key == "in_window" else own["end"]
    opened, closed = (
        None if given.get(name) is None else dt.datetime.combine(day.date(), dt.time.fromisoformat(given[name]), day.tzinfo)
        for name in ("open", "close")
    )
    return opened, closed


def in_time(mark: dict[str, Any], own: dict[str, Any], pack: Pack) -> bool:
    """Not before its scan window opens, and not after it closes where late marks are refused."""
    key = "in_window" if mark["mark"] == "in" else "out_window"
    opened, closed = window(own, pack, key)
    if opened is not None and mark["at"] < opened:
        return False
    if closed is None or (pack[key].get("after_close") or "grade") == "grade":
        return True
    return minutes_after(mark["at"].astimezone(closed.tzinfo), closed, pack) <= 0


def standing(mark: dict[str, Any], own: dict[str, Any], pack: Pack) -> str:
    """"usable", "void", or "unsure": in time, with a photo where one is asked for, made where it had to be made."""
    mode = own["mode"]
    if not in_time(mark, own, pack) or (not mark["evidence"] and mode in pack.get("evidence_required", ["WFA"])):
        return "void"
    verdicts = {mark["site"], mark["region"]} if mode == "WFA" else {mark["site"]}
    if "inside" in verdicts:
        return "usable"
    return "unsure" if "unsure" in verdicts else "void"


def minutes_after(stamp: dt.datetime, moment: dt.datetime, pack: Pack) -> int:
    """Whole minutes by which a stamp is after a moment (negative before), by the pack's rule of seconds."""
    if pack.get("seconds", "stamp_floor") == "strict":
        return ceil(Fraction((stamp - moment) // dt.timedelta(microseconds=1), 60_000_000))
    return floor((stamp.replace(second=0, microsecond=0) - moment) / dt.timedelta(minutes=1))


def minutes_before(stamp: dt.datetime, moment: dt.datetime, pack: Pack) -> int:
    """Whole minutes by which a stamp is before a moment, by the pack's rule of seconds."""
    if pack.get("seconds", "stamp_floor") == "strict":
        return ceil(Fraction((moment - stamp) // dt.timedelta(microseconds=1), 60_000_000))
    return floor((moment - stamp.replace(second=0, microsecond=0)) / dt.timedelta(minutes=1))


def assess(world: World, person: str, date: dt.date) -> Day:
    """The day as `money` wants it, once everything about it is known."""
    pack, own = policy_on(world, person, date), duty(world, person, date)
    day: Day = {
        "date": date, "policy": pack, "group": world["people"][person]["group"], "late": None, "early": None,
        "no_in": False, "no_out": False, "scheduled": own["mode"] != "OFF", "stayed": None,
        "duty_days": duty_days(world, person, date), "six_days": six_days(world, person, date),
    }
    if own["mode"] == "OFF":
        return day | {"status": "HOLIDAY" if own["holiday"] else "OFF"}
    for leave in world.get("leaves", []):
        if leave["person"] == person and leave["from"] <= date <= leave["to"]:
            return day | {"status": "DL" if leave["kind"] == "dl" else "LEAVE", "leave": leave["kind"]}
    marks = [(standing(mark, own, pack), mark) for mark in belonging(world, person, date, pack)]
    sure = graded(day, own, pack, [mark for how, mark in marks if how == "usable"])
    granted = graded(day, own, pack, [mark for how, mark in marks if how in ("usable", "unsure")])
    # What nobody has decided yet holds the day only if the decision could change it.
    return sure if told(sure) == told(granted) else day | {"status": "HELD"}


def graded(day: Day, own: dict[str, Any], pack: Pack, marks: list[dict[str, Any]]) -> Day:
    """The day on these marks alone."""
    zone = own["start"].tzinfo
    ins = sorted(mark["at"].astimezone(zone) for mark in marks if mark["mark"] == "in")
    outs = sorted(mark["at"].astimezone(zone) for mark in marks if mark["mark"] == "out")
    if not ins and not outs:
        return day | {"status": "ABSENT"}
    late = early = stayed = None
    flex, end = pack.get("flex_minutes", 0), own["end"]
    if ins:
        late = max(0, minutes_after(ins[0], own["start"], pack))
        end += dt.timedelta(minutes=min(late, flex))
        late = 0 if late <= flex else late
    if outs:
        out = outs[0] if pack.get("out_pick", "last") == "first" else outs[-1]
        early = max(0, minutes_before(out, end, pack))
        stayed = (out - own["end"]) // dt.timedelta(minutes=1)
    found = {"late": late, "early": early, "stayed": stayed, "no_in": not ins, "no_out": not outs}
    return day | found | {"status": "PRESENT"}


def told(day: Day) -> tuple[Any, ...]:
    """What a day says of the employee."""
    return day["status"], day["late"] or 0, day["early"] or 0, [code for code, _ in charges(day)]


def six_days(world: World, person: str, date: dt.date) -> bool:
    """Whether more than five days of the date's week are owed, holidays counted as if they were none."""
    monday = date - dt.timedelta(days=date.weekday())
    plain = world | {"holidays": set()}
    return len([n for n in range(7) if duty(plain, person, monday + n * ONE_DAY)["mode"] != "OFF"]) > 5


def duty_days(world: World, person: str, date: dt.date) -> int:
    """Days of the date's month on which the person owes something, leave included."""
    one, count = date.replace(day=1), 0
    while one.month == date.month:
        count += duty(world, person, one)["mode"] != "OFF"
        one += ONE_DAY
    return count
