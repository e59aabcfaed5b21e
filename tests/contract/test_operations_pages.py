"""The pages for the second day name only what exists: commands, settings, deployments, tables that lose rows."""

import re
from pathlib import Path

import pytest

from services.capacity.sizing import TABLES_PER_CHECK_IN, need
from shared.settings import Settings
from tests.pages import ROOT, missing_command, named_commands

PAGES = [ROOT / "docs" / name for name in ("operations.md", "capacity.md", "upgrade.md")]
TEXT = {page.name: page.read_text() for page in PAGES}


@pytest.mark.parametrize(("page", "line"), named_commands(PAGES))
def test_every_command_that_a_page_names_exists(page: str, line: str) -> None:
    assert missing_command(line) is None, f"{page} names {missing_command(line)!r}, which does not exist"


def test_every_setting_and_its_default_is_the_code_s() -> None:
    known = {f"HADIR_{name.upper()}": field.default for name, field in Settings.model_fields.items()}
    named = {name for text in TEXT.values() for name in re.findall(r"HADIR_[A-Z_]+", text)}

    assert named <= known.keys() | {"HADIR_HOME"}
    rows = re.findall(r"\| (\d+) days[^|]*\|[^|]*\| `(HADIR_\w+_DAYS)` \|", TEXT["operations.md"])
    assert {name: int(days) for days, name in rows} == {name: default for name, default in known.items() if name.endswith("_DAYS")}


def test_every_link_file_and_deployment_is_there() -> None:
    manifests = "\n".join(path.read_text() for path in (ROOT / "deploy" / "k8s").rglob("*.yaml"))
    for text in TEXT.values():
        for target in re.findall(r"\]\(([^)#]+)\)", text):
            assert (ROOT / "docs" / target).exists(), target
        for path in re.findall(r"`((?:deploy|shared|services|tests|overlays|base)/[\w./-]+)`", text):
            under: Path = ROOT / "deploy" / "k8s" if path.startswith(("base/", "overlays/")) else ROOT
            assert (under / path).exists(), path
        for name in re.findall(r"deploy/(hadir-[\w-]+)", text):
            assert f"name: {name}\n" in manifests, name


def test_the_page_of_capacity_says_what_the_command_says() -> None:
    text = TEXT["capacity.md"]
    for employees in (60_000, 300_000, 5_000_000):
        found = need(employees)
        assert f"{employees:,} employees, {found.check_ins_a_day:,} check-ins a day, {found.peak:,.0f}/s at the peak" in text
        assert f"{found.cores:,.1f} cores" in text
    lasting = {"geofence.check_in", "schedule.mark", "schedule.assessment", "schedule.violation", "schedule.work_report", "payroll.month",
               "payroll.ledger"}  # fmt: skip
    assert f"{sum(TABLES_PER_CHECK_IN[name] for name in lasting):,} B" in text
