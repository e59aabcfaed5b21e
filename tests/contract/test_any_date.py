"""A test that asks which day it is, or lets the play choose its day, says why it holds on any: `# any date: ...` within it.

CI first ran on a Monday after weeks of weekends, and a test that had waited for Saturday's figures failed. Think of a day of
work, a holiday, Lebaran, the last of a month and of a year, 29 February, and of midnight (WIB, WITA, WIT, UTC) between two lines.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from tests.pages import ROOT

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
TODAY = re.compile(r"\.today\(\)|current_date")
NOW, ITS_DATE = re.compile(r"\bnow\("), re.compile(r"\.date\(\)|%Y-%m|%H:%M")
ITS_OWN_DAY = re.compile(r'"simulate"(?!.*"--from")|"--once", "--employees"|\bWanted\(employees(?!.*first_day)', re.DOTALL)
ANY_DATE = re.compile(r"# any date: \w+")


def asking(source: str) -> Iterator[tuple[str, str]]:
    """Name and text of the outermost functions and methods that depend on the day on which they run."""
    lines = source.splitlines()
    tree = ast.parse(source)
    for node in [*tree.body, *(inner for outer in tree.body if isinstance(outer, ast.ClassDef) for inner in outer.body)]:
        if isinstance(node, FUNCTIONS):
            first = min([node.lineno, *(one.lineno for one in node.decorator_list)])
            text = "\n".join(lines[first - 1 : node.end_lineno])
            if TODAY.search(text) or (NOW.search(text) and ITS_DATE.search(text)) or ITS_OWN_DAY.search(text):
                yield node.name, text


def files() -> list[Path]:
    return [file for file in sorted((ROOT / "tests").rglob("*.py")) if "benchmarks" not in file.parts and file != Path(__file__)]


def test_whoever_asks_which_day_it_is_says_why_any_day_will_do() -> None:
    found = {(file.relative_to(ROOT), name): text for file in files() for name, text in asking(file.read_text())}

    assert len(found) > 10
    assert [f"{file}: {name}" for (file, name), text in found.items() if not ANY_DATE.search(text)] == []
