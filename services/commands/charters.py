"""The README's table of services, made from what the code says of itself: charters, topics, ports."""

import importlib
from collections.abc import Iterable
from typing import Any, Final

from shared.events import Event
from shared.settings import Settings
from shared.topics import AUDIT, CONSUMES, DEAD_LETTER, SERVICES, TOPICS, Service, Topic

_BESIDE: Final = ("reports", "monitor", "canaries", "sink", "simulator")
"""Rooms that run too, and own no topic."""


def services_markdown() -> str:
    """One row for each service: its charter's first sentence, what it reads and writes, where it answers."""
    rows = [
        f"| `services/{name}` | {charter(name)} | {_names(CONSUMES[name])} | {_names(_written(name))} | {_ports(name)} |"
        for name in SERVICES
    ]
    rows += [f"| `services/{name}` | {charter(name)} | | | {_ports(name)} |" for name in _BESIDE]
    return "\n".join(["| service | what it does | reads | writes | ports |", "|---|---|---|---|---|", *rows])


def charter(name: str) -> str:
    """The first line of a service's charter, without its name."""
    doc = importlib.import_module(f"services.{name}").__doc__ or ""
    said = doc.splitlines()[0].partition(": ")[2]
    return said or doc.splitlines()[0]


def _written(name: Service) -> list[Topic[Event]]:
    accounts = {topic.name for topic in (*AUDIT.values(), *DEAD_LETTER.values())}
    return [topic for topic in TOPICS if topic.owner == name and topic.name not in accounts]


def _names(topics: Iterable[Topic[Any]]) -> str:
    return ", ".join(f"`{topic.name.removeprefix('hadir.').removesuffix('.v1')}`" for topic in topics)


def _ports(name: str) -> str:
    fields = Settings.model_fields
    known = [(f"{name}_port", "API" if name == "ingest" else "metrics"), (f"{name}_api_port", "API")]
    return ", ".join(f"{fields[field].default} {what}" for field, what in known if field in fields)
