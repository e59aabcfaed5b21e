"""Which drawings may be a fence: repaired where their meaning is beyond doubt, refused with the reason otherwise."""

from typing import Any

import pytest

from services.geofence.rules.shapes import BadGeometry, read_geometry, shape_of


def polygon(*rings: list[tuple[float, float]]) -> dict[str, Any]:
    return {"type": "Polygon", "coordinates": [[list(point) for point in ring] for ring in rings]}


SQUARE = [(102.0, -3.0), (102.1, -3.0), (102.1, -2.9), (102.0, -2.9), (102.0, -3.0)]


def test_a_sound_polygon_stays_as_it_was_drawn() -> None:
    drawn = read_geometry(polygon(SQUARE))

    assert drawn.repairs == ()
    assert shape_of(drawn.geometry).equals(shape_of(polygon(SQUARE)))


def test_a_slip_of_the_hand_that_crosses_the_line_is_repaired_and_said() -> None:
    crossed = [*SQUARE[:3], (102.0005, -2.9), (102.0, -2.901), (102.001, -2.9), (102.0, -2.9), SQUARE[0]]

    drawn = read_geometry(polygon(crossed))

    assert "memotong dirinya sendiri" in drawn.repairs[0]
    assert shape_of(drawn.geometry).is_valid


def test_a_bow_tie_is_repaired_when_the_second_wing_is_tiny() -> None:
    bow_tie = [(102.0, -3.0), (102.1, -3.0), (102.0, -2.9), (102.001, -2.9), (102.0, -3.0)]

    drawn = read_geometry(polygon(bow_tie))

    assert drawn.repairs
    assert shape_of(drawn.geometry).geom_type in {"Polygon", "MultiPolygon"}


def test_corners_in_the_wrong_order_are_refused_since_half_the_office_would_be_lost() -> None:
    wrong_order = [(102.0, -3.0), (102.1, -2.9), (102.1, -3.0), (102.0, -2.9), (102.0, -3.0)]

    with pytest.raises(BadGeometry, match=r"memotong dirinya sendiri.*periksa urutan titik sudut"):
        read_geometry(polygon(wrong_order))


def test_overlapping_parts_become_one_without_a_hole_where_they_overlap() -> None:
    shifted = [(lon + 0.099, lat) for lon, lat in SQUARE]
    both = {"type": "MultiPolygon", "coordinates": [polygon(SQUARE)["coordinates"], polygon(shifted)["coordinates"]]}

    drawn = read_geometry(both)

    shape = shape_of(drawn.geometry)
    assert (shape.is_valid, shape.geom_type) == (True, "Polygon")
    assert shape.contains(shape_of({"type": "Point", "coordinates": [102.0995, -2.95]}))


def test_an_open_ring_is_closed_and_said() -> None:
    drawn = read_geometry(polygon(SQUARE[:-1]))

    assert drawn.repairs == ("cincin yang belum tertutup telah ditutup",)


@pytest.mark.parametrize(
    ("geometry", "reason"),
    [
        (None, "geometri tidak ada"),
        ({"type": "LineString", "coordinates": [[102, -3], [103, -3]]}, "LineString bukan pagar"),
        (polygon([(102.0, -3.0), (102.1, -3.0), (102.2, -3.0), (102.0, -3.0)]), "tidak mempunyai luas"),
        (polygon([(102.0, -3.0), (102.1, -3.0), (102.0, -3.0)]), "tiga titik"),
        ({"type": "Polygon", "coordinates": []}, "cincin"),
        ({"type": "Polygon", "coordinates": [["x"]]}, r"\[bujur, lintang\]"),
        ({"type": "MultiPolygon", "coordinates": []}, "tidak berisi poligon"),
        ({"type": "Point", "coordinates": [102]}, r"\[bujur, lintang\]"),
        ({"type": "Point", "coordinates": ["102", "-3"]}, "harus berupa angka"),
        ({"type": "Point", "coordinates": [True, False]}, "harus berupa angka"),
        ({"type": "Point", "coordinates": [float("nan"), 0]}, "harus berupa angka"),
        ({"type": "Point", "coordinates": [-3.8, 102.3]}, "tertukar"),
        ({"type": "Point", "coordinates": [181, 0]}, "bujur 181"),
        ({"type": "Point", "coordinates": [102, 91]}, "lintang 91"),
    ],
)
def test_a_drawing_that_cannot_be_a_fence_is_refused_with_the_reason(geometry: object, reason: str) -> None:
    with pytest.raises(BadGeometry, match=reason):
        read_geometry(geometry)
