"""What in a roster is against its scheme: stable codes, and the Indonesian sentence for each."""

import datetime as dt
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Literal
from uuid import UUID

from services.schedule.rules.schemes.bounds import Bounds

_DAYS: Final = ("Senin", "Selasa", "Rabu", "Kamis", "Jumat", "Sabtu", "Minggu")
_PER: Final = {"day": "", "week": "minggu mulai ", "month": "bulan mulai "}

NONE: Final = Bounds(0, 0)
"""Nothing is allowed."""


class BreachCode(StrEnum):
    """What is wrong; the codes are stable and may be relied on by programs."""

    QUOTA_OVER = "QUOTA_OVER"
    QUOTA_UNDER = "QUOTA_UNDER"
    PERSON_WEEK_OVER = "PERSON_WEEK_OVER"
    PERSON_WEEK_UNDER = "PERSON_WEEK_UNDER"
    FIXED_DAY = "FIXED_DAY"
    EXCLUDED_UNIT = "EXCLUDED_UNIT"
    EXCLUDED_GROUP = "EXCLUDED_GROUP"
    WEEKLY_LIMIT = "WEEKLY_LIMIT"
    NO_SCHEME = "NO_SCHEME"
    NOT_MEMBER = "NOT_MEMBER"


WARNINGS: Final = frozenset({BreachCode.WEEKLY_LIMIT, BreachCode.NO_SCHEME})
"""Codes that are worth a look and stand against nothing."""


@dataclass(frozen=True, slots=True)
class Breach:
    """One thing against the scheme: on a date (the first of a week or month), of a person, or of the whole unit (None).

    `counted` is what there is, `allowed` what the scheme allows, `owed` of how many person-days.
    """

    date: dt.date
    code: BreachCode
    per: Literal["day", "week", "month"] = "day"
    employee_id: UUID | None = None
    counted: int = 0
    allowed: Bounds = NONE
    owed: int = 0
    word: str = ""

    @property
    def warning(self) -> bool:
        """Whether it stands against nothing."""
        return self.code in WARNINGS

    @property
    def amount(self) -> int:
        """How many person-days it stands for: those beyond what the scheme allows, else the one day."""
        return max(self.counted - self.allowed.high, self.allowed.low - self.counted, 1)

    def fact(self) -> str:
        """What is wrong, in Indonesian, without anybody's name."""
        when = f"{_PER[self.per]}{day_words(self.date)}"
        return f"{when}: {_FACTS[self.code].format(b=self, span=_span(self.allowed), most=self.allowed.high)}"

    def sentence(self) -> str:
        """What is wrong, and what to do about it while it is only planned."""
        return f"{self.fact()}; {_ADVICE[self.code].format(b=self)}"


def day_words(date: dt.date) -> str:
    """A date with its weekday, e.g. Senin 2026-02-02."""
    return f"{_DAYS[date.weekday()]} {date}"


def _span(bounds: Bounds) -> str:
    return f"{bounds.low}" if bounds.low == bounds.high else f"{bounds.low} sampai {bounds.high}"


_FACTS: Final = {
    BreachCode.QUOTA_OVER: "{b.counted} dari {b.owed} orang-hari WFA, skema menetapkan {span}",
    BreachCode.QUOTA_UNDER: "hanya {b.counted} dari {b.owed} orang-hari WFA, skema menetapkan {span}",
    BreachCode.PERSON_WEEK_OVER: "{b.counted} hari WFA dari {b.owed} hari kerja, skema menetapkan {span}",
    BreachCode.PERSON_WEEK_UNDER: "hanya {b.counted} hari WFA dari {b.owed} hari kerja, skema menetapkan {span}",
    BreachCode.FIXED_DAY: "skema menetapkan {b.word} untuk semua orang pada hari ini",
    BreachCode.EXCLUDED_UNIT: "WFA, padahal unit ini dikecualikan dari skema (pelayanan langsung)",
    BreachCode.EXCLUDED_GROUP: "WFA, padahal kelompok {b.word} dikecualikan dari skema",
    BreachCode.WEEKLY_LIMIT: "{b.counted} hari WFA seminggu, lebih dari {most} (PermenPANRB 4/2025)",
    BreachCode.NO_SCHEME: "WFA tanpa skema yang berlaku",
    BreachCode.NOT_MEMBER: "pegawai bukan anggota unit ini pada hari ini",
}
_ADVICE: Final = {
    BreachCode.QUOTA_OVER: "pindahkan kelebihannya ke WFO",
    BreachCode.QUOTA_UNDER: "tambah WFA",
    BreachCode.PERSON_WEEK_OVER: "pindahkan ke WFO",
    BreachCode.PERSON_WEEK_UNDER: "tambah WFA",
    BreachCode.FIXED_DAY: "ubah menjadi {b.word}",
    BreachCode.EXCLUDED_UNIT: "ubah menjadi WFO",
    BreachCode.EXCLUDED_GROUP: "ubah menjadi WFO",
    BreachCode.WEEKLY_LIMIT: "roster tetap dapat diterapkan",
    BreachCode.NO_SCHEME: "terapkan skemanya dulu, atau ubah menjadi WFO",
    BreachCode.NOT_MEMBER: "hapus barisnya",
}
