"""How the invented people behave: for each person and date a plan whose outcome is known by construction.

A plan says in plain minutes what was intended (12 late, no mark for going home) and lists the check-ins
that carry it out. The truth is computed from the intention; the product only ever sees the check-ins.
"""

import datetime as dt
from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from uuid import UUID

from services.simulator.chance import Chance
from services.simulator.duty import Owed, owed
from services.simulator.places import Point
from services.simulator.province import Person, Province
from shared.events import Mark, Mode


class Conduct(StrEnum):
    """What somebody does on a working day, told by its outcome."""

    ON_TIME = "on time"
    LAST_SECOND = "in the last second of the minute of the start"
    LATE = "late"
    EARLY = "left early"
    LATE_AND_EARLY = "late and left early"
    NO_IN = "no check-in"
    NO_OUT = "no check-out"
    ABSENT = "absent"
    OUTSIDE = "both marks outside"
    OUTSIDE_THEN_INSIDE = "first mark outside, the next inside"
    RESENT = "the same check-in sent twice"
    TWICE = "marked twice"
    OFFLINE = "offline, uploaded after the day was closed"
    UNSURE = "position too poor to tell"
    NO_EVIDENCE = "from anywhere without a photo"


_AT_THE_OFFICE: Final[tuple[tuple[Conduct, int], ...]] = (
    (Conduct.ON_TIME, 640), (Conduct.LAST_SECOND, 20), (Conduct.LATE, 90), (Conduct.EARLY, 40),
    (Conduct.LATE_AND_EARLY, 20), (Conduct.NO_IN, 15), (Conduct.NO_OUT, 25), (Conduct.ABSENT, 25),
    (Conduct.OUTSIDE, 15), (Conduct.OUTSIDE_THEN_INSIDE, 15), (Conduct.RESENT, 30), (Conduct.TWICE, 30),
    (Conduct.OFFLINE, 25), (Conduct.UNSURE, 10),
)
_FROM_ANYWHERE: Final = (
    *(row for row in _AT_THE_OFFICE if row[0] not in (Conduct.UNSURE, Conduct.OUTSIDE_THEN_INSIDE)),
    (Conduct.NO_EVIDENCE, 25),
)

_VANISHED_PER_MILLE: Final = 4
"""People who never come at all: their month runs into the cap."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """One check-in as a phone makes it; `arrives` is when it reaches the server, `copies` how often it is sent."""

    check_in_id: UUID
    mark: Mark
    captured: dt.datetime
    arrives: dt.datetime
    place: Point
    accuracy_m: float
    evidence: bool
    copies: int = 1


@dataclass(frozen=True, slots=True)
class DayPlan:
    """One person's day: what was owed, what was intended, and the check-ins that carry it out.

    `late` and `early` are intended whole minutes, None when there is no valid mark of that kind.
    `void` counts marks that were made in the wrong place, `without_photo` those without evidence.
    """

    person: Person
    date: dt.date
    owed: Owed
    conduct: Conduct | None
    late: int | None = None
    early: int | None = None
    void: int = 0
    without_photo: int = 0
    unsure: bool = False
    stamps: tuple[Stamp, ...] = ()


def conduct_of(province: Province, person: Person, date: dt.date, mode: Mode) -> Conduct:
    """What this person does on this working day."""
    if Chance(province.seed, "vanished", person.number).below(1000) < _VANISHED_PER_MILLE:
        return Conduct.ABSENT
    chance = Chance(province.seed, "conduct", person.number, date)
    return chance.pick(_FROM_ANYWHERE if mode is Mode.WFA else _AT_THE_OFFICE)


def plan(province: Province, person: Person, date: dt.date) -> DayPlan:
    """The plan of this person for this date; the same whenever it is asked for."""
    duty = owed(province.seed, person, date)
    if duty.start is None or duty.end is None:
        return DayPlan(person, date, duty, None)
    conduct = conduct_of(province, person, date, duty.mode)
    return _Planner(province, person, date, duty, duty.start, duty.end, conduct).plan()


class _Planner:
    """Draws one day's times and places; a class only so that the draws share one `Chance`."""

    def __init__(
        self, province: Province, person: Person, date: dt.date, duty: Owed,
        start: dt.datetime, end: dt.datetime, conduct: Conduct,
    ) -> None:
        self.province, self.person, self.date, self.duty = province, person, date, duty
        self.start, self.end, self.conduct = start, end, conduct
        self.chance = Chance(province.seed, "day", person.number, date)
        self.stamps: list[Stamp] = []

    def plan(self) -> DayPlan:
        """Choose minutes by conduct, then make the marks."""
        late: int | None = 0
        early: int | None = 0
        void = without_photo = 0
        match self.conduct:
            case Conduct.LATE:
                late = self._minutes()
            case Conduct.EARLY:
                early = self._minutes()
            case Conduct.LATE_AND_EARLY:
                late, early = self._minutes(), self._minutes()
            case Conduct.NO_IN | Conduct.NO_EVIDENCE:
                late = None
            case Conduct.NO_OUT:
                early = None
            case Conduct.ABSENT | Conduct.OUTSIDE:
                late = early = None
            case Conduct.OUTSIDE_THEN_INSIDE:
                late = self.chance.between(5, 55)
            case _:
                pass
        if self.conduct is Conduct.OUTSIDE:
            self._in(-10, "beyond")
            self._out(0, "beyond")
            void = 2
        if self.conduct is Conduct.OUTSIDE_THEN_INSIDE:
            self._in(-10, "beyond")
            void = 1
        if self.conduct is Conduct.NO_EVIDENCE:
            self._in(0, "within", evidence=False)
            without_photo = 1
        if late is not None:
            self._in(late, "edge" if self.conduct is Conduct.UNSURE else "within")
        if early is not None:
            self._out(early, "within")
        return DayPlan(
            self.person, self.date, self.duty, self.conduct, late, early, void, without_photo,
            self.conduct is Conduct.UNSURE, tuple(self.stamps),
        )

    def _minutes(self) -> int:
        """Minutes of lateness or early leaving: every band's first and last, and anything between."""
        edges = (1, 30, 31, 60, 61, 90, 91)
        return edges[self.chance.below(len(edges))] if self.chance.below(3) == 0 else self.chance.between(1, 140)

    def _in(self, late: int, where: str, *, evidence: bool = True) -> None:
        """The mark(s) for coming: `late` minutes after the start, some time before it for 0 and less."""
        if late > 0:
            at = self.start + dt.timedelta(minutes=late, seconds=self.chance.below(60))
        elif self.conduct is Conduct.LAST_SECOND:
            at = self.start + dt.timedelta(seconds=59, milliseconds=self.chance.below(1000))
        else:
            # Most people come in the last quarter of an hour (domain §6).
            minutes = self.chance.between(0, 14) if self.chance.below(10) < 7 else self.chance.between(15, 40)
            at = self.start - dt.timedelta(minutes=minutes, seconds=self.chance.below(60))
        self._stamp(Mark.IN, at, where, evidence)
        if self.conduct is Conduct.TWICE:
            self._stamp(Mark.IN, at + dt.timedelta(minutes=self.chance.between(1, 50)), where, evidence)

    def _out(self, early: int, where: str) -> None:
        """The mark(s) for going home: `early` minutes before the end, or some time after it for 0."""
        if early > 0:
            at = self.end - dt.timedelta(minutes=early) + dt.timedelta(seconds=self.chance.below(60))
        else:
            at = self.end + dt.timedelta(minutes=self.chance.between(0, 90), seconds=self.chance.below(60))
        if self.conduct is Conduct.TWICE:
            self._stamp(Mark.OUT, self.end - dt.timedelta(minutes=self.chance.between(1, 50)), where, evidence=True)
        self._stamp(Mark.OUT, at, where, evidence=True)

    def _stamp(self, mark: Mark, at: dt.datetime, where: str, evidence: bool) -> None:
        arrives = at + dt.timedelta(seconds=self.chance.between(1, 5))
        if self.conduct is Conduct.OFFLINE:
            # The phone finds a network again only when the day has been closed (four hours after its end).
            arrives = self.end + dt.timedelta(hours=5, minutes=self.chance.below(90))
        self.stamps.append(Stamp(
            check_in_id=self.province.identity("check-in", self.person.number, self.date, len(self.stamps)),
            mark=mark,
            captured=at,
            arrives=arrives,
            place=self._place(where),
            accuracy_m=450.0 if where == "edge" else float(self.chance.between(4, 10)),
            evidence=evidence,
            copies=2 if self.conduct is Conduct.RESENT else 1,
        ))

    def _place(self, where: str) -> Point:
        region, office = self.person.unit.region, self.person.office
        if self.duty.mode is Mode.WFA:
            return region.away(self.chance) if where == "beyond" else region.anywhere(self.chance)
        match where:
            case "beyond":
                return office.beyond(self.chance)
            case "edge":
                return office.edge(self.chance)
            case _:
                return office.within(self.chance)
