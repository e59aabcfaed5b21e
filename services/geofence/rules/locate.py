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
"""

from collections.abc import Sequence
from datetime import datetime
from itertools import chain
from math import nan
from typing import Any, Final, Literal, NamedTuple, cast
from uuid import UUID

import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import Geod

from services.geofence.rules.sites import Catalogue, Flags, Floats, Indexes
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
_VERDICTS: Final = (Verdict.INSIDE, Verdict.UNSURE, Verdict.OUTSIDE)


class Fix(NamedTuple):
    """What is judged of one check-in: who, the org unit on that date, when (aware), where (degrees), how exactly."""

    employee_id: UUID
    org_unit_id: UUID | None
    captured_at: datetime
    latitude: float
    longitude: float
    accuracy_m: float | None


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


BAD_FIX: Final = Judgement(Verdict.UNSURE, None, None, False, Verdict.UNSURE, None, "bad_fix")


def locate(catalogue: Catalogue, fixes: Sequence[Fix]) -> list[Judgement]:
    """Judge a batch of fixes against the sites; one judgement per fix, in order."""
    if not fixes:
        return []
    marks = _Marks(fixes)
    site = _best(catalogue, marks, _place_pairs(catalogue, fixes), measured=True)
    region = _best(catalogue, marks, _region_pairs(catalogue, fixes), measured=False)
    nowhere = (site.code != _INSIDE) & (region.code != _INSIDE)
    bad = marks.impossible | (nowhere & marks.abroad) | _swapped(catalogue, fixes, nowhere & marks.swappable)
    ids = catalogue.ids
    activity = site.number >= 0
    activity[activity] = catalogue.is_activity[site.number[activity]]
    activity &= site.code == _INSIDE
    return [
        BAD_FIX
        if is_bad
        else Judgement(
            _VERDICTS[site_code],
            ids[number] if number >= 0 else None,
            distance if number >= 0 else None,
            by_letter,
            _VERDICTS[region_code],
            ids[region_number] if region_number >= 0 else None,
            "good",
        )
        for is_bad, site_code, number, distance, by_letter, region_code, region_number in zip(
            bad.tolist(),
            site.code.tolist(),
            site.number.tolist(),
            site.metres.tolist(),
            activity.tolist(),
            region.code.tolist(),
            region.number.tolist(),
            strict=True,
        )
    ]


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
    """The fixes as arrays."""

    def __init__(self, fixes: Sequence[Fix]) -> None:
        _, _, moments, latitudes, longitudes, accuracies = zip(*fixes, strict=True)
        self.latitude = np.array(latitudes, dtype=np.float64)
        self.longitude = np.array(longitudes, dtype=np.float64)
        # 0.0 is what Android reports when it knows no accuracy.
        self.accuracy = np.array([accuracy or nan for accuracy in accuracies], dtype=np.float64)
        self.stamp = np.array([moment.timestamp() for moment in moments], dtype=np.float64)
        at_null = (abs(self.latitude) < NULL_ISLAND_DEG) & (abs(self.longitude) < NULL_ISLAND_DEG)
        self.impossible: Flags = at_null | (self.accuracy >= BAD_ACCURACY_M)
        west, south, east, north = INDONESIA
        self.abroad: Flags = ~(
            (self.longitude >= west) & (self.longitude <= east) & (self.latitude >= south) & (self.latitude <= north)
        )
        self.swappable: Flags = abs(self.longitude) <= 90


class _Pairs(NamedTuple):
    """Position of the fix and number of the site, for each pair to be judged."""

    mark: Indexes
    number: Indexes


_NONE: Final[tuple[int, ...]] = ()


class _Best(NamedTuple):
    """Per fix: verdict code, number of the site it comes from (-1: none) and whole metres to report."""

    code: NDArray[np.int8]
    number: Indexes
    metres: NDArray[np.int64]


def _place_pairs(catalogue: Catalogue, fixes: Sequence[Fix]) -> _Pairs:
    """Offices and activity sites of each fix's org unit and employee."""
    by_unit = _pairs([catalogue.places_by_unit.get(fix.org_unit_id, _NONE) for fix in fixes])
    if not catalogue.places_by_employee:
        return by_unit
    by_employee = _pairs([catalogue.places_by_employee.get(fix.employee_id, _NONE) for fix in fixes])
    return _Pairs(np.concatenate((by_unit.mark, by_employee.mark)), np.concatenate((by_unit.number, by_employee.number)))


def _region_pairs(catalogue: Catalogue, fixes: Sequence[Fix]) -> _Pairs:
    """Own regions of the employee and the org unit; the province's default region where none is in force."""
    everybody = catalogue.default_regions
    if not catalogue.regions_by_unit and not catalogue.regions_by_employee:
        return _pairs([everybody] * len(fixes))
    listed: list[tuple[int, ...]] = []
    for fix in fixes:
        own = catalogue.regions_by_employee.get(fix.employee_id, _NONE)
        own += catalogue.regions_by_unit.get(fix.org_unit_id, _NONE)
        if own:
            stamp = fix.captured_at.timestamp()
            own = tuple(number for number in own if catalogue.valid_from[number] <= stamp < catalogue.valid_to[number])
        listed.append(own or everybody)
    return _pairs(listed)


def _pairs(listed: Sequence[tuple[int, ...]]) -> _Pairs:
    """Fix i with each site number listed for it."""
    counts = np.fromiter(map(len, listed), dtype=np.intp, count=len(listed))
    numbers = np.fromiter(chain.from_iterable(listed), dtype=np.intp, count=int(counts.sum()))
    return _Pairs(np.repeat(np.arange(len(listed)), counts), numbers)


def _best(catalogue: Catalogue, marks: _Marks, pairs: _Pairs, *, measured: bool) -> _Best:
    """Judge all pairs of fix and site and keep the best of each fix."""
    count = marks.latitude.size
    best = _Best(
        np.full(count, _UNSURE, dtype=np.int8), np.full(count, -1, dtype=np.intp), np.zeros(count, dtype=np.int64)
    )
    mark, number = pairs
    valid = (catalogue.valid_from[number] <= marks.stamp[mark]) & (marks.stamp[mark] < catalogue.valid_to[number])
    mark, number = mark[valid], number[valid]
    if not mark.size:
        return best
    distance, excess = _measure(catalogue, marks, mark, number, measured=measured)
    code = judge_excess(
        excess,
        marks.accuracy[mark],
        catalogue.cap[number],
        catalogue.max_accuracy[number],
        catalogue.outside_factor[number],
    )
    # Among places that hold, an activity by letter wins over the office; sites are sorted by id, so ties are stable.
    second = ~(catalogue.is_activity[number] & (code == _INSIDE))
    order = np.lexsort((number, excess, second, code, mark))
    first = order[np.flatnonzero(np.diff(mark[order], prepend=-1))]
    chosen = mark[first]
    best.code[chosen] = code[first]
    best.number[chosen] = number[first]
    best.metres[chosen] = np.rint(distance[first]).astype(np.int64)
    return best


def _measure(
    catalogue: Catalogue, marks: _Marks, mark: Indexes, number: Indexes, *, measured: bool
) -> tuple[Floats, Floats]:
    """Distance to report and metres beyond the fence, per pair."""
    distance = np.zeros(mark.size)
    excess = np.zeros(mark.size)
    drawn = catalogue.is_polygon[number]
    if not drawn.all():
        at = np.flatnonzero(~drawn)
        distance[at], excess[at] = _round_fences(catalogue, marks, mark[at], number[at])
    if drawn.any():
        at = np.flatnonzero(drawn)
        judge = _drawn_fences if measured else _drawn_regions
        distance[at] = excess[at] = judge(catalogue, marks, mark[at], number[at])
    return distance, excess


def _round_fences(catalogue: Catalogue, marks: _Marks, mark: Indexes, number: Indexes) -> tuple[Floats, Floats]:
    """Geodesic distance to the centre, and the same less the radius.

    Far pairs are measured anew by pyproj, but only those that can matter: who has three hundred sites all over
    the province is far from nearly all of them.
    """
    latitude, longitude = marks.latitude[mark], marks.longitude[mark]
    at_latitude, at_longitude = catalogue.latitude[number], catalogue.longitude[number]
    radius = catalogue.radius[number]
    distance = _near_distance(latitude, longitude, at_latitude, at_longitude)
    far = distance > NEAR_M
    if far.any():
        slack = _FAR_TOLERANCE * distance
        nearest = np.full(marks.latitude.size, np.inf)
        np.minimum.at(nearest, mark, distance - radius + slack)
        accuracy = np.nan_to_num(marks.accuracy[mark], nan=0.0)
        limit = catalogue.outside_factor[number] * accuracy
        lowest = distance - radius - slack
        again = np.flatnonzero(far & ((lowest <= nearest[mark]) | (lowest <= limit)))
        distance[again] = _geodesic(latitude[again], longitude[again], at_latitude[again], at_longitude[again])
    return distance, distance - radius


def _near_distance(latitude: Floats, longitude: Floats, at_latitude: Floats, at_longitude: Floats) -> Floats:
    """Gauss's mid-latitude formula on the WGS84 ellipsoid, metres."""
    middle = np.radians((latitude + at_latitude) / 2)
    squeezed = 1.0 - 0.006_694_379_990_141_317 * np.sin(middle) ** 2
    normal = 6_378_137.0 / np.sqrt(squeezed)
    meridian = normal * (1.0 - 0.006_694_379_990_141_317) / squeezed
    east = normal * np.cos(middle) * np.radians(longitude - at_longitude)
    north = meridian * np.radians(latitude - at_latitude)
    result: Floats = np.hypot(east, north)
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
        marks = _Marks(turned)
        site = _best(catalogue, marks, _place_pairs(catalogue, turned), measured=True)
        region = _best(catalogue, marks, _region_pairs(catalogue, turned), measured=False)
        found[positions] = (site.code == _INSIDE) | (region.code == _INSIDE)
    return found
