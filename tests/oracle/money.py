"""From assessed days to percent and rupiah: domain.md §3.1, §3.5 and the readings of scenario-format.md, in long hand.

A day is a dict: date, policy (its content as in the YAML file), status, late, early, no_in, no_out, stayed (whether as
long after the scheduled end as he came late), excused (charges of a leave), beside (charges beside coming and going), scheduled, group,
duty_days, six_days.
"""

from fractions import Fraction
from math import ceil, floor
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
    side = {"tl": "late", "psw": "early"}[key]
    code = {"tl": "TL", "psw": "PSW"}[key]
    if (rate := pack.get(f"{side}_rate")) is not None:
        return code, by_the_hour(rate, minutes)
    flat = pack.get(f"{side}_any")
    return None if flat is None else (code, percent(flat))


def by_the_hour(rate: dict[str, Any], minutes: int) -> Fraction:
    """So much for each stretch of minutes: those that are full, those begun, or each minute its share."""
    stretches = Fraction(minutes, rate.get("minutes", 60))
    times = {"full": Fraction(floor(stretches)), "started": Fraction(ceil(stretches)), "share": stretches}
    cost: Fraction = percent(rate["pct"]) * times[rate.get("count", "full")]
    return cost if rate.get("most") is None else min(cost, percent(rate["most"]))


Price = tuple[Fraction, Any]
"""A percent and what it is of: None for the pack's own base, "wage", "total_tpp", or the rupiah of a flat amount."""


def price(told: Any) -> Price:
    """What a price key of the file says: a percent, a percent of something else, or rupiah."""
    if isinstance(told, dict):
        return (Fraction(100), told["rupiah"]) if "rupiah" in told else (percent(told["pct"]), told["base"])
    return percent(told or "0"), None


def holding_on(pack: Pack, date: Any) -> Pack:
    """The pack with the prices of the date in the place of its own, and without what they are for everybody beside."""
    for row in pack.get("on_dates") or []:
        if str(date) in [str(one) for one in row["dates"]]:
            own = {key: value for key, value in row.items() if key not in ("dates", "reason")}
            beside = {
                "tk_day": ["tk_day_by_group", "tk_steps"], "late_any": ["tl", "late_rate"], "early_any": ["psw", "early_rate"],
                "apel": ["apel_by_group"], "left_during_hours": ["left_during_hours_by_kind"],
            }
            gone = {name for key in own for name in beside.get(key, [])}
            return {key: value for key, value in pack.items() if key not in gone} | own
    return pack


def charges(day: Day) -> list[tuple[str, Price]]:
    """Codes of a day with their prices, before anything that looks at the month."""
    pack, found = holding_on(day["policy"], day["date"]), []
    if day["status"] == "ABSENT":
        by_group = pack.get("tk_day_by_group") or {}
        absent = percent(by_group.get(day["group"], pack.get("tk_day") or "0"))
        return [("TK", (Fraction(0) if pack.get("tk_steps") else absent, None)), *day.get("beside", [])]
    if day["status"] == "LEAVE":
        return list(day.get("excused", []))
    if day["status"] != "PRESENT":
        return []
    for missing, key, code in (("no_in", "no_in", "TL4"), ("no_out", "no_out", "PSW4")):
        if day[missing]:
            row = pack.get(key) or {"code": code, "pct": "0"}
            found.append((row["code"], price(row["pct"])))
    for minutes, key in ((day["late"], "tl"), (day["early"], "psw")):
        if minutes is not None and (charge := band(pack, key, minutes)) is not None:
            found.append((charge[0], (charge[1], None)))
    return [*found, *day.get("beside", [])]


def made_up(day: Day) -> bool:
    """Whether a lateness was made up by staying as long after the end, as far as the pack knows that."""
    rule = day["policy"].get("compensation")
    if rule is None or day["status"] != "PRESENT" or not day.get("stayed"):
        return False
    return bool(0 < (day["late"] or 0) <= rule["max_minutes"])


def base_of(pack: Pack) -> tuple[str, Fraction]:
    """What the percents are of, and its share of the total TPP."""
    base = pack.get("base", "total_tpp")
    return base, Fraction(str(pack.get("weight") or "1")) if base == "discipline_component" else Fraction(1)


def forgiven(days: list[Day]) -> set[Any]:
    """Dates of the month whose lateness was made up on the same day, as many of the first as the pack allows.

    A lateness that the pack gives away, and of which it counts no minutes either, needs no making up and is none of them.
    """
    dates: set[Any] = set()
    for day in sorted(days, key=lambda one: str(one["date"])):
        pack = day["policy"]
        rule = pack.get("compensation")
        if not rule or not made_up(day):
            continue
        if not given_away(day) and (rule.get("per_month") is None or len(dates) < rule["per_month"]):
            dates.add(day["date"])
    return dates


def given_away(day: Day) -> bool:
    """Whether the pack takes nothing for the day's lateness, neither a percent nor minutes towards a day of `tk_steps`."""
    charged = band(holding_on(day["policy"], day["date"]), "tl", day["late"] or 0)
    return not day["policy"].get("minutes_per_day") and (charged is None or charged[1] == 0)


Base = tuple[str, Fraction]


def other_base(of: Any) -> Base:
    """What a price is of that is not of the pack's base; flat rupiah are all of the amount itself."""
    return (of, Fraction(1)) if isinstance(of, str) else ("rupiah", Fraction(of))


def priced(days: list[Day]) -> dict[Base, list[tuple[Any, Fraction]]]:
    """Percent of each date, by base, after compensation; days in date order."""
    by_base: dict[Base, list[tuple[Any, Fraction]]] = {}
    free = forgiven(days)
    for day in sorted(days, key=lambda one: str(one["date"])):
        pack = day["policy"]
        own = base_of(pack)
        found = [(own if of is None else other_base(of), cost) for _, (cost, of) in charges(day) if cost]
        if day["date"] in free and (charged := band(holding_on(pack, day["date"]), "tl", day["late"])) is not None:
            found.append((own, -charged[1]))
        for base in [own, *(base for base, _ in found if base != own)]:
            by_base.setdefault(base, [])
        for base, cost in found:
            # under daily_net_tpp a percent is of one of the month's days
            by_base[base].append((day["date"], cost / day["duty_days"] if base[0] == "daily_net_tpp" else cost))
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
    """Of each unbroken run of absences the date in the month by which it has completed `consecutive_full`, with its percent.

    The run goes over scheduled days, through earlier months too; holidays and free days neither break nor add. It is
    complete on its nth day, and stays so to its end, under whatever pack that day was; and what was complete before the
    month began has made an earlier month full: here only the run's days of the month itself count then. It completes once:
    on the first day of the month whose pack has such a rule and finds it complete, for the base of that day.
    """
    runs: list[list[Day]] = [[]]
    for day in sorted(earlier + days, key=lambda one: str(one["date"])):
        if day["scheduled"] and day["status"] == "ABSENT":
            runs[-1].append(day)
        elif day["scheduled"]:
            runs.append([])
    dates = {str(day["date"]) for day in days}
    completed: dict[Any, Fraction] = {}
    for run in runs:
        in_month = [str(day["date"]) in dates for day in run]
        for place, day in enumerate(run, 1):
            rule = day["policy"].get("consecutive_full")
            if rule is None or place < rule["days"] or not in_month[place - 1]:
                continue
            if in_month[rule["days"] - 1] or sum(in_month[:place]) >= rule["days"]:
                completed[day["date"]] = percent(rule["pct"])
                break
    return completed


def half_up(value: Fraction) -> int:
    """Rupiah, rounded half up."""
    return (2 * value.numerator + value.denominator) // (2 * value.denominator)


def cap_of(days: list[Day], base: Base) -> Fraction:
    """The cap of the last day whose pack has this base, or charges something of it."""
    own = [
        day["policy"] for day in days
        if base_of(day["policy"]) == base or any(cost and of is not None and other_base(of) == base for _, (cost, of) in charges(day))
    ]
    return percent(own[-1].get("cap", "100"))


def month(
    days: list[Day], tpp: int, static_tkd: int | None = None, earlier: list[Day] | None = None, wage: int | None = None
) -> dict[str, Any]:
    """raw and capped percent and the rupiah of one employee-month; `earlier` are the days before it.

    With one base the percents are of that base; with several they are of the total TPP, and each later one takes no more
    than the earlier ones leave of it; the wage is another purse. Without the wage no amount is known where it is charged.
    """
    ordered = sorted(days, key=lambda one: str(one["date"]))
    completed = streak(ordered, earlier or [])
    parts: list[tuple[Base, Fraction, Fraction, Fraction]] = []
    left = Fraction(tpp)
    own = {base_of(day["policy"]) for day in ordered}
    # first the packs' own bases as they came into force, then what a single price takes of the whole TPP, last flat rupiah
    turns = sorted(priced(ordered).items(), key=lambda item: (item[0] not in own and item[0][0] != "wage") + (item[0][0] == "rupiah"))
    for base, costs in turns:
        of_base = [day for day in ordered if base_of(day["policy"]) == base]
        full = [completed[day["date"]] for day in of_base if day["date"] in completed]
        raw = sum((cost for _, cost in costs), Fraction(0))
        steps = step(of_base, forgiven(ordered))
        if steps is not None:
            raw += steps
        if full:
            raw = full[0]
        wholes = {"static_tkd": Fraction(tpp if static_tkd is None else static_tkd), "wage": Fraction(wage or 0), "rupiah": base[1]}
        whole = wholes.get(base[0], tpp * base[1])
        limits = [raw] if base[0] == "rupiah" else [raw, cap_of(ordered, base)]
        if parts and base[0] != "wage":
            limits.append(max(left, Fraction(0)) * 100 / whole)
        capped = min(limits)
        left -= 0 if base[0] == "wage" else whole * capped / 100
        parts.append((base, raw, capped, whole))
    unknown = wage is None and any(base[0] == "wage" for base, *_ in parts)
    amount = None if unknown else half_up(sum((whole * capped / 100 for *_, capped, whole in parts), Fraction(0)))
    if len(parts) == 1:
        return {"raw_percent": parts[0][1], "percent": parts[0][2], "amount": amount}
    return {
        "raw_percent": sum((raw * whole / tpp for _, raw, _, whole in parts), Fraction(0)),
        "percent": sum((capped * whole / tpp for *_, capped, whole in parts), Fraction(0)),
        "amount": amount,
    }
