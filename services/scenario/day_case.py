"""Day cases: one business date with its marks under one policy, run through the pure rules and told as got."""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Final, Literal
from uuid import NAMESPACE_OID, UUID, uuid5

from pydantic import AfterValidator, AwareDatetime, Field, ValidationError

from services.payroll.rules import fold, priced_day
from services.scenario.cases import Case, Difference
from services.scenario.lines import Hour, Line, Name
from services.schedule.rules import DayInputs, MarkSeen, Person, assess, clock_minutes, day_event, duty_on
from shared.events import DayStatus, EmployeeKind, Mark, Verdict
from shared.percent import parse_percent, percent_text
from shared.policy import Policy
from shared.yaml_document import Document, DocumentError, read_document
from shared.zones import is_zone

_WHOLE_DAY: Final = 24 * 60
_NAMESPACE: Final = uuid5(NAMESPACE_OID, "hadir-day-case")


def _known_zone(name: str) -> str:
    if not is_zone(name):
        raise ValueError(f"there is no time zone {name!r}; use a name such as Asia/Jakarta")
    return name


def _exact_percent(text: str) -> str:
    parse_percent(text)
    return text


class DayCaseExpected(Line):
    """What the day must come to; only listed keys are compared."""

    status: DayStatus | None = None
    late: Annotated[int, Field(strict=True, ge=0)] | None = None
    early: Annotated[int, Field(strict=True, ge=0)] | None = None
    codes: tuple[Name, ...] | None = None
    percent: Annotated[str, Field(strict=True), AfterValidator(_exact_percent)] | None = None


class DayCase(Line):
    """One case of a case file; `void` are marks that are not usable (outside the fence, without evidence)."""

    id: Name
    note: str = ""
    policy: Name
    date: dt.date
    start: Hour
    end: Hour
    overnight: Annotated[bool, Field(strict=True)] = False
    tz: Annotated[str, AfterValidator(_known_zone)] = "Asia/Jakarta"
    out_pick: Literal["first", "last"] | None = None
    came: tuple[AwareDatetime, ...] = Field(default=(), alias="in")
    left: tuple[AwareDatetime, ...] = Field(default=(), alias="out")
    void: tuple[AwareDatetime, ...] = ()
    expect: DayCaseExpected


class CaseError(ValueError):
    """A case file that cannot be used; one line of text for each fault."""


def read_day_cases(path: Path, policies: Mapping[str, Policy]) -> list[DayCase]:
    """The cases of a file, in order; raises CaseError for what cannot be read or names an unknown policy."""
    try:
        document = read_document(path)
    except DocumentError as error:
        raise CaseError(str(error)) from error
    if not isinstance(document.value, list):
        raise CaseError(f"{_place(document, ())} a case file is a list of cases")
    cases: list[DayCase] = []
    faults: list[str] = []
    lines_by_id: dict[str, int | None] = {}
    for position, row in enumerate(document.value):
        try:
            case = DayCase.model_validate(row)
        except ValidationError as error:
            faults += _explain(document, position, error)
            continue
        if case.policy not in policies:
            known = ", ".join(sorted(policies))
            faults.append(
                f"{_place(document, (position, 'policy'))} [{position}].policy: "
                f"{case.policy!r} is not in the policies file; known are: {known}"
            )
        if case.id in lines_by_id:
            faults.append(
                f"{_place(document, (position, 'id'))} [{position}].id: {case.id!r} is used on line "
                f"{lines_by_id[case.id]} as well"
            )
        lines_by_id[case.id] = document.line_of((position, "id"))
        cases.append(case)
    if faults:
        raise CaseError("\n".join(faults))
    return cases


def run_day_case(case: DayCase, policy: Policy) -> Case:
    """Judge and price the day as if its month had no other, long after it was over; compare with what is expected."""
    if case.out_pick is not None:
        policy = policy.model_copy(update={"out_pick": case.out_pick})
    start, end = clock_minutes(case.start), clock_minutes(case.end)
    if case.overnight and end > start:
        end += _WHOLE_DAY
    # A case speaks of one date: marks belong to it as they do beside days on which nothing is owed.
    duty = duty_on(case.date, {case.date.weekday(): (start, end)}, (), None, case.tz)
    person = Person(_id(case, "employee"), EmployeeKind.PNS, "pelaksana", _id(case, "unit"))
    inputs = DayInputs(person, duty, marks=tuple(_marks(case)), duty_days_in_month=1)
    long_after = dt.datetime.combine(case.date, dt.time(), dt.UTC) + dt.timedelta(days=30)
    assessment = assess(inputs, policy, long_after)
    event = day_event(assessment, inputs, version=1, policy_id=policy.identity)
    month = fold([priced_day(event, policy)], {policy.identity: policy}, None)
    percent = month.percent_by_date[case.date]
    got: dict[str, Any] = {
        "status": str(assessment.status), "late": assessment.late, "early": assessment.early,
        "codes": list(assessment.codes), "percent": percent_text(percent),
    }
    return Case(case.id, got, tuple(differences(case.expect, got)))


def run_day_cases(cases: Sequence[DayCase], policies: Mapping[str, Policy]) -> list[Case]:
    """All cases, each under the policy that it names."""
    return [run_day_case(case, policies[case.policy]) for case in cases]


def _marks(case: DayCase) -> Iterator[MarkSeen]:
    for mark, stamps in ((Mark.IN, case.came), (Mark.OUT, case.left)):
        for position, at in enumerate(stamps):
            yield MarkSeen(_id(case, f"{mark}{position}"), 1, mark, at)
    for position, at in enumerate(case.void):
        # a void mark has no direction in the file; outside and for coming says all that the rules look at
        void_id = _id(case, f"void{position}")
        yield MarkSeen(void_id, 1, Mark.IN, at, Verdict.OUTSIDE, Verdict.OUTSIDE)


def _id(case: DayCase, what: str) -> UUID:
    return uuid5(_NAMESPACE, f"{case.id}|{what}")


def differences(expected: DayCaseExpected, got: Mapping[str, Any]) -> Iterator[Difference]:
    """Where a day came out otherwise than a case expects; only listed keys are compared."""
    for name in DayCaseExpected.model_fields:
        if name not in expected.model_fields_set:
            continue
        wanted, came = getattr(expected, name), got[name]
        if name == "percent":
            same = wanted is not None and parse_percent(wanted) == parse_percent(came)
        elif name == "codes":
            wanted = list(wanted or ())
            same = sorted(wanted) == sorted(came)
        else:
            same = wanted == came
        if not same:
            yield Difference(name, wanted, came)


def _explain(document: Document, position: int, error: ValidationError) -> Iterator[str]:
    for fault in error.errors(include_url=False):
        path = (position, *fault["loc"])
        dotted = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
        reason = "unknown key" if fault["type"] == "extra_forbidden" else fault["msg"].removeprefix("Value error, ")
        yield f"{_place(document, path)} {dotted}: {reason}"


def _place(document: Document, path: tuple[str | int, ...]) -> str:
    line = document.line_of(path)
    return f"{document.file}:{line}:" if line else f"{document.file}:"
