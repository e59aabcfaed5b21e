"""What a panel and a dashboard of ours are made of, and how they become Grafana's JSON."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from grafana_foundation_sdk.builders import barchart, bargauge, dashboard, stat, timeseries
from grafana_foundation_sdk.builders.common import (
    ReduceDataOptions,
    StackingConfig,
    VizLegendOptions,
    VizTooltipOptions,
)
from grafana_foundation_sdk.builders.prometheus import Dataquery
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import common
from grafana_foundation_sdk.models import dashboard as model
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

Kind = Literal["figure", "lines", "areas", "shares", "bars", "groups"]
"""figure: the newest value, large; lines, areas (stacked), shares (stacked to 100 %): over time; bars: newest values one below the
other; groups: the newest value of every query side by side, for each value of the label `by`."""

SOURCE: Final = model.DataSourceRef(type_val="prometheus", uid="${datasource}")
"""Whichever Prometheus the reader chooses; never a fixed one."""

RUNBOOKS: Final = "${runbooks}"
"""Where docs/runbooks is served; a variable, since every province serves it elsewhere."""

GREEN, YELLOW, RED = "green", "yellow", "red"

Steps = Sequence[tuple[float, str]]
"""From which value on which colour; below the first it is green."""


@dataclass(frozen=True)
class Query:
    """PromQL and what its series are called (`{{label}}`)."""

    expr: str
    legend: str = ""


@dataclass(frozen=True)
class Panel:
    """One panel: what it asks, and what it means in the words of who looks at it. `runbook`: a page of docs/runbooks."""

    title: str
    description: str
    kind: Kind
    unit: str
    queries: tuple[Query, ...]
    width: int
    height: int = 8
    steps: Steps = ()
    decimals: int | None = None
    most: float | None = None
    runbook: str | None = None
    by: str = ""


@dataclass(frozen=True)
class Row:
    """A heading over the panels that follow."""

    title: str


@dataclass(frozen=True)
class Dashboard:
    """One screen. `per_unit`: it has the variable `$opd`, to look at some units only."""

    uid: str
    title: str
    description: str
    items: tuple[Panel | Row, ...]
    since: str = "now-3h"
    refresh: str = "30s"
    per_unit: bool = False

    @property
    def panels(self) -> tuple[Panel, ...]:
        """All panels, without the headings."""
        return tuple(item for item in self.items if isinstance(item, Panel))


def as_json(told: Dashboard) -> str:
    """The dashboard as Grafana imports it, the same text for the same dashboard."""
    builder = (
        dashboard.Dashboard(told.title)
        .uid(told.uid)
        .description(told.description)
        .tags(["hadir"])
        .timezone("Asia/Jakarta")
        .readonly()
        .tooltip(model.DashboardCursorSync.CROSSHAIR)
        .time(told.since, "now")
        .refresh(told.refresh)
        .week_start("monday")
        .with_variable(dashboard.DatasourceVariable("datasource").label("Sumber data").type("prometheus"))
        .with_variable(
            dashboard.TextBoxVariable("runbooks")
            .label("Alamat panduan")
            .default_value("https://hadir.example/runbooks")
            .hide(model.VariableHide.HIDE_VARIABLE)
        )
        .link(
            dashboard.DashboardLink("Hadir")
            .type(model.DashboardLinkType.DASHBOARDS)
            .tags(["hadir"])
            .as_dropdown(True)
            .keep_time(True)
        )
        .annotation(
            dashboard.AnnotationQuery()
            .name("Peringatan")
            .datasource(SOURCE)
            .enable(True)
            .icon_color("red")
            .expr('ALERTS{alertname=~"Hadir.*", alertstate="firing"}')
        )
    )
    if told.per_unit:
        builder = builder.with_variable(
            dashboard.QueryVariable("opd")
            .label("OPD")
            .datasource(SOURCE)
            .query("label_values(hadir_opd_days, opd)")
            .multi(True)
            .include_all(True)
            .all_value(".*")
            .current(model.VariableOption(selected=True, text="All", value="$__all"))
            .refresh(model.VariableRefresh.ON_TIME_RANGE_CHANGED)
            .sort(model.VariableSort.ALPHABETICAL_ASC)
        )
    for item in told.items:
        builder = (
            builder.with_row(dashboard.Row(item.title)) if isinstance(item, Row) else builder.with_panel(_built(item))
        )
    return JSONEncoder(sort_keys=True, indent=1, ensure_ascii=False).encode(builder.build()) + "\n"


def _built(panel: Panel) -> Any:
    built: Any = _drawn(panel)
    built = (
        built.title(panel.title)
        .description(panel.description)
        .datasource(SOURCE)
        .unit(panel.unit)
        .span(panel.width)
        .height(panel.height)
        .no_value("belum ada data")
        .targets(
            [_target(query, panel.kind, ref=chr(65 + at)) for at, query in enumerate(panel.queries)]
        )
        .thresholds(
            dashboard.ThresholdsConfig()
            .mode(model.ThresholdsMode.ABSOLUTE)
            .steps([model.Threshold(None, GREEN), *(model.Threshold(value, colour) for value, colour in panel.steps)])
        )
    )
    if panel.decimals is not None:
        built = built.decimals(panel.decimals)
    if panel.most is not None:
        built = built.max(panel.most)
    if panel.runbook is not None:
        link = (
            dashboard.DashboardLink("Panduan")
            .type(model.DashboardLinkType.LINK)
            .url(f"{RUNBOOKS}/{panel.runbook}")
            .target_blank(True)
        )
        built = built.links([link])
    return built


def _drawn(panel: Panel) -> Any:
    if panel.kind == "figure":
        return (
            stat.Panel()
            .reduce_options(ReduceDataOptions().calcs(["lastNotNull"]))
            .color_mode(common.BigValueColorMode.BACKGROUND if panel.steps else common.BigValueColorMode.NONE)
            .graph_mode(common.BigValueGraphMode.AREA)
        )
    if panel.kind == "groups":
        # Each query is a table of label and value; merged they are one row per label, a column for each query.
        named = {f"Value #{chr(65 + at)}": query.legend for at, query in enumerate(panel.queries)}
        return (
            barchart.Panel()
            .with_transformation(model.DataTransformerConfig("merge", options={}))
            .with_transformation(model.DataTransformerConfig("organize", options={"excludeByName": {"Time": True}, "renameByName": named}))
            .x_field(panel.by)
            .orientation(common.VizOrientation.HORIZONTAL)
            .show_value(common.VisibilityMode.ALWAYS)
            .legend(_legend())
            .min(0)
        )
    if panel.kind == "bars":
        return (
            bargauge.Panel()
            .reduce_options(ReduceDataOptions().calcs(["lastNotNull"]))
            .orientation(common.VizOrientation.HORIZONTAL)
            .display_mode(common.BarGaugeDisplayMode.BASIC)
            .min(0)
        )
    lines = (
        timeseries.Panel()
        .line_width(2)
        .fill_opacity(10 if panel.kind == "lines" else 60)
        .show_points(common.VisibilityMode.NEVER)
        .legend(_legend())
        .tooltip(VizTooltipOptions().mode(common.TooltipDisplayMode.MULTI).sort(common.SortOrder.DESCENDING))
        .min(0)
    )
    if panel.kind in ("areas", "shares"):
        mode = common.StackingMode.NORMAL if panel.kind == "areas" else common.StackingMode.PERCENT
        lines = lines.stacking(StackingConfig().mode(mode).group("A"))
    return lines


def _legend() -> VizLegendOptions:
    return (
        VizLegendOptions()
        .display_mode(common.LegendDisplayMode.LIST)
        .placement(common.LegendPlacement.BOTTOM)
        .show_legend(True)
    )


def _target(query: Query, kind: Kind, *, ref: str) -> Any:
    target = Dataquery().expr(query.expr).ref_id(ref).legend_format(query.legend or "__auto").datasource(SOURCE)
    if kind == "groups":
        return target.instant().format(PromQueryFormat.TABLE)
    return target.instant() if kind == "bars" else target.range()
