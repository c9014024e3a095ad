"""The pages of rules and enrolments: what each reader finds there, and that their forms do what they say."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask

from talentbank.deposits.resources.models import Admission, ResourceKind
from talentbank.extensions import db, today
from talentbank.permissions import Actor, Role
from talentbank.practice.enrolments import agreements, service, statements
from talentbank.practice.models import Enrolment, EnrolmentState, LogState, PracticeRules
from talentbank.practice.rules import service as rules
from talentbank.practice.rules.service import Rules
from tests import factories
from tests.practice.world import World
from tests.web.reader import Reader

MakeReader = Callable[[Actor], Reader]
TERMS = "保险：学校统一投保。报酬：每天 120 元。"


@pytest.fixture
def w(app: Flask) -> World:
    with app.app_context():
        return World()


@pytest.fixture
def reader(app: Flask) -> MakeReader:
    """Make a reader signed in as somebody; pages are fetched outside of any application context, as served."""

    def make(actor: Actor) -> Reader:
        with app.app_context():
            session = factories.user(actor).get_id()
        return Reader(app, session)

    return make


def state(app: Flask, enrolment_id: int) -> EnrolmentState:
    with app.app_context():
        return db.session.get_one(Enrolment, enrolment_id).state


def test_rules_show_what_holds_and_store_what_is_written(reader: MakeReader, w: World) -> None:
    someone = reader(w.university)
    page = someone.get("/practice/rules")
    assert "16 verified hours make one credit." in page.text
    assert "these are the defaults" in page.text
    changed = someone.submit(
        page, page.form(), hours_per_credit="24", cap_a_term="2.5", night_work="y", recognised="y"
    )
    for sentence in (
        "24 verified hours make one credit.",
        "At most 2.50 credits a term count",
        "Night work between 22:00 and 6:00 may be logged.",
        "The university recognises practice credits as its own.",
    ):
        assert sentence in changed.text
    form = changed.form()
    assert form.select_one("input[name=cap_a_term]")["value"] == "2.5"  # type: ignore[index]
    assert "There is no cap" in someone.submit(changed, form, cap_a_term="").text
    assert "changed from another window" in someone.submit(changed, form, 409).text


def test_rules_say_what_they_could_not_read(app: Flask, reader: MakeReader, w: World) -> None:
    someone = reader(w.university)
    page = someone.get("/practice/rules")
    refused = someone.submit(page, page.form(), 400, hours_per_credit="many", cap_a_term="1.234")
    assert "Write a whole number" in refused.text
    assert "at most two decimals" in refused.text
    for absurd in ("NaN", "1e999999999999999999", "-3", "0"):
        someone.submit(page, page.form(), 400, cap_a_term=absurd)
    assert "from 1 to 24" in someone.submit(page, page.form(), 400, hours_a_day="25").text
    with app.app_context():
        assert factories.stored(PracticeRules)[0] == 0


def test_students_hosts_and_the_chamber_read_the_rules_in_sentences(app: Flask, reader: MakeReader, w: World) -> None:
    path = f"/practice/rules/{w.university.organisation_id}"
    with app.app_context():
        rules.set_rules(w.university, Rules(20, 450, 6, 30, fees=True), 0)
        strangers = [factories.person(role) for role in (Role.ZONE, Role.UNIVERSITY)]
        government = factories.person(Role.GOVERNMENT)
    for actor in (w.student, w.host, w.university, w.chamber, *strangers):
        page = reader(actor).get(path)
        for sentence in (
            "20 verified hours",
            "At most 4.50 credits",
            "At most 6 hours a day and 30 a week",
            "Students may ask for training that charges a fee",
        ):
            assert sentence in page.text
        assert not page.soup.select("main form")
    reader(w.student).get("/practice/rules/999999", 404)
    reader(w.student).get(f"/practice/rules/{w.host.organisation_id}", 404)
    reader(government).get(path, 403)


def test_a_student_asks_waits_and_leaves(app: Flask, reader: MakeReader, w: World) -> None:
    with app.app_context():
        resource = w.resource(seats=1)
        service.ask(w.another_student()[0], resource)
    someone = reader(w.student)
    page = someone.post(f"/training/{resource}/ask", 200)
    assert "All seats are held: place 1 of 1 on the waiting list." in page.text
    assert "on the waiting list" in someone.get("/enrolments").text
    left = someone.submit(page, page.form("/leave"))
    assert "You have left" in left.text
    with app.app_context():
        charged = w.resource(fee=100)
    assert "your university lets hosts ask no fees" in someone.post(f"/training/{charged}/ask", 400).text


def test_a_host_finds_who_asks_first_and_decides(app: Flask, reader: MakeReader, w: World) -> None:
    with app.app_context():
        resource = w.resource(admission=Admission.CHOSEN)
        first = service.ask(w.student, resource, "我想参加真实项目。").id
        second = service.ask(w.another_student()[0], resource).id
        w.enrolment(w.resource(), w.another_student()[1])
    someone = reader(w.host)
    page = someone.get("/enrolments")
    asks = [str(row) for row in page.soup.select("#list tbody tr")]
    assert [f"/enrolments/{first}/decide" in row for row in asks] == [True, False, False]
    assert [f"/enrolments/{second}/decide" in row for row in asks] == [False, True, False]
    accepted = someone.submit(page, page.form(f"/{first}/decide"))
    assert "Accepted: a seat is given." in accepted.text
    assert "我想参加真实项目。" in accepted.text
    hub = someone.get(f"/enrolments/{second}")
    assert "Say why" in someone.submit(hub, hub.form("/decide"), 400, decision="refuse").text
    refused = someone.submit(hub, hub.form("/decide"), decision="refuse", reason="名额有限")
    assert "Refused: 名额有限" in refused.text
    someone.submit(hub, hub.form("/decide"), 400, decision="perhaps")
    assert (state(app, first), state(app, second)) == (EnrolmentState.ACCEPTED, EnrolmentState.REFUSED)


def test_an_agreement_goes_from_the_hosts_terms_to_the_third_signature(
    app: Flask, reader: MakeReader, w: World
) -> None:
    with app.app_context():
        internship = w.enrolment(w.resource(kind=ResourceKind.INTERNSHIP, description="跟随运营组值守店铺"))
    host, university, student = reader(w.host), reader(w.university), reader(w.student)
    path = f"/enrolments/{internship}"
    page = host.get(path)
    terms = page.form("/agreement").select_one("textarea")
    assert terms
    for known in ("跟随运营组值守店铺", "40 hours in all", "8 a day and 40 a week", "____"):
        assert known in terms.text
    assert "still blank" in host.submit(page, page.form("/agreement"), 400).text
    host.submit(page, page.form("/agreement"), terms=TERMS)
    assert "waits for: Student, University, Host" in reader(w.chamber).get(path).text
    assert "Read the three-party agreement and sign it." in student.get(path).text
    for someone in (host, university, student):
        before = someone.get(path)
        after = someone.submit(before, before.form("/agreement/sign"))
        assert "Signed: it is in force once" in after.text or "practice can begin" in after.text
    assert "in force since" in student.get(path).text
    assert "Log what you do" in student.get(path).text
    assert "load them again" in host.submit(page, page.form("/agreement"), 409, terms="x").text


def test_changed_terms_wait_while_the_agreement_stays_in_force(app: Flask, reader: MakeReader, w: World) -> None:
    with app.app_context():
        internship = w.enrolment(w.resource(kind=ResourceKind.INTERNSHIP))
        agreements.propose(w.host, internship, TERMS)
        sides = (("student", w.student), ("university", w.university), ("host", w.host))
        for party, actor in sides:
            agreements.sign(actor, internship, party, agreements.digest(TERMS))
    host = reader(w.host)
    page = host.get(f"/enrolments/{internship}")
    assert "what was signed before holds" in page.text
    assert "changed terms wait" not in page.text
    host.submit(page, page.form("/agreement"), terms="别的条款")
    for actor in (w.student, w.university, w.host, w.chamber):
        shown = reader(actor).get(f"/enrolments/{internship}").text
        assert f"in force since {today().isoformat()}" in shown
        assert "changed terms wait for signatures" in shown
        assert "Until all three have signed them" in shown
    logging = reader(w.student).get(f"/practice/logs/new?enrolment={internship}")
    assert "is not in force yet" not in logging.text


def test_a_host_that_is_the_university_signs_twice(app: Flask, reader: MakeReader, w: World) -> None:
    with app.app_context():
        resource = w.resource(kind=ResourceKind.INTERNSHIP, host=w.university)
        internship = w.enrolment(resource)
        agreements.propose(w.university, internship, TERMS)
    someone = reader(w.university)
    page = someone.get(f"/enrolments/{internship}")
    signing = page.soup.select("form[action$='/agreement/sign']")
    assert len(signing) == 2
    for form in signing:
        page = someone.submit(page, form)
    assert "still waits for: Student" in page.text


def test_a_statement_is_written_and_answered(app: Flask, reader: MakeReader, w: World) -> None:
    with app.app_context():
        enrolment = w.enrolment(w.resource(ends_on=today() - timedelta(days=1)))
        w.log(enrolment, today() - timedelta(days=3), state=LogState.VERIFIED)
    path = f"/enrolments/{enrolment}"
    host, student = reader(w.host), reader(w.student)
    page = host.get(path)
    assert "Write what was really done" in page.text
    assert "Write what was really done." in host.submit(page, page.form("/statement"), 400, words=" ").text
    host.submit(page, page.form("/statement"), words="完成三款商品的上架与首周复盘。")
    assert state(app, enrolment) is EnrolmentState.FINISHED
    asked = student.get(path)
    assert "完成三款商品的上架与首周复盘。" in asked.text
    refused = student.submit(asked, asked.form("/answer"), 400, answer="disagreed")
    assert "Say what you see otherwise." in refused.text
    student.submit(asked, asked.form("/answer"), answer="disagreed", comment="还做了一次广告投放。")
    for someone in (host, student, reader(w.university), reader(w.chamber)):
        shown = someone.get(path)
        assert "The student disagrees" in shown.text
        assert "还做了一次广告投放。" in shown.text
        assert not shown.soup.select("form[action$='/statement'], form[action$='/answer']")


def test_a_statement_before_the_end_needs_the_tick(app: Flask, reader: MakeReader, w: World) -> None:
    with app.app_context():
        enrolment = w.enrolment(w.resource())
        w.log(enrolment, state=LogState.VERIFIED)
    someone = reader(w.host)
    page = someone.get(f"/enrolments/{enrolment}")
    refused = someone.submit(page, page.form("/statement"), 400, words="完成三款商品的上架。")
    assert "It still goes on" in refused.text
    assert "完成三款商品的上架。" in refused.text
    someone.submit(refused, refused.form("/statement"), end_now="y")
    assert state(app, enrolment) is EnrolmentState.FINISHED


def test_the_hub_shows_hours_credit_and_whose_turn_it_is(app: Flask, reader: MakeReader, w: World) -> None:
    with app.app_context():
        enrolment = w.enrolment(w.resource())
        w.log(enrolment, today() - timedelta(days=2), hours=4, state=LogState.CONFIRMED, credit=25)
        w.log(enrolment, today() - timedelta(days=3), hours=3.5, state=LogState.VERIFIED)
        w.log(enrolment, hours=2)
        w.log(enrolment, hours=1, state=LogState.DRAFT)
    path = f"/enrolments/{enrolment}"
    for actor, step in (
        (w.student, "1 draft is not sent yet"),
        (w.host, "1 practice log waits for you to verify it"),
        (w.university, "1 verified practice log waits for you to confirm it"),
        (w.chamber, "1 practice log is with the supervisor"),
    ):
        page = reader(actor).get(path)
        assert "7.5 of 40 hours verified" in page.text
        assert "0.25 practice credits" in page.text
        assert "2 hours are with the supervisor" in page.text
        assert step in page.text
        assert ("draft" in page.text) == (actor is w.student)
        bar = page.soup.select_one("progress")
        assert bar and (bar["value"], bar["max"]) == ("450", "2400")


@pytest.mark.parametrize("where", ["", "/leave", "/decide", "/agreement", "/agreement/sign", "/statement"])
def test_a_strangers_enrolment_is_not_there(app: Flask, reader: MakeReader, w: World, where: str) -> None:
    with app.app_context():
        enrolment = w.enrolment(w.resource(kind=ResourceKind.INTERNSHIP))
        others = [factories.person(Role.ENTERPRISE), factories.person(Role.UNIVERSITY), w.another_student()[0]]
    path = f"/enrolments/{enrolment}{where}"
    for actor in others:
        someone = reader(actor)
        if not where:
            someone.get(path, 404)
            continue
        mine = {"/leave": (Role.STUDENT,), "/agreement": tuple(Role), "/agreement/sign": tuple(Role)}
        hosts = (Role.ENTERPRISE, Role.UNIVERSITY)
        may = actor.role in mine.get(where, hosts)
        values = {"decision": "accept", "seen": "accepted", "terms": TERMS, "party": "host", "words": TERMS}
        someone.post(path, 404 if may else 403, **values)
    assert state(app, enrolment) is EnrolmentState.ACCEPTED


def test_an_answer_is_the_students_own(app: Flask, reader: MakeReader, w: World) -> None:
    with app.app_context():
        enrolment = w.enrolment(w.resource())
        w.log(enrolment, state=LogState.VERIFIED)
        statements.write(w.host, enrolment, "完成商品上架。", end_now=True)
        other = w.another_student()[0]
    reader(other).post(f"/enrolments/{enrolment}/statement/answer", 404, answer="agreed")
    reader(w.host).post(f"/enrolments/{enrolment}/statement/answer", 403, answer="agreed")
