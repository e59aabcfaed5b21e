"""What people decided, in long hand: excuses and what they cost, decisions on check-ins, outages and what they explain.

A world's `facts` is a list of dicts, each in its last version and about one person:
    {"what": "leave", "kind", "from", "to", "state", "letter", "inpatient", "reason"}    state requested | approved
    {"what": "permission", "date", "state"}
    {"what": "manual", "id", "mark", "at", "nth_forgotten"}
    {"what": "outage", "id", "from", "to"}         {"what": "outage_decision", "outage", "decision", "at"}
    {"what": "fraud", "check_in", "decision", "at"}    {"what": "review", "check_in", "decision", "at"}
    {"what": "apel", "date", "ceremony"}    {"what": "left", "date"}    {"what": "report", "date"}
"""

import datetime as dt
from collections.abc import Callable
from fractions import Fraction
from typing import Any

from tests.oracle.money import Price, holding_on, price

Fact = dict[str, Any]
Pack = dict[str, Any]


def of(world: dict[str, Any], person: str, what: str) -> list[Fact]:
    """The person's facts of one sort."""
    return [fact for fact in world.get("facts", []) if fact["person"] == person and fact["what"] == what]


def last_word(decisions: list[Fact]) -> str | None:
    """The decision that was made last; None if nobody decided."""
    return max(decisions, key=lambda fact: fact["at"])["decision"] if decisions else None


def excuse(world: dict[str, Any], person: str, date: dt.date) -> Fact | None:
    """The approved excuse of a date: duty travel with its letter before leave, leave before permission."""
    leaves = [fact for fact in of(world, person, "leave") if fact["from"] <= date <= fact["to"] and fact["state"] == "approved"]
    travel = [fact for fact in leaves if fact["kind"] == "dl" and fact.get("letter") is not False]
    plain = sorted((fact for fact in leaves if fact["kind"] != "dl"), key=lambda fact: (fact["from"], fact["id"]))
    permitted = [fact for fact in of(world, person, "permission") if fact["date"] == date and fact["state"] == "approved"]
    return next(iter([*travel, *plain, *permitted]), None)


def requested(world: dict[str, Any], person: str, date: dt.date) -> bool:
    """Whether somebody asked for leave or permission for the date and nobody has decided yet."""
    leaves = [fact for fact in of(world, person, "leave") if fact["from"] <= date <= fact["to"]]
    return any(
        fact["state"] == "requested" for fact in [*leaves, *(one for one in of(world, person, "permission") if one["date"] == date)]
    )


def ends_of_row(pack: Pack, fact: Fact, leaves: list[Fact], owed: Callable[[dt.date], bool]) -> tuple[dt.date, dt.date]:
    """First and last date of the leaves in a row of which this is one, found by walking from it day by day."""
    ends = {-1: fact["from"], 1: fact["to"]}
    if pack.get("leave_in_a_row", "continue") == "restart":
        return ends[-1], ends[1]
    away = {
        one["from"] + dt.timedelta(days=n)
        for one in leaves
        if (one["state"], one["kind"], one.get("reason")) == ("approved", fact["kind"], fact.get("reason"))
        for n in range((one["to"] - one["from"]).days + 1)
    }
    for step, end in list(ends.items()):
        at, free = end, 0
        while free <= 31:
            at += dt.timedelta(days=step)
            if at in away:
                ends[step], free = at, 0
            elif owed(at):
                break
            else:
                free += 1
    return ends[-1], ends[1]


def leave_charge(
    pack: Pack, fact: Fact, leaves: list[Fact], date: dt.date, owed: Callable[[dt.date], bool], duty_days: int
) -> tuple[str, Price] | None:
    """Code and price of an excused day; None if it is free. `leaves` are all of the person."""
    if fact["what"] == "permission":
        cost = price(holding_on(pack, date).get("izin_day"))
        return ("IZIN", cost) if cost[0] else None
    cost = price(pack.get("sakit_day") if fact["kind"] == "sick" else None)
    rows = (pack.get("leave") or {}).get(fact["kind"], [])
    for row in rows:
        # a row that speaks of the hospital, or of home, looks at the leaves there and at no others
        there = [one for one in leaves if row.get("inpatient") is None or one.get("inpatient") == row["inpatient"]]
        first, last = ends_of_row(pack, fact, there, owed)
        upto = date if row.get("of", "day") == "day" else last
        number = counted(row.get("count", "duty_days"), first, upto, owed)
        inside = row.get("from_day", 1) <= number and (row.get("to_day") is None or number <= row["to_day"])
        known = all(row.get(key) in (None, fact.get(key)) for key in ("letter", "inpatient", "reason"))
        if inside and known:
            cost = Fraction(row["pct"]) / (duty_days if row.get("per") == "month" else 1), row.get("base")
    return ("SAKIT" if fact["kind"] == "sick" else "CUTI", cost) if cost[0] else None


def counted(count: str, since: dt.date, upto: dt.date, owed: Callable[[dt.date], bool]) -> int:
    """Days or months of a leave from its first date to another, at least one."""
    every = [since + dt.timedelta(days=n) for n in range((upto - since).days + 1)]
    if count == "calendar_days":
        return len(every)
    if count == "duty_days":
        return max(1, len([date for date in every if owed(date)]))
    return 1 + len([date for date in every[1:] if date.day == since.day])


def outages(world: dict[str, Any], person: str) -> tuple[list[Fact], list[Fact]]:
    """The person's outages that were confirmed, and those that nobody has decided yet."""
    confirmed, undecided = [], []
    for outage in of(world, person, "outage"):
        word = last_word([fact for fact in of(world, person, "outage_decision") if fact["outage"] == outage["id"]])
        if word is None:
            undecided.append(outage)
        elif word == "confirmed":
            confirmed.append(outage)
    return confirmed, undecided


def lasting(outages: list[Fact]) -> list[Fact]:
    """The outages, those that go on within an hour of one another put together."""
    def goes_on(one: Fact, other: Fact) -> bool:
        hour = dt.timedelta(hours=1)
        return bool(one["from"] <= other["to"] + hour and other["from"] <= one["to"] + hour)

    merged: list[Fact] = []
    for outage in outages:
        whole, apart = outage, merged
        while near := [one for one in apart if goes_on(one, whole)]:
            apart = [one for one in apart if one not in near]
            whole = whole | {"from": min(one["from"] for one in [whole, *near]), "to": max(one["to"] for one in [whole, *near])}
        merged = [*apart, whole]
    return merged


def explains_lateness(outage: Fact, came: dt.datetime, start: dt.datetime) -> bool:
    """He came while it was on or within an hour after it, and it had fallen on the hour before or after the start."""
    hour = dt.timedelta(hours=1)
    soon_after = outage["from"] < came <= outage["to"] + hour
    return bool(soon_after and outage["to"] > start - hour and outage["from"] < start + hour)


def explains_no_in(outage: Fact, start: dt.datetime) -> bool:
    """It fell on the hour before or after the start."""
    hour = dt.timedelta(hours=1)
    return bool(outage["from"] < start + hour and outage["to"] > start - hour)


def explains_no_out(outage: Fact, end: dt.datetime, own_end: dt.datetime) -> bool:
    """It fell on the hour after the end or after his own end, at which flexible hours let him go, or between the two."""
    return bool(outage["from"] < max(end, own_end) + dt.timedelta(hours=1) and outage["to"] > min(end, own_end))


def explains_no_break(outage: Fact, opened: dt.datetime, closed: dt.datetime) -> bool:
    """It fell into the time in which the break is to be told."""
    return bool(outage["from"] < closed and outage["to"] > opened)


def explains_early(outage: Fact, left: dt.datetime, end: dt.datetime, own_end: dt.datetime) -> bool:
    """The same, and it was on already when he went."""
    return explains_no_out(outage, end, own_end) and bool(outage["from"] <= left)
