"""Loads scheme files: a mapping NAME → scheme, every fault named by line and key, in Indonesian."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from services.schedule.rules.schemes.model import Scheme
from shared.faults import OF_YAML, fault_of
from shared.yaml_document import Document, DocumentError, KeyPath, read_document


@dataclass(frozen=True, slots=True)
class SchemeFault:
    """One thing wrong in a scheme file: line, key, stable code, sentence."""

    line: int | None
    path: str
    code: str
    detail: str

    def at(self, file: str) -> str:
        """The fault as one line: file:line: key: what to do."""
        place = f"{file}:{self.line}" if self.line else file
        return f"{place}: {self.path}: {self.detail}" if self.path else f"{place}: {self.detail}"


class SchemeError(ValueError):
    """A scheme file that cannot be used; holds all faults at once, in the order of the file."""

    def __init__(self, file: str, faults: tuple[SchemeFault, ...]) -> None:
        self.file, self.faults = file, faults
        super().__init__("\n".join(fault.at(file) for fault in faults))


def load_schemes(path: Path | str) -> dict[str, Scheme]:
    """All schemes of a file by name; raises SchemeError with every fault of the file."""
    try:
        document = read_document(Path(path))
    except DocumentError as error:
        raise SchemeError(error.file, (SchemeFault(error.line, "", "unreadable", error.told),)) from error
    if not isinstance(document.value, dict) or not document.value:
        raise SchemeError(document.file, (SchemeFault(None, "", "not-a-mapping", "Isi berkas harus berupa NAMA: skema."),))
    schemes: dict[str, Scheme] = {}
    faults: list[SchemeFault] = []
    for name, content in document.value.items():
        read = _read(document, name, content)
        if isinstance(read, Scheme):
            schemes[name] = read
        else:
            faults += read
    if faults:
        raise SchemeError(document.file, tuple(sorted(faults, key=lambda fault: fault.line or 0)))
    return schemes


def _read(document: Document, name: str, content: Any) -> Scheme | list[SchemeFault]:
    if not isinstance(content, dict):
        return [SchemeFault(document.line_of((name,)), name, "not-a-scheme", "Harus berupa pemetaan kunci dan nilai.")]
    try:
        return Scheme.model_validate(content)
    except ValidationError as error:
        faults = []
        for one in error.errors():
            path: KeyPath = (name, *one["loc"])
            told = fault_of(one, OF_YAML)
            dotted = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).removeprefix(".")
            faults.append(SchemeFault(document.line_of(path), dotted, told.code, told.detail))
        return faults
