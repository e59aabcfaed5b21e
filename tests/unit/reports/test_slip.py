"""The slip as the employee reads it, word for word, and what the JSON receipt holds and never holds."""

import datetime as dt
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from uuid import UUID

from services.reports.gathered import Cause, Correction
from services.reports.receipt import build, canonical
from services.reports.slip import slip
from services.reports.words import rule_of
from services.schedule.rules import duty_on, marks
from shared.events import Finding, FindingKind, LeaveRun
from shared.policy import Policy

A = {
    "legal_source": "Perbup Contoh 1/2026 Pasal 7",
    "tl": [{"code": "TL1", "min": 1, "max": 30, "pct": "0.50"}, {"code": "TL2", "min": 31, "max": None, "pct": "1.00"}],
    "no_out": {"code": "PSW4", "pct": "1.50"},
    "tk_day": "3.00",
    "cap": "5.00",
}
LATE = Finding(kind=FindingKind.LATE, code="TL1", minutes=12)
NO_OUT = Finding(kind=FindingKind.NO_OUT, code="PSW4", detail="OUTSIDE_SITE")
ABSENT = Finding(kind=FindingKind.ABSENT, code="TK")
LEAVE_ID = UUID(int=77)


def story(month: Callable[..., Any], check_in: Callable[..., Any]) -> Any:
    """Late without a mark for going on the 2nd; absent on the 3rd until leave was granted; absent on the 4th and 5th."""
    told = month(A=A)
    told.ceiling(5_250_001)
    came = check_in("came", 2, "07:42:10")
    gone = check_in("gone", 2, "16:01:00", "out", verdict="outside", distance_m=412)
    leave = Correction(
        LEAVE_ID, "leave", "approved", "kepala-1", dt.datetime(2026, 2, 10, 2, tzinfo=dt.UTC),
        {"kind": "important", "from": "2026-02-03", "reason": "hajj", "letter": "445/12"},
    )
    began, granted = UUID(int=70), UUID(int=71)
    told.causes[began] = Cause("check-in", str(came.check_in_id), word="in")
    told.causes[granted] = Cause("correction", str(LEAVE_ID), 1, "leave")
    told.day(2, "PRESENT", LATE, NO_OUT, began=began, check_ins=(came, gone), late=12, evidence=(came.check_in_id,))
    told.day(3, "ABSENT", ABSENT)
    told.day(3, "LEAVE", began=granted, corrections=(leave,))
    told.day(4, "ABSENT", ABSENT)
    told.day(5, "ABSENT", ABSENT)
    told.day(6)
    return told


GOLDEN = """\
SLIP POTONGAN TPP FEBRUARI 2026 (masih berjalan)
Pegawai  : Contoh 000001 Sintetis, NIP 999999999999999999, PNS, pelaksana
Pagu TPP : Rp 5.250.001

1 hari lain tanpa catatan.
Senin, 2 Februari 2026 · WFO 07:30–16:00 WIB · DINKES: hadir
  Absen masuk 07:42:10, di dalam Kantor Dinkes, 3 m dari batas atau titiknya (id <came>)
  Absen pulang 16:01:00, di luar Kantor Dinkes, 412 m dari batas atau titiknya; tidak dihitung (id <gone>)
  TL1: Terlambat 12 menit, termasuk TL1 (1 s.d. 30 menit)
  PSW4: Tidak ada absen pulang yang sah (absen tidak dihitung: di luar lokasi kantor)
    PSW4: 1,50 % × TPP Rp 5.250.001 = Rp 78.750 (tepatnya 78.750,015, dibulatkan)
    aturan A: Perbup Contoh 1/2026 Pasal 7 (paket <pack>)
    TL1: 0,50 % × TPP Rp 5.250.001 = Rp 26.250 (tepatnya 26.250,005, dibulatkan)
    aturan A: Perbup Contoh 1/2026 Pasal 7 (paket <pack>)
Selasa, 3 Februari 2026 · WFO 07:30–16:00 WIB · DINKES: cuti/izin
  Koreksi: cuti/dinas luar (haji pertama, surat 445/12) disetujui oleh kepala-1 pada 10 Februari 2026 09:00 (id <leave>)
Rabu, 4 Februari 2026 · WFO 07:30–16:00 WIB · DINKES: tanpa keterangan
  TK: Tidak masuk kerja tanpa keterangan (TK)
    TK: 3,00 % × TPP Rp 5.250.001 = Rp 157.500 (tepatnya 157.500,03, dibulatkan)
    aturan A: Perbup Contoh 1/2026 Pasal 7 (paket <pack>)
Kamis, 5 Februari 2026 · WFO 07:30–16:00 WIB · DINKES: tanpa keterangan
  TK: Tidak masuk kerja tanpa keterangan (TK)
    TK: 3,00 % × TPP Rp 5.250.001 = Rp 157.500 (tepatnya 157.500,03, dibulatkan)
    aturan A: Perbup Contoh 1/2026 Pasal 7 (paket <pack>)

PERHITUNGAN
"""


def test_the_slip_tells_each_day_from_check_in_to_rupiah(month: Callable[..., Any], check_in: Callable[..., Any]) -> None:
    told = story(month, check_in)
    text = "\n".join(slip(build(told.gathered()), told.person))
    for name, value in (("came", check_in("came", 2, "07:42").check_in_id), ("gone", check_in("gone", 2, "16:01").check_in_id)):
        text = text.replace(str(value), f"<{name}>")
    text = text.replace(str(told.packs["A"].identity), "<pack>").replace(str(LEAVE_ID), "<leave>")

    assert text[: len(GOLDEN)] == GOLDEN


def test_a_mark_of_a_day_that_waits_for_a_decision_is_not_told_to_be_lost(month: Callable[..., Any], check_in: Callable[..., Any]) -> None:
    told = month(A=A)
    told.ceiling(5_250_001)
    told.day(2, "HELD", check_ins=(check_in("came", 2, "08:12:00"),), evidence=())
    lines = slip(build(told.gathered()), told.person)

    [mark] = [line for line in lines if line.startswith("  Absen masuk 08:12:00")]
    assert "; menunggu putusan (id" in mark


def test_every_reason_for_which_a_mark_is_void_has_its_words() -> None:
    policy = Policy()
    for reason in (
        marks.FAKE_GPS, marks.OUTSIDE_SITE, marks.WFA_OUTSIDE_REGION, marks.NO_EVIDENCE, marks.OUTSIDE_WINDOW, marks.REVIEW_REJECTED,
    ):
        text, _ = rule_of(Finding(kind=FindingKind.NO_OUT, code="PSW4", detail=reason), policy)
        assert "absen tidak dihitung: " in text
        assert reason not in text


def test_the_slip_adds_up_with_cap_and_names_what_each_entry_came_from(month: Callable[..., Any], check_in: Callable[..., Any]) -> None:
    told = story(month, check_in)
    lines = slip(build(told.gathered()), told.person)

    assert "  Jumlah dari TPP: 8,00 %, dibatasi menjadi 5,00 % (batas 5,00 %)" in lines
    assert "  CAP: kelebihan di atas batas dikembalikan -Rp 157.500" in lines
    assert "  Potongan Februari 2026: Rp 262.500" in lines
    history = lines[lines.index("BUKU POTONGAN (7 catatan, tidak pernah diubah atau dihapus)") + 1:]
    came = check_in("came", 2, "07:42").check_in_id
    assert history[0] == (
        f"  1. PSW4 2026-02-02: Rp 78.750; karena penilaian hari 2026-02-02 versi 1, berawal dari absen masuk (id {came})"
    )
    assert history[2] == "  3. TK 2026-02-03: Rp 157.500; karena penilaian hari 2026-02-03 versi 1, lewatnya waktu absen"
    assert history[3] == (
        f"  4. TK 2026-02-03: -Rp 157.500, membatalkan nomor 3; karena penilaian hari 2026-02-03 versi 2,"
        f" berawal dari koreksi cuti/dinas luar (id {LEAVE_ID}, versi 1)"
    )


def test_a_slip_of_one_day_tells_of_that_day_although_nothing_happened(month: Callable[..., Any], check_in: Callable[..., Any]) -> None:
    told = story(month, check_in)
    lines = slip(build(told.gathered(), dt.date(2026, 2, 6)), told.person)

    assert "Jumat, 6 Februari 2026 · WFO 07:30–16:00 WIB · DINKES: hadir" in lines
    assert not any(line.startswith("Senin") for line in lines)
    assert "  Potongan Februari 2026: Rp 262.500" in lines


def test_each_day_is_told_in_the_zone_in_which_it_was_worked(month: Callable[..., Any], check_in: Callable[..., Any]) -> None:
    told = story(month, check_in)
    monday = told.days[dt.date(2026, 2, 2)]
    told.days[monday.assessed.date] = replace(
        monday, timezone="Asia/Jayapura", duty=duty_on(monday.assessed.date, {0: (450, 960)}, (), None, "Asia/Jayapura"))
    lines = slip(build(told.gathered()), told.person)

    assert lines[5] == "Senin, 2 Februari 2026 · WFO 07:30–16:00 WIT · DINKES: hadir"
    assert lines[6].startswith("  Absen masuk 09:42:10")
    assert "Rabu, 4 Februari 2026 · WFO 07:30–16:00 WIB · DINKES: tanpa keterangan" in lines


def test_a_day_that_is_held_because_there_is_no_region_says_what_to_import(
    month: Callable[..., Any], check_in: Callable[..., Any]
) -> None:  # fmt: skip
    told = month(A=A)
    for date, known, status in ((2, False, "HELD"), (3, True, "HELD"), (4, False, "PRESENT")):
        mark = check_in(f"mark-{date}", date, "07:20:00", verdict="unsure", region="unsure", region_known=known)
        told.day(date, status, check_ins=(mark,), mode="WFA")
    lines = slip(build(told.gathered()), told.person)

    held = [place for place, line in enumerate(lines) if "belum mempunyai wilayah WFA" in line and "hadir import sites" in line]
    assert [lines[place - 2].split(" · ")[0] for place in held] == ["Senin, 2 Februari 2026"]


def test_a_month_without_a_ceiling_tells_percents_and_no_rupiah(month: Callable[..., Any]) -> None:
    told = month(A=A)
    told.day(2, "PRESENT", LATE)
    lines = slip(build(told.gathered()), told.person)

    assert "Pagu TPP : belum diimpor, jadi potongan belum berjumlah rupiah" in lines
    assert "    TL1: 0,50 % dari TPP" in lines


def test_a_supplement_names_the_month_it_is_for(month: Callable[..., Any]) -> None:
    told = month(A=A)
    told.ceiling(1_000_000)
    told.day(2)
    told.owe("2026-01", "-3.00", -30_000)
    lines = slip(build(told.gathered()), told.person)

    assert "  SUPPLEMENT: susulan dari Januari 2026 yang sudah ditutup -Rp 30.000" in lines
    assert "  Seluruhnya: -Rp 30.000" in lines


def test_steps_of_the_month_are_told_as_such(month: Callable[..., Any]) -> None:
    told = month(A={"tk_steps": [{"days": 1, "pct": "4.50"}, {"days": 2, "pct": "9.00"}]})
    told.ceiling(1_000_000)
    told.day(2, "ABSENT", ABSENT)
    told.day(3, "ABSENT", ABSENT)
    lines = slip(build(told.gathered()), told.person)

    assert lines.count("    Tidak masuk tanpa keterangan: naik ke tangga persen jumlah hari TK sebulan") == 2
    assert "  Potongan Februari 2026: Rp 90.000" in lines


def test_the_json_receipt_holds_neither_name_nor_nip_nor_coordinate(month: Callable[..., Any], check_in: Callable[..., Any]) -> None:
    text = canonical(build(story(month, check_in).gathered()))

    for hidden in ("Contoh 000001", "9" * 18, "latitude", "longitude", '"lat"', '"lon"'):
        assert hidden not in text
    assert json.loads(text)["format"] == "hadir-receipt/1"


def test_what_is_no_percent_of_the_packs_base_is_told_in_its_own_words(month: Callable[..., Any]) -> None:
    told = month(A={
        "apel": {"rupiah": 500_000}, "left_during_hours": {"pct": "5.00", "base": "wage"}, "legal_source": "Perwali Contoh",
        "late_rate": {"pct": "1.00", "most": "5.00"},
        "split": {"fixed": "0.70", "performance": "0.10", "attendance": "0.20", "after_tax": True},
    })
    told.ceiling(5_000_000)
    found = [Finding(kind=FindingKind.APEL, code="APEL"), Finding(kind=FindingKind.LEFT, code="LEFT")]
    told.day(2, "PRESENT", Finding(kind=FindingKind.LATE, code="TL", minutes=125), *found, late=125)
    waiting = slip(build(told.gathered()), told.person)
    told.ceiling(5_000_000, version=2, wage=2_000_000)
    lines = slip(build(told.gathered()), told.person)

    assert any(line.startswith("Pagu TPP : pagu atau upah belum diimpor") for line in waiting)
    assert "Pagu TPP : Rp 5.000.000 (upah Rp 2.000.000)" in lines
    assert any("Terlambat 125 menit, 1,00 % tiap 60 menit penuh, paling banyak 5,00 %" in line for line in lines)
    assert any("APEL: jumlah tetap Rp 500.000" in line for line in lines)
    assert any("LEFT: 5,00 % × upah Rp 2.000.000 = Rp 100.000" in line for line in lines)
    assert any("tetap 70 %, kinerja 10 %, kehadiran 20 %, setelah pajak" in line for line in lines)
    assert "  Potongan Februari 2026: Rp 700.000" in lines


def test_a_slip_numbers_days_of_sickness_as_a_whole_and_in_hospital_alone_where_both_were() -> None:
    policy, first = Policy.from_content({}), dt.date(2026, 2, 5)
    day = Finding(kind=FindingKind.SICK, code="SAKIT", leave="sick", nth_day=29, letter=True, inpatient=True)
    alone = LeaveRun(nth_day=26, days=30, since=first, until=first + dt.timedelta(days=41))

    assert rule_of(day, policy)[0] == "Sakit, hari ke-29, dengan surat"
    assert rule_of(day.model_copy(update={"leave_alone": alone}), policy)[0] == "Sakit, hari ke-29 (ke-26 rawat inap), dengan surat"
