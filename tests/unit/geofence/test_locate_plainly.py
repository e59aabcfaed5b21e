"""A batch is judged as each mark alone, and as a plain reading of the rule judges it: every site measured, none left out."""

import datetime as dt
from typing import Any
from uuid import UUID

import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Geod
from shapely.ops import nearest_points

from services.geofence.rules.locate import BAD_FIX, Fix, Judgement, locate
from services.geofence.rules.sites import DEFAULT_ACCURACY, AccuracyRule, Catalogue, Site, SiteKind, fence_of
from shared.events import Verdict

GEOD = Geod(ellps="WGS84")
LON, LAT = 102.265, -3.795
NOON = dt.datetime(2026, 2, 2, 5, tzinfo=dt.UTC)
UNITS = [UUID(int=1 << 64 | number) for number in range(3)]
PEOPLE = [UUID(int=2 << 64 | number) for number in range(3)]
_CANNOT_TELL_M = 0.005
"""Two ways of measuring agree to a few millimetres; nearer to a threshold than this either answer is right."""

near = st.floats(-0.004, 0.004)
somewhere = st.one_of(near, near, st.floats(-3, 3))
dates = st.sampled_from([None, None, None, NOON - dt.timedelta(hours=1), NOON, NOON + dt.timedelta(hours=1)])


@st.composite
def sites(draw: st.DrawFn) -> list[Site]:
    made = []
    for number in range(draw(st.integers(0, 8))):
        lon, lat = LON + draw(somewhere), LAT + draw(somewhere)
        kind: SiteKind = draw(st.sampled_from(["office", "office", "activity", "region"]))
        geometry: dict[str, Any] = {"type": "Point", "coordinates": [lon, lat]}
        radius: float | None = draw(st.floats(10, 900))
        if draw(st.booleans()):
            size = draw(st.floats(0.0003, 0.05))
            corners = [(lon, lat), (lon + size, lat), (lon + size, lat + size / 3), (lon + size / 4, lat + size / 4), (lon, lat + size)]
            geometry, radius = {"type": "Polygon", "coordinates": [[*corners, corners[0]]]}, None
        rule = draw(st.sampled_from([None, None, AccuracyRule(50.0, 60.0, 1.0), AccuracyRule(10.0, 3_000.0, 6.0)]))
        made.append(Site(
            UUID(int=3 << 64 | number), 1, kind, geometry, radius, tuple(draw(st.sets(st.sampled_from(UNITS)))),
            tuple(draw(st.sets(st.sampled_from(PEOPLE), max_size=1))), draw(dates), draw(dates), rule,
        ))  # fmt: skip
    return made


fixes = st.builds(
    Fix, st.sampled_from(PEOPLE), st.sampled_from([*UNITS, None]), st.sampled_from([NOON, NOON + dt.timedelta(minutes=90)]),
    somewhere.map(lambda off: LAT + off), somewhere.map(lambda off: LON + off),
    st.one_of(st.none(), st.floats(0, 300), st.floats(300, 4_000)), st.none(),
)  # fmt: skip


class Measured:
    """One site as one fix sees it, by the rule's own words."""

    def __init__(self, site: Site, fix: Fix) -> None:
        self.site = site
        fence = fence_of(site.geometry)
        _, _, self.metres = GEOD.inv(fix.longitude, fix.latitude, fence.longitude, fence.latitude)
        self.excess = self.metres - (site.radius_m or 0.0)
        if fence.polygon is not None:
            bare = shapely.from_wkb(shapely.to_wkb(fence.polygon))
            here = shapely.Point(
                (fix.longitude - fence.longitude) * fence.metres_per_lon, (fix.latitude - fence.latitude) * fence.metres_per_lat
            )
            self.metres = 0.0
            if not bare.intersects(here):
                edge = nearest_points(bare, here)[0]
                _, _, self.metres = GEOD.inv(
                    fix.longitude, fix.latitude, fence.longitude + edge.x / fence.metres_per_lon,
                    fence.latitude + edge.y / fence.metres_per_lat,
                )  # fmt: skip
                # A region is measured on its plane, which is off by the change of scale across it.
                self.blur = 0.002 * self.metres if site.kind == "region" else 0.0
            self.excess = self.metres
        rule, accuracy = site.accuracy or DEFAULT_ACCURACY[site.kind], fix.accuracy_m or None
        self.thresholds: tuple[float, ...] = ()
        self.verdict = Verdict.UNSURE
        if accuracy is not None and accuracy <= rule.max_m:
            self.thresholds = (min(accuracy, rule.cap_m), rule.outside_factor * accuracy)
            if self.excess > self.thresholds[1]:
                self.verdict = Verdict.OUTSIDE
            if self.excess <= self.thresholds[0]:
                self.verdict = Verdict.INSIDE

    blur = 0.0

    @property
    def clear(self) -> bool:
        return all(abs(self.excess - threshold) > _CANNOT_TELL_M + self.blur for threshold in self.thresholds)

    @property
    def rank(self) -> tuple[int, bool, float]:
        order = (Verdict.INSIDE, Verdict.UNSURE, Verdict.OUTSIDE).index(self.verdict)
        return order, not (self.site.kind == "activity" and self.verdict is Verdict.INSIDE), self.excess


def seen_from(held: list[Site], fix: Fix, *, regions: bool) -> list[Measured]:
    own = [
        site for site in held
        if (site.kind == "region") is regions and (fix.org_unit_id in site.org_unit_ids or fix.employee_id in site.employee_ids)
        and in_force(site, fix)
    ]  # fmt: skip
    if regions and not own:
        own = [site for site in held if site.for_everybody and in_force(site, fix)]
    return [Measured(site, fix) for site in own]


def in_force(site: Site, fix: Fix) -> bool:
    since, until = site.valid_from or fix.captured_at, site.valid_to
    return since <= fix.captured_at and (until is None or fix.captured_at < until)


def agrees(judged: Judgement, held: list[Site], fix: Fix) -> None:
    places, regions = seen_from(held, fix, regions=False), seen_from(held, fix, regions=True)
    if not all(one.clear for one in places + regions):
        return
    best = min(places, key=lambda one: one.rank, default=None)
    assert judged.site is (best.verdict if best else Verdict.UNSURE)
    if best is None:
        assert (judged.site_id, judged.site_distance_m, judged.activity_site) == (None, None, False)
    else:
        named = next(one for one in places if one.site.site_id == judged.site_id)
        assert named.rank[:2] == best.rank[:2]
        assert named.excess <= best.excess + _CANNOT_TELL_M
        assert judged.site_distance_m == pytest.approx(named.metres, abs=0.5 + _CANNOT_TELL_M)
        assert judged.activity_site is (named.site.kind == "activity" and named.verdict is Verdict.INSIDE)
    best = min(regions, key=lambda one: one.rank, default=None)
    assert judged.region is (best.verdict if best else Verdict.UNSURE)
    assert (judged.region_id is None) is (best is None)


@settings(max_examples=150)
@given(sites(), st.lists(fixes, min_size=1, max_size=20))
def test_a_batch_is_judged_as_each_mark_alone_and_as_the_rule_reads(held: list[Site], marks: list[Fix]) -> None:
    catalogue = Catalogue(held)

    judged = locate(catalogue, marks)

    assert judged == [locate(catalogue, [mark])[0] for mark in marks]
    for one, mark in zip(judged, marks, strict=True):
        if one != BAD_FIX:
            agrees(one, held, mark)
