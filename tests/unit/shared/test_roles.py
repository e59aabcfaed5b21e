"""The table of roles: closed, complete, and as narrow as was decided."""

import re

import pytest

from shared.roles import REACH, RIGHTS, Reach, Role, may


def test_every_role_reaches_somewhere_and_has_some_verb() -> None:
    assert REACH.keys() == set(Role)
    assert set().union(*RIGHTS.values()) == set(Role)


def test_verbs_are_things_and_what_is_done_with_them_and_none_is_for_nobody() -> None:
    for verb, roles in RIGHTS.items():
        assert re.fullmatch(r"[a-z]+(-[a-z]+)*\.[a-z]+(-[a-z]+)*", verb), verb
        assert roles, verb
        assert roles <= set(Role)


def test_whoever_runs_the_machines_identifies_nobody_and_an_employee_commands_only_for_oneself() -> None:
    assert not may(Role.ADMIN, "people.identify")
    own = {verb for verb in RIGHTS if may(Role.EMPLOYEE, verb)}
    assert {verb.rpartition(".")[2] for verb in own} <= {"read", "identify", "request", "appeal"}
    assert [role for role in Role if REACH[role] is Reach.OWN] == [Role.EMPLOYEE]


def test_a_verb_that_is_not_in_the_table_is_nobodys() -> None:
    with pytest.raises(KeyError):
        may(Role.ADMIN, "everything.do")
