"""Migrations: one head, the same tables as the models', and a way down and up again with data in."""

from __future__ import annotations

from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Flask
from flask_migrate import downgrade, upgrade
from sqlalchemy import func, inspect, select, update
from sqlalchemy.exc import DBAPIError

from talentbank import create_app
from talentbank.competencies.models import Competency
from talentbank.competencies.service import load_seeds
from talentbank.config import ROOT
from talentbank.extensions import BUSY_TIMEOUT_MS, db, transaction
from talentbank.permissions import SYSTEM
from talentbank.rounds.models import Round
from talentbank.rounds.offers.models import Offer
from tests.conftest import settings
from tests.market import Market
from tests.rounds.life import published

FOLDER = str(ROOT / "talentbank" / "migrations")


def test_there_is_one_head() -> None:
    config = Config()
    config.set_main_option("script_location", FOLDER)
    assert len(ScriptDirectory.from_config(config).get_heads()) == 1


@pytest.mark.usefixtures("app_context")
def test_a_migrated_database_is_what_the_models_say() -> None:
    with db.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, db.metadata) == []


@pytest.mark.usefixtures("app_context")
def test_down_to_nothing_and_up_again_with_data_in() -> None:
    m = Market()
    published(m.chamber)
    db.session.remove()
    downgrade(revision="base")
    assert set(inspect(db.engine).get_table_names()) == {"alembic_version"}
    upgrade()
    load_seeds(SYSTEM)
    published(Market().chamber)
    assert db.session.scalar(select(func.count()).select_from(Offer)) == 3


@pytest.mark.usefixtures("app_context")
def test_rounds_from_before_the_draw_have_no_seed_and_stay_guarded() -> None:
    found, _ = published(Market().chamber)
    round_id = found.id
    db.session.remove()
    downgrade(revision="0001")
    assert "seed" not in {column["name"] for column in inspect(db.engine).get_columns("round")}
    upgrade()
    assert db.session.scalar(select(Round.seed)) == ""
    with pytest.raises(DBAPIError, match="append-only"), transaction():
        db.session.execute(update(Round).where(Round.id == round_id).values(seed="chosen afterwards"))


@pytest.mark.usefixtures("app_context")
def test_upgrading_twice_is_once() -> None:
    upgrade()
    assert db.session.scalar(select(func.count()).select_from(Competency)) == 13


def test_the_embedded_database_guards_references_and_lets_readers_read(tmp_path: Path) -> None:
    app: Flask = create_app(settings(tmp_path / "new.sqlite3"))
    with app.app_context():
        with db.engine.connect() as connection:
            pragmas = {
                name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
                for name in ("foreign_keys", "journal_mode", "busy_timeout")
            }
        db.engine.dispose()
    assert pragmas == {"foreign_keys": 1, "journal_mode": "wal", "busy_timeout": BUSY_TIMEOUT_MS}
