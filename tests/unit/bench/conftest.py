"""A machine is looked at for an instant: it is not asked here whether it is quiet."""

import pytest

from services.bench import machine


@pytest.fixture(autouse=True)
def _an_instant(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "_LOOK_S", 0.01)
