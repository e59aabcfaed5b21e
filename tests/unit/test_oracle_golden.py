"""The batch oracle itself on the golden day cases of domain.md §7.1: who judges others must pass the same examination."""

import datetime as dt
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests.oracle import days, money
from tests.oracle.packs import read_packs

UNIT = Path(__file__).parent
PACKS = read_packs(UNIT.parents[1] / "services" / "schedule" / "policies" / "golden-policies.yaml")
CASES: list[dict[str, Any]] = YAML(typ="safe", pure=True).load((UNIT / "golden" / "golden-cases.yaml").read_text())


@pytest.mark.parametrize("case", [pytest.param(case, id=case["id"]) for case in CASES])
def test_the_oracle_agrees_with_the_golden_case(case: dict[str, Any]) -> None:
    date = dt.date.fromisoformat(str(case["date"]))
    pack = PACKS[case["policy"]] | ({"out_pick": case["out_pick"]} if "out_pick" in case else {})
    stamps = [(mark, stamp, "inside") for mark in ("in", "out") for stamp in case[mark]]
    stamps += [("in", stamp, "outside") for stamp in case.get("void", [])]
    world: dict[str, Any] = {
        "week": {}, "holidays": set(), "policies": [(date, None, pack)],
        "roster": {("e1", date): {"mode": "WFO", "start": case["start"], "end": case["end"]}},
        "people": {"e1": {"unit": "u", "timezone": case.get("tz", "Asia/Jakarta"), "group": "pelaksana"}},
        "marks": [
            {"id": number, "person": "e1", "mark": mark, "at": dt.datetime.fromisoformat(str(stamp)), "site": place,
             "region": place, "evidence": True}
            for number, (mark, stamp, place) in enumerate(stamps)
        ],
    }

    day = days.assess(world, "e1", date)
    charged = money.charges(day)

    assert {
        "status": day["status"], "late": day["late"], "early": day["early"], "codes": [code for code, _ in charged],
        "percent": sum((cost for _, (cost, _) in charged), Fraction(0)),
    } == case["expect"] | {"percent": Fraction(case["expect"]["percent"])}


def test_a_month_by_hand_comes_to_the_rupiah() -> None:
    """A10 of domain.md §7.2: 3×TL1, 2×TL2, 1×TL3, 1×no_in, 1×no_out, 1×TK of Rp 5,250,000 is 10.75 %, Rp 564,375."""
    plain: dict[str, Any] = {"policy": PACKS["POL-A"], "status": "PRESENT", "late": 0, "early": 0, "no_in": False, "no_out": False,
             "scheduled": True, "group": "pelaksana", "duty_days": 20, "six_days": False}
    told: list[dict[str, Any]] = [
        *[{"late": 10}] * 3, *[{"late": 45}] * 2, {"late": 75}, {"late": None, "no_in": True}, {"early": None, "no_out": True},
        {"status": "ABSENT", "late": None, "early": None},
    ]
    month = money.month([plain | day | {"date": dt.date(2026, 2, 2 + n)} for n, day in enumerate(told)], 5_250_000)

    assert month == {"raw_percent": Fraction("10.75"), "percent": Fraction("10.75"), "amount": 564_375}
