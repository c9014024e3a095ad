"""The demo bank: whether it is there, and what follows from it."""

from __future__ import annotations

from sqlalchemy import exists, inspect, select

from talentbank.config import SettingError
from talentbank.demo.models import DemoBank
from talentbank.extensions import db


def present() -> bool:
    """Whether the bank holds demo data."""
    return bool(db.session.scalar(select(exists().where(DemoBank.id.is_not(None)))))


def refuse_in_production() -> None:
    """Raise SettingError if the database holds the demo bank, whose sign-ins everybody knows."""
    if inspect(db.engine).has_table(DemoBank.__tablename__) and present():
        raise SettingError(
            "The database holds the demo bank, whose sign-ins are public: take it out with "
            "`flask --app wsgi demo remove`, or give production a database of its own (DATABASE_URL)."
        )
