"""The rules of approval as data: levels, deadlines, papers and quotas of every kind of request, shipped or a province's own."""

import datetime as dt
from collections.abc import Callable, Mapping
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Final, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, PlainValidator, ValidationError, model_validator

from services.schedule.corrections import CorrectionRefused
from services.schedule.rules.workflow import Level
from shared.faults import OF_YAML, fault_of
from shared.percent import parse_percent, percent_text
from shared.roles import Role
from shared.yaml_document import DocumentError, read_document

RequestKind: TypeAlias = Literal[
    "leave.annual", "leave.sick", "leave.maternity", "leave.important", "leave.big", "leave.unpaid", "leave.study",
    "duty-travel", "forgotten-mark", "manual-record", "dispensation", "permission", "outage", "outage-proposed",
    "integrity", "review", "appeal",
]  # fmt: skip
"""What can be asked for."""

SHIPPED: Final = Path(__file__).parent / "policies" / "approvals.yaml"
_DAY: Final = dt.timedelta(days=1)
_LONGEST_SEARCH: Final = 120


def _share(value: object) -> Fraction:
    if isinstance(value, Fraction):
        return value
    try:
        return parse_percent(value if isinstance(value, str) else "")
    except ValueError:
        raise ValueError('Harus bagian dalam tanda kutip, misalnya "0.05" atau "1/20".') from None


Share = Annotated[
    Fraction,
    PlainValidator(_share),
    PlainSerializer(percent_text, return_type=str),
]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Deadline(_Part):
    """So many duty days after the first or last day asked for; None: no deadline. What is late is refused or goes further."""

    duty_days: Annotated[int, Field(ge=0, le=60)] | None
    after: Literal["start", "end"] = "end"
    late: Literal["refuse", "further"] = "further"

    def last_date(self, first: dt.date, last: dt.date, works_on: Callable[[dt.date], bool]) -> dt.date | None:
        """The last date on which the request is in time, counted in the duty days of the employee; None: any date is."""
        if self.duty_days is None:
            return None
        date, left = first if self.after == "start" else last, self.duty_days
        for _ in range(_LONGEST_SEARCH):
            if not left:
                break
            date += _DAY
            left -= works_on(date)
        return date


class Quota(_Part):
    """Duty days of a leave in a calendar year, and how many with what is left of the year before (BKN 24/2017)."""

    per_year: Annotated[int, Field(ge=1, le=366)]
    with_rest_of_last_year: Annotated[int, Field(ge=1, le=366)]

    def of_year(self, used_last_year: int) -> int:
        """Duty days that may be taken in a year, given how many of the last year's own right were taken."""
        rest = max(0, self.per_year - used_last_year)
        return min(self.per_year + rest, max(self.per_year, self.with_rest_of_last_year))


class Rule(_Part):
    """Levels (by name, in order), deadline, paper and quota of one kind of request."""

    levels: Annotated[tuple[str, ...], Field(min_length=1)]
    deadline: Deadline
    paper: Literal["required", "optional", "none"] = "optional"
    quota: Quota | None = None


class OutageProposals(_Part):
    """When ingest's own minutes propose an outage, and whether days are held while the proposal waits."""

    hold_days: bool = True
    unavailable_share: Share = Fraction(1, 20)
    silent_minutes: Annotated[int, Field(ge=2, le=1440)] = 10
    least_minutes: Annotated[int, Field(ge=1, le=1440)] = 3
    join_minutes: Annotated[int, Field(ge=0, le=1440)] = 10


class Approvals(_Part):
    """The rules of approval of a province."""

    levels: dict[str, Annotated[tuple[Role, ...], Field(min_length=1)]]
    further_level: str
    outage_proposals: OutageProposals = OutageProposals()
    requests: dict[RequestKind, Rule]

    @model_validator(mode="after")
    def _complete(self) -> "Approvals":
        for kind, rule in self.requests.items():
            for name in (*rule.levels, self.further_level):
                if name not in self.levels:
                    raise ValueError(f"requests.{kind}: tingkat {name} tidak ada dalam levels; tambahkan di sana, atau perbaiki namanya")
        missing = sorted(set(RequestKind.__args__) - set(self.requests))  # type: ignore[attr-defined]
        if missing:
            raise ValueError(f"belum ada aturan untuk {', '.join(missing)}; tambahkan di requests")
        return self

    def levels_of(self, kind: RequestKind, *, late: bool) -> tuple[Level, ...]:
        """The levels that a request must pass; a late one also passes the further level, last, if it is not there anyway."""
        names = list(self.requests[kind].levels)
        if late and self.further_level not in names:
            names.append(self.further_level)
        return tuple(Level(name, tuple(role.value for role in self.levels[name])) for name in names)


@lru_cache(maxsize=1)
def shipped() -> Approvals:
    """The rules that hold where a province has set none of its own."""
    return read_approvals(SHIPPED)


def read_approvals(file: Path) -> Approvals:
    """The rules in a file. Raises CorrectionRefused, naming every fault with its place and line."""
    try:
        document = read_document(file)
    except DocumentError as problem:
        where = f"{file.name}:{problem.line}" if problem.line else file.name
        raise CorrectionRefused(f"{where}: {problem.told}") from None
    try:
        return Approvals.model_validate(document.value)
    except ValidationError as problem:
        told = []
        for one in problem.errors(include_input=False, include_url=False):
            place = tuple(one["loc"])
            line = document.line_of(place)
            told.append(f"{file.name}:{line or 1}: {'.'.join(map(str, place)) or 'isi'}: {fault_of(one, OF_YAML).detail}")
        raise CorrectionRefused("\n".join(told)) from None


def kept_approvals(content: Mapping[str, Any]) -> Approvals:
    """The rules as they were kept."""
    return Approvals.model_validate(dict(content))
