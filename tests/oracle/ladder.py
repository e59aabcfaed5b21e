"""The discipline ladder in long hand: every day counts all days before it anew (PP 94/2021 Art. 9-11; domain.md §2.1, §2.2)."""

import datetime as dt
from typing import Any

from tests.oracle.money import forgiven, given_away, made_up

PP_94_2021 = {
    3: "ORAL_WARNING", 4: "WRITTEN_WARNING", 7: "STATEMENT", 11: "TPP_CUT_6", 14: "TPP_CUT_9", 17: "TPP_CUT_12", 21: "DEMOTION",
    25: "RELIEVED", 28: "DISMISSAL",
}


def steps(days: list[dict[str, Any]], kind: str = "PNS") -> set[tuple[dt.date, str]]:
    """The steps that these days reach, each with the day that crossed it; counts start again on 1 January.

    All is counted by the pack of the last day that there is something to count of. PP 94/2021 is no law for who works by
    contract: no step of any sort without a table for them (PP 49/2018 Art. 52).
    """
    with_something = [day for day in days if day["scheduled"] and (day["status"] == "ABSENT" or short(day))]
    if not with_something:
        return set()
    pack = max(with_something, key=lambda day: str(day["date"]))["policy"]
    own = pack.get("ladder_by_kind", {}).get(kind)
    if own is None and kind.startswith("PPPK"):
        return set()
    if own is not None:
        pack = pack | {"ladder": own}
    rows = {row["days"]: row["step"] for row in pack["ladder"]} if "ladder" in pack else PP_94_2021
    owed = sorted((day for day in days if day["scheduled"]), key=lambda day: str(day["date"]))
    reached: set[tuple[dt.date, str]] = set()
    for place, day in enumerate(owed):
        year = [one for one in owed[:place] if one["date"].year == day["date"].year]
        before, now = height(year, pack), height([*year, day], pack)
        reached |= {(day["date"], step) for threshold, step in rows.items() if before < threshold <= now}
    in_a_row = pack.get("ladder_consecutive_days", 10)
    ends = [] if in_a_row is None else [
        owed[place]["date"] for place in range(in_a_row - 1, len(owed))
        if all(day["status"] == "ABSENT" for day in owed[place - in_a_row + 1:place + 1])
        and (place == in_a_row - 1 or owed[place - in_a_row]["status"] != "ABSENT")
    ]
    years = {end.year for end in ends}
    reached = {(date, step) for date, step in reached if step != "DISMISSAL" or date.year not in years}
    return reached | {(end, "CONSECUTIVE_10") for end in ends}


def height(days: list[dict[str, Any]], pack: dict[str, Any]) -> int:
    """Days of absence among these, with minutes late and early turned into days where the pack says so.

    A lateness that was made up makes none: where the pack would charge it, as many of a month as the pack allows; where the
    pack gives it away, each.
    """
    absent = len([day for day in days if day["status"] == "ABSENT"])
    per_day = pack.get("convert_minutes_per_day")
    if per_day is None:
        return absent
    counted = [day for day in days if short(day)]
    free = {
        date for month in {(day["date"].year, day["date"].month) for day in counted}
        for date in forgiven([day | {"policy": pack} for day in counted if (day["date"].year, day["date"].month) == month])
    }
    ruled = [day | {"policy": pack} for day in counted]
    free |= {day["date"] for day in ruled if made_up(day) and given_away(day)}
    late = sum(day["late"] or 0 for day in counted if day["date"] not in free)
    early = sum(day["early"] or 0 for day in counted)
    return absent + int((late + early) // per_day)


def short(day: dict[str, Any]) -> bool:
    """Whether a day that was worked has minutes late or early that its own pack turns into days of absence."""
    return day["status"] == "PRESENT" and day["policy"].get("convert_minutes_per_day") is not None and bool(day["late"] or day["early"])
