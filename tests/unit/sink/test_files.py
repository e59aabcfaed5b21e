"""The sink's files: names are positions, dates and holes begin a new file, and what two sinks wrote is refused."""

import datetime as dt
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from aiokafka import TopicPartition

from services.sink.columns import Fetched, schema_of, table_of
from services.sink.files import Folder, Span
from services.sink.worker import Orders, Sink, choose
from shared.envelope import encode
from shared.events import PolicyPublished, RosterDay, RosterPublished
from shared.refusal import Refusal
from shared.topics import CHECK_IN_RECORDED, POLICY, ROSTER, TOPICS, VIOLATION, Topic
from tests.poison_records import corpus

SAMPLES = Path(__file__).parents[2] / "contract" / "samples"
MIDNIGHT = int(dt.datetime(2026, 2, 3, tzinfo=dt.UTC).timestamp() * 1000)


def record(offset: int, timestamp_ms: int = MIDNIGHT, value: bytes | None = None) -> Fetched:
    told = (SAMPLES / f"{VIOLATION.name}.json").read_bytes() if value is None else value
    return Fetched(7, offset, b"key", told, [("ce_id", b"00000000-0000-4000-8000-00000000000a")], timestamp_ms)


class Broker:
    """A consumer that has what it is given, between two offsets of partition 7."""

    def __init__(self, first: int, records: list[Fetched]) -> None:
        self.first, self.end, self.left = first, records[-1].offset + 1 if records else first, list(records)
        self.sought: dict[int, int] = {}

    def assign(self, places: list[TopicPartition]) -> None:
        self.places = places

    async def beginning_offsets(self, places: list[TopicPartition]) -> dict[TopicPartition, int]:
        return {place: self.first if place.partition == 7 else 0 for place in places}

    async def end_offsets(self, places: list[TopicPartition]) -> dict[TopicPartition, int]:
        return {place: self.end if place.partition == 7 else 0 for place in places}

    def seek(self, place: TopicPartition, offset: int) -> None:
        self.sought[place.partition] = offset

    async def getmany(self, **_: Any) -> dict[TopicPartition, list[Any]]:
        class Message:
            def __init__(self, fetched: Fetched) -> None:
                self.partition, self.offset, self.key = fetched.partition, fetched.offset, fetched.key
                self.value, self.headers, self.timestamp = fetched.value, fetched.headers, fetched.timestamp_ms

        due = [one for one in self.left if one.offset >= self.sought[7]]
        self.left = []
        return {TopicPartition(VIOLATION.name, 7): [Message(one) for one in due]} if due else {}


async def sink_all(folder: Path, broker: Broker) -> None:
    own = Folder(folder)
    try:
        sink = Sink(broker, own, Orders(folder, (VIOLATION,), 3600, 1_000_000, 0))
        await sink.begin()
        await sink.step()
        await sink.write_all()
    finally:
        own.close()


def names(folder: Path) -> list[str]:
    return sorted(f"{path.parent.name}/{path.name.removeprefix(f'{VIOLATION.name}.')}" for path in folder.rglob("*.parquet"))


async def test_a_date_and_a_hole_begin_a_new_file_and_the_next_start_goes_on_where_they_end(tmp_path: Path) -> None:
    records = [record(3), record(4, MIDNIGHT + 1), record(5, MIDNIGHT + 86_400_000), record(9, MIDNIGHT + 86_400_000)]

    await sink_all(tmp_path, Broker(3, records))
    assert names(tmp_path) == [
        "recorded_on=2026-02-03/p007.000000000003-000000000004.parquet",
        "recorded_on=2026-02-04/p007.000000000005-000000000005.parquet",
        "recorded_on=2026-02-04/p007.000000000009-000000000009.parquet",
    ]
    more = Broker(3, [*records, record(10, MIDNIGHT + 86_400_000)])
    await sink_all(tmp_path, more)

    assert more.sought[7] == 10
    assert names(tmp_path)[-1] == "recorded_on=2026-02-04/p007.000000000010-000000000010.parquet"


async def test_what_a_crash_left_unfinished_is_removed_and_read_again(tmp_path: Path) -> None:
    folder = tmp_path / VIOLATION.name / "recorded_on=2026-02-03"
    folder.mkdir(parents=True)
    (folder / f"{VIOLATION.name}.p007.000000000000-000000000001.parquet.unfinished").write_bytes(b"PAR1 half of a fi")

    await sink_all(tmp_path, Broker(0, [record(0), record(1)]))

    assert names(tmp_path) == ["recorded_on=2026-02-03/p007.000000000000-000000000001.parquet"]
    assert list(folder.glob("*.unfinished")) == []


async def test_records_that_the_broker_has_deleted_are_told_and_the_rest_is_read(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    await sink_all(tmp_path, Broker(0, [record(0), record(1)]))
    later = Broker(5, [record(5)])

    await sink_all(tmp_path, later)

    assert later.sought[7] == 5
    [told] = [line for line in caplog.records if "no longer has" in line.message]
    assert (told.hadir_fields["first"], told.hadir_fields["last"]) == (2, 4)  # type: ignore[attr-defined]  # our own extra


async def test_files_ahead_of_the_broker_are_another_clusters(tmp_path: Path) -> None:
    await sink_all(tmp_path, Broker(0, [record(0), record(1), record(2)]))

    with pytest.raises(Refusal, match="partition 7 reach offset 2, the broker only 0: they are another cluster's"):
        await sink_all(tmp_path, Broker(0, [record(0)]))


def test_two_files_that_hold_the_same_record_are_refused_with_both_names(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    for first, last in ((0, 1), (1, 2)):
        table = table_of(VIOLATION, [record(offset) for offset in range(first, last + 1)])
        folder.write(VIOLATION.name, Span(7, first, last), dt.date(2026, 2, 3), table)

    both = r"p007\.000000000000-000000000001\.parquet and .*p007\.000000000001-000000000002\.parquet both hold offset 1"
    with pytest.raises(Refusal, match=both):
        folder.positions(VIOLATION.name)
    folder.close()


def test_a_foreign_file_is_refused_with_its_name(tmp_path: Path) -> None:
    (tmp_path / VIOLATION.name / "x").mkdir(parents=True)
    (tmp_path / VIOLATION.name / "x" / "my.parquet").touch()
    folder = Folder(tmp_path)

    with pytest.raises(Refusal, match=r"my\.parquet is no file of the sink"):
        folder.positions(VIOLATION.name)
    folder.close()


def test_a_folder_has_one_sink_at_a_time(tmp_path: Path) -> None:
    first = Folder(tmp_path)
    with pytest.raises(Refusal, match="Another sink writes into"):
        Folder(tmp_path)
    first.close()

    Folder(tmp_path).close()


def test_every_event_has_columns_and_its_sample_fills_them(tmp_path: Path) -> None:
    for topic in TOPICS:
        sample = (SAMPLES / f"{topic.name}.json").read_bytes()

        pq.write_table(table_of(topic, [record(0, value=sample)]), tmp_path / "one.parquet")
        [row] = pq.read_table(tmp_path / "one.parquet").to_pylist()

        assert row["_fault"] is None, topic.name
        assert row["_value"] == sample
        assert schema_of(topic).names == list(row)


def test_a_value_that_cannot_be_read_is_a_row_with_its_fault_and_its_bytes() -> None:
    rows = table_of(VIOLATION, [record(0, value=b"\xff"), record(1, value=b"{}"), record(2)]).to_pylist()

    assert [row["_value"] for row in rows[:2]] == [b"\xff", b"{}"]
    assert [row["_fault"] is None for row in rows] == [False, False, True]
    assert [row["code"] is None for row in rows] == [True, True, False]


@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.name)
def test_whatever_lies_on_any_topic_is_a_row_with_its_bytes_as_they_came(topic: Topic[Any], tmp_path: Path) -> None:
    sent = list(corpus(topic))
    pq.write_table(
        table_of(topic, [Fetched(one.partition, at, one.key, one.value, one.headers, MIDNIGHT) for at, one in enumerate(sent)]),
        tmp_path / "all.parquet",
    )
    rows = pq.read_table(tmp_path / "all.parquet", columns=["_offset", "_value"]).to_pylist()
    assert [(row["_offset"], row["_value"]) for row in rows] == [(at, one.value) for at, one in enumerate(sent)]


def test_objects_of_any_shape_are_json_and_parts_are_structs() -> None:
    policy = PolicyPublished.model_validate_json((SAMPLES / f"{POLICY.name}.json").read_bytes())
    roster = RosterPublished.model_validate_json((SAMPLES / f"{ROSTER.name}.json").read_bytes())

    [row] = table_of(POLICY, [record(0, value=encode(policy))]).to_pylist()
    assert row["content"].startswith("{")
    [row] = table_of(ROSTER, [record(0, value=encode(roster))]).to_pylist()
    assert [RosterDay.model_validate(day) for day in row["days"]] == list(roster.days)


def test_restricted_topics_are_written_only_when_they_are_named_and_states_never() -> None:
    assert {topic.data for topic in choose([])} == {"pseudonymous"}
    assert not any(topic.compacted for topic in choose([]))
    assert choose([CHECK_IN_RECORDED.name]) == (CHECK_IN_RECORDED,)
    with pytest.raises(Refusal, match=r"hadir\.policy\.v1 is no topic of facts; there are hadir\.check-in\.recorded\.v1, "):
        choose([POLICY.name])
