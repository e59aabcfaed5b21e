"""No boundary without a failpoint: the source is read, so that a new COMMIT, send or connection cannot hide."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.failpoints import POINTS

ROOT = Path(__file__).parents[3]
RUNTIME = [*ROOT.glob("shared/**/*.py"), *(
    path for service in ("ingest", "geofence", "schedule", "payroll") for path in ROOT.glob(f"services/{service}/**/*.py")
)]  # fmt: skip
BOUNDARIES = {"commit", "send", "send_batch", "send_and_wait", "send_offsets_to_transaction"}
"""What leaves the process for good: each has a point before it and one behind it."""

NO_DATA = {"shared/schemas.py"}
"""Connects to migrate, before any worker runs; a migration is one transaction of Postgres."""

Function = ast.FunctionDef | ast.AsyncFunctionDef


def functions(path: Path) -> Iterator[Function]:
    return (node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, Function))


def called(function: Function) -> Iterator[tuple[str, ast.Call]]:
    """The calls in a function, by the name that is called, without those of functions within it."""
    waiting: list[ast.AST] = list(function.body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, Function):
            continue
        if isinstance(node, ast.Call):
            yield getattr(node.func, "attr", getattr(node.func, "id", "")), node
        waiting += ast.iter_child_nodes(node)


def reached(function: Function) -> dict[str, int]:
    """Points that a function reaches, with their lines."""
    return {
        str(call.args[0].value): call.lineno
        for name, call in called(function) if name == "reach" and call.args and isinstance(call.args[0], ast.Constant)
    }  # fmt: skip


def naked(source: Path) -> list[str]:
    """Boundaries of a file that lack a point before or behind them."""
    return [
        f"{source.name}:{call.lineno} {name}"
        for function in functions(source)
        for name, call in called(function)
        if name in BOUNDARIES and isinstance(call.func, ast.Attribute)
        and not min(reached(function).values(), default=call.lineno) < call.lineno < max(reached(function).values(), default=0)
    ]  # fmt: skip


def test_each_commit_and_each_send_stands_between_two_points() -> None:
    guarded = [name for path in RUNTIME for function in functions(path) for name, _ in called(function) if name in BOUNDARIES]
    assert {"commit", "send_batch"} <= set(guarded)
    assert not [found for path in RUNTIME for found in naked(path)]


def test_each_connection_tells_of_each_statement() -> None:
    for path in RUNTIME:
        if str(path.relative_to(ROOT)) in NO_DATA:
            continue
        for function in functions(path):
            for name, call in called(function):
                if ast.unparse(call.func) == "asyncpg.connect":
                    assert "_watch" in dict(called(function)), f"{path}:{call.lineno}"
                if name == "create_pool":
                    assert "_watch" in {ast.unparse(word.value) for word in call.keywords if word.arg == "init"}, f"{path}:{call.lineno}"


def test_the_points_that_are_named_are_those_that_are_reached() -> None:
    found = [point for path in RUNTIME for function in functions(path) for point in reached(function)]
    in_lambdas = [
        str(call.args[0].value)  # type: ignore[attr-defined]
        for path in RUNTIME for call in ast.walk(ast.parse(path.read_text()))
        if isinstance(call, ast.Call) and ast.unparse(call.func) == "failpoints.reach"
    ]  # fmt: skip
    assert set(in_lambdas) == POINTS
    assert set(found) <= set(in_lambdas)
    assert len(in_lambdas) == len(POINTS), "a point stands in one place"


@pytest.mark.parametrize("body", ["await transaction.commit()", "failpoints.reach('a')\n    await producer.send_batch(b)"])
def test_a_boundary_without_its_points_is_found(body: str, tmp_path: Path) -> None:
    source = tmp_path / "bare.py"
    source.write_text(f"async def write():\n    {body}\n")
    assert len(naked(source)) == 1
