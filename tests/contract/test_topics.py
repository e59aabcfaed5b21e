"""What other systems may rely on: names, owners, golden samples, and charters that say the same as the topics."""

import importlib
import json
import re
from pathlib import Path

import pytest

from shared import topics
from shared.envelope import decode, encode
from shared.events import Event
from shared.topics import LANES, SERVICES, TOPICS, Topic

SAMPLES = Path(__file__).parent / "samples"


def sample_of(topic: Topic[Event]) -> bytes:
    return (SAMPLES / f"{topic.name}.json").read_bytes()


@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.name)
def test_the_golden_sample_of_a_topic_is_read_by_todays_code_without_losing_a_field(topic: Topic[Event]) -> None:
    """Golden samples are never edited: every later model must still read them."""
    written = json.loads(sample_of(topic))

    read = json.loads(encode(decode(topic, sample_of(topic))))

    assert written.keys() <= read.keys()
    assert read == json.loads(encode(decode(topic, encode(decode(topic, sample_of(topic))))))


@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.name)
def test_a_reader_tolerates_fields_it_does_not_know(topic: Topic[Event]) -> None:
    grown = {**json.loads(sample_of(topic)), "a_field_of_tomorrow": 1}

    assert decode(topic, json.dumps(grown).encode()) == decode(topic, sample_of(topic))


def test_every_sample_belongs_to_a_topic() -> None:
    assert {path.stem for path in SAMPLES.glob("*.json")} == {topic.name for topic in TOPICS}


def test_every_topic_name_is_declared_once_and_has_a_major_version() -> None:
    names = [topic.name for topic in TOPICS]

    assert len(names) == len(set(names))
    assert all(re.fullmatch(r"hadir(\.[a-z-]+)+\.v[1-9]", name) for name in names)


def test_topics_keyed_by_employee_are_co_partitioned() -> None:
    assert {topic.partitions for topic in TOPICS if topic.key.startswith("employee_id")} == {LANES}


def test_every_partition_count_divides_the_lanes_so_that_a_lane_maps_to_one_partition() -> None:
    assert all(LANES % topic.partitions == 0 for topic in TOPICS)


def charter(service: str) -> dict[str, set[str]]:
    """Topic names under each heading of a service's docstring; written as `topics.NAME` there."""
    text = importlib.import_module(f"services.{service}").__doc__ or ""
    sections = re.split(r"^(Consumes|Produces|Owns|Decides):", text, flags=re.MULTILINE)
    return {
        head: {getattr(topics, symbol).name for symbol in re.findall(r"topics\.([A-Z_]+)", body)}
        for head, body in zip(sections[1::2], sections[2::2], strict=True)
    }


@pytest.mark.parametrize("service", SERVICES)
def test_a_services_charter_names_exactly_the_topics_that_it_owns_as_produced(service: str) -> None:
    """Audit and dead letters go without saying: every service has its own."""
    spoken_of = {topic.name for topic in TOPICS if topic.owner == service}
    spoken_of -= {topics.AUDIT[topic].name for topic in SERVICES} | {topics.DEAD_LETTER[topic].name for topic in SERVICES}

    assert charter(service)["Produces"] == spoken_of


def test_every_topic_that_a_service_consumes_is_produced_by_one() -> None:
    produced = set().union(*(charter(service)["Produces"] for service in SERVICES))

    assert set().union(*(charter(service)["Consumes"] for service in SERVICES)) <= produced
