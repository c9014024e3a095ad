"""The pages of reports: made by whoever sees a position, decided by the chamber, silent to the enterprise."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import select

from talentbank.accounts.models import User
from talentbank.deposits.flags import service
from talentbank.deposits.flags.models import Flag
from talentbank.extensions import db
from talentbank.permissions import Actor, Role
from tests import factories
from tests.market import Market
from tests.rounds.life import published
from tests.web.reader import Reads

WORDS = "They asked for 2000 RMB for training before the first day."


@pytest.fixture
def m(app: Flask) -> Market:
    with app.app_context():
        return Market()


def report(app: Flask, m: Market, actor: Actor | None = None, words: str = WORDS) -> int:
    with app.app_context():
        return service.make(actor or m.strong, m.shop, "fees", words).id


def block(app: Flask, m: Market) -> None:
    flag = report(app, m)
    with app.app_context():
        service.decide(m.chamber, flag, "uphold", "They do ask for money.")


def name(app: Flask, actor: Actor) -> str:
    with app.app_context():
        return db.session.get_one(User, actor.user_id).name


def test_a_report_is_made_from_the_positions_page_and_decided_on_the_list(
    app: Flask, m: Market, reads: Reads
) -> None:
    student, chamber, shop = reads(m.strong), reads(m.chamber), f"/positions/{m.shop}"
    assert f"{shop}/report" in student.get(shop).links()
    page = student.get(f"{shop}/report")
    assert "What happens next" in page.text
    assert "No enterprise in the bank may ask for money" in page.text
    assert "Article 9 of the Labour Contract Law" in page.text
    sent = student.submit(page, page.form(), kind="fees", words=WORDS)
    assert "Your report is with the chamber." in sent.text
    assert "It waits for the chamber's decision." in sent.text
    assert not sent.soup.select("main form[method=post]")
    listed = chamber.get("/reports?state=waiting")
    assert WORDS in listed.text
    assert name(app, m.strong) in listed.text
    assert shop in listed.links()
    decided = chamber.submit(listed, listed.form("/decide"), decision="uphold", answer="They do ask for money.")
    assert "The position is blocked, and those whom it concerns are told." in decided.text
    student.get(shop, 404)
    own = student.get(f"{shop}/report")
    assert "They do ask for money." in own.text
    assert shop not in own.links()
    assert "blocked this position" in own.text
    assert not own.soup.select("main form[method=post]")


def test_a_dismissed_report_is_answered_and_another_can_be_made(app: Flask, m: Market, reads: Reads) -> None:
    report(app, m)
    chamber, student = reads(m.chamber), reads(m.strong)
    listed = chamber.get("/reports")
    assert (
        "The report is dismissed"
        in chamber.submit(listed, listed.form("/decide"), decision="dismiss", answer="We asked: it is free.").text
    )
    assert WORDS in chamber.get("/reports?state=dismissed").text
    assert "Nothing fits this search" in chamber.get("/reports?state=waiting").text
    page = student.get(f"/positions/{m.shop}/report")
    assert "We asked: it is free." in page.text
    assert "Your report is with the chamber." in student.submit(page, page.form(), kind="false", words="Still.").text


def test_a_report_without_a_kind_or_words_is_refused_at_its_fields(app: Flask, m: Market, reads: Reads) -> None:
    student = reads(m.strong)
    page = student.get(f"/positions/{m.shop}/report")
    refused = student.submit(page, page.form(), 400, words=" ")
    assert "Choose what is wrong with the position." in refused.text
    assert "Write it in your own words." in refused.text
    long = student.submit(page, page.form(), 400, kind="other", words="x" * 1001)
    assert "Write at most 1000 characters." in long.text
    with app.app_context():
        assert db.session.scalars(select(Flag)).all() == []


def test_what_cant_be_reported_says_so(app: Flask, m: Market, reads: Reads) -> None:
    enterprise, student = reads(m.enterprise), reads(m.strong)
    assert f"/positions/{m.shop}/report" not in enterprise.get(f"/positions/{m.shop}").links()
    assert "your own enterprise's" in enterprise.get(f"/positions/{m.shop}/report", 409).text
    student.get("/positions/99999/report", 404)
    student.post("/positions/99999/report", 404, kind="fees", words=WORDS)
    with app.app_context():
        other = factories.person(Role.ENTERPRISE)
    reads(other).get(f"/positions/{m.shop}/report", 404)
    page = student.get(f"/positions/{m.shop}/report")
    form = page.form()
    student.submit(page, form, kind="fees", words=WORDS)
    assert "still waits" in student.submit(page, form, 409, kind="fees", words=WORDS).text


def test_a_decision_without_an_answer_or_made_twice_is_refused(app: Flask, m: Market, reads: Reads) -> None:
    flag, chamber = report(app, m), reads(m.chamber)
    listed = chamber.get("/reports")
    refused = chamber.submit(listed, listed.form("/decide"), 400, decision="uphold", answer=" ")
    assert "Write it in your own words." in refused.text
    assert WORDS in refused.text
    undecided = chamber.submit(listed, listed.form("/decide"), 400, answer="So.")
    assert "Choose: dismiss the report, or block the position." in undecided.text
    chamber.submit(undecided, undecided.form("/decide"), decision="dismiss", answer="So.")
    twice = chamber.submit(listed, listed.form("/decide"), 409, decision="uphold", answer="So.")
    assert "decided already" in twice.text
    chamber.post("/reports/99999/decide", 404, decision="uphold", answer="So.")
    chamber.post("/reports/99999/decide", 404)
    with app.app_context():
        assert not db.session.get_one(Flag, flag).upheld


def test_the_enterprise_reads_why_and_can_do_nothing_and_never_learns_who_reported(
    app: Flask, m: Market, reads: Reads
) -> None:
    enterprise, shop = reads(m.enterprise), f"/positions/{m.shop}"
    before = enterprise.get(shop)
    block(app, m)
    page = enterprise.get(shop)
    assert "Blocked by the chamber" in page.text
    assert "They do ask for money." in page.text
    assert not page.soup.select("main form[method=post]")
    assert f"{shop}/edit" not in page.links()
    for path in (shop, "/positions", "/home", "/notices"):
        seen = enterprise.get(path).html
        assert name(app, m.strong) not in seen
        assert WORDS not in seen
    assert "blocked" in enterprise.get("/positions?state=blocked").soup.select_one("#list").text  # type: ignore[union-attr]
    assert "blocked this position" in enterprise.submit(before, before.form("/state"), 409).text
    assert "blocked this position" in enterprise.get(f"{shop}/edit", 409).text
    enterprise.get("/reports", 403)
    enterprise.post(f"{shop}/state", 400, state="blocked")
    enterprise.post(f"{shop}/unblock", 403, reason="Please.")


def test_the_chamber_unblocks_with_a_reason(app: Flask, m: Market, reads: Reads) -> None:
    block(app, m)
    chamber, enterprise, shop = reads(m.chamber), reads(m.enterprise), f"/positions/{m.shop}"
    page = chamber.get(shop)
    assert f"/reports?position={m.shop}" in page.links()
    refused = chamber.submit(page, page.form("/unblock"), 400, reason="")
    assert "Write it in your own words." in refused.text
    again = chamber.submit(refused, refused.form("/unblock"), reason="It was another firm.")
    assert "The position is unblocked" in again.text
    assert "Closed: it takes part in no further round." in again.text
    assert "not blocked" in chamber.submit(page, page.form("/unblock"), 409, reason="Again.").text
    chamber.post("/positions/99999/unblock", 404, reason="So.")
    closed = enterprise.get(shop)
    assert "The position is open again." in enterprise.submit(closed, closed.form("/state")).text


def test_what_somebody_wrote_is_shown_as_text(app: Flask, m: Market, reads: Reads) -> None:
    report(app, m, words="<script>alert(1)</script>\n二 lines")
    for someone, path in ((reads(m.chamber), "/reports"), (reads(m.strong), f"/positions/{m.shop}/report")):
        page = someone.get(path)
        assert "<script>alert(1)</script>" in page.text
        assert "<script>alert" not in page.html


def test_a_notice_of_a_report_leads_to_the_list(app: Flask, m: Market, reads: Reads) -> None:
    report(app, m)
    chamber = reads(m.chamber)
    notices = chamber.get("/notices")
    (link,) = [link for link in notices.links() if link.startswith("/notices/")]
    assert chamber.get(link).path == "/reports"


def test_an_offer_of_a_blocked_position_cant_be_accepted_on_its_page(app: Flask, m: Market, reads: Reads) -> None:
    with app.app_context():
        published(m.chamber)
    student = reads(m.weak)
    (link,) = {link for link in student.get("/offers").links() if link.startswith("/offers/")}
    page = student.get(link)
    block(app, m)
    refused = student.submit(page, page.form("/answer"), 409, answer="accept")
    assert "blocked this position since" in refused.text
    declined = student.submit(page, page.form("/answer"), answer="decline", declined_for="other")
    assert "You have declined." in declined.text
