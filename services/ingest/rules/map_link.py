"""Decides which point a map link means, without ever opening it.

A person who cannot share a position from the phone may paste a link from Google Maps. Only what stands in
the link itself counts: links are never fetched, so a short link (maps.app.goo.gl) says nothing and is refused.
"""

import re
from dataclasses import dataclass
from typing import Final, Literal
from urllib.parse import parse_qs, unquote, urlsplit

_NUMBER: Final = r"[+-]?\d{1,3}(?:\.\d{1,20})?"
_PAIR: Final = re.compile(rf"\s*(?:loc:)?\s*({_NUMBER})\s*,\s*({_NUMBER})\s*(?:\(.*\))?\s*", re.DOTALL)
_PLACE: Final = re.compile(rf"!3d({_NUMBER})!4d({_NUMBER})(?![\d.])")
_CAMERA: Final = re.compile(rf"/@({_NUMBER}),({_NUMBER})(?:,|/|$)")
_IN_PATH: Final = re.compile(r"/(?:place|search)/([^/@]+)")
_GEO: Final = re.compile(rf"geo:({_NUMBER}),({_NUMBER})(?:[,;?].*)?", re.IGNORECASE | re.DOTALL)
_ANGLE: Final = r"(\d{1,3})°\s*([0-5]?\d)['′]\s*([0-5]?\d(?:\.\d{1,10})?)[\"″]\s*"
_DEGREES: Final = re.compile(rf"\s*{_ANGLE}([NS])[\s,]+{_ANGLE}([EW])\s*", re.IGNORECASE)
_LINK: Final = re.compile(r"(?:https?://|geo:)\S+", re.IGNORECASE)
_GOOGLE: Final = re.compile(r"(?:[a-z0-9-]+\.)*google\.(?:[a-z]{2,3}|co\.[a-z]{2}|com\.[a-z]{2})")
_SHORT: Final = frozenset({"maps.app.goo.gl", "goo.gl", "g.co", "app.goo.gl", "share.google"})
_QUERY_KEYS: Final = ("q", "query", "ll", "center")


@dataclass(frozen=True, slots=True)
class Point:
    """A position in degrees, WGS84."""

    latitude: float
    longitude: float


LinkFault = Literal["short", "foreign", "no-coordinates", "out-of-range"]


def point_of(link: str) -> Point | LinkFault:
    """The point that a Google Maps or geo: link holds, or why it holds none.

    The most exact statement wins: the place's own point (`!3d…!4d…`), then a queried point (`?q=lat,lon`),
    then coordinates in the path, and last the map's centre (`@lat,lon,zoom`), which is only what the
    person was looking at. Text around the link, as apps add it when sharing, is ignored.
    """
    found = _LINK.search(link)
    text = found.group() if found else "https://" + link.strip()
    if text[:4].lower() == "geo:":
        return _of_geo(text)
    try:
        parts = urlsplit(text)
        host = (parts.hostname or "").rstrip(".").lower()
    except ValueError:  # an ill-formed address, e.g. an unclosed IPv6 bracket
        return "foreign"
    if host in _SHORT:
        return "short"
    if not _GOOGLE.fullmatch(host):
        return "foreign"
    path = unquote(parts.path).replace("+", " ")
    return _first_point(path, parts.query, parts.fragment)


def _first_point(path: str, query: str, fragment: str) -> Point | LinkFault:
    places = _PLACE.findall(path) or _PLACE.findall(unquote(fragment))
    if places:
        return _in_range(*places[-1])  # a place's own point comes after those of its parts
    try:
        asked = parse_qs(query, max_num_fields=50)
    except ValueError:  # more fields than any map link has
        return "no-coordinates"
    for key in _QUERY_KEYS:
        for value in asked.get(key, ()):
            if point := _of_text(value):
                return point
    named = _IN_PATH.search(path)
    if named and (point := _of_text(named.group(1))):
        return point
    camera = _CAMERA.search(path)
    return _in_range(*camera.groups()) if camera else "no-coordinates"


def _of_geo(text: str) -> Point | LinkFault:
    match = _GEO.fullmatch(text)
    if match is None:
        return "no-coordinates"
    # Android's `geo:0,0?q=lat,lon(label)` puts the point into the query.
    _, _, query = text.partition("?")
    for value in parse_qs(query, max_num_fields=50).get("q", ()) if query.count("&") < 50 else ():
        if point := _of_text(value):
            return point
    return _in_range(match[1], match[2])


def _of_text(text: str) -> Point | LinkFault | None:
    if pair := _PAIR.fullmatch(text):
        return _in_range(pair[1], pair[2])
    if angles := _DEGREES.fullmatch(text):
        lat_d, lat_m, lat_s, lat_sign, lon_d, lon_m, lon_s, lon_sign = angles.groups()
        latitude = int(lat_d) + int(lat_m) / 60 + float(lat_s) / 3600
        longitude = int(lon_d) + int(lon_m) / 60 + float(lon_s) / 3600
        return _in_range(-latitude if lat_sign in "sS" else latitude, -longitude if lon_sign in "wW" else longitude)
    return None


def _in_range(latitude: str | float, longitude: str | float) -> Point | LinkFault:
    lat, lon = float(latitude) + 0.0, float(longitude) + 0.0  # + 0.0: no negative zero, it would change the digest
    if not (-90 <= lat <= 90 and -180 <= lon <= 180):
        return "out-of-range"
    return Point(lat, lon)
