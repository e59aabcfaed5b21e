"""Levels of approval: nothing is decided without all of them, by different people in the right roles, and the trail tells it all."""

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.schedule.approvals import SHIPPED, Quota, read_approvals, shipped
from services.schedule.corrections import CorrectionRefused
from services.schedule.rules import workflow
from services.schedule.rules.workflow import Level, NotAllowed, Request, Who

NOW = dt.datetime(2026, 2, 9, 1, tzinfo=dt.UTC)
LEVELS = (Level("atasan", ("supervisor",)), Level("bkd", ("bkd", "inspectorate")))
EMPLOYEE = "pegawai"
UNIT, OTHER = UUID(int=1), UUID(int=2)

people = st.builds(
    Who, st.sampled_from([EMPLOYEE, "a", "b", "c", "system"]), st.sampled_from(["supervisor", "bkd", "inspectorate", "employee", "system"]),
    st.sampled_from([None, frozenset({UNIT}), frozenset({OTHER})]), st.sampled_from([None, "a", "b"]),
)  # fmt: skip
actions = st.lists(st.tuples(st.sampled_from(["approve", "reject", "withdraw", "amend"]), people), max_size=12)


def asked(levels: tuple[Level, ...] = LEVELS, barred: frozenset[str] = frozenset()) -> Request:
    mine = Request(EMPLOYEE, levels, EMPLOYEE, UNIT, barred)
    return workflow.begin(mine, Who(EMPLOYEE, "employee"), NOW, "sakit")


def act(request: Request, action: str, who: Who) -> Request:
    deed: Callable[..., Request] = getattr(workflow, action)
    return deed(request, who, NOW, "alasan")


@given(actions)
def test_no_sequence_of_actions_decides_without_all_levels_and_the_trail_is_complete(wanted: list[tuple[str, Who]]) -> None:
    request, done = asked(), 0
    for action, who in wanted:
        before = request
        try:
            request = act(request, action, who)
        except NotAllowed:
            assert request is before
            continue
        done += 1
        assert request.trail[:-1] == before.trail
        assert (request.trail[-1].action, request.trail[-1].who) == (action, who)

    assert [one.number for one in request.trail] == list(range(1, done + 2))
    approvals = request.approvals
    assert (request.state == "approved") == (len(approvals) == len(LEVELS))
    for level, approval in zip(LEVELS, approvals, strict=False):
        assert approval.level == level.name
        assert approval.who.role in level.roles
        assert not approval.who.names & {EMPLOYEE, "system"}
        assert approval.who.units is None or UNIT in approval.who.units
    names = [name for approval in approvals for name in approval.who.names]
    assert len(names) == len(set(names)), "one person holds one level, in person or by a deputy"
    if request.state != "requested":
        assert request.trail[-1].action in ("approve", "reject", "withdraw")
        assert request.level is None


@given(actions)
def test_what_is_decided_changes_no_more_except_by_an_appeal(wanted: list[tuple[str, Who]]) -> None:
    request = act(act(asked(), "approve", Who("a", "supervisor")), "approve", Who("b", "bkd"))
    for action, who in wanted:
        with pytest.raises(NotAllowed, match="sudah disetujui"):
            act(request, action, who)
    turned = workflow.overturn(request, Who("c", "inspectorate"), NOW, "keberatan diterima")
    assert (turned.state, len(turned.trail)) == ("rejected", 4)


def test_who_decided_before_is_barred_in_person_and_by_deputy() -> None:
    appeal = asked(barred=frozenset({"a"}))
    for who in (Who("a", "supervisor"), Who("c", "supervisor", deputy_of="a")):
        with pytest.raises(NotAllowed, match="memutuskan semula"):
            workflow.approve(appeal, who, NOW, "ya")


def test_every_deed_has_a_reason() -> None:
    with pytest.raises(NotAllowed, match="alasan"):
        workflow.approve(asked(), Who("a", "supervisor"), NOW, "  ")


def test_a_request_without_levels_would_be_decided_by_nobody_and_is_refused() -> None:
    with pytest.raises(ValueError, match="has levels"):
        asked(levels=())


def test_a_deadline_counts_duty_days_and_passes_over_days_off() -> None:
    friday, sunday = dt.date(2026, 2, 6), dt.date(2026, 2, 8)
    rule = shipped().requests["leave.sick"].deadline

    assert rule.last_date(friday, friday, lambda date: date.weekday() < 5) == dt.date(2026, 2, 11)
    assert rule.last_date(friday, sunday, lambda date: date.weekday() < 5) == dt.date(2026, 2, 11)
    assert shipped().requests["review"].deadline.last_date(friday, friday, lambda _: True) is None


def test_what_is_left_of_last_years_leave_comes_on_top_up_to_the_limit() -> None:
    right = Quota(per_year=12, with_rest_of_last_year=18)

    assert [right.of_year(used) for used in (0, 6, 9, 12, 15)] == [18, 18, 15, 12, 12]


def test_a_late_request_passes_one_more_level_which_is_the_last() -> None:
    assert [level.name for level in shipped().levels_of("leave.sick", late=True)] == ["atasan", "bkd"]
    assert [level.name for level in shipped().levels_of("leave.maternity", late=True)] == ["atasan", "bkd"]


def test_a_file_of_rules_that_cannot_be_used_is_told_in_indonesian(tmp_path: Path) -> None:
    file = tmp_path / "persetujuan.yaml"
    shipped_text = SHIPPED.read_text()
    for text, said in [
        (shipped_text + "\n\tx: 1\n", "ada tab; pakai spasi"),
        (shipped_text.replace("further_level:", "further_levels:"), "Wajib diisi"),
        (shipped_text.replace("further_level:", "further_level: nobody #"), "tingkat nobody tidak ada dalam levels"),
        (shipped_text.replace('unavailable_share: "0.05"', "unavailable_share: 0.05"), 'misalnya "0.05"'),
        ("- 1\n", "Harus berupa pasangan kunci dan nilai"),
    ]:
        file.write_text(text)
        with pytest.raises(CorrectionRefused) as refused:
            read_approvals(file)
        assert said in str(refused.value)
        assert str(tmp_path) not in str(refused.value)
