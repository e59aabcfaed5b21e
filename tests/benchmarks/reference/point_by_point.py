"""Locates one point after the other, as a first draft would: shapely's `contains`, pyproj's geodesic, Python loops."""

from collections import defaultdict
from collections.abc import Sequence
from uuid import UUID

import shapely
from pyproj import Geod
from shapely.geometry import Point, shape
from shapely.geometry.base import BaseGeometry
from shapely.ops import nearest_points

from services.geofence.rules.locate import Fix
from services.geofence.rules.sites import Site

_WGS84 = Geod(ellps="WGS84")


class PointByPoint:
    """The same sites, without accuracy rules; polygons are prepared, which is generous for a first draft."""

    def __init__(self, sites: Sequence[Site]) -> None:
        self._offices: defaultdict[UUID, list[tuple[BaseGeometry, float | None]]] = defaultdict(list)
        self._regions: defaultdict[UUID, list[BaseGeometry]] = defaultdict(list)
        for site in sites:
            drawn = shape(dict(site.geometry))
            shapely.prepare(drawn)
            for unit in site.org_unit_ids:
                if site.kind == "region":
                    self._regions[unit].append(drawn)
                else:
                    self._offices[unit].append((drawn, site.radius_m))

    def locate(self, fix: Fix) -> tuple[bool, float | None, bool]:
        """Within an office's fence? How far from the nearest round one's centre (metres)? Within the region?"""
        unit = fix.org_unit_id
        if unit is None:
            return False, None, False
        point = Point(fix.longitude, fix.latitude)
        inside, nearest = False, None
        for drawn, radius in self._offices[unit]:
            if radius is None:
                inside = inside or drawn.contains(point)
            else:
                centre = drawn.centroid
                _, _, metres = _WGS84.inv(fix.longitude, fix.latitude, centre.x, centre.y)
                inside = inside or metres <= radius
                nearest = metres if nearest is None else min(nearest, metres)
        return inside, nearest, any(drawn.contains(point) for drawn in self._regions[unit])

    def beyond(self, fix: Fix) -> float:
        """Metres from the nearest office's fence, 0 within one; not part of what is timed."""
        point = Point(fix.longitude, fix.latitude)
        found = [float("inf")]
        for drawn, radius in self._offices[fix.org_unit_id] if fix.org_unit_id else ():
            edge, _ = nearest_points(drawn, point)
            _, _, metres = _WGS84.inv(fix.longitude, fix.latitude, edge.x, edge.y)
            found.append(max(0.0, metres - (radius or 0.0)))
        return min(found)
