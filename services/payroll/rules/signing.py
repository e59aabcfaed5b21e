"""How a month becomes a fact: OPEN → REVIEW → SIGNED (level by level, each by another person) → PAID; decided over values.

Until the last signature the figures follow the days, and a month under review may be returned; a signature stands for exact
figures, so that the next level can only sign the same ones. With the last signature they are frozen, what comes later is
owed as a supplement in the next open month.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias
from uuid import UUID
from zoneinfo import ZoneInfo

from shared.roles import plain_name

State: TypeAlias = Literal["OPEN", "REVIEW", "SIGNED", "PAID"]
Action: TypeAlias = Literal["review", "return", "sign", "close", "pay"]

MOST_LEVELS: Final = 9
LAST_MIDNIGHT: Final = ZoneInfo("Asia/Jakarta")
"""WIB: of the three Indonesian zones the one in which a month ends last."""


class MonthRefused(ValueError):
    """A step that a month cannot take; the text says why and what to do, in Indonesian."""


@dataclass(frozen=True, slots=True)
class Uncovered:
    """People of one org unit (None: not known) of whom no rupiah can be known: there is no ceiling for them.

    Days of theirs were assessed, or they owe something from closed months, which is carried on until a TPP holds it. `charged` of
    the `people` have a deduction in percent. `employee_id` and `nip` are one of them, a charged one where there is one.
    """

    org_unit_id: UUID | None
    people: int
    charged: int
    employee_id: UUID
    nip: str | None


class CeilingsMissing(MonthRefused):
    """A month would become a fact with Rp 0 for people whose ceiling nobody imported; `uncovered` says whose, unit by unit."""

    def __init__(self, month: str, uncovered: Sequence[Uncovered]) -> None:
        self.uncovered = uncovered
        super().__init__(
            f"{without_ceiling(month, uncovered)}; impor pagunya dahulu (0 bagi yang memang tidak ber-TPP), atau nyatakan tetap"
            " ditandatangani (despite_missing_ceilings) dengan alasan; pagu yang datang sesudahnya menjadi susulan"
        )


def without_ceiling(month: str, uncovered: Sequence[Uncovered]) -> str:
    """How many people have no ceiling, and what that does to them, in Indonesian."""
    people, charged = sum(one.people for one in uncovered), sum(one.charged for one in uncovered)
    return (
        f"{people} pegawai belum berpagu TPP bulan {month} (atau upah yang dipotong); {charged} di antaranya terkena potongan, yang tanpa"
        " pagu menjadi Rp 0"
    )


@dataclass(frozen=True, slots=True)
class Level:
    """One signature that a month needs: its place (from 1), what it is called, the role that signs ("": any)."""

    level: int
    name: str
    role: str = ""


ANYBODY: Final = (Level(1, "penanda tangan"),)
"""The levels where a province has configured none."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What a month comes to for those who live by one clock, with the SHA-256 of everybody's amounts (hexadecimal).

    `open_days` are days that were assessed and are not final yet.
    """

    people: int
    with_ceiling: int
    rupiah: int
    open_days: int
    digest: str


@dataclass(frozen=True, slots=True)
class Asked:
    """What somebody asks of a month. `reference`: of a payment (SP2D). `command_id` is the same when a command is repeated."""

    action: Action
    command_id: UUID
    actor: str
    role: str = ""
    reason: str = ""
    reference: str | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """A step that a month has taken, and where it stands since; times aware. `figures` are those it was taken over.

    `uncovered` people had no ceiling, and whoever took the step said that it be taken nevertheless; None where nobody had to.
    """

    number: int
    asked: Asked
    state: State
    at: dt.datetime
    level: int | None = None
    people: int | None = None
    rupiah: int | None = None
    figures: str | None = None
    uncovered: int | None = None


def state_of(steps: Sequence[Step]) -> State:
    """Where a month stands after its steps."""
    return steps[-1].state if steps else "OPEN"


def signatures(steps: Sequence[Step]) -> list[Step]:
    """The signatures that count: those since the month was last put under review."""
    signed: list[Step] = []
    for step in steps:
        if step.asked.action == "sign":
            signed.append(step)
        elif step.state in ("OPEN", "REVIEW"):
            signed = []
    return signed


def last_of(levels: Sequence[Level], steps: Sequence[Step]) -> bool:
    """Whether the next signature is the one with which the figures become a fact."""
    return len(signatures(steps)) + 1 >= len(levels or ANYBODY)


def has_ended(month: str, now: dt.datetime) -> bool:
    """Whether a month is over everywhere in Indonesia at an instant (aware)."""
    return f"{now.astimezone(LAST_MIDNIGHT):%Y-%m}" > month


def next_step(
    asked: Asked, steps: Sequence[Step], levels: Sequence[Level], figures: Figures, now: dt.datetime, *, one_step: bool = True
) -> Step:
    """The step that a month takes next; raises MonthRefused where it cannot.

    `one_step`: whether the month may be closed by one person without review (never where levels are configured and real
    people's money is meant).
    """
    if asked.reference is not None and asked.action != "pay":
        raise MonthRefused("nomor pembayaran (SP2D) hanya untuk mencatat pembayaran (`pay`)")
    state = state_of(steps)
    number, after, level = len(steps) + 1, state, None
    match asked.action:
        case "review":
            _only("OPEN", state, "diajukan untuk diperiksa")
            _of_somebody(figures)
            after = "REVIEW"
        case "return":
            _only("REVIEW", state, "dikembalikan")
            _given(asked.reason, "alasan pengembalian wajib diisi (--reason)")
            after = "OPEN"
        case "sign":
            _only("REVIEW", state, "ditandatangani")
            level, after = _signed(asked, steps, levels or ANYBODY, figures)
        case "close":
            _only("OPEN", state, "ditutup langsung")
            _of_somebody(figures)
            if not one_step:
                raise MonthRefused(
                    "tingkat tanda tangan sudah diatur; ajukan dengan `hadir month review`, lalu setiap tingkat menandatangani"
                    " dengan `hadir month sign`"
                )
            after = "SIGNED"
        case "pay":
            _only("SIGNED", state, "dinyatakan terbayar")
            _given(asked.reference or "", "nomor pembayaran (SP2D) wajib diisi (--reference)")
            after = "PAID"
    return Step(number, asked, after, now, level, figures.people, figures.rupiah, figures.digest)


def _signed(asked: Asked, steps: Sequence[Step], levels: Sequence[Level], figures: Figures) -> tuple[int, State]:
    before = signatures(steps)
    level = levels[len(before)]
    if level.role and asked.role != level.role:
        mine = asked.role or "tanpa peran"
        raise MonthRefused(f"tingkat {level.level} ({level.name}) ditandatangani oleh peran {level.role}, bukan {mine}")
    for earlier in before:
        if plain_name(earlier.asked.actor) == plain_name(asked.actor):
            raise MonthRefused(f"Anda sudah menandatangani tingkat {earlier.level}; tingkat {level.level} ({level.name}) harus orang lain")
        if earlier.figures != figures.digest:
            moved = figures.rupiah - (earlier.rupiah or 0)
            raise MonthRefused(
                f"angka berubah sejak tanda tangan tingkat {earlier.level} (selisih jumlah Rp {moved:,}".replace(",", ".")
                + "); kembalikan dengan `hadir month return`, ajukan lagi, dan tandatangani lagi dari tingkat 1"
            )
    return level.level, "SIGNED" if len(before) + 1 == len(levels) else "REVIEW"


_STANDS: Final = {
    "OPEN": "masih terbuka", "REVIEW": "sedang diperiksa", "SIGNED": "sudah ditandatangani", "PAID": "sudah dibayar",
}  # fmt: skip
_WHAT_NOW: Final = {
    "OPEN": "ajukan dahulu dengan `hadir month review`",
    "REVIEW": "tandatangani dengan `hadir month sign`, atau kembalikan dengan `hadir month return`",
    "SIGNED": "angkanya sudah menjadi fakta; koreksi menjadi susulan bulan berikutnya, pembayaran dicatat dengan `hadir month pay`",
    "PAID": "angkanya sudah menjadi fakta; koreksi menjadi susulan bulan berikutnya",
}  # fmt: skip


def _only(needed: State, state: State, what: str) -> None:
    if state != needed:
        raise MonthRefused(f"bulan ini {_STANDS[state]}, jadi tidak dapat {what}: {_WHAT_NOW[state]}")


def _of_somebody(figures: Figures) -> None:
    if not figures.people:
        raise MonthRefused("belum ada seorang pun yang dinilai pada bulan ini; periksa bulannya (--month)")


def _given(text: str, problem: str) -> None:
    if not text.strip():
        raise MonthRefused(problem)
