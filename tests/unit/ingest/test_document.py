"""JSON is read strictly: each document has one meaning, and a broken one is refused where it breaks."""

import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ingest.rules.document import MAX_DEPTH, Document, doubled_key, read_document
from services.ingest.rules.refusals import Refusal

_KEYS = st.text(max_size=4) | st.sampled_from(['"', "\\", ":", '":', " :", "\n", "a", "b", '\\":'])
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | _KEYS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"{", id="cut off"),
        pytest.param(b'{"a":NaN}', id="NaN"),
        pytest.param(b'{"a":Infinity}', id="Infinity"),
        pytest.param(b'{"a":1e999}', id="a number beyond all bounds"),
        pytest.param(b'{"a":"\\ud800"}', id="a lone surrogate"),
        pytest.param(b'{"a":"\xff"}', id="not UTF-8"),
        pytest.param(b"\xef\xbb\xbf{}", id="a byte order mark"),
        pytest.param(b'{"a":1}{"a":2}', id="two documents"),
        pytest.param(b"[" * 100_000, id="a nesting bomb"),
        pytest.param(b'{"a":' * 600 + b"1" + b"}" * 600, id="a closed nesting bomb"),
        pytest.param(b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1), id="one level too deep"),
    ],
)
def test_a_broken_document_is_refused(raw: bytes) -> None:
    refusal = read_document(raw)

    assert isinstance(refusal, Refusal)
    assert refusal.code == "malformed-json"


@pytest.mark.parametrize(("raw", "field"), [
    (b'{"check_in_id": "x", "latitude" : NaN, "longitude": 1}', "latitude"),
    (b'{"latitude":-Infinity}', "latitude"),
    (b'{"check_ins":[{"accuracy_m":1e400}]}', "accuracy_m"),
    ('{"nama":"Dé","lintang":NaN}'.encode(), "lintang"),
    (b'{"latitude":hello}', ""),
    (b"[NaN]", ""),
    (b'{"' + b"k" * 5_000 + b'":NaN}', ""),
    (b'{"latitude"', ""),
])
def test_a_number_that_is_none_is_named(raw: bytes, field: str) -> None:
    refusal = read_document(raw)

    assert isinstance(refusal, Refusal)
    [fault] = refusal.faults
    assert (fault.field, fault.code) == (field, "malformed-json")
    assert field or "kolom" in fault.detail


def test_the_deepest_allowed_document_is_read() -> None:
    assert isinstance(read_document(b"[" * MAX_DEPTH + b"]" * MAX_DEPTH), Document)


@given(_JSON, st.sampled_from([None, 1]), st.booleans())
def test_a_document_without_doubled_keys_is_read_as_it_stands(content: Any, indent: int | None, ascii_only: bool) -> None:
    raw = json.dumps(content, indent=indent, ensure_ascii=ascii_only).encode()

    document = read_document(raw)

    assert isinstance(document, Document)
    assert document.content == orjson.loads(raw)
    assert doubled_key(document, document.content) is None


@pytest.mark.parametrize(
    "raw",
    [
        b'{"latitude":1,"latitude":2}',
        b'{"a" :1,"a":2}',
        b'{"a"\n:1,"a"\t:2}',
        b'{"a":{"b":1,"b":1}}',
        b'{"x":[{"a":1},{"a":1,"\\u0061":2}]}',
        b'{"a":":","a":2}',
        b'{"a":":x","a" :2}',
    ],
)
def test_a_doubled_key_is_found_however_it_is_written(raw: bytes) -> None:
    document = read_document(raw)

    assert isinstance(document, Document)
    refusal = doubled_key(document, document.content)
    assert refusal is not None
    assert refusal.code == "duplicate-key"
    assert refusal.faults[0].field in ("latitude", "a", "b")


def test_only_the_part_with_the_doubled_key_is_refused() -> None:
    document = read_document(b'{"check_ins":[{"a":1},{"a":1,"a":2},{"b":1}]}')

    assert isinstance(document, Document)
    items = document.content["check_ins"]
    assert [doubled_key(document, item) is None for item in items] == [True, False, True]
