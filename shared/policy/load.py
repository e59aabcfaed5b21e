"""Loads policy files: a mapping NAME → policy, `extends` resolved, every fault named by file, line and key path."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from shared.policy.check import remarks_of
from shared.policy.explain import explained
from shared.policy.faults import Fault, FaultAt, at_place
from shared.policy.model import Policy
from shared.yaml_document import Document, DocumentError, KeyPath, read_document


class PolicyError(ValueError):
    """A policy file that cannot be used; holds all faults at once, one line of text each, in the order of the file."""

    def __init__(self, file: str, faults: tuple[Fault, ...]) -> None:
        self.file, self.faults = file, faults
        super().__init__("\n".join(at_place(file, fault) for fault in faults))


@dataclass(frozen=True, slots=True)
class Checked:
    """A policy file as far as it can be read: the packs without fault, the faults, and remarks on what may be a slip."""

    file: str
    policies: Mapping[str, Policy]
    faults: tuple[Fault, ...]
    remarks: Mapping[str, tuple[Fault, ...]]


def load_policies(path: Path | str) -> dict[str, Policy]:
    """All policies of a file by name; raises PolicyError with every fault of the file.

    `extends: NAME` takes the keys of NAME (of the same file, in any order); a key of the policy itself replaces
    the inherited one as a whole.
    """
    checked = check_policies(path)
    if checked.faults:
        raise PolicyError(checked.file, checked.faults)
    return dict(checked.policies)


def check_policies(path: Path | str) -> Checked:
    """Everything about a policy file at once, also what is right in it while something else is wrong."""
    try:
        document = read_document(Path(path))
    except DocumentError as error:
        return Checked(error.file, {}, (Fault(error.line, "", "unreadable", {"reason": error.reason, "told": error.told}),), {})
    loader = _Loader(document)
    policies = loader.policies()
    faults = tuple(sorted(loader.faults.values(), key=lambda fault: fault.line or 0))
    return Checked(document.file, policies, faults, {name: loader.remarks(name, policy) for name, policy in policies.items()})


class _Loader:
    """Resolves one document; collects faults instead of stopping at the first."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.faults: dict[tuple[str, str, str], Fault] = {}

    def fault(self, path: KeyPath, code: str, values: Mapping[str, Any] | None = None) -> None:
        """A fault of the file or of a pack as a whole."""
        pack = str(path[0]) if path else ""
        self._keep(Fault(self.document.line_of(path), dotted(path), code, values or {}, pack, (pack,) if pack else ()))

    def _keep(self, fault: Fault) -> None:
        """The same fault of the same key is one fault, however many packs inherit it."""
        key = (fault.path, fault.code, repr(sorted(fault.values.items(), key=lambda item: item[0])))
        known = self.faults.get(key)
        self.faults[key] = fault if known is None else replace(known, packs=tuple(dict.fromkeys((*known.packs, *fault.packs))))

    def policies(self) -> dict[str, Policy]:
        raw = self.document.value
        if not isinstance(raw, dict) or not raw:
            self.fault((), "not_a_mapping")
            return {}
        policies: dict[str, Policy] = {}
        for name in raw:
            if not isinstance(raw[name], dict):
                self.fault((name,), "not_a_policy")
            elif (resolved := self.resolve(name, ())) is not None:
                content, origins = resolved
                policy, faults = explained(content)
                for fault in faults:
                    self._keep(self.placed(name, origins, fault))
                if policy is not None:
                    policies[name] = policy
        return policies

    def remarks(self, name: str, policy: Policy) -> tuple[Fault, ...]:
        """What may be a slip in a pack that is right as such; told once, at the pack in which the key stands."""
        resolved = self.resolve(name, ())
        origins = resolved[1] if resolved else {}
        return tuple(self.placed(name, origins, remark) for remark in remarks_of(policy))

    def resolve(self, name: str, children: tuple[str, ...]) -> tuple[dict[str, Any], dict[str, str]] | None:
        """Keys of a policy with its inherited ones, and the name of the policy in which each key stands."""
        raw = self.document.value[name]
        own = {key: value for key, value in raw.items() if key != "extends"}
        origins = dict.fromkeys(own, name)
        if "extends" not in raw:
            return own, origins
        parent = raw["extends"]
        if not isinstance(parent, str) or not isinstance(self.document.value.get(parent), dict):
            known = ", ".join(str(other) for other in self.document.value if other != name)
            self.fault((name, "extends"), "unknown_parent", {"parent": parent, "known": known})
            return None
        if parent == name or parent in children:
            self.fault((name, "extends"), "extends_itself", {"parent": parent, "way": " → ".join((*children, name, parent))})
            return None
        inherited = self.resolve(parent, (*children, name))
        if inherited is None:
            return None
        return {**inherited[0], **own}, {**inherited[1], **origins}

    def placed(self, name: str, origins: Mapping[str, str], fault: FaultAt) -> Fault:
        """The fault at the pack and line where its key stands, which may be the one that `name` extends."""
        origin = origins.get(str(fault.path[0]), name) if fault.path else name
        path: KeyPath = (origin, *fault.path)
        values = dict(fault.values)
        if fault.code == "over_cap" and "cap" in origins:
            other: KeyPath = (origins["cap"], "cap")
            values |= {"line": self.document.line_of(other), "path": dotted(other)}
        return Fault(self.document.line_of(path), dotted(path), fault.code, values, origin, (name,))


def dotted(path: KeyPath) -> str:
    """A key path as people read it: POL-A.tl[1].min."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text
