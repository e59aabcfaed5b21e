"""Reads scenario files: one story per YAML document; every fault is told with its file, line and key."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from pydantic import ValidationError

from services.scenario.model import Scenario
from shared.policy import Policy
from shared.yaml_document import Document, DocumentError, KeyPath, read_documents


class ScenarioError(ValueError):
    """A scenario file that cannot be used; one line of text for each fault."""


def read_scenarios(paths: Iterable[Path], policies: Mapping[str, Policy]) -> list[Scenario]:
    """All stories of the files, in order; raises ScenarioError for what cannot be read or names an unknown policy."""
    scenarios: list[Scenario] = []
    seen: dict[str, str] = {}
    for path in paths:
        try:
            documents = read_documents(path)
        except DocumentError as error:
            raise ScenarioError(str(error)) from error
        if not documents:
            raise ScenarioError(f"{path}: holds no scenario")
        for document in documents:
            scenario = _scenario_of(document, policies)
            if scenario.id in seen:
                raise ScenarioError(f"{_place(document, ('id',))} the id {scenario.id!r} is used in {seen[scenario.id]} as well")
            seen[scenario.id] = document.file
            scenarios.append(scenario)
    return scenarios


def _scenario_of(document: Document, policies: Mapping[str, Policy]) -> Scenario:
    try:
        scenario = Scenario.model_validate(document.value)
    except ValidationError as error:
        raise ScenarioError("\n".join(
            f"{_place(document, _path(fault['loc']))} {_dotted(_path(fault['loc']))}: {fault['msg']}"
            for fault in error.errors(include_url=False)
        )) from error
    for position, row in enumerate(scenario.policies):
        if row.policy not in policies:
            raise ScenarioError(
                f"{_place(document, ('policies', position, 'policy'))} policies[{position}].policy: "
                f"{row.policy!r} is not in the policies file; known are: {', '.join(sorted(policies))}"
            )
    return scenario


def _path(location: tuple[str | int, ...]) -> KeyPath:
    """The key path in the file: pydantic puts the arrival's tag after its position, which the file does not have."""
    if len(location) > 2 and location[0] == "arrivals":
        return (*location[:2], *location[3:])
    return location


def _place(document: Document, path: KeyPath) -> str:
    line = document.line_of(path)
    return f"{document.file}:{line}:" if line else f"{document.file}:"


def _dotted(path: KeyPath) -> str:
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).lstrip(".") or "scenario"
