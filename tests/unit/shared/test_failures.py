"""What is retried for ever, and what is somebody's bug."""

import asyncpg
import pytest
from aiokafka.errors import KafkaConnectionError, NotLeaderForPartitionError

from shared.failures import Fenced, Poison, Unready, is_infrastructure


@pytest.mark.parametrize(
    "error",
    [
        asyncpg.ConnectionDoesNotExistError("gone"),
        asyncpg.CannotConnectNowError("starting up"),
        asyncpg.AdminShutdownError("stopping"),
        asyncpg.SerializationError("try again"),
        asyncpg.DeadlockDetectedError("try again"),
        asyncpg.LockNotAvailableError("busy"),
        asyncpg.QueryCanceledError("too slow"),
        asyncpg.DiskFullError("full"),
        asyncpg.TooManyConnectionsError("full"),
        asyncpg.ReadOnlySQLTransactionError("failed over"),
        asyncpg.IdleInTransactionSessionTimeoutError("frozen"),
        asyncpg.UndefinedTableError("not migrated yet"),
        asyncpg.InvalidPasswordError("rotated"),
        asyncpg.InterfaceError("connection is closed"),
        ConnectionRefusedError(111, "refused"),
        TimeoutError(),
        KafkaConnectionError(),
        NotLeaderForPartitionError(),
        Unready("no site yet"),
    ],
)
def test_what_may_pass_by_itself_is_retried(error: Exception) -> None:
    assert is_infrastructure(error)


@pytest.mark.parametrize(
    "error",
    [
        asyncpg.UniqueViolationError("twice"),
        asyncpg.CheckViolationError("negative"),
        asyncpg.DivisionByZeroError("by zero"),
        asyncpg.NumericValueOutOfRangeError("too large"),
        asyncpg.CharacterNotInRepertoireError("NUL"),
        asyncpg.PostgresSyntaxError("selct"),
        asyncpg.DataError("an argument that cannot be encoded"),
        ValueError("bug"),
        KeyError("bug"),
        Poison("schema", "detail"),
        Fenced("other owner"),
    ],
)
def test_what_would_fail_for_ever_is_not(error: Exception) -> None:
    assert not is_infrastructure(error)
