"""Evaluation and feedback: what is counted, what is estimated by which numbers, and what is wrong with a table of ratings."""

import datetime as dt
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.reports import pages
from services.reports.documents import lines, shown, to_csv
from services.reports.evaluation import ASSUMED, Energy, Worked, evaluation
from services.reports.feedback import Rated, of_units, read_feedback
from services.reports.pages import to_pdf
from services.reports.recap import Recapped, per_person, per_unit
from shared.sheets import decimal_text, guarded, unguarded

JAN = Worked("2026-01", "WFO", 400, 380, 350, 360, 0, 12, 42, 6_125_000)
WFO = Worked("2026-02", "WFO", 100, 96, 90, 93, 0, 2, 9, 1_525_000)
WFA = Worked("2026-02", "WFA", 300, 290, 280, 275, 210, 6, 19, 2_012_500)
ONE = Recapped(
    "A", "Unit – Contoh", "1" * 18, "Contoh", "PNS", "x", 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, Fraction(5, 4), 5_250_000, 0, 65_625
)
MARCH = Worked("2026-03", "WFA", 300, 285, 280, 275, 210, 6, 19, 2_000_000)


def test_wfa_is_set_beside_wfo_and_the_months_before_and_energy_is_by_stated_numbers() -> None:
    document = evaluation([MARCH, WFA, WFO, JAN], Energy(Fraction(3, 2), Fraction(1000), "rekening gedung A"))
    discipline, _, saved = document.sections
    assert [row[:3] for row in discipline.rows] == [
        ("Januari 2026", "WFO", 400), ("Februari 2026", "WFO", 100), ("Februari 2026", "WFA", 300), ("Maret 2026", "WFA", 300)]
    assert discipline.totals[-2] == sum(one.deducted for one in (JAN, WFO, WFA, MARCH))
    assert saved.rows[1] == ("Februari 2026", 290, 75, 435, 435_000)
    assert "rekening gedung A" in "".join(document.notes)
    assert "Kehadiran WFA -1,67 poin terhadap Februari 2026" in document.head
    assert "Februari 2026: tepat waktu WFA +3,33 poin terhadap WFO" in evaluation([WFA, WFO, JAN], ASSUMED).head
    assert "bukan pengukuran" in ASSUMED.source


def test_the_last_month_is_set_against_all_months_before_together_so_that_a_scheme_is_judged_by_what_was_before_it() -> None:
    _, compared, _ = evaluation([JAN, WFO, WFA], ASSUMED).sections
    before, after, moved = compared.rows
    assert before == ("Januari 2026", 400, 95, Fraction(175, 2), 90, 0, 3, Fraction(21, 2), 15_313)
    assert after == ("Februari 2026", 400, Fraction(193, 2), Fraction(185, 2), 92, Fraction(105, 2), 2, 7, 8_844)
    assert moved == ("Selisih (poin, Rp)", None, Fraction(3, 2), 5, 2, Fraction(105, 2), -1, Fraction(-7, 2), -6_469)

    *_, pooled, last, moved = evaluation([JAN, WFO, WFA, MARCH], ASSUMED).sections[1].rows
    assert (pooled[0], pooled[1], last[1]) == ("Sebelumnya bersama", 800, 300)
    assert moved[2] == Fraction(100 * 285, 300) - Fraction(100 * 766, 800)
    assert len(evaluation([JAN], ASSUMED).sections) == 2
    assert "Selisih" in "\n".join(lines(evaluation([JAN, WFA], ASSUMED)))


def test_an_evaluation_of_nothing_is_empty_and_not_an_error() -> None:
    assert "tanpa data" in "\n".join(lines(evaluation([], ASSUMED)))


def test_ratings_are_averaged_by_their_respondents_and_every_wrong_row_is_told(tmp_path: Path) -> None:
    file = tmp_path / "umpan.csv"
    rows = "A;2026-02;masyarakat;100;80\nA;2026-02;Publik;300;90,5\nB;2026-02;perangkat daerah;4;70\n"
    file.write_text(f"opd;bulan;sumber;responden;nilai\n{rows}")
    rated, errors = read_feedback(file)
    assert errors == []
    assert rated == [Rated("A", "2026-02", "masyarakat", 400, Fraction(703, 8)), Rated("B", "2026-02", "perangkat daerah", 4, Fraction(70))]
    assert of_units(rated, "B") == rated[1:]

    file.write_text("opd;bulan;sumber;responden;nilai\n;Feb;warga;0;101\n")
    _, errors = read_feedback(file)
    assert [error.column for error in errors] == ["month", "sumber", "org_unit", "responden", "nilai"]


@st.composite
def people(draw: st.DrawFn) -> list[Recapped]:
    return [
        replace(
            ONE, unit=draw(st.sampled_from("AB")), nip=f"{number:018}", duty_days=draw(st.integers(0, 31)), late=draw(st.integers(0, 31)),
            undecided=draw(st.integers(0, 31)), ceiling=draw(st.none() | st.integers(0, 9_000_000)),
            supplementary=draw(st.integers(-9_000, 9_000)), ledger=draw(st.integers(-9_000, 9_000_000)),
        )
        for number in range(draw(st.integers(0, 6)))
    ]  # fmt: skip


@given(people())
def test_the_sums_of_a_recap_are_those_of_its_people_and_the_same_by_unit(recapped: list[Recapped]) -> None:
    persons = per_person(recapped, "2026-02", "OPEN", None, [], "").sections[0]
    units = per_unit(recapped, "2026-02", "OPEN", [], "").sections[0]
    assert persons.totals[-2] == units.totals[-2] == sum(one.ledger for one in recapped)
    assert sum(int(row[-2] or 0) for row in units.rows if isinstance(row[-2], int)) == units.totals[-2]
    assert persons.totals[4:15] == units.totals[3:14]


def test_a_long_recap_has_its_signatures_beside_rows(tmp_path: Path) -> None:
    sizes = []
    for count in (1, 200):
        path = tmp_path / f"{count}.pdf"
        document = per_person([ONE] * count, "2026-02", "PAID", "A", ["Kepala", "Bendahara"], "Contoh")
        to_pdf(document, path, dt.datetime(2026, 3, 1, tzinfo=dt.UTC))
        sizes.append(path.read_bytes().count(b"/Type /Page\n"))
    assert sizes == [1, 7]


def test_what_is_signed_before_seven_in_the_morning_bears_the_date_of_that_morning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    monkeypatch.setattr(pages._Paper, "cell", lambda _, *given, **__: told.append(str(given[2])))
    document = per_person([ONE], "2026-02", "PAID", "A", ["Kepala"], "Contoh")

    to_pdf(document, tmp_path / "pagi.pdf", dt.datetime(2026, 2, 28, 17, 30, tzinfo=dt.UTC))

    assert "Contoh, 1 Maret 2026" in told
    assert "Dicetak Hadir 28 Februari 2026 17:30 UTC" in told


def test_no_text_becomes_a_formula_and_numbers_are_written_as_officers_read_them(tmp_path: Path) -> None:
    assert [guarded(text) for text in ("=1+1", "-5", "Contoh")] == ["'=1+1", "'-5", "Contoh"]
    assert [unguarded(guarded(text)) for text in ("=1", "'x", "@a", "'=1")] == ["=1", "'x", "@a", "'=1"]
    assert [shown(cell) for cell in (None, 1_250_000, Fraction(25, 22), dt.date(2026, 2, 3), "x")] == [
        "", "1.250.000", "1,14", "03-02-2026", "x"]
    assert [decimal_text(Fraction(text), 0) for text in ("1/2", "-3/2", "7/5")] == ["1", "-1", "1"]
    path = tmp_path / "x.csv"
    to_csv(evaluation([WFO], ASSUMED), path)
    assert path.read_bytes().startswith(b"\xef\xbb\xbfBulan;Cara kerja;")


@pytest.mark.parametrize("made", ["+5", "=A1"])
def test_a_name_like_a_formula_stays_a_name(made: str) -> None:
    assert unguarded(guarded(made)) == made
