"""The envelope is CloudEvents by the judgement of its own library, and what is poison is refused with its reason."""

import json
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from uuid import UUID, uuid4, uuid5

import orjson
import pytest
from cloudevents.core.bindings.kafka import KafkaMessage, from_binary
from cloudevents.core.formats.json import JSONFormat
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from shared.envelope import (
    MAX_DEPTH,
    MAX_EVENT_BYTES,
    Envelope,
    _refuse_unstorable,
    decode,
    derived_id,
    encode,
    record_time,
)
from shared.events import HADIR_NAMESPACE, CorrectionDecided, Event, WorkReportSubmitted
from shared.failures import Poison
from shared.topics import CHECK_IN_LOCATED, CORRECTION, TOPICS, VIOLATION, WORK_REPORT_SUBMITTED, Topic

WIB = timezone(timedelta(hours=7))
SAMPLES = Path(__file__).parents[2] / "contract" / "samples"
NOON = datetime(2025, 3, 3, 12, tzinfo=UTC)


def an_envelope(**changed: object) -> Envelope:
    given_: dict[str, object] = {
        "id": uuid4(), "type": VIOLATION.ce_type, "source": "/hadir/schedule", "time": NOON,
        "subject": "8d0c|2025-03-03", "causation_id": uuid4(), "correlation_id": uuid4(),
    }  # fmt: skip
    return Envelope(**{**given_, **changed})  # type: ignore[arg-type]


def read(headers: list[tuple[str, bytes]] | None) -> Envelope:
    return Envelope.of_headers(headers, topic=VIOLATION, partition=3, offset=7, timestamp_ms=NOON.timestamp() * 1000)


def a_report(**changed: object) -> dict[str, object]:
    return {
        "report_id": str(uuid4()), "employee_id": str(uuid4()), "work_date": "2025-03-03",
        "submitted_at": "2025-03-03T16:00:00+07:00", "received_at": "2025-03-03T09:00:01Z", **changed,
    }  # fmt: skip


def reason(raw: bytes | None) -> str:
    with pytest.raises(Poison) as caught:
        decode(WORK_REPORT_SUBMITTED, raw)
    return caught.value.reason


@settings(deadline=None)
@given(
    st.uuids(), st.uuids(), st.none() | st.uuids(),
    st.datetimes(timezones=st.just(UTC)),
    st.text(st.characters(codec="utf-8"), max_size=50),
)  # fmt: skip
def test_an_envelope_survives_its_headers(
    own: UUID, correlation: UUID, cause: UUID | None, time: datetime, subject: str
) -> None:
    envelope = an_envelope(id=own, correlation_id=correlation, causation_id=cause, time=time, subject=subject)

    assert read(envelope.headers()) == envelope


def test_a_time_in_another_zone_is_the_same_instant() -> None:
    envelope = an_envelope(time=datetime(2025, 3, 3, 19, tzinfo=WIB))

    assert read(envelope.headers()).time == NOON


def test_the_cloudevents_library_reads_our_headers_as_a_valid_event() -> None:
    envelope = an_envelope()

    event = from_binary(KafkaMessage(dict(envelope.headers()), b"key", b'{"minutes": 7}'), JSONFormat())

    assert event.get_id() == str(envelope.id)
    assert event.get_type() == "id.go.hadir.violation.v1"
    assert event.get_source() == "/hadir/schedule"
    assert event.get_specversion() == "1.0"
    assert event.get_time() == envelope.time
    assert event.get_subject() == envelope.subject
    assert event.get_datacontenttype() == "application/json"
    assert event.get_extension("causationid") == str(envelope.causation_id)
    assert event.get_extension("correlationid") == str(envelope.correlation_id)
    assert event.get_data() == {"minutes": 7}


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param(None, id="no headers at all"),
        pytest.param([], id="an empty list"),
        pytest.param([("trace", b"\xff\xfe")], id="only foreign ones"),
        pytest.param([("ce_id", b"not-a-uuid"), ("ce_time", b"yesterday")], id="ours, unreadable"),
        pytest.param([("ce_id", b"\xff"), ("ce_time", b"2025-03-03T12:00:00")], id="not UTF-8, and a naive time"),
    ],
)
def test_a_foreign_record_gets_the_same_id_at_every_reading(headers: list[tuple[str, bytes]] | None) -> None:
    first, again = read(headers), read(headers)

    assert first == again
    assert first.time == NOON
    assert first.correlation_id == first.id
    assert first.id != Envelope.of_headers(headers, topic=VIOLATION, partition=3, offset=8, timestamp_ms=NOON.timestamp() * 1000).id


@pytest.mark.parametrize("spelling", ["{{{0}}}", "urn:uuid:{0}", "{0.hex}"])
def test_an_id_is_read_in_every_spelling_that_uuids_have(spelling: str) -> None:
    own = uuid4()

    assert read([("ce_id", spelling.format(own).upper().replace("URN:UUID", "urn:uuid").encode())]).id == own


def test_the_id_of_a_derived_event_follows_from_topic_entity_and_version() -> None:
    assert derived_id(VIOLATION, "a", 1) == derived_id(VIOLATION, "a", 1)
    assert len({derived_id(VIOLATION, "a", 1), derived_id(VIOLATION, "a", 2), derived_id(VIOLATION, "b", 1),
                derived_id(CORRECTION, "a", 1)}) == 4  # fmt: skip


@settings(deadline=None)
@given(st.text(st.characters(codec="utf-8"), max_size=50), st.integers(1, 2**31))
def test_the_id_of_a_derived_event_is_the_uuid_that_other_languages_derive(entity: str, version: int) -> None:
    assert derived_id(VIOLATION, entity, version) == uuid5(HADIR_NAMESPACE, f"hadir.violation.v1|{entity}|{version}")


def test_types_and_topics_imply_each_other() -> None:
    assert len({topic.ce_type for topic in TOPICS}) == len(TOPICS)


def test_an_event_survives_its_json() -> None:
    event = WorkReportSubmitted.model_validate(a_report())

    assert decode(WORK_REPORT_SUBMITTED, encode(event)) == event


def test_unknown_fields_are_for_newer_readers() -> None:
    decode(WORK_REPORT_SUBMITTED, orjson.dumps(a_report(mood="fine")))


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        pytest.param(None, "null-value", id="no value"),
        pytest.param(b"", "not-json", id="empty"),
        pytest.param(b"{", "not-json", id="cut off"),
        pytest.param(b"\xef\xbb\xbf{}", "not-json", id="byte order mark"),
        pytest.param('{"a": "é"}'.encode("utf-16"), "not-json", id="UTF-16"),
        pytest.param(b'{"a": "\xff"}', "not-json", id="not UTF-8"),
        pytest.param(b'{"a": NaN}', "not-json", id="NaN"),
        pytest.param(b'{"a": -Infinity}', "not-json", id="Infinity"),
        pytest.param(b'{"a": 1e999}', "not-json", id="a number beyond double"),
        pytest.param(b'{"a": "\\ud800"}', "not-json", id="lone surrogate"),
        pytest.param(b'{"a": "\x00"}', "not-json", id="raw NUL"),
        pytest.param(b"[" * 100_000, "not-json", id="a hundred thousand brackets"),
        pytest.param(b"[" * 900 + b"]" * 900, "schema", id="nine hundred levels"),
        pytest.param(b"[]", "schema", id="an array"),
        pytest.param(b'"text"', "schema", id="a string"),
        pytest.param(b"null", "schema", id="null"),
        pytest.param(b"{}", "schema", id="nothing in it"),
        pytest.param(orjson.dumps(a_report(employee_id="1985")), "schema", id="not a UUID"),
        pytest.param(orjson.dumps(a_report(submitted_at="2025-03-03T16:00:00")), "schema", id="a time without zone"),
        pytest.param(orjson.dumps(a_report(work_date="2025-02-30")), "schema", id="30 February"),
        pytest.param(orjson.dumps(a_report(reference="a\x00b")), "schema", id="escaped NUL"),
        pytest.param(orjson.dumps(a_report(mood="a\x00b")), "schema", id="escaped NUL in an unknown field"),
        pytest.param(orjson.dumps(a_report(reference="x" * 501)), "schema", id="too long a text"),
        pytest.param(orjson.dumps(a_report(reference="x" * MAX_EVENT_BYTES)), "too-large", id="a megabyte"),
    ],
)
def test_poison_is_refused_with_its_reason(raw: bytes | None, expected: str) -> None:
    assert reason(raw) == expected


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({"n": 2**63}, id="an integer beyond 64 bits"),
        pytest.param({"n": 10**30}, id="an integer beyond a double's digits"),
        pytest.param({"n": -(10**30)}, id="a negative one"),
        pytest.param({"n": 1e300}, id="a float nobody means"),
        pytest.param({"key\x00": 1}, id="NUL in a key"),
    ],
)
def test_what_cannot_be_stored_is_refused_even_in_free_form(body: dict[str, object]) -> None:
    with pytest.raises(Poison, match="schema"):
        decode(CORRECTION, _correction(body))


def test_nesting_is_taken_up_to_the_limit_and_no_deeper() -> None:
    def nested(levels: int) -> dict[str, object]:
        return {"a": nested(levels - 1)} if levels > 1 else {}

    decode(CORRECTION, _correction(nested(MAX_DEPTH - 1)))
    with pytest.raises(Poison, match="deeper"):
        decode(CORRECTION, _correction(nested(MAX_DEPTH + 2)))


def test_many_shallow_arrays_are_no_nesting() -> None:
    decode(CORRECTION, _correction({"points": [[1.5, 2.5]] * 5000}))


def test_text_that_only_looks_suspicious_is_taken() -> None:
    decode(CORRECTION, _correction({"a": "\\u0000", "b": "1234567890123456789012"}))


@settings(deadline=None)  # a shared machine may be slow
@given(st.binary(max_size=200))
def test_any_bytes_are_an_event_or_poison(raw: bytes) -> None:
    try:
        decode(WORK_REPORT_SUBMITTED, raw)
    except Poison:
        return


SECRETS = ["198503152010011007", "Sri Wahyuni", "-6.9147123"]


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("field", list(a_report()))
def test_the_detail_of_poison_never_repeats_the_value(field: str, secret: str) -> None:
    with pytest.raises(Poison) as caught:
        decode(WORK_REPORT_SUBMITTED, orjson.dumps(a_report(**{field: {"name": secret}})))

    assert secret not in caught.value.detail
    assert field in caught.value.detail
    with pytest.raises(Poison) as caught:
        decode(WORK_REPORT_SUBMITTED, b'{"name": "' + secret.encode() + b'" ')
    assert secret not in str(caught.value)


def _correction(body: dict[str, object]) -> bytes:
    event = CorrectionDecided(
        correction_id=uuid4(), version=1, kind="leave", state="approved", actor="a", decided_at=NOON, body={}
    )  # fmt: skip
    content = orjson.loads(encode(event))
    # The standard library writes integers of any length.
    return json.dumps({**content, "body": body}).encode()


LOCATED = {
    "check_in_id": "00000000-0000-4000-8000-0000000000c1", "employee_id": "00000000-0000-4000-8000-000000000001",
    "version": 1, "mark": "in", "captured_at": "2026-02-02T07:42:10+07:00", "received_at": "2026-02-02T00:42:11Z",
    "site": "inside", "region": "inside",
}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("captured_at", "9999-12-31T23:59:59Z"), ("captured_at", "0001-01-01T00:00:00+14:00"),
        ("received_at", "9999-12-31T23:59:59-12:00"), ("version", 10**12), ("version", 0), ("site_distance_m", 10**9),
    ],
)
def test_a_value_that_nothing_of_ours_can_have_is_poison_that_names_its_field(field: str, value: object) -> None:
    """Such values would break arithmetic with zones or a column long after they were taken for good."""
    with pytest.raises(Poison, match=rf"^schema: {field}: "):
        decode(CHECK_IN_LOCATED, orjson.dumps(LOCATED | {field: value}))


@pytest.mark.parametrize("timestamp_ms", [-(2**61), -(10**14), -5, 0, None, 2**62, 1_770_000_000_000])
def test_any_timestamp_that_a_broker_keeps_is_read_as_a_time(timestamp_ms: int | None) -> None:
    assert record_time(timestamp_ms).tzinfo is UTC


@given(
    st.sampled_from(["9223372036854775808", "-9323372036854775809", "1e300", "1E+300", "-2.5e100", "10.0e200", "1" * 30]),
    st.sampled_from(['{"a":%s}', '{"a": [1,%s]}', "[%s]", " %s", '{"id":"12345678-5e12-4e12-8e12-5e1234567812","n":%s}', "[[\n%s]]"]),
)
def test_a_number_that_cannot_be_stored_is_seen_wherever_it_stands(number: str, around: str) -> None:
    plain = _correction({"x": 0})
    raw = plain.replace(b'"x": 0', b'"x": ' + (around % number).encode())
    assert raw != plain

    with pytest.raises(Poison):
        decode(CORRECTION, raw)


def _strictly(topic: Topic[Event], raw: bytes) -> Event | str:
    """What a decoder says that looks at every value of every text: an event, or why there is none."""
    try:
        content = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return "not-json"
    try:
        _refuse_unstorable(content)
        return topic.event.model_validate_json(raw)
    except (Poison, ValidationError):
        return "schema"


_PIECES = st.sampled_from([
    b"NaN", b"-Infinity", b"Infinity", b"1e999", b"1E+0999", b"-1e400", b"9223372036854775808", b"01", b"1.", b".5", b"+1", b"-", b"tru",
    b'"\\ud800"', b'"\\udc00x"', b'"\\ud83d\\ude00"', b'"\\u0000"', b'"\\x"', b'"\xff"', b'"\xed\xa0\x80"', b'"\t"', b'"\x7f"', b"'a'",
    b"[1,]", b'{"a":1,}', b'{"a":1,"a":NaN}', b"{1:2}", b"/**/1", b"[" * 40 + b"]" * 40, b"null", b"1", b'"a"', b"\xef\xbb\xbf",
    b"", b" ", b"\x00",
])  # fmt: skip


@settings(deadline=None, max_examples=400)
@given(st.sampled_from(TOPICS), st.data())
def test_what_is_read_at_once_is_what_a_look_at_every_value_would_have_let_pass(topic: Topic[Event], data: st.DataObject) -> None:
    raw = (SAMPLES / f"{topic.name}.json").read_bytes().strip()
    for _ in range(data.draw(st.integers(1, 2))):
        if data.draw(st.booleans()):
            raw = raw[:-1] + b', "unknown": ' + data.draw(_PIECES) + b"}"
        else:
            at = data.draw(st.integers(0, len(raw) - 1))
            raw = raw[:at] + data.draw(_PIECES | st.binary(max_size=2)) + raw[at + data.draw(st.integers(0, 3)):]
    try:
        found: Event | str = decode(topic, raw)
    except Poison as poison:
        found = poison.reason
    assert found == _strictly(topic, raw)
