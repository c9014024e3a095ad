"""Depositing a position: what is stored, and what is refused, field by field."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime
from typing import Any

import pytest
import time_machine
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from talentbank.audit import AuditEntry
from talentbank.competencies import queries as catalogue
from talentbank.competencies.catalogue import competencies
from talentbank.competencies.service import TOP_SALARY
from talentbank.deposits import queries
from talentbank.deposits.models import Contract, Position, PositionRequirement, PositionState
from talentbank.deposits.service import MOST_SEATS, MOST_WEIGHT, RequirementDeposit, change, deposit, set_state
from talentbank.errors import Conflict, Forbidden, Invalid, NotFound
from talentbank.extensions import db
from talentbank.permissions import STRANGER, SYSTEM, Action, Actor, Role
from tests import factories
from tests.factories import wanted

pytestmark = pytest.mark.usefixtures("app_context")

NOON = datetime(2027, 3, 1, 4, 0, tzinfo=UTC)
Row = RequirementDeposit


@pytest.fixture
def firm(app_context: None) -> Actor:
    return factories.person(Role.ENTERPRISE)


def again(actor: Actor, position_id: int) -> Position:
    db.session.rollback()
    db.session.expire_all()
    return queries.position(actor, position_id)


def requirements(position: Position) -> list[tuple[str, int, float, bool]]:
    return [(row.competency.code, row.level, row.weight, row.must_have) for row in position.requirements]


def test_a_position_is_stored_as_deposited_and_open_at_once(firm: Actor) -> None:
    rows = (Row("Data Analysis", 5, 0.5, True), Row("  ", None, None), Row("平台运营", 1, MOST_WEIGHT))
    with time_machine.travel(NOON, tick=False):
        made = deposit(
            firm,
            wanted(
                title=" 运营 ", contract="internship", requirements=rows, closes_on=date(2027, 6, 30), headcount=1000
            ),
        )
        found = again(firm, made.id)
        assert (found.enterprise_id, found.state, found.version) == (firm.organisation_id, PositionState.OPEN, 1)
        assert (found.title, found.contract, found.headcount) == ("运营", Contract.INTERNSHIP, 1000)
        assert (found.min_salary, found.max_salary) == (80_000, 120_000)
        assert (found.opens_on, found.closes_on) == (date(2027, 3, 1), date(2027, 6, 30))
        assert requirements(found) == [("data_analysis", 5, 0.5, True), ("platform_ops", 1, 1000.0, False)]


def test_a_deposit_leaves_a_trace(firm: Actor) -> None:
    made = factories.position(firm)
    entry = db.session.scalars(select(AuditEntry).where(AuditEntry.action == Action.DEPOSIT_POSITION)).one()
    assert (entry.actor_id, entry.subject) == (firm.user_id, f"position:{made.id}")


BAD: list[tuple[dict[str, Any], str]] = [
    ({"headcount": 0}, "headcount"),
    ({"headcount": -1}, "headcount"),
    ({"headcount": None}, "headcount"),
    ({"headcount": MOST_SEATS + 1}, "headcount"),
    ({"min_salary": 120_001}, "max_salary"),
    ({"min_salary": 0}, "min_salary"),
    ({"min_salary": -1}, "min_salary"),
    ({"min_salary": None}, "min_salary"),
    ({"max_salary": None}, "max_salary"),
    ({"max_salary": TOP_SALARY + 1}, "max_salary"),
    ({"title": ""}, "title"),
    ({"title": " \u3000"}, "title"),
    ({"title": "运" * 121}, "title"),
    ({"title_en": "o" * 121}, "title_en"),
    ({"description": "述" * 4001}, "description"),
    ({"category": ""}, "category"),
    ({"category": "sorcery"}, "category"),
    ({"city": ""}, "city"),
    ({"city": "atlantis"}, "city"),
    ({"contract": ""}, "contract"),
    ({"contract": "slavery"}, "contract"),
    ({"opens_on": date(2027, 3, 2), "closes_on": date(2027, 3, 1)}, "closes_on"),
    ({"closes_on": date(2020, 1, 1)}, "closes_on"),
    ({"requirements": ()}, "requirements"),
    ({"requirements": (Row("", 3), Row(" ", None, None))}, "requirements"),
    ({"requirements": (Row("platform_ops", 0),)}, "requirements-0-level"),
    ({"requirements": (Row("platform_ops", 6),)}, "requirements-0-level"),
    ({"requirements": (Row("platform_ops", None),)}, "requirements-0-level"),
    ({"requirements": (Row("platform_ops", 3, 0),)}, "requirements-0-weight"),
    ({"requirements": (Row("platform_ops", 3, -1),)}, "requirements-0-weight"),
    ({"requirements": (Row("platform_ops", 3, math.nan),)}, "requirements-0-weight"),
    ({"requirements": (Row("platform_ops", 3, math.inf),)}, "requirements-0-weight"),
    ({"requirements": (Row("platform_ops", 3, None),)}, "requirements-0-weight"),
    ({"requirements": (Row("platform_ops", 3, MOST_WEIGHT + 1),)}, "requirements-0-weight"),
    ({"requirements": (Row("platform_ops", 3), Row("", None), Row("platform_ops", 2))}, "requirements-2-competency"),
    ({"requirements": (Row("platform_ops", 3), Row("平台运营", 3))}, "requirements-1-competency"),
    ({"requirements": (Row("sorcery", 3),)}, "requirements-0-competency"),
]


@pytest.mark.parametrize(("changes", "field"), BAD)
def test_a_bad_value_is_named_and_nothing_is_stored(firm: Actor, changes: dict[str, Any], field: str) -> None:
    before = factories.stored(Position, PositionRequirement)
    with pytest.raises(Invalid) as refused:
        deposit(firm, wanted(**changes))
    assert refused.value.errors.keys() == {field}
    assert str(refused.value.errors[field]).strip()
    assert factories.stored(Position, PositionRequirement) == before


@pytest.mark.parametrize(("changes", "field"), BAD)
def test_a_bad_change_is_named_and_the_position_stays(firm: Actor, changes: dict[str, Any], field: str) -> None:
    made = factories.position(firm)
    before = factories.stored(Position, PositionRequirement)
    with pytest.raises(Invalid) as refused:
        change(firm, made.id, wanted(**{"title": "别的", **changes}), 1)
    assert refused.value.errors.keys() == {field}
    assert factories.stored(Position, PositionRequirement) == before
    found = again(firm, made.id)
    assert (found.title, found.version, requirements(found)) == (
        "运营专员",
        1,
        [("platform_ops", 3, 1.0, False)],
    )


def test_all_that_is_wrong_is_said_at_once(firm: Actor) -> None:
    with pytest.raises(Invalid) as refused:
        deposit(firm, wanted(title="", headcount=0, requirements=(Row("sorcery", 9, -1),)))
    row = "requirements-0"
    assert refused.value.errors.keys() == {"title", "headcount", f"{row}-competency", f"{row}-level", f"{row}-weight"}


@pytest.mark.parametrize("name", ["Platfrom Opz", "数据分", "SEO", "?"])
def test_an_unknown_competency_is_refused_with_the_three_nearest_names(firm: Actor, name: str) -> None:
    nearest = catalogue.lexicon(catalogue.competencies()).nearest(name)
    with pytest.raises(Invalid) as refused:
        deposit(firm, wanted(requirements=(Row(name, 3),)))
    sentence = str(refused.value.errors["requirements-0-competency"])
    assert len(nearest) == 3
    assert all(near in sentence for near in [name, *nearest])


NAMES = [name for seed in competencies() for name in (seed.code, seed.name_zh, seed.name_en, *seed.aliases)]
ROWS = st.builds(
    RequirementDeposit,
    competency=st.sampled_from(NAMES) | st.sampled_from(["", " ", "sorcery"]) | st.text(max_size=12),
    level=st.integers(1, 5) | st.none() | st.integers(-2, 9),
    weight=st.floats(0.01, 1000) | st.none() | st.floats(allow_nan=True, allow_infinity=True),
    must_have=st.booleans(),
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(ROWS, max_size=4))
def test_whatever_rows_come_what_is_stored_is_sound_or_it_is_refused(
    firm: Actor, rows: list[RequirementDeposit]
) -> None:
    before = factories.stored(Position, PositionRequirement)
    try:
        made = deposit(firm, wanted(requirements=rows))
    except Invalid as refused:
        assert refused.errors
        assert all(field == "requirements" or field.startswith("requirements-") for field in refused.errors)
        assert factories.stored(Position, PositionRequirement) == before
        return
    asked = [row for row in rows if row.competency.strip()]
    kept = requirements(again(firm, made.id))
    assert kept
    assert len({code for code, *_ in kept}) == len(kept) == len(asked)
    assert [kept_row[1:] for kept_row in kept] == [(row.level, row.weight, row.must_have) for row in asked]
    assert all(1 <= level <= 5 and 0 < weight <= MOST_WEIGHT for _, level, weight, _ in kept)


def test_a_change_writes_the_new_values_and_leaves_a_trace(firm: Actor) -> None:
    made = factories.position(firm, requirements=(Row("platform_ops", 3), Row("copywriting", 2)))
    rows = (Row("data_analysis", 4), Row("platform_ops", 5, 2.0, True))
    change(firm, made.id, wanted(title="分析", headcount=7, requirements=rows), 1)
    found = again(firm, made.id)
    assert (found.title, found.headcount, found.version) == ("分析", 7, 2)
    assert requirements(found) == [("data_analysis", 4, 1.0, False), ("platform_ops", 5, 2.0, True)]
    assert db.session.scalar(select(func.count()).select_from(PositionRequirement)) == 2
    entry = db.session.scalars(select(AuditEntry).where(AuditEntry.action == Action.CHANGE_POSITION)).one()
    assert entry.subject == f"position:{made.id}"


def test_a_change_without_a_first_day_keeps_the_one_it_has(firm: Actor) -> None:
    made = factories.position(firm, opens_on=date(2027, 3, 1))
    change(firm, made.id, wanted(closes_on=date(2027, 3, 1)), 1)
    found = again(firm, made.id)
    assert (found.opens_on, found.closes_on) == (date(2027, 3, 1), date(2027, 3, 1))
    with pytest.raises(Invalid) as refused:
        change(firm, made.id, wanted(closes_on=date(2027, 2, 28)), 2)
    assert refused.value.errors.keys() == {"closes_on"}


@pytest.mark.parametrize("version", [0, 1, 3])
def test_a_position_that_was_changed_meanwhile_is_not_overwritten(firm: Actor, version: int) -> None:
    made = factories.position(firm)
    change(firm, made.id, wanted(title="第一"), 1)
    before = factories.stored(Position)
    with pytest.raises(Conflict):
        change(firm, made.id, wanted(title="第二"), version)
    assert factories.stored(Position) == before
    assert again(firm, made.id).title == "第一"


def test_a_close_makes_an_older_form_stale(firm: Actor) -> None:
    made = factories.position(firm)
    set_state(firm, made.id, PositionState.CLOSED)
    with pytest.raises(Conflict):
        change(firm, made.id, wanted(), 1)


@pytest.mark.parametrize("state", [PositionState.CLOSED, PositionState.OPEN])
def test_what_is_closed_or_open_can_not_be_made_so_twice(firm: Actor, state: PositionState) -> None:
    made = factories.position(firm)
    set_state(firm, made.id, PositionState.CLOSED)
    if state is PositionState.OPEN:
        set_state(firm, made.id, state)
    before = factories.stored(Position)
    with pytest.raises(Conflict):
        set_state(firm, made.id, state)
    assert factories.stored(Position) == before
    assert again(firm, made.id).state is state


def test_another_enterprises_position_is_not_found(firm: Actor) -> None:
    others = factories.position()
    before = factories.stored(Position)
    for position_id in (others.id, 999):
        with pytest.raises(NotFound):
            queries.position(firm, position_id)
        with pytest.raises(NotFound):
            change(firm, position_id, wanted(title="我的"), 1)
        with pytest.raises(NotFound):
            set_state(firm, position_id, PositionState.CLOSED)
    assert factories.stored(Position) == before
    stored = db.session.get_one(Position, others.id, populate_existing=True)
    assert (stored.title, stored.state) == ("运营专员", PositionState.OPEN)


def test_an_enterprise_of_nobody_deposits_nothing() -> None:
    before = factories.stored(Position)
    with pytest.raises(Forbidden):
        deposit(Actor(Role.ENTERPRISE, 1, None), wanted())
    assert factories.stored(Position) == before


@pytest.mark.parametrize("role", sorted(set(Role) - {Role.ENTERPRISE}))
def test_other_roles_neither_deposit_nor_change_nor_close(firm: Actor, role: Role) -> None:
    made = factories.position(firm)
    alone = {Role.STRANGER: STRANGER, Role.SYSTEM: SYSTEM}
    actor = alone.get(role) or factories.person(role)
    before = factories.stored(Position)
    with pytest.raises(Forbidden):
        deposit(actor, wanted())
    with pytest.raises(Forbidden):
        change(actor, made.id, wanted(), 1)
    with pytest.raises(Forbidden):
        set_state(actor, made.id, PositionState.CLOSED)
    assert factories.stored(Position) == before
