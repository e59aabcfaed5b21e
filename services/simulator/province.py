"""The invented province: its org units, offices and people, each computable from its number alone.

Everything visibly invented: people are called "Contoh 000123 Sintetis", their NIPs have the right shape
and an impossible birth year. Nothing is kept per person, so that 300,000 people cost no memory.
"""

import datetime as dt
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from hashlib import blake2b
from typing import Final
from uuid import UUID, uuid5

from services.simulator.chance import Chance
from services.simulator.places import REGIONS, Office, Region, grid_point
from shared.events import HADIR_NAMESPACE, EmployeeKind


class UnitKind(StrEnum):
    """What sort of org unit: the biggest are always education and health (domain §6)."""

    EDUCATION = "Dinas Pendidikan"
    HOSPITAL = "RSUD"
    HEALTH = "Dinas Kesehatan"
    OFFICE = "Kantor"


# Kind, percent of a region's people, largest unit of this kind, people per office.
_KINDS: Final = (
    (UnitKind.EDUCATION, 43, 6_000, 180),
    (UnitKind.HOSPITAL, 10, 1_500, 600),
    (UnitKind.HEALTH, 4, 2_000, 120),
    (UnitKind.OFFICE, 43, 90, 90),
)

_NIP_BIRTHDAYS: Final = 10 * 12 * 28
_NIP_APPOINTMENTS: Final = 100 * 12
_NIP_SPACE: Final = _NIP_BIRTHDAYS * _NIP_APPOINTMENTS * 2 * 999


@dataclass(frozen=True, slots=True)
class Unit:
    """One OPD: people number `first` to `first + size - 1` belong to it and may check in at all its offices.

    `public_service` units (Perpres 21/2023 Art. 7) are never sent to work from anywhere.
    `pack` names the rule pack that holds for it.
    """

    number: int
    code: str
    name: str
    kind: UnitKind
    region: Region
    first: int
    size: int
    offices: tuple[Office, ...]
    pack: str

    @property
    def public_service(self) -> bool:
        """Serves the public directly: no work from anywhere."""
        return self.kind in (UnitKind.HOSPITAL, UnitKind.HEALTH)


@dataclass(frozen=True, slots=True)
class Person:
    """One invented employee; `ceiling` is the TPP of a month in rupiah, `nurse` works rostered shifts."""

    number: int
    employee_id: UUID
    nip: str
    name: str
    kind: EmployeeKind
    group: str
    unit: Unit
    office: Office
    ceiling: int
    nurse: bool


@dataclass(frozen=True)
class Province:
    """A province of `employees` invented people, the same for the same seed, first day and round.

    `round` tells several plays of the same day on one stack apart: each gets ids, codes and a clock of its own.
    """

    seed: int
    employees: int
    first_day: dt.date
    days: int = 1
    round: int = 1

    @property
    def label(self) -> str:
        """Name of this play; also the name of its played clock."""
        return f"{self.family}-r{self.round}"

    @property
    def family(self) -> str:
        """What all rounds of the same play have in common."""
        return f"sim-{self.seed}-{self.first_day:%Y%m%d}-{self.days}d-{self.employees}"

    @property
    def last_day(self) -> dt.date:
        """The last business date that is played."""
        return self.first_day + dt.timedelta(days=self.days - 1)

    @property
    def dates(self) -> tuple[dt.date, ...]:
        """All business dates that are played, weekends and holidays included."""
        return tuple(self.first_day + dt.timedelta(days=number) for number in range(self.days))

    @property
    def months(self) -> tuple[str, ...]:
        """The months touched, as YYYY-MM."""
        return tuple(sorted({f"{date:%Y-%m}" for date in self.dates}))

    @cached_property
    def tag(self) -> str:
        """Short prefix that makes the codes of this play's units and sites unique."""
        return "SIM" + blake2b(self.label.encode(), digest_size=4).hexdigest().upper()

    @cached_property
    def _namespace(self) -> UUID:
        return uuid5(HADIR_NAMESPACE, self.label)

    def identity(self, *key: object) -> UUID:
        """The id of anything in this play: the same for the same key."""
        return uuid5(self._namespace, "|".join(map(str, key)))

    @cached_property
    def units(self) -> tuple[Unit, ...]:
        """All org units, in the order of their people's numbers."""
        units: list[Unit] = []
        first = 0
        for region, people in zip(REGIONS, _split(self.employees, [r.share for r in REGIONS]), strict=True):
            sites = 0
            for (kind, _, largest, per_office), of_kind in zip(
                _KINDS, _split(people, [k[1] for k in _KINDS]), strict=True
            ):
                count = -(-of_kind // largest)
                for size in _split(of_kind, [1] * count):
                    offices = -(-size // per_office)
                    units.append(self._unit(len(units), kind, region, first, size, sites, offices))
                    first += size
                    sites += offices
        return tuple(units)

    def _unit(self, number: int, kind: UnitKind, region: Region, first: int, size: int, site: int, sites: int) -> Unit:
        code = f"{self.tag}-{number:04d}"
        offices = tuple(
            Office(
                code=f"{code}-{index:02d}",
                name=f"{kind} contoh {number:04d}, gedung {index + 1}",
                centre=grid_point(region, site + index),
                size_m=80.0 + Chance(self.seed, "office", number, index).below(60),
                circle=(number + index) % 3 != 0,
            )
            for index in range(sites)
        )
        match kind:
            case UnitKind.HOSPITAL:
                pack = "POL-G"
            case UnitKind.OFFICE if number % 5 == 0:
                pack = "POL-E"
            case UnitKind.EDUCATION if region.letter == "P":
                pack = "POL-B"
            case _:
                pack = "POL-A"
        return Unit(number, code, f"{kind} contoh {number:04d}", kind, region, first, size, offices, pack)

    @cached_property
    def _firsts(self) -> list[int]:
        return [unit.first for unit in self.units]

    def person(self, number: int) -> Person:
        """The person of this number (from 0)."""
        unit = self.units[bisect_right(self._firsts, number) - 1]
        chance = Chance(self.seed, "person", number)
        kind = chance.pick(((EmployeeKind.PNS, 60), (EmployeeKind.PPPK, 33), (EmployeeKind.PPPK_PW, 5), (EmployeeKind.CPNS, 2)))
        group = chance.pick((("structural", 8), ("functional", 47), ("pelaksana", 45)))
        return Person(
            number=number,
            employee_id=self.identity("employee", number),
            nip=self._nip(number),
            name=f"Contoh {number:06d} Sintetis",
            kind=kind,
            group=group,
            unit=unit,
            office=unit.offices[number % len(unit.offices)],
            ceiling=chance.between(1_750_000, 14_250_000),
            nurse=unit.kind is UnitKind.HOSPITAL and chance.below(100) < 75,
        )

    def people(self) -> Iterator[Person]:
        """Everybody, one after the other."""
        return map(self.person, range(self.employees))

    @cached_property
    def _nip_start(self) -> int:
        return int.from_bytes(blake2b(self.label.encode(), digest_size=8).digest(), "big") % _NIP_SPACE

    def _nip(self, number: int) -> str:
        """18 digits of the right shape whose birth year 1900 to 1909 no civil servant in service can have."""
        rest, serial = divmod((self._nip_start + number) % _NIP_SPACE, 999)
        rest, sex = divmod(rest, 2)
        rest, appointed = divmod(rest, _NIP_APPOINTMENTS)
        rest, day = divmod(rest, 28)
        year, month = divmod(rest, 12)
        return (
            f"{1900 + year}{month + 1:02d}{day + 1:02d}"
            f"{1900 + appointed // 12}{appointed % 12 + 1:02d}{sex + 1}{serial + 1:03d}"
        )


def _split(total: int, weights: list[int]) -> list[int]:
    """`total` in whole shares by weight that add up exactly; the remainder goes to the first ones."""
    if not weights:
        return []
    whole = sum(weights)
    shares = [total * weight // whole for weight in weights]
    for index in range(total - sum(shares)):
        shares[index] += 1
    return shares
