"""Holds what the HTTP handlers work with; built by `app`, handed to them as `app.state.edge`."""

from typing import NamedTuple

from services.ingest.intake import Intake
from shared.settings import Settings


class Edge(NamedTuple):
    """The collaborators of the handlers."""

    settings: Settings
    intake: Intake
