"""Who reads at which commit something was measured finds that commit in the history, or is told what it landed as."""

import re
import subprocess

import pytest

from services.bench.page import LANDED_AS, read
from services.bench.running import ROOT
from tests import outside

PAGES = ("README.md", "docs/performance.md")
HASH = re.compile(r"(?<![0-9a-f-])(?=[0-9]*[a-f])(?=[a-f]*[0-9])[0-9a-f]{7,40}(?![0-9a-f-])")


def git(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([outside.program("git"), "-C", str(ROOT), *arguments], capture_output=True, text=True, check=False)


def told() -> dict[str, str]:
    """Every commit that the figures and their pages name, and where."""
    found = {record.commit.rstrip("+"): "docs/benchmarks.json" for record in read(ROOT / "docs/benchmarks.json")}
    for page in PAGES:
        found |= dict.fromkeys(HASH.findall((ROOT / page).read_text()), page)
    return found


def test_commits_are_found_among_numbers_words_and_ids() -> None:
    assert HASH.findall("1000000 defaced 12ab-34cdef56 7e05f1f, 6a9e815.") == ["7e05f1f", "6a9e815"]


def test_every_commit_at_which_something_was_measured_is_in_the_history_or_is_told_with_what_it_landed_as() -> None:
    wanted = {LANDED_AS.get(commit, commit): where for commit, where in told().items()}
    absent = [f"{commit} ({where})" for commit, where in wanted.items() if git("merge-base", "--is-ancestor", commit, "HEAD").returncode]
    if absent and git("rev-parse", "--is-shallow-repository").stdout.strip() != "false":
        outside.missing(f"a clone with its whole history is needed to look for {', '.join(absent)}", required="HADIR_REQUIRE_HISTORY")
    assert absent == []


@pytest.mark.parametrize("page", PAGES)
def test_a_page_that_names_a_commit_which_is_not_in_the_history_says_what_it_landed_as(page: str) -> None:
    text = (ROOT / page).read_text()

    assert [gone for gone in HASH.findall(text) if gone in LANDED_AS and f"landed as {LANDED_AS[gone]}" not in text] == []
