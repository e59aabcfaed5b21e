"""Loads policy files: a mapping NAME → policy, `extends` resolved, every fault named by file, line and key path."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from shared.policy.check import PolicyFaults
from shared.policy.model import Policy
from shared.yaml_document import Document, DocumentError, KeyPath, read_document


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong in a policy file: the line, the path of the key ("POL-A.tl[1].min") and a sentence."""

    line: int | None
    path: str
    reason: str


class PolicyError(ValueError):
    """A policy file that cannot be used; holds all faults at once, one line of text each."""

    def __init__(self, file: str, faults: tuple[Fault, ...]) -> None:
        self.file, self.faults = file, faults
        super().__init__("\n".join(_sentence(file, fault) for fault in faults))


def load_policies(path: Path | str) -> dict[str, Policy]:
    """All policies of a file by name; raises PolicyError with every fault of the file.

    `extends: NAME` takes the keys of NAME (of the same file, in any order); a key of the policy itself replaces
    the inherited one as a whole.
    """
    try:
        document = read_document(Path(path))
    except DocumentError as error:
        raise PolicyError(error.file, (Fault(error.line, "", error.reason),)) from error
    loader = _Loader(document)
    policies = loader.policies()
    if loader.faults:
        raise PolicyError(document.file, tuple(loader.faults))
    return policies


class _Loader:
    """Resolves one document; collects faults instead of stopping at the first."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.faults: list[Fault] = []

    def fault(self, path: KeyPath, reason: str) -> None:
        fault = Fault(self.document.line_of(path), _dotted(path), reason)
        if fault not in self.faults:
            self.faults.append(fault)

    def policies(self) -> dict[str, Policy]:
        raw = self.document.value
        if not isinstance(raw, dict) or not raw:
            self.fault((), "a policy file is a mapping of names to policies")
            return {}
        policies: dict[str, Policy] = {}
        for name in raw:
            if not isinstance(raw[name], dict):
                self.fault((name,), "a policy is a mapping of keys")
            elif (resolved := self.resolve(name, ())) is not None:
                content, origins = resolved
                try:
                    policies[name] = Policy.model_validate(content)
                except ValidationError as error:
                    self.explain(name, origins, error)
        return policies

    def resolve(self, name: str, children: tuple[str, ...]) -> tuple[dict[str, Any], dict[str, str]] | None:
        """Keys of a policy with its inherited ones, and the name of the policy in which each key stands."""
        raw = self.document.value[name]
        own = {key: value for key, value in raw.items() if key != "extends"}
        origins = dict.fromkeys(own, name)
        if "extends" not in raw:
            return own, origins
        parent = raw["extends"]
        if not isinstance(parent, str) or not isinstance(self.document.value.get(parent), dict):
            self.fault((name, "extends"), f"there is no policy {parent!r} in this file")
            return None
        if parent == name or parent in children:
            self.fault((name, "extends"), f"{parent} extends itself: " + " → ".join((*children, name, parent)))
            return None
        inherited = self.resolve(parent, (*children, name))
        if inherited is None:
            return None
        return {**inherited[0], **own}, {**inherited[1], **origins}

    def explain(self, name: str, origins: dict[str, str], error: ValidationError) -> None:
        for detail in error.errors():
            location = self.known_part(name, origins, detail["loc"])
            cause = detail.get("ctx", {}).get("error")
            if isinstance(cause, PolicyFaults):
                for path, reason in cause.faults:
                    self.fault((origins.get(str(path[0]), name), *path), reason)
            elif detail["type"] == "extra_forbidden":
                self.fault(location, "unknown key")
            elif detail["type"] == "missing":
                self.fault((*location, detail["loc"][-1]) if location[-1] != detail["loc"][-1] else location, "is missing")
            else:
                self.fault(location, detail["msg"].removeprefix("Value error, "))

    def known_part(self, name: str, origins: dict[str, str], location: tuple[str | int, ...]) -> KeyPath:
        """Pydantic's location without the names of union branches that it mixes in."""
        path: KeyPath = (origins.get(str(location[0]), name),) if location else (name,)
        for part in location:
            if (*path, part) in self.document.lines:
                path = (*path, part)
        return path


def _dotted(path: KeyPath) -> str:
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def _sentence(file: str, fault: Fault) -> str:
    place = f"{file}:{fault.line}" if fault.line else file
    return f"{place}: {fault.path}: {fault.reason}" if fault.path else f"{place}: {fault.reason}"
