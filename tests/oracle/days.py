"""From duties and marks to assessed days, in long hand and after the fact: every day is already over.

A world is a dict of plain values:
    week      {"mon": ["07:30", "16:00"], ...}; a weekday that is not listed is free
    holidays  a set of dates, joint leave included
    roster    {(person, date): {"mode": "WFO" | "WFA" | "OFF", "start": "HH:MM", "end": "HH:MM"}}; stronger than both, but a mode
              of work alone, without hours, moves the week's duty to another place and leaves a holiday what it is
    policies  [(first date, unit or None, content)]; a unit's own rows are stronger than those of the unit above it, and so on up;
              None is everybody and weakest; of the strongest rows the latest date holds
    above     {unit: the unit above it}; may be left out, as may units with none above them
    people    {person: {"unit", "timezone", "group", "tpp", "static_tkd"}}
    marks     [{"id", "person", "mark", "at", "site", "region", "evidence", "mock", "bad_fix"}]: inside | outside | unsure
    facts     what people decided, as `facts` says
Marks and facts may stand there in any order, marks any number of times.
"""

import datetime as dt
from fractions import Fraction
from math import ceil, floor
from typing import Any
from zoneinfo import ZoneInfo

from tests.oracle import facts
from tests.oracle.money import Day, Pack, Price, charges, holding_on, made_up, price

World = dict[str, Any]
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
ONE_DAY = dt.timedelta(days=1)


def duty(world: World, person: str, date: dt.date) -> dict[str, Any]:
    """What was owed: mode, start and end (aware), and whether the date itself was free for everybody."""
    zone = ZoneInfo(world["people"][person]["timezone"])
    row = world["roster"].get((person, date), {"mode": "WFO"})
    holiday = False
    if row["mode"] != "OFF" and not row.get("start"):  # from where, but not when: that the week says
        holiday = date in world["holidays"]
        hours = None if holiday else world["week"].get(WEEKDAYS[date.weekday()])
        row = {"mode": "OFF"} if hours is None else row | {"start": hours[0], "end": hours[1]}
    if row["mode"] == "OFF":
        return {"mode": "OFF", "holiday": holiday}
    start = dt.datetime.combine(date, dt.time.fromisoformat(row["start"]), zone)
    end = dt.datetime.combine(date, dt.time.fromisoformat(row["end"]), zone)
    return {"mode": row["mode"], "holiday": False, "start": start, "end": end if end > start else end + ONE_DAY}


def policy_on(world: World, person: str, date: dt.date) -> Pack:
    """The rule pack of the business date: the unit's own, else that of the nearest unit above with one, else everybody's."""
    begun = [row for row in world["policies"] if row[0] <= date]
    unit = world["people"][person]["unit"]
    while unit is not None and all(of != unit for _, of, _ in begun):
        unit = world.get("above", {}).get(unit)
    mine = [(since, pack) for since, of, pack in begun if of == unit]
    if not mine:
        raise LookupError("no policy holds on this date")
    pack: Pack = max(mine, key=lambda row: row[0])[1]
    return pack


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
    """Opening and closing of a scan window given as clock times, for duties that end on their own date.

    Who is in time is let in and out however the clock times lie: until the start and out from the end on, with what flexible hours add.
    Nor is the door shut on whoever stays to make up for coming late.
    """
    given = pack.get(key) or {}
    day = own["start"] if key == "in_window" else own["end"]
    opened, closed = (
        None if given.get(name) is None else dt.datetime.combine(day.date(), dt.time.fromisoformat(given[name]), day.tzinfo)
        for name in ("open", "close")
    )
    if key == "break_window":
        return opened, closed
    later, sooner = (dt.timedelta(minutes=pack.get(name, 0)) for name in ("flex_minutes", "flex_early_minutes"))
    if key == "out_window" and pack.get("compensation"):
        later = max(later, dt.timedelta(minutes=pack["compensation"]["max_minutes"]))
    if closed is not None and closed < day + later:
        closed = day + later
    if opened is not None and opened > day - sooner:
        opened = day - sooner
    return opened, closed


def in_time(mark: dict[str, Any], own: dict[str, Any], pack: Pack) -> bool:
    """Not before its scan window opens, and not after it closes where late marks are refused."""
    key = {"in": "in_window", "out": "out_window", "break": "break_window"}[mark["mark"]]
    opened, closed = window(own, pack, key)
    if opened is not None and mark["at"] < opened:
        return False
    if closed is None or (pack[key].get("after_close") or "grade") == "grade":
        return True
    return minutes_after(mark["at"].astimezone(closed.tzinfo), closed, pack) <= 0


def reason_why_void(world: World, mark: dict[str, Any], own: dict[str, Any], pack: Pack) -> str | None:
    """Why a mark counts as not made; "" if it counts; None if nobody has decided that yet.

    In order: confirmed as fraud, outside its window, accepted by a person (whatever it lacks), without the photo that is asked
    for, rejected by a person, a position that no phone makes or that was set by hand, the place.
    """
    mode = own["mode"]
    fraud = facts.last_word([one for one in facts.of(world, mark["person"], "fraud") if one["check_in"] == mark["id"]])
    if fraud == "confirmed":
        return "FAKE_GPS"
    if not in_time(mark, own, pack):
        return "OUTSIDE_WINDOW"
    review = facts.last_word([one for one in facts.of(world, mark["person"], "review") if one["check_in"] == mark["id"]])
    if review == "accepted":
        return ""
    if not mark["evidence"] and mode in pack.get("evidence_required", ["WFA"]):
        return "NO_EVIDENCE"
    if review == "rejected":
        return "REVIEW_REJECTED"
    if mark.get("bad_fix") or (mark.get("mock") and fraud is None):
        return None
    verdicts = {mark["site"], mark["region"]} if mode == "WFA" else {mark["site"]}
    if "inside" in verdicts:
        return ""
    return None if "unsure" in verdicts else "WFA_OUTSIDE_REGION" if mode == "WFA" else "OUTSIDE_SITE"


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
        "no_in": False, "no_out": False, "scheduled": own["mode"] != "OFF", "stayed": None, "beside": [],
        "duty_days": duty_days(world, person, date), "six_days": six_days(world, person, date),
    }
    if own["mode"] == "OFF":
        return day | {"status": "HOLIDAY" if own["holiday"] else "OFF"}
    fact = facts.excuse(world, person, date)
    if fact is not None and fact.get("kind") == "dl":
        return day | {"status": "DL"}
    if fact is not None:
        leaves = facts.of(world, person, "leave")
        charge = facts.leave_charge(pack, fact, leaves, date, lambda one: duty(world, person, one)["mode"] != "OFF", day["duty_days"])
        return day | {"status": "LEAVE", "excused": [charge] if charge else []}
    judged = [(reason_why_void(world, mark, own, pack), mark) for mark in belonging(world, person, date, pack)]
    usable = [mark for why, mark in judged if why == ""] + by_hand(world, person, date, pack)
    unsure = [mark for why, mark in judged if why is None]
    void = [(why, mark["mark"]) for why, mark in judged if why]
    confirmed, undecided = facts.outages(world, person)

    def as_if(marks: list[dict[str, Any]], outages: list[dict[str, Any]]) -> Day:
        return graded(world, person, day, own, marks, void, facts.lasting(outages))

    sure = as_if(usable, confirmed)
    # What nobody has decided yet holds the day only if a decision could change it.
    if any(told(sure) != told(as_if(usable + accepted, confirmed)) for accepted in choices(unsure)):
        return day | {"status": "HELD"}
    return sure if told(sure) == told(as_if(usable, confirmed + undecided)) else day | {"status": "HELD"}


def choices(unsure: list[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """What may be accepted of the unsure marks, as far as a day can tell: one check-in or none, one check-out or none, breaks or none."""
    ins, outs, breaks = ([mark for mark in unsure if mark["mark"] == word] for word in ("in", "out", "break"))
    return [
        [*one, *other, *rest]
        for one in ([], *([mark] for mark in ins)) for other in ([], *([mark] for mark in outs)) for rest in ([], breaks)
    ]


def by_hand(world: World, person: str, date: dt.date, pack: Pack) -> list[dict[str, Any]]:
    """Marks recorded by hand that belong to the day; of the merely forgotten ones of a month as many as the pack allows."""
    limit = pack.get("forgot_limit_per_month")
    return [
        mark for mark in facts.of(world, person, "manual")
        if belongs(world, person, date, pack, mark["mark"], mark["at"])
        and (mark.get("nth_forgotten") is None or limit is None or mark["nth_forgotten"] <= limit)
    ]


def graded(
    world: World, person: str, day: Day, own: dict[str, Any], marks: list[dict[str, Any]], void: list[tuple[str, str]],
    outages: list[dict[str, Any]],
) -> Day:
    """The day on these marks alone, with these outages explaining what they explain."""
    pack, zone = day["policy"], own["start"].tzinfo
    ins, outs, breaks = (
        sorted(mark["at"].astimezone(zone) for mark in marks if mark["mark"] == word) for word in ("in", "out", "break")
    )
    opened, closed = window(own, pack, "break_window")
    excused = any(facts.explains_no_break(outage, opened or own["start"], closed or own["end"]) for outage in outages)
    seen = {"in": bool(ins), "out": bool(outs), "break": bool(breaks)}
    beside = beside_attendance(world, person, day, void, seen, None if excused else breaks)
    late = early = stayed = None
    behind = dt.timedelta(0)
    flex, end = pack.get("flex_minutes", 0), own["end"] - came_ahead(ins, own, pack)
    if ins:
        late = max(0, minutes_after(ins[0], own["start"], pack))
        if any(facts.explains_lateness(outage, ins[0], own["start"]) for outage in outages):
            late = 0
        behind = behind_by(late, ins[0], own, pack)
        end += min(behind, dt.timedelta(minutes=flex))
        late = 0 if late <= flex else late
    no_in = not ins and not any(facts.explains_no_in(outage, own["start"]) for outage in outages)
    no_out = not outs and not any(facts.explains_no_out(outage, own["end"], end) for outage in outages)
    if not ins and not outs and no_in and no_out:
        if facts.requested(world, person, day["date"]):
            return day | {"status": "PENDING"}
        return day | {"status": "ABSENT", "beside": [charge for charge in beside if charge[0] in VIOLATIONS_OF_PLACES]}
    if outs:
        out = outs[0] if pack.get("out_pick", "last") == "first" else outs[-1]
        early = max(0, minutes_before(out, end, pack))
        if any(facts.explains_early(outage, out, own["end"], end) for outage in outages):
            early = 0
        stayed = out - own["end"] >= behind
    found = {"late": late, "early": early, "stayed": stayed, "no_in": no_in, "no_out": no_out, "beside": beside}
    return day | found | {"status": "PRESENT"}


def came_ahead(ins: list[dt.datetime], own: dict[str, Any], pack: Pack) -> dt.timedelta:
    """By how much whoever came before the start may go before the end, as far as the pack lets him."""
    if not ins:
        return dt.timedelta(0)
    ahead: dt.timedelta = max(dt.timedelta(0), own["start"] - as_read(ins[0], pack))
    return min(ahead, dt.timedelta(minutes=pack.get("flex_early_minutes", 0)))


def behind_by(late: int, came: dt.datetime, own: dict[str, Any], pack: Pack) -> dt.timedelta:
    """How much later than the start he came, to the second where seconds count; nothing if that is excused."""
    start: dt.datetime = own["start"]
    return as_read(came, pack) - start if late else dt.timedelta(0)


def as_read(stamp: dt.datetime, pack: Pack) -> dt.datetime:
    """A stamp as the pack reads it: as it is, or cut to the minute."""
    return stamp if pack.get("seconds", "stamp_floor") == "strict" else stamp.replace(second=0, microsecond=0)


VIOLATIONS_OF_PLACES = ("FAKE_GPS", "WFA_OUTSIDE_REGION")


def beside_attendance(
    world: World, person: str, day: Day, void: list[tuple[str, str]], seen: dict[str, bool], breaks: list[dt.datetime] | None
) -> list[tuple[str, Price]]:
    """What is found beside coming and going: break (None: excused), roll-call, ceremony, found away, void marks of certain kinds."""
    date, group = day["date"], day["group"]
    pack = holding_on(day["policy"], date)
    found: list[tuple[str, Any]] = []
    asked = pack.get("marks", ["in", "out"]).count("break")
    if breaks is not None and len({at.replace(second=0, microsecond=0) for at in breaks}) < asked:
        found.append(("MISSED_BREAK", pack.get("missed_break")))
    roll_call = (pack.get("apel_by_group") or {}).get(group, pack.get("apel"))
    rolls = [fact for fact in facts.of(world, person, "apel") if fact["date"] == date]
    if any(not fact.get("ceremony") for fact in rolls):
        found.append(("APEL", roll_call))
    if any(fact.get("ceremony") for fact in rolls):
        found.append(("CEREMONY", pack.get("ceremony", roll_call)))
    if any(fact["date"] == date for fact in facts.of(world, person, "left")):
        kind = world["people"][person].get("kind", "PNS")
        found.append(("LEFT", (pack.get("left_during_hours_by_kind") or {}).get(kind, pack.get("left_during_hours"))))
    if any(why == "FAKE_GPS" for why, _ in void):
        found.append(("FAKE_GPS", pack.get("fraud")))
    if any(why == "WFA_OUTSIDE_REGION" and not seen[mark] for why, mark in void):
        found.append(("WFA_OUTSIDE_REGION", None))
    return [(code, price(cost)) for code, cost in found]


def told(day: Day) -> tuple[Any, ...]:
    """What a day says of the employee."""
    return day["status"], day["late"] or 0, day["early"] or 0, made_up(day), [code for code, _ in charges(day)]


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
