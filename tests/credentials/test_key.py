"""The signing key: made by who issues and never twice, only read by who checks, and missed loudly when it is gone."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask import Flask
from structlog.testing import capture_logs

from talentbank.credentials import badges, bank, service
from talentbank.credentials.bank import Bank, KeyMissing
from talentbank.credentials.models import Credential
from tests import factories
from tests.credentials.earning import Earning, reader

PUBLIC = ("/issuer", "/did.json", "/.well-known/did.json", "/credentials/status/1", "/achievements/resource-1")


def issued(app: Flask) -> tuple[Earning, str]:
    """A student with a credential, and its code."""
    with app.app_context():
        w = Earning()
        w.earned(16)
        return w, service.attest_credit(w.student, Bank.issuing("https://bank.example", key_of(app)), w.enrolled).code


def key_of(app: Flask) -> Path:
    path = app.config["BANK_ISSUER_KEY"]
    assert isinstance(path, Path)
    return path


def test_strangers_make_no_key(app: Flask) -> None:
    stranger = reader(app)
    for path in PUBLIC:
        stranger.get(path, 404)
    assert "No such code" in stranger.get("/check/AAAA-AAAA-AAAA-AAAA-AAAA-AAAA", 404).text
    assert not key_of(app).exists()


def test_the_first_who_issues_makes_it(app: Flask) -> None:
    with app.app_context():
        w = Earning()
        w.earned(16)
    someone = reader(app, w.student)
    page = someone.get("/credits")
    assert not key_of(app).exists()
    someone.submit(page, page.form("/credits/credentials"))
    assert key_of(app).exists()
    for path in PUBLIC[:4]:
        reader(app).get(path)


def test_it_is_prepared_before_there_is_any_credential(app: Flask, tmp_path: Path) -> None:
    path = tmp_path / "a" / "folder" / "key.pem"
    with app.app_context():
        made = bank.prepare(path)
        again = bank.prepare(path)
    assert badges.public_key_multibase(made.public_key()) == badges.public_key_multibase(again.public_key())
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_key_that_can_only_be_read_is_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "key.pem"
    badges.load_or_make_key(path)
    path.chmod(0o400)
    monkeypatch.setattr(badges, "_loaded", {})
    monkeypatch.setattr(badges.os, "open", lambda *_: pytest.fail("opened for writing"))
    assert badges.load_or_make_key(path)


def test_it_is_read_once_until_it_changes(tmp_path: Path) -> None:
    path, other = tmp_path / "key.pem", tmp_path / "other.pem"
    first = badges.load_or_make_key(path)
    assert badges.load_key(path) is badges.load_key(path)
    badges.load_or_make_key(other)
    other.replace(path)
    changed = badges.load_key(path)
    assert changed
    assert badges.public_key_multibase(changed.public_key()) != badges.public_key_multibase(first.public_key())


@pytest.mark.parametrize("broken", [None, "no key"])
def test_a_key_that_is_gone_is_missed_and_not_made_anew(app: Flask, broken: str | None) -> None:
    w, code = issued(app)
    with app.app_context():
        paper = service.issue_transcript(w.student, Bank.issuing("https://bank.example", key_of(app))).code
    key_of(app).unlink()
    if broken:
        key_of(app).write_text(broken)
    someone, stranger = reader(app, w.student), reader(app)
    with capture_logs() as logged:
        for path in (*PUBLIC, f"/check/{code}"):
            assert "signing key is missing" in stranger.get(path, 503).text
    assert [line["event"] for line in logged] == ["signing_key_missing"] * 6
    assert "Valid." in stranger.get(f"/check/{paper}").text  # a transcript needs no key
    with app.app_context():
        w.earned(8)
    before = credentials_stored(app)
    page = someone.get("/credits")
    refused = someone.submit(page, page.form("/credits/credentials"), 503)
    assert "signing key is missing" in refused.text
    assert credentials_stored(app) == before
    assert key_of(app).exists() is bool(broken)
    with app.app_context(), pytest.raises(KeyMissing):
        bank.prepare(key_of(app))


def credentials_stored(app: Flask) -> object:
    with app.app_context():
        return factories.stored(Credential)
