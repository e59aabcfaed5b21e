"""Holds what the HTTP handlers work with; built by `app`, handed to them as `app.state.edge`."""

from collections.abc import Callable
from dataclasses import dataclass

from services.ingest.intake import Intake
from services.ingest.publisher import Publisher
from services.ingest.store import Store
from shared.settings import Settings


@dataclass(frozen=True, slots=True)
class Edge:
    """The collaborators of one app. `employees_loaded`: the employee table has caught up since the start."""

    settings: Settings
    store: Store
    publisher: Publisher
    intake: Intake
    employees_loaded: Callable[[], bool]
