"""The pages on which both sides say what they prefer, read without scripts."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask, g
from sqlalchemy import update

from talentbank.accounts.models import Organisation, User
from talentbank.extensions import db, now
from talentbank.permissions import Actor, Role
from talentbank.rounds import queries as rounds
from talentbank.rounds import service as matching
from talentbank.rounds.models import Round, RoundStudent
from talentbank.rounds.runs import drafts
from tests import factories
from tests.market import Market
from tests.rounds.life import opened, solved
from tests.test_queries import counted
from tests.web.reader import Reader

Sign = Callable[..., Reader]


@pytest.fixture
def m(app: Flask, app_context: None) -> Market:
    return Market()


@pytest.fixture
def sign(app: Flask) -> Sign:
    """Somebody of the market in front of a browser; the tests' context outlives requests, the person must not."""

    def forget() -> None:
        for kept in ("_login_user", "csrf_token", "csrf_valid"):
            g.pop(kept, None)

    app.before_request_funcs[None].insert(0, forget)

    def make(actor: Actor, language: str = "en") -> Reader:
        return Reader(app, db.session.get_one(User, actor.user_id).get_id(), language)

    return make


def test_a_student_ranks_and_finds_it_again(m: Market, sign: Sign) -> None:
    found = opened(m.chamber)
    reader = sign(m.strong)
    market = reader.get("/market")
    assert "said nothing yet" in market.text
    assert "Meishan time" in market.text
    path = f"/market/{found.id}/positions"
    assert path in market.links()
    page = reader.get(path)
    assert f"rank-{m.shop}" in page.html
    assert "What is missing" in page.text
    saved = reader.submit(page, page.form("/positions"), 200, **{f"rank-{m.shop}": "2", f"out-{m.studio}": "1"})
    assert "Your choices are saved" in saved.text
    assert saved.soup.select_one(f"[data-list=ranked] [data-choice='{m.shop}']")
    assert saved.soup.select_one(f"[data-list=out] [data-choice='{m.studio}']")
    assert "ranked 1 and ruled out 1" in reader.get("/market").text
    assert rounds.said_by_students(found.id)[m.strong_id].ranked == (m.shop,)
    stale = {"csrf_token": page.form("/positions").select_one("[name=csrf_token]")["value"], "version": "0"}
    assert (
        reader.client.post(path, data={**stale, "others": "any"}, base_url="http://bank.example").status_code == 409
    )


@pytest.mark.parametrize(
    ("first", "second", "sentence"),
    [("1", "1", "same number"), ("x", "", "whole numbers"), ("0", "", "whole numbers"), ("1", "2", "at most 1")],
)
def test_numbers_that_make_no_ranking_are_refused(
    m: Market, sign: Sign, first: str, second: str, sentence: str
) -> None:
    found = opened(m.chamber, most_ranked=1)
    reader = sign(m.strong)
    page = reader.get(f"/market/{found.id}/positions")
    ranks = {f"rank-{m.shop}": first, f"rank-{m.studio}": second}
    assert sentence in reader.submit(page, page.form("/positions"), 400, **ranks).text
    assert not rounds.said_by_students(found.id)


def test_forged_fields_and_other_rounds_are_refused(m: Market, sign: Sign) -> None:
    found = opened(m.chamber)
    reader = sign(m.strong)
    page = reader.get(f"/market/{found.id}/positions")
    assert "not one of the bank" in reader.submit(page, page.form("/positions"), 400, **{"rank-x": "1"}).text
    assert "not in this round" in reader.submit(page, page.form("/positions"), 400, **{"rank-99999": "1"}).text
    reader.get("/market/999/positions", 404)
    reader.post("/market/999/positions", 404, version="0", others="any")
    reader.get(f"/market/{found.id}/candidates", 403)


def test_the_filter_narrows_only_what_is_not_chosen(m: Market, sign: Sign) -> None:
    found = opened(m.chamber)
    reader = sign(m.strong)
    page = reader.get(f"/market/{found.id}/positions")
    reader.submit(page, page.form("/positions"), 200, **{f"rank-{m.shop}": "1"})
    narrowed = reader.get(f"/market/{found.id}/positions?category=design&eligible=1")
    assert [li["data-choice"] for li in narrowed.soup.select("[data-choice]")] == [str(m.shop)]
    wide = reader.get(f"/market/{found.id}/positions?category=design")
    assert [li["data-choice"] for li in wide.soup.select("[data-list=rest] [data-choice]")] == [str(m.studio)]


def test_after_the_deadline_it_is_read_and_not_changed(m: Market, sign: Sign) -> None:
    found = opened(m.chamber)
    reader, firm = sign(m.strong), sign(m.enterprise)
    page = reader.get(f"/market/{found.id}/positions")
    shown = firm.get(f"/market/{found.id}/candidates/{m.shop}")
    db.session.execute(update(Round).where(Round.id == found.id).values(closes_at=now() - timedelta(seconds=1)))
    db.session.commit()
    assert "deadline" in reader.submit(page, page.form("/positions"), 409).text
    assert "deadline" in firm.submit(shown, shown.form(f"/{m.shop}"), 409).text
    closed = reader.get(f"/market/{found.id}/positions")
    assert "can't be changed any more" in closed.text
    assert not closed.soup.select("[name^=rank-]")


def test_a_blind_shortlist_leads_to_nobody(m: Market, sign: Sign) -> None:
    user = db.session.get_one(User, m.strong.user_id)
    school = db.session.get_one(Organisation, m.university.organisation_id)
    user.name, school.name_zh = "Unmistakable Name", "Unmistakable University"
    db.session.commit()
    found = opened(m.chamber)
    number = db.session.get_one(RoundStudent, (found.id, m.strong_id)).number
    reader = sign(m.enterprise)
    market, positions = reader.get("/market"), reader.get(f"/market/{found.id}/candidates")
    assert f"/market/{found.id}/candidates" in market.links()
    path = f"/market/{found.id}/candidates/{m.shop}"
    assert path in positions.links()
    page = reader.get(path)
    assert {li["data-choice"] for li in page.soup.select("[data-choice]")} == {
        str(db.session.get_one(RoundStudent, (found.id, s)).number) for s in (m.strong_id, m.weak_id)
    }
    saved = reader.submit(page, page.form(f"/{m.shop}"), 200, **{f"rank-{number}": "1"})
    assert saved.soup.select_one(f"[data-list=ranked] [data-choice='{number}']")
    for secret in (user.name, user.email, school.name_zh, f"/students/{m.strong_id}", "@bank.example"):
        for shown in (market, positions, page, saved):
            assert secret not in shown.soup.select_one("main").decode()


def test_no_student_id_stands_in_a_blind_shortlist(m: Market, sign: Sign) -> None:
    _, far = m.student({"platform_ops": 4}, id=7_654_321)
    found = opened(m.chamber)
    page = sign(m.enterprise).get(f"/market/{found.id}/candidates/{m.shop}")
    assert len(page.soup.select("[data-choice]")) == 3
    assert str(far) not in page.html


def test_a_round_that_is_not_blind_shows_the_name(m: Market, sign: Sign) -> None:
    found = opened(m.chamber, blind=False)
    page = sign(m.enterprise).get(f"/market/{found.id}/candidates/{m.shop}")
    assert db.session.get_one(User, m.strong.user_id).name in page.text


def test_another_enterprise_finds_nothing(m: Market, sign: Sign) -> None:
    found = opened(m.chamber)
    other = sign(factories.person(Role.ENTERPRISE))
    for path in (f"/market/{found.id}/candidates", f"/market/{found.id}/candidates/{m.shop}"):
        other.get(path, 404)
    other.post(f"/market/{found.id}/candidates/{m.shop}", 404, version="0")


def test_pages_ask_as_often_for_many_as_for_few(m: Market, sign: Sign) -> None:
    found = opened(m.chamber)

    def ask(round_id: int) -> list[int]:
        asked = []
        for actor, path in (
            (m.strong, "/market"),
            (m.strong, f"/market/{round_id}/positions"),
            (m.enterprise, f"/market/{round_id}/candidates"),
            (m.enterprise, f"/market/{round_id}/candidates/{m.shop}"),
        ):
            reader = sign(actor)
            with counted() as statements:
                reader.glance(path)
            asked.append(len(statements))
        return asked

    few = ask(found.id)
    matching.cancel(m.chamber, found.id, rounds.round_(found.id).version)
    for _ in range(15):
        m.position({"platform_ops": 1})
        m.student({"platform_ops": 4})
    again = opened(m.chamber)
    assert ask(again.id) == few


def test_both_languages_and_people_outside_the_round(m: Market, sign: Sign) -> None:
    nobody = factories.person(Role.STUDENT)
    assert "make yours first" in sign(nobody).get("/market").text
    assert "No round is running" in sign(m.strong).get("/market").text
    found = opened(m.chamber)
    late, _ = m.student({"platform_ops": 3})
    reader = sign(late)
    assert "save your choices to take part" in reader.get("/market").text
    page = reader.get(f"/market/{found.id}/positions")
    assert "saved" in reader.submit(page, page.form("/positions"), 200, **{f"rank-{m.shop}": "1"}).text
    for actor in (m.strong, m.enterprise, m.university):
        sign(actor, "zh").get("/market")


def test_a_university_sees_how_many_of_its_students_take_part(m: Market, sign: Sign) -> None:
    opened(m.chamber)
    assert "3 of your students take part; 0 of them have said" in sign(m.university).get("/market").text
    assert "No round is running for you" in sign(factories.person(Role.UNIVERSITY)).get("/market").text


def test_what_is_frozen_can_be_checked_and_a_draft_is_one_click_away(m: Market, sign: Sign) -> None:
    found, run = solved(m.chamber)
    drafts.show_draft(m.chamber, found.id, run.number, now() + timedelta(days=2))
    for actor in (m.strong, m.enterprise, m.university):
        links = sign(actor).get("/market").links()
        assert f"/market/{found.id}/check" in links
        assert (f"/drafts/{run.id}" in links) == (actor is not m.strong)
