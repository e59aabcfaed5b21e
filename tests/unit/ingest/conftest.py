"""Makers of what ingest decides about."""

from collections.abc import Callable
from typing import Any

import pytest

CheckIn = Callable[..., dict[str, Any]]


@pytest.fixture(scope="session")
def a_check_in() -> CheckIn:
    """A body that is right in every field; keyword arguments replace fields, None removes them."""

    def make(**fields: Any) -> dict[str, Any]:
        body = {
            "check_in_id": "8c7f2a52-6d0f-4a54-9a0e-6e7e1f0b5c11",
            "employee_id": "2f1d7c1e-0b57-4c0e-8f39-1f0a4f6f7a01",
            "mark": "in",
            "captured_at": "2026-01-05T07:24:10+07:00",
            "latitude": -3.79565,
            "longitude": 102.2595,
            "accuracy_m": 12.5,
            "device_id": "perangkat-1",
            "source_app": "presensi",
            **fields,
        }
        return {name: value for name, value in body.items() if value is not None}

    return make
