"""docs/mutants.md names the mutants that the tests know: each of them, and no other."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from tests.faults.mutants import MUTANTS
from tests.faults.mutated import SWITCHES
from tests.pages import ROOT


def mutants(file: Path) -> Iterator[str]:
    """Functions that take a `monkeypatch` alone and are no tests, and names by which a real worker is told to be one."""
    for node in ast.walk(ast.parse(file.read_text())):
        match node:
            case ast.FunctionDef(name=name, args=ast.arguments(args=[ast.arg(arg="monkeypatch")])) if not name.startswith("test_"):
                yield name
            case ast.Call(args=[ast.Constant(value="mutant"), ast.List() as names]):
                yield from filter(None, ast.literal_eval(names))


FILES = [*(ROOT / "tests" / "simulation").rglob("test_*.py"), *(ROOT / "tests" / "integration").rglob("test_*.py")]


def test_every_mutant_is_used_where_it_is_made() -> None:
    named_once = [name for file in FILES for name in mutants(file) if len(re.findall(rf"\b{name}\b", file.read_text())) == 1]
    assert [name for name in named_once if "-" not in name] == []  # those with a dash are words that a worker is told


def test_the_page_names_every_mutant_and_no_other() -> None:
    known = {name for file in FILES for name in mutants(file)}
    page = (ROOT / "docs" / "mutants.md").read_text()
    listed = set(re.findall(r"^\|[^|]*\| `([\w-]+)` \|[^|]*\|$", page, re.MULTILINE))
    listed |= set(re.findall(r"^One mutant is \*not\* found out, and should not be: `([\w-]+)`", page, re.MULTILINE))

    assert len(known) > 15
    assert listed == known


def test_the_page_has_the_mutants_of_the_whole_house_as_they_are_tried() -> None:
    page = (ROOT / "docs" / "mutants.md").read_text()

    assert re.findall(r"^\|[^|]*\| `[\w-]+` \|(?:[^|]*\|){3}$", page, re.MULTILINE) == [mutant.row for mutant in MUTANTS]
    assert {mutant.name for mutant in MUTANTS} == SWITCHES.keys()
