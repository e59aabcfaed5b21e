"""What a GeoJSON file of sites may say, and that every mistake in it is told at once."""

import datetime as dt
from typing import Any

import pytest

from services.geofence.rules.sitefile import SiteFile, read_site_file


def feature(**properties: Any) -> dict[str, Any]:
    geometry = properties.pop("geometry", {"type": "Point", "coordinates": [102.265, -3.795]})
    given = {"code": "BKPSDM", "kind": "office", "radius_m": 100, "org_units": ["BKPSDM"], **properties}
    return {"type": "Feature", "geometry": geometry, "properties": {k: v for k, v in given.items() if v is not None}}


def read(*features: object) -> SiteFile:
    return read_site_file({"type": "FeatureCollection", "features": list(features)})


def wrong(*features: object) -> list[tuple[int, str | None]]:
    return [(problem.feature, problem.property) for problem in read(*features).errors]


def test_a_feature_becomes_a_draft_with_all_that_it_says() -> None:
    found = read(feature(
        name="Kantor BKPSDM", employees="199001012015031001; 199202022018012002", valid_from="2026-02-01",
        valid_to="2026-02-28T17:00:00+07:00", timezone="Asia/Makassar", accuracy_cap_m=20, max_accuracy_m=80, outside_factor=3,
    ))  # fmt: skip

    (draft,) = found.drafts
    assert (found.errors, found.warnings) == ([], [])
    assert (draft.code, draft.name, draft.kind, draft.radius_m) == ("BKPSDM", "Kantor BKPSDM", "office", 100.0)
    assert (draft.org_units, draft.employees) == (("BKPSDM",), ("199001012015031001", "199202022018012002"))
    assert draft.valid_from == dt.date(2026, 2, 1)
    assert draft.valid_to == dt.datetime(2026, 2, 28, 10, tzinfo=dt.UTC)
    assert (draft.timezone, draft.accuracy_cap_m, draft.max_accuracy_m, draft.outside_factor) == ("Asia/Makassar", 20, 80, 3)


def test_all_mistakes_of_all_features_are_told_at_once() -> None:
    assert wrong(
        feature(code="A", radius_m=None),
        feature(code="B", kind="gedung"),
        feature(code="C", org_units=None),
        feature(code=None, radius_m=-5),
        "not a feature",
        feature(code="E", geometry={"type": "LineString", "coordinates": [[102, -3], [103, -3]]}),
    ) == [(1, "radius_m"), (2, "kind"), (3, "org_units"), (4, "code"), (4, "radius_m"), (5, None), (6, "geometry")]


@pytest.mark.parametrize(
    ("properties", "property_named"),
    [
        ({"radius_m": "100"}, "radius_m"),
        ({"radius_m": True}, "radius_m"),
        ({"radius_m": 60_000}, "radius_m"),
        ({"org_units": 7}, "org_units"),
        ({"org_units": [{"code": "X"}]}, "org_units"),
        ({"valid_from": "1 Februari"}, "valid_from"),
        ({"valid_from": "2026-02-01T07:00:00"}, "valid_from"),
        ({"valid_from": "9999-01-01"}, "valid_from"),
        ({"valid_to": "2026-02-30"}, "valid_to"),
        ({"timezone": "WIB"}, "timezone"),
        ({"code": "x" * 101}, "code"),
        ({"code": "a\x00b"}, "code"),
        ({"code": 1.5}, "code"),
        ({"max_accuracy_m": 5_000}, "max_accuracy_m"),
        ({"outside_factor": 0.5}, "outside_factor"),
        ({"valid_form": "2026-02-01"}, "valid_form"),
    ],
)
def test_a_mistake_names_its_property(properties: dict[str, Any], property_named: str) -> None:
    assert wrong(feature(**properties)) == [(1, property_named)]


def test_an_activity_needs_letter_attendees_and_its_times() -> None:
    assert wrong(feature(kind="activity", org_units=None)) == [
        (1, "employees"), (1, "letter"), (1, "valid_from"), (1, "valid_to"),
    ]  # fmt: skip


def test_a_region_without_org_units_is_the_default_one() -> None:
    found = read(feature(kind="wilayah", org_units=None, radius_m=40_000))

    assert (found.errors, found.drafts[0].kind) == ([], "region")


def test_a_code_may_not_be_used_twice() -> None:
    found = read(feature(), feature(code="LAIN"), feature())

    assert [(problem.feature, problem.text) for problem in found.errors] == [
        (3, "kode BKPSDM sudah dipakai fitur 1; satu situs satu kode")
    ]


def test_a_radius_on_a_polygon_is_refused() -> None:
    ring = [[102.0, -3.0], [102.1, -3.0], [102.1, -2.9], [102.0, -3.0]]

    assert wrong(feature(geometry={"type": "Polygon", "coordinates": [ring]})) == [(1, "radius_m")]


def test_properties_of_other_programs_are_ignored_and_said() -> None:
    found = read(feature(OBJECTID=4))

    assert (found.errors, [(w.property, w.text) for w in found.warnings]) == (
        [], [("OBJECTID", "properti tidak dikenal dan diabaikan")],
    )  # fmt: skip


@pytest.mark.parametrize(
    "document", [None, [], {}, {"type": "Feature"}, {"type": "FeatureCollection"}, {"type": "FeatureCollection", "features": []}]
)
def test_what_is_no_feature_collection_is_refused_as_a_whole(document: object) -> None:
    assert [problem.feature for problem in read_site_file(document).errors] == [0]


def test_a_file_in_another_projection_is_refused() -> None:
    found = read_site_file({"type": "FeatureCollection", "crs": {"properties": {"name": "urn:ogc:def:crs:EPSG::32748"}},
                            "features": [feature()]})  # fmt: skip

    assert [problem.property for problem in found.errors] == ["crs"]
