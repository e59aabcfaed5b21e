"""A real service with one of its guarantees switched off: `python -m tests.faults.mutated MUTANT MODULE [ARGUMENT...]`.

The product knows nothing of it: one of its own functions is patched, and then its normal entry point runs. Who asks for that is
`House.start`. What each must be found out by is in mutants.py.
"""

import contextlib
import runpy
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from importlib import import_module
from typing import Any

from aiokafka.errors import KafkaError

from shared import pump, relay
from shared.batches import Batches
from shared.failures import Hole
from shared.lanes import Lanes, Work
from shared.relay import Relay


def no_fencing() -> None:
    """Writes whoever owns the lane by now."""
    lock = Lanes._lock

    async def unfenced(self: Lanes, connection: Any, lanes: Any, topics: Any, _: Any) -> Work:
        return await lock(self, connection, lanes, topics, {})

    _patch(Lanes, "_lock", unfenced)


def position_apart() -> None:
    """Commits the position first, and then the results in a transaction of their own."""
    transact = Batches._transact

    async def apart(self: Batches, claim: Any, part: Any, condemned: Any, complete_from: int | None) -> None:
        handle, read, hole = self._handle, list[Any](), None

        async def later(_: Work, records: Sequence[Any]) -> None:
            read.extend(records)

        self._handle = later
        try:
            await transact(self, claim, part, condemned, complete_from)
        except Hole as found:
            hole = found
        finally:
            self._handle = handle
        if read:
            async with self._lanes.hold({record.partition for record in read}) as work:
                await handle(work, read)
        if hole is not None:
            raise hole

    _patch(Batches, "_transact", apart)


def no_hole_check() -> None:
    """Goes on past records that never came."""
    transact = Batches._transact

    async def gullible(self: Batches, claim: Any, part: Any, condemned: Any, _: int | None) -> None:
        await transact(self, claim, part, condemned, 0)

    _patch(Batches, "_transact", gullible)


def kafka_position() -> None:
    """Goes on from the offset that Kafka was told, not from the position in the database."""

    async def trusting(self: Any) -> None:
        names = self.app.topic_names
        assigned = [(place.topic, place.partition) for place in self.assignment() if place.topic in names]
        await self.app.owner.take(self.app.consumer_generation_id, assigned)  # and no seek: Kafka's offset stands

    _patch(pump._PositionConsumer, "perform_seek", trusting)


def noack_off() -> None:
    """The textbook agent: Kafka is told of a record when it is brought, that offset is gone on from, and no hole is looked for."""
    bring, tell = pump.batches, pump.tell_lag

    async def acknowledging(stream: Any, most: int, within: float) -> AsyncIterator[Sequence[Any]]:
        async for messages in bring(stream, most, within):
            with contextlib.suppress(KafkaError, TimeoutError, RuntimeError):  # as it is when Kafka is not told how far we are
                await tell(stream.app, {(message.topic, message.partition): message.offset + 1 for message in messages})
            yield messages

    async def nothing(_pump: Any, _offsets: Any) -> None:
        """Kafka has been told already."""

    _patch(pump, "batches", acknowledging)
    _patch(pump, "tell_lag", nothing)
    kafka_position()
    no_hole_check()


def any_order() -> None:
    """Publishes the outbox the last row first; nothing counts as sent before all of a round is, so that nothing is lost by it."""
    publish = Relay._publish

    async def careless(self: Relay, connection: Any, producer: Any, rows: Any) -> Any:
        _, failure = await publish(self, connection, producer, rows[::-1])
        return {} if failure else {row["lane"]: row["seq"] for row in rows}, failure  # rows are in order: the last of each lane

    _patch(Relay, "_publish", careless)


def cursor_first() -> None:
    """Marks outbox rows as sent before the broker has acknowledged them."""
    publish = Relay._publish

    async def hasty(self: Relay, connection: Any, producer: Any, rows: Any) -> Any:
        ends = {row["lane"]: row["seq"] for row in rows}
        await connection.execute(relay._MARK, list(ends), list(ends.values()))
        return await publish(self, connection, producer, rows)

    _patch(Relay, "_publish", hasty)


def no_receipts() -> None:
    """Ingest takes every statement for a new one, whatever it has accepted under its id."""
    store = import_module("services.ingest.store")
    claim = store.Session.claim

    async def forgetful(self: Any, submissions: Any, others: Any) -> Any:
        await self._connection.execute("delete from receipt where id = any($1::uuid[])", [one.id for one in submissions])
        return await claim(self, submissions, others)

    _patch(store.Session, "claim", forgetful)


def no_inbox() -> None:
    """Geofence takes every check-in for a new one."""

    async def unknown(_connection: Any, _ids: Any) -> dict[Any, bytes]:
        return {}

    _patch(import_module("services.geofence.store.check_ins"), "known_digests", unknown)


def no_mark_versions() -> None:
    """Schedule takes every judgement of a check-in for a newer one than it has."""
    facts = import_module("services.schedule.store.facts")
    put = facts.put_marks

    async def forgetful(connection: Any, marks: Any) -> Any:
        await connection.execute("delete from mark where check_in_id = any($1::uuid[])", [mark.check_in_id for mark in marks])
        return await put(connection, marks)

    _patch(facts, "put_marks", forgetful)


def no_day_versions() -> None:
    """Payroll takes every version of a day for a newer one than it has."""

    def credulous(self: Any, days: Any) -> Any:
        return replace(self, days={**self.days, **{day.date: day for day in days}})

    _patch(import_module("services.payroll.rules.month").EmployeeMonth, "with_days", credulous)


def violations_stay() -> None:
    """Schedule raises what a new assessment finds and never takes back what the old one said."""
    assessing = import_module("services.schedule.assessing")
    diff = assessing.diff_violations

    def grudging(old: Any, new: Any) -> tuple[Any, tuple[()]]:
        return diff(old, new)[0], ()

    _patch(assessing, "diff_violations", grudging)


def charges_stay() -> None:
    """Payroll posts what a new version costs and never takes back what the old one did."""
    month = import_module("services.payroll.rules.month")
    diff = month.diff_ledger

    def hoarding(old: Any, new: Any) -> tuple[Any, ...]:
        return tuple(change for change in diff(old, new) if change.action == "posted")

    _patch(month, "diff_ledger", hoarding)


def cap_before_sum() -> None:
    """Payroll caps each line and then adds up, instead of capping the sum of the month."""
    fold = import_module("services.payroll.rules.fold")
    add, held = fold._Account.add, fold.held
    _patch(fold._Account, "add", lambda self, day, code, percent: add(self, day, code, min(percent, self.cap)))
    _patch(fold, "held", lambda sums, ceiling: tuple(replace(total, percent=total.raw_percent) for total in held(sums, ceiling)))


def _patch(owner: Any, name: str, value: Any) -> None:
    """What is not there cannot be switched off: a mutant that patches nothing would prove nothing."""
    assert name in vars(owner), f"{owner} has no {name}"
    setattr(owner, name, value)


SWITCHES: dict[str, Callable[[], None]] = {
    switch.__name__.replace("_", "-"): switch
    for switch in (
        no_fencing, position_apart, noack_off, any_order, cursor_first, no_receipts, no_inbox, no_mark_versions, no_day_versions,
        violations_stay, charges_stay, cap_before_sum,
    )
}  # fmt: skip


def main() -> None:
    """Switch the guarantee off, and be the service."""
    _, mutant, module, *arguments = sys.argv
    SWITCHES[mutant]()
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
