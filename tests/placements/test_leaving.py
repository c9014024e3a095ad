"""Who has left is free again, and so is the seat; unless the other side says in time that the work goes on."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from talentbank.deposits import queries as deposits
from talentbank.deposits.models import Position
from talentbank.extensions import db, today, transaction
from talentbank.notices.models import Notice
from talentbank.placements import queries, service
from talentbank.placements.models import Placement
from talentbank.placements.queries import Whereabouts
from talentbank.rounds import queries as rounds
from talentbank.rounds.offers import queries as offers
from talentbank.rounds.offers import service as answering
from talentbank.rounds.offers.models import Offer, OfferState
from tests.market import Market
from tests.rounds.life import published

pytestmark = pytest.mark.usefixtures("app_context")


@pytest.fixture
def m() -> Market:
    made = Market()
    published(made.chamber)
    return made


def offer_of(student_id: int) -> Offer:
    return db.session.scalars(select(Offer).where(Offer.student_id == student_id).order_by(Offer.id.desc())).all()[0]


def begun(m: Market, ago: int) -> int:
    """The strong student's placement, which started so many days ago."""
    offer = offer_of(m.strong_id)
    answering.answer_offer(m.strong, offer.id, accepted=True)
    return service.start(m.enterprise, offer.id, today() - timedelta(days=ago)).id


def whereabouts(m: Market) -> Whereabouts:
    return queries.student(m.chamber, m.strong_id).whereabouts


def joins(m: Market) -> bool:
    return m.strong_id in {student.id for student in db.session.scalars(rounds.joining_students())}


def test_who_left_and_the_seat_are_free_for_the_next_round(m: Market) -> None:
    placement = begun(m, 100)
    position = offer_of(m.strong_id).position_id
    held = offers.seats_held()[position]
    assert (whereabouts(m), joins(m)) == (Whereabouts.PLACED, False)
    service.end(m.strong, placement, today(), "pay")
    assert (whereabouts(m), joins(m)) == (Whereabouts.FREE, True)
    assert offers.seats_held().get(position, 0) == held - 1 == deposits.promised_seats(position)
    assert offer_of(m.strong_id).state is OfferState.ACCEPTED
    first = offer_of(m.strong_id)
    published(m.chamber)
    assert offer_of(m.strong_id).id > first.id


def test_what_was_said_too_soon_holds_both_again(m: Market) -> None:
    placement = begun(m, 100)
    service.end(m.enterprise, placement, today() - timedelta(days=3), "pay")
    assert joins(m)
    service.check_in(m.strong, placement, 90, True)
    assert (whereabouts(m), joins(m)) == (Whereabouts.PLACED, False)
    assert offer_of(m.strong_id).released_at is None


def test_an_end_stands_once_the_person_holds_another_offer(m: Market) -> None:
    placement = begun(m, 100)
    service.end(m.strong, placement, today() - timedelta(days=3), "pay")
    published(m.chamber)
    service.check_in(m.enterprise, placement, 90, True)
    ended = db.session.get_one(Placement, placement)
    assert ended.ended_on == today() - timedelta(days=3)
    assert whereabouts(m) is Whereabouts.OFFERED


def test_an_end_stands_once_the_seat_is_anothers(m: Market) -> None:
    placement = begun(m, 100)
    position = offer_of(m.strong_id).position_id
    service.end(m.enterprise, placement, today() - timedelta(days=3), "pay")
    with transaction():
        held = offers.seats_held().get(position, 0)
        db.session.get_one(Position, position).headcount = max(1, held)
        if not held:
            other = offer_of(m.artist_id)
            other.position_id = position
    service.check_in(m.strong, placement, 90, True)
    assert db.session.get_one(Placement, placement).ended_on == today() - timedelta(days=3)
    assert offers.seats_held()[position] <= db.session.get_one(Position, position).headcount


def test_the_other_side_learns_of_an_end_and_nobody_else(m: Market) -> None:
    placement = begun(m, 100)
    service.end(m.strong, placement, today(), "pay")
    told = db.session.scalars(select(Notice.user_id).where(Notice.kind == "placement_ended")).all()
    assert told == [m.enterprise.user_id]
