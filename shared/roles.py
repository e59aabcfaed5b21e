"""Who may do what: the one table of verbs and the roles that have them, and how far each role sees.

Names of verbs are `<things>.<what is done with them>`; a route names its verb, and asking for one that is not here fails
when the route is declared. Roles come from headers for now and from verified tokens later: this table stays.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class Role(StrEnum):
    """Who somebody is to Hadir. `ADMIN` runs the machines: it sees how things stand, but nobody's NIP or name."""

    EMPLOYEE = "employee"
    UNIT_OFFICER = "unit_officer"
    BKD = "bkd"
    SUPERVISOR = "supervisor"
    INSPECTORATE = "inspectorate"
    PAYROLL_OFFICER = "payroll_officer"
    ADMIN = "admin"


def plain_name(name: str) -> str:
    """An actor's name as it is compared with another one: capitals and needless spaces make nobody somebody else."""
    return " ".join(name.split()).casefold()


class Reach(StrEnum):
    """About whom a role may ask: oneself, the people of one's org units, everybody."""

    OWN = "own"
    UNITS = "units"
    ALL = "all"


REACH: Final[Mapping[Role, Reach]] = {
    Role.EMPLOYEE: Reach.OWN,
    Role.UNIT_OFFICER: Reach.UNITS,
    Role.SUPERVISOR: Reach.UNITS,
    Role.BKD: Reach.ALL,
    Role.INSPECTORATE: Reach.ALL,
    Role.PAYROLL_OFFICER: Reach.ALL,
    Role.ADMIN: Reach.ALL,
}
"""How far each role sees."""

_EMPLOYEE, _UNIT, _BKD, _SUPERVISOR, _INSPECTORATE, _PAYROLL, _ADMIN = Role
_ALL: Final = frozenset(Role)
_OFFICERS: Final = _ALL - {_EMPLOYEE}
_NAMED: Final = _ALL - {_ADMIN}
_CONDUCT: Final = _ALL - {_PAYROLL}
_MONEY: Final = frozenset({_EMPLOYEE, _BKD, _INSPECTORATE, _PAYROLL, _ADMIN})

RIGHTS: Final[Mapping[str, frozenset[Role]]] = {
    # people and reference data
    "people.identify": _NAMED,  # NIP and name; everybody else gets ids only (UU 27/2022, data minimisation)
    "employees.read": _ALL,
    "employees.import": frozenset({_BKD}),
    "org-units.read": _ALL,
    "org-units.import": frozenset({_BKD}),
    "weeks.read": _ALL,
    "weeks.import": frozenset({_BKD}),
    "calendars.read": _ALL,
    "calendars.import": frozenset({_BKD}),
    "policies.read": _ALL,
    "policies.import": frozenset({_BKD}),
    "rosters.read": _ALL,
    "rosters.import": frozenset({_BKD}),  # the roster of one unit goes its way by drafts
    "rosters.draft": frozenset({_UNIT, _BKD}),  # the OPD makes its roster and reports it to BKD (seed 001: Jabar)
    "rosters.decide": frozenset({_BKD}),  # approve, adjust, return, publish
    "schemes.read": _ALL,
    "schemes.apply": frozenset({_BKD}),
    # what a change would do, before it takes force
    "previews.read": frozenset({_BKD, _INSPECTORATE, _PAYROLL, _ADMIN}),
    "previews.make": frozenset({_BKD, _ADMIN}),
    "previews.approve": frozenset({_BKD}),  # somebody else than who previewed it
    "previews.limit": frozenset({_BKD}),
    # what was concluded
    "days.read": _ALL,
    "violations.read": _CONDUCT,
    "discipline.read": _CONDUCT,
    "reports.days": frozenset({_UNIT, _SUPERVISOR, _BKD, _INSPECTORATE}),
    "reports.evaluation": frozenset({_BKD, _INSPECTORATE}),
    "due-days.read": _OFFICERS - {_SUPERVISOR},
    # corrections
    "corrections.read": _ALL,
    "corrections.record": frozenset({_BKD, _INSPECTORATE}),
    "corrections.request": _ALL - {_PAYROLL},  # for oneself; officers also for others
    "corrections.decide": _OFFICERS - {_PAYROLL},  # at which level whose word counts: services/schedule/policies/approvals.yaml
    "corrections.deputise": _OFFICERS - {_PAYROLL},
    "corrections.rules": frozenset({_BKD}),
    # discipline: the superior examines (PP 94/2021 Art. 26), the PPK's agency decides
    "discipline.decide": frozenset({_BKD, _SUPERVISOR}),
    # places
    "sites.read": _ALL,
    "sites.import": frozenset({_BKD, _ADMIN}),
    "check-ins.read": _CONDUCT,
    "suspicions.read": frozenset({_BKD, _INSPECTORATE}),
    # money
    "months.read": _MONEY,
    "ledger.read": _MONEY,
    "ceilings.read": _MONEY,
    "ceilings.import": frozenset({_BKD, _PAYROLL}),
    "receipts.read": _MONEY - {_ADMIN},
    "reports.money": frozenset({_BKD, _INSPECTORATE, _PAYROLL, _UNIT}),  # recaps: the OPD's personnel officer prints and signs its own
    "balance.read": _MONEY - {_EMPLOYEE},
    "closings.read": _MONEY - {_EMPLOYEE},
    "closings.levels": frozenset({_BKD}),
    "closings.step": frozenset({_BKD, _PAYROLL}),  # which level whose signature is: services/payroll/rules/signing.py
}
"""The roles that have each verb."""


def may(role: Role, verb: str) -> bool:
    """Whether a role has a verb; KeyError for a verb that is not in the table."""
    return role in RIGHTS[verb]
