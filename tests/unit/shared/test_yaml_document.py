"""YAML as people write it: the core schema of YAML 1.2, lines remembered, surprises refused."""

import re
from typing import Any

import pytest

from shared.yaml_document import Document, DocumentError, parse_documents


def parsed(text: str) -> Document:
    [document] = parse_documents(text, file="f.yaml")
    return document


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("on", "on"), ("off", "off"), ("no", "no"), ("yes", "yes"), ("y", "y"), ("true", True), ("False", False),
        ("'true'", "true"), ("~", None), ("", None), ("null", None), ("'null'", "null"), ("12", 12), ("-3", -3),
        ("0o17", 15), ("0x1F", 31), ("010", 10), ("1.5", 1.5), ("1e3", 1000.0), ('"0.50"', "0.50"), ("07:30", "07:30"),
        ("2026-02-02", "2026-02-02"), ("2026-02-02T07:25:00+07:00", "2026-02-02T07:25:00+07:00"), ("1_000", "1_000"),
    ],
)
def test_plain_words_follow_the_core_schema(text: str, value: Any) -> None:
    assert parsed(f"key: {text}").value == {"key": value}


def test_every_value_knows_its_line() -> None:
    document = parsed("a: 1\nb:\n  - c\n  - d: 2\n")

    assert [document.line_of(path) for path in ((), ("a",), ("b",), ("b", 0), ("b", 1, "d"))] == [1, 1, 2, 3, 4]
    assert document.line_of(("b", 1, "missing", "deeper")) == 4


def test_anchors_and_merges_give_what_they_stand_for() -> None:
    document = parsed("base: &base {a: 1, b: 2}\nitem: {<<: *base, b: 3}\nlist: [*base]")

    assert document.value["item"] == {"a": 1, "b": 3}
    assert document.value["list"] == [{"a": 1, "b": 2}]


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("a: 1\nb: 2\na: 3", 3, "written twice"), ("a: &x [*x]", 1, "contains itself"), ("a: .inf", 1, "not a number"),
        ("? [a]\n: 1", 1, "a key must be a word"), ("a: [1,\nb: 2", 2, "expected"), ("a:\n\t- b", 2, "cannot start any token"),
        ("a: *nobody", 1, "undefined alias"), (f"a: 1\nb: -{'9' * 5_000}", 2, "not a number of any use"), ("a: 1e309", 1, "of any use"),
        ("[" * 1_000, None, "nested too deeply"), ("[" * 1_000 + "]" * 1_000, None, "nested too deeply"),
    ],
)
def test_what_would_surprise_is_refused_with_its_line(text: str, line: int | None, reason: str) -> None:
    with pytest.raises(DocumentError) as error:
        parsed(text)

    assert (error.value.line, error.value.file) == (line, "f.yaml")
    assert reason in error.value.reason
    assert re.search(r"; |bukan", error.value.told), "officers are told what to do"
    assert error.value.reason not in error.value.told


def test_an_alias_bomb_is_refused_before_it_fills_the_memory() -> None:
    rows = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    rows += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]

    with pytest.raises(DocumentError, match="more than"):
        parsed("\n".join(rows))
