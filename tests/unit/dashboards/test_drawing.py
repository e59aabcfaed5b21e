"""Pictures of dashboards: every committed one can be drawn, with and without data, in an Indonesian reader's numbers."""

from pathlib import Path
from typing import Any

import httpx
import pytest

from services.dashboards.drawing import draw
from services.dashboards.drawing import told as in_words
from services.dashboards.reading import answered, dashboards
from shared.refusal import Refusal

DASHBOARDS = dashboards()


def prometheus_saying(monkeypatch: pytest.MonkeyPatch, result: list[dict[str, Any]], status: str = "success") -> None:
    """Lets every query be answered by these series."""
    transport = httpx.MockTransport(
        lambda _: httpx.Response(200, json={"status": status, "error": "no", "data": {"result": result}})
    )
    client = httpx.Client
    monkeypatch.setattr(httpx, "Client", lambda **options: client(**options, transport=transport))


@pytest.mark.parametrize("values", [[], [(0.0, "1"), (30.0, "NaN"), (60.0, "2.5")]], ids=["nothing", "something"])
def test_every_dashboard_can_be_drawn(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, values: list[tuple[float, str]]) -> None:
    series = [{"metric": {"service": name, "opd": name}, "values": values} for name in ("a", "b")] if values else []
    prometheus_saying(monkeypatch, series)

    for dashboard in DASHBOARDS[:2]:
        path = tmp_path / f"{dashboard['uid']}.png"
        draw(dashboard["title"], answered(dashboard, "http://prometheus", 0, 60), 60, path)
        assert path.read_bytes().startswith(b"\x89PNG")


def test_a_query_that_prometheus_refuses_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    prometheus_saying(monkeypatch, [], status="error")

    with pytest.raises(Refusal, match="Prometheus refuses the query"):
        answered(DASHBOARDS[0], "http://prometheus", 0, 60)


def test_a_prometheus_that_is_not_there_is_told_with_what_to_do() -> None:
    with pytest.raises(Refusal, match="--prometheus"):
        answered(DASHBOARDS[0], "http://127.0.0.1:9", 0, 60)


@pytest.mark.parametrize(
    ("value", "unit", "decimals", "words"),
    [
        (0.999, "percentunit", 2, "99,90 %"),
        (12345.0, "short", 0, "12.345"),
        (47_300_000.0, "currencyIDR", 0, "Rp47,3 jt"),
        (0.25, "s", None, "0,25 s"),
        (float("nan"), "short", None, "–"),
    ],
)
def test_numbers_are_written_as_indonesians_write_them(value: float, unit: str, decimals: int | None, words: str) -> None:
    assert in_words(value, unit, decimals) == words
