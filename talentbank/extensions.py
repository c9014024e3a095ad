"""The one door to Flask's extensions: database, migrations, sign-in, forms, languages, limits."""

from __future__ import annotations

import enum
import sqlite3
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, date, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
import structlog
from flask import Flask, current_app
from flask_babel import Babel, get_locale, gettext, lazy_gettext, ngettext
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from flask_login import LoginManager
from flask_mailman import Mail
from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy
from flask_sqlalchemy.pagination import Pagination
from flask_wtf import CSRFProtect
from huey import Huey, MemoryHuey, SqliteHuey
from sqlalchemy import event
from sqlalchemy.engine import Connection, CursorResult, Engine
from sqlalchemy.orm import DeclarativeBase, registry
from sqlalchemy.sql.dml import Delete, Insert, Update

__all__ = [
    "ListPagination",
    "Pagination",
    "babel",
    "background",
    "csrf",
    "db",
    "gettext",
    "lazy_gettext",
    "limiter",
    "login",
    "mail",
    "migrate",
    "ngettext",
]

SHANGHAI = ZoneInfo("Asia/Shanghai")
BUSY_TIMEOUT_MS = 10_000


class UTCDateTime(sa.types.TypeDecorator[datetime]):
    """A moment: aware in Python, UTC in the database, on SQLite too."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value!r} has no time zone")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def _values(members: type[enum.Enum]) -> list[str]:
    return [str(member.value) for member in members]


class Base(DeclarativeBase):
    """Typed tables; constraints are named, so that a migration can find them again on any database."""

    registry = registry(
        metadata=sa.MetaData(
            naming_convention={
                "ix": "ix_%(table_name)s_%(column_0_N_name)s",
                "uq": "uq_%(table_name)s_%(column_0_N_name)s",
                "ck": "ck_%(table_name)s_%(constraint_name)s",
                "fk": "fk_%(table_name)s_%(column_0_N_name)s",
                "pk": "pk_%(table_name)s",
            }
        ),
        type_annotation_map={
            datetime: UTCDateTime,
            enum.Enum: sa.Enum(enum.Enum, native_enum=False, length=32, values_callable=_values),
            dict[str, Any]: sa.JSON,
            list[str]: sa.JSON,
        },
    )


db = SQLAlchemy(
    model_class=Base,
    session_options={"expire_on_commit": False, "autoflush": False},
    disable_autonaming=True,
)
if TYPE_CHECKING:
    Model = Base
else:
    Model = db.Model

migrate = Migrate(render_as_batch=True, compare_type=True)
login = LoginManager()
csrf = CSRFProtect()
babel = Babel()
limiter = Limiter(key_func=get_remote_address)
mail = Mail()


class Background:
    """Long work: a service registers it with `task` and hands it over with `send`; `flask jobs` does it.

    Under test it is done at once, by whoever sends it. Arguments are JSON values: ids, not rows.
    """

    def __init__(self) -> None:
        self._tasks: dict[str, Callable[..., None]] = {}

    def task(self, work: Callable[..., None]) -> Callable[..., None]:
        """Register a function, by its module and name."""
        self._tasks[f"{work.__module__}.{work.__name__}"] = work
        return work

    def init_app(self, app: Flask) -> None:
        """Let the app have a queue, made when it is first asked for."""
        app.extensions["background"] = _Queue(app, self._tasks)

    def send(self, work: Callable[..., None], *values: Any) -> None:
        """Have a registered function done, soon and once."""
        _, put = current_app.extensions["background"].made
        put(f"{work.__module__}.{work.__name__}", *values)

    def queue(self, app: Flask) -> Huey:
        """The app's queue, for its consumer and its schedule."""
        huey: Huey = app.extensions["background"].made[0]
        return huey


class _Queue:
    """One app's queue, kept in the instance folder."""

    def __init__(self, app: Flask, tasks: Mapping[str, Callable[..., None]]) -> None:
        self._app = app
        self._tasks = tasks

    @cached_property
    def made(self) -> tuple[Huey, Callable[..., object]]:
        """The queue, and what puts work on it by a task's name. Only asking for them makes the file."""
        if self._app.testing:
            huey: Huey = MemoryHuey("bank", immediate=True, results=False)
        else:
            huey = SqliteHuey("bank", filename=str(self._app.config["BANK_JOBS"]), results=False)

        def work(name: str, *values: Any) -> None:
            with self._app.app_context():
                self._tasks[name](*values)

        return huey, huey.task(name="work")(work)


background = Background()


class ListPagination(Pagination):
    """A page of a list that is whole in memory already."""

    def __init__(self, rows: list[Any], page: int, per_page: int) -> None:
        super().__init__(page=page, per_page=per_page, error_out=False, rows=rows)

    def _query_items(self) -> list[Any]:
        return list(self._query_args["rows"][self._query_offset : self._query_offset + self.per_page])

    def _query_count(self) -> int:
        return len(self._query_args["rows"])


def configure_logs() -> None:
    """A line of JSON an event on standard error; tracebacks without local variables, which hold personal data."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


def now() -> datetime:
    """This moment, aware, in UTC."""
    return datetime.now(UTC)


def today() -> date:
    """The date in Meishan."""
    return datetime.now(SHANGHAI).date()


def chinese() -> bool:
    """Whether the reader wants Chinese names first."""
    locale = get_locale()
    return locale is None or locale.language == "zh"


@contextmanager
def transaction() -> Iterator[None]:
    """One write, whole or not at all.

    It starts anew, so that what the request read before is read again under the lock, and takes
    SQLite's write lock at once: two writers queue instead of failing half-way.
    """
    db.session.commit()
    db.session.expire_all()
    db.session.connection(execution_options={"immediate": True})
    try:
        yield
        db.session.commit()
    except BaseException:
        db.session.rollback()
        raise


def changed_rows(statement: Update | Delete | Insert) -> int:
    """Execute a statement; how many rows it changed."""
    result = db.session.execute(statement)
    return result.rowcount if isinstance(result, CursorResult) else 0


@event.listens_for(Engine, "connect")
def _open_sqlite(connection: Any, _record: Any) -> None:
    if not isinstance(connection, sqlite3.Connection):
        return
    connection.isolation_level = None  # BEGIN is ours to say, see _begin
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.execute("PRAGMA synchronous = NORMAL")
    cursor.close()


@event.listens_for(Engine, "begin")
def _begin(connection: Connection) -> None:
    if connection.dialect.name == "sqlite":
        immediate = connection.get_execution_options().get("immediate")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")
