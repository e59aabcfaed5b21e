"""Dumps of the whole database by PostgreSQL's own programs, each with a paper beside it that says what it must hold."""

import asyncio
import datetime as dt
import json
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from hashlib import file_digest
from pathlib import Path
from time import perf_counter
from typing import Any, Final
from urllib.parse import unquote, urlsplit, urlunsplit
from uuid import uuid4

from services.backup.figures import Figures, figures_seen_by
from services.local.postgres import program
from services.local.process import LocalError
from shared.database import AUDIT_ROLE, Connection, connect
from shared.refusal import Refusal
from shared.schemas import create_roles
from shared.topics import SERVICES

_FORMAT: Final = 1


@dataclass(frozen=True)
class Paper:
    """What is said of a dump: when its snapshot was taken (aware, UTC), its bytes and SHA-256, and its figures."""

    at: dt.datetime
    size: int
    sha256: str
    figures: Figures
    seconds: float
    """How long taking it lasted."""


@dataclass(frozen=True)
class Restored:
    """A dump in a database again: how long restoring and comparing lasted, how large it is, and what differs (nothing)."""

    seconds: float
    compared_seconds: float
    size: int
    differences: list[str]


def paper_of(file: Path) -> Path:
    """Where the paper of a dump lies."""
    return file.with_name(file.name + ".json")


def read_paper(file: Path) -> Paper:
    """The paper beside a dump; raises Refusal when it is missing or the dump is not the one that it is about."""
    try:
        told = json.loads(paper_of(file).read_text())
        if told["format"] != _FORMAT:
            raise Refusal(f"{paper_of(file)} was written by another version of Hadir; check the dump with that one.")
        paper = Paper(
            dt.datetime.fromisoformat(told["at"]), told["size"], told["sha256"], Figures.of_json(told["figures"]), told["seconds"]
        )
    except FileNotFoundError as error:
        raise Refusal(f"There is no {paper_of(file)}: without it nobody can say what the dump must hold.") from error
    except (ValueError, KeyError, TypeError) as error:
        raise Refusal(f"{paper_of(file)} is not what `hadir backup take` writes ({type(error).__name__}).") from error
    if not file.is_file():
        raise Refusal(f"There is no {file}.")
    if (file.stat().st_size, _sha256(file)) != (paper.size, paper.sha256):
        raise Refusal(f"{file} is not the dump that {paper_of(file).name} is about: it was cut short or changed. Use another one.")
    return paper


async def take(url: str, file: Path) -> Paper:
    """Dumps the database `url` into `file`, and what it holds into `file`.json, both of one snapshot; nothing has to stop.

    The login must be able to read everything. Raises Refusal when there is such a file already or pg_dump fails.
    """
    if file.exists() or paper_of(file).exists():  # noqa: ASYNC240 - nothing else runs here
        raise Refusal(f"{file} exists already; a backup is never overwritten.")
    begun = perf_counter()
    draft = file.with_name(f".{file.name}.{uuid4().hex[:8]}")
    draft.touch(mode=0o600)  # pay and names of people are in it
    try:
        async with _snapshot(url) as (connection, snapshot):
            at: dt.datetime = await connection.fetchval("select transaction_timestamp()")
            dumping = asyncio.ensure_future(
                _run("pg_dump", url, f"--snapshot={snapshot}", "--format=custom", f"--file={draft}", "--no-password")
            )
            try:
                figures = await figures_seen_by(connection)
            finally:
                await dumping
        paper = Paper(at, draft.stat().st_size, _sha256(draft), figures, perf_counter() - begun)
        draft.rename(file)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    told: dict[str, Any] = {
        "format": _FORMAT, "at": at.isoformat(), "size": paper.size, "sha256": paper.sha256, "seconds": paper.seconds,
        "figures": figures.as_json(),
    }  # fmt: skip
    paper_of(file).write_text(json.dumps(told, indent=1) + "\n")
    return paper


async def restore(file: Path, url: str) -> Restored:
    """Restores a dump into the database `url`, which is made if it is not there and must be empty, and compares the figures.

    Roles are made where the server has none. The login must be able to do all that. Raises Refusal when the database
    holds something, the dump is not whole, or pg_restore fails.
    """
    paper = read_paper(file)
    begun = perf_counter()
    await _make_room(url)
    await _run("pg_restore", url, "--exit-on-error", "--no-password", str(file))
    restored = perf_counter()
    async with _snapshot(url) as (connection, _):
        found = await figures_seen_by(connection)
        size: int = await connection.fetchval("select pg_database_size(current_database())")
    return Restored(restored - begun, perf_counter() - restored, size, paper.figures.differences(found))


@asynccontextmanager
async def trial_beside(url: str) -> AsyncIterator[str]:
    """URL of a database on the same server that nobody else knows, and that is gone afterwards."""
    name = f"hadir_trial_{uuid4().hex[:12]}"
    try:
        yield named(url, name)
    finally:
        connection = await connect(url, None, name="hadir backup")
        try:
            await connection.execute(f"drop database if exists {name} with (force)")
        finally:
            await connection.close()


def named(url: str, database: str) -> str:
    """The same server and login, another database; a URL stays as it is."""
    return database if "://" in database else urlunsplit(urlsplit(url)._replace(path=f"/{database}"))


@asynccontextmanager
async def _snapshot(url: str) -> AsyncIterator[tuple[Connection, str]]:
    """A transaction that reads everything as of one instant, which pg_dump may share."""
    connection = await connect(url, None, name="hadir backup")
    try:
        # The session is idle while pg_dump works, and may work longer than a service ever does.
        await connection.execute("set idle_in_transaction_session_timeout = 0; set statement_timeout = 0")
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            snapshot: str = await connection.fetchval("select pg_export_snapshot()")
            await connection.execute(f"set local role {AUDIT_ROLE}")
            yield connection, snapshot
    finally:
        await connection.close()


async def _make_room(url: str) -> None:
    name = urlsplit(url).path.lstrip("/")
    server = await connect(named(url, "postgres"), None, name="hadir backup")
    try:
        if not await server.fetchval("select exists (select from pg_database where datname = $1)", name):
            await server.execute('create database "{}"'.format(name.replace('"', '""')))
    finally:
        await server.close()
    connection = await connect(url, None, name="hadir backup")
    try:
        there = await connection.fetch("select nspname from pg_namespace where nspname = any($1::text[])", list(SERVICES))
        if there:
            raise Refusal(f"The database {name} holds something already; name one that does not exist yet, or drop it first.")
        await create_roles(connection)
    finally:
        await connection.close()


async def _run(name: str, url: str, *arguments: str) -> None:
    """One of PostgreSQL's programs on a database; the password goes by the environment, where other users do not see it."""
    address = urlsplit(url)
    host = address.netloc.rpartition("@")[2]
    login = f"{address.username}@" if address.username else ""
    environment = dict(os.environ)
    if address.password:
        environment["PGPASSWORD"] = unquote(address.password)
    process = await asyncio.create_subprocess_exec(
        _program(name), "--dbname", urlunsplit(address._replace(netloc=login + host)), *arguments, env=environment,
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        _, said = await process.communicate()
    except BaseException:
        process.kill()
        await process.wait()
        raise
    if process.returncode:
        raise Refusal(f"{name} failed: {said.decode(errors='replace').strip()[-1000:]}")


def _program(name: str) -> str:
    try:
        if (path := program(name)).exists():
            return str(path)
    except LocalError:
        pass  # an image without the wheel
    found = shutil.which(name)
    if found is None:
        raise Refusal(f"There is no {name} here: install PostgreSQL's client programs of the server's version or newer, or `make setup`.")
    return found


def _sha256(file: Path) -> str:
    with file.open("rb") as opened:
        return file_digest(opened, "sha256").hexdigest()
