"""The pages of notices and appeals, each asked for by those it is for and by others."""

from __future__ import annotations

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event, select

from talentbank.extensions import db
from talentbank.notices import queries
from talentbank.notices.models import Notice
from talentbank.permissions import Actor, Role
from talentbank.rounds.appeals import service as appeals
from talentbank.rounds.appeals.models import Appeal
from tests import factories
from tests.market import Market
from tests.notices.test_notices import tell
from tests.rounds.life import published


def signed_in(app: Flask, actor: Actor) -> FlaskClient:
    """A browser of this person, in English."""
    app.config["WTF_CSRF_ENABLED"] = False
    client = app.test_client()
    with app.app_context():
        who = factories.user(actor).get_id()
    with client.session_transaction() as session:
        session["_user_id"] = who
        session["locale"] = "en"
    return client


def test_a_notice_is_marked_and_leads_on(app: Flask) -> None:
    with app.app_context():
        mine, other = factories.person(Role.STUDENT), factories.person(Role.STUDENT)
        offer, unknown = tell(mine).id, tell(mine, "of_tomorrow", "x:1").id
    client = signed_in(app, mine)
    page = client.get("/notices")
    assert "2 unread notices" in page.text
    assert "You have an offer: Editor" in page.text
    assert signed_in(app, other).get(f"/notices/{offer}").status_code == 404
    assert client.get(f"/notices/{offer}").location == "/offers/2"
    assert client.get(f"/notices/{unknown}").location == "/notices"
    assert "unread notice" not in client.get("/notices").text
    with app.app_context():
        tell(mine, "message", "message:1")
    assert client.post("/notices/read").location == "/notices"
    with app.app_context():
        assert queries.unread(mine.user_id or 0) == 0
        assert db.session.scalar(select(Notice.read_at).where(Notice.key == "message:1")) is not None


def test_an_appeal_is_asked_and_answered(app: Flask) -> None:
    with app.app_context():
        market = Market()
        round_id = published(market.chamber)[0].id
    student, officer = signed_in(app, market.strong), signed_in(app, market.chamber)
    page = student.get(f"/market/{round_id}/appeal")
    assert page.status_code == 200
    assert "article 24" in page.text
    blank = student.post(f"/market/{round_id}/appeal", data={"kind": "question", "words": " "})
    assert blank.status_code == 400
    assert "Write it in your own words." in blank.text
    made = student.post(f"/market/{round_id}/appeal", data={"kind": "question", "words": "Why <b>?"})
    assert made.status_code == 302
    assert student.get(f"/market/{round_id}/appeal").location == made.location
    assert "Why &lt;b&gt;?" in officer.get(made.location).text
    assert "Waits for you" in officer.get("/appeals").text
    for other in (market.weak, market.enterprise):
        assert signed_in(app, other).get(made.location).status_code == 404
    answer = f"{made.location}/answer"
    assert officer.post(answer, data={"outcome": "", "answer": "Thus."}).status_code == 400
    assert officer.post(answer, data={"outcome": "explained", "answer": "Thus."}).status_code == 302
    assert "Thus." in student.get(made.location).text
    assert officer.post(answer, data={"outcome": "refused", "answer": "No."}).status_code == 409
    assert officer.post("/appeals/999/answer", data={"outcome": "refused", "answer": "No."}).status_code == 404


def test_more_appeals_ask_no_more_of_the_database(app: Flask) -> None:
    with app.app_context():
        market = Market()
        round_id = published(market.chamber)[0].id
        appeals.make(market.strong, round_id, "question", "One?")
    officer = signed_in(app, market.chamber)
    one = _asked(app, officer)
    with app.app_context():
        for actor in (market.weak, market.artist, market.enterprise):
            appeals.make(actor, round_id, "question", "More?")
        assert factories.stored(Appeal)[0] == 4
    assert _asked(app, officer) == one


def _asked(app: Flask, client: FlaskClient) -> int:
    """How many statements the list of appeals takes."""
    statements: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        statements.append(statement)

    with app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        assert client.get("/appeals").status_code == 200
    finally:
        event.remove(engine, "before_cursor_execute", note)
    return len(statements)
