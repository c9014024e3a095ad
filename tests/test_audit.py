import pytest
from sqlalchemy import delete, select, update
from sqlalchemy.exc import IntegrityError

from talentbank import audit
from talentbank.audit import AuditEntry, command
from talentbank.competencies.models import City
from talentbank.errors import Forbidden
from talentbank.extensions import db
from talentbank.permissions import STRANGER, SYSTEM, Action, Actor

pytestmark = pytest.mark.usefixtures("app_context")


@command(Action.LOAD_SEEDS)
def found_city(actor: Actor, code: str, *, silently: bool = False) -> None:
    db.session.add(City(code=code, name_zh=code, name_en=code, place=99))
    if not silently:
        audit.record(actor, Action.LOAD_SEEDS, "catalogue", city=code)


def test_a_command_stores_its_change_and_its_trace_together() -> None:
    found_city(SYSTEM, "atlantis")
    assert db.session.get(City, "atlantis")
    entry = db.session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc())).first()
    assert entry is not None
    assert (entry.action, entry.actor_name, entry.detail) == (Action.LOAD_SEEDS, "system", {"city": "atlantis"})


def test_a_change_without_a_trace_is_undone() -> None:
    with pytest.raises(AssertionError, match="recorded nothing"):
        found_city(SYSTEM, "atlantis", silently=True)
    assert db.session.get(City, "atlantis") is None


def test_a_command_is_refused_to_who_may_not() -> None:
    with pytest.raises(Forbidden):
        found_city(STRANGER, "atlantis")
    assert db.session.get(City, "atlantis") is None


def test_the_database_refuses_to_change_or_delete_a_trace() -> None:
    for statement in (update(AuditEntry).values(actor_name="nobody"), delete(AuditEntry)):
        with pytest.raises(IntegrityError, match="append-only"):
            db.session.execute(statement)
        db.session.rollback()
