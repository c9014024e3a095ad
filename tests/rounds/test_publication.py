"""Told first, then published; taken back only where the run no longer holds; and who sees what of it, when."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from talentbank.competencies.models import Student
from talentbank.errors import Conflict, Forbidden, NotFound
from talentbank.extensions import db, transaction
from talentbank.notices.models import Notice
from talentbank.permissions import Role
from talentbank.rounds import queries as rounds
from talentbank.rounds.offers import results, service
from talentbank.rounds.runs import service as running
from tests import factories
from tests.market import Market
from tests.rounds.life import chosen, run_again, solved

pytestmark = pytest.mark.usefixtures("app_context")


def test_those_without_an_offer_are_told_first_and_alone() -> None:
    m = Market()
    _, left_id = m.student({"visual_design": 1}, categories=["design"])
    found, run = solved(m.chamber)
    running.select_run(m.chamber, found.id, found.version, run.number)
    with pytest.raises(Conflict):
        service.publish(m.chamber, found.id, rounds.round_(found.id).version)
    with pytest.raises(Forbidden):
        service.tell_unmatched(m.strong, found.id, rounds.round_(found.id).version)
    assert service.tell_unmatched(m.chamber, found.id, rounds.round_(found.id).version) == 1
    told = db.session.scalars(select(Notice.user_id).where(Notice.kind == "no_offer")).all()
    assert told == [db.session.get_one(Student, left_id).user_id]
    with pytest.raises(Conflict):
        service.tell_unmatched(m.chamber, found.id, rounds.round_(found.id).version)


def test_a_told_run_is_taken_back_only_if_a_pair_no_longer_holds() -> None:
    m = Market()
    left, _ = m.student({"visual_design": 1}, categories=["design"])
    found, run = solved(m.chamber)
    with pytest.raises(Conflict):
        service.untell(m.chamber, found.id, found.version)
    found = chosen(m.chamber, found.id, run.number)
    with pytest.raises(Conflict):
        service.untell(m.chamber, found.id, found.version)
    assert rounds.round_(found.id).told_at is not None
    with transaction():
        db.session.get_one(Student, m.weak_id).available = False
    with pytest.raises(Conflict):
        service.publish(m.chamber, found.id, rounds.round_(found.id).version)
    free = service.untell(m.chamber, found.id, rounds.round_(found.id).version)
    assert (free.told_at, free.selected_run_id) == (None, None)
    second = run_again(m.chamber, found.id)
    found = chosen(m.chamber, found.id, second.number)
    told = db.session.scalars(select(Notice.key).where(Notice.user_id == left.user_id, Notice.kind == "no_offer"))
    assert len(set(told)) == 2
    service.publish(m.chamber, found.id, found.version)
    with pytest.raises(Conflict):
        service.publish(m.chamber, found.id, rounds.round_(found.id).version)


def test_a_student_sees_a_result_once_told_or_published() -> None:
    m = Market()
    left, _ = m.student({"visual_design": 1}, categories=["design"])
    found, run = solved(m.chamber)
    for who in (m.strong, left):
        assert not results.for_student(who, rounds.round_(found.id)).out
    found = chosen(m.chamber, found.id, run.number)
    assert results.for_student(left, found).out
    assert not results.for_student(m.strong, found).out
    assert results.for_enterprise(m.enterprise, found) == (None, [])
    assert results.for_university(m.university, found) is None
    found = service.publish(m.chamber, found.id, found.version)
    assert results.for_student(m.strong, found).offer is not None
    _, rows = results.for_enterprise(m.enterprise, found)
    assert {row.outcome.position_id for row in rows} == {m.shop, m.studio}
    counted = results.for_university(m.university, found)
    assert counted is not None
    assert (counted.students, sum(counted.offers.values())) == (4, 3)


def test_who_takes_no_part_finds_no_round() -> None:
    m = Market()
    found, _ = solved(m.chamber)
    for role in (Role.STUDENT, Role.ENTERPRISE, Role.UNIVERSITY):
        with pytest.raises(NotFound):
            results.concerned(factories.person(role), found.id)
    for actor in (m.strong, m.enterprise, m.university, m.chamber):
        assert results.concerned(actor, found.id).id == found.id
