"""Times the geofence's decision beside one point after the other through shapely and pyproj.

    python -m tests.benchmarks.geofence

5,000 offices (two thirds circles, one third drawn with 12 corners) in ten regencies whose borders have 8,000
vertices; 1,000 org units with five offices each; marks mostly at the office, some at the fence, some at home, some from
anywhere in the region; batches of 500 as the worker hands them over. Processor time counts.
"""

import argparse
import datetime as dt
import math
import random
import time
from collections import Counter
from statistics import median
from uuid import UUID

from services.geofence.rules.locate import Fix, Judgement, locate
from services.geofence.rules.sites import DEFAULT_ACCURACY, Catalogue, Site
from shared.events import Verdict
from tests.benchmarks.reference.point_by_point import PointByPoint
from tests.benchmarks.telling import figure, progress, tell

SITES, UNITS, REGIONS, VERTICES, BATCH, BATCHES = 5_000, 1_000, 10, 8_000, 500, 20
MORNING = dt.datetime(2026, 2, 2, 0, 25, tzinfo=dt.UTC)


def an_id(kind: int, number: int) -> UUID:
    return UUID(int=kind << 64 | number + 1)


def border(chance: random.Random, lon: float, lat: float) -> list[tuple[float, float]]:
    """A regency's border: a ring of some 60 km with bays, of 8,000 vertices."""
    waves = [(chance.randrange(3, 400), chance.uniform(0, 0.25) / (wave + 1), chance.uniform(0, 6)) for wave in range(12)]
    ring = []
    for number in range(VERTICES):
        angle = 2 * math.pi * number / VERTICES
        reach = 0.27 * (1 + sum(size * math.sin(count * angle + phase) * 0.3 for count, size, phase in waves))
        ring.append((lon + reach * math.cos(angle), lat + reach * math.sin(angle)))
    return [*ring, ring[0]]


def sites(chance: random.Random) -> tuple[list[Site], list[tuple[float, float]]]:
    """All sites, and the centre of each office."""
    found, centres = [], []
    for number in range(REGIONS):
        units = tuple(an_id(1, unit) for unit in range(UNITS) if unit % REGIONS == number)
        region = {"type": "Polygon", "coordinates": [border(chance, 102.0 + number * 0.7, -3.8)]}
        found.append(Site(an_id(2, number), 1, "region", region, org_unit_ids=units))
    for number in range(SITES):
        unit = number % UNITS
        lon, lat = 102.0 + unit % REGIONS * 0.7 + chance.uniform(-0.15, 0.15), -3.8 + chance.uniform(-0.15, 0.15)
        centres.append((lon, lat))
        if number % 3:
            shape: dict[str, object] = {"type": "Point", "coordinates": [lon, lat]}
        else:
            corners = [(lon + 0.0008 * math.cos(a * math.pi / 6), lat + 0.0008 * math.sin(a * math.pi / 6)) for a in range(12)]
            shape = {"type": "Polygon", "coordinates": [[*corners, corners[0]]]}
        radius = 80.0 + chance.randrange(60) if number % 3 else None
        found.append(Site(an_id(3, number), 1, "office", shape, radius, org_unit_ids=(an_id(1, unit),)))
    return found, centres


def fixes(chance: random.Random, centres: list[tuple[float, float]], count: int) -> list[Fix]:
    made = []
    for _ in range(count):
        number = chance.randrange(SITES)
        lon, lat = centres[number]
        kind = chance.random()
        spread = 0.0003 if kind < 0.85 else 0.0015 if kind < 0.92 else 0.02 if kind < 0.97 else 0.1
        made.append(Fix(
            an_id(4, chance.randrange(300_000)), an_id(1, number % UNITS), MORNING, lat + chance.gauss(0, spread),
            lon + chance.gauss(0, spread), chance.choice((5.0, 12.0, 20.0, 35.0, 80.0)),
        ))  # fmt: skip
    return made


def main() -> None:
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--rounds", type=int, default=10)
    ask.add_argument("--reference-marks", type=int, default=2_000)
    given = ask.parse_args()
    chance = random.Random(38)
    drawn, centres = sites(chance)
    catalogue = Catalogue(drawn)
    batches = [fixes(chance, centres, BATCH) for _ in range(BATCHES)]
    some = [fix for batch in batches for fix in batch][: given.reference_marks]
    progress(f"{len(drawn):,} sites compiled")
    plain = PointByPoint(drawn)
    ours: list[float] = []
    others: list[float] = []
    judged: list[Judgement] = []
    for number in range(given.rounds):
        began = time.process_time()
        judged = [one for batch in batches for one in locate(catalogue, batch)]
        ours.append((time.process_time() - began) / (BATCH * BATCHES))
        if number < 3:
            began = time.process_time()
            answers = [plain.locate(fix) for fix in some]
            others.append((time.process_time() - began) / len(some))
        progress(f"round {number + 1}: {ours[-1] * 1e6:.2f} µs each")
    # The plain one has no accuracy rule, so the two may differ by what a site credits at most, never more.
    opposite = sum(
        (one.site is Verdict.INSIDE and plain.beyond(fix) > DEFAULT_ACCURACY["office"].cap_m)
        or (one.site is Verdict.OUTSIDE and inside)
        for one, fix, (inside, _, _) in zip(judged, some, answers, strict=False)
    )
    assert not opposite, f"{opposite} opposite verdicts: the reference does not decide the same question"
    verdicts = ", ".join(f"{verdict} {count:,}" for verdict, count in sorted(Counter(one.site for one in judged).items()))
    note = (
        f"median of {given.rounds} rounds over {BATCH * BATCHES:,} marks ({verdicts}), from {min(ours) * 1e6:.2f} to "
        f"{max(ours) * 1e6:.2f}; processor time; reference on {len(some):,} of them"
    )
    tell(figure(
        "geofence", median(ours) * 1e6, reference="shapely and pyproj point by point", reference_value=median(others) * 1e6, note=note,
    ))  # fmt: skip


if __name__ == "__main__":
    main()
