"""One thing wrong with a rule pack, or worth a second look: where it stands, its stable code, and how it is told."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from shared.policy.wording import Language, joint, words
from shared.yaml_document import KeyPath


class FaultAt(NamedTuple):
    """A fault within one pack: the path of the key, a code of `wording`, its values, and the keys that it compares."""

    path: KeyPath
    code: str
    values: Mapping[str, Any] = {}
    about: tuple[str, ...] = ()


class PolicyFaults(ValueError):
    """What is wrong across the keys of a pack whose keys are each well-formed."""

    def __init__(self, faults: tuple[FaultAt, ...]) -> None:
        self.faults = faults
        super().__init__("; ".join(words(fault.code, fault.values, "en").sentence for fault in faults))


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault of a policy file: the line, the path of the key ("POL-A.tl[1].min"), a code, and the packs that suffer it.

    `path` names the pack in which the key stands; `packs` are those in which it is wrong: others than that one have
    inherited it through `extends`.
    """

    line: int | None
    path: str
    code: str
    values: Mapping[str, Any] = field(default_factory=dict)
    origin: str = ""
    packs: tuple[str, ...] = ()

    def sentence(self, language: Language = "en") -> str:
        """What is wrong, and in which packs if not (only) in the one where the key stands."""
        told = words(self.code, self.values, language).sentence
        others = tuple(pack for pack in self.packs if pack != self.origin)
        if not others:
            return told
        named = ", ".join(others)
        if self.origin in self.packs:
            return told + joint("also", language, packs=named)
        return joint("inherited", language, packs=named, origin=self.origin) + told

    def advice(self, language: Language = "en") -> str:
        """What to do about it."""
        return words(self.code, self.values, language).advice

    def told(self, language: Language = "en") -> str:
        """Sentence and advice in one line."""
        return f"{self.sentence(language)}; {self.advice(language)}"

    def as_json(self, file: str) -> dict[str, Any]:
        """The fault for programs: stable `code`, place, English words."""
        return {
            "file": file, "line": self.line, "path": self.path, "code": self.code, "packs": list(self.packs),
            "sentence": self.sentence(), "advice": self.advice(),
        }


def at_place(file: str, fault: Fault, language: Language = "en") -> str:
    """A fault as one line: file:line: key path: sentence; what to do."""
    place = f"{file}:{fault.line}" if fault.line else file
    return f"{place}: {fault.path}: {fault.told(language)}" if fault.path else f"{place}: {fault.told(language)}"
