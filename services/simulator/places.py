"""Places of the invented province: three regions in three zones, offices on a grid, points around them.

Plain small-distance arithmetic on purpose: what the product computes with geodesics has to agree with it,
and every point keeps so far from a border that the two cannot disagree honestly.
"""

import math
from dataclasses import dataclass
from typing import Any, Final
from zoneinfo import ZoneInfo

from services.simulator.chance import Chance

METRES_PER_DEGREE: Final = 111_000.0
GRID_METRES: Final = 700.0
"""Distance of neighbouring offices: far more than any radius, so that one's office is outside of another's."""


@dataclass(frozen=True, slots=True)
class Point:
    """A position in degrees (WGS84)."""

    latitude: float
    longitude: float

    def moved(self, north_m: float, east_m: float) -> "Point":
        """The point so many metres further north and east (good to a few parts in a thousand)."""
        latitude = self.latitude + north_m / METRES_PER_DEGREE
        per_degree = METRES_PER_DEGREE * math.cos(math.radians(self.latitude))
        return Point(round(latitude, 7), round(self.longitude + east_m / per_degree, 7))


@dataclass(frozen=True, slots=True)
class Region:
    """One zone's share of the province: where people may work from anywhere (WFA)."""

    letter: str
    timezone: str
    share: int
    centre: Point

    @property
    def zone(self) -> ZoneInfo:
        """Local time of everybody who works there."""
        return ZoneInfo(self.timezone)

    def ring(self) -> list[list[float]]:
        """GeoJSON ring: a square of about 100 km with its north-east corner cut out."""
        c, half = self.centre, 0.45
        corners = [(-half, -half), (half, -half), (half, 0.2), (0.2, 0.2), (0.2, half), (-half, half), (-half, -half)]
        return [[round(c.longitude + east, 6), round(c.latitude + north, 6)] for east, north in corners]

    def anywhere(self, chance: Chance) -> Point:
        """A point well inside the region (within 10 km of its centre)."""
        return self.centre.moved(chance.spread(10_000), chance.spread(10_000))

    def away(self, chance: Chance) -> Point:
        """A point far outside the region: some 110 km north of its centre, still in Indonesia."""
        return self.centre.moved(110_000 + chance.spread(5_000), chance.spread(10_000))


REGIONS: Final = (
    Region("B", "Asia/Jakarta", 50, Point(-3.6, 102.6)),
    Region("T", "Asia/Makassar", 30, Point(-4.1, 120.2)),
    Region("P", "Asia/Jayapura", 20, Point(-3.6, 137.4)),
)
"""WIB, WITA and WIT with their share of the employees in percent."""


@dataclass(frozen=True, slots=True)
class Office:
    """One office: a circle of `size_m` radius, or a polygon (an L-shaped compound) of about the same size."""

    code: str
    name: str
    centre: Point
    size_m: float
    circle: bool

    @property
    def reach_m(self) -> float:
        """How far it reaches to the north of its centre, in metres."""
        return self.size_m if self.circle else self.size_m * 0.9

    def geometry(self) -> dict[str, Any]:
        """Its shape as GeoJSON; a circle is a point whose radius stands in the properties."""
        if self.circle:
            return {"type": "Point", "coordinates": [self.centre.longitude, self.centre.latitude]}
        half = self.reach_m
        corners = [(-half, -half), (half, -half), (half, half / 2), (half / 2, half / 2),
                   (half / 2, half), (-half, half), (-half, -half)]
        points = [self.centre.moved(north, east) for east, north in corners]
        return {"type": "Polygon", "coordinates": [[[p.longitude, p.latitude] for p in points]]}

    def within(self, chance: Chance) -> Point:
        """A point well inside: a fifth of its size around the centre."""
        return self.centre.moved(chance.spread(self.size_m / 5), chance.spread(self.size_m / 5))

    def beyond(self, chance: Chance) -> Point:
        """A point clearly outside of it and of every neighbour: about half way between four offices."""
        half = GRID_METRES / 2
        return self.centre.moved(half + chance.spread(20), half + chance.spread(20))

    def edge(self, chance: Chance) -> Point:
        """A point at its border, where a poor fix cannot tell inside from outside."""
        return self.centre.moved(self.reach_m + chance.spread(2), 0.0)


def grid_point(region: Region, number: int) -> Point:
    """Where the region's office of this number stands: a square spiral would be prettier, rows are clearer."""
    row, column = divmod(number, 64)
    return region.centre.moved((row - 32) * GRID_METRES, (column - 32) * GRID_METRES)
