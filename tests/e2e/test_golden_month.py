"""The golden month, played through HTTP, Kafka, the services and Postgres: every record that comes out is the committed one.

`HADIR_GOLDEN_MONTH=write` writes the records anew; look at the difference before you commit it, others test against them.
"""

import gzip
import json
import os
import re
import shutil
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import zip_longest
from pathlib import Path
from typing import Any, Final
from uuid import NAMESPACE_URL, uuid5

import pytest

from services.contract.files import FOLDER
from services.scenario.arrivals import CheckIn
from services.scenario.live import _Play, _System
from services.scenario.model import Scenario
from services.scenario.read import read_scenarios
from services.scenario.stage import Stage
from services.schedule.rules.schemes import load_schemes
from services.schedule.rules.workflow import Who
from services.schedule.schemes import Scope, apply_schemes
from shared.policy import load_policies
from shared.reading import consuming, partitions_of, to_the_ends
from shared.settings import Settings, running_file
from shared.topics import DAY_ASSESSED, TOPICS

ROOT: Final = Path(__file__).parents[2]
MONTH: Final = ROOT / FOLDER / "golden-month"
NONCE: Final = "golden-month"
POLICIES: Final = ROOT / "services" / "schedule" / "policies" / "golden-policies.yaml"

CLOCK: Final = {"received_at", "decided_at", "seen_at", "at", "ce_time"}
"""Where the time stands at which the system was told something; times of the story are before April 2026."""

IDS: Final = {"audit_id", "ce_id", "ce_causationid", "ce_correlationid", "ce_subject"}
"""Ids that may be drawn: one that no fact of the month has is a command's, and numbered in the order of appearance."""

WHEN: Final = "2026-03-31T00:00:00Z"

UUID_TEXT: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")

OPENED: Final = """
select not exists (
    select from employee e left join opening o using (employee_id), clock c
    where e.employee_id = any($1::uuid[]) and c.name = $2
      and (o.opened_until is null or o.opened_until <= (c.at at time zone e.timezone)::date)
)"""

Record = dict[str, Any]


def months_story() -> tuple[Scenario, dict[str, Any]]:
    packs = load_policies(POLICIES)
    [story] = read_scenarios([MONTH / "month.yaml"], packs)
    return story, packs


async def play(house: Any) -> set[str]:
    """Play the month step by step, so that nobody's two arrivals meet in one batch; the ids that it is about."""
    story, packs = months_story()
    async with _System(Settings(_env_file=running_file(house.home))) as system:
        stage = Stage(story, nonce=NONCE)
        play = _Play(system, stage, packs)
        await play.begin()
        await put_scheme_in_force(system, stage)
        moving: set[str] = set()
        for arrival in story.arrivals:
            if not isinstance(arrival, CheckIn) or arrival.employee in moving:
                await rest(play)
                moving.clear()
            await play.take(arrival)
            if isinstance(arrival, CheckIn):
                moving.add(arrival.employee)
            else:
                await rest(play)
        await rest(play)
        assert await house.fetch("select from schedule.assessment where employee_id = any($1)", list(stage.employee_ids()))
        packs_used = {str(pack.identity) for pack in stage.packs(packs).values()}
        return {str(one) for one in stage.employee_ids()} | {str(one) for one in stage.units().values()} | packs_used | {NONCE}


async def put_scheme_in_force(system: _System, stage: Stage) -> None:
    """The scheme of scheme.yaml, for the unit of the story's people, from the first day of the story."""
    [unit] = set(stage.units().values())
    schemes = load_schemes(MONTH / "scheme.yaml")
    [name] = schemes
    officer = Who(f"scenario-{NONCE}", "bkd")
    await apply_schemes(system.lanes, schemes, [Scope(name, stage.first_date(), None, unit)], officer, reason=NONCE)


async def rest(play: _Play) -> None:
    """Wait for every consequence; also for the days of tomorrow, which the clock opens and a story need not wait for."""
    await play._until("days opened", OPENED, list(play.people), play.stage.clock)
    await play.settle()


async def records(house: Any, about: set[str]) -> dict[str, list[Record]]:
    """Every record of every topic that mentions one of these in key, subject or value; per topic by key, in order of each key."""
    found: dict[str, dict[str, list[Record]]] = {topic.name: defaultdict(list) for topic in TOPICS}
    async with consuming(house.addresses["kafka"], "golden") as consumer:
        async for message in to_the_ends(consumer, await consumer.beginning_offsets(partitions_of(*TOPICS))):
            headers = {name: value.decode() for name, value in message.headers}
            text = " ".join([message.key.decode(), headers["ce_subject"], message.value.decode()])
            if any(name in text for name in about):
                record = {"key": message.key.decode(), "headers": headers, "value": json.loads(message.value)}
                found[message.topic][record["key"]].append(record)
    return {name: [record for key in sorted(keys) for record in keys[key]] for name, keys in found.items() if keys}


async def all_published(house: Any, about: set[str]) -> dict[str, list[Record]]:
    """The records once the topics hold the last version of every day and month, and nothing more comes."""
    people = [name for name in about if re.fullmatch(r"[0-9a-f-]{36}", name)]
    deadline = time.monotonic() + 180
    before: Any = None
    while True:
        assert time.monotonic() < deadline, "the topics do not come to rest"
        now = await records(house, about)
        days = {(row["value"]["employee_id"], row["value"]["date"]): row["value"]["version"] for row in now.get(DAY_ASSESSED.name, ())}
        stored = await house.fetch(
            "select employee_id::text, date::text, version from schedule.assessment where employee_id = any($1::uuid[])", people
        )
        if now == before and days == {(row["employee_id"], row["date"]): row["version"] for row in stored}:
            return now
        before = now


def stable(topics: dict[str, list[Record]]) -> dict[str, list[Record]]:
    """The records with all that differs from run to run replaced, by the rule that README.md of the golden month states."""
    facts = {name: rows for name, rows in topics.items() if not name.endswith(".audit.v1")}
    told = json.dumps([row["value"] for rows in facts.values() for row in rows])
    known = set(UUID_TEXT.findall(told))
    known |= {row["headers"]["ce_id"] for rows in facts.values() for row in rows}
    numbers: dict[str, str] = {}

    def replaced(name: str, part: Any) -> Any:
        if isinstance(part, dict):
            return {inner: replaced(inner, one) for inner, one in part.items()}
        if isinstance(part, list):
            return [replaced(name, one) for one in part]
        if name in CLOCK and isinstance(part, str) and part > "2026-04":
            return WHEN
        if name == "row_hash" and part is not None:
            return "0" * 64
        if name in IDS and part not in known and UUID_TEXT.fullmatch(part):
            return numbers.setdefault(part, str(uuid5(NAMESPACE_URL, f"{NONCE}/{len(numbers) + 1}")))
        return part

    return {topic: [replaced("", row) for row in rows] for topic, rows in topics.items()}


def lines(rows: Iterable[Record]) -> bytes:
    """One record a line, as the committed files have it."""
    return b"".join(json.dumps(row, ensure_ascii=False, sort_keys=True).encode() + b"\n" for row in rows)


def committed() -> dict[str, bytes]:
    """The committed records by topic."""
    return {path.name.removesuffix(".jsonl.gz"): gzip.decompress(path.read_bytes()) for path in (MONTH / "records").glob("*.jsonl.gz")}


def differences(topic: str, wanted: bytes, came: bytes) -> Iterator[str]:
    """The first record of a topic that is another one, and what of it; nothing if all are alike."""
    pairs = zip_longest(wanted.splitlines(), came.splitlines(), fillvalue=b"{}")
    for number, (one, other) in enumerate(pairs):
        if one != other:
            was, now = json.loads(one), json.loads(other)
            parts = [part for part in ("key", "headers", "value") if was.get(part) != now.get(part)]
            told = [(part, was.get(part), now.get(part)) for part in parts]
            yield f"{topic} record {number} of {len(wanted.splitlines())} and {len(came.splitlines())}: {told}"
            return


@pytest.mark.timeout(600)
async def test_the_golden_month_comes_out_of_the_running_pipeline_byte_for_byte(house: Any) -> None:
    about = await play(house)
    came = {name: lines(rows) for name, rows in stable(await all_published(house, about)).items()}

    if os.environ.get("HADIR_GOLDEN_MONTH") == "write":
        shutil.rmtree(MONTH / "records", ignore_errors=True)
        (MONTH / "records").mkdir()
        for name, content in came.items():
            (MONTH / "records" / f"{name}.jsonl.gz").write_bytes(gzip.compress(content, mtime=0))
    wanted = committed()
    assert came.keys() == wanted.keys()
    faults = [fault for name in came for fault in differences(name, wanted[name], came[name])]
    assert not faults, "\n".join(faults)
