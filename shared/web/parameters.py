"""The query parameters that many routes have, and the refusal of those that a route does not have.

A misspelt filter must not answer for all, nor a lost cursor start again. Every router of an API is included with `KNOWN_ONLY`,
so no route can forget it; what a route has is what it declares.
"""

import datetime as dt
import re
from collections.abc import Iterator
from typing import Annotated, Any, Final, get_args, get_origin

from fastapi import Depends, Query, Request
from pydantic import BeforeValidator
from pydantic_core import PydanticCustomError

from shared.faults import Fault
from shared.web.actors import admit, verbs_of
from shared.web.problems import INVALID_REQUEST, Problem

_LONGEST_NAME: Final = 100
_MOST_FAULTS: Final = 20
_DATE: Final = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


def _known_only(request: Request) -> None:
    """Raises Problem that names what is unknown, or given twice where one is taken; first 401 or 403 for whoever may not ask."""
    if not request.scope["query_string"]:
        return
    route = request.scope["route"]
    if verbs_of(route):
        admit(request)
    faults = _faults(route, [name for name, _ in request.query_params.multi_items()])
    if faults:
        raise Problem(INVALID_REQUEST, *faults)


def _iso(value: Any) -> Any:
    if not isinstance(value, str) or not _DATE.fullmatch(value):
        raise PydanticCustomError("date_type", "must be a date YYYY-MM-DD")
    return value


OnDate = Annotated[dt.date, BeforeValidator(_iso)]
"""A date in an address, 2026-02-28; by itself pydantic would also take 0 for 1970, and instants."""

LivesBy = Annotated[str, Query(max_length=100, description="Pegawai latihan menurut jam ini; kosong: pegawai sungguhan")]
"""Whom a list tells of: those who live by this clock of invented people; empty: everybody real (`played_clock`)."""

KNOWN_ONLY: Final = Depends(_known_only)
"""Dependency with which routers are included."""


def _faults(route: Any, asked: list[str]) -> list[Fault]:
    takes_many = dict(_parameters(route))
    faults = []
    for name in dict.fromkeys(asked):
        if name not in takes_many:
            known = f" Yang ada: {', '.join(sorted(takes_many))}." if takes_many else " Alamat ini tanpa parameter."
            faults.append(Fault(name[:_LONGEST_NAME], "unknown-parameter", f"Parameter tidak dikenal; periksa ejaannya atau hapus.{known}"))
        elif asked.count(name) > 1 and not takes_many[name]:
            faults.append(Fault(name, "repeated-parameter", "Parameter ini disebut lebih dari sekali; sebutkan satu kali saja."))
    return faults[:_MOST_FAULTS]


def _parameters(route: Any) -> Iterator[tuple[str, bool]]:
    """The names of the query parameters that a route takes, and whether several values of each."""
    todo = [route.dependant]
    while todo:
        dependant = todo.pop()
        for field in dependant.query_params:
            annotation = field.field_info.annotation
            yield field.alias, list in {get_origin(one) for one in (annotation, *get_args(annotation))}
        todo += dependant.dependencies
