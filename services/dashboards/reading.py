"""Reads a dashboard's JSON and asks a Prometheus what its panels ask."""

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx

from shared.refusal import Refusal

FOLDER: Final = Path(__file__).parents[2] / "deploy" / "grafana" / "json"
POINTS: Final = 240
"""How many points in time a line has at most."""

_LEAST_STEP_S: Final = 5.0


@dataclass(frozen=True)
class Series:
    """One line: its name, and its values at points in time (seconds since the epoch); newest last.

    `beside`: what it stands beside in a panel of groups, where lines of several queries share a place.
    """

    name: str
    times: tuple[float, ...]
    values: tuple[float, ...]
    beside: str = ""

    @property
    def newest(self) -> float:
        """The last value that is a number."""
        return next((value for value in reversed(self.values) if math.isfinite(value)), math.nan)


@dataclass(frozen=True)
class Drawn:
    """A panel with what was found for it."""

    title: str
    kind: str
    unit: str
    place: Mapping[str, int]
    steps: Sequence[tuple[float, str]]
    decimals: int | None
    most: float | None
    stacked: str
    series: tuple[Series, ...]


def dashboards(folder: Path = FOLDER) -> list[dict[str, Any]]:
    """All committed dashboards, as Grafana would import them. Raises Refusal when there are none."""
    found = [json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))]
    if not found:
        raise Refusal(f"There are no dashboards in {folder}: this works in a checkout of Hadir.")
    return found


def answered(dashboard: Mapping[str, Any], prometheus: str, since: float, until: float) -> list[Drawn]:
    """Every panel with its answer over these seconds since the epoch. Raises Refusal when Prometheus does not answer."""
    with httpx.Client(base_url=prometheus, timeout=30) as client:
        return [_answered(panel, client, since, until) for panel in dashboard["panels"]]


def _answered(panel: Mapping[str, Any], client: httpx.Client, since: float, until: float) -> Drawn:
    told = panel.get("fieldConfig", {}).get("defaults", {})
    groups = panel.get("options", {}).get("xField", "")
    steps = [(step["value"], step["color"]) for step in told.get("thresholds", {}).get("steps", ())]
    return Drawn(
        title=panel["title"],
        kind=panel["type"],
        unit=told.get("unit", ""),
        place=panel["gridPos"],
        steps=[(-math.inf if value is None else value, colour) for value, colour in steps],
        decimals=told.get("decimals"),
        most=told.get("max"),
        stacked=told.get("custom", {}).get("stacking", {}).get("mode", "none"),
        series=tuple(
            series for target in panel.get("targets", ()) for series in _asked(client, target, since, until, groups)
        ),
    )


def _asked(client: httpx.Client, target: Mapping[str, Any], since: float, until: float, groups: str) -> list[Series]:
    query = target["expr"].replace("$__rate_interval", "1m").replace("$opd", ".*")
    step = max(_LEAST_STEP_S, (until - since) / POINTS)
    try:
        answer = client.get("/api/v1/query_range", params={"query": query, "start": since, "end": until, "step": step})
        content = answer.json()
    except (httpx.HTTPError, ValueError) as error:
        raise Refusal(
            f"No Prometheus answers at {client.base_url} ({type(error).__name__}):"
            " name it with --prometheus; `hadir run` tells its address."
        ) from error
    if content.get("status") != "success":
        raise Refusal(f"Prometheus refuses the query {query!r}: {content.get('error')}")
    return [
        Series(
            _named(target.get("legendFormat", ""), series["metric"]),
            tuple(float(at) for at, _ in series["values"]),
            tuple(float(value) for _, value in series["values"]),
            series["metric"].get(groups, ""),
        )
        for series in content["data"]["result"]
    ]


def _named(legend: str, labels: Mapping[str, str]) -> str:
    if legend in ("", "__auto"):
        return " ".join(labels.values())
    return re.sub(r"\{\{(\w+)\}\}", lambda match: labels.get(match[1], ""), legend)
