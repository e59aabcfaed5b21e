"""Pages of a list: `after` and `limit` asked, `items` and `next` answered; the cursor is the key of the last item.

No offsets: a page costs the same wherever it stands, and rows that come or go meanwhile shift nothing. The cursor is
opaque to clients (base64url of JSON), and is checked like any other input.
"""

import datetime as dt
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Final, Generic, NamedTuple, TypeVar
from uuid import UUID

import orjson
from fastapi import Depends, Query
from pydantic import BaseModel

from shared.faults import Fault
from shared.web.problems import INVALID_REQUEST, Problem

DEFAULT_LIMIT: Final = 100
MOST: Final = 1000

T = TypeVar("T")


class Page(BaseModel, Generic[T]):
    """Satu halaman; `next` diisi sebagai `after` untuk halaman berikutnya, null pada halaman terakhir."""

    items: list[T]
    next: str | None = None


class Paging(NamedTuple):
    """The page that is asked for."""

    after: str | None
    limit: int

    @property
    def rows(self) -> int:
        """How many rows to read: one more than shown tells whether there is a next page."""
        return self.limit + 1

    def key(self, *kinds: type) -> tuple[Any, ...] | None:
        """The key after which the page begins, None for the first page; Problem if the cursor was not made by `page`."""
        if self.after is None:
            return None
        try:
            parts = orjson.loads(urlsafe_b64decode(self.after))
            if not isinstance(parts, list):
                raise _cursor()
            return tuple(_READ[kind](part) for kind, part in zip(kinds, parts, strict=True))
        except (NotBase64, ValueError, TypeError, AttributeError) as error:
            raise _cursor() from error

    def page(self, found: Sequence[T], key: Callable[[T], tuple[Any, ...]]) -> Page[T]:
        """The page made of what was found after reading `rows` rows; `key` as in the order of the query."""
        shown = list(found[: self.limit])
        more = len(found) > self.limit
        return Page(items=shown, next=cursor(*key(shown[-1])) if more else None)


_INT: Final = 2**31
"""What a column of type integer holds."""


def cursor(*key: Any) -> str:
    """The cursor that stands for a key: UUIDs, dates, times, numbers and texts."""
    return urlsafe_b64encode(orjson.dumps(key, default=str)).decode()  # the database has a UUID of its own kind


def _exactly(kind: type) -> Callable[[Any], Any]:
    def read(part: Any) -> Any:
        if type(part) is not kind or (isinstance(part, str) and "\x00" in part) or (isinstance(part, int) and abs(part) >= _INT):
            raise _cursor()
        return part

    return read


def _moment(part: Any) -> dt.datetime:
    moment = dt.datetime.fromisoformat(part)
    if moment.tzinfo is None:
        raise _cursor()
    return moment


_READ: Final[dict[type, Callable[[Any], Any]]] = {
    UUID: UUID, dt.date: dt.date.fromisoformat, dt.datetime: _moment, str: _exactly(str), int: _exactly(int),
}


def _cursor() -> Problem:
    return Problem(INVALID_REQUEST, Fault("after", "not-a-cursor", "Pakai nilai next dari halaman sebelumnya, tanpa diubah."))


def _paging(
    after: Annotated[str | None, Query(max_length=500, description="`next` dari halaman sebelumnya")] = None,
    limit: Annotated[int, Query(ge=1, le=MOST, description="Paling banyak berapa butir")] = DEFAULT_LIMIT,
) -> Paging:
    return Paging(after, limit)


PageAsked = Annotated[Paging, Depends(_paging)]
"""Declares `after` and `limit` on a route."""
