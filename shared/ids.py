"""Ids in asyncpg's class: a `uuid.UUID` to whoever compares, hashes or prints it, and several times as fast, since it is in C."""

from uuid import UUID

from asyncpg.pgproto.pgproto import UUID as QuickUUID  # noqa: N811 - an UUID like any other


def id_of(text: str) -> UUID:
    """The id that these 32 to 36 characters say; a ValueError if they say none. `uuid.UUID` reads more spellings."""
    return QuickUUID(text)


def id_of_bytes(sixteen: bytes) -> UUID:
    """The id of 16 bytes, in the order of RFC 9562."""
    return QuickUUID(sixteen)


def quick(identity: UUID) -> UUID:
    """The same id, for those that are looked up and printed often. orjson and pydantic do not write this class."""
    return QuickUUID(identity.bytes)
