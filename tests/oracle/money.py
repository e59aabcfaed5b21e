"""From assessed days to percent and rupiah: domain.md §3.1, §3.5 and the readings of scenario-format.md, in long hand.

A day is a dict: date, policy (its content as in the YAML file), status, late, early, no_in, no_out, stayed (minutes
after the scheduled end), excused (charges of a leave), beside (charges beside coming and going), scheduled, group,
duty_days, six_days.
"""

from fractions import Fraction
from typing import Any

Day = dict[str, Any]
Pack = dict[str, Any]


def percent(value: Any) -> Fraction:
    """An exact percent from the file's string."""
    return Fraction(str(value))


def band(pack: Pack, key: str, minutes: int) -> tuple[str, Fraction] | None:
    """The band of `tl` or `psw` that holds these minutes, or the flat charge of late_any / early_any."""
    if minutes <= 0:
        return None
    for row in pack.get(key) or []:
        if row["min"] <= minutes and (row["max"] is None or minutes <= row["max"]):
            return row["code"], percent(row["pct"])
    flat = pack.get({"tl": "late_any", "psw": "early_any"}[key])
    return None if flat is None else ({"tl": "TL", "psw": "PSW"}[key], percent(flat))


def charges(day: Day) -> list[tuple[str, Fraction]]:
    """Codes of a day with their percents, before anything that looks at the month."""
    pack, found = day["policy"], []
    if day["status"] == "ABSENT":
        by_group = pack.get("tk_day_by_group") or {}
        absent = percent(by_group.get(day["group"], pack.get("tk_day") or "0"))
        return [("TK", Fraction(0) if pack.get("tk_steps") else absent), *day.get("beside", [])]
    if day["status"] == "LEAVE":
        return list(day.get("excused", []))
    if day["status"] != "PRESENT":
        return []
    for missing, key, code in (("no_in", "no_in", "TL4"), ("no_out", "no_out", "PSW4")):
        if day[missing]:
            row = pack.get(key) or {"code": code, "pct": "0"}
            found.append((row["code"], percent(row["pct"])))
    for minutes, key in ((day["late"], "tl"), (day["early"], "psw")):
        if minutes is not None and (charge := band(pack, key, minutes)) is not None:
            found.append(charge)
    return [*found, *day.get("beside", [])]


def made_up(day: Day) -> bool:
    """Whether a lateness was made up by staying as long after the end, as far as the pack knows that."""
    rule = day["policy"].get("compensation")
    if rule is None or day["status"] != "PRESENT" or day.get("stayed") is None:
        return False
    return bool(0 < (day["late"] or 0) <= rule["max_minutes"] and day["stayed"] >= day["late"])


def base_of(pack: Pack) -> tuple[str, Fraction]:
    """What the percents are of, and its share of the total TPP."""
    base = pack.get("base", "total_tpp")
    return base, Fraction(str(pack.get("weight") or "1")) if base == "discipline_component" else Fraction(1)


def forgiven(days: list[Day]) -> set[Any]:
    """Dates of the month whose lateness was made up on the same day, as many of the first as the pack allows."""
    dates: set[Any] = set()
    for day in sorted(days, key=lambda one: str(one["date"])):
        rule = day["policy"].get("compensation")
        if rule and made_up(day) and (rule.get("per_month") is None or len(dates) < rule["per_month"]):
            dates.add(day["date"])
    return dates


def priced(days: list[Day]) -> dict[tuple[str, Fraction], list[tuple[Any, Fraction]]]:
    """Percent of each date, by base, after compensation; days in date order."""
    by_base: dict[tuple[str, Fraction], list[tuple[Any, Fraction]]] = {}
    free = forgiven(days)
    for day in sorted(days, key=lambda one: str(one["date"])):
        pack = day["policy"]
        total = sum((cost for _, cost in charges(day)), Fraction(0))
        if day["date"] in free and (charged := band(pack, "tl", day["late"])) is not None:
            total -= charged[1]
        by_base.setdefault(base_of(pack), []).append((day["date"], total))
    return by_base


def step(days: list[Day], free: set[Any]) -> Fraction | None:
    """The percent of the highest `tk_steps` row reached by absences and minutes; None without such a table.

    Minutes of the dates in `free` count without their lateness; each day's minutes go by its own pack and week.
    """
    with_steps = [day for day in days if day["policy"].get("tk_steps")]
    if not with_steps:
        return None
    pack = with_steps[-1]["policy"]
    absent = Fraction(sum(1 for day in with_steps if day["status"] == "ABSENT"))
    for day in with_steps:
        per_day = day["policy"].get("minutes_per_day")
        if per_day and day["status"] == "PRESENT":
            late = 0 if day["date"] in free else day["late"] or 0
            absent += Fraction(late + (day["early"] or 0), per_day["six_day" if day["six_days"] else "five_day"])
    reached = [percent(row["pct"]) for row in pack["tk_steps"] if row["days"] <= absent]
    return max(reached, default=Fraction(0))


def streak(days: list[Day], earlier: list[Day]) -> dict[Any, Fraction]:
    """Dates on which an unbroken run of absences completes `consecutive_full`, with its percent.

    The run goes over scheduled days, through earlier months too; holidays and free days neither break nor add.
    """
    run, completed = 0, {}
    dates = {str(day["date"]) for day in days}
    for day in sorted(earlier + days, key=lambda one: str(one["date"])):
        if not day["scheduled"]:
            continue
        run = run + 1 if day["status"] == "ABSENT" else 0
        rule = day["policy"].get("consecutive_full")
        if rule is not None and run == rule["days"] and str(day["date"]) in dates:
            completed[day["date"]] = percent(rule["pct"])
    return completed


def half_up(value: Fraction) -> int:
    """Rupiah, rounded half up."""
    return (2 * value.numerator + value.denominator) // (2 * value.denominator)


def month(days: list[Day], tpp: int, static_tkd: int | None = None, earlier: list[Day] | None = None) -> dict[str, Any]:
    """raw and capped percent and the rupiah of one employee-month; `earlier` are the days before it.

    With one base the percents are of that base; with several they are of the total TPP.
    """
    ordered = sorted(days, key=lambda one: str(one["date"]))
    completed = streak(ordered, earlier or [])
    parts: list[tuple[Fraction, Fraction, Fraction]] = []
    for (base, weight), costs in priced(ordered).items():
        of_base = [day for day in ordered if base_of(day["policy"]) == (base, weight)]
        raw = sum((cost for _, cost in costs), Fraction(0))
        if base == "daily_net_tpp":
            raw = raw / of_base[-1]["duty_days"]
        steps = step(of_base, forgiven(ordered))
        if steps is not None:
            raw += steps
        full = [completed[day["date"]] for day in of_base if day["date"] in completed]
        if full:
            raw = full[0]
        capped = min(raw, percent(of_base[-1]["policy"].get("cap", "100")))
        share = Fraction(tpp if static_tkd is None else static_tkd) if base == "static_tkd" else tpp * weight
        parts.append((raw, capped, share))
    amount = half_up(sum((share * capped / 100 for _, capped, share in parts), Fraction(0)))
    if len(parts) == 1:
        return {"raw_percent": parts[0][0], "percent": parts[0][1], "amount": amount}
    return {
        "raw_percent": sum((raw * share / tpp for raw, _, share in parts), Fraction(0)),
        "percent": sum((capped * share / tpp for _, capped, share in parts), Fraction(0)),
        "amount": amount,
    }
