"""Where a check-in was: the table of distances and accuracies, shapes, who may use which site, bad fixes."""

import datetime as dt
from math import nan
from typing import Any
from uuid import UUID, uuid4

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Geod

from services.geofence.rules.calibration import SIGMAS_IN_ACCURACY, expected_rates
from services.geofence.rules.locate import BAD_FIX, NEAR_M, Fix, Judgement, _near_distance, eve_of, judge_excess, locate
from services.geofence.rules.sites import DEFAULT_ACCURACY, AccuracyRule, Catalogue, Site, SiteKind
from shared.events import Verdict

UNIT, OTHER_UNIT = uuid4(), uuid4()
EMPLOYEE, COLLEAGUE = uuid4(), uuid4()
LON, LAT = 102.265, -3.795
MORNING = dt.datetime(2026, 2, 2, 7, 25, tzinfo=dt.timezone(dt.timedelta(hours=7)))
GEOD = Geod(ellps="WGS84")
INSIDE, UNSURE, OUTSIDE = Verdict.INSIDE, Verdict.UNSURE, Verdict.OUTSIDE


def circle(radius_m: float = 100.0, *, lon: float = LON, lat: float = LAT, kind: SiteKind = "office", **more: Any) -> Site:
    more.setdefault("org_unit_ids", () if kind == "region" else (UNIT,))
    return Site(uuid4(), 1, kind, {"type": "Point", "coordinates": [lon, lat]}, radius_m, **more)


def square(half_m: float, *, hole_m: float = 0.0, kind: SiteKind = "office", **more: Any) -> Site:
    more.setdefault("org_unit_ids", () if kind == "region" else (UNIT,))
    rings = [ring(half_m)] + ([ring(hole_m)[::-1]] if hole_m else [])
    return Site(uuid4(), 1, kind, {"type": "Polygon", "coordinates": rings}, **more)


def ring(half_m: float) -> list[tuple[float, float]]:
    return [point(x * half_m, y * half_m) for x, y in ((-1, -1), (1, -1), (1, 1), (-1, 1), (-1, -1))]


def point(east_m: float, north_m: float) -> tuple[float, float]:
    lon, lat, _ = GEOD.fwd(LON, LAT, 90, east_m)
    lon, lat, _ = GEOD.fwd(lon, lat, 0, north_m)
    return lon, lat


def fix(east_m: float = 0.0, north_m: float = 0.0, accuracy: float | None = 10.0, **more: Any) -> Fix:
    lon, lat = point(east_m, north_m)
    given = {"employee_id": EMPLOYEE, "org_unit_id": UNIT, "captured_at": MORNING, "longitude": lon, "latitude": lat}
    return Fix(**{**given, "accuracy_m": accuracy, **more})


def judged(sites: list[Site], mark: Fix) -> Judgement:
    return locate(Catalogue(sites), [mark])[0]


@pytest.mark.parametrize(
    ("distance", "accuracy", "expected"),
    [
        pytest.param(0, 10, INSIDE, id="at the centre"),
        pytest.param(99, 10, INSIDE, id="just within"),
        pytest.param(109, 10, INSIDE, id="beyond by less than the accuracy"),
        pytest.param(111, 10, UNSURE, id="beyond by more than the accuracy"),
        pytest.param(124, 10, UNSURE, id="beyond by nearly two and a half times the accuracy"),
        pytest.param(126, 10, OUTSIDE, id="beyond by more than two and a half times the accuracy"),
        pytest.param(129, 60, INSIDE, id="a poor fix is trusted up to the cap of 30 m"),
        pytest.param(131, 60, UNSURE, id="and no further"),
        pytest.param(251, 60, OUTSIDE, id="far even for a poor fix"),
        pytest.param(0, 100, INSIDE, id="the coarsest fix that counts"),
        pytest.param(0, 101, UNSURE, id="too coarse to say anything, though at the centre"),
        pytest.param(5_000, 450, UNSURE, id="too coarse to say anything, though far away"),
        pytest.param(0, None, UNSURE, id="no accuracy reported"),
        pytest.param(0, 0.0, UNSURE, id="Android's 0.0 means that it knows no accuracy"),
        pytest.param(40_000, 10, OUTSIDE, id="another town"),
    ],
)
def test_the_verdict_of_an_office_of_100_m(distance: float, accuracy: float | None, expected: Verdict) -> None:
    found = judged([circle(100)], fix(distance, accuracy=accuracy))

    assert (found.site, found.site_distance_m) == (expected, round(distance))


def test_a_site_may_have_its_own_accuracy_rule() -> None:
    strict = AccuracyRule(cap_m=0, max_m=20, outside_factor=1)

    verdicts = [judged([circle(15, accuracy=strict)], fix(d, accuracy=a)).site for d, a in ((15, 8), (16, 8), (24, 8), (0, 21))]

    assert verdicts == [INSIDE, UNSURE, OUTSIDE, UNSURE]


@given(
    accuracy=st.one_of(st.just(nan), st.floats(0.1, 6_000)),
    near=st.floats(-1_000, 10_000), far=st.floats(-1_000, 10_000),
    cap=st.floats(0, 1_000), most=st.floats(1, 4_999), factor=st.floats(1, 10),
)  # fmt: skip
def test_going_away_never_improves_a_verdict(
    accuracy: float, near: float, far: float, cap: float, most: float, factor: float
) -> None:
    near, far = sorted((near, far))

    codes = judge_excess(np.array([near, far]), *(np.full(2, value) for value in (accuracy, cap, most, factor)))

    assert codes[0] <= codes[1]


@pytest.mark.parametrize("radius", [15.0, 50.0, 100.0])
@pytest.mark.parametrize("accuracy", [5.0, 12.0, 35.0, 80.0])
def test_simulated_phones_are_judged_as_often_wrong_as_documented(radius: float, accuracy: float) -> None:
    """Monte Carlo through the whole rule: phones err normally, with their reported accuracy as 68 % radius."""
    chance = np.random.default_rng(20260202)
    people = radius * np.sqrt(chance.random(8_000))
    errors = chance.normal(0, accuracy / SIGMAS_IN_ACCURACY, (2, people.size))
    site = circle(radius)
    marks = [fix(east, north, accuracy) for east, north in zip(people + errors[0], errors[1], strict=True)]

    verdicts = [judgement.site for judgement in locate(Catalogue([site]), marks)]

    expected = expected_rates(radius, DEFAULT_ACCURACY["office"], (accuracy,))
    assert verdicts.count(INSIDE) / people.size == pytest.approx(expected.inside, abs=0.02)
    assert verdicts.count(OUTSIDE) / people.size == pytest.approx(expected.outside, abs=0.0015)
    assert expected.outside < 1 / 1_000


@pytest.mark.parametrize(("axes", "once_in"), [pytest.param(2, 1_240, id="a point"), pytest.param(1, 12_400, id="an edge")])
def test_the_smallest_fence_calls_honest_people_outside_as_rarely_as_documented(axes: int, once_in: int) -> None:
    errors = np.random.default_rng(7).normal(0, 20 / SIGMAS_IN_ACCURACY, (axes, 2_000_000))
    excess = np.hypot(*errors) if axes == 2 else errors[0]
    rule = DEFAULT_ACCURACY["office"]

    codes = judge_excess(excess, *(np.full(excess.size, v) for v in (20.0, rule.cap_m, rule.max_m, rule.outside_factor)))

    assert 1 / np.mean(codes == 2) == pytest.approx(once_in, rel=0.25)


def test_a_drawn_fence_reports_the_distance_to_its_edge_and_nothing_within() -> None:
    within, beyond = locate(Catalogue([square(60)]), [fix(20, -30), fix(160, 0)])

    assert (within.site, within.site_distance_m) == (INSIDE, 0)
    assert (beyond.site, beyond.site_distance_m) == (OUTSIDE, 100)


def test_the_courtyard_cut_out_of_a_fence_is_outside() -> None:
    site = square(300, hole_m=100)

    court, wing = locate(Catalogue([site]), [fix(0, 0), fix(200, 0)])

    assert (court.site, court.site_distance_m) == (OUTSIDE, 100)
    assert wing.site is INSIDE


@pytest.mark.parametrize("corner", range(4))
def test_the_edge_and_the_corners_of_a_drawn_fence_count_inside(corner: int) -> None:
    no_tolerance = AccuracyRule(cap_m=0, max_m=100)
    site = square(60, accuracy=no_tolerance)
    lon, lat = ring(60)[corner]
    next_lon, next_lat = ring(60)[corner + 1]
    between = fix(longitude=(lon + next_lon) / 2, latitude=(lat + next_lat) / 2)

    verdicts = [judgement.site for judgement in locate(Catalogue([site]), [fix(longitude=lon, latitude=lat), between])]

    assert verdicts == [INSIDE, INSIDE]


def test_each_part_of_a_multipolygon_holds() -> None:
    parts = [[[(lon + shift, lat) for lon, lat in ring(50)]] for shift in (0.0, 0.02)]
    site = Site(uuid4(), 1, "office", {"type": "MultiPolygon", "coordinates": parts}, org_unit_ids=(UNIT,))

    found = locate(Catalogue([site]), [fix(), fix(longitude=LON + 0.02, latitude=LAT), fix(longitude=LON + 0.01, latitude=LAT)])

    assert [judgement.site for judgement in found] == [INSIDE, INSIDE, OUTSIDE]


@given(east=st.floats(-5_000, 5_000), north=st.floats(-5_000, 5_000), lat=st.floats(-11, 6))
def test_near_distances_agree_with_the_geodesic_to_a_millimetre(east: float, north: float, lat: float) -> None:
    lon2, lat2, _ = GEOD.fwd(120.0, lat, 90, east)
    lon2, lat2, _ = GEOD.fwd(lon2, lat2, 0, north)

    near = _near_distance(*(np.array([value]) for value in (lat2, lon2, lat, 120.0)))[0]

    exact = GEOD.inv(lon2, lat2, 120.0, lat)[2]
    assert near == pytest.approx(exact, abs=0.001 if exact <= NEAR_M else 0.01)


def test_one_of_several_sites_is_enough_and_it_is_the_one_named() -> None:
    near, far = circle(100), circle(100, lon=LON + 0.05)

    found = judged([near, far], fix(50))

    assert (found.site, found.site_id) == (INSIDE, near.site_id)


def test_where_no_site_holds_the_nearest_is_named() -> None:
    sites = [circle(100, lon=LON + step) for step in (0.02, 0.3, 1.0, -0.5)]

    found = judged(sites, fix())

    assert (found.site, found.site_id, found.site_distance_m) == (OUTSIDE, sites[0].site_id, 2222)


def test_the_nearest_of_three_hundred_far_sites_is_found_as_pyproj_measures_it() -> None:
    chance = np.random.default_rng(3)
    sites = [circle(100, lon=LON + x, lat=LAT + y) for x, y in chance.uniform(0.2, 2.0, (300, 2))]

    found = judged(sites, fix())

    metres = {s.site_id: GEOD.inv(LON, LAT, *s.geometry["coordinates"])[2] for s in sites}
    nearest = min(metres, key=lambda site_id: metres[site_id])
    assert (found.site_id, found.site_distance_m) == (nearest, round(metres[nearest]))


def test_an_unsure_site_outweighs_one_that_is_surely_not_it() -> None:
    found = judged([circle(100), circle(200, lon=LON + 0.01)], fix(115))

    assert found.site is UNSURE


def test_somebody_without_any_site_is_unsure_never_outside() -> None:
    stranger = fix(org_unit_id=OTHER_UNIT)

    assert judged([circle()], stranger) == Judgement(UNSURE, None, None, False, UNSURE, None, "good")


def test_an_employee_may_have_a_site_that_the_unit_has_not() -> None:
    own = circle(org_unit_ids=(), employee_ids=(EMPLOYEE,))

    mine, colleagues = locate(Catalogue([own]), [fix(), fix(employee_id=COLLEAGUE)])

    assert (mine.site, colleagues.site) == (INSIDE, UNSURE)


def test_an_office_that_moves_holds_until_the_moment_and_the_new_one_from_it() -> None:
    moves = MORNING.replace(hour=0, minute=0) + dt.timedelta(days=1)
    old, new = circle(valid_to=moves), circle(lon=LON + 0.05, valid_from=moves)
    at_old, at_new = point(0, 0), (LON + 0.05, LAT)

    def seen(place: tuple[float, float], when: dt.datetime) -> Verdict:
        return judged([old, new], fix(longitude=place[0], latitude=place[1], captured_at=when)).site

    just_before = moves - dt.timedelta(microseconds=1)
    assert [seen(at_old, just_before), seen(at_new, just_before)] == [INSIDE, OUTSIDE]
    assert [seen(at_old, moves), seen(at_new, moves)] == [OUTSIDE, INSIDE]


def test_an_activity_by_letter_wins_over_the_office_that_also_holds() -> None:
    office = circle(200)
    activity = circle(300, kind="activity", org_unit_ids=(), employee_ids=(EMPLOYEE,))

    attendee, colleague = locate(Catalogue([office, activity]), [fix(150), fix(150, employee_id=COLLEAGUE)])

    assert (attendee.site_id, attendee.activity_site) == (activity.site_id, True)
    assert (colleague.site_id, colleague.activity_site) == (office.site_id, False)


def test_an_attendee_who_stays_at_the_office_is_at_the_office() -> None:
    office = circle(100)
    activity = circle(100, lon=LON + 0.05, kind="activity", org_unit_ids=(), employee_ids=(EMPLOYEE,))

    found = judged([office, activity], fix())

    assert (found.site, found.site_id, found.activity_site) == (INSIDE, office.site_id, False)


def test_the_default_region_holds_for_whoever_has_none_of_their_own() -> None:
    province = square(50_000, kind="region")
    regency = circle(3_000, kind="region", org_unit_ids=(OTHER_UNIT,))
    catalogue = Catalogue([province, regency])

    mine, theirs = locate(catalogue, [fix(20_000), fix(20_000, org_unit_id=OTHER_UNIT)])

    assert (mine.region, mine.region_id) == (INSIDE, province.site_id)
    assert (theirs.region, theirs.region_id) == (OUTSIDE, regency.site_id)


def test_a_region_of_ones_own_that_has_ended_gives_way_to_the_default() -> None:
    province = square(50_000, kind="region")
    ended = circle(3_000, kind="region", org_unit_ids=(UNIT,), valid_to=MORNING)

    assert judged([province, ended], fix(20_000)).region_id == province.site_id


@pytest.mark.parametrize(
    ("beyond", "accuracy", "expected"),
    [(-500, 10, INSIDE), (5, 10, INSIDE), (15, 10, UNSURE),
     (24, 10, UNSURE), (26, 10, OUTSIDE), (-500, None, UNSURE), (-500, 3_000, UNSURE),
     (99, 1_500, INSIDE), (101, 1_500, UNSURE), (3_900, 1_500, OUTSIDE), (80_000, 10, OUTSIDE)],
)  # fmt: skip
def test_the_border_of_a_drawn_region_knows_accuracy_too(beyond: float, accuracy: float | None, expected: Verdict) -> None:
    province = square(20_000, kind="region")

    assert judged([province], fix(20_000 + beyond, accuracy=accuracy)).region is expected


@pytest.mark.parametrize(
    "bad",
    [
        pytest.param(fix(longitude=0.0, latitude=0.0), id="null island"),
        pytest.param(fix(accuracy=5_000.0), id="the accuracy of an IP address"),
        pytest.param(fix(longitude=-8.24, latitude=53.41), id="Ireland, as in Karawang 2021"),
        pytest.param(fix(longitude=-7.09, latitude=31.79), id="Morocco, as in Karawang 2021"),
    ],
)
def test_a_fix_that_no_honest_phone_makes_is_quarantined_not_outside(bad: Fix) -> None:
    assert judged([circle(), square(50_000, kind="region")], bad) == BAD_FIX


def test_swapped_coordinates_are_a_bad_fix_where_the_swap_is_possible() -> None:
    abroad = circle(lon=55.27, lat=25.2)  # an office where both orders are legal coordinates

    assert judged([abroad], fix(longitude=25.2, latitude=55.27)).quality == "bad_fix"


def test_an_office_abroad_is_judged_like_any_other() -> None:
    embassy = circle(lon=4.32, lat=52.08)

    found = judged([embassy], fix(longitude=4.32, latitude=52.08))

    assert (found.site, found.quality) == (INSIDE, "good")


@settings(max_examples=25)
@given(st.lists(st.tuples(st.floats(-3_000, 3_000), st.floats(-3_000, 3_000), st.floats(1, 150)), min_size=1, max_size=40))
def test_judging_in_one_batch_is_judging_one_by_one(places: list[tuple[float, float, float]]) -> None:
    catalogue = Catalogue([circle(100), square(400), circle(50, lon=LON + 0.01), square(2_500, kind="region")])
    marks = [fix(east, north, accuracy) for east, north, accuracy in places]

    assert locate(catalogue, marks) == [locate(catalogue, [mark])[0] for mark in marks]


def test_a_catalogue_made_anew_keeps_the_fences_that_did_not_change() -> None:
    kept, changed = circle(), square(60)
    first = Catalogue([kept, changed])
    moved = Site(changed.site_id, 2, "office", square(80).geometry, org_unit_ids=(UNIT,))

    second = Catalogue([kept, moved], first.fences)

    assert second.fences[kept.site_id, 1] is first.fences[kept.site_id, 1]
    assert set(second.fences) == {(kept.site_id, 1), (moved.site_id, 2)}


def test_no_fixes_and_no_sites_are_no_trouble() -> None:
    assert locate(Catalogue([]), []) == []
    assert judged([], fix(employee_id=UUID(int=1), org_unit_id=None)).site is UNSURE


WIB = dt.timezone(dt.timedelta(hours=7))
SEVEN = dt.datetime(2026, 2, 10, 7, 2, tzinfo=WIB)
MIDNIGHT = dt.datetime(2026, 2, 10, tzinfo=WIB)


class TestTheEveningBefore:
    """A night duty of the 9th ends on the 10th, when what held until midnight holds no more."""

    OLD, NEW = circle(org_unit_ids=(UNIT,)), circle(lat=LAT + 0.5, org_unit_ids=(OTHER_UNIT,))

    @staticmethod
    def out(at: dt.datetime = SEVEN, **more: Any) -> Fix:
        eve = eve_of(at, WIB)
        return fix(captured_at=at, org_unit_id=OTHER_UNIT, eve=None if eve is None else (UNIT, eve), **more)

    def test_a_check_out_in_the_morning_of_a_move_holds_at_the_old_office_too(self) -> None:
        sites = [self.OLD, self.NEW]

        assert (judged(sites, self.out()).site, judged(sites, self.out()).site_id) == (INSIDE, self.OLD.site_id)
        assert judged(sites, self.out(latitude=LAT + 0.5)).site_id == self.NEW.site_id
        assert judged(sites, self.out(latitude=LAT + 0.25)).site is OUTSIDE
        assert judged(sites, self.out()._replace(eve=None)).site is OUTSIDE  # a check-in

    def test_from_noon_on_the_new_office_alone_holds(self) -> None:
        assert eve_of(SEVEN.replace(hour=11, minute=59), WIB) == MIDNIGHT - dt.timedelta(minutes=2)
        assert judged([self.OLD, self.NEW], self.out(SEVEN.replace(hour=12))).site is OUTSIDE

    def test_a_letter_for_whole_dates_holds_for_the_check_out_of_the_night_that_it_ended_in(self) -> None:
        hall = circle(kind="activity", org_unit_ids=(), employee_ids=(EMPLOYEE,), valid_to=MIDNIGHT)
        ended = circle(kind="activity", org_unit_ids=(), employee_ids=(EMPLOYEE,), valid_to=MIDNIGHT - dt.timedelta(hours=2))

        assert (judged([hall, self.NEW], self.out()).site, judged([hall, self.NEW], self.out()).activity_site) == (INSIDE, True)
        assert judged([ended, self.NEW], self.out()).site is OUTSIDE  # it named the hour

    def test_the_region_of_the_old_unit_holds_too(self) -> None:
        there = circle(5_000, kind="region", org_unit_ids=(UNIT,))
        elsewhere = circle(5_000, kind="region", lat=LAT + 0.5, org_unit_ids=(OTHER_UNIT,))

        assert (judged([there, elsewhere], self.out()).region, judged([there, elsewhere], self.out()).region_id) == (INSIDE, there.site_id)

    def test_what_is_unclear_by_the_evening_before_waits_and_what_had_no_place_then_does_not(self) -> None:
        assert judged([self.OLD, self.NEW], self.out(east_m=160.0, accuracy=40.0)).site is UNSURE
        assert judged([self.NEW], self.out()).site is OUTSIDE

    def test_the_others_of_a_batch_are_judged_as_they_are_alone(self) -> None:
        marks = [fix(), self.out(), fix(org_unit_id=OTHER_UNIT), self.out(latitude=LAT + 0.5), fix(east_m=500.0)]
        catalogue = Catalogue([self.OLD, self.NEW])

        assert locate(catalogue, marks) == [locate(catalogue, [mark])[0] for mark in marks]

    def test_a_fix_that_no_phone_makes_is_none_by_the_evening_before_either(self) -> None:
        assert judged([self.OLD, self.NEW], self.out(latitude=0.0, longitude=0.0)) == BAD_FIX
