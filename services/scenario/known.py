"""What the system has learnt at a point of a story: stamps, facts and places by employee, ready for the rules."""

import datetime as dt
from collections import defaultdict
from typing import Any
from uuid import NAMESPACE_OID, UUID, uuid5
from zoneinfo import ZoneInfo

from services.geofence.rules.locate import Fix, eve_of, locate
from services.geofence.rules.sites import Catalogue, Site
from services.scenario.arrivals import (
    Activity,
    Apel,
    Arrival,
    CheckIn,
    CloseMonth,
    Fraud,
    Leave,
    Left,
    Letter,
    Manual,
    Move,
    Now,
    Outage,
    OutageDecision,
    Permission,
    Review,
    WorkReport,
)
from services.scenario.model import Person, Scenario, SiteRow
from services.schedule import rules
from services.schedule.rules import Fact, MarkSeen
from shared.events import Mark, Mode, Verdict

_NAMESPACE = uuid5(NAMESPACE_OID, "hadir-scenario")


def id_of(scenario: str, what: str, name: str) -> UUID:
    """The id that a name of a story stands for; the same in every pure run."""
    return uuid5(_NAMESPACE, f"{scenario}|{what}|{name}")


class Known:
    """Grows with each arrival; arrivals may come twice, later words on the same thing replace earlier ones."""

    def __init__(self, scenario: Scenario) -> None:
        """Start with nothing known but the story's people and places; the clock has not been set yet."""
        self.scenario = scenario
        self.clock: dt.datetime | None = None
        self._turn = 0
        self._check_ins: dict[str, CheckIn] = {}
        self._letters: dict[str, Letter] = {}
        self._moves: dict[str, dict[dt.date, str]] = defaultdict(dict)
        self._facts: dict[str, dict[UUID, Fact]] = defaultdict(dict)

    def learn(self, arrival: Arrival) -> None:
        """Take in one arrival; `close_month` is not knowledge and changes nothing here."""
        self._turn += 1
        match arrival:
            case Now():
                self.clock = arrival.now
            case CheckIn():
                # The same id again is the same check-in: the first word stands.
                self._check_ins.setdefault(arrival.check_in, arrival)
            case Letter():
                self._letters[arrival.letter] = arrival
            case Move():
                self._moves[arrival.employee][arrival.since] = arrival.to_unit
            case CloseMonth():
                pass
            case _:
                self._learn_fact(arrival)

    def _learn_fact(self, arrival: Arrival) -> None:
        match arrival:
            case Leave(leave=name, employee=employee, kind=kind):
                letter = None if arrival.letter is None else bool(arrival.letter)
                self._note(employee, rules.Leave(
                    self._id("leave", name), kind, arrival.since, arrival.until, letter=letter, inpatient=arrival.inpatient,
                    reason=arrival.reason,
                ))
            case Outage(outage=name):
                affected = arrival.employees or tuple(person.id for person in self.scenario.employees)
                for employee in affected:
                    if arrival.unit is None or self.unit_of(employee, arrival.since.date()) == arrival.unit:
                        self._note(employee, rules.Outage(self._id("outage", name), arrival.since, arrival.until))
            case OutageDecision(outage_decision=name, decision=decision):
                for person in self.scenario.employees:
                    decided = rules.OutageDecided(self._id("outage", name), decision, self._moment())
                    self._note(person.id, decided, self._id("outage-decision", name))
            case Manual(manual=name, employee=employee):
                self._note(employee, rules.Manual(self._id("manual", name), arrival.mark, arrival.at))
            case Apel(apel=name):
                for employee in arrival.absent:
                    self._note(employee, rules.ApelMissed(self._id("apel", name), arrival.date, arrival.ceremony))
            case Fraud():
                for name in arrival.fraud.check_ins:
                    decided_fraud = rules.FraudDecided(self.check_in_id(name), arrival.fraud.decision, self._moment())
                    self._note(self.scenario.author_of(name), decided_fraud, self._id("fraud", name))
            case Review(review=name, decision=word):
                reviewed = rules.Reviewed(self.check_in_id(name), word, self._moment())
                self._note(self.scenario.author_of(name), reviewed, self._id("review", name))
            case WorkReport(work_report=name, employee=employee):
                self._note(employee, rules.WorkReported(self._id("work-report", name), arrival.date))
            case Left(left=name, employee=employee):
                self._note(employee, rules.LeftDuringHours(self._id("left", name), arrival.date))
            case Permission(permission=name, employee=employee):
                self._note(employee, rules.Permission(self._id("permission", name), arrival.date))

    def facts_of(self, employee: str) -> tuple[Fact, ...]:
        """Every fact known about the employee."""
        return tuple(self._facts[employee].values())

    def marks_of(self, employee: str) -> tuple[MarkSeen, ...]:
        """Every check-in of the employee, judged by all places known by now: a letter may come after its check-ins."""
        return tuple(self._judge(row) for row in self._check_ins.values() if row.employee == employee)

    def unit_of(self, employee: str, date: dt.date) -> str:
        """The unit's name to which the employee belongs on a date."""
        moves = [(since, unit) for since, unit in self._moves[employee].items() if since <= date]
        return max(moves)[1] if moves else self.person(employee).unit

    def person(self, employee: str) -> Person:
        """The employee's row in the file."""
        return next(person for person in self.scenario.employees if person.id == employee)

    def zone_of(self, employee: str) -> str:
        """The employee's time zone."""
        return self.person(employee).timezone or self.scenario.timezone

    def check_in_id(self, name: str) -> UUID:
        """Id of a check-in of the story."""
        return self._id("check-in", name)

    def _judge(self, row: CheckIn) -> MarkSeen:
        mark = MarkSeen(self.check_in_id(row.check_in), 1, row.mark, row.at, mock=row.mock, evidence=row.evidence)
        if row.lat is not None and row.lon is not None:
            return self._judge_position(row, mark)
        letter = self._letters.get(row.place or "")
        if row.verdict is None:
            held = letter is not None and self._invites(letter, row)
            verdict = Verdict.INSIDE if held else Verdict.OUTSIDE
            return _with(mark, verdict, verdict, activity=held)
        if row.mode is Mode.WFA:
            return _with(mark, Verdict.OUTSIDE, row.verdict)
        return _with(mark, row.verdict, row.verdict)

    def _judge_position(self, row: CheckIn, mark: MarkSeen) -> MarkSeen:
        eve = self._eve_of(row)
        fix = Fix(
            self._id("employee", row.employee), self._unit_at(row.employee, row.at), row.at, row.lat or 0.0, row.lon or 0.0, row.accuracy,
            None if eve is None else (self._unit_at(row.employee, eve), eve),
        )
        [found] = locate(Catalogue(self._sites()), [fix])
        return _with(mark, found.site, found.region, activity=found.activity_site, bad_fix=found.quality == "bad_fix")

    def _eve_of(self, row: CheckIn) -> dt.datetime | None:
        """The evening before a check-out of the morning, by whose places it is judged as well."""
        return eve_of(row.at, ZoneInfo(self.zone_of(row.employee))) if row.mark is Mark.OUT else None

    def _unit_at(self, employee: str, moment: dt.datetime) -> UUID:
        return self._id("unit", self.unit_of(employee, moment.astimezone(ZoneInfo(self.zone_of(employee))).date()))

    def _sites(self) -> list[Site]:
        sites = [self._site(row) for row in self.scenario.sites]
        for letter in self._letters.values():
            place = letter.activity
            if isinstance(place, Activity) and place.lat is not None and place.lon is not None:
                since, until = self._span(letter, letter.employees[0])
                sites.append(Site(
                    self._id("letter", letter.letter), 1, "activity", {"type": "Point", "coordinates": [place.lon, place.lat]},
                    place.radius_m or 100.0, (), tuple(self._id("employee", name) for name in letter.employees), since, until,
                ))
        return sites

    def _site(self, row: SiteRow) -> Site:
        if row.polygon is None:
            geometry: dict[str, Any] = {"type": "Point", "coordinates": [row.lon, row.lat]}
        else:
            ring = [[lon, lat] for lat, lon in row.polygon]
            geometry = {"type": "Polygon", "coordinates": [[*ring, ring[0]]]}
        units = {person.unit for person in self.scenario.employees} | {unit for moves in self._moves.values() for unit in moves.values()}
        for_units = () if row.employees else tuple(
            self._id("unit", unit) for unit in ((row.unit,) if row.unit else sorted(units))
        )
        return Site(
            self._id("site", row.id), 1, row.kind, geometry, row.radius_m, for_units,
            tuple(self._id("employee", name) for name in row.employees),
        )

    def _invites(self, letter: Letter, row: CheckIn) -> bool:
        since, until = self._span(letter, row.employee)
        return row.employee in letter.employees and any(since <= at < until for at in (row.at, self._eve_of(row)) if at is not None)

    def _span(self, letter: Letter, employee: str) -> tuple[dt.datetime, dt.datetime]:
        """Instants between which the letter holds; whole dates count in the employee's zone, the last one included."""
        zone = ZoneInfo(self.zone_of(employee))
        since, until = letter.since, letter.until
        if not isinstance(since, dt.datetime):
            since = dt.datetime.combine(since, dt.time(), zone)
        if not isinstance(until, dt.datetime):
            until = dt.datetime.combine(until + dt.timedelta(days=1), dt.time(), zone)
        return since, until

    def _note(self, employee: str, fact: Fact, key: UUID | None = None) -> None:
        self._facts[employee][key or fact.id] = fact  # type: ignore[union-attr]  # decisions come with their key

    def _moment(self) -> dt.datetime:
        """An instant that only orders decisions: later arrivals are later."""
        return dt.datetime(2000, 1, 1, tzinfo=dt.UTC) + dt.timedelta(seconds=self._turn)

    def _id(self, what: str, name: str) -> UUID:
        return id_of(self.scenario.id, what, name)


def _with(
    mark: MarkSeen, site: Verdict, region: Verdict, *, activity: bool = False, bad_fix: bool = False
) -> MarkSeen:
    return MarkSeen(
        mark.check_in_id, mark.version, mark.mark, mark.at, site, region, activity, bad_fix, mark.mock, mark.evidence,
    )
