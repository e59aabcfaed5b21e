"""What all APIs share: pages and their cursors, who asks, and problems."""

import datetime as dt
from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.local.process import free_port
from services.schedule.api import create_app
from shared.faults import Fault, fault_of
from shared.roles import Role
from shared.web.actors import Actor, Asks, read_actor
from shared.web.commands import command_id
from shared.web.pages import Paging, cursor
from shared.web.problems import (
    GENERAL,
    INVALID_REQUEST,
    OUT_OF_REACH,
    UNAUTHENTICATED,
    Kind,
    Problem,
    document,
    respond,
)
from tests.calling import acting, refused, serving

SMALL = st.integers(-2**31 + 1, 2**31 - 1)
KEYS = st.one_of(
    st.tuples(st.just(UUID), st.uuids()), st.tuples(st.just(dt.date), st.dates()), st.tuples(st.just(int), SMALL),
    st.tuples(st.just(str), st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]))),
    st.tuples(st.just(dt.datetime), st.datetimes(timezones=st.just(dt.UTC))),
)


@given(st.lists(KEYS, min_size=1, max_size=4))
def test_a_cursor_gives_back_the_key_it_was_made_of(parts: list[tuple[type, Any]]) -> None:
    kinds, key = [kind for kind, _ in parts], tuple(value for _, value in parts)

    assert Paging(cursor(*key), 10).key(*kinds) == key


@given(st.text(max_size=60))
def test_any_other_text_is_no_cursor(text: str) -> None:
    with pytest.raises(Problem) as refused:
        Paging(text, 10).key(UUID, dt.date)

    assert refused.value.kind is INVALID_REQUEST


@pytest.mark.parametrize("key", [(1,), (1, 2), ("a\x00", 1), (None, 1), (True, 1), ([], 1), ("a", 1.5), ("a", 2**31)])
def test_a_cursor_of_another_list_is_refused(key: tuple[Any, ...]) -> None:
    with pytest.raises(Problem):
        Paging(cursor(*key), 10).key(str, int)


@given(st.lists(SMALL, unique=True, max_size=30).map(sorted), st.integers(1, 8))
def test_pages_make_up_the_whole_list(rows: list[int], limit: int) -> None:
    seen: list[int] = []
    paging = Paging(None, limit)
    while True:
        after = paging.key(int)
        found = [row for row in rows if after is None or row > after[0]][: paging.rows]
        page = paging.page(found, lambda row: (row,))
        seen += page.items
        if page.next is None:
            break
        assert len(page.items) == limit
        paging = Paging(page.next, limit)

    assert seen == rows


UNIT, OTHER = uuid4(), uuid4()
ME, STRANGER = uuid4(), uuid4()


@pytest.mark.parametrize(("name", "role", "units", "field"), [
    (None, "bkd", None, "Hadir-Actor"),
    ("  ", "bkd", None, "Hadir-Actor"),
    ("x" * 101, "bkd", None, "Hadir-Actor"),
    ("a\nb", "bkd", None, "Hadir-Actor"),
    ("a", None, None, "Hadir-Role"),
    ("a", "BKD", None, "Hadir-Role"),
    ("a", "unit_officer", None, "Hadir-Units"),
    ("a", "unit_officer", "OPD-1", "Hadir-Units"),
    ("siti", "employee", None, "Hadir-Actor"),
])
def test_headers_that_do_not_say_who_asks_are_refused_by_name(
    name: str | None, role: str | None, units: str | None, field: str
) -> None:
    with pytest.raises(Problem) as refused:
        read_actor(name, role, units)

    assert refused.value.kind is UNAUTHENTICATED
    assert field in [fault.field for fault in refused.value.faults]


def test_an_actor_reaches_oneself_ones_units_or_all() -> None:
    me = read_actor(str(ME), "employee", None)
    officer = read_actor("petugas", "unit_officer", f"{UNIT}, {uuid4()}")
    bkd = Actor("bkd-1", Role.BKD)

    seen: list[tuple[Actor, UUID, list[UUID]]] = [(me, ME, []), (officer, STRANGER, [OTHER, UNIT]), (bkd, STRANGER, [])]
    for actor, employee, units in seen:
        actor.require(employee, units)
    unseen: list[tuple[Actor, UUID, list[UUID]]] = [(me, STRANGER, [UNIT]), (officer, ME, [OTHER]), (officer, ME, [])]
    for actor, employee, units in unseen:
        with pytest.raises(Problem) as refused:
            actor.require(employee, units)
        assert refused.value.kind is OUT_OF_REACH
    assert me.bounds() == (ME, None)
    assert officer.bounds(unit=UNIT) == (None, [UNIT])
    assert officer.bounds() == (None, sorted(officer.units))
    assert bkd.bounds(STRANGER, UNIT) == (STRANGER, [UNIT])
    for outside in (lambda: me.bounds(STRANGER), lambda: officer.bounds(unit=OTHER), lambda: officer.require_unit(OTHER),
                    lambda: me.require_unit(UNIT)):
        with pytest.raises(Problem):
            outside()


def test_a_verb_is_checked_where_the_route_is_declared() -> None:
    with pytest.raises(KeyError):
        Asks("everything.do")
    with pytest.raises(Problem) as refused:
        Asks("corrections.record")(str(ME), "employee", None)
    assert refused.value.kind.code == "forbidden"


def test_the_id_of_a_command_follows_from_service_actor_and_key() -> None:
    ids = [command_id("schedule", "a", "k"), command_id("schedule", "a", "k2"), command_id("payroll", "a", "k"),
           command_id("schedule", "b", "k")]

    assert len(set(ids)) == 4
    assert command_id("schedule", "a", "k") == ids[0]


@pytest.mark.parametrize("kind", GENERAL.values(), ids=lambda kind: kind.code)
def test_every_general_problem_has_words_and_one_code(kind: Kind) -> None:
    members = document(kind)

    assert members["code"] == kind.code
    assert members["detail"].endswith(".")
    assert members["title"]
    assert 400 <= members["status"] < 600
    assert respond(kind).media_type == "application/problem+json"


def test_a_problem_tells_of_the_case_and_when_to_try_again() -> None:
    kind = Kind("roster-locked", 409, "Jadwal terkunci", "Mintalah BKD membukanya.", retry_after_s=3)
    answer = respond(kind, [Fault("month", "locked", "Sudah disahkan.")], extra={"month": "2026-02"})

    assert answer.headers["retry-after"] == "3"
    assert orjson.loads(answer.body) == {
        "type": "https://hadir.example/problems/roster-locked", "title": "Jadwal terkunci", "status": 409, "code": "roster-locked",
        "detail": "month: Sudah disahkan.", "errors": [{"field": "month", "code": "locked", "detail": "Sudah disahkan."}],
        "month": "2026-02",
    }


async def test_without_a_database_an_api_lives_says_so_and_answers_with_a_problem() -> None:
    database = f"postgresql://nobody@127.0.0.1:{free_port()}/nothing"
    async with serving(create_app, "schedule", database) as client:
        answer = await client.get("/v1/weeks")
        assert refused(answer) == (503, "database-unavailable")
        assert answer.headers["retry-after"] == "5"
        ready = await client.get("/readyz")
        assert (ready.status_code, ready.json()["ready"]) == (503, False)
        assert (await client.get("/healthz")).status_code == 200
        assert refused(await client.get("/v1/weeks", headers={"Hadir-Role": "nobody"})) == (401, "unauthenticated")
        for path in ("/v1/due-days", "/v1/discipline"):
            answer = await client.get(path, headers=acting("employee", ME) if "due" in path else acting("payroll_officer"))
            assert refused(answer) == (403, "forbidden"), "who may not ask costs no connection"


def test_a_fault_names_the_field_and_never_what_was_sent() -> None:
    fault = fault_of({"type": "less_than_equal", "loc": ("query", "limit"), "msg": "", "input": "198001012005011001",
                      "ctx": {"le": 1000.0}}, leave_out=1)

    assert fault == Fault("limit", "out-of-range", "Paling banyak 1000.")
    unheard_of = fault_of({"type": "new_in_pydantic", "loc": ("body",), "msg": "198001012005011001", "input": None})
    assert unheard_of == Fault("body", "invalid", "Isinya tidak dapat diterima.")
