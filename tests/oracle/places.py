"""Was a point inside? Haversine and ray casting on plain numbers, silent where the answer is not clear-cut."""

from math import asin, cos, radians, sin, sqrt
from typing import Any

EARTH_M = 6_371_008.8
MARGIN_M = 10.0
"""Nearer to a border than this plus one percent of the distance, sphere and ellipsoid might honestly disagree."""


def metres(lat1: float, lon1: float, lat2: float, lon2: float) -> float:
    """Great-circle distance in metres."""
    a = sin(radians(lat2 - lat1) / 2) ** 2
    a += cos(radians(lat1)) * cos(radians(lat2)) * sin(radians(lon2 - lon1) / 2) ** 2
    return 2 * EARTH_M * asin(sqrt(a))


def in_ring(lat: float, lon: float, ring: list[list[float]]) -> bool:
    """Ray casting: does a ray to the east cross the ring an odd number of times? Corners are [lon, lat]."""
    inside = False
    for (x1, y1), (x2, y2) in zip(ring, ring[1:] + ring[:1], strict=True):
        if (y1 > lat) != (y2 > lat) and lon < x1 + (lat - y1) / (y2 - y1) * (x2 - x1):
            inside = not inside
    return inside


def to_ring(lat: float, lon: float, ring: list[list[float]]) -> float:
    """Distance in metres from the point to the nearest side of the ring, on a locally flat map."""
    scale = 111_195.0
    shrink = cos(radians(lat))
    nearest = float("inf")
    for (x1, y1), (x2, y2) in zip(ring, ring[1:] + ring[:1], strict=True):
        ax, ay = (x1 - lon) * shrink * scale, (y1 - lat) * scale
        bx, by = (x2 - lon) * shrink * scale, (y2 - lat) * scale
        length = (bx - ax) ** 2 + (by - ay) ** 2
        along = 0.0 if length == 0 else max(0.0, min(1.0, -(ax * (bx - ax) + ay * (by - ay)) / length))
        nearest = min(nearest, sqrt((ax + along * (bx - ax)) ** 2 + (ay + along * (by - ay)) ** 2))
    return nearest


def verdict(lat: float, lon: float, accuracy: float, site: dict[str, Any]) -> str:
    """"inside", "outside", or "unclear" when accuracy and margin leave room for two answers.

    A site is {"lat", "lon", "radius_m"} or {"ring": [[lon, lat], ...]}.
    """
    if "ring" in site:
        border = to_ring(lat, lon, site["ring"])
        signed = -border if in_ring(lat, lon, site["ring"]) else border
    else:
        signed = metres(lat, lon, site["lat"], site["lon"]) - site["radius_m"]
    room = accuracy + MARGIN_M + 0.01 * abs(signed)
    if signed < -room:
        return "inside"
    return "outside" if signed > room else "unclear"


def verdict_of_all(lat: float, lon: float, accuracy: float, sites: list[dict[str, Any]]) -> str:
    """Inside one is inside; outside all (or no site at all) is outside; else unclear."""
    verdicts = {verdict(lat, lon, accuracy, site) for site in sites}
    if "inside" in verdicts:
        return "inside"
    return "unclear" if "unclear" in verdicts else "outside"
