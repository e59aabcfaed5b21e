"""The verifier takes what Hadir writes, under every kind of rule pack, and nothing else: not one other byte."""

import ast
import datetime as dt
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.reports.gathered import Entered
from services.reports.receipt import build, canonical, seal
from shared.events import Finding, FindingKind

TL = [{"code": "TL1", "min": 1, "max": 30, "pct": "0.50"}, {"code": "TL2", "min": 31, "max": None, "pct": "1.25"}]
PACKS: dict[str, dict[str, Any]] = {
    "A": {"tl": TL, "tk_day": "3.00"},
    "CAPPED": {"tl": TL, "tk_day": "3.00", "cap": "4.75"},
    "DISCIPLINE": {"base": "discipline_component", "weight": "0.40", "tl": TL, "tk_day": "3.00"},
    "STATIC": {"base": "static_tkd", "tl": TL, "tk_day": "5.00"},
    "DAILY": {"base": "daily_net_tpp", "late_any": "25", "tk_day": "100"},
    "STEPS": {"tk_steps": [{"days": 1, "pct": "4.50"}, {"days": 2, "pct": "9.00"}, {"days": 3, "pct": "100"}]},
    "BESIDE": {  # flat rupiah, a percent of the wage, and one of the whole TPP beside a percent of the component
        "base": "discipline_component", "weight": "0.40", "tl": TL, "tk_day": "3.00", "cap": "20",
        "apel": {"rupiah": 500_000}, "ceremony": {"rupiah": 125_001}, "left_during_hours": {"pct": "5.00", "base": "wage"},
        "izin_day": {"pct": "4.00", "base": "total_tpp"},
    },
    "STREAK": {"tl": TL, "tk_day": "2.50", "consecutive_full": {"days": 3, "pct": "100"}},
}
SCRIPT = Path(__file__).parents[3] / "docs" / "verify_receipt.py"
SLOW = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def late(minutes: int, code: str = "TL1") -> Finding:
    return Finding(kind=FindingKind.LATE, code=code, minutes=minutes)


ABSENT = Finding(kind=FindingKind.ABSENT, code="TK")
BESIDE = [
    Finding(kind=FindingKind.APEL, code="APEL"), Finding(kind=FindingKind.APEL, code="CEREMONY"),
    Finding(kind=FindingKind.LEFT, code="LEFT"), Finding(kind=FindingKind.IZIN, code="IZIN"),
]


def sample(month: Callable[..., Any]) -> Any:
    """A month with bands, reversals, a cap, rounding and a supplement."""
    told = month(A=PACKS["CAPPED"])
    told.ceiling(5_250_001)
    told.day(2, "PRESENT", late(12), late=12)
    told.day(3, "ABSENT", ABSENT)
    told.day(3, "PRESENT", late(45, "TL2"), late=45)
    told.day(4, "ABSENT", ABSENT)
    told.owe("2026-01", "25/22", 1_234)
    return told


def text_of(told: Any) -> bytes:
    return canonical(build(told.gathered())).encode()


def refused(verifier: ModuleType, raw: bytes, earlier: bytes | None = None) -> bool:
    try:
        verifier.verify(raw, earlier)
    except verifier.Refused:
        return True
    return False


def test_the_verifier_is_short_and_uses_nothing_of_ours() -> None:
    source = SCRIPT.read_text()
    names = [
        name.name if isinstance(node, ast.Import) else node.module
        for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Import | ast.ImportFrom) for name in node.names
    ]

    assert len(source.splitlines()) <= 150
    assert {str(name).partition(".")[0] for name in names} <= sys.stdlib_module_names


@SLOW
@given(data=st.data())
def test_it_accepts_every_month_that_payroll_can_make(month: Callable[..., Any], verifier: ModuleType, data: st.DataObject) -> None:
    names = data.draw(st.lists(st.sampled_from(sorted(PACKS)), min_size=1, max_size=2, unique=True))
    told = month(**{name: PACKS[name] for name in names})
    if data.draw(st.booleans()):
        static, wage = data.draw(st.none() | st.integers(0, 5_000_000)), data.draw(st.none() | st.integers(0, 5_000_000))
        told.ceiling(data.draw(st.integers(0, 20_000_000) | st.integers(0, 1_000_000)), static, wage=wage)
    for date in data.draw(st.lists(st.integers(2, 12), max_size=12)):
        pack = names[date > 6] if len(names) > 1 else names[0]
        minutes = data.draw(st.integers(0, 90))
        code = "TL" if pack == "DAILY" else "TL1" if minutes <= 30 else "TL2"
        finding = ABSENT if minutes % 3 == 0 else late(minutes, code)
        beside = data.draw(st.lists(st.sampled_from(BESIDE), unique_by=lambda one: one.code)) if pack == "BESIDE" else []
        status, came = ("ABSENT", None) if finding is ABSENT else ("PRESENT", minutes)
        told.day(date, status, finding, *beside, pack=pack, late=came)
    if data.draw(st.booleans()):
        told.owe("2026-01", "-1.50", -4_321)
    if data.draw(st.booleans()):
        told.close()

    receipt = build(told.gathered())
    assert receipt["arithmetic"]["reproducible"] is True
    assert verifier.verify(canonical(receipt).encode()) is True


@pytest.fixture
def raw(month: Callable[..., Any]) -> bytes:
    """The receipt of the sample month."""
    return text_of(sample(month))


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_it_refuses_every_change_of_one_byte(raw: bytes, verifier: ModuleType, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(raw) - 1))
    other = data.draw(st.integers(0, 255).filter(lambda byte: byte != raw[place]))

    assert refused(verifier, raw[:place] + bytes([other]) + raw[place + 1:])
    assert refused(verifier, raw[:place] + raw[place + 1:])


def leaves(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Paths to every value in a receipt."""
    if isinstance(value, dict):
        return [leaf for key, part in value.items() for leaf in leaves(part, (*path, key))]
    if isinstance(value, list):
        return [leaf for place, part in enumerate(value) for leaf in leaves(part, (*path, place))]
    return [path]


COUNTED = ("ledger", "chain")
UNPROVEN = {"because", "began_with"}


def test_a_ledger_entry_cannot_be_altered_even_by_who_seals_the_receipt_again(month: Callable[..., Any], verifier: ModuleType) -> None:
    receipt = build(sample(month).gathered())
    tried = 0
    for path in leaves(receipt):
        if path[0] not in COUNTED or UNPROVEN & {str(part) for part in path}:
            continue
        altered = json.loads(canonical(receipt))
        inner = altered
        for part in path[:-1]:
            inner = inner[part]
        was = inner[path[-1]]
        inner[path[-1]] = was + 1 if isinstance(was, int) else "x" if was is None else f"{was[:-1]}{'1' if was[-1] != '1' else '2'}"
        altered["seal"] = seal(altered)
        tried += 1
        assert refused(verifier, canonical(altered).encode()), path
    assert tried > 50


@pytest.mark.parametrize("name", ["amount", "total", "supplementary", "raw_percent", "percent"])
def test_a_sum_cannot_be_altered_even_by_who_seals_the_receipt_again(month: Callable[..., Any], verifier: ModuleType, name: str) -> None:
    receipt = build(sample(month).gathered())
    was = receipt["arithmetic"][name]
    receipt["arithmetic"][name] = was - 1 if isinstance(was, int) else "0.01"
    receipt["seal"] = seal(receipt)

    assert refused(verifier, canonical(receipt).encode())


def test_an_entry_cannot_be_left_out(month: Callable[..., Any], verifier: ModuleType) -> None:
    receipt = build(sample(month).gathered())
    for place in range(len(receipt["ledger"])):
        shorter = receipt | {"ledger": [entry for n, entry in enumerate(receipt["ledger"]) if n != place]}
        shorter["seal"] = seal(shorter)
        assert refused(verifier, canonical(shorter).encode())


def test_a_ledger_row_changed_in_the_database_breaks_the_chain_and_the_receipt_says_which(
    month: Callable[..., Any], verifier: ModuleType
) -> None:
    told = sample(month)
    first = told.ledger[0]
    told.ledger[0] = Entered(replace(first.row, amount=first.row.amount - 1), first.row_hash)

    assert build(told.gathered())["chain"]["broken"][0] == 1
    assert refused(verifier, text_of(told))


def test_an_earlier_receipt_proves_that_history_was_only_added_to(month: Callable[..., Any], verifier: ModuleType) -> None:
    told = sample(month)
    earlier = text_of(told)
    told.day(5, "ABSENT", ABSENT)
    rewritten = sample(month)
    rewritten.ledger.clear()
    rewritten.month = replace(rewritten.month, entries=0, in_force={}, head="")
    rewritten.day(5, "ABSENT", ABSENT)

    assert verifier.verify(text_of(told), earlier) is True
    assert verifier.verify(text_of(rewritten)) is True
    assert refused(verifier, text_of(rewritten), earlier)
    assert refused(verifier, earlier, text_of(told))


def test_entries_older_than_the_chain_are_told_apart(month: Callable[..., Any], verifier: ModuleType) -> None:
    told = month(A=PACKS["A"])
    told.ceiling(1_000_000)
    told.day(2, "ABSENT", ABSENT)
    told.ledger[0] = Entered(told.ledger[0].row, None)
    told.month = replace(told.month, head="")
    told.day(3, "ABSENT", ABSENT)

    assert verifier.verify(text_of(told)) is True
    assert build(told.gathered())["chain"]["chained"] == 1


def test_a_closed_month_is_recomputed_from_what_was_known_at_its_close(month: Callable[..., Any], verifier: ModuleType) -> None:
    told = month(A=PACKS["STATIC"], B=PACKS["DAILY"])
    told.ceiling(5_000_000, 1_000_000)
    told.day(2, "ABSENT", ABSENT)
    told.day(3, "ABSENT", ABSENT, pack="B", duty_days_in_month=20)
    told.close()
    before = build(told.gathered())["arithmetic"]
    told.ceiling(5_000_000, 2_000_000, version=2)
    told.day(3, "ABSENT", ABSENT, pack="B", duty_days_in_month=19)
    told.day(4, "ABSENT", ABSENT)

    assert verifier.verify(text_of(told)) is True
    assert build(told.gathered())["arithmetic"] == before


def test_a_month_closed_before_its_basis_was_kept_says_that_it_cannot_be_recomputed(
    month: Callable[..., Any], verifier: ModuleType
) -> None:
    told = month(A=PACKS["STATIC"])
    told.ceiling(5_000_000, 1_000_000)
    told.day(2, "ABSENT", ABSENT)
    told.close()
    told.month = replace(told.month, closed_on=None)
    told.ceiling(5_000_000, 2_000_000, version=2)

    assert verifier.verify(text_of(told)) is False


@pytest.mark.parametrize("raw", [b"", b"{}", b"[]\n", b"null\n", b"\xff", b'{\n "seal": 1\n}\n', b"[" * 100_000])
def test_what_is_no_receipt_is_refused_in_a_sentence(verifier: ModuleType, raw: bytes) -> None:
    assert refused(verifier, raw)


def test_as_a_script_it_says_accepted_or_refused(month: Callable[..., Any], tmp_path: Path) -> None:
    good, bad = tmp_path / "good.json", tmp_path / "bad.json"
    raw = text_of(sample(month))
    good.write_bytes(raw)
    bad.write_bytes(raw.replace(b"5250001", b"5250002"))

    answers = [
        subprocess.run([sys.executable, "-I", str(SCRIPT), str(path)], capture_output=True, text=True, check=False) for path in (good, bad)
    ]
    assert [(answer.returncode, answer.stdout) for answer in answers] == [(0, "accepted\n"), (1, "")]
    assert answers[1].stderr.startswith("REFUSED: ")


def test_the_date_of_a_receipt_leaves_ledger_and_sum_whole(month: Callable[..., Any], verifier: ModuleType) -> None:
    receipt = build(sample(month).gathered(), dt.date(2026, 2, 3))

    assert [day["date"] for day in receipt["days"]] == ["2026-02-03"]
    assert verifier.verify(canonical(receipt).encode()) is True
