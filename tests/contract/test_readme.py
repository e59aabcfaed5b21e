"""The README is true: every place it names exists, its tables are those of the code, its targets are in the Makefile."""

import re
from pathlib import Path

import pytest

from services.commands.charters import services_markdown
from shared.kafka import topics_markdown
from shared.settings import Settings

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
MAKEFILE = (ROOT / "Makefile").read_text()
PLACES = sorted(set(re.findall(r"`((?:services|shared|tests)/[\w/]+\.py)(?::(\w+))?`", README)))


@pytest.mark.parametrize(("path", "function"), PLACES)
def test_every_place_that_the_readme_names_exists(path: str, function: str) -> None:
    source = (ROOT / path).read_text()

    assert not function or re.search(rf"\b(def|class) {function}\b", source)


def test_the_readme_follows_a_check_in_over_eight_hops() -> None:
    assert re.findall(r"^\| ([1-8]) \|", README, re.MULTILINE) == list("12345678")


def test_the_table_of_topics_is_the_one_made_from_the_declaration() -> None:
    block = re.search(r"<!-- topics:begin -->\n(.*?)<!-- topics:end -->", README, re.DOTALL)

    assert block is not None
    assert block[1].strip() == topics_markdown().strip()


def test_the_table_of_services_is_the_one_made_from_charters_topics_and_ports() -> None:
    block = re.search(r"<!-- services:begin -->\n(.*?)<!-- services:end -->", README, re.DOTALL)

    assert block is not None
    assert block[1].strip() == services_markdown().strip()


def test_every_page_that_the_readme_names_exists() -> None:
    named = set(re.findall(r"`((?:docs|deploy)/[\w./-]+)`", README)) | set(re.findall(r"\]\((docs/[^)]+)\)", README))

    assert {page for page in named if not (ROOT / page).exists()} == set()


def test_every_make_target_that_the_readme_names_is_in_the_makefile() -> None:
    named = set(re.findall(r"\bmake ([a-z][a-z0-9-]+)", README))

    assert {target for target in named if not re.search(rf"^{target}:", MAKEFILE, re.MULTILINE)} == set()


def test_every_environment_variable_that_the_readme_names_is_a_setting_or_read_somewhere() -> None:
    code = "\n".join(path.read_text() for folder in ("services", "shared", "tests") for path in (ROOT / folder).rglob("*.py"))
    fields = {f"HADIR_{name.upper()}" for name in re.findall(r"^    (\w+): .*Field\(", code, re.MULTILINE)}

    assert {name for name in re.findall(r"\bHADIR_[A-Z_]+\b", README) if name not in fields and f'"{name}"' not in code} == set()


def test_the_table_of_settings_is_the_one_of_the_code() -> None:
    block = re.search(r"<!-- settings:begin -->\n(.*?)<!-- settings:end -->", README, re.DOTALL)
    rows = [f"| `HADIR_{name.upper()}` | `{field.default}` | {field.description} |" for name, field in Settings.model_fields.items()]

    assert block is not None
    assert block[1].splitlines()[2:] == rows
