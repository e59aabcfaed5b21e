"""Time zones by their IANA names."""

from zoneinfo import ZoneInfo

from shared.faults import OF_THE_MACHINE


def is_zone(name: str) -> bool:
    """Whether there is such a time zone, "Asia/Jakarta" for one; at the first asking its file is read.

    Raises OSError where the machine cannot read any file at the moment, which is no word about the zone.
    """
    try:
        ZoneInfo(name)
    except (ValueError, KeyError):  # ZoneInfoNotFoundError is a KeyError
        return False
    except OSError as error:  # "Asia" is a folder, and some names are too long for one
        if error.errno in OF_THE_MACHINE:
            raise
        return False
    return True
