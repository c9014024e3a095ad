"""A migrated, seeded database once a session, and a copy of it for each test."""

from __future__ import annotations

import fcntl
import gc
import os
import shutil
import socket
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp
from typing import Any

import argon2
import pytest
from flask import Flask
from flask_babel import force_locale
from flask_migrate import upgrade
from hypothesis import settings as hypothesis
from jinja2 import FileSystemBytecodeCache

from talentbank import create_app
from talentbank.accounts import passwords
from talentbank.competencies.service import load_seeds
from talentbank.credentials.bank import Bank
from talentbank.demo import service as demo
from talentbank.extensions import db
from talentbank.permissions import SYSTEM, Actor
from talentbank.practice.evidence import Store
from tests import factories
from tests.web.reader import Reader, Reads

# Some tests have an app of their own; templates are compiled once for all of them.
_compiled = TemporaryDirectory(prefix="bank-jinja-")
Flask.jinja_options = {**Flask.jinja_options, "bytecode_cache": FileSystemBytecodeCache(_compiled.name)}

hypothesis.register_profile("bank", deadline=None, max_examples=40)  # compiled code takes its time once
hypothesis.load_profile("bank")


def settings(database: Path) -> dict[str, Any]:
    return {
        "TESTING": True,
        "SECRET_KEY": "only for tests",
        "SQLALCHEMY_DATABASE_URI": f"sqlite:///{database}",
        "RATELIMIT_ENABLED": False,
        "SERVER_NAME": "bank.example",
        "BANK_URL": "https://bank.example",
        "BANK_EVIDENCE": database.parent / "evidence",
        "BANK_ISSUER_KEY": database.parent / "issuer_key.pem",
    }


def free_port() -> int:
    """A port of this machine that nobody listens at."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    return port


def pytest_collection_finish() -> None:
    """What is there before the first test is there to the last: the garbage collector need not walk it each time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


@pytest.fixture(scope="session", autouse=True)
def real_hasher() -> Iterator[argon2.PasswordHasher]:
    """Hash fast in all tests. The hasher that was put aside is for the one that looks at its parameters."""
    real = passwords._hasher
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "_hasher", argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
        passwords._nobodys.cache_clear()
        yield real
    passwords._nobodys.cache_clear()


def fill(path: Path, *steps: Callable[[], object]) -> None:
    """Do steps in an application context and leave one file behind, which can be copied."""
    app = create_app(settings(path))
    with app.app_context():
        for step in steps:
            step()
        db.session.remove()
        with db.engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        db.engine.dispose()


def copy(source: Path, folder: Path) -> Path:
    """A copy of a database file, and of the evidence and the key beside it."""
    folder.mkdir(exist_ok=True)
    if (source.parent / "evidence").exists():
        shutil.copytree(source.parent / "evidence", folder / "evidence")
        shutil.copy(source.parent / "issuer_key.pem", folder)
    return Path(shutil.copy(source, folder / "bank.sqlite3"))


def once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], Path]) -> Path:
    """A database that one of the processes makes in a new folder, and the others wait for."""
    worker = os.environ.get("PYTEST_XDIST_WORKER")
    shared = factory.getbasetemp().parent if worker else factory.getbasetemp()
    with (shared / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        made = shared / name
        if not made.exists():
            unfinished = Path(mkdtemp(prefix=name, dir=shared))
            make(unfinished)
            unfinished.rename(made)
        return made / "bank.sqlite3"


@pytest.fixture(scope="session")
def template_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    def make(folder: Path) -> Path:
        path = folder / "bank.sqlite3"
        fill(path, upgrade, partial(load_seeds, SYSTEM))
        return path

    return once(tmp_path_factory, "template", make)


@pytest.fixture(scope="session")
def demo_database(template_database: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The template with the demo bank in it."""

    def make(folder: Path) -> Path:
        path = copy(template_database, folder)
        own = settings(path)
        bank = Bank.at(own["BANK_URL"], own["BANK_ISSUER_KEY"])
        fill(path, partial(demo.build, SYSTEM, Store(own["BANK_EVIDENCE"])), partial(demo.take_out, bank))
        return path

    return once(tmp_path_factory, "demo", make)


class Stage:
    """An app for many tests, one after another: each finds it as it was made, on a database of its own."""

    def __init__(self, folder: Path, address: str = "") -> None:
        self.folder = folder
        own = settings(folder / "bank.sqlite3")
        self.app = create_app(own | ({"SQLALCHEMY_DATABASE_URI": address} if address else {}))
        self._kept = {name: copied(getattr(self.app, name)) for name in CHANGEABLE}

    def end(self) -> None:
        """Let go of the database."""
        with self.app.app_context():
            db.session.remove()
            db.engine.dispose()

    def renew(self, database: Path) -> None:
        """Put a copy in the place of the app's database."""
        shutil.rmtree(self.folder)
        copy(database, self.folder)

    def set(self, database: Path) -> Flask:
        """The app on a copy of a database, and nothing else of what tests before have left."""
        self.end()
        self.renew(database)
        for name, kept in self._kept.items():
            changeable = getattr(self.app, name)
            changeable.clear()
            changeable.update(copied(kept))
        return self.app


CHANGEABLE = ("config", "view_functions", "before_request_funcs", "after_request_funcs")


def copied(values: Mapping[Any, Any]) -> dict[Any, Any]:
    """A copy of a mapping whose lists are copies too."""
    return {key: list(value) if isinstance(value, list) else value for key, value in values.items()}


@pytest.fixture(scope="session")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Making an app takes longer than most tests: they share one."""
    stage = Stage(tmp_path_factory.mktemp("stage"))
    yield stage
    stage.end()


@pytest.fixture
def app(stage: Stage, template_database: Path) -> Flask:
    return stage.set(template_database)


@pytest.fixture
def app_context(app: Flask) -> Iterator[None]:
    """An application context, for tests that call services."""
    with app.app_context():
        yield


@pytest.fixture
def in_english(app_context: None) -> Iterator[None]:
    """An application context whose sentences are English."""
    with force_locale("en"):
        yield


@pytest.fixture
def reads(app: Flask) -> Reads:
    """Sign somebody in, in front of a browser."""

    def sign_in(actor: Actor | None, language: str = "en") -> Reader:
        with app.app_context():
            return Reader(app, factories.user(actor).get_id() if actor else None, language)

    return sign_in
