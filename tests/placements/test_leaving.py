"""Who has left is free again, and so is the seat; unless the other side says in time that the work goes on."""

from __future__ import annotations

import threading
import time
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from talentbank.competencies.models import Student
from talentbank.deposits import queries as deposits
from talentbank.deposits.models import Position
from talentbank.errors import Invalid
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
from tests.rounds.life import chosen, published, solved
from tests.rounds.test_races import at_once

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


def test_nobody_starts_anew_before_the_last_day_elsewhere(m: Market) -> None:
    placement = begun(m, 100)
    service.end(m.strong, placement, today() - timedelta(days=10), "pay")
    published(m.chamber)
    second = offer_of(m.strong_id)
    answering.answer_offer(m.strong, second.id, accepted=True)
    for day in (11, 10):
        with pytest.raises(Invalid) as refused:
            service.start(m.enterprise, second.id, today() - timedelta(days=day))
        assert set(refused.value.errors) == {"started_on"}
    service.start(m.enterprise, second.id, today() - timedelta(days=9))


def publishing_while_a_release_is_taken_back(app: Flask) -> None:
    """A check-in holds a seat again, not yet committed, while a round with the same seat is published."""
    with app.app_context():
        market = Market()
        position = market.position({"visual_design": 5}, category="design")
        placed, placed_id = market.student({"visual_design": 5}, categories=["design"])
        published(market.chamber)
        offer = offer_of(placed_id)
        assert offer.position_id == position
        answering.answer_offer(placed, offer.id, accepted=True)
        placement = service.start(market.enterprise, offer.id, today() - timedelta(days=100)).id
        service.end(market.enterprise, placement, today() - timedelta(days=3), "pay")
        with transaction():
            db.session.get_one(Student, placed_id).available = False
        market.student({"visual_design": 5}, categories=["design"])
        found, run = solved(market.chamber)
        at = market.chamber, found.id, chosen(market.chamber, found.id, run.number).version
        held, told = threading.Event(), offers.seats_held

        def hold() -> None:
            with app.app_context(), transaction():
                assert answering.hold_again(db.session.get_one(Offer, offer.id))
                db.session.flush()
                held.set()
                time.sleep(0.7)

        def publish() -> None:
            held.wait(10)
            answering.publish(*at)

        at_once(app, hold, publish)
        assert told()[position] == 1


def test_a_seat_held_again_is_not_promised_at_the_same_moment(app: Flask) -> None:
    publishing_while_a_release_is_taken_back(app)
