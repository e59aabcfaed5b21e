"""Rule packs that nobody has, each with a key or a neighbourhood of keys that the published ones lack."""

from pathlib import Path

from tests.oracle.packs import read_packs

GOLDEN = Path(__file__).parents[2] / "services" / "schedule" / "policies" / "golden-policies.yaml"
PACKS = read_packs(GOLDEN)
A = PACKS["POL-A"]
PACKS |= {
    "COMPENSATED": A | {"compensation": {"max_minutes": 30, "per_month": 2}},
    "FREE-AND-COMPENSATED": PACKS["POL-G"] | {"compensation": {"max_minutes": 60, "per_month": 1}},
    "FREE-IN-THE-LADDER": PACKS["POL-G"] | {
        "compensation": {"max_minutes": 60, "per_month": 1}, "convert_minutes_per_day": 20,
        "ladder": [{"days": days, "step": f"STEP-{days}"} for days in range(1, 9)],
    },
    "COMPENSATED-TO-THE-SECOND": A | {"seconds": "strict", "compensation": {"max_minutes": 45}},
    "LOW-CAP": A | {"cap": "4.75"},
    "FLEXIBLE": A | {"flex_minutes": 60},
    "FLEXIBLE-BOTH-WAYS": A | {"flex_minutes": 60, "flex_early_minutes": 60},
    "STRICT-AND-FLEXIBLE": A | {"seconds": "strict", "flex_minutes": 15, "flex_early_minutes": 45},
    "FIRST-OUT": A | {"out_pick": "first"},
    "FIRST-OUT-AND-FLEXIBLE": A | {"out_pick": "first", "flex_minutes": 60, "flex_early_minutes": 60},
    "WINDOWED": A | {
        "in_window": {"open": "06:00", "close": "09:00", "after_close": "refuse"},
        "out_window": {"open": "15:00", "close": "18:00", "after_close": "refuse"},
    },
    "WINDOWED-TOO-NARROWLY": A | {
        "flex_minutes": 60, "flex_early_minutes": 45, "compensation": {"max_minutes": 90},
        "in_window": {"open": "07:00", "close": "07:15", "after_close": "refuse"},
        "out_window": {"open": "15:00", "close": "16:45", "after_close": "refuse"},
        "marks": ["in", "break", "out"], "break_window": {"open": "11:00", "close": "13:00"}, "missed_break": "0.10",
    },
    "SIX-DAY-STEPS": PACKS["POL-F"] | {"minutes_per_day": {"five_day": 100, "six_day": 60}},
    "MADE-UP-STEPS": PACKS["POL-F"] | {
        "minutes_per_day": {"five_day": 60, "six_day": 40}, "compensation": {"max_minutes": 60, "per_month": 2},
    },
    "BREAKS": A | {"marks": ["in", "break", "break", "out"], "missed_break": "0.25", "fraud": "2.00"},
    "ROLLS": PACKS["POL-D"] | {"ceremony": "0.75", "left_during_hours": "1.25", "izin_day": "0.30", "forgot_limit_per_month": 1},
    "LEAVES": A | {"sakit_day": "0.10", "leave": {
        "sick": [
            {"from_day": 2, "pct": "2.00", "letter": True}, {"from_day": 3, "of": "length", "pct": "2.50", "letter": False},
            {"from_day": 3, "count": "calendar_days", "pct": "1.00", "inpatient": True},
            {"from_day": 2, "to_day": 3, "pct": "0.70", "inpatient": False},
            {"from_day": 3, "of": "length", "pct": "0.90", "inpatient": True},
        ],
        "important": [{"per": "month", "pct": "40.00"}, {"to_day": 2, "pct": "0", "reason": "wife_delivery"}],
        "big": [{"count": "months", "to_day": 1, "pct": "3.00"}],
    }},
    "LEAVES-ALONE": A | {"leave_in_a_row": "restart", "leave": {
        "sick": [{"from_day": 2, "pct": "2.00"}, {"from_day": 3, "of": "length", "pct": "3.00", "letter": True}],
        "big": [{"from_day": 4, "count": "calendar_days", "pct": "1.00"}],
    }},
    "LADDER": A | {
        "ladder": [{"days": 1, "step": "FIRST"}, {"days": 2, "step": "SECOND"}, {"days": 4, "step": "DISMISSAL"}],
        "ladder_by_kind": {"PPPK_PW": [{"days": 2, "step": "OF_CONTRACT"}]},
        "ladder_consecutive_days": 3, "convert_minutes_per_day": 60, "compensation": {"max_minutes": 60, "per_month": 1},
    },
    # row 11b, with a cap that single days do not reach and an hour that counts in full, begun, or by its share
    "HOURLY": PACKS["POL-C"] | {
        "tl": [], "psw": [], "late_rate": {"pct": "1.00", "most": "5.00"}, "early_rate": {"minutes": 30, "pct": "0.75", "count": "started"},
        "compensation": {"max_minutes": 120, "per_month": 1},
    },
    "SHARES": {"base": "daily_net_tpp", "tk_day": "100", "late_rate": {"minutes": 450, "pct": "100", "count": "share"}},
    "AFTER-A-HOLIDAY": PACKS["POL-D"] | {"on_dates": [
        {"dates": ["2026-01-28", "2026-02-03"], "reason": "first days after it", "tk_day": "100", "late_any": "25", "apel": "25"},
        {"dates": ["2026-02-04"], "reason": "another", "no_in": {"code": "NO_IN", "pct": "7"}, "izin_day": "3"},
    ]},
    "STEPS-AND-A-DATE": PACKS["POL-F"] | {"on_dates": [{"dates": ["2026-01-28"], "reason": "dearer", "tk_day": "25"}]},
    "FLAT": A | {
        "apel": {"rupiah": 500_000}, "ceremony": {"rupiah": 333_333}, "cap": "60",
        "left_during_hours": "15.00", "left_during_hours_by_kind": {"PPPK_PW": {"pct": "45.00", "base": "wage"}},
    },
    "WHOLE": PACKS["POL-E"] | {
        "izin_day": {"pct": "1.00", "base": "wage"}, "left_during_hours": {"pct": "2.00", "base": "total_tpp"}, "apel": {"rupiah": 9_999},
        "leave": {
            "important": [{"pct": "4.00", "base": "total_tpp"}], "big": [{"pct": "4.00", "base": "total_tpp"}],
            "sick": [{"pct": "2.00", "letter": True}, {"pct": "0", "inpatient": True}, {"pct": "3.00", "base": "wage", "letter": False}],
        },
    },
    "FULL-BESIDE": PACKS["POL-H"] | {"consecutive_full": {"days": 3, "pct": "100"}, "izin_day": {"rupiah": 100_000}},
    "THREE-IN-A-ROW": PACKS["POL-H"] | {"consecutive_full": {"days": 3, "pct": "100"}},
    "THREE-OF-A-PART": PACKS["POL-E"] | {"consecutive_full": {"days": 3, "pct": "100"}},
}
