"""A run of tests says in a sentence what it cannot be asked for."""

import pytest

from tests.chosen import whole


@pytest.mark.parametrize("text", ["x", "-1", "1.5", "", "0"])
def test_what_is_no_number_that_can_be_had_is_refused_with_a_sentence(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HADIR_FAULT_CYCLES", text)
    with pytest.raises(pytest.Collector.CollectError, match=f"^HADIR_FAULT_CYCLES={text} is not a whole number of 1 or more$"):
        whole("HADIR_FAULT_CYCLES", 20, least=1)


def test_what_is_not_given_is_as_usual(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HADIR_FAULT_CYCLES", raising=False)
    assert whole("HADIR_FAULT_CYCLES", 20, least=1) == 20
    monkeypatch.setenv("HADIR_FAULT_CYCLES", "2")
    assert whole("HADIR_FAULT_CYCLES", 20, least=1) == 2
