"""The page on which anybody checks: valid, taken back, not what it was, or no such code; and no guessing."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import select

from talentbank import create_app
from talentbank.credentials import codes, service
from talentbank.credentials.bank import Bank
from talentbank.credentials.models import Credential, IssuedTranscript
from talentbank.extensions import db, limiter, transaction
from tests import factories
from tests.credentials.earning import Earning, reader
from tests.web.reader import ORIGIN, Page, Reader


def bank(app: Flask) -> Bank:
    return Bank.at(app.config["BANK_URL"], app.config["BANK_ISSUER_KEY"])


@pytest.fixture
def w(app: Flask) -> Earning:
    with app.app_context():
        world = Earning()
        world.first = world.earned(16)  # type: ignore[attr-defined]
        return world


def transcript(app: Flask, w: Earning) -> str:
    with app.app_context():
        return service.issue_transcript(w.student, bank(app)).code


def credential(app: Flask, w: Earning) -> str:
    with app.app_context():
        return service.attest_credit(w.student, bank(app), w.enrolled).code


def told(page: Page) -> list[str]:
    return [" ".join(alert.get_text(" ").split()) for alert in page.soup.select("main .alert")]


def test_a_stranger_sees_that_a_transcript_holds_and_what_it_says(app: Flask, w: Earning) -> None:
    code = transcript(app, w)
    stranger = reader(app)
    page = stranger.get(f"/check/{code}")
    assert len(told(page)) == 1
    assert told(page)[0].startswith("Valid. The bank issued it on ")
    with app.app_context():
        digest = db.session.scalars(select(IssuedTranscript.digest)).one()
        name = factories.user(w.student).name
    for said in (name, digest, code, "1.00", "16"):
        assert said in page.text
    with app.app_context(), transaction():
        factories.user(w.student).name = "另一个名字"
    assert name in stranger.get(f"/check/{code}").text


def test_it_says_that_a_transcript_was_taken_back(app: Flask, w: Earning) -> None:
    code = transcript(app, w)
    with app.app_context():
        service.revoke_transcript(w.student, code)
        name = factories.user(w.student).name
        w.earned(8)  # of which nobody is told any more
    page = reader(app).get(f"/check/{code}")
    (said,) = told(page)
    assert said.startswith("Taken back.")
    assert code in page.text
    for hidden in ("Valid.", name, "hours", "1.00", "Today"):
        assert hidden not in page.text


def test_it_says_what_became_of_what_a_transcript_rests_on(app: Flask, w: Earning) -> None:
    code = transcript(app, w)
    stranger = reader(app)
    with app.app_context():
        later = w.earned(8)
    more = told(stranger.get(f"/check/{code}"))
    assert len(more) == 2
    assert "More has been verified or confirmed since. Today the totals are 24 hours and 1.50" in more[1]
    with app.app_context():
        w.reverse(later)
    assert len(told(stranger.get(f"/check/{code}"))) == 1
    with app.app_context():
        w.reverse(w.first)  # type: ignore[attr-defined]
    less = told(stranger.get(f"/check/{code}"))
    assert less[0].startswith("Valid.")
    assert "taken back or changed since. Today the totals are 0 hours and 0.00" in less[1]
    with app.app_context():
        w.earned(16)
    assert "taken back or changed since" in told(stranger.get(f"/check/{code}"))[1]  # the same sums, another log


def test_it_does_not_vouch_for_what_was_changed_in_the_database(app: Flask, w: Earning) -> None:
    paper, badge = transcript(app, w), credential(app, w)
    with app.app_context(), transaction():
        kept = db.session.scalars(select(IssuedTranscript)).one()
        lines = [{**kept.content["lines"][0], "credit": 9900}]
        kept.content = {**kept.content, "lines": lines}
        signed = db.session.scalars(select(Credential)).one()
        subject = {**signed.document["credentialSubject"], "creditsEarned": 99.0}
        signed.document = {**signed.document, "credentialSubject": subject}
    for code in (paper, badge):
        page = reader(app).get(f"/check/{code}")
        assert told(page)[0].startswith("Not to be relied on.")
        assert "Valid." not in page.text


def test_a_stranger_sees_that_a_credential_holds_and_what_it_says(app: Flask, w: Earning) -> None:
    code = credential(app, w)
    page = reader(app).get(f"/check/{code}")
    assert told(page) == ["Valid. The signature is the bank's, and the credential is not revoked."]
    with app.app_context():
        person = factories.user(w.student)
    assert person.name in page.text
    assert person.email not in page.html
    assert "1.00" in page.text
    assert f"/credentials/{code}" in page.links()
    with app.app_context():
        w.reverse(w.first, "He was not there.")  # type: ignore[attr-defined]
    revoked = reader(app).get(f"/check/{code}")
    assert told(revoked)[0].startswith("Revoked.")
    assert "Credential: practice credit" in revoked.text
    for hidden in ("He was not there.", person.name, "1.00"):  # the reason is the student's to know
        assert hidden not in revoked.text


def test_it_says_when_the_key_is_another(app: Flask, w: Earning) -> None:
    code = credential(app, w)
    app.config["BANK_ISSUER_KEY"].unlink()
    with app.app_context():
        bank(app)
    assert told(reader(app).get(f"/check/{code}"))[0].startswith("Not to be relied on.")


@pytest.mark.parametrize("code", ["en", "x" * 300, "AAAA-AAAA-AAAA-AAAA-AAAA-AAAA", "%3Cscript%3E", "%E4%B8%AD"])
def test_what_nobody_issued_is_no_such_code(app: Flask, code: str) -> None:
    page = reader(app).get(f"/check/{code}", 404)
    assert "No such code" in told(page)[0]
    assert page.soup.select("main input[name=code]")


def test_codes_are_found_as_people_type_them(app: Flask, w: Earning) -> None:
    code = transcript(app, w)
    stranger = reader(app)
    empty = stranger.get("/check")
    form = empty.soup.select_one("main form")
    assert form and not told(empty)
    for typed in (
        code,
        code.lower().replace("-", ""),
        f"  {code.replace('-', ' ')} ",
        f"https://bank.example/check/{code}",
    ):
        page = stranger.get(f"/check?code={typed}")
        assert page.path == f"/check/{code}"
        assert told(page)[0].startswith("Valid.")
    assert "No such code" in stranger.get("/check?code=a/b?c", 404).text


def test_search_engines_are_asked_to_leave_it_alone(app: Flask, w: Earning) -> None:
    code, badge = transcript(app, w), credential(app, w)
    client = reader(app).client
    for path in (f"/check/{code}", "/check", f"/check/{codes.new_code()}", f"/credentials/{badge}"):
        assert client.get(path, base_url=ORIGIN).headers["X-Robots-Tag"] == "noindex"


def test_guessing_is_slowed_down(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limiter, "enabled", True)  # and back: it is one for all apps
    limited = create_app({**app.config, "RATELIMIT_ENABLED": True, "TESTING": True})
    client = Reader(limited, None).client
    statuses = [client.get(f"/check/{codes.new_code()}", base_url=ORIGIN).status_code for _ in range(61)]
    assert statuses == [404] * 60 + [429]
    for path in (
        f"/credentials/{codes.new_code()}",
        "/credentials/status/1",
        "/issuer",
        "/did.json",
        "/.well-known/did.json",
        "/achievements/resource-1",
    ):
        limiter.reset()
        others = [client.get(path, base_url=ORIGIN).status_code for _ in range(61)]
        assert others == [404] * 60 + [429], path
    limiter.reset()
