"""A transcript is what stood when it was issued: the same bytes each time, and its owner's to take back."""

from __future__ import annotations

import hashlib
import json
from datetime import timedelta

import pytest
import time_machine
from flask import Flask
from flask_babel import force_locale
from sqlalchemy import select

from talentbank.audit import AuditEntry
from talentbank.competencies.catalogue import CATEGORY_LABELS
from talentbank.competencies.forms import LEVEL_LABELS
from talentbank.credentials import codes, queries, service, wording
from talentbank.credentials.models import IssuedTranscript
from talentbank.credentials.printing import render
from talentbank.credentials.transcript import Transcript
from talentbank.deposits.resources.forms import KIND_LABELS
from talentbank.errors import Conflict, Forbidden, Invalid, NotFound
from talentbank.extensions import db, now, transaction
from talentbank.extensions import lazy_gettext as _l
from talentbank.permissions import Action, Role
from talentbank.practice.rules import service as rules
from talentbank.practice.rules.service import Rules
from tests import factories
from tests.credentials.earning import BANK, Earning, reader

BANKS_NAME = _l("CBEC Talent Bank")


@pytest.fixture
def w(in_english: None) -> Earning:
    return Earning()


def issued(w: Earning) -> IssuedTranscript:
    made = service.issue_transcript(w.student, BANK)
    db.session.expire_all()
    return db.session.get_one(IssuedTranscript, made.id)


def test_it_shows_all_verified_practice_and_what_of_it_is_credit(w: Earning) -> None:
    w.earned(14)
    w.verified(2)
    w.log(w.enrolled, hours=3)
    kept = issued(w)
    paper = Transcript.read(kept.content)
    assert [(line.minutes, line.credit) for line in paper.lines] == [(16 * 60, 87)]
    assert [(line.competency.en, line.level, line.meaning.en) for line in paper.levels] == [
        ("Platform Ops", 1, "aware")
    ]
    person = factories.user(w.student)
    assert (paper.student.zh, paper.recognised) == (person.name, False)
    assert (paper.code, paper.address) == (kept.code, f"https://bank.example/check/{kept.code}")
    assert paper.issued_at == kept.issued_at
    rules.set_rules(w.university, Rules(16, None, 8, 40, recognised=True), 0)
    assert Transcript.read(issued(w).content).recognised


def test_it_stays_the_same_whatever_happens_later(w: Earning) -> None:
    log_id = w.earned(16)
    kept = issued(w)
    content, digest, pdf = kept.content, kept.digest, render(Transcript.read(kept.content))
    canonical = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    assert digest == hashlib.sha256(canonical.encode()).hexdigest()
    w.earned(16)
    w.reverse(log_id)
    with transaction():
        factories.user(w.student).name = "另一个名字"
    db.session.expire_all()
    again = db.session.get_one(IssuedTranscript, kept.id)
    assert (again.content, again.digest) == (content, digest)
    assert render(Transcript.read(again.content)) == pdf


def test_who_presses_twice_has_one_transcript(w: Earning) -> None:
    w.earned(16)
    kept = issued(w)
    assert issued(w).id == kept.id
    with time_machine.travel(now() + timedelta(seconds=61)):
        later = issued(w)
    assert later.id != kept.id
    w.earned(8)
    grown = issued(w)
    assert grown.id != later.id
    service.revoke_transcript(w.student, grown.code)
    assert issued(w).id != grown.id
    assert factories.stored(IssuedTranscript)[0] == 4


def test_codes_are_hard_to_guess_and_easy_to_type() -> None:
    made = {codes.new_code() for _ in range(200)}
    assert len(made) == 200
    assert len(codes.ALPHABET) == len(set(codes.ALPHABET)) == 32
    assert codes.GROUPS * codes.SIGNS * 5 >= 100  # bits
    for code in made:
        assert len(code) <= 32
        assert codes.read_code(code) == code
        assert codes.read_code(f" {code.lower().replace('-', ' ')} ") == code
        assert codes.read_code(f"https://bank.example/check/{code}/") == code
    for nonsense in ("", "en", "A" * 23, "A" * 25, "0" * 24, "I" * 24, "../../etc/passwd", "\0" * 24, "ß" * 24):
        assert codes.read_code(nonsense) == ""


def test_without_verified_practice_there_is_nothing_to_issue(w: Earning) -> None:
    w.log(w.enrolled, hours=3)
    before = factories.stored(IssuedTranscript)
    with pytest.raises(Invalid, match="Nothing is verified yet"):
        service.issue_transcript(w.student, BANK)
    for actor in (w.university, w.host, w.chamber):
        with pytest.raises(Forbidden):
            service.issue_transcript(actor, BANK)
    with pytest.raises(Conflict, match="profile"):
        service.issue_transcript(factories.person(Role.STUDENT), BANK)
    assert factories.stored(IssuedTranscript)[0] == before[0] == 0


def test_its_owner_takes_it_back_once(w: Earning) -> None:
    w.earned(16)
    kept = issued(w)
    other, _id = w.another_student()
    with pytest.raises(NotFound):
        service.revoke_transcript(other, kept.code)
    with pytest.raises(NotFound):
        service.revoke_transcript(w.student, codes.new_code())
    with pytest.raises(Forbidden):
        service.revoke_transcript(w.university, kept.code)
    assert service.revoke_transcript(w.student, kept.code).revoked_at is not None
    with pytest.raises(Conflict, match="taken back already"):
        service.revoke_transcript(w.student, kept.code)
    entries = db.session.scalars(select(AuditEntry).where(AuditEntry.action == Action.ISSUE_TRANSCRIPT)).all()
    assert [entry.detail["revoked"] for entry in entries] == [False, True]
    assert not any(kept.code in json.dumps(entry.detail) for entry in entries)


def test_its_owner_and_the_university_have_it_and_nobody_else(w: Earning) -> None:
    w.earned(16)
    kept = issued(w)
    other, _id = w.another_student()
    for actor in (w.student, w.university):
        assert queries.transcript(actor, kept.code).id == kept.id
    for actor in (other, factories.person(Role.UNIVERSITY), w.host, w.chamber):
        with pytest.raises(NotFound):
            queries.transcript(actor, kept.code)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_papers_use_the_words_of_the_pages(app_context: None, language: str) -> None:
    pairs = [
        *((label, wording.CATEGORIES[category]) for category, label in CATEGORY_LABELS.items()),
        *((label, wording.KINDS[kind]) for kind, label in KIND_LABELS.items()),
        (BANKS_NAME, wording.BANK),
    ]
    with force_locale(language):
        for label, words in pairs:
            assert str(label) == getattr(words, language)
        for level, (label, words) in enumerate(zip(LEVEL_LABELS, wording.LEVELS, strict=True)):
            assert str(label) == f"{level} {getattr(words, language)}"


def test_the_pages_from_the_button_to_the_file(app: Flask) -> None:
    with app.app_context():
        w = Earning()
    someone, officer = reader(app, w.student), reader(app, w.university)
    page = someone.get("/credits")
    assert "Nothing is verified yet" in someone.submit(page, page.form("/credits/transcripts"), 400).text
    with app.app_context():
        w.earned(16)
    listed = someone.submit(page, page.form("/credits/transcripts"))
    link = listed.soup.select_one("#transcripts a[href$='.pdf']")
    address = listed.soup.select_one("#transcripts a.digest")
    assert link and address and address.get_text().startswith("https://bank.example/check/")
    path = str(link["href"])
    files = [r.client.get(path, base_url="http://bank.example") for r in (someone, someone, officer)]
    assert {file.data for file in files} == {files[0].data}
    assert files[0].data.startswith(b"%PDF-")
    assert files[0].headers["Content-Type"] == "application/pdf"
    assert files[0].headers["Content-Disposition"].startswith('attachment; filename="transcript-')
    assert reader(app, w.host).client.get(path, base_url="http://bank.example").status_code == 404
    revoked = someone.submit(listed, listed.form("/revoke"))
    assert "taken back on" in revoked.text
    assert not revoked.soup.select("#transcripts form[action$=revoke]")
