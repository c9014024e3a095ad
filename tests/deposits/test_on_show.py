"""Who sees which positions: approval, dates and state decide."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine

from talentbank.accounts import service as accounts
from talentbank.accounts.models import Standing
from talentbank.deposits import queries
from talentbank.deposits.models import Position, PositionState
from talentbank.deposits.queries import PositionFilter
from talentbank.deposits.service import set_state
from talentbank.errors import NotFound
from talentbank.extensions import today
from talentbank.permissions import Actor, Role
from tests import factories

pytestmark = pytest.mark.usefixtures("app_context")

PUBLIC = [Role.STUDENT, Role.UNIVERSITY, Role.ZONE, Role.GOVERNMENT]
DAY = timedelta(days=1)


def seen(actor: Actor, position: Position, wanted: PositionFilter | None = None) -> bool:
    """Whether the actor finds the position: the page of one, the list and the whole list have to agree."""
    wanted = wanted or PositionFilter()
    listed = position.id in {found.id for found in queries.positions(actor, wanted, 1).items}
    assert listed == (position.id in {found.id for found in queries.all_positions(actor, wanted)})
    if wanted == PositionFilter():
        try:
            assert (queries.position(actor, position.id).id == position.id) == listed
        except NotFound:
            assert not listed
    return listed


@pytest.fixture
def pending(app_context: None) -> Actor:
    return factories.person(Role.ENTERPRISE, factories.organisation(Role.ENTERPRISE, Standing.PENDING))


@pytest.mark.parametrize("role", PUBLIC)
def test_a_pending_enterprises_position_shows_once_the_chamber_has_approved(pending: Actor, role: Role) -> None:
    position, reader, chamber = factories.position(pending), factories.person(role), factories.person(Role.CHAMBER)
    assert not seen(reader, position)
    accounts.decide_organisation(chamber, pending.organisation_id, Standing.APPROVED)
    assert seen(reader, position)
    accounts.decide_organisation(chamber, pending.organisation_id, Standing.REFUSED, "no licence")
    assert not seen(reader, position)


def test_a_pending_enterprise_sees_its_own_and_the_chamber_sees_it_too(pending: Actor) -> None:
    position = factories.position(pending)
    for actor in (pending, factories.person(Role.CHAMBER), factories.person(Role.ADMINISTRATOR)):
        assert seen(actor, position)
        assert not seen(actor, position, PositionFilter(state="show"))
    assert not seen(factories.person(Role.ENTERPRISE), position)


def test_an_enterprise_does_not_see_what_another_has_on_show() -> None:
    position = factories.position()
    assert seen(factories.person(Role.STUDENT), position)
    assert not seen(factories.person(Role.ENTERPRISE), position)


@pytest.mark.parametrize("role", PUBLIC)
def test_a_closed_position_is_not_on_show_until_it_is_opened_again(role: Role) -> None:
    firm, reader = factories.person(Role.ENTERPRISE), factories.person(role)
    position = factories.position(firm)
    set_state(firm, position.id, PositionState.CLOSED)
    assert not seen(reader, position)
    assert seen(firm, position)
    set_state(firm, position.id, PositionState.OPEN)
    assert seen(reader, position)


@pytest.mark.parametrize("role", PUBLIC)
@pytest.mark.parametrize(
    ("opens", "closes", "shown"),
    [(0, None, True), (0, 0, True), (-9, 0, True), (-9, -1, False), (1, None, False), (1, 9, False)],
)
def test_a_position_is_on_show_from_its_first_day_to_its_last(
    role: Role, opens: int, closes: int | None, shown: bool
) -> None:
    firm = factories.person(Role.ENTERPRISE)
    position = factories.position(
        firm,
        opens_on=today() + opens * DAY,
        closes_on=None if closes is None else today() + closes * DAY,
    )
    assert seen(factories.person(role), position) is shown
    assert seen(firm, position)


def test_a_day_begins_and_ends_in_meishan() -> None:
    student = factories.person(Role.STUDENT)
    position = factories.position(opens_on=date(2027, 3, 2), closes_on=date(2027, 3, 2))
    with time_machine.travel(datetime(2027, 3, 1, 15, 59, 59, tzinfo=UTC), tick=False) as clock:
        assert not seen(student, position)
        clock.shift(timedelta(seconds=1))
        assert seen(student, position)
        clock.shift(DAY - timedelta(seconds=1))
        assert seen(student, position)
        clock.shift(timedelta(seconds=1))
        assert not seen(student, position)


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (PositionFilter(category="operations", city="meishan", state="open"), True),
        (PositionFilter(state="free"), True),
        (PositionFilter(text="运营"), True),
        (PositionFilter(text="ops speci"), True),
        (PositionFilter(text="某厂"), True),
        (PositionFilter(category="design"), False),
        (PositionFilter(city="chengdu"), False),
        (PositionFilter(state="closed"), False),
        (PositionFilter(text="%"), False),
        (PositionFilter(enterprise=999), False),
    ],
)
def test_a_list_is_narrowed_to_what_was_asked_for(wanted: PositionFilter, found: bool) -> None:
    firm = factories.person(Role.ENTERPRISE, factories.organisation(Role.ENTERPRISE, name="某厂"))
    position = factories.position(firm, title_en="Ops Specialist")
    assert seen(factories.person(Role.STUDENT), position, wanted) is found
