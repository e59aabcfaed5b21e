"""The consumer kits of docs/consumers, built and started as another system would."""

import json
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from _pytest.outcomes import OutcomeException

from services.local.downloads import kafka_jars, locked_jars
from services.local.process import Child, spawn
from tests import outside

KITS: Final = Path(__file__).parents[2] / "docs" / "consumers"


@dataclass
class Kit:
    """A consumer of another system: how it is started, and where it keeps its copy."""

    name: str
    command: list[str]
    folder: Path
    environment: dict[str, str]
    log: Path

    def follow(self) -> Child:
        return spawn(self.name, [*self.command, "follow"], self.log, environment=self.environment, folder=self.folder)

    def run(self, verb: str) -> str:
        return outside.run([*self.command, verb], self.folder, timeout=240, **self.environment)

    def copy(self) -> dict[str, Any]:
        return {key: json.loads(value) for key, value in (line.split(" ", 1) for line in self.run("show").splitlines())}

    def stored(self) -> int:
        """Records that it says it has stored, all its lives together."""
        return sum(map(int, re.findall(r"^stored (\d+) records$", self.log.read_text() if self.log.exists() else "", re.MULTILINE)))


def _java(work: Path) -> list[str]:
    listed = (KITS / "java" / "jars.lock").read_text().split()[::2]
    folder = kafka_jars()
    path = ":".join(str(folder / jar.filename) for jar in locked_jars() if jar.coordinate in listed)
    outside.run([outside.program("javac"), "-cp", path, "-d", str(work), "TppMonth.java"], KITS / "java")
    return [outside.program("java"), "-Xmx256m", "-cp", f"{work}:{path}", "TppMonth"]


def _go(work: Path) -> list[str]:
    outside.run([outside.program("go"), "build", "-mod=readonly", "-o", str(work / "tpp-month"), "."], KITS / "go")
    return [str(work / "tpp-month")]


def _node(_work: Path) -> list[str]:
    return [outside.program("node"), str(outside.npm_folder(KITS / "node") / "tpp-month.mjs")]


def _python(name: str) -> list[str]:
    return [sys.executable, str(KITS / name / "tpp_month.py")]


BUILD: Final = {
    "python-aiokafka": lambda _work: _python("python-aiokafka"),
    "python-confluent": lambda _work: _python("python-confluent"),
    "java": _java,
    "node": _node,
    "go": _go,
}


def build(name: str, work: Path, **environment: str) -> "Kit | OutcomeException":
    """A kit that is ready to run, or why it cannot be tried on this machine."""
    environment = {"COPY": str(work / "copy"), "GROUP": f"ext.test.{name}.{work.name}"} | environment
    try:
        return Kit(name, BUILD[name](work), work, environment, work / "log")
    except OutcomeException as reason:
        return reason
