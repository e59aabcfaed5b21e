"""Schemes compared with plans: rounding, every kind of breach, what holds where, and the seeds' schemes as files."""

import datetime as dt
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from services.schedule.in_force import PoliciesInForce
from services.schedule.memory import Reference
from services.schedule.planning import Staff
from services.schedule.reference import DEFAULT_WEEK, EmployeeState, Membership, OrgUnitState, Rank
from services.schedule.rules import parse_week
from services.schedule.rules.schemes import (
    Bounds,
    BreachCode,
    Colleague,
    Place,
    Plan,
    Proposal,
    Scheme,
    SchemeError,
    SchemesInForce,
    SchemeState,
    breaches_of,
    load_schemes,
    propose,
    quota_bounds,
    shares_of,
    week_bounds,
    with_proposal,
)
from services.schedule.rules.schemes.model import PersonWeek, Quota
from services.schedule.rules.schemes.picture import picture_of
from services.schedule.rules.schemes.steps import RosterState, RosterStep, after
from services.schedule.store.plans import Whereabouts
from shared.events import EmployeeKind, SchemeInForce

EXAMPLES = Path(__file__).parents[3] / "services" / "schedule" / "policies" / "example-schemes.yaml"
MONDAY = dt.date(2026, 2, 2)
DAY = dt.timedelta(days=1)
WORDS = {"A": Place.WFA, "K": Place.WFO, "C": Place.AWAY, "?": Place.OPEN}


def scheme(**more: Any) -> Scheme:
    return Scheme(**{"title": "uji", "legal_source": "SE uji 1/2026", "weekly_wfa_limit": None, **more})


def plan(
    rows: list[str], held: Scheme | None, *, groups: Mapping[int, str] | None = None,
    regrouped: Mapping[int, tuple[tuple[dt.date, str], ...]] | None = None, **more: Any,
) -> Plan:  # fmt: skip
    """A plan from Monday on, one row of letters per person (blank: nothing owed)."""
    people = tuple(
        Colleague(UUID(int=number + 1), (groups or {}).get(number, "pelaksana"),
                  {MONDAY + place * DAY: WORDS[letter] for place, letter in enumerate(row) if letter != " "},
                  (regrouped or {}).get(number, ()))
        for number, row in enumerate(rows))
    last = MONDAY + (max(map(len, rows)) - 1) * DAY
    dates = [MONDAY + n * DAY for n in range(21)]
    given: dict[str, Any] = {"unit": "DINAS", "public_service": False, "first": MONDAY, "last": last}
    return Plan(**{**given, **more}, people=people, schemes=dict.fromkeys(dates, held) if held else {})


def found(plan: Plan) -> list[tuple[int, BreachCode, int | None]]:
    """(days after Monday, code, person) of each breach."""
    return [((breach.date - MONDAY).days, breach.code, breach.employee_id.int - 1 if breach.employee_id else None)
            for breach in breaches_of(plan)]


@pytest.mark.parametrize(("share", "people", "rounding", "wfa"), [
    ("75", 4, "down", 3), ("75", 5, "down", 3), ("75", 5, "half_up", 4), ("75", 5, "up", 4), ("75", 1, "down", 0), ("75", 1, "up", 1),
    ("50", 3, "down", 1), ("50", 3, "half_up", 2), ("25", 3, "half_up", 1), ("100", 7, "down", 7), ("0", 7, "up", 0), ("75", 0, "down", 0),
    ("33.33", 3, "down", 0), ("33.34", 3, "down", 1),
])
def test_a_share_of_few_people_is_rounded_as_the_quota_says(share: str, people: int, rounding: str, wfa: int) -> None:
    assert quota_bounds(Quota(per="day", wfa=share, rounding=rounding), people) == Bounds(wfa, wfa)


def test_a_limit_is_never_exceeded_by_rounding() -> None:
    assert quota_bounds(Quota(per="day", wfa_at_most=Fraction(20)), 9) == Bounds(0, 1)
    assert quota_bounds(Quota(per="day", wfa_at_least=Fraction(20)), 9) == Bounds(2, 9)
    assert quota_bounds(Quota(per="day", wfo=Fraction(25), tolerance=1), 5) == Bounds(2, 4)


@pytest.mark.parametrize(("owed", "wfa"), [(5, (2, 2)), (4, (1, 2)), (3, (0, 2)), (2, (0, 2)), (1, (0, 1)), (0, (0, 0)), (6, (2, 2))])
def test_a_short_week_has_no_more_of_either_kind_than_a_full_one(owed: int, wfa: tuple[int, int]) -> None:
    assert week_bounds(PersonWeek(wfo=3, wfa=2), owed) == Bounds(*wfa)


def test_a_day_quota_counts_those_who_owe_work_and_are_not_away() -> None:
    quarter = scheme(quotas=[{"per": "day", "wfa": "75"}])

    assert found(plan(["A", "A", "A", "K"], quarter)) == []
    assert found(plan(["A", "A", "A", "C", "K"], quarter)) == []
    assert found(plan(["A", "A", "A", "A"], quarter)) == [(0, BreachCode.QUOTA_OVER, None)]
    assert found(plan(["A", "A", "A", "C"], quarter)) == [(0, BreachCode.QUOTA_OVER, None)]
    assert found(plan(["A", "K", "K", "K"], quarter)) == [(0, BreachCode.QUOTA_UNDER, None)]
    [share] = shares_of(plan(["A", "A", "K", "C"], quarter))
    assert (share.owed, share.wfa, share.wfo, share.away, share.allowed) == (3, 2, 1, 1, Bounds(2, 2))


def test_a_week_quota_is_counted_over_the_week_and_not_day_by_day() -> None:
    half = scheme(quotas=[{"per": "week", "wfa": "50"}])

    assert found(plan(["AAKKK", "AAAKK"], half)) == []
    assert found(plan(["AAAKK", "AAAKK"], half)) == [(0, BreachCode.QUOTA_OVER, None)]
    assert found(plan(["AAAKK  KKKKK", "AAKKK  AAAAA"], half)) == []
    assert found(plan(["AAAKK  KKKKK", "AAKKK  AAAAK"], half)) == [(7, BreachCode.QUOTA_UNDER, None)]


def test_a_month_quota_sees_only_the_month() -> None:
    assert found(plan(["AAAAA  KKKKK"], scheme(quotas=[{"per": "month", "wfa": "50"}]))) == []


def test_each_persons_week_has_its_days_of_either_kind() -> None:
    three_two = scheme(person_week={"wfo": 3, "wfa": 2})

    assert found(plan(["AAKKK", "AKKKA", "AKCKA"], three_two)) == []
    assert found(plan(["AAAKK", "AKKKK"], three_two)) == [(0, BreachCode.PERSON_WEEK_OVER, 0), (0, BreachCode.PERSON_WEEK_UNDER, 1)]


def test_open_days_of_a_week_that_goes_on_can_still_make_it_good() -> None:
    three_two = scheme(person_week={"wfo": 3, "wfa": 2})

    assert found(plan(["KK???"], three_two, last=MONDAY + DAY)) == []
    assert found(plan(["KKKK?"], three_two, last=MONDAY + DAY)) == [(0, BreachCode.PERSON_WEEK_UNDER, 0)]


def test_more_than_two_days_a_week_are_a_warning_only() -> None:
    limited = scheme(quotas=[{"per": "day", "wfa": "100"}], weekly_wfa_limit=2)

    [breach] = breaches_of(plan(["AAA"], limited))

    assert breach.code is BreachCode.WEEKLY_LIMIT
    assert breach.warning
    assert breach.sentence() == (
        "minggu mulai Senin 2026-02-02: 3 hari WFA seminggu, lebih dari 2 (PermenPANRB 4/2025); roster tetap dapat diterapkan")


def test_a_fixed_weekday_binds_everybody_and_no_day_quota() -> None:
    friday = scheme(fixed_days=[{"weekday": "fri", "mode": "WFA"}], quotas=[{"per": "day", "wfa": "0"}])

    assert found(plan(["KKKKA", "KKKKC"], friday)) == []
    assert found(plan(["KKKKK", "KKKKA"], friday)) == [(4, BreachCode.FIXED_DAY, 0)]


def test_public_service_and_left_out_groups_stay_in_the_office() -> None:
    kept = scheme(quotas=[{"per": "day", "wfa": "50"}], excluded={"public_service": True, "groups": ["struktural"], "units": ["RSUD"]})

    assert found(plan(["AK"], kept, public_service=True)) == [(0, BreachCode.EXCLUDED_UNIT, 0)]
    assert found(plan(["AK"], kept, unit="RSUD")) == [(0, BreachCode.EXCLUDED_UNIT, 0)]
    assert found(plan(["A", "K", "A"], kept, groups={2: "struktural"})) == [(0, BreachCode.EXCLUDED_GROUP, 2)]
    assert found(plan(["A", "K", "K"], kept, groups={2: "struktural"})) == []


def test_wfa_on_a_date_without_a_scheme_is_a_warning() -> None:
    [breach] = breaches_of(plan(["KAK"], None))

    assert (breach.code, breach.warning, breach.date) == (BreachCode.NO_SCHEME, True, MONDAY + DAY)


def test_the_picture_shows_each_date_with_its_number_and_its_quota() -> None:
    picture = picture_of(plan(["AKC", "A  ", "KKA"], scheme(quotas=[{"per": "day", "wfa": "50"}])))

    assert [letters for _, letters in picture.rows] == [("A", "K", "C"), ("A", "·", "·"), ("K", "K", "A")]
    assert (picture.wfa, picture.allowed, picture.over) == (("2", "0", "1"), ("1", "1", "0"), (True, True, True))


def state(name: str, *scopes: SchemeInForce, wfa: str = "50") -> SchemeState:
    return SchemeState(name, scheme(title=name, quotas=[{"per": "day", "wfa": wfa}]), scopes)


def holds(since: str, until: str | None = None, unit: UUID | None = None) -> SchemeInForce:
    return SchemeInForce(since=dt.date.fromisoformat(since), until=dt.date.fromisoformat(until) if until else None,
                         org_unit_id=unit, legal_source="SE uji")


def test_a_scheme_for_a_few_days_gives_the_lasting_one_back_and_a_units_own_goes_before_the_provinces() -> None:
    unit, other = UUID(int=1), UUID(int=2)
    force = SchemesInForce([
        state("lasting", holds("2026-02-01")), state("lebaran", holds("2026-03-16", "2026-03-17"), wfa="75"),
        state("own", holds("2026-03-01", "2026-03-31", unit), wfa="20"),
    ])

    def on(whose: UUID, date: str) -> str | None:
        found = force.on(whose, dt.date.fromisoformat(date))
        return found.name if found else None

    assert [on(other, date) for date in ("2026-01-31", "2026-02-01", "2026-03-16", "2026-03-17", "2026-03-18")] == [
        None, "lasting", "lebaran", "lebaran", "lasting"]
    assert [on(unit, date) for date in ("2026-03-16", "2026-04-01")] == ["own", "lasting"]


def test_an_extension_replaces_the_scope_that_it_extends() -> None:
    extended = state("x", holds("2026-02-01", "2026-02-28")).holding(holds("2026-02-01", "2026-03-31"))

    assert [scope.until for scope in extended.in_force] == [dt.date(2026, 3, 31)]
    assert extended.without(None, dt.date(2026, 2, 1)).in_force == ()


def test_the_same_scheme_has_the_same_id_however_it_is_written() -> None:
    assert scheme(quotas=[{"per": "day", "wfa": "75"}]).identity == scheme(quotas=[{"per": "day", "wfa": "75.00"}]).identity
    assert scheme(quotas=[{"per": "day", "wfa": "75"}]).identity != scheme(quotas=[{"per": "day", "wfa": "74"}]).identity
    one = scheme(quotas=[{"per": "day", "wfa": "75"}], excluded={"public_service": True})
    assert Scheme.from_content(one.content()) == one


def test_the_seeds_schemes_are_files_that_load_each_with_its_source() -> None:
    schemes = load_schemes(EXAMPLES)

    assert {name: (one.standing, [quota.exact for quota in one.quotas]) for name, one in schemes.items()} == {
        "BENGKULU-25-75": ("in_force", [75]), "BENGKULU-100": ("idea", [100]), "JABAR-UJI-COBA": ("in_force", []),
        "JABAR-50-50": ("in_force", [50]), "BKN-3-2": ("idea", []), "REJANG-LEBONG": ("planned", []),
        "SE-PANRB-1-2024": ("in_force", [None]), "BANTEN-20": ("in_force", [None]),
    }
    assert all(one.legal_source and one.confidence for one in schemes.values())
    rejang = schemes["REJANG-LEBONG"]
    assert (rejang.fixed, rejang.region, rejang.evidence, rejang.excluded.public_service) == ({4: "WFA"}, "stay", "geotag_photo", True)
    assert schemes["BKN-3-2"].person_week == PersonWeek(wfo=3, wfa=2)


SEEDS = {
    "BENGKULU-25-75": (["AAAAA", "AAAAA", "AAAAA", "KKKKK"], ["AAAAA", "AAAAA", "KKKKK", "KKKKK"], 5),
    "JABAR-50-50": (["AKAKA", "KAKAK"], ["AAAAA", "KAKAK"], 2),
    "BKN-3-2": (["AAKKK", "KKKAA"], ["AAAKK", "KKKKA"], 2),
    "REJANG-LEBONG": (["KKKKA", "AKAKA"], ["KKKKK", "AKAKA"], 1),
    "JABAR-UJI-COBA": (["KKKAK", "KKKAK"], ["KKKKK", "KKKAK"], 1),
    "BANTEN-20": (["AKKKK", "KKKKK", "KKKKK", "KKKKK", "KKKKK"], ["AKKKK", "AKKKK", "KKKKK", "KKKKK", "KKKKK"], 1),
}


@pytest.mark.parametrize("name", SEEDS)
def test_each_seeds_scheme_takes_a_roster_that_keeps_it_and_names_each_place_where_one_does_not(name: str) -> None:
    good, bad, count = SEEDS[name]
    held = load_schemes(EXAMPLES)[name]

    assert [breach for breach in breaches_of(plan(good, held)) if not breach.warning] == []
    assert len([breach for breach in breaches_of(plan(bad, held)) if not breach.warning]) == count


def test_a_file_tells_every_fault_with_line_key_and_what_to_do(tmp_path: Path) -> None:
    file = tmp_path / "skema.yaml"
    file.write_text("A:\n  title: x\n  quotas: [{per: day, wfa: 75}]\nB:\n  title: y\n  legal_source: z\n  kuota: []\n")

    with pytest.raises(SchemeError) as told:
        load_schemes(file)

    assert [(fault.line, fault.path, fault.code) for fault in told.value.faults] == [
        (1, "A.legal_source", "missing"), (3, "A.quotas[0].wfa", "not-a-share"), (7, "B.kuota", "unknown-field")]
    assert 'Harus persen dalam tanda kutip, misalnya "75"' in str(told.value)


@pytest.mark.parametrize("keys", [
    {}, {"quotas": [{"per": "day"}]}, {"quotas": [{"per": "day", "wfa": "101"}]}, {"quotas": [{"per": "day", "wfa": "75", "wfo": "30"}]},
    {"quotas": [{"per": "day", "wfa": "75", "wfa_at_most": "80"}]}, {"quotas": [{"per": "day", "wfa_at_least": "80", "wfa_at_most": "20"}]},
    {"person_week": {"wfo": 5, "wfa": 3}}, {"fixed_days": [{"weekday": "fri", "mode": "WFA"}, {"weekday": "fri", "mode": "WFO"}]},
    {"fixed_days": [{"weekday": "fri", "mode": "WFA"}], "person_week": {"wfo": 5, "wfa": 0}},
])
def test_a_scheme_that_says_nothing_or_contradicts_itself_is_refused(keys: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="validation error"):
        scheme(**keys)


def test_a_roster_goes_its_way_and_no_other() -> None:
    way = {(one, step): after(one, step) for one in (None, *RosterState) for step in RosterStep if after(one, step)}

    assert {(one and one.value, step.value, target and target.value) for (one, step), target in way.items()} == {
        (None, "draft", "draft"), ("draft", "draft", "draft"), ("published", "draft", "draft"), ("draft", "submit", "submitted"),
        ("submitted", "adjust", "submitted"), ("approved", "adjust", "submitted"), ("submitted", "return", "draft"),
        ("approved", "return", "draft"), ("submitted", "approve", "approved"), ("approved", "publish", "published"),
    }


def test_who_joins_a_group_that_is_left_out_counts_until_then_and_stays_in_the_office_from_then_on() -> None:
    half = scheme(quotas=[{"per": "day", "wfa": "50"}], excluded={"groups": ["structural"]})
    promoted = {0: ((MONDAY + 2 * DAY, "structural"),)}
    asked = plan(["AKAK", "KAKA", "KKKA"], half, regrouped=promoted)

    # three owe work on Monday and Tuesday, so that one is WFA; the promoted one may not on Wednesday, when one of two is to be
    assert found(asked) == [(2, BreachCode.EXCLUDED_GROUP, 0), (2, BreachCode.QUOTA_UNDER, None), (3, BreachCode.QUOTA_OVER, None)]
    assert [(share.owed, share.wfa, share.left_out) for share in shares_of(asked)] == [(3, 1, 0), (3, 1, 0), (2, 0, 1), (2, 2, 1)]

    proposal = propose(asked, set(asked.dates()))
    assert isinstance(proposal, Proposal)
    assert [proposal.days[UUID(int=1)][MONDAY + day * DAY] for day in (2, 3)] == [Place.WFO, Place.WFO]
    assert found(with_proposal(asked, proposal)) == []


def test_who_leaves_such_a_group_is_of_the_scheme_from_then_on() -> None:
    all_away = scheme(fixed_days=[{"weekday": day, "mode": "WFA"} for day in ("mon", "tue")], excluded={"groups": ["structural"]})
    staff = plan(["KK"], all_away, groups={0: "structural"}, regrouped={0: ((MONDAY + DAY, "pelaksana"),)})

    assert found(staff) == [(1, BreachCode.FIXED_DAY, 0)]


def test_a_plan_knows_the_group_of_each_of_its_dates() -> None:
    unit, promoted_on = UUID(int=9), MONDAY + 2 * DAY
    person = EmployeeState(
        UUID(int=1), "1" * 18, "Siti Contoh", EmployeeKind.PNS, "pelaksana", "Asia/Jakarta", (Membership(MONDAY, unit),),
    ).ranked(promoted_on, Rank(EmployeeKind.PNS, "structural"))  # fmt: skip
    week = parse_week(dict.fromkeys(("mon", "wed"), ("07:30", "16:00")))
    reference = Reference({}, {DEFAULT_WEEK: week}, {}, {}, PoliciesInForce([]))
    staff = Staff(OrgUnitState(unit, "DINAS", "Dinas", "Asia/Jakarta"), MONDAY, promoted_on, reference, {person.employee_id: person},
                  {}, {}, {}, {})
    fact = [Whereabouts(person.employee_id, date, "PRESENT", "WFO", 2, 2) for date in (MONDAY, promoted_on)]

    for seen in (staff.plan(), staff.fact(fact)):
        [colleague] = seen.people
        assert [colleague.group_on(date) for date in (MONDAY, MONDAY + DAY, promoted_on)] == ["pelaksana", "pelaksana", "structural"]
