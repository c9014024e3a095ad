"""Offers: who sees them, who answers, once and in time."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import func, select

from talentbank.errors import Conflict, Forbidden, Invalid, NotFound
from talentbank.extensions import db, now
from talentbank.permissions import Role
from talentbank.rounds import queries as rounds
from talentbank.rounds.offers import queries, service
from talentbank.rounds.offers.models import DeclineReason, Offer, OfferState
from tests import factories
from tests.market import Market
from tests.rounds.life import published

pytestmark = pytest.mark.usefixtures("app_context")


def offer_of(student_id: int) -> Offer:
    return db.session.scalars(select(Offer).where(Offer.student_id == student_id).order_by(Offer.id.desc())).first()  # type: ignore[return-value]


def test_an_offer_is_answered_once_by_whom_it_was_made_to() -> None:
    m = Market()
    published(m.chamber)
    mine = offer_of(m.strong_id)
    with pytest.raises(NotFound):
        service.answer_offer(m.weak, mine.id, accepted=True)
    with pytest.raises(Forbidden):
        service.answer_offer(m.enterprise, mine.id, accepted=True)
    answered = service.answer_offer(m.strong, mine.id, accepted=True, reason="not kept when accepting")
    assert (answered.state, answered.reason) == (OfferState.ACCEPTED, "")
    assert answered.answered_at is not None
    for accepted in (True, False):
        with pytest.raises(Conflict):
            service.answer_offer(m.strong, mine.id, accepted=accepted, declined_for="pay")
    assert offer_of(m.strong_id).state is OfferState.ACCEPTED


def test_who_declines_says_why_and_who_accepts_need_not() -> None:
    m = Market()
    published(m.chamber)
    mine = offer_of(m.weak_id)
    for reason in ("", "luck"):
        with pytest.raises(Invalid) as refused:
            service.answer_offer(m.weak, mine.id, accepted=False, declined_for=reason)
        assert set(refused.value.errors) == {"declined_for"}
    assert offer_of(m.weak_id).state is OfferState.OPEN
    declined = service.answer_offer(m.weak, mine.id, accepted=False, declined_for="housing", reason=" No flat. ")
    assert (declined.declined_for, declined.reason) == (DeclineReason.HOUSING, "No flat.")


def test_after_its_deadline_an_offer_has_lapsed_and_frees_student_and_seat() -> None:
    m = Market()
    published(m.chamber, offer_days=3)
    mine = offer_of(m.artist_id)
    assert rounds.contents().students == 0
    with time_machine.travel(now() + timedelta(days=3, seconds=1), tick=False):
        db.session.expire_all()
        assert mine.state is OfferState.LAPSED
        assert queries.count_offers(m.chamber)[OfferState.LAPSED] == 3
        with pytest.raises(Conflict):
            service.answer_offer(m.artist, mine.id, accepted=True)
        assert rounds.contents().students == 3
        published(m.chamber)
        assert offer_of(m.artist_id).state is OfferState.OPEN
        assert offer_of(m.artist_id).id != mine.id


def test_everybody_sees_the_offers_that_concern_them_and_no_others() -> None:
    m = Market()
    published(m.chamber)
    mine = offer_of(m.strong_id)
    other = Market()
    stranger = factories.person(Role.ENTERPRISE)
    elsewhere = factories.person(Role.UNIVERSITY)
    for actor in (m.strong, m.enterprise, m.university, m.chamber):
        assert queries.offer(actor, mine.id).id == mine.id
    for actor in (m.weak, other.strong, stranger, elsewhere):
        with pytest.raises(NotFound):
            queries.offer(actor, mine.id)
    assert queries.offers(stranger, "", None, None, 1).total == 0
    assert queries.offers(m.strong, "", None, None, 1).total == 1


def test_each_count_is_the_length_of_the_list_that_it_opens() -> None:
    m = Market()
    found, _ = published(m.chamber)
    service.answer_offer(m.strong, offer_of(m.strong_id).id, accepted=True)
    service.answer_offer(m.weak, offer_of(m.weak_id).id, accepted=False, declined_for="pay")
    for actor in (m.chamber, m.enterprise, m.university, m.strong):
        for state, count in queries.count_offers(actor, found.id).items():
            assert queries.offers(actor, state.value, None, found.id, 1).total == count


def test_nobody_holds_two_offers() -> None:
    m = Market()
    published(m.chamber)
    service.answer_offer(m.weak, offer_of(m.weak_id).id, accepted=False, declined_for="pay")
    m.position({"platform_ops": 1}, headcount=5)
    _, run = published(m.chamber)
    assert run.matched == 1
    holders = select(Offer.student_id).where(queries.holds_seat()).group_by(Offer.student_id)
    assert db.session.scalars(holders.having(func.count() > 1)).all() == []
