"""Commands over HTTP: carried out once for each `Idempotency-Key`, recorded with actor, role and reason on the audit topic.

The same key with the same request gets the first answer again; with another request 409. Key and audit record are written
in the transaction that has the command's effect (`_Noted.hold`), so that neither exists without the other. If the
process dies between that and the answer, the repetition runs the command again, which then finds everything done: commands
of the services change nothing when they are given twice. One that would be refused the second time, since what it decides is
decided, asks `Lanes.given_before`.
"""

import datetime as dt
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from hashlib import sha256
from typing import Annotated, Any, Final
from uuid import UUID, uuid5

from fastapi import Depends, Header, Request, Response
from pydantic import BaseModel, Field

from shared.database import Connection
from shared.events import HADIR_NAMESPACE, AuditRecorded, Text
from shared.lanes import Lanes, Position, Work
from shared.topics import AUDIT, Service, lane_of
from shared.web.actors import Actor, asks
from shared.web.api import Api
from shared.web.problems import IN_PROGRESS, KEY_MISSING, KEY_REUSED, Problem

KEPT: Final = dt.timedelta(days=90)
"""How long a key is remembered; what was commanded stays on the audit topic for ever."""

_LONGEST_KEY: Final = 100

_NOTED: Final = "select exists (select from command where actor = $1 and key = $2)"
_FIND: Final = "select digest, status, answer from command where actor = $1 and key = $2"
_NOTE: Final = """
insert into command (actor, key, digest) values ($1, $2, $3) on conflict (actor, key) do nothing returning true
"""
_ANSWER: Final = """
insert into command (actor, key, digest, status, answer) values ($1, $2, $3, $4, $5)
on conflict (actor, key) do update set status = excluded.status, answer = excluded.answer
"""


class CommandBody(BaseModel):
    """Isi setiap perintah: alasan, yang tercatat dalam jejak audit bersama pelaku dan perannya."""

    model_config = {"extra": "forbid", "frozen": True}

    reason: Annotated[Text, Field(min_length=1, description="Alasan atau dasar keputusan, misalnya nomor surat")]


def command_id(service: Service, actor: str, key: str) -> UUID:
    """The id of the command that this actor gives to this service with this key."""
    return uuid5(HADIR_NAMESPACE, f"command|{service}|{actor}|{key}")


class Command:
    """One command that somebody who may give it has given, with its key."""

    def __init__(self, api: Api, actor: Actor, verb: str, key: str, digest: bytes) -> None:
        self._api = api
        self.actor: Final = actor
        self.verb: Final = verb
        self._key = key
        self._digest = digest
        self.id: Final = command_id(api.lanes.service, actor.name, key)
        """Follows from actor and key: what the command creates may have it as its id and is then created once."""

    async def run(
        self, act: Callable[[Lanes], Awaitable[BaseModel]], *, subject: str, reason: str, status: int = 200
    ) -> Response:
        """Carries the command out on the lanes it is given, or repeats the answer it got.

        `subject` is the id of what it is about, never a name. What `act` raises is not remembered: nothing happened,
        and the same key may be tried again. Raises Problem 409 for a key that is in use for something else.
        """
        async with self._api.room_for_command(), self._api.pool.acquire() as guard:
            number = int.from_bytes(sha256(f"{self.actor.name}|{self._key}".encode()).digest()[:8], signed=True)
            async with alone(guard, number):
                row = await guard.fetchrow(_FIND, self.actor.name, self._key)
                if row is not None and row["digest"] != self._digest:
                    raise Problem(KEY_REUSED)
                if row is not None and row["answer"] is not None:
                    return _response(row["answer"], row["status"], {"Hadir-Replayed": "true"})
                answer = (await act(_Noted(self._api.lanes, self, subject, reason))).model_dump_json().encode()
                await guard.execute(_ANSWER, self.actor.name, self._key, self._digest, status, answer)
                return _response(answer, status)

    async def noted(self, work: Work) -> bool:
        """Whether this command took effect before."""
        return bool(await work.connection.fetchval(_NOTED, self.actor.name, self._key))

    async def note(self, work: Work, subject: str, reason: str) -> None:
        """Remembers the key and tells the audit topic, in the command's own transaction; the second time nothing."""
        if not await work.connection.fetchval(_NOTE, self.actor.name, self._key, self._digest):
            return
        now = dt.datetime.now(dt.UTC)
        told = AuditRecorded(
            audit_id=self.id, actor=self.actor.name, action=self.verb, subject=subject, at=now,
            detail={"role": self.actor.role.value, "reason": reason, "key": self._key},
        )
        lane = lane_of(self.actor.name)
        work.emit(AUDIT[work.service], str(self.id), 1, told, key=self.actor.name, lane=lane, cause=None, time=now)


@asynccontextmanager
async def alone(session: Connection, number: int) -> AsyncIterator[None]:
    """Nobody else carries out the command of this number meanwhile; raises Problem 409 when somebody does.

    A session that did not answer may have the lock or not. It is ended: its pool would keep it, and the command would be
    in progress for as long as the process lives.
    """

    async def told(query: str) -> Any:
        try:
            return await session.fetchval(query, number)
        except BaseException:  # cancelled, too
            session.terminate()
            raise

    if not await told("select pg_try_advisory_lock($1)"):
        raise Problem(IN_PROGRESS)
    try:
        yield
    finally:
        if not session.is_closed():  # else the server has let go of it
            await told("select pg_advisory_unlock($1)")


class _Noted(Lanes):
    """Lanes whose every unit of work also notes the command."""

    def __init__(self, lanes: Lanes, command: Command, subject: str, reason: str) -> None:
        super().__init__(lanes.pool, lanes.service)
        self._command, self._subject, self._reason = command, subject, reason
        self._begun = False

    @asynccontextmanager
    async def hold(
        self, lanes: Collection[int], *, topics: Collection[str] = (), epochs: Mapping[Position, int] | None = None
    ) -> AsyncIterator[Work]:
        """As `Lanes.hold`; the lane of the actor is locked too, for the audit record."""
        wanted = {*lanes, lane_of(self._command.actor.name)}
        async with super().hold(wanted, topics=topics, epochs=epochs) as work:
            if not self._begun:  # under the lanes, since the first attempt may be committing only now
                self._begun, self.given_before = True, await self._command.noted(work)
            yield work
            await self._command.note(work, self._subject, self._reason)


def commands(verb: str) -> Any:
    """Declares that a route carries out a command, which needs a verb and a key.

    Written `command: Annotated[Command, commands("sites.import")]`.
    """

    async def command(
        request: Request,
        actor: Annotated[Actor, asks(verb)],
        idempotency_key: Annotated[str | None, Header(
            description="UUID buatan pengirim; kunci sama dan isi sama mendapat jawaban yang sama")] = None,
    ) -> Command:
        key = (idempotency_key or "").strip()
        if not key or len(key) > _LONGEST_KEY or not key.isprintable():
            raise Problem(KEY_MISSING)
        url = request.url
        stated = f"{verb}\n{request.method} {url.path}?{url.query}\n".encode() + await request.body()
        return Command(request.app.state.api, actor, verb, key, sha256(stated).digest())

    return Depends(command)


async def forget_old(connection: Connection, at_most: int) -> int:
    """Deletes keys older than `KEPT`, the oldest first; returns how many."""
    tag = await connection.execute(
        "delete from command where (actor, key) in (select actor, key from command where made_at < now() - $1::interval"
        " order by made_at limit $2)", KEPT, at_most)
    return int(tag.rpartition(" ")[2])


def _response(answer: bytes, status: int, headers: Mapping[str, str] | None = None) -> Response:
    return Response(answer, status, headers, "application/json")
