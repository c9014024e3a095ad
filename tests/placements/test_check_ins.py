"""Check-ins: when they are asked, whose word ends a placement, and what happens when the two sides differ."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from sqlalchemy import select

from talentbank.errors import Conflict, Forbidden, Invalid, NotFound
from talentbank.extensions import db, today, transaction
from talentbank.notices.models import Notice
from talentbank.permissions import SYSTEM, Role
from talentbank.placements import queries, service
from talentbank.placements.models import CheckIn, Placement
from talentbank.placements.queries import PlacementState
from talentbank.rounds.offers import service as offers
from talentbank.rounds.offers.models import Offer
from tests import factories
from tests.market import Market
from tests.rounds.life import published

pytestmark = pytest.mark.usefixtures("app_context")


@pytest.fixture
def m() -> Market:
    made = Market()
    published(made.chamber)
    return made


def begun(m: Market, ago: int) -> int:
    """The strong student's placement, which started so many days ago."""
    offer = db.session.scalars(select(Offer.id).where(Offer.student_id == m.strong_id)).one()
    offers.answer_offer(m.strong, offer, accepted=True)
    return service.start(m.enterprise, offer, before(ago)).id


def before(days: int) -> date:
    return today() - timedelta(days=days)


def stored(placement_id: int) -> Placement:
    db.session.expire_all()
    return db.session.get_one(Placement, placement_id)


def said_long_ago(placement_id: int, ago: int) -> None:
    with transaction():
        for word in db.session.scalars(select(CheckIn).where(CheckIn.placement_id == placement_id)):
            word.at -= timedelta(days=ago)


@pytest.mark.parametrize(("ago", "asked"), [(89, None), (90, 90), (179, 90), (180, 180), (364, 180), (365, 365)])
def test_it_is_asked_from_its_day_on_and_the_latest_stands_for_the_earlier(
    m: Market, ago: int, asked: int | None
) -> None:
    begun(m, ago)
    for actor in (m.strong, m.enterprise):
        assert [(row.day, row.by) for row in queries.due(actor)] == ([(asked, actor.role)] if asked else [])
    assert len(queries.due(m.chamber)) == len(queries.due(m.university)) == (2 if asked else 0)
    assert queries.count_placements(m.strong)[PlacementState.DUE] == (1 if asked else 0)
    assert queries.due(factories.person(Role.UNIVERSITY)) == []


def test_a_side_answers_once_and_not_before_the_day(m: Market) -> None:
    placement = begun(m, 100)
    with pytest.raises(Conflict):
        service.check_in(m.strong, placement, 180, True)
    service.check_in(m.strong, placement, 90, True)
    with pytest.raises(Conflict):
        service.check_in(m.strong, placement, 90, True)
    assert queries.due(m.strong) == []
    assert len(queries.due(m.enterprise)) == 1


def test_what_is_missing_or_can_not_be_stands_at_its_field(m: Market) -> None:
    placement = begun(m, 100)
    before_all = factories.stored(CheckIn)
    for values, fields in (
        ((17, True), {"day"}),
        ((90, None), {"still_there"}),
        ((90, False), {"left_on", "reason"}),
        ((90, False, before(101), "pay"), {"left_on"}),
        ((90, False, before(-1), "pay"), {"left_on"}),
        ((90, False, before(5), "boredom"), {"reason"}),
        ((90, True, None, "", "x" * 501), {"note"}),
    ):
        with pytest.raises(Invalid) as refused:
            service.check_in(m.strong, placement, *values)
        assert set(refused.value.errors) == fields
    assert factories.stored(CheckIn) == before_all


def test_leaving_ends_the_placement(m: Market) -> None:
    placement = begun(m, 100)
    service.check_in(m.enterprise, placement, 90, False, before(3), "housing", " far away ")
    ended = stored(placement)
    assert (ended.ended_on, ended.end_reason, ended.ended_by) == (before(3), "housing", Role.ENTERPRISE)
    assert ended.end_note == "far away"
    assert queries.due(m.chamber) == []


@pytest.mark.parametrize("first", ["goes_on", "left"])
def test_no_word_ends_what_the_other_side_says_goes_on(m: Market, first: str) -> None:
    placement = begun(m, 100)
    for step in ("goes_on", "left") if first == "goes_on" else ("left", "goes_on"):
        if step == "goes_on":
            service.check_in(m.strong, placement, 90, True)
        else:
            service.check_in(m.enterprise, placement, 90, False, before(3), "pay")
    found = stored(placement)
    assert (found.ended_on, found.ended_by, found.differs) == (None, Role.ENTERPRISE, True)
    [day] = [d for d in queries.days(found, queries.check_ins([placement])[placement]) if d.words]
    assert day.differs
    assert queries.count_placements(m.chamber)[PlacementState.DIFFERS] == 1
    with pytest.raises(Conflict):
        service.end(m.enterprise, placement, before(3), "pay")
    service.end(m.strong, placement, today(), "pay")
    assert (stored(placement).ended_by, stored(placement).differs) == (Role.STUDENT, False)


def test_a_last_day_after_the_others_word_ends_it(m: Market) -> None:
    placement = begun(m, 200)
    service.check_in(m.strong, placement, 90, True)
    said_long_ago(placement, 100)
    service.check_in(m.enterprise, placement, 180, False, before(50), "study")
    assert stored(placement).ended_on == before(50)


def test_nobody_ends_before_its_own_word(m: Market) -> None:
    placement = begun(m, 100)
    service.check_in(m.strong, placement, 90, True)
    with pytest.raises(Invalid) as refused:
        service.end(m.strong, placement, before(1), "pay")
    assert set(refused.value.errors) == {"ended_on"}


def test_it_ends_once_and_its_ender_is_asked_no_more(m: Market) -> None:
    placement = begun(m, 100)
    service.end(m.strong, placement, before(1), "family")
    for again in (
        lambda: service.end(m.enterprise, placement, before(1), "pay"),
        lambda: service.check_in(m.strong, placement, 90, True),
    ):
        with pytest.raises(Conflict):
            again()


def test_the_student_confirms_once(m: Market) -> None:
    placement = begun(m, 1)
    assert service.confirm(m.strong, placement).confirmed_at
    with pytest.raises(Conflict):
        service.confirm(m.strong, placement)
    with pytest.raises(Forbidden):
        service.confirm(m.enterprise, placement)


def test_others_placements_are_not_found(m: Market) -> None:
    placement = begun(m, 100)
    for other in (m.weak, factories.person(Role.ENTERPRISE)):
        for act in (
            lambda: service.check_in(other, placement, 90, True),  # noqa: B023
            lambda: service.end(other, placement, today(), "pay"),  # noqa: B023
            lambda: queries.placement(other, placement),  # noqa: B023
        ):
            with pytest.raises(NotFound):
                act()
    with pytest.raises(NotFound):
        service.confirm(m.weak, placement)


def test_each_side_is_reminded_once_a_check_in(m: Market) -> None:
    placement = begun(m, 90)
    assert service.remind(SYSTEM) == 2
    assert service.remind(SYSTEM) == 0
    keys = db.session.scalars(select(Notice.key).where(Notice.kind == "check_in_due")).all()
    assert set(keys) == {f"placement:{placement}:90:student", f"placement:{placement}:90:enterprise"}
