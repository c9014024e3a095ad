"""Positions: what is stored, what is refused at which field, who sees them, and whose they are."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from talentbank.accounts import service as accounts
from talentbank.accounts.models import Standing
from talentbank.audit import AuditEntry
from talentbank.deposits import queries, service
from talentbank.deposits.models import Position, PositionState
from talentbank.deposits.queries import PositionFilter
from talentbank.deposits.service import PositionDeposit, RequirementDeposit
from talentbank.errors import Conflict, Forbidden, Invalid, NotFound
from talentbank.extensions import db, today
from talentbank.permissions import Actor, Role
from tests import market

pytestmark = pytest.mark.usefixtures("app_context")

GOOD = PositionDeposit(
    title="平台运营专员",
    title_en="Platform operations specialist",
    category="operations",
    city="meishan",
    headcount=2,
    min_salary=80_000,
    max_salary=105_000,
    requirements=[RequirementDeposit("Platform Ops", 4, 2.0, must_have=True), RequirementDeposit("团队协作", 2)],
)


@pytest.fixture
def enterprise() -> Actor:
    return market.person(Role.ENTERPRISE, market.organisation(Role.ENTERPRISE))


def rows() -> tuple[int, int]:
    positions = db.session.scalar(select(func.count()).select_from(Position)) or 0
    return positions, db.session.scalar(select(func.count()).select_from(AuditEntry)) or 0


def test_a_position_is_stored_with_its_requirements_in_their_order(enterprise: Actor) -> None:
    stored = service.deposit(enterprise, GOOD)
    found = queries.position(enterprise, stored.id)
    assert (found.enterprise_id, found.state, found.opens_on) == (
        enterprise.organisation_id,
        PositionState.OPEN,
        today(),
    )
    asked = [(r.competency.code, r.level, r.weight, r.must_have) for r in found.requirements]
    assert asked == [("platform_ops", 4, 2.0, True), ("teamwork", 2, 1.0, False)]
    shares = [found.opening().share(r) for r in found.opening().requirements]
    assert shares == pytest.approx([2 / 3, 1 / 3])


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"title": " "}, "title"),
        ({"title": "x" * 121}, "title"),
        ({"description": "x" * 4001}, "description"),
        ({"category": "cooking"}, "category"),
        ({"city": "atlantis"}, "city"),
        ({"contract": "slavery"}, "contract"),
        ({"headcount": 0}, "headcount"),
        ({"headcount": None}, "headcount"),
        ({"headcount": 1001}, "headcount"),
        ({"min_salary": 0}, "min_salary"),
        ({"max_salary": None}, "max_salary"),
        ({"max_salary": 70_000}, "max_salary"),
        ({"opens_on": date(2026, 9, 2), "closes_on": date(2026, 9, 1)}, "closes_on"),
        ({"closes_on": date(2020, 1, 1)}, "closes_on"),
        ({"requirements": []}, "requirements"),
        ({"requirements": [RequirementDeposit(" ", 3)]}, "requirements"),
        ({"requirements": [RequirementDeposit("Plattform", 3)]}, "requirements-0-competency"),
        (
            {"requirements": [RequirementDeposit("teamwork", 3), RequirementDeposit("Teamwork", 2)]},
            "requirements-1-competency",
        ),
        ({"requirements": [RequirementDeposit("teamwork", 0)]}, "requirements-0-level"),
        ({"requirements": [RequirementDeposit("teamwork", 6)]}, "requirements-0-level"),
        ({"requirements": [RequirementDeposit("teamwork", None)]}, "requirements-0-level"),
        ({"requirements": [RequirementDeposit("teamwork", 3, 0.0)]}, "requirements-0-weight"),
        ({"requirements": [RequirementDeposit("teamwork", 3, -1.0)]}, "requirements-0-weight"),
        ({"requirements": [RequirementDeposit("teamwork", 3, float("nan"))]}, "requirements-0-weight"),
        ({"requirements": [RequirementDeposit("teamwork", 3, float("inf"))]}, "requirements-0-weight"),
        ({"requirements": [RequirementDeposit("teamwork", 3, None)]}, "requirements-0-weight"),
    ],
)
def test_what_makes_no_sense_is_refused_at_its_field_and_nothing_is_stored(
    enterprise: Actor, values: dict[str, object], field: str
) -> None:
    stored = service.deposit(enterprise, GOOD)
    before = rows()
    bad = replace(GOOD, **values)  # type: ignore[arg-type]
    for act in (lambda: service.deposit(enterprise, bad), lambda: service.change(enterprise, stored.id, bad, 1)):
        with pytest.raises(Invalid) as refused:
            act()
        assert set(refused.value.errors) == {field}
    assert rows() == before


def test_a_changed_position_keeps_rows_that_stay_and_drops_those_that_go(enterprise: Actor) -> None:
    stored = service.deposit(enterprise, GOOD)
    values = replace(GOOD, headcount=5, requirements=[RequirementDeposit("teamwork", 5, 3.0)])
    changed = service.change(enterprise, stored.id, values, stored.version)
    assert (changed.headcount, changed.version) == (5, 2)
    found = queries.position(enterprise, stored.id)
    assert [(r.competency.code, r.level, r.weight) for r in found.requirements] == [("teamwork", 5, 3.0)]


def test_another_window_s_change_is_not_written_over(enterprise: Actor) -> None:
    stored = service.deposit(enterprise, GOOD)
    service.change(enterprise, stored.id, replace(GOOD, headcount=3), 1)
    with pytest.raises(Conflict):
        service.change(enterprise, stored.id, replace(GOOD, headcount=4), 1)
    with pytest.raises(Conflict):
        service.set_state(enterprise, stored.id, PositionState.OPEN)


def test_a_position_belongs_to_its_enterprise(enterprise: Actor) -> None:
    stored = service.deposit(enterprise, GOOD)
    other = market.person(Role.ENTERPRISE, market.organisation(Role.ENTERPRISE))
    with pytest.raises(NotFound):
        queries.position(other, stored.id)
    with pytest.raises(NotFound):
        service.change(other, stored.id, GOOD, 1)
    with pytest.raises(NotFound):
        service.set_state(other, stored.id, PositionState.CLOSED)
    for actor in (market.person(Role.CHAMBER), market.person(Role.STUDENT), market.person(Role.ADMINISTRATOR)):
        with pytest.raises(Forbidden):
            service.deposit(actor, GOOD)
    with pytest.raises(Forbidden):
        service.deposit(market.person(Role.ENTERPRISE), GOOD)


def test_a_new_enterprise_s_deposits_show_once_the_chamber_has_approved_it() -> None:
    new = market.organisation(Role.ENTERPRISE, Standing.PENDING)
    enterprise, chamber = market.person(Role.ENTERPRISE, new), market.person(Role.CHAMBER)
    stored = service.deposit(enterprise, GOOD)
    watchers = [market.person(role) for role in (Role.STUDENT, Role.UNIVERSITY, Role.ZONE, Role.GOVERNMENT)]
    for actor in watchers:
        assert queries.positions(actor, PositionFilter(), 1).total == 0
        with pytest.raises(NotFound):
            queries.position(actor, stored.id)
    for actor in (enterprise, chamber):
        assert queries.position(actor, stored.id).id == stored.id
    accounts.decide_organisation(chamber, new, Standing.APPROVED)
    for actor in watchers:
        assert queries.position(actor, stored.id).id == stored.id
    accounts.decide_organisation(chamber, new, Standing.REFUSED, "Its licence has ended")
    for actor in watchers:
        assert queries.all_positions(actor, PositionFilter()) == []


def test_only_open_positions_within_their_dates_are_on_show(enterprise: Actor) -> None:
    student = market.person(Role.STUDENT)
    shown = service.deposit(enterprise, GOOD)
    closed = service.deposit(enterprise, GOOD)
    service.set_state(enterprise, closed.id, PositionState.CLOSED)
    day = timedelta(days=1)
    service.deposit(enterprise, replace(GOOD, opens_on=today() + day))
    service.deposit(enterprise, replace(GOOD, opens_on=today() - 3 * day, closes_on=today() - day))
    last = service.deposit(enterprise, replace(GOOD, opens_on=today() - day, closes_on=today()))
    ids = {p.id for p in queries.all_positions(student, PositionFilter())}
    assert ids == {shown.id, last.id}
    assert queries.positions(enterprise, PositionFilter(), 1).total == 5
    assert {p.id for p in queries.all_positions(enterprise, PositionFilter(state="show"))} == ids
    service.set_state(enterprise, closed.id, PositionState.OPEN)
    assert closed.id in {p.id for p in queries.all_positions(student, PositionFilter())}


def test_filters_narrow_and_signs_of_sql_are_letters(enterprise: Actor) -> None:
    stored = service.deposit(enterprise, GOOD)
    service.deposit(enterprise, replace(GOOD, title="100%_视觉", title_en="", category="design", city="chengdu"))

    def found(**wanted: str) -> int:
        return len(queries.all_positions(enterprise, PositionFilter(**wanted)))  # type: ignore[arg-type]

    assert [found(category="design"), found(city="meishan"), found(text="平台"), found(text="PLATFORM")] == [1] * 4
    assert found(text="%_") == 1
    assert found(text="%") == 1
    assert found(category="cooking") == 2
    assert stored.id


rows_of_requirements = st.lists(
    st.builds(
        RequirementDeposit,
        st.sampled_from(["platform_ops", "Teamwork", "团队协作", "nonsense", "", "Data Analytics"]),
        st.none() | st.integers(-2, 8),
        st.none() | st.floats(allow_nan=True),
        st.booleans(),
    ),
    max_size=4,
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(requirements=rows_of_requirements)
def test_whatever_rows_come_they_are_stored_whole_or_refused(
    enterprise: Actor, requirements: list[RequirementDeposit]
) -> None:
    before = rows()
    try:
        stored = service.deposit(enterprise, replace(GOOD, requirements=requirements))
    except Invalid as refused:
        assert all(field.startswith("requirements") for field in refused.errors)
        assert rows() == before
        return
    found = queries.position(enterprise, stored.id)
    codes = [r.competency.code for r in found.requirements]
    assert len(codes) == len(set(codes)) == len([r for r in requirements if r.competency]) >= 1
    assert all(1 <= r.level <= 5 and 0 < r.weight <= service.MOST_WEIGHT for r in found.requirements)
