"""The pages of destinations: a student's own, and the university's."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from talentbank.extensions import db, today
from talentbank.permissions import Role
from talentbank.placements import service as placements
from talentbank.rounds.offers import service as offers
from talentbank.rounds.offers.models import Offer
from tests import factories
from tests.market import Market
from tests.rounds.life import published
from tests.web.reader import Reads

SINCE = (today() - timedelta(days=20)).isoformat()


@pytest.fixture
def m(app: Flask) -> Market:
    with app.app_context():
        return Market()


def begun(app: Flask, m: Market, contract: str) -> None:
    """The artist starts in the studio."""
    with app.app_context():
        position = m.position({"visual_design": 4, "teamwork": 1}, category="design", contract=contract)
        assert position
        published(m.chamber)
        offer = db.session.scalars(select(Offer).where(Offer.student_id == m.artist_id)).one()
        offer.position_id = position
        db.session.commit()
        offers.answer_offer(m.artist, offer.id, accepted=True)
        placements.start(m.enterprise, offer.id, today())


def test_a_student_records_and_mends_its_own(m: Market, reads: Reads) -> None:
    student = reads(m.strong)
    page = student.get("/destination")
    refused = student.submit(page, page.form(), 400, kind="cbec")
    assert "Write the employer" in refused.text
    assert "Write since when" in refused.text
    refused = student.submit(page, page.form(), 400, kind="cbec", employer="海口电商", since="soon")
    assert "Write a date as year-month-day" in refused.text
    kept = student.submit(page, page.form(), kind="cbec", employer="海口电商", since=SINCE)
    assert "your destination is recorded" in kept.text
    assert "Employed in cross-border e-commerce" in kept.text
    assert "海口电商" in kept.text
    student.submit(page, page.form(), 409, kind="study")  # the first window is older now
    page = student.get("/destination")
    assert "Further study" in student.submit(page, page.form(), kind="study", employer="四川大学").text


def test_the_university_records_and_the_student_confirms(m: Market, reads: Reads) -> None:
    university, student = reads(m.university), reads(m.strong)
    address = f"/destinations/{m.strong_id}"
    assert address in university.get("/destinations").links()
    page = university.get(address)
    assert "Choose what fits best." in university.submit(page, page.form(), 400).text
    done = university.submit(page, page.form(), kind="cbec", employer="海口电商", since=SINCE)
    assert "the student is asked to confirm it" in done.text
    assert "Waiting for the student" in done.text
    university.submit(page, page.form(), 409, kind="study")
    assert address in university.get("/destinations?kind=waiting").links()
    assert address not in university.get("/destinations?kind=cbec").links()
    assert "Your university has recorded where you went" in student.get("/notices").text
    page = student.get("/destination")
    button = next(form for form in page.soup.select("main form") if form.select("input[name=confirm]"))
    confirmed = student.submit(page, button)
    assert "is confirmed" in confirmed.text
    assert not confirmed.soup.select("input[name=confirm]")
    student.submit(page, button, 409)
    assert address in university.get("/destinations?kind=cbec&cohort=2027").links()
    page = university.get(address)
    assert "only the student can change it" in page.text
    assert not page.soup.select("select[name=kind]")
    university.post(address, 409, kind="study", version="2")


def test_an_employment_of_the_bank_needs_no_more(app: Flask, m: Market, reads: Reads) -> None:
    begun(app, m, "employment")
    page = reads(m.artist).get("/destination")
    assert "counts it already" in page.text
    assert not page.soup.select("select[name=kind]")
    university = reads(m.university)
    page = university.get(f"/destinations/{m.artist_id}")
    assert "counts it already" in page.text
    assert f"/destinations/{m.artist_id}" in university.get("/destinations?kind=cbec").links()


def test_an_internship_is_not_counted_and_the_page_says_so(app: Flask, m: Market, reads: Reads) -> None:
    begun(app, m, "internship")
    page = reads(m.artist).get("/destination")
    assert "an internship is never a placement" in page.text
    assert "Not known" in page.text
    assert page.form()
    university = reads(m.university)
    assert "an internship is never a placement" in university.get(f"/destinations/{m.artist_id}").text
    assert f"/destinations/{m.artist_id}" in university.get("/destinations?kind=unknown").links()


def test_who_is_too_early_reads_from_when_on(app: Flask, m: Market, reads: Reads) -> None:
    with app.app_context():
        later, later_id = m.student({}, cohort=2090)
        without, _ = m.student({}, cohort=None)
        newcomer = factories.person(Role.STUDENT)
    assert "from 2089-09-01 on" in reads(later).get("/destination").text
    reads(later).post("/destination", 409, kind="seeking", version="0")
    page = reads(without).get("/destination")
    assert "does not say the year of graduation" in page.text
    assert "/profile" in page.links()
    page = reads(newcomer).get("/destination")
    assert "Start with your profile" in page.text
    reads(newcomer).post("/destination", 404, kind="seeking", version="0")
    assert f"/destinations/{later_id}" not in reads(m.university).get("/destinations").links()


def test_others_and_forged_requests_are_refused(app: Flask, m: Market, reads: Reads) -> None:
    with app.app_context():
        other = factories.person(Role.UNIVERSITY)
    address = f"/destinations/{m.strong_id}"
    for someone in (reads(other), reads(m.strong), reads(m.weak)):
        someone.get(address, 404)
        someone.post(address, 404, kind="seeking", version="0")
    reads(m.university).post("/destinations/999999", 404, kind="seeking", version="0")
    reads(m.university).post(address, 400, kind="seeking", version="²")
    student = reads(m.strong)
    student.post("/destination", 400, kind="seeking", version="-1")
    student.post("/destination", 400, kind="boss", version="0")
    student.post("/destination", 409, confirm="1", version="0")
    reads(m.enterprise).get("/destinations", 403)
    reads(m.chamber).get("/destination", 403)


def test_each_is_led_to_the_page_that_is_theirs(m: Market, reads: Reads) -> None:
    assert reads(m.strong).get("/destinations").path == "/destination"
    assert reads(m.university).get("/destination").path == "/destinations"
    for query in ("?kind=nonsense", "?cohort=nonsense", "?page=99", "?q=%25", "?cohort=99999999999"):
        reads(m.university).get(f"/destinations{query}")
    assert "Nobody here" in reads(m.university).get("/destinations?cohort=1999").text
