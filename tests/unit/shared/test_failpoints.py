"""No boundary without a failpoint: the source is read, so that a new COMMIT, send or connection cannot hide."""

import ast
import functools
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.failpoints import POINTS

ROOT = Path(__file__).parents[3]
RUNTIME = [*ROOT.glob("shared/**/*.py"), *(
    path for service in ("ingest", "geofence", "schedule", "payroll") for path in ROOT.glob(f"services/{service}/**/*.py")
)]  # fmt: skip
BOUNDARIES = {"commit", "send", "send_batch", "send_and_wait", "send_offsets_to_transaction", "produce", "commit_transaction"}
"""What leaves the process for good: each has a point before it and one behind it."""

STATEMENTS = {"execute", "executemany", "fetch", "fetchrow", "fetchval", "copy_records_to_table"}
BY_HAND = re.compile(
    r"(?:^|;)(?:\s|--[^\n]*\n|/\*.*?\*/)*"
    r"(?:(?:begin|commit|end|rollback|abort)(?:\s+(?:work|transaction|isolation|read|not|deferrable|and|to|prepared)\b[^;]*)?\s*(?:;|--|/\*|$)"
    r"|start\s+transaction\b|prepare\s+transaction\b|(?:release\s+)?savepoint\b)",
    re.IGNORECASE | re.DOTALL,
)
"""SQL that opens or ends a transaction past the driver: whoever needs one asks the driver, where the points are."""

A_COLUMN_TOO = {"end"}
"""A word that names columns as well: it is a statement where it is executed, or has a name under which it may be."""

UNHEARD = (".copy_to_table", ".copy_from_table", ".copy_from_query", "connection.prepare")
"""What the driver sends without telling its query loggers; `copy_records_to_table` tells by itself."""

STEPS: dict[tuple[str, str], tuple[str, ...]] = {
    ("shared/lanes.py", "hold"): (
        "transaction.start()", "[begun]", "self._lock(", "[locked]", "yield work", "[handled]", "work.write()", "_commit(transaction)",
    ),
    ("shared/lanes.py", "write"): ("insert into dead_letter", "[letters-written]", "self.connection.execute(_WRITE"),
    ("shared/lanes.py", "_commit"): (
        "[outbox-written]", "ensure_future(transaction.commit())", "[commit-sent]", "await commit", "[committed]",
    ),
    ("shared/relay.py", "_round"): (
        "connection.fetch(_READ", "[relay-read]", "self._publish(", "[relay-sent]", "connection.execute(_MARK", "[relay-marked]",
    ),
    ("shared/relay.py", "send"): ("[relay-producing]", "producer.send_batch(", "[relay-acknowledged]", "unsent.difference_update("),
    ("shared/reference.py", "_load"): (
        "consumer.getmany(", "[references-fetched]", "settle(items", "[references-applied]", "self._on_change()",
    ),
    ("shared/pump.py", "tell_lag"): ("[lag-telling]", "kafka.commit(", "[lag-told]"),
    ("services/ingest/intake.py", "_settle"): (
        "session.employees(", "[ingest-known]", "session.claim(", "[ingest-claimed]", "self._publish(", "[ingest-settled]",
    ),
    ("services/ingest/intake.py", "_mark"): ("mark_published(", "[ingest-marked]"),
    ("services/ingest/publisher.py", "_send"): ("[ingest-producing]", "producer.send_batch(", "[ingest-acknowledged]"),
}  # fmt: skip
"""Every boundary of the protocol in the order in which it is crossed, and the point that stands there: BEGIN, the locks, the
service, the letters, the outbox, COMMIT sent and answered, what a relay reads, publishes and marks, and so on."""

BY_STATEMENTS = {
    ("shared/lanes.py", "_make_room"): "days of the outbox to come",
    ("shared/relay.py", "_tidy"): "the same",
    ("shared/database.py", "drop_sent_outbox_days"): "days that are sent and old",
    ("services/ingest/store.py", "mark_published"): "a note that may get lost; ingest-settled stands before it, ingest-marked behind it",
    ("services/ingest/store.py", "forget_receipts"): "old receipts, by one statement on the pool",
    ("services/geofence/store/reached.py", "count_reached"): "counts, and writes nothing",
}
"""Transactions that no point names: each of their statements is one ("statement"), and no event hangs on them."""

NAMED = {("shared/lanes.py", "hold")}
"""Where the transaction is opened whose every boundary has its point (STEPS)."""

NO_DATA = {"shared/schemas.py"}
"""Connects to migrate, before any worker runs; a migration is one transaction of Postgres."""

Function = ast.FunctionDef | ast.AsyncFunctionDef


@functools.cache
def nodes(path: Path) -> list[ast.AST]:
    """All of a file's syntax, read once for all who ask."""
    return list(ast.walk(ast.parse(path.read_text())))


def functions(path: Path) -> Iterator[Function]:
    return (node for node in nodes(path) if isinstance(node, Function))


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


def text(call: ast.Call) -> str:
    """The SQL that a call is given, as far as it stands there."""
    found = (node.value for given in call.args[:1] for node in ast.walk(given) if isinstance(node, ast.Constant))
    return "".join(part for part in found if isinstance(part, str))


@functools.cache
def statements(path: Path) -> list[ast.AST]:
    """The syntax of what a file gives to the driver to execute."""
    calls = [node for node in nodes(path) if isinstance(node, ast.Call) and getattr(node.func, "attr", "") in STATEMENTS]
    return [part for call in calls for part in call.args[:1]]


def executed(source: Path) -> set[int]:
    """Constants that a file executes, and those that it gives a name under which it or the runtime executes something."""
    names = {
        getattr(node, "id", getattr(node, "attr", ""))
        for path in (*RUNTIME, source) for part in statements(path) for node in ast.walk(part)
    }  # fmt: skip
    named = [
        node.value for node in nodes(source) if isinstance(node, ast.Assign | ast.AnnAssign | ast.NamedExpr) and node.value
        and names & {getattr(target, "id", "") for target in getattr(node, "targets", [getattr(node, "target", None)])}
    ]  # fmt: skip
    return {id(node) for node in (*statements(source), *named)}


def by_hand(source: Path) -> list[str]:
    """Every string of a file, wherever it stands and whoever executes it, that would open or end a transaction past the driver."""
    found = [
        node for node in nodes(source) if isinstance(node, ast.Constant) and isinstance(node.value, str) and BY_HAND.search(node.value)
    ]  # fmt: skip
    return [
        f"{source.name}:{node.lineno} {node.value!r}" for node in found
        if node.value not in A_COLUMN_TOO or id(node) in executed(source)
    ]  # fmt: skip


def naked(source: Path) -> list[str]:
    """Boundaries of a file that lack a point of their own before or behind them, or are handed on to be called elsewhere.

    One between two points hides no other.
    """
    called_there = {id(node.func) for node in nodes(source) if isinstance(node, ast.Call)}
    found = [
        f"{source.name}:{node.lineno} {node.attr} is handed on" for node in nodes(source)
        if isinstance(node, ast.Attribute) and node.attr in BOUNDARIES and id(node) not in called_there
    ]  # fmt: skip
    for function in functions(source):
        crossed = {
            call.lineno: f"{source.name}:{call.lineno} {name}"
            for name, call in called(function) if isinstance(call.func, ast.Attribute) and name in BOUNDARIES
        }  # fmt: skip
        steps = sorted({**crossed, **dict.fromkeys(reached(function).values(), "")}.items())
        told = ["naked", *(step for _, step in steps), "naked"]
        found += [step for before, step, behind in zip(told, told[1:], told[2:], strict=False) if step and (before or behind)]
    return found


def by_statements(source: Path) -> set[str]:
    """Functions that write past the points: they open a transaction that may write, or let a pool commit a single statement."""
    return {
        function.name
        for function in functions(source)
        for name, call in called(function)
        if isinstance(call.func, ast.Attribute)
        and (
            (name == "transaction" and not any(word.arg == "readonly" for word in call.keywords))
            or (name in STATEMENTS and ast.unparse(call.func.value).endswith("pool") and not text(call).lower().startswith("select"))
        )
    }


def test_each_commit_and_each_send_stands_between_two_points() -> None:
    guarded = [name for path in RUNTIME for function in functions(path) for name, _ in called(function) if name in BOUNDARIES]
    assert {"commit", "send_batch"} <= set(guarded)
    assert not [found for path in RUNTIME for found in naked(path)]


def test_no_transaction_is_opened_or_ended_by_a_statement() -> None:
    assert not [found for path in RUNTIME for found in by_hand(path)]


def test_each_connection_tells_of_each_statement() -> None:
    for path in RUNTIME:
        if str(path.relative_to(ROOT)) in NO_DATA:
            continue
        for function in functions(path):
            for name, call in called(function):
                if ast.unparse(call.func) == "asyncpg.connect":
                    assert "_prepare" in dict(called(function)), f"{path}:{call.lineno}"
                assert not ast.unparse(call.func).endswith(UNHEARD), f"{path}:{call.lineno}"
                if name == "create_pool":
                    assert "_prepare" in {ast.unparse(word.value) for word in call.keywords if word.arg == "init"}, f"{path}:{call.lineno}"


def test_the_points_that_are_named_are_those_that_are_reached() -> None:
    found = [point for path in RUNTIME for function in functions(path) for point in reached(function)]
    in_lambdas = [
        str(call.args[0].value)  # type: ignore[attr-defined]
        for path in RUNTIME for call in nodes(path)
        if isinstance(call, ast.Call) and ast.unparse(call.func) == "failpoints.reach"
    ]  # fmt: skip
    assert set(in_lambdas) == POINTS
    assert set(found) <= set(in_lambdas)
    assert len(in_lambdas) == len(POINTS), "a point stands in one place"


def missing(source: str, name: str, wanted: tuple[str, ...]) -> str | None:
    """The first step of a function that does not stand where it should: behind the one before it."""
    [function] = [node for node in ast.walk(ast.parse(source)) if isinstance(node, Function) and node.name == name]
    lines = iter(re.sub(r"failpoints\.reach\('([a-z-]+)'\)", r"[\1]", ast.unparse(function)).splitlines())
    return next((step for step in wanted if not any(step in line for line in lines)), None)


def test_each_boundary_of_the_protocol_has_its_point_where_it_is_crossed() -> None:
    found = {place: missing((ROOT / place[0]).read_text(), place[1], wanted) for place, wanted in STEPS.items()}
    assert not any(found.values()), found
    assert {step[1:-1] for wanted in STEPS.values() for step in wanted if step.startswith("[")} == POINTS - {"statement"}


@pytest.mark.parametrize(("place", "point"), [(at, step) for at, wanted in STEPS.items() for step in wanted if step.startswith("[")])
def test_a_boundary_that_lost_its_point_is_found(place: tuple[str, str], point: str) -> None:
    file, name = place
    source = (ROOT / file).read_text().replace(f'failpoints.reach("{point[1:-1]}")', "pass")
    assert missing(source, name, STEPS[place]) == point


def test_no_transaction_is_committed_past_the_points() -> None:
    files = {str(path.relative_to(ROOT)): path for path in RUNTIME}
    found = {(name, function) for name, path in files.items() if name not in NO_DATA for function in by_statements(path)}
    assert found == BY_STATEMENTS.keys() | NAMED


@pytest.mark.parametrize(
    ("body", "many"),
    [
        ("await transaction.commit()", 1),
        ("failpoints.reach('a')\n    await producer.send_batch(b)", 1),
        ("await producer.produce(b)", 1),
        ("await producer.commit_transaction()", 1),
        ("await gather(*map(producer.send_batch, x))", 1),
        ("send = producer.send_batch\n    await send(b)", 1),
        ("await partial(producer.send_batch, b)()", 1),
        ("failpoints.reach('a')\n    await t.commit()\n    await p.send_batch(b)\n    failpoints.reach('b')", 2),
        ("failpoints.reach('a')\n    await t.commit()\n    failpoints.reach('b')\n    await p.send_batch(b)\n    failpoints.reach('c')", 0),
    ],
)  # fmt: skip
def test_a_boundary_without_its_points_is_found(body: str, many: int, tmp_path: Path) -> None:
    assert len(naked(_source(body, tmp_path))) == many


@pytest.mark.parametrize(
    ("constant", "executed"),
    [
        ('_OPEN = "begin"', "_OPEN"),
        ('_OPEN: Final = "begin isolation level serializable"', "_OPEN"),
        ('_CLOSE = """\n  commit;\n"""', "_CLOSE"),
        ('_CLOSE = "end"', "_CLOSE"),
        ('_BACK = {"all": "rollback", "some": "other"}', '_BACK["all"]'),
        ('_OF_ANOTHER_MODULE = "-- all or nothing\\nstart transaction read write"', "relay._OF_ANOTHER_MODULE"),
        ("", '"begin"'),
        ("", "'END'"),
        ("", "'end'"),
        ("", "'set x; BEGIN'"),
        ("", "'insert into x values (1); commit and chain'"),
        ("", 'f"savepoint {name}"'),
        ("", "'release savepoint a'"),
        ("", "'rollback to a'"),
        ("", "'prepare transaction $1'"),
        ("", "statement := 'abort'"),
        ("", "'do $$ begin delete from x; commit; end $$'"),
    ],
)
def test_a_transaction_that_a_relay_would_open_or_end_by_hand_is_found(constant: str, executed: str, tmp_path: Path) -> None:
    source = tmp_path / "relay.py"
    relay = (ROOT / "shared/relay.py").read_text()
    source.write_text(f"{relay}\n\n{constant}\n\n\nasync def by_hand(connection):\n    await connection.execute({executed})\n")
    assert len(by_hand(source)) == 1


@pytest.mark.parametrize(
    "text",
    [
        "select case when x then y end", "begin with a line such as POL-A:", "commit-sent", "Rollback was not possible", "the end",
        "do $$ begin perform 1; end $$", "end of the month", "release", "transaction",
    ],
)  # fmt: skip
def test_what_reads_like_a_transaction_and_is_none_is_left_alone(text: str, tmp_path: Path) -> None:
    assert not by_hand(_source(f"await c.execute({text!r}, row['end'])", tmp_path))


@pytest.mark.parametrize(
    ("body", "seen"),
    [
        ("async with c.transaction():\n        pass", True),
        ("async with c.transaction(isolation='serializable'):\n        pass", True),
        ("mine = c.transaction()\n    await mine.start()", True),
        ("await pool.execute('insert into x')", True),
        ("await self._pool.fetchval(statement)", True),
        ("async with c.transaction(readonly=True):\n        pass", False),
        ("await pool.fetch('select 1')", False),
        ("await c.execute('insert into x')", False),  # within whose transaction it runs, the source does not tell
    ],
)
def test_what_is_committed_past_the_points_is_found(body: str, seen: bool, tmp_path: Path) -> None:
    assert by_statements(_source(body, tmp_path)) == ({"write"} if seen else set())


def _source(body: str, folder: Path) -> Path:
    source = folder / "bare.py"
    source.write_text(f"async def write():\n    {body}\n")
    return source
