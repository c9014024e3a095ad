"""The statement: every figure is what the ledger holds, opens what it counts, and is nobody else's to read."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from flask import Flask

from talentbank.credentials import queries, statement, withdrawals
from talentbank.credentials.statement import Day, Statement
from talentbank.engine.ledger import EntryKind
from talentbank.errors import Conflict, Forbidden, NotFound
from talentbank.extensions import db
from talentbank.ledger.queries import Movement
from talentbank.permissions import Role
from talentbank.practice.rules import service as rules
from talentbank.practice.rules.service import Rules
from talentbank.practice.verification.service import Verdict
from tests import factories
from tests.credentials.earning import Earning, day, reader
from tests.test_queries import counted


@pytest.fixture
def w(in_english: None) -> Earning:
    return Earning()


def stated(w: Earning) -> Statement:
    db.session.rollback()
    db.session.expire_all()
    return statement.statement_of(queries.student(w.student))


def test_what_was_earned_and_withdrawn_comes_to_the_balance(w: Earning) -> None:
    w.earned(16)
    other = factories.person(Role.ENTERPRISE)
    design = w.resource({"visual_design": 2}, credits=500, host=other, category="design")
    log_id = w.log(w.enrolment(design), hours=8)
    w.step(log_id, other, Verdict.VERIFY)
    w.step(log_id, w.university, None)
    withdrawals.withdraw(w.student, 30)
    shown = stated(w)
    assert (shown.balance, shown.earned, shown.withdrawn) == (120, 150, 30)
    assert [(s.of, s.trainings, s.minutes, s.credit) for s in shown.by_category] == [
        ("operations", 1, 960, 100),
        ("design", 1, 480, 50),
    ]
    assert [(s.of.id, s.credit) for s in shown.by_issuer] == [  # type: ignore[union-attr]
        (w.host.organisation_id, 100),
        (other.organisation_id, 50),
    ]
    assert shown.days[-1].balance == shown.balance


def test_what_is_taken_back_leaves_no_trace_in_the_sums(w: Earning) -> None:
    w.earned(16)
    wrong = w.earned(8)
    withdrawn = withdrawals.withdraw(w.student, 40)
    w.reverse(wrong)
    withdrawals.cancel(w.student, withdrawn.id, "Typed a wrong amount.")
    shown = stated(w)
    assert (shown.balance, shown.earned, shown.withdrawn) == (100, 100, 0)
    assert sum(share.credit for share in shown.by_category) == shown.earned
    assert sum(share.credit for share in shown.by_issuer) == shown.earned


def test_verified_practice_that_is_not_confirmed_is_no_credit_yet(w: Earning) -> None:
    w.verified(16)
    shown = stated(w)
    assert (shown.account, shown.balance, shown.days, shown.trainings) == (None, 0, [], [])


def test_days_are_those_in_meishan_and_reversals_count_as_what_they_reverse() -> None:
    moves = [
        Movement(1, datetime(2026, 3, 1, 15, 59, tzinfo=UTC), EntryKind.PAYMENT, 100, 100),
        Movement(2, datetime(2026, 3, 1, 16, 0, tzinfo=UTC), EntryKind.PAYMENT, 50, 150),
        Movement(3, datetime(2026, 3, 2, 3, 0, tzinfo=UTC), EntryKind.WITHDRAWAL, -150, 0),
        Movement(4, datetime(2026, 3, 2, 4, 0, tzinfo=UTC), EntryKind.WITHDRAWAL, 150, 150),
        Movement(5, datetime(2026, 3, 5, 4, 0, tzinfo=UTC), EntryKind.PAYMENT, -50, 100),
    ]
    assert statement.days_of(moves) == [
        Day(day("2026-03-01"), 100, 0, 100),
        Day(day("2026-03-02"), 50, 0, 150),
        Day(day("2026-03-05"), -50, 0, 100),
    ]


def test_a_statement_is_the_students_and_the_universitys_to_read_and_nobody_elses(w: Earning) -> None:
    other, _ = w.another_student()
    elsewhere = factories.person(Role.UNIVERSITY)
    assert queries.student(w.student).id == w.student_id
    assert queries.student(w.student, w.student_id).id == w.student_id
    assert queries.student(w.university, w.student_id).id == w.student_id
    for actor in (other, elsewhere, w.host, w.chamber):
        with pytest.raises(NotFound):
            queries.student(actor, w.student_id)
    with pytest.raises(NotFound):
        queries.student(w.university)


def test_without_a_profile_there_is_nothing_to_withdraw(w: Earning) -> None:
    newcomer = factories.person(Role.STUDENT)
    assert queries.own_student(newcomer) is None
    with pytest.raises(Conflict, match="make your profile first"):
        withdrawals.withdraw(newcomer, 100)
    with pytest.raises(Forbidden):
        withdrawals.withdraw(w.university, 100)


def test_every_number_of_the_page_opens_what_it_counts(app: Flask) -> None:
    with app.app_context():
        w = Earning()
        w.earned(16)
        w.earned(8)
        withdrawals.withdraw(w.student, 25)
    someone = reader(app, w.student)
    page = someone.get("/credits")
    stats = {card.div.get_text(" ", strip=True): card.a for card in page.soup.select(".card-sm .card-body")}
    for label, value, below in (("Balance", "1.25", "1.25"), ("Earned in all", "1.50", "1.50")):
        assert stats[label].get_text(strip=True) == value
        opened = someone.get(stats[label]["href"])
        assert f"What is listed below adds up to {below}" in opened.text
    withdrawn = stats["Withdrawn into the university's record"]
    assert withdrawn.get_text(strip=True) == "0.25"
    assert "What is listed below adds up to -0.25" in someone.get(withdrawn["href"]).text
    for table in page.soup.select("#trainings table"):
        links = {str(a["href"]) for a in table.select("td.number a")}
        assert links == {f"/practice/logs?enrolment={w.enrolled}&state=confirmed"}
        assert len(someone.get(links.pop()).soup.select("#list tbody tr")) == 2
    for link in page.soup.select("a[href*=category], a[href*=host]"):
        assert someone.get(str(link["href"])).soup.select("#trainings tbody tr")
    assert not someone.get("/credits?category=design").soup.select("#trainings tbody tr")


def test_the_chart_and_its_table_have_the_same_figures(app: Flask) -> None:
    with app.app_context():
        w = Earning()
        w.earned(16)
        withdrawals.withdraw(w.student, 25)
    page = reader(app, w.student).get("/credits")
    place = page.soup.select_one("[data-chart]")
    assert place and place.has_attr("hidden")
    drawn = json.loads(str(place["data-chart"]))
    rows = page.soup.select("details table tbody tr")
    cells = [[cell.get_text(strip=True) for cell in row.select("td")] for row in rows]
    assert [[d, f"{held:.2f}"] for d, held in drawn["days"]] == [[row[0], row[3]] for row in cells]
    assert cells[0][1:] == ["1.00", "0.25", "0.75"]
    scripts = [str(s["src"]) for s in page.soup.select("script")]
    assert any(s.endswith("js/charts.js") for s in scripts)
    assert not [s["src"] for s in reader(app, w.student).get("/positions").soup.select("script[src*=echarts]")]


def test_the_university_reads_it_without_the_students_buttons(app: Flask) -> None:
    with app.app_context():
        w = Earning()
        w.earned(16)
    officer = reader(app, w.university)
    page = officer.get(f"/credits?student={w.student_id}")
    assert "1.00" in page.text
    assert not page.soup.select("main form[method=post]")
    assert officer.get("/credits").path == "/credits/record"
    for actor in (w.host, w.chamber):
        reader(app, actor).get(f"/credits?student={w.student_id}", 404)
    reader(app, w.host).get("/credits", 404)


def test_the_word_is_practice_credits_until_the_university_recognises_them(app: Flask) -> None:
    with app.app_context():
        w = Earning()
        w.earned(16)
    someone = reader(app, w.student)
    before = someone.get("/credits")
    assert "Your university has not recognised practice credits" in before.text
    assert before.soup.h1 and before.soup.h1.get_text(strip=True) == "My practice credits"
    assert "Practice credits" in {th.get_text(strip=True) for th in before.soup.select("th")}
    with app.app_context():
        rules.set_rules(w.university, Rules(16, None, 8, 40, recognised=True), 0)
    after = someone.get("/credits")
    assert after.soup.main and "practice credits" not in after.soup.main.get_text().lower()
    assert after.soup.h1 and after.soup.h1.get_text(strip=True) == "My credits"
    assert "Credits" in {th.get_text(strip=True) for th in after.soup.select("th")}


def test_a_page_without_anything_says_how_credits_come(app: Flask) -> None:
    with app.app_context():
        w = Earning()
        newcomer = factories.person(Role.STUDENT)
    assert "Nothing is confirmed yet" in reader(app, w.student).get("/credits").text
    assert "Start with your profile" in reader(app, newcomer).get("/credits").text


def test_a_statement_asks_as_often_for_many_trainings_as_for_few(w: Earning) -> None:
    def ask() -> int:
        db.session.rollback()
        db.session.expunge_all()
        with counted() as statements:
            student = queries.student(w.student)
            shown = statement.statement_of(student)
            names = [row.enrolment.resource.owner.name for row in shown.trainings]
            reached = queries.reached(student.id)
            credentials = queries.credentials_of(student.id)
            statement.attestable(shown.trainings, reached, credentials)
            assert names
            assert [share.enrolment.resource.owner.name for row in reached for share in row.shares]
            assert queries.withdrawals_of(student.id) is not None
            assert queries.transcripts_of(student.id) is not None
        return len(statements)

    w.earned(14)
    few = ask()
    for _ in range(6):
        w.earned(14, w.another_enrolment())
    assert ask() == few
    assert few < 15
