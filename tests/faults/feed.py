"""Reads the topics as an outsider does and folds them: what Kafka alone says of every entity, to be held against the tables."""

import asyncio
import copy
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

import orjson
from aiokafka import TopicPartition

from shared import topics
from shared.reading import consuming, partitions_of, to_the_ends
from shared.topics import Topic
from tests.waiting import PATIENCE_S

FOLDED: tuple[Topic[Any], ...] = (
    topics.CHECK_IN_LOCATED, topics.DAY_ASSESSED, topics.VIOLATION, topics.DEDUCTION, topics.TPP_MONTH, topics.CORRECTION,
    *(topic for topic in topics.TOPICS if topic.compacted and topic != topics.TPP_MONTH),
)
"""Reference data is folded for its order alone: no old state may come last where only the last is kept."""

COUNTED: tuple[Topic[Any], ...] = (
    topics.CHECK_IN_RECORDED, topics.WORK_REPORT_SUBMITTED, topics.AUDIT["ingest"], topics.AUDIT["schedule"], topics.AUDIT["payroll"],
)
_COUNTED = frozenset(topic.name for topic in COUNTED)
LEDGER_NUMBERS = "numbers of ledger entries"


@dataclass
class Folded:
    """One topic: the newest state of each subject, and what was wrong on the way."""

    newest: dict[str, dict[str, Any]] = field(default_factory=dict)
    versions: dict[str, int] = field(default_factory=dict)
    last: dict[str, int] = field(default_factory=dict)
    """The version that lies last, of each subject: where only the latest record of a key is kept, the one that stays."""
    wrong: list[str] = field(default_factory=list)
    records: int = 0
    _told: dict[tuple[str, int], bytes] = field(default_factory=dict)

    def take(self, subject: str, version: int, content: dict[str, Any]) -> None:
        """One record more: a version seen before is a repeat and says the same, the next one is new, any other is a hole."""
        self.records += 1
        self.last[subject] = version
        told = sha256(orjson.dumps(content, option=orjson.OPT_SORT_KEYS)).digest()
        if self._told.setdefault((subject, version), told) != told:
            self.wrong.append(f"{subject}: version {version} was told twice, differently")
        known = self.versions.get(subject, 0)
        if version > known:
            if version > known + 1:
                self.wrong.append(f"{subject}: version {version} follows {known}")
            self.versions[subject] = version
            self.newest[subject] = content

    def old_at_the_end(self) -> list[str]:
        """Subjects whose newest version does not lie last: their old state is what a compacted topic keeps."""
        return [
            f"{subject}: version {last} lies behind {self.versions[subject]}"
            for subject, last in self.last.items() if last != self.versions[subject]
        ]


class Feed:
    """All topics that are folded, read from their beginning and further at every `catch_up`."""

    def __init__(self, bootstrap: str) -> None:
        self._bootstrap = bootstrap
        self._offsets: dict[TopicPartition, int] = {}
        self.folded: dict[str, Folded] = defaultdict(Folded)
        self.recorded: dict[str, int] = defaultdict(int)
        """How often check-ins, work reports and commands were told of, by their ids, and contested ids, by that of their audit record."""

    def from_here(self, ends: Mapping[TopicPartition, int]) -> "Feed":
        """Another one that knows as much, and passes over what lies between that and these offsets."""
        other = copy.deepcopy(self)
        other._offsets |= ends
        return other

    async def catch_up(self) -> None:
        """Read to the present ends."""
        since = {place: self._offsets.get(place, 0) for place in partitions_of(*FOLDED, *COUNTED)}
        async with asyncio.timeout(PATIENCE_S), consuming(self._bootstrap, "feed") as consumer:
            async for message in to_the_ends(consumer, since):
                self._take(message)
                self._offsets[TopicPartition(message.topic, message.partition)] = message.offset + 1

    def _take(self, message: Any) -> None:
        subject = dict(message.headers or ()).get("ce_subject", b"").decode()
        if not subject:
            return  # what nemeses put there; I7 looks after it
        if message.topic in _COUNTED:
            self.recorded[subject] += 1
        elif message.value is not None:
            content = orjson.loads(message.value)
            if message.topic == topics.DEDUCTION.name:
                # Entries stand for ever, and are numbered within their employee-month.
                self.folded[message.topic].take(content["entry_id"], 1, content)
                self.folded[LEDGER_NUMBERS].take(subject, content["number"], content)
            else:
                self.folded[message.topic].take(subject, content["version"], content)
