"""The running proof that ledger and events say the same: what is missing or altered stays told until it is put right."""

import datetime as dt
from uuid import UUID

from services.monitor.entries import Entries

NOW = dt.datetime(2026, 2, 3, 1, tzinfo=dt.UTC)
ONE, TWO = UUID(int=1), UUID(int=2)


def test_an_entry_whose_event_was_seen_is_published_and_one_without_is_told_until_it_comes() -> None:
    entries = Entries()
    entries.take({ONE: {}}, {ONE}, NOW)
    entries.enter([ONE, TWO])
    assert (entries.unpublished, entries.strange) == ({TWO}, set())
    entries.take({}, set(), NOW + dt.timedelta(minutes=30))
    assert entries.unpublished == {TWO}
    entries.take({TWO: {}}, {TWO}, NOW + dt.timedelta(minutes=31))
    assert (entries.unpublished, entries.strange) == (set(), set())


def test_an_event_that_the_ledger_has_not_just_so_is_strange_until_the_right_one_comes() -> None:
    entries = Entries()
    entries.take({ONE: {}}, set(), NOW)
    assert entries.strange == {ONE}
    entries.take({ONE: {}}, {ONE}, NOW)
    assert entries.strange == set()
