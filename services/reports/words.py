"""Indonesian words of the slip: dates, rupiah, percents, findings and the rules behind them."""

import datetime as dt
from fractions import Fraction
from typing import Final

from shared.events import Finding, FindingKind
from shared.percent import parse_percent, percent_text
from shared.policy import Band, Policy
from shared.policy.leave import CAUSES
from shared.policy.parts import Rate

MONTHS: Final = (
    "Januari", "Februari", "Maret", "April", "Mei", "Juni", "Juli", "Agustus", "September", "Oktober", "November", "Desember",
)  # fmt: skip
_WEEKDAYS: Final = ("Senin", "Selasa", "Rabu", "Kamis", "Jumat", "Sabtu", "Minggu")
_ZONES: Final = {"Asia/Jakarta": "WIB", "Asia/Pontianak": "WIB", "Asia/Makassar": "WITA", "Asia/Jayapura": "WIT"}
_LEAVES: Final = {
    "annual": "cuti tahunan", "sick": "sakit", "maternity": "cuti melahirkan", "important": "cuti alasan penting",
    "big": "cuti besar", "unpaid": "cuti di luar tanggungan negara", "study": "tugas belajar", "dl": "dinas luar",
}  # fmt: skip
_VOID: Final = {
    "FAKE_GPS": "lokasi palsu", "NO_EVIDENCE": "tanpa foto bukti", "WFA_OUTSIDE_REGION": "di luar wilayah WFA",
    "OUTSIDE_SITE": "di luar lokasi kantor", "OUTSIDE_WINDOW": "di luar jam absen", "REVIEW_REJECTED": "ditolak petugas",
}  # fmt: skip
BASES: Final = {
    "total_tpp": "TPP", "discipline_component": "komponen disiplin TPP", "static_tkd": "TKD statis", "daily_net_tpp": "TPP sehari",
    "wage": "upah", "rupiah": "jumlah tetap",
}  # fmt: skip
_PLAIN: Final = {
    FindingKind.NO_IN: "Tidak ada absen masuk yang sah",
    FindingKind.NO_OUT: "Tidak ada absen pulang yang sah",
    FindingKind.ABSENT: "Tidak masuk kerja tanpa keterangan (TK)",
    FindingKind.MISSED_BREAK: "Tidak ada absen istirahat",
    FindingKind.APEL: "Tidak mengikuti apel",
    FindingKind.LEFT: "Meninggalkan tugas pada jam kerja",
    FindingKind.FRAUD: "Lokasi palsu, telah diputuskan petugas",
    FindingKind.OUTSIDE: "Absen di luar tempat yang ditentukan",
    FindingKind.NO_EVIDENCE: "Bukti kerja tidak ada",
    FindingKind.IZIN: "Izin",
}
OF_THE_MONTH: Final = {
    "TK": "Tidak masuk tanpa keterangan: naik ke tangga persen jumlah hari TK sebulan",
    "TK_MINUTES": "Menit terlambat dan pulang awal sebulan mencapai satu hari TK",
    "CONSECUTIVE_FULL": "TK berturut-turut: potongan sebulan menjadi persen ini",
}
STATUSES: Final = {
    "PRESENT": "hadir", "ABSENT": "tanpa keterangan", "HOLIDAY": "libur", "OFF": "tidak bertugas", "LEAVE": "cuti/izin",
    "DL": "dinas luar", "PENDING": "belum diputuskan", "HELD": "ditahan, menunggu putusan petugas",
}  # fmt: skip
MARKS: Final = {"in": "masuk", "break": "istirahat", "out": "pulang"}
VERDICTS: Final = {"inside": "di dalam", "outside": "di luar", "unsure": "belum pasti di"}
CORRECTIONS: Final = {
    "leave": "cuti/dinas luar", "manual": "absen dicatat manual", "outage": "gangguan sistem", "outage_decision": "putusan gangguan",
    "fraud": "putusan lokasi palsu", "review": "putusan lokasi belum pasti", "apel": "tidak apel", "left": "meninggalkan tugas",
    "permission": "izin", "letter": "kegiatan dengan surat tugas", "move": "pindah unit",
}  # fmt: skip
STATES: Final = {"requested": "diajukan", "approved": "disetujui", "rejected": "ditolak"}


def long_date(date: dt.date) -> str:
    """A date with its weekday: "Senin, 2 Februari 2026"."""
    return f"{_WEEKDAYS[date.weekday()]}, {short_date(date)}"


def short_date(date: dt.date) -> str:
    """A date: "2 Februari 2026"."""
    return f"{date.day} {MONTHS[date.month - 1]} {date.year}"


def month_name(month: str) -> str:
    """A month: "2026-02" → "Februari 2026"."""
    return f"{MONTHS[int(month[5:]) - 1]} {month[:4]}"


def zone_name(timezone: str) -> str:
    """WIB, WITA, WIT; another zone by its own name."""
    return _ZONES.get(timezone, timezone)


def rupiah(amount: int) -> str:
    """Whole rupiah: "Rp 26.250", "-Rp 500"."""
    return f"{'-' if amount < 0 else ''}Rp {abs(amount):,}".replace(",", ".")


def decimals(text: str) -> str:
    """An exact number of the receipt with Indonesian separators: "2625.50" → "2.625,50"; a fraction stays one."""
    if "/" in text:
        return text
    whole, _, rest = text.partition(".")
    sign, digits = ("-", whole[1:]) if whole.startswith("-") else ("", whole)
    return f"{sign}{int(digits):,}".replace(",", ".") + (f",{rest}" if rest else "")


def percent(text: str) -> str:
    """An exact percent of the receipt: "0.50" → "0,50 %"."""
    return f"{decimals(text)} %"


def share(text: str) -> str:
    """A share of the receipt as a percent: "0.70" → "70 %"."""
    return f"{decimals(exact_text(parse_percent(text) * 100))} %"


_BY_CODE: Final = {
    "NO_WORK_REPORT": "Laporan kinerja harian tidak ada",
    "NO_PRESENCE": "Tidak ada absen yang sah dalam jam kerja",
    "CEREMONY": "Tidak mengikuti upacara",
}
"""Findings whose code says more than their kind; these codes are ours, not a policy's."""


def rule_of(finding: Finding, policy: Policy) -> tuple[str, Band | None]:
    """What was found and by which rule it is called so; the band of minutes where there is one. `policy` as it holds on the date."""
    minutes = finding.minutes or 0
    if finding.kind is FindingKind.LATE:
        made_up = ", diganti pada hari yang sama" if finding.compensable else ""
        return _banded(f"Terlambat {minutes} menit{made_up}{_by_rate(policy.late_rate)}", policy.tl_band(minutes))
    if finding.kind is FindingKind.EARLY:
        return _banded(f"Pulang {minutes} menit lebih awal{_by_rate(policy.early_rate)}", policy.psw_band(minutes))
    if finding.kind in (FindingKind.LEAVE, FindingKind.SICK):
        kind = finding.leave or ("sick" if finding.kind is FindingKind.SICK else "")
        letter = {True: ", dengan surat", False: ", tanpa surat", None: ""}[finding.letter]
        cause = "" if finding.reason is None else f" ({CAUSES.get(finding.reason, finding.reason)})"
        own, sort = finding.leave_alone, "rawat inap" if finding.inpatient else "rawat jalan"
        alone = "" if own is None else f" (ke-{own.nth_day} {sort})"
        return f"{_LEAVES.get(kind, 'cuti').capitalize()}{cause}, hari ke-{finding.nth_day or 1}{alone}{letter}", None
    if (text := _BY_CODE.get(finding.code)) is not None:
        return text, None
    reasons = ", ".join(_VOID.get(reason, reason) for reason in (finding.detail or "").split(",") if reason)
    return _PLAIN[finding.kind] + (f" (absen tidak dihitung: {reasons})" if reasons else ""), None


def _by_rate(rate: Rate | None) -> str:
    if rate is None:
        return ""
    how = {"full": "penuh", "started": "yang dimulai", "share": "sebanding"}[rate.count]
    most = "" if rate.most is None else f", paling banyak {percent(percent_text(rate.most))}"
    return f", {percent(percent_text(rate.pct))} tiap {rate.minutes} menit {how}{most}"


def _banded(text: str, band: Band | None) -> tuple[str, Band | None]:
    if band is None:
        return text, None
    upper = "ke atas" if band.max is None else f"s.d. {band.max}"
    return f"{text}, termasuk {band.code} ({band.min} {upper} menit)", band


def exact_text(value: Fraction) -> str:
    """An exact number without needless zeros: "26250", "26249.75", "105000/11"."""
    text = percent_text(value)
    return text.rstrip("0").rstrip(".") if "." in text else text
