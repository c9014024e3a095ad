"""The pages of a result: for the student, the enterprise, the university and the chamber; blind until accepted."""

from __future__ import annotations

import pytest
from flask import Flask, g
from sqlalchemy import select, update

from talentbank.accounts.models import User
from talentbank.competencies.models import Student
from talentbank.extensions import db, transaction
from talentbank.permissions import Actor, Role
from talentbank.rounds.offers import service
from talentbank.rounds.offers import views as offer_pages
from talentbank.rounds.offers.models import Offer
from tests import factories
from tests.market import Market
from tests.rounds.life import published, solved
from tests.web.reader import ORIGIN, Reader

pytestmark = pytest.mark.usefixtures("app_context")


def reader(app: Flask, who: Actor) -> Reader:
    g.pop("_login_user", None)  # the test's own application context would keep the reader before
    return Reader(app, db.session.get_one(User, who.user_id).get_id())


def offer_of(student_id: int) -> Offer:
    return db.session.scalars(select(Offer).where(Offer.student_id == student_id)).one()


def name_of(student_id: int) -> str:
    return db.session.scalars(
        select(User.name).join(Student, Student.user_id == User.id).where(Student.id == student_id)
    ).one()


def test_a_blind_rounds_enterprise_learns_a_name_with_the_acceptance(app: Flask) -> None:
    m = Market()
    found, _ = published(m.chamber, blind=True)
    mine = offer_of(m.strong_id)
    name, looking = name_of(m.strong_id), reader(app, m.enterprise)
    paths = (f"/market/{found.id}/result", "/offers", f"/offers/{mine.id}")
    for path in paths:
        page = looking.glance(path)
        assert page.status == 200
        assert name not in page.text
        assert f"Candidate {mine.number}" in page.text
    service.answer_offer(m.strong, mine.id, accepted=True)
    for path in paths:
        assert name in looking.glance(path).text


def test_who_gets_none_reads_why_and_what_to_learn(app: Flask) -> None:
    m = Market()
    m.position({"visual_design": 3}, category="design", must=("visual_design",))
    left, _ = m.student({"visual_design": 2}, categories=["design"])
    found, _ = published(m.chamber)
    text = reader(app, left).glance(f"/market/{found.id}/result").text
    assert "No offer in this round" in text
    assert "One condition cost you most: «Must-have»" in text
    assert "With one level more in" in text


def test_each_has_a_page_and_strangers_none(app: Flask) -> None:
    m = Market()
    found, _ = published(m.chamber)
    for who in (m.strong, m.enterprise, m.university):
        assert reader(app, who).glance(f"/market/{found.id}/result").status == 200
    for who in (m.strong, m.enterprise, m.university, m.chamber):
        assert f"round verify {found.id}" in reader(app, who).glance(f"/market/{found.id}/check").text
    assert "Cost" in reader(app, m.chamber).glance(f"/rounds/{found.id}/scarcity").text
    other = reader(app, factories.person(Role.ENTERPRISE))
    for page in ("result", "check"):
        assert other.client.get(f"/market/{found.id}/{page}", base_url=ORIGIN).status_code == 404


def test_who_declines_says_why(app: Flask) -> None:
    m = Market()
    published(m.chamber)
    mine = offer_of(m.strong_id)
    strong = reader(app, m.strong)
    page = strong.glance(f"/offers/{mine.id}")
    assert page.soup.select_one("select[name=declined_for]") is not None
    refused = strong.client.post(
        f"/offers/{mine.id}/answer",
        base_url=ORIGIN,
        data={"answer": "decline", "csrf_token": str(page.form("/answer").select_one("[name=csrf_token]")["value"])},
    )
    assert (refused.status_code, "Choose the reason that weighs most" in refused.text) == (400, True)


def test_whoever_was_in_a_round_checks_it_by_a_click(app: Flask) -> None:
    m = Market()
    found, _ = published(m.chamber)
    path = f"/market/{found.id}/check/again"
    for who in (m.weak, m.enterprise, m.university):
        assert "Checked just now" in reader(app, who).get(path).text
    other = reader(app, factories.person(Role.STUDENT))
    assert other.client.get(path, base_url=ORIGIN).status_code == 404
    with transaction():
        # who has which of the two seats is swapped behind the bank's back
        for student, position in ((m.strong_id, m.studio), (m.artist_id, m.shop)):
            db.session.execute(update(Offer).where(Offer.student_id == student).values(position_id=position))
    faulty = reader(app, m.weak).get(path).text
    assert "Something does not fit" in faulty
    assert "student" not in faulty.split("Something does not fit")[1][:120]
    assert "got no offer of it" in reader(app, m.chamber).get(path).text


def test_an_unpublished_result_is_checked_by_nobody(app: Flask) -> None:
    m = Market()
    found, _ = solved(m.chamber)
    strong = reader(app, m.strong)
    assert "/check/again" not in strong.glance(f"/market/{found.id}/check").html
    strong.get(f"/market/{found.id}/check/again", 409)


def test_a_check_that_takes_too_long_is_given_up(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    m = Market()
    found, _ = published(m.chamber)
    monkeypatch.setattr(offer_pages, "LONGEST_CHECK", -1.0)
    refused = reader(app, m.strong).get(f"/market/{found.id}/check/again", 409)
    assert "too large to be checked" in refused.text
