"""Ids in C are ids: whoever compares, hashes, sorts or prints them need not know."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.ids import id_of, id_of_bytes, quick


@given(st.uuids(), st.uuids())
def test_a_quick_id_is_the_id_it_was_made_of_to_whoever_compares_hashes_sorts_or_prints_it(one: UUID, other: UUID) -> None:
    for same in (quick(one), id_of(str(one)), id_of(one.hex), id_of_bytes(one.bytes)):
        assert isinstance(same, UUID)
        assert same == one
        assert one == same
        assert {same} == {one}
        assert str(same) == str(one)
        assert same.bytes == one.bytes
        assert (same < quick(other)) == (one < other)


@pytest.mark.parametrize("text", ["", "x", "0" * 31, "0" * 33, "urn:uuid:00000000-0000-0000-0000-000000000000"])
def test_what_is_no_plain_id_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError, match="invalid UUID"):
        id_of(text)
