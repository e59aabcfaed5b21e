"""Check a Hadir receipt (slip potongan) with Python's standard library alone: python3 verify_receipt.py slip.json [earlier.json].

Refused (exit code 1): a byte was altered, a sum is wrong, a ledger entry was changed, left out or added. Whoever rewrites a ledger
with all its hashes is found out by an earlier receipt, or by `row_hash` on hadir.tpp.deduction.v1. Exit code 3: bases changed since.
"""

import json
import sys
from fractions import Fraction
from hashlib import sha256
from pathlib import Path
from typing import Any


class Refused(Exception):
    """The receipt is not what Hadir wrote, or does not add up; the text says where."""


def half_up(value: Fraction) -> int:
    """Whole rupiah, a half rounded up."""
    return (2 * value.numerator + value.denominator) // (2 * value.denominator)


def demand(holds: object, what: str) -> None:
    """Refuse unless it holds."""
    if not holds:
        raise Refused(what)


def written(content: object) -> str:
    """The one way in which Hadir writes a receipt down."""
    return json.dumps(content, ensure_ascii=False, sort_keys=True, indent=1) + "\n"


def read(raw: bytes) -> dict[str, Any]:
    """The receipt that these bytes are, if Hadir would write it exactly so and its seal fits."""
    receipt: dict[str, Any] = json.loads(raw.decode())
    demand(written(receipt).encode() == raw, "the file is not written as Hadir writes it")
    sealed = sha256(written({key: receipt[key] for key in receipt if key != "seal"}).encode()).hexdigest() == receipt["seal"]
    demand(sealed and receipt["format"] == "hadir-receipt/1", "the seal is broken, or the format is another")
    return receipt


def chain(receipt: dict[str, Any]) -> dict[int, dict[str, Any]]:
    """Every hash follows from the entry and the hash before; returns the entries in force after all reversals."""
    told, begun, in_force = receipt["chain"], 0, {}
    head = start = sha256(f"hadir-ledger/1|{receipt['employee']['id']}|{receipt['month']}".encode()).hexdigest()
    for place, entry in enumerate(receipt["ledger"], 1):
        where = f"ledger entry {place}"
        demand(entry["number"] == place, f"{where} is missing")
        if entry["row_hash"] is not None or begun:  # the first entries may be older than the chain
            begun += 1
            content = {key: value for key, value in entry.items() if key not in ("row_hash", "because", "began_with")}
            written_down = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
            head = sha256(f"{head}\n{written_down}".encode()).hexdigest()
            demand(head == entry["row_hash"], f"{where} is not the one that was entered")
        if entry["action"] == "posted" and entry["reverses"] is None:
            in_force[place] = entry
            continue
        first = in_force.pop(entry["reverses"], {})
        same = first and all(first[key] == entry[key] for key in ("date", "code", "origin", "policy_id"))
        exact = same and first["amount"] == -entry["amount"] and Fraction(first["percent"]) == -Fraction(entry["percent"])
        demand(entry["action"] == "reversed" and exact, f"{where} is not the exact reversal of an entry in force")
    demand(told == {"genesis": start, "head": head, "chained": begun, "broken": []}, "the chain begins or ends elsewhere")
    return in_force


def hundred_percent(receipt: dict[str, Any], base: str, share: Fraction) -> Fraction:
    """Rupiah that 100 % of a base stands for, of flat rupiah the amount itself; 0 while there is no ceiling."""
    known = receipt["ceiling"] or {"amount": 0}
    own = {"rupiah": share * (known != {"amount": 0}), "wage": known.get("wage") or 0}.get(base, known.get(base))
    return Fraction(known["amount"] * share if own is None else own)


def line_of_a_day(receipt: dict[str, Any], line: dict[str, Any]) -> tuple[tuple[str, Fraction], Fraction]:
    """Demand percent × base → rupiah by the rule pack that the line names; returns its base and its percent of the month."""
    where, policy, findings = f"{line['date']} {line['code']}", receipt["policies"][line["policy_id"]], line["rule"]["findings"]
    for found in findings:
        band = found["band"] or {"min": 0, "max": None}
        demand(band["min"] <= (found["minutes"] or 0) <= (band["max"] or 1440), f"{where}: the minutes are of another band")
    demand(not findings or sum(Fraction(one["percent"]) for one in findings) == Fraction(line["percent"]), f"{where}: another percent")
    own = policy["base"], Fraction(policy["weight"] or 1) if policy["base"] == "discipline_component" else Fraction(1)
    base = line["base"], Fraction(line.get("share", own[1]))
    by_price = {(one["base"][0], Fraction(one["base"][1])) if one.get("base") else own for one in findings} or {base}
    fits = {base} == by_price and (base == own or base[0] in ("wage", "rupiah", "total_tpp"))
    demand(fits and (line["divided_by"] == 1 or base[0] == "daily_net_tpp"), f"{where}: another base")
    percent, whole = Fraction(line["percent"]) / line["divided_by"], hundred_percent(receipt, *base)
    if receipt["ceiling"]:
        told = Fraction(line["hundred_percent"]), Fraction(line["exact"]), line["amount"]
        demand(told == (whole, whole * percent / 100, half_up(whole * percent / 100)), f"{where}: the arithmetic is wrong")
    return base, percent


def arithmetic(receipt: dict[str, Any], in_force: dict[int, dict[str, Any]]) -> None:
    """Every line, cap, rounding, supplement and total follows, and is what the ledger has in force."""
    told, bases, sums = receipt["arithmetic"], receipt["arithmetic"]["bases"], dict[tuple[str, Fraction], Fraction]()
    for base, percent in (line_of_a_day(receipt, line) for line in told["lines"]):
        sums[base] = sums.get(base, Fraction(0)) + percent
    shown = [(line, line["date"], line["code"], None) for line in told["lines"] if line["entry"] is not None]
    shown += [(told[name], None, name.upper(), None) for name in ("cap", "rounding", "cut_limit") if told.get(name)]
    shown += [(one, None, one.get("code", "SUPPLEMENT"), one.get("origin")) for one in told.get("sanctions", []) + told["supplements"]]
    demand(len(shown) == len(in_force), "the lines are not those that the ledger has in force")
    for line, date, code, origin in shown:
        entry = in_force[line["entry"]]
        same = (entry["date"], entry["code"], entry["origin"], entry["amount"]) == (date, code, origin, line["amount"])
        demand(same and Fraction(line.get("percent", 0)) == Fraction(entry["percent"]), f"{code} {date or ''} is not in the ledger")
    raw, capped, of_wage, ceiling = Fraction(0), Fraction(0), Fraction(0), (receipt["ceiling"] or {"amount": 0})["amount"]
    for one in sorted(bases, key=lambda one: one["base"] == "rupiah"):  # flat rupiah take what the others leave of the ceiling
        base, cap = (one["base"], Fraction(one["share"])), Fraction(one["cap"])
        percent, whole = sums.pop(base, Fraction(0)), hundred_percent(receipt, *base)
        fits = base[0] != "rupiah" or not receipt["ceiling"] or cap * base[1] == 100 * max(0, ceiling - capped + of_wage)
        demand(fits and [Fraction(one[key]) for key in ("raw_percent", "percent")] == [percent, held := min(percent, cap)], "a wrong sum")
        raw, capped, of_wage = raw + whole * percent / 100, capped + (took := whole * held / 100), of_wage + took * (base[0] == "wage")
    demand(not sums and (len(bases) != 1 or all(told[key] == bases[0][key] for key in ("raw_percent", "percent"))), "wrong percents")
    owed, of_tpp = half_up(capped), half_up(capped) - half_up(of_wage)
    for cut in told.get("sanctions", []):  # decided as discipline: percent × ceiling, by a named article and in its months
        fits = all(one["legal_source"] and one["first_month"] <= receipt["month"] <= one["last_month"] for one in cut["decisions"])
        decided, percent = sum(Fraction(one["percent"]) for one in cut["decisions"]), Fraction(cut["percent"])
        demand(fits and percent <= decided and cut["amount"] == half_up(ceiling * percent / 100), f"{cut['code']}: a wrong cut")
    over = max(0, of_tpp + (taken := sum(cut["amount"] for cut in told.get("sanctions", []))) - max(ceiling, of_tpp))
    amount = told["amount"] if receipt["ceiling"] or told["amount"] else owed
    kept = told["supplementary"], *((told.get(name) or {"amount": 0})["amount"] for name in ("cap", "cut_limit"))
    due = owed + taken - over, sum(one["amount"] for one in told["supplements"]), half_up(capped - raw), -over
    demand((amount, *kept) == due, "wrong amount, supplements, cap or limit of cuts")
    demand(told["total"] == (told["amount"] or 0) + told["supplementary"] == sum(one["amount"] for one in receipt["ledger"]), "wrong total")


def verify(raw: bytes, earlier: bytes | None = None) -> bool:
    """Raise Refused, or return whether the sums could be computed again (False: bases changed after the close)."""
    try:
        in_force = chain(receipt := read(raw))
        if receipt["arithmetic"]["reproducible"]:
            arithmetic(receipt, in_force)
        if earlier is not None:
            before = read(earlier)
            demand(all(before[key] == receipt[key] for key in ("month", "employee")), "the earlier receipt is of another month or person")
            old, new = ([entry["row_hash"] for entry in one["ledger"]] for one in (before, receipt))
            demand(new[: len(old)] == old, "the ledger is no longer the one of the earlier receipt")
    except (ValueError, KeyError, TypeError, AttributeError, ZeroDivisionError, RecursionError) as error:
        raise Refused(f"this is no receipt, or something is missing ({type(error).__name__})") from None
    return receipt["arithmetic"]["reproducible"] is True


if __name__ == "__main__":
    try:
        ok = verify(*[Path(name).read_bytes() for name in sys.argv[1:3]])
    except Refused as refused:
        sys.exit(f"REFUSED: {refused}")
    sys.stdout.write("accepted\n" if ok else "intact, but closed on bases that were changed since\n")
    sys.exit(3 * (not ok))
