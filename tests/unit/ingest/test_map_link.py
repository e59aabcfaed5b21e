"""Which point a map link means: Google Maps' forms, and what is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ingest.rules.map_link import LinkFault, Point, point_of

OFFICE = Point(-3.79565, 102.2595)


@pytest.mark.parametrize(
    "link",
    [
        pytest.param("https://www.google.com/maps?q=-3.79565,102.2595", id="q"),
        pytest.param("https://maps.google.com/?q=-3.79565,102.2595", id="old host"),
        pytest.param("https://maps.google.com/?q=loc:-3.79565,102.2595", id="loc prefix"),
        pytest.param("https://maps.google.com/?q=-3.79565%2C102.2595", id="escaped comma"),
        pytest.param("https://www.google.com/maps/search/?api=1&query=-3.79565,102.2595", id="query"),
        pytest.param("https://www.google.com/maps/search/-3.79565,+102.2595?entry=tts", id="search in the path"),
        pytest.param("https://www.google.co.id/maps?ll=-3.79565,102.2595&z=17", id="ll, Indonesian host"),
        pytest.param("https://www.google.com/maps/@-3.79565,102.2595,17z", id="camera"),
        pytest.param("https://www.google.com/maps/@-3.79565,102.2595,17z/data=!3m1!1e3", id="camera with data"),
        pytest.param("https://www.google.com/maps/place/-3.79565,102.2595", id="place"),
        pytest.param("https://www.google.com/maps/place/-3.79565,102.2595/@-3.7,102.2,9z", id="place before camera"),
        pytest.param(
            "https://www.google.com/maps/place/Kantor+Walikota/@-3.7,102.2,17z/data=!3m1!4b1!4m6!3m5!1s0x2e36:0x1"
            "!8m2!3d-3.79565!4d102.2595!16s%2Fg%2F1", id="the place's own point before the camera",
        ),
        pytest.param(
            "https://www.google.com/maps/place/3%C2%B047'44.3%22S+102%C2%B015'34.2%22E/@-3.7,102.2,17z"
            "/data=!4m4!3m3!8m2!3d-3.79565!4d102.2595", id="degrees, minutes, seconds with the point",
        ),
        pytest.param("geo:-3.79565,102.2595", id="geo"),
        pytest.param("geo:-3.79565,102.2595;u=35", id="geo with uncertainty"),
        pytest.param("geo:0,0?q=-3.79565,102.2595(Kantor)", id="geo of Android"),
        pytest.param("maps.google.com/?q=-3.79565,102.2595", id="without scheme"),
        pytest.param("Kantor Walikota\nhttps://www.google.com/maps?q=-3.79565,102.2595\n", id="shared with text around"),
        pytest.param("HTTPS://WWW.GOOGLE.COM/maps?q=-3.79565,102.2595", id="capitals"),
    ],
)  # fmt: skip
def test_a_link_with_coordinates_means_their_point(link: str) -> None:
    assert point_of(link) == OFFICE


def test_degrees_minutes_and_seconds_are_read_with_their_hemisphere() -> None:
    point = point_of("https://www.google.com/maps/place/3%C2%B047'44.34%22S+102%C2%B015'34.2%22E")

    assert isinstance(point, Point)
    assert point.latitude == pytest.approx(-3.79565)
    assert point.longitude == pytest.approx(102.2595)


@pytest.mark.parametrize(
    ("link", "fault"),
    [
        pytest.param("https://maps.app.goo.gl/AbCdEf123", "short", id="short link"),
        pytest.param("https://goo.gl/maps/AbCdEf123", "short", id="old short link"),
        pytest.param("Lihat https://maps.app.goo.gl/AbCdEf123?g_st=ic ya", "short", id="short link in a text"),
        pytest.param("https://www.google.com/maps/place/Kantor+Walikota", "no-coordinates", id="a name only"),
        pytest.param("https://www.google.com/maps?q=Kantor+Walikota,+Bengkulu", "no-coordinates", id="an address"),
        pytest.param("https://www.google.com/maps?q=-3,79565,102,2595", "no-coordinates", id="decimal commas are ambiguous"),
        pytest.param("https://www.google.com/maps?q=-93.79565,102.2595", "out-of-range", id="latitude beyond the pole"),
        pytest.param("https://www.google.com/maps/@3.79,181,3z", "out-of-range", id="longitude beyond the date line"),
        pytest.param("https://www.google.com.evil.example/maps?q=-3.79,102.25", "foreign", id="a host that looks alike"),
        pytest.param("https://evil.example/?u=https://www.google.com/maps?q=1,2", "foreign", id="a link within a link"),
        pytest.param("https://[broken", "foreign", id="no address at all"),
        pytest.param("geo:kantor", "no-coordinates", id="geo with a name"),
        pytest.param("di kantor", "foreign", id="no link"),
        pytest.param("https://www.google.com/maps?" + "a=1&" * 100, "no-coordinates", id="a flood of parameters"),
        pytest.param("geo:1,2?" + "q=1&" * 100, None, id="a flood of parameters after geo"),
    ],
)
def test_a_link_without_usable_coordinates_is_refused_with_the_reason(link: str, fault: LinkFault | None) -> None:
    assert point_of(link) == (fault or Point(1.0, 2.0))


@given(st.text(max_size=300))
def test_no_text_whatever_makes_the_reader_fail(text: str) -> None:
    for link in (text, f"https://www.google.com/maps{text}", f"geo:{text}", f"https://maps.google.com/?q={text}"):
        point = point_of(link)
        assert not isinstance(point, Point) or (-90 <= point.latitude <= 90 and -180 <= point.longitude <= 180)


@given(st.decimals(-90, 90, places=6), st.decimals(-180, 180, places=6))
def test_every_form_gives_back_the_coordinates_it_was_made_of(latitude: object, longitude: object) -> None:
    pair = f"{latitude:f},{longitude:f}"
    lat, _, lon = pair.partition(",")

    for link in (
        f"https://www.google.com/maps?q={pair}",
        f"https://www.google.com/maps/@{pair},17z",
        f"https://www.google.com/maps/place/x/@0,0,17z/data=!3d{lat}!4d{lon}",
        f"https://www.google.com/maps/place/{pair}",
        f"geo:{pair}",
    ):
        assert point_of(link) == Point(float(lat), float(lon))
