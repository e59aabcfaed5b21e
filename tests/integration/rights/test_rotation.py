"""Rotating a secret as docs/operations.md says: who is in stays in, the old password lets nobody in again, the new one does."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import asyncpg
import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._scram import ScramCredentialInfo, ScramMechanism, UserScramCredentialUpsertion

from shared.reading import consuming
from shared.settings import settings
from shared.topics import DAY_ASSESSED
from tests.integration.rights.conftest import PASSWORD, Guarded

NEW = "yang-berikutnya"


def as_strimzi_would(broker: Guarded, user: str, password: str) -> None:
    """What the user operator does when a user's Secret was deleted: another password."""
    upsertion = UserScramCredentialUpsertion(user, ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, 4096), password.encode())
    admin = AdminClient({"bootstrap.servers": broker.trusted})
    for done in admin.alter_user_scram_credentials([upsertion]).values():
        done.result(60)


@asynccontextmanager
async def session(broker: Guarded) -> AsyncIterator[AIOKafkaConsumer]:
    async with consuming(broker.guarded, "test") as consumer:
        consumer.assign([TopicPartition(DAY_ASSESSED.name, 0)])
        yield consumer


async def lets_in(broker: Guarded) -> bool:
    try:
        async with session(broker) as consumer:
            await consumer.seek_to_beginning()
    except KafkaError:
        return False
    return True


async def test_a_new_kafka_password_ends_no_session_and_lets_the_old_one_in_no_more(
    broker: Guarded, login: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    login("hadir-sink")
    async with session(broker) as before:
        await before.seek_to_beginning()
        as_strimzi_would(broker, "hadir-sink", NEW)
        try:
            await before.getmany(timeout_ms=200)
            async with asyncio.timeout(60):
                while await lets_in(broker):  # the broker learns of it after the controller
                    pass
            monkeypatch.setenv("HADIR_KAFKA_PASSWORD", NEW)
            settings.cache_clear()
            async with session(broker) as after:
                await after.seek_to_beginning()
        finally:
            as_strimzi_would(broker, "hadir-sink", PASSWORD)
            monkeypatch.setenv("HADIR_KAFKA_PASSWORD", PASSWORD)
            settings.cache_clear()
            async with asyncio.timeout(60):
                while not await lets_in(broker):  # whoever logs in next is let in
                    pass


async def test_a_new_database_password_ends_no_session_and_lets_the_old_one_in_no_more(postgres: str, logins: dict[str, str]) -> None:
    operator, before = await asyncpg.connect(postgres), await asyncpg.connect(logins["hadir_audit"])
    try:
        await operator.execute(f"alter role hadir_audit password '{NEW}'")
        assert await before.fetchval("select current_user") == "hadir_audit"
        with pytest.raises(asyncpg.InvalidPasswordError):
            await asyncpg.connect(logins["hadir_audit"])
        after = await asyncpg.connect(logins["hadir_audit"].replace(PASSWORD, NEW))
        await after.close()
    finally:
        await operator.execute(f"alter role hadir_audit password '{PASSWORD}'")
        await before.close()
        await operator.close()
