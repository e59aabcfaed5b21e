"""How the interpreter was built is read out of what each builder leaves in its settings."""

import datetime as dt
import platform
import re
import subprocess
import sys
import sysconfig
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from services.bench import machine
from services.bench.machine import Machine, OtherWork, disk, how_built
from services.bench.page import markdown
from services.bench.record import Record

FLAGS = {"PGO_PROF_GEN_FLAG": "-fprofile-generate", "PGO_PROF_USE_FLAG": "-fprofile-use -fprofile-correction"}
PLAIN = {**FLAGS, "CONFIG_ARGS": "'--prefix=/opt/python' '--enable-shared'", "PY_CFLAGS_NODIST": "-std=c11 -fvisibility=hidden"}
DEBIAN = {**PLAIN, "PGO_PROF_USE_FLAG": "", "CONFIG_ARGS": "'--enable-shared' '--prefix=/usr' '--with-computed-gotos'"}
BUSY = "import time\nwhile time.process_time() < 0.3: pass"
BOTH = "with profile-guided optimisation, with link-time optimisation"


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        (PLAIN, "without profile-guided optimisation"),  # pyenv and `./configure && make`: the compiler could have, nobody asked
        (PLAIN | {"CONFIG_ARGS": "'--enable-optimizations'"}, "with profile-guided optimisation"),
        (PLAIN | {"CONFIG_ARGS": "'--enable-optimizations' '--with-lto'"}, BOTH),  # the images of python.org's containers
        (PLAIN | {"CONFIG_ARGS": "'--with-lto'"}, "without profile-guided optimisation, with link-time optimisation"),
        (PLAIN | {"PY_CFLAGS_NODIST": f"-std=c11 {FLAGS['PGO_PROF_USE_FLAG']} -flto"}, BOTH),  # `make profile-opt` by hand
        (PLAIN | {"PY_CFLAGS_NODIST": "-fprofile-instr-use=code.profclangd"}, "with profile-guided optimisation"),
        (DEBIAN, f"by Debian {BOTH}"),
        ({"PGO_PROF_GEN_FLAG": "", "PGO_PROF_USE_FLAG": "", "CONFIG_ARGS": ""}, "without profile-guided optimisation"),
        ({}, "nobody knows how"),
    ],
)
def test_an_interpreter_is_told_to_be_built_with_a_profile_when_its_builder_used_one(settings: dict[str, str], told: str) -> None:
    assert how_built(settings, "x86_64") == told


def test_debian_uses_a_profile_only_where_its_rules_say_so() -> None:
    assert how_built(DEBIAN, "aarch64") == f"by Debian {BOTH}"
    assert how_built(DEBIAN, "riscv64") == "by Debian without profile-guided optimisation"


def test_a_disk_is_described_with_its_file_system_and_how_long_it_takes_until_something_is_safe(tmp_path: Path) -> None:
    kind = r"(\w+, which says that it (does not rotate|rotates)|no disk that is known)"

    assert re.fullmatch(rf"\w+ on {kind}; fsync of 8 KiB \d+\.\d\d ms", disk(tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_the_page_tells_the_disk_of_a_machine_as_it_was_last_looked_at() -> None:
    here = Machine(2, "Contoh CPU", 23.9, "Linux 6.1", "3.11.7", 3.0, 0.1, "without a profile")
    records = [
        Record("hop", "hop", 1.0, "", None, "", command, dt.date(2026, 11, day), "x", replace(here, disk=told))
        for command, day, told in (("a", 28, ""), ("b", 30, "ext4, 1 ms"), ("c", 29, "ext4, 2 ms"))
    ]

    page = markdown(records)
    assert page.endswith("(built without a profile); disk on 2026-11-30: ext4, 1 ms\n")
    assert "- **B**" not in page


def test_a_machine_is_described_with_the_interpreter_that_looks_at_it() -> None:
    here = Machine.now()

    assert here.built == how_built(sysconfig.get_config_vars(), platform.machine())
    assert f"Python {platform.python_version()} (built {here.built})" in here.sentence()


def test_other_work_is_what_the_processors_did_but_for_our_own_and_that_of_whoever_we_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    all_s = iter([(100.0, 10.0, 20.0, 0.0), (108.0, 14.0, 22.0, 1.0)])
    used = iter([(5.0, 1.0), (7.0, 2.0), (5.5, 1.5), (9.0, 4.0)])  # this process and its children, at the beginning and at the end

    def cpu_times() -> SimpleNamespace:
        return SimpleNamespace(**dict(zip(("user", "nice", "system", "steal"), next(all_s), strict=True)), idle=7.0, iowait=7.0)

    def getrusage(_who: int) -> SimpleNamespace:
        return SimpleNamespace(**dict(zip(("ru_utime", "ru_stime"), next(used), strict=True)))

    monkeypatch.setattr(machine, "psutil", SimpleNamespace(cpu_times=cpu_times))
    monkeypatch.setattr(machine, "resource", SimpleNamespace(getrusage=getrusage, RUSAGE_SELF=0, RUSAGE_CHILDREN=-1))
    monkeypatch.setattr(machine, "time", SimpleNamespace(monotonic=iter([100.0, 110.0]).__next__))

    assert OtherWork().cores() == 1.0  # 15 s of all, 5 of them ours, within 10 s


def test_our_own_work_is_that_of_our_children_and_of_theirs_too() -> None:
    before = machine._own_s()
    subprocess.run([sys.executable, "-c", f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {BUSY!r}])"], check=True)

    assert machine._own_s() - before >= 0.25
