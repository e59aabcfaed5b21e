"""No name, NIP or coordinate can get into a log line, whichever way somebody tries to put it there."""

import ast
import io
import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
from aiokafka.errors import KafkaConnectionError, NotLeaderForPartitionError
from hypothesis import HealthCheck, given
from hypothesis import settings as tried
from hypothesis import strategies as st

from shared import logs
from shared.failures import Poison
from shared.refusal import Refusal

NIPS = st.from_regex(r"[12][0-9]{17}", fullmatch=True)
NAMES = st.sampled_from(["Sri Wahyuni", "sri wahyuni", "Budi", "wayan", "H. Abdul Karim, S.Pd.", "O'Neil Simanjuntak"])
COORDINATES = st.floats(-90, 90, allow_nan=False).filter(lambda degree: len(str(abs(degree))) > 6)
PERSONAL = st.one_of(NIPS, NAMES, COORDINATES, NIPS.map(int))
LEVELS = {"debug", "info", "warning", "error", "exception", "critical"}
EVERY_LOGGER = [
    "services.geofence.agent",
    "shared.streaming",
    "aiokafka.consumer",
    "faust.app",
    "asyncio",
    "uvicorn.error",
]


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """What the process would write, as `configure` sets it up."""
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logs.JsonLines("geofence"))
    root.handlers[:] = [handler]
    root.setLevel(logging.DEBUG)
    yield stream
    root.handlers[:] = before
    root.setLevel(level)


def said(lines: io.StringIO) -> dict[str, Any]:
    line: dict[str, Any] = json.loads(lines.getvalue().splitlines()[-1])
    return line


def absent(lines: io.StringIO, secret: object) -> bool:
    return str(secret) not in lines.getvalue() and json.dumps(str(secret))[1:-1] not in lines.getvalue()


def fresh(lines: io.StringIO) -> None:
    lines.seek(0)
    lines.truncate()


@pytest.mark.parametrize("name", EVERY_LOGGER)
@tried(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=15, deadline=None)
@given(secret=PERSONAL)
def test_nothing_personal_gets_through_a_logging_call(lines: io.StringIO, name: str, secret: object) -> None:
    fresh(lines)
    logger = logging.getLogger(name)
    logger.setLevel(logging.DEBUG)

    logger.error("Cannot place %s", secret)
    logger.error("Cannot place %r of %d", secret, 3)
    logger.error("Cannot place %(who)s", {"who": secret})
    logger.error("Cannot place %s", [secret])
    logger.error("Cannot place %s", ValueError(secret))
    logger.error("Cannot place", extra={"who": secret, "nip": secret})

    assert absent(lines, secret)
    assert len(lines.getvalue().splitlines()) == 6


@tried(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40, deadline=None)
@given(secret=PERSONAL, field=st.sampled_from([*logs.FIELDS, "name", "nip", "latitude", "employee", "body", "text"]))
def test_nothing_personal_gets_through_a_field(lines: io.StringIO, secret: object, field: str) -> None:
    fresh(lines)
    wished: Any = {} if field == "text" else {field: secret}

    logs.event(logging.getLogger("services.geofence"), "A check-in was judged", **wished)

    assert absent(lines, secret)


@tried(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=15, deadline=None)
@given(secret=PERSONAL)
def test_nothing_personal_gets_through_an_exception_or_its_cause(lines: io.StringIO, secret: object) -> None:
    for error in (
        ValueError(f"no such employee: {secret}"),
        KeyError(secret),
        asyncpg.UniqueViolationError(f"duplicate key\nDETAIL:  Key (nip)=({secret}) already exists."),
        Poison("schema", f"name: {secret}"),
        OSError(2, f"no file {secret}"),
    ):
        fresh(lines)
        error.__cause__ = RuntimeError(secret)
        logs.event(logging.getLogger("shared.streaming"), "It failed", exc_info=error)
        logging.getLogger("faust").error("It failed: %s", error, exc_info=error)

        assert absent(lines, secret)
        assert said(lines)["error"] == type(error).__qualname__


@pytest.mark.parametrize("name", ["aiokafka", "faust.worker", "asyncio"])
@pytest.mark.parametrize(
    "text", ["got b'{secret}'", 'got "{secret}"', "got {{'who': {secret}}}", "got <Event {secret}>"]
)
@pytest.mark.parametrize("secret", ["Sri Wahyuni", "198503152010011007", "-6.91474"])
def test_what_a_library_has_formatted_itself_is_masked(lines: io.StringIO, name: str, text: str, secret: str) -> None:
    logging.getLogger(name).error(text.format(secret=secret))

    assert absent(lines, secret)


def test_a_line_names_event_and_cause_and_where_it_broke(lines: io.StringIO) -> None:
    event_id, cause = uuid4(), uuid4()
    with pytest.raises(asyncpg.DeadlockDetectedError) as caught:
        raise asyncpg.DeadlockDetectedError("deadlock")
    logs.event(
        logging.getLogger("services.payroll"), "Posting failed", level=logging.WARNING, event_id=event_id,
        cause=cause, topic="hadir.day.assessed.v1", partition=3, offset=7, seconds=0.12345, exc_info=caught.value,
    )  # fmt: skip

    line = said(lines)
    assert line["at_code"][-1].startswith("test_logs.py:")
    del line["at"], line["at_code"]
    assert line == {
        "level": "WARNING", "service": "geofence", "logger": "services.payroll", "text": "Posting failed",
        "event_id": str(event_id), "cause": str(cause), "topic": "hadir.day.assessed.v1", "partition": 3, "offset": 7,
        "seconds": 0.12, "error": "DeadlockDetectedError", "sqlstate": "40P01",
    }  # fmt: skip


def test_what_helps_an_operator_is_kept(lines: io.StringIO) -> None:
    logging.getLogger("aiokafka").error("Unable connect to %s: retry %d on %s", "127.0.0.1:9092", 3, "hadir.site.v1")

    assert said(lines)["text"] == "Unable connect to 127.0.0.1:9092: retry 3 on hadir.site.v1"


def test_a_refusal_is_told_as_it_stands(lines: io.StringIO) -> None:
    refusal = Refusal("port 8802 is taken")

    logs.event(logging.getLogger("shared.streaming"), "The worker must not go on", exc_info=refusal)

    assert said(lines)["refusal"] == "port 8802 is taken"


def test_every_log_call_of_ours_has_a_literal_text() -> None:
    root = Path(__file__).parents[3]
    found = 0
    for path in [*root.glob("services/**/*.py"), *root.glob("shared/**/*.py")]:
        for node in ast.walk(ast.parse(path.read_text())):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
                continue
            owner = node.func.value.id if isinstance(node.func.value, ast.Name) else ""
            if owner == "logs" and node.func.attr == "event":
                text = node.args[1]
            elif owner in {"_log", "log", "logger", "_logger"} and node.func.attr in LEVELS:
                text = node.args[0]
            else:
                continue
            found += 1
            assert isinstance(text, ast.Constant), f"{path.name}:{node.lineno} builds its log text"
    assert found > 10


def test_a_leader_that_is_only_being_made_is_waited_for_without_a_word(lines: io.StringIO) -> None:
    fetcher = logging.getLogger("aiokafka.consumer.fetcher")
    before, root = fetcher.filters[:], logging.getLogger()
    handlers, level = root.handlers[:], root.level
    try:
        logs.configure("monitor")
        root.handlers[:] = handlers
        fetcher.error("Failed fetch offsets from %s: %s", 1, NotLeaderForPartitionError())
        assert lines.getvalue() == ""
        fetcher.error("Failed fetch offsets from %s: %s", 1, KafkaConnectionError())
        assert "Failed fetch offsets from 1" in said(lines)["text"]
    finally:
        fetcher.filters[:] = before
        root.setLevel(level)
        logging.captureWarnings(False)
