"""The corpus of poison (F12): bytes and values that broke other people's systems, for topics and for HTTP alike."""

import copy
import json
from collections.abc import Iterator
from typing import Any, Final
from uuid import UUID

from jsonschema import Draft202012Validator, FormatChecker

_FORMATS: Final = FormatChecker(("date", "uuid"))

LONE_SURROGATE: Final = "\ud800"

VALUES: Final[dict[str, Any]] = {
    "null": None,
    "empty": "",
    "NUL": "a\x00b",
    "lone surrogate": LONE_SURROGATE,
    "emoji": "👩🏽‍💼" * 40,
    "a long text": "x" * 70_000,
    "NaN": float("nan"),
    "Infinity": float("-inf"),
    "1e308": 1e308,
    "1e-308": 1e-308,
    "minus one": -1,
    "zero": 0,
    "beyond 32 bits": 2**31,
    "beyond 64 bits": 2**63,
    "beyond all bounds": 10**400,
    "latitude 91": 91,
    "true": True,
    "a list": [],
    "a list of null": [None],
    "an object": {},
    "a bomb": json.loads("[" * 60 + "]" * 60),
    "year 1": "0001-01-01",
    "year 9999": "9999-12-31",
    "30 February": "2026-02-30",
    "month 1 of year 1": "0001-01",
    "the last month": "9999-12",
    "month 13": "2026-13",
    "the first instant": "0001-01-01T00:00:00+14:00",
    "the last instant": "9999-12-31T23:59:59.999999-14:00",
    "negative text": "-5",
    "NaN as text": "NaN",
    "1e309 as text": "1e309",
    "Arabic digits": "٢٠٢٦",
    "nobody": str(UUID(int=0)),
}
"""Values to put in the place of any field."""

BODIES: Final[dict[str, bytes]] = {
    "nothing": b"",
    "cut off": b'{"reason":"x',
    "two documents": b"{}{}",
    "not UTF-8": b'{"reason":"\xc3\x28"}',
    "UTF-16": '{"reason":"x"}'.encode("utf-16"),
    "a byte order mark": b"\xef\xbb\xbf{}",
    "a bomb of arrays": b"[" * 100_000,
    "a closed bomb": b'{"a":' * 5_000 + b"1" + b"}" * 5_000,
    "a huge integer": b'{"reason":' + b"9" * 5_000 + b"}",
    "doubled keys": b'{"reason":"a","reason":"b"}',
    "null": b"null",
    "a text": b'"x"',
    "a list": b"[{}]",
    "an empty object": b"{}",
    "almost a mebibyte": b'{"reason":"' + b"x" * 1_020_000 + b'"}',
}
"""Whole bodies that nobody should send."""

FILES: Final[dict[str, bytes]] = {
    "NUL in a table": b"nip;nama\n\x00;x\n",
    "a table of one huge row": b"nip,nama\n" + b"1," * 20_000,
    "a table of one huge cell": b"nip,nama\n1," + b"x" * 300_000,
    "an open quotation": b'nip,nama\n"1,x\n',
    "no zip archive": b"PK\x03\x04" + b"\xff" * 200,
    "YAML that calls": b"!!python/object/apply:os.system [id]\n",
    "YAML that laughs": b"a: &a [x,x,x,x,x,x,x,x,x]\n"
    + b"".join(b"%c: &%c [%s]\n" % (n, n, b",".join([b"*%c" % (n - 1)] * 9)) for n in range(ord("b"), ord("i"))),
    "a bomb of YAML": b"[" * 3_000,
    "YAML with NaN": b"policies:\n  A: {tk_day: .nan, cap: .inf, tl: [{min: -1, max: 99999999999999999999}]}\n",
    "YAML of year 1": b"policies: {A: {since: 0001-01-01, until: 9999-12-31}}\n",
    "nothing": b"",
}
"""Files of officers that are none."""

TEXTS: Final[dict[str, bytes]] = {
    name: str(value).encode("utf-8", "surrogatepass")
    for name, value in VALUES.items() if not isinstance(value, (dict, list)) and name not in ("null", "a long text")
} | {"not UTF-8": b"\xff\xfe", "a long text": b"x" * 3_000, "a path": b"../etc/passwd", "SQL": b"' or 1=1", "percent": b"%"}  # fmt: skip
"""Bytes to put in the place of any parameter of a path or a query."""


def forbids(schema: Any, schemas: Any, value: Any) -> bool:
    """Whether a schema of an OpenAPI document, with its named `schemas`, says no to a value; of formats dates and UUIDs are judged."""
    return not Draft202012Validator({**schema, "components": {"schemas": schemas}}, format_checker=_FORMATS).is_valid(value)


def dumped(content: Any) -> bytes:
    """JSON as a careless program writes it: with NaN, Infinity and lone surrogates."""
    return json.dumps(content).encode()


def places(content: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where something could be replaced in a content, at every depth."""
    if at:
        yield at
    inside = content.items() if isinstance(content, dict) else enumerate(content[:1]) if isinstance(content, list) else ()
    for key, value in inside:
        yield from places(value, (*at, key))


def with_poison(content: Any, at: tuple[Any, ...], value: Any) -> Any:
    """The content with a value in that place."""
    changed = copy.deepcopy(content)
    inner = changed
    for key in at[:-1]:
        inner = inner[key]
    inner[at[-1]] = value
    return changed
