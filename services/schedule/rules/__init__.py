"""Schedule's rules: what was due, what came of it, what is a violation, which step of the ladder it reaches.

All of it is pure: values in, values out, no clock, no IO. Stream, `hadir policy test`, `hadir scenario test` and
previews call these same functions.
"""

from services.schedule.rules.assess import assess
from services.schedule.rules.assessment import EXCUSED, Assessment, Found, day_event
from services.schedule.rules.duty import (
    Duty,
    DutyError,
    Hours,
    Placed,
    Span,
    Week,
    clock_minutes,
    date_of_stamp,
    duty_on,
    final_at,
    parse_week,
    place,
    reach_of,
    reaches_of,
    week_days,
)
from services.schedule.rules.excuses import MOST_DAYS_BETWEEN, numbered
from services.schedule.rules.inputs import (
    ApelMissed,
    DayInputs,
    Fact,
    FraudDecided,
    Leave,
    LeftDuringHours,
    Manual,
    MarkSeen,
    Outage,
    OutageDecided,
    Permission,
    Person,
    Reviewed,
    WorkReported,
)
from services.schedule.rules.ladder import Judged, LadderDay, StepReached, counted, ladder, ruling, standing
from services.schedule.rules.violations import Violation, diff_violations, violation_id, violations_of

__all__ = [
    "EXCUSED",
    "MOST_DAYS_BETWEEN",
    "ApelMissed",
    "Assessment",
    "DayInputs",
    "Duty",
    "DutyError",
    "Fact",
    "Found",
    "FraudDecided",
    "Hours",
    "Judged",
    "LadderDay",
    "Leave",
    "LeftDuringHours",
    "Manual",
    "MarkSeen",
    "Outage",
    "OutageDecided",
    "Permission",
    "Person",
    "Placed",
    "Reviewed",
    "Span",
    "StepReached",
    "Violation",
    "Week",
    "WorkReported",
    "assess",
    "clock_minutes",
    "counted",
    "date_of_stamp",
    "day_event",
    "diff_violations",
    "duty_on",
    "final_at",
    "ladder",
    "numbered",
    "parse_week",
    "place",
    "reach_of",
    "reaches_of",
    "ruling",
    "standing",
    "violation_id",
    "violations_of",
    "week_days",
]
