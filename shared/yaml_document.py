"""Reads YAML files that people write: the YAML 1.2 core schema, nothing more, and remembers every line.

Only `true` and `false` are booleans, so `on`, `off`, `no` stay words; dates and clock times stay text for the
reader's model to judge; a key written twice is refused instead of the last one silently winning.
"""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeAlias

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from shared.faults import unreadable

KeyPath: TypeAlias = tuple[str | int, ...]
"""Where a value stands in a document: mapping keys and list positions from the root."""

_MAX_REPEATED: Final = 50_000
"""Aliases can make a small file explode into billions of values; more than so many repeated ones are refused."""

_MAX_DIGITS: Final = 30
"""No quantity that a person writes has more; Python refuses to read thousands of them, with an error of its own."""

_ONE: Final = "harus berisi satu dokumen saja; isi berkasnya, atau hapus garis --- di antaranya"

_NULL: Final = re.compile(r"~|null|Null|NULL|")
_BOOL: Final = re.compile(r"true|True|TRUE|false|False|FALSE")
_INT: Final = re.compile(r"[-+]?[0-9]+")
_OCTAL: Final = re.compile(r"0o[0-7]+")
_HEX: Final = re.compile(r"0x[0-9a-fA-F]+")
_FLOAT: Final = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_SPECIAL_FLOAT: Final = re.compile(r"[-+]?(\.inf|\.Inf|\.INF)|\.nan|\.NaN|\.NAN")


class DocumentError(ValueError):
    """A file that cannot be read: says which file, which line and why, in one line fit for a terminal.

    `told` says why and what to do in Indonesian, for officers.
    """

    def __init__(self, file: str, line: int | None, reason: str, told: str) -> None:
        self.file, self.line, self.reason, self.told = file, line, reason, told
        super().__init__(f"{file}:{line}: {reason}" if line else f"{file}: {reason}")


@dataclass(frozen=True, slots=True)
class Document:
    """A file's plain values (dict, list, str, int, float, bool, None) and the line on which each stands."""

    file: str
    value: Any
    lines: dict[KeyPath, int]

    def line_of(self, path: KeyPath) -> int | None:
        """Line of the value at `path`, or of the nearest enclosing value that the file has."""
        for length in range(len(path), -1, -1):
            if (line := self.lines.get(path[:length])) is not None:
                return line
        return None


def read_documents(path: Path) -> list[Document]:
    """All documents of one file, in order.

    Raises DocumentError for a missing or unreadable file, bytes that are not UTF-8, bad YAML, a key
    written twice, an alias into itself, or a tag outside the core schema. Raises OSError where the machine, and not the file, is
    to blame.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise DocumentError(str(path), None, error.strerror or "cannot be read", unreadable(error)) from error
    except UnicodeDecodeError as error:
        line = path.read_bytes()[: error.start].count(b"\n") + 1
        raise DocumentError(str(path), line, "is not UTF-8 text", "bukan teks UTF-8; simpan ulang sebagai UTF-8") from error
    return list(parse_documents(text, file=str(path)))


def read_document(path: Path) -> Document:
    """The one document of a file; DocumentError also if it holds none or several."""
    documents = read_documents(path)
    if len(documents) != 1:
        raise DocumentError(str(path), None, f"holds {len(documents)} YAML documents; exactly one is expected", _ONE)
    return documents[0]


def parse_documents(text: str, *, file: str) -> Iterator[Document]:
    """Like `read_documents`, of a text at hand; `file` only names it in errors."""
    yaml = YAML(typ="safe", pure=True)
    try:
        for node in yaml.compose_all(text):
            if node is not None:
                yield _Builder(file).document(node)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        reason = " ".join(part for part in (error.context, error.problem) if part)
        raise DocumentError(file, mark.line + 1 if mark else None, reason or "is not YAML", _mistake(reason)) from error
    except YAMLError as error:
        raise DocumentError(file, None, str(error).splitlines()[0], _mistake("")) from error
    except RecursionError as error:
        raise DocumentError(file, None, "is nested too deeply", "bersarang terlalu dalam; sederhanakan isinya") from error


def _mistake(reason: str) -> str:
    """What to do about a mistake in YAML's grammar, whose name only the parser's authors know."""
    if "\\t" in reason:
        return "ada tab; pakai spasi untuk menjorokkan baris"
    return "bukan YAML yang sah; periksa spasi di awal baris, titik dua, kurung, dan tanda kutip di sekitar baris ini"


class _Builder:
    """Turns the node graph of one document into plain values."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.lines: dict[KeyPath, int] = {}
        self.open_nodes: set[int] = set()
        self.built_nodes: set[int] = set()
        self.repeated = 0

    def document(self, node: Node) -> Document:
        return Document(self.file, self.build(node, ()), self.lines)

    def refuse(self, node: Node, reason: str, told: str) -> DocumentError:
        return DocumentError(self.file, node.start_mark.line + 1, reason, told)

    def build(self, node: Node, path: KeyPath) -> Any:
        self.repeated += id(node) in self.built_nodes
        self.built_nodes.add(id(node))
        if self.repeated > _MAX_REPEATED:
            reason = f"aliases repeat more than {_MAX_REPEATED} values"
            raise self.refuse(node, reason, "terlalu banyak isi yang diulang dengan *; tulis langsung")
        if id(node) in self.open_nodes:
            raise self.refuse(node, "an alias that contains itself", "isi yang memuat dirinya sendiri; hapus tanda * itu")
        self.lines[path] = node.start_mark.line + 1
        self.open_nodes.add(id(node))
        try:
            if isinstance(node, ScalarNode):
                return self.scalar(node)
            if isinstance(node, SequenceNode):
                return [self.build(item, (*path, position)) for position, item in enumerate(node.value)]
            if isinstance(node, MappingNode):
                return self.mapping(node, path)
            raise self.refuse(node, "is neither a value, a list nor a mapping", _mistake(""))
        finally:
            self.open_nodes.discard(id(node))

    def mapping(self, node: MappingNode, path: KeyPath) -> dict[str, Any]:
        own: dict[str, Any] = {}
        merged: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, ScalarNode):
                raise self.refuse(key_node, "a key must be a word", "kunci harus satu kata; tulis seperti kunci: nilai")
            key = str(key_node.value)
            if key == "<<" and key_node.style is None:
                for source in value_node.value if isinstance(value_node, SequenceNode) else [value_node]:
                    if not isinstance(source, MappingNode):
                        raise self.refuse(value_node, "<< merges mappings only", "<< hanya dapat menyalin pasangan kunci dan nilai")
                    for name, value in self.build(source, path).items():
                        merged.setdefault(name, value)
                continue
            if key in own:
                raise self.refuse(key_node, f"the key {key!r} is written twice", f"kunci {key!r:.80} ditulis dua kali; hapus salah satunya")
            own[key] = self.build(value_node, (*path, key))
            self.lines[(*path, key)] = key_node.start_mark.line + 1
        return {**merged, **own}

    def scalar(self, node: ScalarNode) -> Any:
        text: str = node.value
        if node.style is not None:
            return text
        if _NULL.fullmatch(text):
            return None
        if _BOOL.fullmatch(text):
            return text.lower() == "true"
        if _SPECIAL_FLOAT.fullmatch(text):
            raise self.refuse(node, f"{text} is not a number that can be compared", "bukan bilangan biasa; tulis angka")
        return text if (value := _number(text)) is None else self.bounded(node, value)

    def bounded(self, node: ScalarNode, value: float) -> float:
        if math.isinf(value):
            raise self.refuse(node, f"{node.value[:_MAX_DIGITS]}… is not a number of any use", "bilangan terlalu besar; periksa angkanya")
        return value


def _number(text: str) -> float | None:
    """The number that a plain scalar is in the core schema; infinite where it is beyond what can be held; None: it is none."""
    if _INT.fullmatch(text):
        return int(text) if len(text) <= _MAX_DIGITS else math.inf
    if _OCTAL.fullmatch(text) or _HEX.fullmatch(text):
        return int(text, 0)
    return float(text) if _FLOAT.fullmatch(text) else None
