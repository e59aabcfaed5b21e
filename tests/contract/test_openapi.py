"""The HTTP API that apps are built against is the one in docs/openapi.json, until somebody changes both."""

from pathlib import Path

import orjson

from services.ingest.app import create_app
from shared.settings import Settings

COMMITTED = Path(__file__).parents[2] / "docs" / "openapi.json"


def test_the_committed_description_is_the_one_that_is_served() -> None:
    served = orjson.loads(orjson.dumps(create_app(Settings(), lambda _error: None).openapi()))

    assert served == orjson.loads(COMMITTED.read_bytes()), "run: python -m services.ingest openapi > docs/openapi.json"
