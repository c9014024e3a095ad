"""Rules of practice: defaults until a university sets its own, bounds, and who may read and set them."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from talentbank.audit import AuditEntry
from talentbank.errors import Conflict, Forbidden, Invalid, NotFound
from talentbank.extensions import db
from talentbank.permissions import STRANGER, SYSTEM, Action, Actor, Role
from talentbank.practice.models import PracticeRules
from talentbank.practice.queries import rules_of
from talentbank.practice.rules import queries, service
from talentbank.practice.rules.service import Rules
from tests import factories


def rules(**changes: Any) -> Rules:
    """Rules that a university may well set, but for what the test changes."""
    good: dict[str, Any] = {"hours_per_credit": 20, "cap_a_term": 450, "hours_a_day": 6, "hours_a_week": 30}
    return Rules(**{**good, **changes})


@pytest.fixture
def university(app_context: None) -> Actor:
    return factories.person(Role.UNIVERSITY)


def test_until_a_university_sets_its_own_the_defaults_hold(university: Actor) -> None:
    held = rules_of(university.organisation_id or 0)
    assert (held.hours_per_credit, held.cap_a_term, held.hours_a_day, held.hours_a_week) == (16, None, 8, 40)
    assert (held.night_work, held.fees, held.recognised, held.version) == (False, False, False, 0)
    assert factories.stored(PracticeRules)[0] == 0


def test_a_university_sets_its_rules_for_itself_alone(university: Actor) -> None:
    other = factories.person(Role.UNIVERSITY)
    service.set_rules(university, rules(night_work=True, fees=True, recognised=True), 0)
    db.session.expire_all()
    held = rules_of(university.organisation_id or 0)
    assert (held.hours_per_credit, held.cap_a_term, held.hours_a_day, held.hours_a_week) == (20, 450, 6, 30)
    assert (held.night_work, held.fees, held.recognised, held.version) == (True, True, True, 1)
    assert rules_of(other.organisation_id or 0).hours_per_credit == 16
    assert queries.recognising() == {university.organisation_id}


def test_the_trail_says_what_was_before_and_what_is_now(university: Actor) -> None:
    service.set_rules(university, rules(hours_per_credit=16), 0)
    service.set_rules(university, rules(hours_per_credit=18), 1)
    entries = db.session.scalars(select(AuditEntry).where(AuditEntry.action == Action.SET_RULES)).all()
    assert [entry.subject for entry in entries] == [f"rules:{university.organisation_id}"] * 2
    assert entries[0].detail["before"] == {"cap_a_term": None, "hours_a_day": 8, "hours_a_week": 40}
    assert entries[1].detail == {"version": 2, "before": {"hours_per_credit": 16}, "after": {"hours_per_credit": 18}}


def test_two_windows_do_not_overwrite_each_other(university: Actor) -> None:
    service.set_rules(university, rules(), 0)
    for version in (0, 2):
        with pytest.raises(Conflict):
            service.set_rules(university, rules(hours_per_credit=99), version)
    assert rules_of(university.organisation_id or 0).hours_per_credit == 20


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *[("hours_per_credit", value) for value in (None, 0, -1, 201)],
        *[("hours_a_day", value) for value in (None, 0, 25)],
        *[("hours_a_week", value) for value in (None, 0, 169, 5)],
        *[("cap_a_term", value) for value in (0, -100, 100_01)],
    ],
)
def test_what_no_rule_can_be_is_refused_with_its_field(university: Actor, field: str, value: int | None) -> None:
    before = factories.stored(PracticeRules)
    with pytest.raises(Invalid) as refused:
        service.set_rules(university, rules(**{field: value}), 0)
    assert set(refused.value.errors) == {field}
    assert factories.stored(PracticeRules) == before


@pytest.mark.parametrize(
    "values",
    [
        {"hours_per_credit": 1, "hours_a_day": 1, "hours_a_week": 1, "cap_a_term": 1},
        {"hours_per_credit": 200, "hours_a_day": 24, "hours_a_week": 168, "cap_a_term": 100_00},
        {"cap_a_term": None},
    ],
)
def test_the_bounds_themselves_can_be_set(university: Actor, values: dict[str, int | None]) -> None:
    service.set_rules(university, rules(**values), 0)
    held = rules_of(university.organisation_id or 0)
    assert {name: getattr(held, name) for name in values} == values


@pytest.mark.parametrize("role", sorted(set(Role) - {Role.UNIVERSITY, Role.STRANGER, Role.SYSTEM}))
def test_only_a_university_sets_rules(app_context: None, role: Role) -> None:
    with pytest.raises(Forbidden):
        service.set_rules(factories.person(role), rules(), 0)
    for nobody in (STRANGER, SYSTEM):
        with pytest.raises(Forbidden):
            service.set_rules(nobody, rules(), 0)


def test_rules_are_a_universitys(university: Actor) -> None:
    assert queries.university(university.organisation_id).id == university.organisation_id
    for other in (factories.person(Role.ENTERPRISE).organisation_id, None, 10**6):
        with pytest.raises(NotFound):
            queries.university(other)


def test_credits_have_the_universitys_name_only_once_it_recognises_them(app: Flask) -> None:
    word = app.jinja_env.globals["credit_word"]
    english = {"Accept-Language": "en"}
    with app.app_context():
        university = factories.person(Role.UNIVERSITY)
    with app.test_request_context(headers=english):
        assert (word(university.organisation_id), word(None)) == ("practice credits", "practice credits")
    with app.app_context():
        service.set_rules(university, rules(recognised=True), 0)
    with app.test_request_context(headers=english):
        assert (word(university.organisation_id), word(None)) == ("credits", "practice credits")
