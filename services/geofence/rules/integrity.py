"""Decides which marks show signs of a spoofed position: evidence for a person, never a penalty (domain.md §5).

Only one person's own marks are compared with each other, so honest co-workers at one desk, whose phones agree by
accident, are never flagged for it. Marks that are quarantined as bad fixes are no evidence and leave no trace, and
neither does a mark that arrives after a newer one of the same person.
"""

from datetime import date, datetime
from typing import Final, NamedTuple
from uuid import UUID, uuid5

from pyproj import Geod

from shared.events import HADIR_NAMESPACE

MOCK: Final = "mock_location"
SPEED: Final = "impossible_speed"
FROZEN: Final = "frozen_coordinates"
SHARED_DEVICE: Final = "shared_device"

FASTEST_KMH: Final = 300.0
"""domain.md §5: a jump faster than this between two marks is a sign; a flight is explained to the person who asks."""
SHORTEST_JUMP_M: Final = 5_000.0
"""Shorter jumps are noise: two marks a second apart may each be off by a hundred metres."""
FROZEN_DAYS: Final = 3
"""So many days in a row with the same position to six decimals (11 cm), which no receiver repeats."""

_WGS84: Final = Geod(ellps="WGS84")


class Trace(NamedTuple):
    """What is kept of a person's newest mark: when, where, on which local day, and how long it stood still.

    `frozen_days` counts the days on which the very same position was reported, this one included.
    """

    captured_at: datetime
    latitude: float
    longitude: float
    accuracy_m: float | None
    day: date
    frozen_days: int


class Seen(NamedTuple):
    """What of a check-in may be evidence; `day` is its local date, `from_device` false for a position from a map link."""

    captured_at: datetime
    latitude: float
    longitude: float
    accuracy_m: float | None
    day: date
    mock: bool
    from_device: bool


class Sign(NamedTuple):
    """One sign: its code and an Indonesian sentence without coordinates or names.

    `of_day`: what all marks of a day show together, so that it is told once a day.
    """

    signal: str
    detail: str
    of_day: bool = False


def signs_of(seen: Seen, before: Trace | None) -> tuple[list[Sign], Trace]:
    """Signs that this mark shows, given the newest earlier one, and the trace to keep from now on."""
    signs: list[Sign] = []
    if seen.mock:
        signs.append(Sign(MOCK, "aplikasi melaporkan lokasi tiruan (mock location)"))
    if before is not None and seen.captured_at < before.captured_at:
        return signs, before
    frozen_days = 1
    if before is not None:
        if (seen.latitude, seen.longitude) == (before.latitude, before.longitude):
            frozen_days = before.frozen_days + (seen.day != before.day)
            if frozen_days >= FROZEN_DAYS and seen.from_device and _exact(seen.latitude, seen.longitude):
                said = f"koordinat persis sama (6 desimal) pada {frozen_days} hari berturut-turut"
                signs.append(Sign(FROZEN, said, of_day=True))
        elif (speed := _speed_kmh(seen, before)) is not None:
            signs.append(Sign(SPEED, f"berpindah dari tanda sebelumnya dengan sedikitnya {speed} km/jam"))
    return signs, Trace(seen.captured_at, seen.latitude, seen.longitude, seen.accuracy_m, seen.day, frozen_days)


def shared_device(employees: int, day: date) -> Sign | None:
    """A sign if one device marked for several employees on one day (Seluma 2025: one phone for many accounts)."""
    if employees < 2:
        return None
    return Sign(SHARED_DEVICE, f"perangkat yang sama dipakai oleh {employees} pegawai pada {day.isoformat()}", of_day=True)


def suspicion_id(signal: str, employee_id: UUID, scope: str) -> UUID:
    """The same suspicion has the same id whoever finds it, and how often: per signal, person and scope.

    The scope is the check-in for what a single mark shows, the local date for what a day shows.
    """
    return uuid5(HADIR_NAMESPACE, f"suspicion|{signal}|{employee_id}|{scope}")


def _exact(latitude: float, longitude: float) -> bool:
    """Whether the position has six or more decimals: an app that rounds to four repeats itself honestly."""
    return abs(round(latitude, 5) - latitude) > 1e-9 or abs(round(longitude, 5) - longitude) > 1e-9


def _speed_kmh(seen: Seen, before: Trace) -> int | None:
    """Least speed of the jump in km/h, both accuracies allowed for, if it is too fast; None otherwise."""
    metres = float(_WGS84.inv(seen.longitude, seen.latitude, before.longitude, before.latitude)[2])
    metres -= (seen.accuracy_m or 0.0) + (before.accuracy_m or 0.0)
    if metres < SHORTEST_JUMP_M:
        return None
    seconds = max((seen.captured_at - before.captured_at).total_seconds(), 1.0)
    speed = metres / seconds * 3.6
    return int(speed) if speed > FASTEST_KMH else None
