"""Draws a dashboard as a picture, panel by panel on Grafana's own grid of 24 columns."""

import datetime as dt
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

import matplotlib as mpl

mpl.use("Agg")
import matplotlib.dates as mdates
import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch
from matplotlib.ticker import FuncFormatter

from services.dashboards.reading import Drawn, Series

_WIDTH_IN: Final = 16.0
_ROW_IN: Final = 0.36
_HEAD_IN: Final = 0.75
_BEHIND, _PANEL, _TEXT, _FAINT = "#111217", "#181b1f", "#d8d9da", "#8e8e96"
_COLOURS: Final = {"green": "#56a64b", "yellow": "#e0b400", "red": "#e02f44"}
_LINES: Final = ("#73bf69", "#f2cc0c", "#8ab8ff", "#ff780a", "#f2495c", "#5794f2", "#b877d9", "#37872d", "#fade2a", "#c4162a")
_ZONE: Final = ZoneInfo("Asia/Jakarta")
_MOST_BARS: Final = 14
_MOST_NAMES: Final = 9
_MOST_GROUPS: Final = 8


def draw(title: str, panels: Sequence[Drawn], until: float, path: Path) -> None:
    """Write the picture of a dashboard (PNG); `until` is the moment it shows, in seconds since the epoch."""
    rows = max(panel.place["y"] + panel.place["h"] for panel in panels)
    height = rows * _ROW_IN + _HEAD_IN
    figure = plt.figure(figsize=(_WIDTH_IN, height), facecolor=_BEHIND)
    try:
        at = dt.datetime.fromtimestamp(until, _ZONE)
        figure.text(0.01, 1 - 0.42 / height, title, color=_TEXT, fontsize=17, fontweight="bold", va="center")
        figure.text(0.99, 1 - 0.42 / height, f"{at:%d-%m-%Y %H.%M} WIB", color=_FAINT, fontsize=11, va="center", ha="right")
        for panel in panels:
            _panel(figure, panel, height)
        figure.savefig(path, dpi=80, facecolor=_BEHIND)
    finally:
        plt.close(figure)


def _panel(figure: Figure, panel: Drawn, height: float) -> None:
    place = panel.place
    left, width = place["x"] / 24, place["w"] / 24
    top, tall = 1 - (_HEAD_IN + place["y"] * _ROW_IN) / height, place["h"] * _ROW_IN / height
    gap_x, gap_y = 0.0035, 0.06 / height
    if panel.kind == "row":
        figure.text(left + 0.01, top - tall / 2, panel.title, color=_TEXT, fontsize=12, fontweight="bold", va="center")
        return
    figure.add_artist(FancyBboxPatch(
        (left + gap_x, top - tall + gap_y), width - 2 * gap_x, tall - 2 * gap_y, boxstyle="square,pad=0", facecolor=_PANEL,
        edgecolor="#2c3235", linewidth=0.8, transform=figure.transFigure, zorder=-1,
    ))  # fmt: skip
    figure.text(left + 0.011, top - 0.23 / height, panel.title, color=_TEXT, fontsize=10.5, va="center")
    below = 0.4 / height
    if panel.kind == "stat":
        _stat(figure, panel, left + width / 2, top - below - (tall - below) / 2, width)
    elif panel.kind == "bargauge":
        # Names of units stand left of their bars.
        _bars(figure.add_axes((left + 0.3 * width, top - tall + 0.16 / height, 0.58 * width, tall - below - 0.2 / height)), panel)
    elif panel.kind == "barchart":
        _groups(figure.add_axes((left + 0.2 * width, top - tall + 0.45 / height, 0.72 * width, tall - below - 0.45 / height)), panel)
    else:
        names = min(len(panel.series), _MOST_NAMES)
        under = (0.42 + 0.2 * (math.ceil(names / max(1, round(width * 9))))) / height
        _lines(figure.add_axes((left + 0.042, top - tall + under, width - 0.056, tall - below - under - 0.06 / height)), panel, width)


def _stat(figure: Figure, panel: Drawn, x: float, y: float, width: float) -> None:
    if not panel.series:
        figure.text(x, y, "belum ada data", color=_FAINT, fontsize=12, ha="center", va="center")
        return
    shown = panel.series[:2]
    for at, series in enumerate(shown):
        middle = x + (at - (len(shown) - 1) / 2) * width / 2
        told = _told(series.newest, panel)
        size = min(27, 250 * width / len(shown) / max(4, len(told)) * 8)
        figure.text(middle, y, told, color=_colour(series.newest, panel), fontsize=size, ha="center", va="center", fontweight="bold")
        if len(shown) > 1 or series.name:
            figure.text(middle, y - 0.34 / figure.get_figheight(), series.name, color=_FAINT, fontsize=9, ha="center", va="center")


def _bars(axes: Axes, panel: Drawn) -> None:
    found = [series for series in panel.series if math.isfinite(series.newest)]
    found = sorted(found, key=lambda series: -series.newest)[:_MOST_BARS]
    _bare(axes)
    if not found:
        axes.text(0.5, 0.5, "belum ada data", color=_FAINT, ha="center", va="center", transform=axes.transAxes)
        axes.set_axis_off()
        return
    most = max(1e-9, *(series.newest for series in found))
    spots = range(len(found), 0, -1)
    axes.barh(list(spots), [most] * len(found), color="#22252b", height=0.66)
    axes.barh(list(spots), [series.newest for series in found], color=[_colour(s.newest, panel, "#5794f2") for s in found], height=0.66)
    for spot, series in zip(spots, found, strict=True):
        axes.text(-0.015 * most, spot, series.name, color=_TEXT, fontsize=8.5, ha="right", va="center")
        axes.text(1.02 * most, spot, _told(series.newest, panel), color=_TEXT, fontsize=8.5, ha="left", va="center")
    axes.set_xlim(0, most)
    axes.set_ylim(0.4, max(len(found), 4) + 0.6)
    axes.set_axis_off()


def _groups(axes: Axes, panel: Drawn) -> None:
    found = [series for series in panel.series if math.isfinite(series.newest)]
    places = sorted({series.beside for series in found})[:_MOST_GROUPS]
    names = list(dict.fromkeys(series.name for series in found))
    _bare(axes)
    axes.set_axis_off()
    if not found:
        axes.text(0.5, 0.5, "belum ada data", color=_FAINT, ha="center", va="center", transform=axes.transAxes)
        return
    most = max(1e-9, *(series.newest for series in found))
    thick = 0.8 / len(names)
    for at, (name, colour) in enumerate(zip(names, _LINES, strict=False)):
        mine = [series for series in found if series.name == name and series.beside in places]
        spots = [-places.index(series.beside) - at * thick for series in mine]
        axes.barh(spots, [series.newest for series in mine], height=0.9 * thick, color=colour, label=name)
        for spot, series in zip(spots, mine, strict=True):
            axes.text(series.newest + 0.01 * most, spot, _told(series.newest, panel), color=_TEXT, fontsize=8, ha="left", va="center")
    for number, place in enumerate(places):
        axes.text(-0.015 * most, -number - 0.4 + thick / 2, place, color=_TEXT, fontsize=8.5, ha="right", va="center")
    axes.set_xlim(0, most)
    axes.set_ylim(-max(len(places), 3) + 0.1, thick)
    axes.legend(loc="upper left", bbox_to_anchor=(0, -0.01), ncol=len(names), fontsize=8, frameon=False, labelcolor=_TEXT, handlelength=1)


def _lines(axes: Axes, panel: Drawn, width: float) -> None:
    _bare(axes)
    found = [series for series in panel.series if any(map(math.isfinite, series.values))]
    found = sorted(found, key=lambda series: -_peak(series))
    times = sorted({at for series in found for at in series.times})
    moments: Any = [dt.datetime.fromtimestamp(at, _ZONE) for at in times]
    rows = [[dict(zip(series.times, series.values, strict=True)).get(at, math.nan) for at in times] for series in found]
    colours = [_LINES[number % len(_LINES)] for number in range(len(found))]
    names = [series.name or panel.title for series in found]
    if panel.stacked in ("normal", "percent") and rows:
        axes.stackplot(moments, *_stacked(rows, panel.stacked), labels=names, colors=colours, alpha=0.75, linewidth=0)
    else:
        for row, colour, name in zip(rows, colours, names, strict=True):
            axes.plot(moments, row, color=colour, linewidth=1.6, label=name)
    unit = "percentunit" if panel.stacked == "percent" else panel.unit
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: told(value, unit, None)))
    axes.xaxis.set_major_locator(mdates.AutoDateLocator(minticks=3, maxticks=max(5, round(width * 14))))  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_formatter(mdates.DateFormatter("%H.%M", tz=_ZONE))  # type: ignore[no-untyped-call]
    bottom, top = axes.get_ylim()
    axes.set_ylim(0, top if top > 1e-9 and bottom < top and any(_peak(series) > 0 for series in found) else 1)
    if panel.stacked == "percent":
        axes.set_ylim(0, 1)
    if names:
        axes.legend(
            handles=axes.get_legend_handles_labels()[0][:_MOST_NAMES], loc="upper left", bbox_to_anchor=(-0.02, -0.13),
            ncol=max(1, round(width * 9)), fontsize=8, frameon=False, labelcolor=_TEXT, handlelength=1, columnspacing=1.2,
        )  # fmt: skip
    else:
        axes.text(0.5, 0.5, "belum ada data", color=_FAINT, ha="center", va="center", transform=axes.transAxes)


def _stacked(rows: list[list[float]], mode: str) -> list[list[float]]:
    known = [[value if math.isfinite(value) else 0.0 for value in row] for row in rows]
    if mode == "normal":
        return known
    wholes = [sum(column) or math.inf for column in zip(*known, strict=True)]
    return [[value / whole for value, whole in zip(row, wholes, strict=True)] for row in known]


def _bare(axes: Axes) -> None:
    axes.set_facecolor("none")
    axes.grid(visible=True, color="#2c3235", linewidth=0.7)
    axes.set_axisbelow(True)
    for spine in axes.spines.values():
        spine.set_visible(False)
    axes.tick_params(colors=_FAINT, labelsize=8, length=0)


def _peak(series: Series) -> float:
    return max((value for value in series.values if math.isfinite(value)), default=0.0)


def _colour(value: float, panel: Drawn, plain: str = _TEXT) -> str:
    if len(panel.steps) <= 1:
        return plain
    name = next((colour for least, colour in reversed(panel.steps) if value >= least), "green")
    return _COLOURS.get(name, plain)


def _told(value: float, panel: Drawn) -> str:
    return told(value, panel.unit, panel.decimals)


def told(value: float, unit: str, decimals: int | None) -> str:
    """A value as an Indonesian reader writes it: points between thousands, a comma before decimals."""
    if not math.isfinite(value):
        return "–"
    if unit == "percentunit":
        return f"{_number(100 * value, 1 if decimals is None else decimals)} %"
    if unit == "currencyIDR":
        return f"Rp{_short(value)}"
    if unit == "bytes":
        return f"{_number(value / 2**20, 1)} MiB"
    ends: dict[str, str] = {"s": " s", "reqps": "/s", "ops": "/s"}
    return f"{_number(value, _places(value) if decimals is None else decimals)}{ends.get(unit, '')}"


def _short(value: float) -> str:
    for size, word in ((1e9, " M"), (1e6, " jt"), (1e3, " rb")):
        if abs(value) >= size:
            return f"{_number(value / size, 1)}{word}"
    return _number(value, 0)


def _places(value: float) -> int:
    return 0 if value == int(value) else 1 if abs(value) >= 1 else 2


def _number(value: float, decimals: int) -> str:
    return f"{value:,.{decimals}f}".translate(str.maketrans(",.", ".,"))

