"""A PostgreSQL server of the tests' own, from Debian's package, in a folder that goes again."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask_migrate import upgrade
from sqlalchemy import create_engine

from talentbank.competencies.service import load_seeds
from talentbank.permissions import SYSTEM
from tests.conftest import Stage, free_port

REASON = "PostgreSQL is not on this machine: `apt-get install postgresql` brings it"
FOLDERS = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: float(folder.parent.name))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Without PostgreSQL these tests are left out and say so; under CI they fail instead."""
    for item in items:
        if Path(__file__).parent in item.path.parents and not FOLDERS and not os.environ.get("CI"):
            item.add_marker(pytest.mark.skip(reason=REASON))


@pytest.fixture(scope="session")
def cluster() -> Iterator[str]:
    """The address of a server, without the database's name."""
    assert FOLDERS, REASON
    folder = Path(tempfile.mkdtemp(prefix="bank-postgres-"))
    user = None
    if os.geteuid() == 0:  # PostgreSQL refuses to run as root
        user = "postgres"
        shutil.chown(folder, user)
    port = free_port()

    def run(program: str, *arguments: str) -> None:
        subprocess.run(
            [FOLDERS[-1] / program, "-D", folder / "data", *arguments],
            user=user,
            cwd=folder,
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    run("initdb", "-A", "trust", "-U", "bank", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync")
    options = f"-c port={port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder} -c fsync=off"
    run("pg_ctl", "-w", "-l", str(folder / "log"), "-o", options, "start")
    yield f"postgresql+psycopg://bank@127.0.0.1:{port}"
    run("pg_ctl", "-m", "immediate", "stop")
    shutil.rmtree(folder)


def _create(cluster: str, name: str, template: str = "template1") -> str:
    """A new database of the server, a copy of another one, in the place of an old one; returns its address."""
    server = create_engine(f"{cluster}/postgres", isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.exec_driver_sql(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        connection.exec_driver_sql(f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY FILE_COPY')
    server.dispose()
    return f"{cluster}/{name}"


class ServerStage(Stage):
    """One app for many tests, on a database of the server that is made anew for each."""

    def __init__(self, folder: Path, cluster: str) -> None:
        super().__init__(folder, f"{cluster}/bank")
        self.cluster = cluster

    def renew(self, database: Path) -> None:
        _create(self.cluster, "bank", database.name)


@pytest.fixture(scope="session")
def migrated(cluster: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The name of a database that is migrated and seeded, to be copied."""
    address = _create(cluster, "migrated")
    stage = Stage(tmp_path_factory.mktemp("migrated"), address)
    with stage.app.app_context():
        upgrade()
        load_seeds(SYSTEM)
    stage.end()
    return "migrated"


@pytest.fixture(scope="session")
def server_stage(cluster: str, tmp_path_factory: pytest.TempPathFactory) -> ServerStage:
    return ServerStage(tmp_path_factory.mktemp("served"), cluster)


@pytest.fixture
def app(server_stage: ServerStage, migrated: str) -> Iterator[Flask]:
    """The app on a migrated, seeded database of its own."""
    yield server_stage.set(Path(migrated))
    server_stage.end()
