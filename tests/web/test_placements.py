"""The pages of placements: listed, confirmed, answered and ended by whom they concern."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from talentbank.extensions import db, today
from talentbank.permissions import Role
from talentbank.placements import service
from talentbank.rounds.offers import service as offers
from talentbank.rounds.offers.models import Offer
from tests import factories
from tests.market import Market
from tests.rounds.life import published
from tests.web.reader import Reads


@pytest.fixture
def m(app: Flask) -> Market:
    with app.app_context():
        made = Market()
        published(made.chamber)
        return made


@pytest.fixture
def placement(app: Flask, m: Market) -> str:
    """The address of a placement that started 100 days ago."""
    with app.app_context():
        offer = db.session.scalars(select(Offer.id).where(Offer.student_id == m.strong_id)).one()
        offers.answer_offer(m.strong, offer, accepted=True)
        return f"/placements/{service.start(m.enterprise, offer, today() - timedelta(days=100)).id}"


def test_everybody_whom_it_concerns_reads_it_and_nobody_else(
    app: Flask, m: Market, placement: str, reads: Reads
) -> None:
    for actor in (m.strong, m.enterprise, m.university, m.chamber):
        someone = reads(actor)
        for state in ("", "going_on", "due"):
            assert placement in someone.get(f"/placements?state={state}").links()
        assert placement not in someone.get("/placements?state=ended").links()
        assert "After 90 days" in someone.get(placement).text
    with app.app_context():
        strangers = [m.weak, factories.person(Role.ENTERPRISE), factories.person(Role.UNIVERSITY)]
    for actor in strangers:
        reads(actor).get(placement, 404)
        assert placement not in reads(actor).get("/placements").links()


def test_the_student_confirms_and_the_enterprise_answers(m: Market, placement: str, reads: Reads) -> None:
    student, enterprise = reads(m.strong), reads(m.enterprise)
    page = student.get(placement)
    assert "You have confirmed" in student.submit(page, page.form("/confirm")).text
    page = student.get(placement)
    student.submit(page, page.form("/check-in"), still_there="yes", note="A family matter.")
    for actor, reads_it in ((m.enterprise, True), (m.chamber, True), (m.university, False)):
        assert ("A family matter." in reads(actor).get(placement).text) == reads_it
    page = enterprise.get(placement)
    form = page.form("/check-in")
    refused = enterprise.submit(page, form, 400, still_there="no")
    assert "Choose the reason that weighs most." in refused.text
    answered = enterprise.submit(
        page, form, still_there="no", left_on=(today() - timedelta(days=2)).isoformat(), reason="pay"
    )
    assert "The two sides differ" in answered.text and "differs" in answered.text


def test_a_forged_answer_is_refused(m: Market, placement: str, reads: Reads) -> None:
    someone = reads(m.strong)
    someone.post(f"{placement}/check-in", 400, day="91", still_there="yes")
    someone.post(f"{placement}/check-in", 400, day="²", still_there="yes")
    someone.post(f"{placement}/check-in", 409, day="365", still_there="yes")
    someone.post(f"{placement}/end", 400, ended_on="never", end_reason="pay")
    for action in ("check-in", "confirm", "end"):
        reads(m.weak).post(
            f"{placement}/{action}", 404, day="90", still_there="yes", ended_on=today().isoformat(), end_reason="pay"
        )
