"""Every road on which what people owe can change passes the gate: whoever writes such a table holds what the gate gave."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.local.supervisor import COMMANDS

ROOT = Path(__file__).parents[2]
GATE = "services/schedule/taking_force.py"

WRITERS = {
    "services/schedule/store/reference_rows.py": "put_",
    "services/schedule/store/schemes.py": "put_",
    "services/geofence/store/sites.py": "save_",
}
"""The stores of what duties and fences follow from, and how the names of their writing functions begin."""

STORES = ("reference_rows", "store.sites", "store import sites", "store import schemes")
"""By these words a module that uses one of them is known."""

REBUILDS = "services/replay/restoring.py"
"""Writes into an empty database what was in force: nobody works by it yet."""

REFUSES_BY_ITSELF = {("services/schedule/publishing.py", "publish_weeks")}
"""Hours of a pattern that is in use cannot change at all (tests/integration/preview/test_every_road.py)."""


def functions(path: str) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse((ROOT / path).read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def called(node: ast.AST) -> set[str]:
    names = (one.func for one in ast.walk(node) if isinstance(one, ast.Call))
    return {name.attr if isinstance(name, ast.Attribute) else name.id for name in names if isinstance(name, ast.Attribute | ast.Name)}


def writers() -> set[str]:
    return {function.name for path, start in WRITERS.items() for function in functions(path) if function.name.startswith(start)}


def asks(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Whether a function asks the gate itself, or takes a gate or what the gate gave as an argument that must be given."""
    arguments = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
    annotated = {ast.unparse(one.annotation).strip("'\"") for one in arguments if one.annotation is not None}
    return bool(annotated & {"Cleared", "Gate"}) or any(name.lstrip("_").startswith("allow_") for name in called(function))


def roads() -> list[tuple[str, str]]:
    """Every function that calls a writer by its name, in all services."""
    found = []
    for file in sorted((ROOT / "services").rglob("*.py")):
        path = str(file.relative_to(ROOT))
        imported = file.read_text()
        if path in WRITERS or not any(store in imported for store in STORES):
            continue
        found += [(path, function.name) for function in functions(path) if called(function) & writers()]
    return found


def test_the_writers_and_the_roads_to_them_are_the_ones_that_are_known() -> None:
    """A new one is welcome: give it the gate, and name it here."""
    assert writers() == {
        "put_calendars", "put_employees", "put_policies", "put_rosters", "put_units", "put_schemes", "put_weeks", "save_sites"}
    assert set(roads()) == {
        ("services/geofence/importer.py", "_apply"),
        (REBUILDS, "restore_geofence"),
        ("services/schedule/weeks.py", "assign_weeks"),
        *(("services/schedule/rosters.py", name) for name in ("publish", "gate")),
        *(("services/schedule/schemes.py", name) for name in ("apply_schemes", "put_states")),
        *(("services/schedule/publishing.py", name) for name in (
            "publish_calendars", "publish_org_units", "publish_policies", "publish_rosters", "publish_weeks", "put_people", "put_rosters")),
    }


GUARDED = [road for road in roads() if road[0] != REBUILDS and road not in REFUSES_BY_ITSELF]


@pytest.mark.parametrize("road", GUARDED, ids=lambda road: road[1])
def test_every_road_asks_the_gate_or_holds_its_answer(road: tuple[str, str]) -> None:
    path, name = road
    assert all(asks(function) for function in functions(path) if function.name == name), f"{path}: {name} writes without the gate"


def test_only_the_gate_makes_its_answers_and_only_a_rebuild_does_without() -> None:
    makers, rebuilders = set(), set()
    for file in sorted((ROOT / "services").rglob("*.py")):
        path, names = str(file.relative_to(ROOT)), called(ast.parse(file.read_text()))
        makers |= {path} if "Cleared" in names else set()
        rebuilders |= {path} if "restored" in names else set()
    assert makers == {GATE}
    assert rebuilders == {REBUILDS}


def test_whoever_imports_sites_gives_the_gate_and_no_other() -> None:
    given = set()
    for file in (ROOT / "services").rglob("*.py"):
        calls = (node for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.Call))
        given |= {ast.unparse(word.value).partition("(")[0] for call in calls for word in call.keywords if word.arg == "gate"}
    assert given == {"sites_gate", "gate"}  # `gate`: as it was given, or of the app (services/preview/serving.py)


def test_an_answer_of_the_gate_is_given_only_after_it_was_asked() -> None:
    """Every function that makes one may refuse (it calls `_wait`, or another that does), but for the rebuild."""
    gate = {function.name: function for function in functions(GATE)}
    refusing = {"_wait"}
    while more := {name for name, function in gate.items() if called(function) & refusing} - refusing:
        refusing |= more
    assert {name for name, function in gate.items() if "Cleared" in called(function)} - {"restored"} <= refusing
    assert {name for name in gate if name.startswith("allow_")} <= refusing


def test_schemes_tell_and_do_not_decide_so_that_their_preview_moves_no_rupiah() -> None:
    """No module that judges a day knows of schemes; a scheme changes duties by rosters only."""
    judging = [ROOT / "services/schedule" / f"{name}.py" for name in ("assessing", "memory", "chores", "agent", "reference")]
    judging += [file for file in (ROOT / "services/schedule/rules").glob("*.py") if file.name != "__init__.py"]
    for file in judging:
        imported = [ast.unparse(node) for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.Import | ast.ImportFrom)]
        assert not any("schemes" in line for line in imported), file.name


def test_the_processes_that_run_the_apis_have_the_gate_and_the_player() -> None:
    for name in ("geofence", "schedule"):
        assert COMMANDS[f"{name}_api"] == ("services.preview", f"{name}-api")
        manifest = (ROOT / f"deploy/k8s/base/apis/{name}.yaml").read_text()
        assert f'command: ["python", "-m", "services.preview", "{name}-api"]' in manifest
        assert "HADIR_AUDIT_DATABASE" in manifest
