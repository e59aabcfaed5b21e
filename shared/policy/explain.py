"""Turns what validation found in one pack into faults of ours, and looks across its keys even where some are faulty."""

import difflib
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, get_args

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from shared.policy.faults import FaultAt, PolicyFaults
from shared.policy.model import Policy
from shared.policy.parts import LeaveKind, Part
from shared.yaml_document import KeyPath

_ROUNDS: Final = 20
"""How often a pack is looked at with its faulty parts mended: each round takes at least one of them away."""

_CODES: Final[Mapping[str, str]] = {
    "percent_not_text": "percent_not_text", "percent_not_decimal": "percent_not_decimal", "percent_negative": "percent_negative",
    "not_price": "not_price",
    "not_date": "not_date", "date_type": "not_date", "extra_forbidden": "unknown_key", "missing": "missing", "int_type": "not_whole",
    "int_parsing": "not_whole", "int_from_float": "not_whole", "greater_than_equal": "too_small", "less_than_equal": "too_large",
    "string_type": "not_text", "string_too_short": "empty", "string_too_long": "too_long", "literal_error": "not_one_of",
    "enum": "not_one_of", "bool_type": "not_boolean", "dict_type": "not_keys", "model_type": "not_keys",
    "model_attributes_type": "not_keys", "tuple_type": "not_list", "list_type": "not_list",
}  # fmt: skip
_LIMITS: Final = ("ge", "le", "max_length")
_WORDLIKE: Final = frozenset({"code", "step"})


def explained(content: Mapping[str, Any]) -> tuple[Policy | None, list[FaultAt]]:
    """The policy of these keys (None if a fault stands against it), and every fault: in single keys and across keys.

    Faulty parts are mended one after the other to look across the rest; what compares a mended key is not told.
    """
    mended: Any = json.loads(json.dumps(content))
    faults: list[FaultAt] = []
    touched: set[str] = set()
    for _ in range(_ROUNDS):
        try:
            policy = Policy.model_validate(mended)
        except ValidationError as error:
            details = error.errors(include_url=False)
            across = [fault for detail in details for fault in _across(detail)]
            faults += [fault for fault in across if not touched & set(fault.about)]
            if across:
                return None, faults
            for path, found in _by_place(details, mended).items():
                fault = _fault(path, found, mended)
                if all(known.path != fault.path for known in faults):
                    faults.append(fault)
                if not _harmless(path, fault.code):
                    touched.add(str(path[0]) if path else "")
            for path in _by_place(details, mended):
                _mend(mended, path)
        else:
            return (policy, faults) if not faults else (None, faults)
    return None, faults


def _across(detail: ErrorDetails) -> Sequence[FaultAt]:
    cause = detail.get("ctx", {}).get("error")
    return cause.faults if isinstance(cause, PolicyFaults) else ()


def _by_place(details: Sequence[ErrorDetails], content: Any) -> dict[KeyPath, list[ErrorDetails]]:
    """What was found, by the path in the pack: without the names of union branches that pydantic mixes in."""
    places: dict[KeyPath, list[ErrorDetails]] = {}
    for detail in details:
        path: KeyPath = ()
        here = content
        for part in detail["loc"]:
            if _has(here, part):
                here = here[part]
            elif detail["type"] == "missing" and part == detail["loc"][-1]:
                pass
            else:
                continue
            path = (*path, part)
        places.setdefault(path, []).append(detail)
    return places


def _has(holder: Any, part: str | int) -> bool:
    if isinstance(holder, dict):
        return part in holder
    return isinstance(holder, list) and isinstance(part, int) and part < len(holder)


def _fault(path: KeyPath, found: Sequence[ErrorDetails], content: Any) -> FaultAt:
    detail = found[0]
    kind = detail["type"]
    code = _CODES.get(kind, "unfit")
    value = path[-1] if detail["loc"][-1:] == ("[key]",) else _at(content, path)
    told: dict[str, Any] = {"value": _shown(value)}
    if path and path[-1] in {"open", "close"}:
        code = "not_moment"
    elif len(path) == 2 and path[0] == "leave" and detail["loc"][-1:] == ("[key]",):
        code = "unknown_key"
    if code == "unknown_key":
        near = difflib.get_close_matches(str(path[-1]), _known_keys(path), n=1, cutoff=0.7)
        told = {"near": near[0] if near else ""}
    elif code == "missing":
        told = {"key": path[-1]}
    elif code == "not_one_of":
        told["known"] = ", ".join(_words_of(detail))
    limits = [limit for key, limit in detail.get("ctx", {}).items() if key in _LIMITS]
    if limits:
        told["limit"] = limits[0]
    return FaultAt(path, code, told, (str(path[0]),) if path else ())


def _words_of(detail: ErrorDetails) -> Iterator[str]:
    expected = str(detail.get("ctx", {}).get("expected", ""))
    for word in expected.replace(" or ", ", ").split(", "):
        yield word.strip("'")


def _known_keys(path: KeyPath) -> list[str]:
    """The keys that the mapping which holds `path` may have."""
    if path[0] == "leave" and len(path) == 2:
        return list(get_args(LeaveKind))
    model: type[Part] = Policy
    for part in path[:-1]:
        field = model.model_fields.get(part) if isinstance(part, str) else None
        if field is not None and (inner := _part_of(field.annotation)) is not None:
            model = inner
    return [*model.model_fields, *(("extends",) if model is Policy else ())]


def _part_of(annotation: Any) -> type[Part] | None:
    if isinstance(annotation, type) and issubclass(annotation, Part):
        return annotation
    return next((found for inner in get_args(annotation) if (found := _part_of(inner)) is not None), None)


def _harmless(path: KeyPath, code: str) -> bool:
    """Whether mending leaves the comparison of minutes sound: a price or a name was wrong, or a key too many."""
    return len(path) > 1 and (code == "unknown_key" or path[-1] == "pct" or path[-1] in _WORDLIKE)


def _mend(content: Any, path: KeyPath) -> None:
    """Put something well-formed in the place of a faulty part, or take it away."""
    if not path:
        content.clear()
        return
    holder = _at(content, path[:-1])
    last = path[-1]
    if isinstance(holder, dict) and len(path) > 1 and last == "pct":
        holder[last] = "0"
    elif isinstance(holder, dict) and len(path) > 1 and last in _WORDLIKE:
        holder[last] = "?"
    elif isinstance(holder, dict) and last in holder:
        del holder[last]
    else:  # an entry of a list, or a key that is missing: without it the table says nothing certain
        content.pop(path[0], None)


def _at(content: Any, path: KeyPath) -> Any:
    here = content
    for part in path:
        if isinstance(here, dict):
            here = here.get(str(part))
        elif isinstance(here, list) and isinstance(part, int) and part < len(here):
            here = here[part]
        else:
            return None
    return here


def _shown(value: Any) -> str:
    """A value as the file has it, shortened."""
    text = json.dumps(value, ensure_ascii=False) if not isinstance(value, str) else repr(value)
    return text if len(text) <= 40 else text[:37] + "..."
