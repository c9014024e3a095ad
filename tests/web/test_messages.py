"""The pages of messages: a question and its answer, what is said before a name is given away, others shut out."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import select, update

from talentbank.deposits.models import Position, PositionState
from talentbank.extensions import db, transaction
from talentbank.messages import service
from talentbank.messages.models import Message
from talentbank.notices.models import Notice
from talentbank.permissions import Role
from talentbank.rounds.offers import service as answering
from talentbank.rounds.offers.models import Offer
from tests import factories
from tests.market import Market
from tests.rounds.life import opened, published
from tests.web.reader import ORIGIN, Reads


@pytest.fixture
def m(app: Flask) -> Market:
    with app.app_context():
        return Market()


def test_a_question_goes_from_the_notice_to_its_answer(app: Flask, m: Market, reads: Reads) -> None:
    path = f"/messages/{m.shop}/{m.strong_id}"
    student, enterprise = reads(m.strong), reads(m.enterprise)
    assert "No messages yet" in student.get("/messages").text
    assert "No messages yet" in enterprise.get("/messages").text
    page = student.get(path)
    assert "If you write, this enterprise sees your name and university." in page.text
    sent = student.submit(page, page.form(), words="Is there <b>a</b> dormitory?")
    assert "Your message is sent." in sent.text and "not read yet" in sent.text
    assert "If you write, this enterprise" not in sent.text
    assert path in enterprise.get("/messages?state=waiting").links()
    assert "1 unread message" in enterprise.get("/messages").text
    with app.app_context():
        notice = db.session.scalars(select(Notice.id).where(Notice.kind == "message")).one()
    opened_ = enterprise.get(f"/notices/{notice}")
    assert opened_.path == path
    assert "Is there <b>a</b> dormitory?" in opened_.text and "New" in opened_.text
    assert m.strong.name in opened_.text
    assert "New" not in enterprise.get(path).soup.select_one("main").text  # type: ignore[union-attr]
    assert "read on" in student.get(path).text
    assert "You wrote last" in student.get("/messages").text
    enterprise.submit(opened_, opened_.form(), words="There is.")
    assert "Waits for you" in student.get("/messages").text
    assert path not in enterprise.get("/messages?state=waiting").links()


def test_a_blind_rounds_page_says_what_writing_gives_away(app: Flask, m: Market, reads: Reads) -> None:
    with app.app_context():
        opened(m.chamber, name="Blind Round")
    page = reads(m.strong).get(f"/messages/{m.shop}/{m.strong_id}")
    assert "you by number only in «Blind Round»" in page.text


def test_nobody_is_recognised_behind_a_blind_offer_by_an_address(app: Flask, m: Market, reads: Reads) -> None:
    with app.app_context():
        published(m.chamber)
        offer = db.session.scalars(select(Offer.id).where(Offer.student_id == m.strong_id)).one()
    enterprise = reads(m.enterprise)
    for student in (m.strong_id, m.weak_id, m.artist_id):
        enterprise.get(f"/messages/{m.shop}/{student}", 404)
    links = enterprise.get(f"/offers/{offer}").links()
    assert not [link for link in links if link.startswith("/messages/")]
    with app.app_context():
        answering.answer_offer(m.strong, offer, accepted=True)
    assert f"/messages/{m.shop}/{m.strong_id}" in enterprise.get(f"/offers/{offer}").links()


def test_what_is_wrong_stands_at_the_field_and_the_words_stay(m: Market, reads: Reads) -> None:
    student = reads(m.strong)
    page = student.get(f"/messages/{m.shop}/{m.strong_id}")
    refused = student.submit(page, page.form(), 400, words="x" * 2001)
    assert "Write at most 2000 characters." in refused.text
    assert "x" * 2001 in refused.html
    assert "Write your message." in student.submit(page, page.form(), 400, words=" ").text
    student.submit(page, page.form(), 400, words="null\0")
    student.submit(page, page.form(), 400, words=[])


def test_others_find_nothing(app: Flask, m: Market, reads: Reads) -> None:
    path = f"/messages/{m.shop}/{m.strong_id}"
    with app.app_context():
        service.write(m.strong, m.shop, m.strong_id, "Private.")
        strangers = [m.weak, factories.person(Role.ENTERPRISE), factories.person(Role.STUDENT)]
    for actor in strangers:
        someone = reads(actor)
        someone.get(path, 404)
        someone.post(path, 404, words="Let me in.")
        assert path not in someone.get("/messages").links()
    for target in (f"/messages/{m.shop}/999999", f"/messages/999999/{m.strong_id}", "/messages/99999999999/1"):
        reads(m.strong).get(target, 404)
        reads(m.enterprise).post(target, 404, words="Forged.")
    for actor in (m.chamber, m.university):
        reads(actor).get(path, 403)
        reads(actor).get("/messages", 403)
    with app.app_context():
        unread = db.session.scalars(select(Message.read_at)).one()
    assert unread is None


def test_a_blocked_positions_thread_is_read_and_has_no_form(app: Flask, m: Market, reads: Reads) -> None:
    path = f"/messages/{m.shop}/{m.strong_id}"
    with app.app_context():
        service.write(m.strong, m.shop, m.strong_id, "Do you ask for a fee?")
        with transaction():
            blocked = update(Position).where(Position.id == m.shop).values(state=PositionState.BLOCKED)
            db.session.execute(blocked)
    for actor in (m.strong, m.enterprise):
        someone = reads(actor)
        page = someone.get(path)
        assert "Do you ask for a fee?" in page.text and "has blocked this position" in page.text
        assert not page.soup.select("main textarea")
        assert f"/positions/{m.shop}" not in page.links() or actor is m.enterprise
        someone.post(path, 409, words="Still there?")


def test_a_long_thread_has_pages(app: Flask, m: Market, reads: Reads, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "MOST_AN_HOUR", 1000)
    with app.app_context():
        for number in range(52):
            service.write(m.strong, m.shop, m.strong_id, f"Question {number:02}.")
    student = reads(m.strong)
    page = student.get(f"/messages/{m.shop}/{m.strong_id}")
    assert "Question 51." in page.text and "Question 01." not in page.text
    assert "Question 01." in student.get(f"/messages/{m.shop}/{m.strong_id}?page=2").text


def test_a_student_without_a_profile_has_no_thread_and_no_link_to_one(app: Flask, m: Market, reads: Reads) -> None:
    with app.app_context():
        bare = factories.person(Role.STUDENT)
    reads(bare).get(f"/messages/{m.shop}/{m.strong_id}", 404)
    with app.app_context():
        own_thread = app.jinja_env.globals["own_thread"]
    with app.test_request_context(base_url=ORIGIN):
        assert own_thread(m.shop) == ""  # type: ignore[operator]
