"""WFO/WFA schemes: what they say, what in a roster is against them, and a fair rotation that keeps them. All of it is pure."""

from services.schedule.rules.schemes.bounds import Bounds, quota_bounds, week_bounds
from services.schedule.rules.schemes.breaches import WARNINGS, Breach, BreachCode, day_words
from services.schedule.rules.schemes.check import DayShare, breaches_of, shares_of
from services.schedule.rules.schemes.file import SchemeError, SchemeFault, load_schemes
from services.schedule.rules.schemes.in_force import SchemesInForce, SchemeState, with_scope
from services.schedule.rules.schemes.infeasible import Reason, ReasonCode
from services.schedule.rules.schemes.model import Scheme
from services.schedule.rules.schemes.plan import COUNTED, Colleague, Place, Plan
from services.schedule.rules.schemes.propose import Infeasible, Proposal, propose, with_proposal

__all__ = [
    "COUNTED",
    "WARNINGS",
    "Bounds",
    "Breach",
    "BreachCode",
    "Colleague",
    "DayShare",
    "Infeasible",
    "Place",
    "Plan",
    "Proposal",
    "Reason",
    "ReasonCode",
    "Scheme",
    "SchemeError",
    "SchemeFault",
    "SchemeState",
    "SchemesInForce",
    "breaches_of",
    "day_words",
    "load_schemes",
    "propose",
    "quota_bounds",
    "shares_of",
    "week_bounds",
    "with_proposal",
    "with_scope",
]
