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

from talentbank import create_app
from talentbank.competencies.service import load_seeds
from talentbank.extensions import db
from talentbank.permissions import SYSTEM
from tests.conftest import free_port, settings

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


@pytest.fixture
def app(cluster: str, tmp_path: Path) -> Iterator[Flask]:
    """The app on a migrated, seeded database of its own."""
    name = f"bank_{tmp_path.name}".lower()
    server = create_engine(f"{cluster}/postgres", isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.exec_driver_sql(f'CREATE DATABASE "{name}"')
    server.dispose()
    app = create_app({**settings(tmp_path), "SQLALCHEMY_DATABASE_URI": f"{cluster}/{name}"})
    with app.app_context():
        upgrade()
        load_seeds(SYSTEM)
    yield app
    with app.app_context():
        db.session.remove()
        db.engine.dispose()
