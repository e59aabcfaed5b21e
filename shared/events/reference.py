"""Reference data, each event the full state: people, units, weeks, rule packs, schemes, rosters, calendars, sites."""

import datetime as dt
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AwareDatetime, Field

from shared.events.base import Code, EmployeeKind, Event, Metres, Mode, Month, Text, Version


class UnitMembership(Event):
    """From this business date on the employee belongs to this org unit."""

    since: dt.date
    org_unit_id: UUID


class WeekAssignment(Event):
    """From this business date on the employee works this week pattern, by its code; "-": that of the unit, or of everybody, again."""

    since: dt.date
    week: Code


class RankAssignment(Event):
    """From this business date on the employee is of this kind, group and job class (kelas jabatan)."""

    since: dt.date
    kind: EmployeeKind
    group: Code
    job_class: Annotated[int, Field(ge=1, le=17)] | None = None


class ZoneAssignment(Event):
    """From this business date on the employee lives in this time zone, by its IANA name."""

    since: dt.date
    timezone: Code


class EmployeePublished(Event):
    """Full state of one employee (schedule → all). Restricted: holds NIP and name.

    `played_clock` names a clock that is moved by hand: only invented employees (simulator, scenarios,
    canaries) have one. `until` is the last business date of service; `former_nips` are NIPs of the same person
    from before (a PPPK who became PNS); `job_class` is the kelas jabatan that TPP ceilings follow. `ranks` tells kind, group and
    job class by date where they ever changed (the first holds before its date too); `kind`, `group` and `job_class` are the last.
    `zones` tells the time zone in the same way, for whoever moved from one to another; `timezone` is the last.
    """

    employee_id: UUID
    version: Version
    nip: Annotated[str, Field(pattern=r"^[0-9]{18}$")]
    name: Text
    kind: EmployeeKind
    group: Code
    memberships: tuple[UnitMembership, ...]
    timezone: Code
    active: bool = True
    played_clock: Code | None = None
    weeks: tuple[WeekAssignment, ...] = ()
    job_class: Annotated[int, Field(ge=1, le=17)] | None = None
    until: dt.date | None = None
    former_nips: tuple[Annotated[str, Field(pattern=r"^[0-9]{18}$")], ...] = ()
    ranks: tuple[RankAssignment, ...] = ()
    zones: tuple[ZoneAssignment, ...] = ()


class WeekInForce(Event):
    """Where a week pattern holds (None: for everybody) and on which business dates, both inclusive; no `until`: open end.

    A person's own week goes before the unit's, the unit's before that of the unit above it, and that before everybody's; of
    several of one scope that hold on a date the one that began last counts.
    """

    since: dt.date
    until: dt.date | None = None
    org_unit_id: UUID | None = None


class WeekPatternPublished(Event):
    """A week: local start and end ("07:30", "16:00") per weekday ("mon"); a weekday that is not listed is OFF. Full state."""

    week: Code
    version: Version
    name: Text
    hours: dict[Code, tuple[Code, Code]]
    source: Text
    in_force: tuple[WeekInForce, ...] = ()


class OrgUnitPublished(Event):
    """Full state of one org unit (OPD, UPT).

    `calendar` names the holidays that hold there: regions have days of their own beside the national ones.
    `parent_id` is the agency that a UPT belongs to; `round_the_clock` units (RSUD) may have duties of 24 hours.
    """

    org_unit_id: UUID
    version: Version
    code: Code
    name: Text
    timezone: Code
    public_service: bool = False
    calendar: Code = "nasional"
    kind: Literal["OPD", "UPT"] | None = None
    parent_id: UUID | None = None
    round_the_clock: bool = False


class PolicyInForce(Event):
    """A unit with those below it (None: the whole province) and the first business date on which the policy holds there."""

    since: dt.date
    org_unit_id: UUID | None = None


class PolicyPublished(Event):
    """A rule pack; `policy_id` is derived from its content, so content under an id never changes."""

    policy_id: UUID
    version: Version
    name: Code
    content: dict[str, Any]
    in_force: tuple[PolicyInForce, ...]


class SchemeInForce(Event):
    """Where a work scheme holds (None: the whole province) and on which business dates, both inclusive; no `until`: open end.

    `legal_source` is what put it in force or extended it there, which may be another letter than the scheme's own.
    """

    since: dt.date
    until: dt.date | None = None
    org_unit_id: UUID | None = None
    legal_source: Text


class SchemePublished(Event):
    """A WFO/WFA scheme; `scheme_id` is derived from its content, so content under an id never changes. Full state."""

    scheme_id: UUID
    version: Version
    name: Code
    content: dict[str, Any]
    in_force: tuple[SchemeInForce, ...]


class RosterDay(Event):
    """One rostered day; `start`/`end` are local "HH:MM", absent for OFF.

    Without them a day of work has the hours of the week pattern, and nothing is owed on a holiday or joint leave.
    """

    date: dt.date
    mode: Mode
    start: Code | None = None
    end: Code | None = None


class RosterPublished(Event):
    """The roster of one employee for one month, full state; days not listed follow the week pattern."""

    employee_id: UUID
    month: Month
    version: Version
    days: tuple[RosterDay, ...]


class CalendarDay(Event):
    """One holiday (hari libur nasional) or joint-leave day (cuti bersama)."""

    date: dt.date
    name: Text
    kind: Literal["holiday", "joint_leave"]
    source: Text


class CalendarPublished(Event):
    """All holidays of one calendar and year, full state."""

    calendar: Code
    year: int
    version: Version
    days: tuple[CalendarDay, ...]


class SitePublished(Event):
    """One office, activity site or region; the shape is GeoJSON (WGS84), a point with a radius for circles.

    The last three are the site's accuracy rule (metres, factor); absent ones take the defaults of the kind.
    """

    site_id: UUID
    version: Version
    code: Code
    name: Text
    kind: Literal["office", "activity", "region"]
    geometry: dict[str, Any]
    radius_m: Metres | None = None
    org_unit_ids: tuple[UUID, ...] = ()
    employee_ids: tuple[UUID, ...] = ()
    valid_from: AwareDatetime | None = None
    valid_to: AwareDatetime | None = None
    letter: Text | None = None
    accuracy_cap_m: Metres | None = None
    max_accuracy_m: Metres | None = None
    outside_factor: Annotated[float, Field(ge=1, le=10)] | None = None
