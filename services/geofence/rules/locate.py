"""Decides where a check-in was: inside, outside or unsure, for the places of duty and for the WFA region.

With `excess` the metres beyond the fence (0 or less within it, its edge included) and the accuracy rule of the site:

    unsure    no accuracy reported, or it is coarser than `max_m`: such a fix says nothing
    inside    excess ≤ min(accuracy, cap_m)                      (domain.md §4.1)
    outside   excess > outside_factor × accuracy
    unsure    between; and whenever the employee has no site at that moment

Unsure waits for a person and never costs money. A fix that no honest phone makes — (0, 0), swapped coordinates,
5 km accuracy, a mark outside Indonesia that no site covers (Karawang 2021, domain.md §4.1) — is quarantined as
`bad_fix`: unsure everywhere, never fraud. Verdicts depend on the mark and the sites alone, not on other marks,
so that arrival order cannot change them.

What ends at a midnight (a membership at a move, a letter for whole dates, an office that moves) ends in the middle of a
night duty: a check-out before noon is judged by the evening before as well, and the better answer counts.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta, tzinfo
from functools import cached_property
from itertools import repeat
from math import nan
from typing import Any, Final, Literal, NamedTuple, cast
from uuid import UUID

import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import Geod

from services.geofence.rules.sites import Catalogue, Flags, Floats, Indexes, Listed
from shared.events import Verdict

BAD_ACCURACY_M: Final = 5_000.0
"""From here on a "position" is the country of an IP address or a far cell, not a fix."""
NULL_ISLAND_DEG: Final = 0.001
INDONESIA: Final = (94.5, -11.5, 141.5, 6.5)
"""West, south, east, north of a box around the country, sea borders included."""
NEAR_M: Final = 5_000.0
"""Up to here Gauss's mid-latitude formula is within a millimetre of the geodesic (tested against pyproj)."""
_FAR_TOLERANCE: Final = 0.02
_FAR_AWAY_M: Final = 1e8
"""Stands for a distance that need not be known: more than any accuracy times any factor."""
_EDGE_M: Final = 0.001
"""A point so near to an edge is on it: floating point cannot tell, and the edge counts inside."""

_WGS84: Final = Geod(ellps="WGS84")
_INSIDE, _UNSURE, _OUTSIDE = 0, 1, 2
_VERDICTS: Final = np.array((Verdict.INSIDE, Verdict.UNSURE, Verdict.OUTSIDE), dtype=object)


class Fix(NamedTuple):
    """What is judged of one check-in: who, the org unit on that date, when (aware), where (degrees), how exactly.

    `eve` is the unit and the moment of the evening before, where these count as well (`eve_of`).
    """

    employee_id: UUID
    org_unit_id: UUID | None
    captured_at: datetime
    latitude: float
    longitude: float
    accuracy_m: float | None
    eve: tuple[UUID | None, datetime] | None = None


class Judgement(NamedTuple):
    """The answer, without coordinates.

    `site_distance_m`: whole metres to the centre of a round fence, or to the edge of a drawn one (0 within it).
    The site named is the one that holds, activity sites first, else the nearest.
    """

    site: Verdict
    site_id: UUID | None
    site_distance_m: int | None
    activity_site: bool
    region: Verdict
    region_id: UUID | None
    quality: Literal["good", "bad_fix"]


_GOOD: Final = "good"
BAD_FIX: Final = Judgement(Verdict.UNSURE, None, None, False, Verdict.UNSURE, None, "bad_fix")


EVE_HOLDS: Final = timedelta(hours=12, minutes=2)
"""So long after its end a place may still count for a check-out: from the moment of `eve_of` to noon."""
_RANK: Final = {Verdict.INSIDE: _INSIDE, Verdict.UNSURE: _UNSURE, Verdict.OUTSIDE: _OUTSIDE}


def eve_of(captured_at: datetime, zone: tzinfo) -> datetime | None:
    """For a check-out before noon in this zone the evening before, at 23:58, when a letter "to 23:59" still holds; None from noon on."""
    local = captured_at.astimezone(zone)
    if local.hour >= 12:
        return None
    return local.replace(hour=0, minute=0, second=0, microsecond=0, fold=0) - (EVE_HOLDS - timedelta(hours=12))


def locate(catalogue: Catalogue, fixes: Sequence[Fix]) -> list[Judgement]:
    """Judge a batch of fixes against the sites; one judgement per fix, in order."""
    eves = [fix._replace(org_unit_id=fix.eve[0], captured_at=fix.eve[1]) for fix in fixes if fix.eve is not None]
    if not eves:
        return _located(catalogue, fixes)
    judged = _located(catalogue, [*fixes, *eves])
    before = iter(judged[len(fixes):])
    return [found if fix.eve is None else _better(found, next(before)) for fix, found in zip(fixes, judged, strict=False)]


def _better(now: Judgement, eve: Judgement) -> Judgement:
    """The better answer for site and region each; to have had no site that evening is no answer."""
    if now.quality != eve.quality:
        return now if now.quality == _GOOD else eve
    if eve.site_id is not None and _RANK[eve.site] < _RANK[now.site]:
        now = now._replace(
            site=eve.site, site_id=eve.site_id, site_distance_m=eve.site_distance_m, activity_site=eve.activity_site)
    if eve.region_id is not None and _RANK[eve.region] < _RANK[now.region]:
        now = now._replace(region=eve.region, region_id=eve.region_id)
    return now


def _located(catalogue: Catalogue, fixes: Sequence[Fix]) -> list[Judgement]:
    if not fixes:
        return []
    marks = _Marks(catalogue, fixes)
    site = _best_place(catalogue, marks)
    region = _best_region(catalogue, marks)
    nowhere = (site.code != _INSIDE) & (region.code != _INSIDE)
    bad = marks.impossible | (nowhere & marks.abroad) | _swapped(catalogue, fixes, nowhere & marks.swappable)
    named = site.number >= 0
    metres = site.metres.astype(object)
    metres[~named] = None
    activity = named & (site.code == _INSIDE)
    activity[activity] = catalogue.is_activity[site.number[activity]]
    columns = (
        _VERDICTS[site.code], catalogue.ids[site.number], metres, activity, _VERDICTS[region.code], catalogue.ids[region.number],
    )  # fmt: skip
    # As Judgement._make does, without a frame of Python for each.
    judged = list(map(tuple.__new__, repeat(Judgement), zip(*(column.tolist() for column in columns), repeat(_GOOD), strict=False)))
    for position in np.flatnonzero(bad).tolist():
        judged[position] = BAD_FIX
    return judged


def judge_excess(
    excess: Floats, accuracy: Floats, cap: Floats, max_accuracy: Floats, outside_factor: Floats
) -> NDArray[np.int8]:
    """Verdict codes (0 inside, 1 unsure, 2 outside) by the rule above; all in metres, accuracy NaN if missing."""
    code = np.full(excess.shape, _UNSURE, dtype=np.int8)
    usable = accuracy <= max_accuracy  # False for NaN
    code[usable & (excess > outside_factor * accuracy)] = _OUTSIDE
    code[usable & (excess <= np.minimum(accuracy, cap))] = _INSIDE
    return code


class _Marks:
    """The fixes as arrays; `unit` and `employee` are rows of the catalogue's holders."""

    def __init__(self, catalogue: Catalogue, fixes: Sequence[Fix]) -> None:
        employees, units, self._moments, latitudes, longitudes, accuracies, _ = zip(*fixes, strict=True)
        self.count = len(fixes)
        self.unit = catalogue.units.rows(units)
        self.employee = catalogue.employees.rows(employees)
        self.latitude = np.array(latitudes, dtype=np.float64)
        self.longitude = np.array(longitudes, dtype=np.float64)
        # None becomes NaN by itself; 0.0 is what Android reports when it knows no accuracy.
        self.accuracy = np.array(accuracies, dtype=np.float64)
        self.accuracy[self.accuracy == 0.0] = nan
        at_null = (abs(self.latitude) < NULL_ISLAND_DEG) & (abs(self.longitude) < NULL_ISLAND_DEG)
        self.impossible: Flags = at_null | (self.accuracy >= BAD_ACCURACY_M)
        west, south, east, north = INDONESIA
        self.abroad: Flags = ~(
            (self.longitude >= west) & (self.longitude <= east) & (self.latitude >= south) & (self.latitude <= north)
        )
        self.swappable: Flags = abs(self.longitude) <= 90

    @cached_property
    def stamp(self) -> Floats:
        """Seconds of the epoch; asked only where a site has dates."""
        return np.array([moment.timestamp() for moment in self._moments], dtype=np.float64)


class _Pairs(NamedTuple):
    """Position of the fix and number of the site, for each pair to be judged."""

    mark: Indexes
    number: Indexes

    def only(self, wanted: Flags) -> "_Pairs":
        """Some of them."""
        return _Pairs(self.mark[wanted], self.number[wanted])


class _Best(NamedTuple):
    """Per fix: verdict code, number of the site it comes from (-1: none) and whole metres to report."""

    code: NDArray[np.int8]
    number: Indexes
    metres: NDArray[np.int64]


def _best_place(catalogue: Catalogue, marks: _Marks) -> _Best:
    """The best of the offices and activity sites of each fix's org unit and employee."""
    pairs = _in_force(catalogue, marks, _held(marks, catalogue.units.places, catalogue.employees.places))
    pairs, distance = _that_matter(catalogue, marks, pairs)
    excess = distance - catalogue.radius[pairs.number]
    drawn = catalogue.is_polygon[pairs.number]
    if drawn.any():
        distance[drawn] = excess[drawn] = _drawn_fences(catalogue, marks, *pairs.only(drawn))
    return _best(catalogue, marks, pairs, distance, excess)


def _best_region(catalogue: Catalogue, marks: _Marks) -> _Best:
    """The best of the regions of each employee and org unit, or of the province's where none of these is in force."""
    pairs = _in_force(catalogue, marks, _held(marks, catalogue.units.regions, catalogue.employees.regions))
    everybody = catalogue.default_regions
    if everybody.size:
        lacking = np.setdiff1d(np.arange(marks.count), pairs.mark)
        default = _Pairs(np.repeat(lacking, everybody.size), np.tile(everybody, lacking.size))
        pairs = _joined(pairs, _in_force(catalogue, marks, default))
    excess = np.zeros(pairs.mark.size)
    drawn = catalogue.is_polygon[pairs.number]
    if drawn.any():
        excess[drawn] = _drawn_regions(catalogue, marks, *pairs.only(drawn))
    if not drawn.all():
        circles = pairs.only(~drawn)
        excess[~drawn] = _to_centre(catalogue, marks, circles) - catalogue.radius[circles.number]
    return _best(catalogue, marks, pairs, excess, excess)


def _held(marks: _Marks, of_unit: Listed, of_employee: Listed) -> _Pairs:
    return _joined(_Pairs(*of_unit.pairs(marks.unit)), _Pairs(*of_employee.pairs(marks.employee)))


def _joined(some: _Pairs, more: _Pairs) -> _Pairs:
    if not more.mark.size:
        return some
    return _Pairs(np.concatenate((some.mark, more.mark)), np.concatenate((some.number, more.number)))


def _in_force(catalogue: Catalogue, marks: _Marks, pairs: _Pairs) -> _Pairs:
    """Those whose site holds at the moment of the fix."""
    dated = catalogue.is_dated[pairs.number]
    if not dated.any():
        return pairs
    stamp = marks.stamp[pairs.mark]
    return pairs.only((catalogue.valid_from[pairs.number] <= stamp) & (stamp < catalogue.valid_to[pairs.number]))


def _best(catalogue: Catalogue, marks: _Marks, pairs: _Pairs, distance: Floats, excess: Floats) -> _Best:
    """Judge pairs by the metres beyond the fence and keep the best of each fix."""
    best = _Best(
        np.full(marks.count, _UNSURE, dtype=np.int8), np.full(marks.count, -1, dtype=np.intp), np.zeros(marks.count, dtype=np.int64)
    )
    mark, number = pairs
    code = judge_excess(
        excess, marks.accuracy[mark], catalogue.cap[number], catalogue.max_accuracy[number], catalogue.outside_factor[number]
    )
    several = np.bincount(mark, minlength=1)[mark] > 1
    first = np.arange(mark.size)
    if several.any():
        # Among places that hold, an activity by letter wins over the office; sites are sorted by id, so ties are stable.
        second = ~(catalogue.is_activity[number] & (code == _INSIDE))
        order = first[several][np.lexsort([key[several] for key in (number, excess, second, code, mark)])]
        first = np.concatenate((first[~several], order[np.flatnonzero(np.diff(mark[order], prepend=-1))]))
    chosen = mark[first]
    best.code[chosen] = code[first]
    best.number[chosen] = number[first]
    best.metres[chosen] = np.rint(distance[first])
    return best


def _that_matter(catalogue: Catalogue, marks: _Marks, pairs: _Pairs) -> tuple[_Pairs, Floats]:
    """Those pairs of fix and place that can be the best of the fix, with the geodesic distance to the fence's centre.

    A cheap distance and the fence's extent bound the metres beyond it from both sides. A place that is certainly
    outside, and farther than another one certainly is, is neither named nor measured: who has three hundred sites all over
    the province is far from nearly all of them. A fix too coarse for a site is unsure of it however far it is, so those
    are compared among themselves.
    """
    mark, number = pairs
    centre = _near_distance(marks.latitude[mark], marks.longitude[mark], catalogue.latitude[number], catalogue.longitude[number])
    beyond, extent = centre - catalogue.radius[number], catalogue.extent[number]
    extent = extent + np.where(centre > NEAR_M, _FAR_TOLERANCE * centre, _EDGE_M)
    accuracy = marks.accuracy[mark]
    usable = accuracy <= catalogue.max_accuracy[number]  # False for NaN
    group = 2 * mark + usable
    nearest = np.full(2 * marks.count, np.inf)
    np.minimum.at(nearest, group, beyond + extent)
    limit = np.where(usable, catalogue.outside_factor[number] * accuracy, 0.0)
    matter = beyond - extent <= np.maximum(nearest[group], limit)
    kept, centre = pairs.only(matter), centre[matter]
    far = (centre > NEAR_M) & ~catalogue.is_polygon[kept.number]
    if far.any():
        centre[far] = _to_centre(catalogue, marks, kept.only(far))
    return kept, centre


def _to_centre(catalogue: Catalogue, marks: _Marks, pairs: _Pairs) -> Floats:
    """Geodesic metres to the fence's centre, of each pair."""
    mark, number = pairs
    return _geodesic(marks.latitude[mark], marks.longitude[mark], catalogue.latitude[number], catalogue.longitude[number])


def _near_distance(latitude: Floats, longitude: Floats, at_latitude: Floats, at_longitude: Floats) -> Floats:
    """Gauss's mid-latitude formula on the WGS84 ellipsoid, metres."""
    steep = np.sin(np.radians((latitude + at_latitude) / 2)) ** 2
    squeezed = 1.0 - 0.006_694_379_990_141_317 * steep
    normal = 6_378_137.0 / np.sqrt(squeezed)
    meridian = normal * (1.0 - 0.006_694_379_990_141_317) / squeezed
    east = normal * np.sqrt(1.0 - steep) * np.radians(longitude - at_longitude)  # a root is a third of a cosine
    north = meridian * np.radians(latitude - at_latitude)
    result: Floats = np.sqrt(east * east + north * north)
    return result


def _geodesic(latitude: Floats, longitude: Floats, at_latitude: Floats, at_longitude: Floats) -> Floats:
    """Geodesic distance on WGS84 by pyproj, metres."""
    result: Floats = _WGS84.inv(longitude, latitude, at_longitude, at_latitude)[2]
    return result


def _on_plane(catalogue: Catalogue, marks: _Marks, mark: Indexes, number: Indexes) -> tuple[Floats, Floats]:
    """Metres east and north of the fence's centre, on the plane that its polygon was scaled to."""
    east = (marks.longitude[mark] - catalogue.longitude[number]) * catalogue.metres_per_lon[number]
    north = (marks.latitude[mark] - catalogue.latitude[number]) * catalogue.metres_per_lat[number]
    return east, north


def _drawn_fences(catalogue: Catalogue, marks: _Marks, mark: Indexes, number: Indexes) -> Floats:
    """Geodesic metres to the nearest edge, 0 within; the nearest point is sought on the fence's plane."""
    east, north = _on_plane(catalogue, marks, mark, number)
    polygons = catalogue.polygon[number]
    metres = np.zeros(mark.size)
    out = np.flatnonzero(~shapely.intersects_xy(polygons, east, north))
    if out.size:
        points = shapely.points(east[out], north[out])
        nearest = shapely.get_coordinates(shapely.shortest_line(polygons[out], points))[::2]
        site = number[out]
        longitude = catalogue.longitude[site] + nearest[:, 0] / catalogue.metres_per_lon[site]
        latitude = catalogue.latitude[site] + nearest[:, 1] / catalogue.metres_per_lat[site]
        exact = _geodesic(marks.latitude[mark[out]], marks.longitude[mark[out]], latitude, longitude)
        metres[out] = np.where(exact < _EDGE_M, 0.0, exact)
    return metres


def _drawn_regions(catalogue: Catalogue, marks: _Marks, mark: Indexes, number: Indexes) -> Floats:
    """Metres beyond a region's edge, as coarse as the verdict needs: 0 within, else the threshold it is beyond.

    A region has thousands of corners and its distance is not reported, so prepared `dwithin` answers the two
    questions of the rule instead of measuring.
    """
    east, north = _on_plane(catalogue, marks, mark, number)
    polygons = catalogue.polygon[number]
    metres = np.zeros(mark.size)
    out = np.flatnonzero(~shapely.intersects_xy(polygons, east, north))
    if out.size:
        points = shapely.points(east[out], north[out])
        accuracy = np.nan_to_num(marks.accuracy[mark[out]], nan=0.0)
        site = number[out]
        kind = np.minimum(accuracy, catalogue.cap[site])
        beyond = catalogue.outside_factor[site] * accuracy
        metres[out] = np.where(
            _within(polygons[out], points, np.maximum(kind, _EDGE_M)),
            0.0,
            np.where(_within(polygons[out], points, beyond), beyond, _FAR_AWAY_M),
        )
    return metres


def _within(polygons: NDArray[np.object_], points: object, metres: Floats) -> Flags:
    """Prepared `dwithin` of each pair; shapely takes arrays of distances, its type stubs do not."""
    result: Flags = shapely.dwithin(polygons, cast(Any, points), cast(Any, metres))
    return result


def _swapped(catalogue: Catalogue, fixes: Sequence[Fix], suspects: Flags) -> Flags:
    """True where latitude and longitude taken the other way round lie within a place of the employee."""
    found: Flags = np.zeros(len(fixes), dtype=np.bool_)
    positions = np.flatnonzero(suspects)
    if positions.size:
        turned = [
            fixes[position]._replace(latitude=fixes[position].longitude, longitude=fixes[position].latitude)
            for position in positions.tolist()
        ]
        marks = _Marks(catalogue, turned)
        site, region = _best_place(catalogue, marks), _best_region(catalogue, marks)
        found[positions] = (site.code == _INSIDE) | (region.code == _INSIDE)
    return found
