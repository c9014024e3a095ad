"""Run migrations on the application's own database; `flask --app wsgi db …` comes through here."""

from __future__ import annotations

from typing import Any, Literal

from alembic import context
from flask import current_app
from sqlalchemy import Enum

from talentbank.extensions import UTCDateTime, db


def _render(kind: str, item: Any, _autogen: Any) -> str | Literal[False]:
    """Write our types as the plain ones beneath: a migration must outlive the code of its day."""
    if kind == "type" and isinstance(item, UTCDateTime):
        return "sa.DateTime(timezone=True)"
    if kind == "type" and isinstance(item, Enum):
        return f"sa.String(length={item.length})"
    return False


def migrate() -> None:
    """Bring the database to the revision that was asked for, in one transaction."""
    options = current_app.extensions["migrate"].configure_args
    with db.engine.connect() as connection:
        context.configure(connection=connection, target_metadata=db.metadata, render_item=_render, **options)
        with context.begin_transaction():
            context.run_migrations()
        connection.commit()


migrate()
