"""Notices: each one's own, said in the reader's language, and sent once."""

from __future__ import annotations

import smtplib
import ssl
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask_babel import force_locale
from flask_mailman.backends import locmem
from sqlalchemy import select, update

from talentbank.accounts.models import User
from talentbank.errors import Forbidden, NotFound
from talentbank.extensions import db, now, transaction
from talentbank.notices import mail, queries, service, smtp, wording
from talentbank.notices.models import Notice
from talentbank.permissions import SYSTEM, Actor, Role
from tests import factories

pytestmark = pytest.mark.usefixtures("app_context")

DATA: dict[str, Any] = {
    "round": 1, "offer": 2, "run": 3, "appeal": 4, "placement": 5, "position": 6, "student": 7, "day": 90,
    "name": "Spring", "title": "Editor", "standing": "approved", "reason": "all is well",
    "deadline": "2026-03-31T16:30:00+00:00", "closes_at": "2026-03-31T16:30:00+00:00",
    "until": "2026-03-31T16:30:00+00:00",
    "answer": "It is as it says.",
}  # fmt: skip


def tell(actor: Actor, kind: str = "offer", key: str = "offer:2", **changes: Any) -> Notice:
    with transaction():
        service.tell([actor.user_id or 0], kind, key, **{**DATA, **changes})
    return db.session.scalars(select(Notice).where(Notice.user_id == actor.user_id, Notice.key == key)).one()


@pytest.fixture
def outbox(app: Flask) -> Any:
    state = app.extensions["mailman"]
    before, state.backend, state.outbox = state.backend, "locmem", []
    yield state.outbox
    state.backend = before


@pytest.mark.parametrize("kind", wording.WORDINGS)
@pytest.mark.parametrize("locale", ["zh", "en"])
def test_each_kind_is_said_whole(kind: str, locale: str) -> None:
    with force_locale(locale):
        said = wording.said(kind, DATA)
    assert said.endpoint == wording.WORDINGS[kind].endpoint
    assert said.text
    assert "%(" not in said.title + said.text
    assert None not in said.values.values()


def test_a_moment_is_told_in_meishans_time() -> None:
    with force_locale("en"):
        assert "2026-04-01 00:30" in wording.said("offer", DATA).text


@pytest.mark.parametrize(("kind", "data"), [("of_tomorrow", DATA), ("offer", {}), ("offer", {**DATA, "deadline": 3})])
def test_what_cant_be_worded_still_has_a_title(kind: str, data: dict[str, Any]) -> None:
    said = wording.said(kind, data)
    assert said.title
    assert (said.text, said.endpoint) == ("", "")


def test_one_reads_ones_own() -> None:
    mine, other = factories.person(Role.STUDENT), factories.person(Role.STUDENT)
    first = tell(mine)
    tell(mine, "message", "message:1")
    with pytest.raises(NotFound):
        service.read(other, first.id)
    assert queries.unread(mine.user_id or 0) == 2
    service.read(mine, first.id)
    assert [n.id for n in queries.notices(mine, 1).items][-1] == first.id
    assert service.read_all(mine) == 1
    assert queries.unread(mine.user_id or 0) == 0


def test_mail_goes_once_in_its_readers_language(outbox: list[Any]) -> None:
    zh, en = factories.person(Role.STUDENT), factories.person(Role.STUDENT)
    with transaction():
        db.session.execute(update(User).where(User.id == en.user_id).values(locale="en"))
    tell(zh)
    notice = tell(en)
    assert mail.send_due(SYSTEM) == 2
    assert mail.send_due(SYSTEM) == 0
    by_address = {message.to[0]: message for message in outbox}
    english = by_address[factories.user(en).email]
    assert english.subject == "You have an offer: Editor"
    assert f"https://bank.example/notices/{notice.id}" in english.body
    assert len(outbox) == 2


def test_a_title_cant_add_a_header(outbox: list[Any]) -> None:
    tell(factories.person(Role.STUDENT), title="x\r\nBcc: all@bank.example")
    assert mail.send_due(SYSTEM) == 1
    sent = outbox[0].message()
    assert sent["Bcc"] is None
    assert outbox[0].recipients() == outbox[0].to


def test_no_mail_to_who_cant_sign_in_nor_of_old_news(outbox: list[Any]) -> None:
    tell(factories.person(Role.STUDENT, active=False))
    blank = factories.person(Role.STUDENT)
    tell(blank)
    old = tell(factories.person(Role.STUDENT))
    with transaction():
        db.session.execute(update(User).where(User.id == blank.user_id).values(password_hash=None))
        db.session.execute(update(Notice).where(Notice.id == old.id).values(at=now() - timedelta(days=8)))
    assert mail.send_due(SYSTEM) == 0
    assert outbox == []


def test_the_demos_addresses_get_none_from_a_mail_server() -> None:
    notice = tell(factories.person(Role.STUDENT, email="someone@demo.example"))
    assert [n.id for n in queries.to_mail(demo=True)] == [notice.id]
    assert queries.to_mail(demo=False) == []


def test_only_the_system_sends(outbox: list[Any]) -> None:
    with pytest.raises(Forbidden):
        mail.send_due(factories.person(Role.CHAMBER))


def test_a_server_that_fails_leaves_the_rest(outbox: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    for _number in range(3):
        tell(factories.person(Role.STUDENT))
    send = locmem.EmailBackend.send_messages
    failing = [True]

    def once(self: Any, messages: Any) -> Any:
        if outbox and failing[0]:
            raise smtplib.SMTPServerDisconnected("gone")
        return send(self, messages)

    monkeypatch.setattr(locmem.EmailBackend, "send_messages", once)
    assert mail.send_due(SYSTEM) == 1
    failing[0] = False
    assert mail.send_due(SYSTEM) == 2
    assert len({message.to[0] for message in outbox}) == len(outbox) == 3


def test_an_address_that_is_refused_keeps_nobody_waiting(outbox: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    bad, good = factories.person(Role.STUDENT), factories.person(Role.STUDENT)
    address = factories.user(bad).email
    tell(bad)
    tell(good)
    send = locmem.EmailBackend.send_messages

    def picky(self: Any, messages: Any) -> Any:
        if messages[0].to == [address]:
            raise smtplib.SMTPRecipientsRefused({address: (550, b"no such person")})
        return send(self, messages)

    monkeypatch.setattr(locmem.EmailBackend, "send_messages", picky)
    assert mail.send_due(SYSTEM) == 1
    assert mail.send_due(SYSTEM) == 0


def test_starttls_checks_the_servers_certificate(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    contexts: list[Any] = []
    monkeypatch.setattr(smtplib.SMTP, "connect", lambda *_args: (220, b"ready"))
    monkeypatch.setattr(smtplib.SMTP, "starttls", lambda _self, context=None: contexts.append(context))
    backend = smtp.EmailBackend(mailman=app.extensions["mailman"], host="mail.example", use_tls=True, use_ssl=False)
    backend.open()
    assert contexts[0].verify_mode is ssl.CERT_REQUIRED
    assert contexts[0].check_hostname
