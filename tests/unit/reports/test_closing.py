"""When a month may be closed, and what an officer is told when it may not."""

import datetime as dt

import pytest

from services.reports.closing import NoCeiling, OpenDays, Span, counted, in_words, left_open, not_covered, not_ended

WIB = dt.timezone(dt.timedelta(hours=7))
WIT = dt.timezone(dt.timedelta(hours=9))
LATER = dt.datetime(2026, 3, 5, tzinfo=dt.UTC)
PENDING = OpenDays("DINKES", "PENDING", 3, 2)
HELD = OpenDays("RSUD", "HELD", 12, 12)


def test_a_month_has_its_first_and_last_day() -> None:
    assert (Span.of("2026-02", "", LATER).first, Span.of("2026-02", "", LATER).last) == (dt.date(2026, 2, 1), dt.date(2026, 2, 28))
    assert Span.of("2027-12", "", LATER).last == dt.date(2027, 12, 31)


@pytest.mark.parametrize(
    ("now", "ended"),
    [
        (dt.datetime(2026, 2, 28, 23, 59, 59, tzinfo=WIB), False),
        (dt.datetime(2026, 3, 1, tzinfo=WIB), True),
        (dt.datetime(2026, 3, 1, 1, tzinfo=WIT), False),  # Papua is in March already, Bengkulu is not
    ],
)
def test_a_month_ends_when_it_ends_in_the_last_zone(now: dt.datetime, ended: bool) -> None:
    assert (not_ended(Span.of("2026-02", "", now)) is None) is ended


def test_a_month_that_goes_on_is_refused_with_the_day_from_which_on_it_may_be_closed() -> None:
    refusal = not_ended(Span.of("2026-02", "", dt.datetime(2026, 2, 14, tzinfo=dt.UTC)))

    assert refusal == "Bulan 2026-02 belum berakhir menurut jam sebenarnya; tutup paling cepat tanggal 01-03-2026 WIB."


def test_open_days_refuse_the_close_and_are_told_by_unit() -> None:
    refusal = left_open([PENDING, HELD], despite=False, reason="")

    assert refusal is not None
    assert "3 hari belum diputuskan (PENDING), 12 hari ditahan (HELD)" in refusal
    assert "RSUD 12 hari HELD (12 pegawai); DINKES 3 hari PENDING (2 pegawai)" in refusal
    assert "susulan" in refusal
    for command in ("hadir correction list --state requested", "hadir outage list", "hadir correction request --kind review"):
        assert command in refusal


def test_a_long_list_of_units_is_cut() -> None:
    refusal = left_open([OpenDays(f"UPT{n}", "HELD", 1, 1) for n in range(8)], despite=False, reason="")

    assert refusal is not None
    assert "UPT4" in refusal
    assert "UPT5" not in refusal
    assert "dan 3 lagi" in refusal


def test_a_person_may_close_despite_open_days_but_not_without_a_reason() -> None:
    assert left_open([HELD], despite=True, reason="SK Sekda 900/12") is None
    assert left_open([HELD], despite=True, reason="  ") == '--despite-open-days memerlukan alasan; tambahkan --reason "…".'
    assert left_open([], despite=False, reason="") is None


def test_the_audit_trail_counts_open_days_by_status() -> None:
    assert counted([PENDING, HELD, OpenDays("DIKBUD", "HELD", 1, 1)]) == {"HELD": 13, "PENDING": 3}
    assert in_words([HELD, PENDING]) == "3 hari belum diputuskan (PENDING), 12 hari ditahan (HELD)"


def test_people_without_a_ceiling_refuse_the_close_and_are_told_by_unit_with_an_example_and_what_to_do() -> None:
    found = [NoCeiling("RSUD", 3, 2, "NIP 199001012015011001"), NoCeiling("?", 1, 0, "pegawai 5b1f")]
    refusal = not_covered("2026-02", found, despite=False, reason="")

    assert refusal is not None
    assert refusal.startswith("4 pegawai belum berpagu TPP bulan 2026-02")
    assert "2 di antaranya terkena potongan" in refusal
    assert "RSUD 3 (2 terkena potongan), misalnya NIP 199001012015011001; ? 1 (0 terkena potongan), misalnya pegawai 5b1f." in refusal
    assert "hadir import ceilings BERKAS --month 2026-02" in refusal
    assert "--despite-missing-ceilings" in refusal

    assert not_covered("2026-02", found, despite=True, reason="SK Sekda 900/12") is None
    needs = '--despite-missing-ceilings memerlukan alasan; tambahkan --reason "…".'
    assert not_covered("2026-02", found, despite=True, reason=" ") == needs
    assert not_covered("2026-02", [], despite=False, reason="") is None
    many = not_covered("2026-02", [NoCeiling(f"UPT{n}", 1, 0, "NIP") for n in range(8)], despite=False, reason="")
    assert many is not None
    assert "dan 3 unit lagi" in many
