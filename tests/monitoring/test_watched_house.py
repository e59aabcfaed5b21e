"""The whole of monitoring on a running stack: a real Prometheus scrapes it, every panel shows something, alerts fire."""

import asyncio
import contextlib
import datetime as dt
import json
import math
import os
import re
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import asyncpg
import httpx
import pytest

from deploy.grafana.__main__ import DASHBOARDS
from deploy.grafana.dashboards.morning import MORNING
from deploy.grafana.dashboards.places import PLACES
from deploy.grafana.queries import fit
from services.canaries.truth import UNIT
from services.reports.invented import CANARY_CLOCKS
from shared.database import connect_auditor

ROOT = Path(__file__).parents[2]
RUNBOOKS = ROOT / "docs" / "runbooks"
SCHEMES = ROOT / "services" / "schedule" / "policies" / "example-schemes.yaml"
JAKARTA = ZoneInfo("Asia/Jakarta")
QUERIES = [
    (dashboard.title, panel.title, query.expr)
    for dashboard in DASHBOARDS for panel in dashboard.panels for query in panel.queries
]  # fmt: skip


class Prometheus:
    """The house's own Prometheus, asked over HTTP."""

    def __init__(self, house: Any) -> None:
        self.url = house.addresses["prometheus"]

    def ask(self, path: str, **parameters: Any) -> Any:
        answer = httpx.get(f"{self.url}/api/v1/{path}", params=parameters, timeout=60)
        assert answer.status_code == 200, answer.text
        return answer.json()["data"]

    def values(self, expression: str) -> list[float]:
        """Every finite value of an expression over the last ten minutes."""
        now = time.time()
        found = self.ask("query_range", query=fit(expression), start=now - 600, end=now, step=5)
        return [float(value) for series in found["result"] for _, value in series["values"] if math.isfinite(float(value))]

    def now(self, expression: str) -> float | None:
        """The newest value of an expression with one series."""
        found = self.ask("query", query=expression)["result"]
        return float(found[0]["value"][1]) if found else None

    def firing(self) -> set[str]:
        """Names of the alerts that fire."""
        return {alert["labels"]["alertname"] for alert in self.ask("alerts")["alerts"] if alert["state"] == "firing"}


def eventually(true: Callable[[], Any], within_s: float, what: str, instead: Callable[[], Any] = lambda: "") -> float:
    """Seconds until it was so; fails with what was waited for, and with what there is instead."""
    began = time.monotonic()
    while not true():
        assert time.monotonic() - began < within_s, f"{what}: not within {within_s:.0f} s {instead()}"
        time.sleep(0.5)  # polls with the deadline above
    return time.monotonic() - began


@pytest.fixture(scope="session")
def prometheus(watched_house: Any) -> Prometheus:
    """Prometheus, when a day of a small province was played before its eyes."""
    found = Prometheus(watched_house)
    targets = len([name for name in watched_house.addresses if name not in ("kafka", "database", "prometheus")])
    eventually(lambda: found.now("sum(up)") == targets, 180, "every process is scraped")
    # any date: the last day of work that is over; the monitor looks further back than a row of holidays is long
    watched_house.hadir("simulate", "--employees", "150")
    return found


@pytest.fixture(scope="session")
def with_scheme(prometheus: Prometheus, watched_house: Any) -> str:
    """Code of an org unit that has a scheme, and a published roster for the days to come that follows it."""
    [unit] = asyncio.run(watched_house.fetch(
        """select u.code from schedule.employee e join schedule.org_unit u on u.org_unit_id = e.member_unit[cardinality(e.member_unit)]
           where not starts_with(e.played_clock, $1) and not u.public_service and u.timezone = 'Asia/Jakarta'
           group by 1 having count(*) >= 4 order by count(*) desc, 1 limit 1""", CANARY_CLOCKS))  # fmt: skip
    # any date: rosters reach a day further than is looked at, as midnight may pass
    today, day = dt.datetime.now(JAKARTA).date(), dt.timedelta(days=1)
    watched_house.hadir("scheme", "apply", SCHEMES, "--name", "BENGKULU-25-75", "--in-force", f"{today + day}", "--reason", "uji")
    for month in sorted({f"{today + n * day:%Y-%m}" for n in (1, 15)}):  # a day more than is looked at, as midnight may pass
        of_month = ("--unit", unit["code"], "--month", month)
        watched_house.hadir("roster", "propose", *of_month, "--save")
        for step in ("submit", "approve", "publish"):
            watched_house.hadir("roster", step, *of_month, "--reason", "uji", "--actor", f"uji-{step}")
    return str(unit["code"])


@contextlib.contextmanager
def frozen(house: Any, service: str) -> Iterator[None]:
    """The service's process, stopped in its tracks."""
    [pid] = [child["pid"] for child in json.loads((house.home / "running.json").read_text())["children"] if child["name"] == service]
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


@pytest.mark.usefixtures("with_scheme")
def test_every_query_of_every_panel_finds_something(prometheus: Prometheus) -> None:
    empty = list(QUERIES)

    def all_full() -> bool:
        empty[:] = [(dashboard, panel, query) for dashboard, panel, query in empty if not prometheus.values(query)]
        return not empty

    try:
        eventually(all_full, 240, "every panel shows something")
    except AssertionError as error:
        raise AssertionError("\n".join(f"{dashboard} / {panel} is empty: {query}" for dashboard, panel, query in empty)) from error


def test_a_units_wfa_stands_beside_the_quota_of_its_scheme(prometheus: Prometheus, with_scheme: str, watched_house: Any) -> None:
    [panel] = [panel for panel in PLACES.panels if panel.title == "WFA dan kuota skema per OPD"]

    def shown() -> list[dict[str, float]]:
        """Planned shares, quotas and shares as they were, by unit."""
        found = (prometheus.ask("query", query=fit(query.expr))["result"] for query in panel.queries)
        return [{series["metric"]["org_unit"]: float(series["value"][1]) for series in result} for result in found]

    def forecast() -> float:
        """Share of the next day of work. What `forecast` shows unasked begins today, when the scheme is not yet in force."""
        # any date: asked anew each time, as the monitor does
        today, day = dt.datetime.now(JAKARTA).date(), dt.timedelta(days=1)
        told = watched_house.hadir("roster", "forecast", "--unit", with_scheme, "--date", f"{today + day}..{today + 14 * day}")
        return next(int(one[1]) / int(one[2]) for one in re.finditer(r"WFA (\d+) dari (\d+)", told) if int(one[2]))

    # The monitor looks once a minute: until then it shows what was planned before the roster was published, or before midnight.
    eventually(lambda: shown()[0].get(with_scheme) == pytest.approx(forecast()), 180, "the published roster is shown")
    planned, quota, fact = shown()
    assert planned[with_scheme] == pytest.approx(quota[with_scheme])
    assert 0.5 <= planned[with_scheme] <= 0.75
    assert any(share > 0 for share in fact.values())
    assert not {UNIT} & (planned.keys() | quota.keys() | fact.keys()), "the canaries' unit is no unit"


def test_nothing_that_must_be_0_is_anything_else_and_no_alert_fires(prometheus: Prometheus) -> None:
    for name in ("hadir_balance_differences", "hadir_acknowledged_missing", "hadir_canary_wrongly_penalised"):
        assert prometheus.now(f"max({name})") == 0, name
    # What a busy machine was late with is over soon; an alert that is wrong about a sound house goes on.
    eventually(lambda: not prometheus.firing(), 180, "no alert fires", prometheus.firing)


def test_the_figures_are_those_of_the_play(prometheus: Prometheus, watched_house: Any) -> None:
    # Canaries have check-ins too; figures by unit leave them out.
    assert prometheus.now('count(count by (opd) (hadir_opd_days{opd="KENARI"}))') is None
    judged = 'sum(hadir_opd_days{mode=~"WFO|WFA", status=~"PRESENT|ABSENT|HELD|LEAVE"})'
    eventually(lambda: 100 < (prometheus.now(judged) or 0) <= 150, 120, "the days of the play", lambda: prometheus.now(judged))
    told = watched_house.hadir("verify", "balance")
    rupiah = int(re.search(r"Rp ([\d.]+)", told)[1].replace(".", ""))  # type: ignore[index]
    assert rupiah > 0
    shown = "sum(hadir_month_deduction_rupiah)"
    eventually(lambda: prometheus.now(shown) == rupiah, 120, f"Rp {rupiah}", lambda: prometheus.now(shown))


async def test_canaries_lived_and_never_touched_money(prometheus: Prometheus, watched_house: Any) -> None:
    eventually(lambda: (prometheus.now('hadir_canary_days_total{outcome="as-known"}') or 0) >= 4, 240, "a day of all canaries")
    for outcome in ("penalised", "spared"):
        assert prometheus.now(f'hadir_canary_days_total{{outcome="{outcome}"}}') == 0

    of_canaries = "join schedule.employee e using (employee_id) where starts_with(e.played_clock, $1)"
    assert await watched_house.fetch(f"select 1 from payroll.ledger l {of_canaries}", CANARY_CLOCKS) == []
    months = await watched_house.fetch(f"select amount, supplementary, raw_percent from payroll.month m {of_canaries}", CANARY_CLOCKS)
    assert {(month["amount"], month["supplementary"]) for month in months} == {(None, 0)}
    assert {month["raw_percent"] for month in months} != {"0.00"}


async def test_no_export_of_money_has_a_canary_unless_it_is_asked_for_canaries(
    prometheus: Prometheus, watched_house: Any, tmp_path: Path
) -> None:
    eventually(lambda: prometheus.now("sum(hadir_canary_days_total)"), 240, "a day of a canary")
    [canaries] = await watched_house.fetch(
        """select array_agg(distinct e.nip) as nips, min(e.played_clock) as clock, min(m.month) as month
           from schedule.employee e join payroll.month m using (employee_id) where starts_with(e.played_clock, $1)""", CANARY_CLOCKS)
    assert canaries["nips"]

    def exported(*options: str) -> set[str]:
        path = tmp_path / f"{len(options)}.csv"
        watched_house.hadir("report", "recap", "--month", canaries["month"], *options, "--output", path)
        return {nip for nip in canaries["nips"] if nip in path.read_text()}

    assert exported() == set()
    assert exported("--clock", canaries["clock"]) == set(canaries["nips"])


async def test_every_query_in_the_runbooks_can_be_asked(prometheus: Prometheus, watched_house: Any) -> None:
    connection = await connect_auditor(watched_house.database)
    asked = 0
    try:
        for page in sorted(RUNBOOKS.glob("*.md")):
            for query in re.findall(r"```sql\n(.*?)```", page.read_text(), re.DOTALL):
                try:
                    await connection.fetch(query)
                except asyncpg.PostgresError as error:
                    pytest.fail(f"{page.name}: {error}\n{query}")
                asked += 1
    finally:
        await connection.close()
    assert asked >= 10


@pytest.mark.timeout(900)
def test_a_frozen_service_is_told_within_two_minutes_and_punishes_nobody(prometheus: Prometheus, watched_house: Any) -> None:
    [in_time] = [panel.queries[0].expr for panel in MORNING.panels if panel.title == "Dinilai dalam 60 detik"]
    eventually(lambda: prometheus.now(in_time) == 1, 180, "all was assessed in time so far", lambda: prometheus.now(in_time))
    with frozen(watched_house, "geofence"):
        took = eventually(lambda: "HadirCanaryWaiting" in prometheus.firing(), 120, "HadirCanaryWaiting fires")
        stalled = 'max(hadir_stalled_seconds{service="geofence"})'
        eventually(lambda: (prometheus.now(stalled) or 0) > 65, 120, "a check-in has waited for longer than is promised")
    print(f"HadirCanaryWaiting fired {took:.0f} s after geofence was stopped")
    eventually(lambda: "HadirCanaryWaiting" not in prometheus.firing(), 180, "the alert ends when the service goes on")
    assert prometheus.now("max(hadir_canary_wrongly_penalised)") == 0
    eventually(lambda: 0 < (prometheus.now(in_time) or 0) < 1, 120, "the tile tells of those who were assessed late")
