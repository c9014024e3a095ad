"""Credentials: one that holds for each subject, verified by another tool, revoked with what it rests on."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from flask import Flask
from jsonschema import Draft201909Validator
from openbadgeslib.ob3.contexts import bundled_contexts
from sqlalchemy import select

from talentbank.audit import AuditEntry
from talentbank.credentials import badges, checking, codes, queries, service
from talentbank.credentials.badges import Json, Verdict
from talentbank.credentials.models import Credential, CredentialKind
from talentbank.errors import Conflict, Forbidden, NotFound
from talentbank.extensions import db
from talentbank.permissions import Action
from talentbank.practice.models import EnrolmentState
from talentbank.practice.verification import service as verification
from tests import factories
from tests.credentials import second
from tests.credentials.earning import BANK, Earning, competency_id, reader, stored_log
from tests.web.reader import ORIGIN, Reader

SCHEMA = Path(__file__).parent / "published" / "ob_v3p0_achievementcredential_schema.json"
CONTEXTS = bundled_contexts()


@pytest.fixture
def w(in_english: None) -> Earning:
    return Earning()


def credit(w: Earning, enrolment: int | None = None) -> Credential:
    return stored(service.attest_credit(w.student, BANK, enrolment or w.enrolled).id)


def competency(w: Earning, code: str = "platform_ops") -> Credential:
    return stored(service.attest_competency(w.student, BANK, competency_id(code)).id)


def stored(credential_id: int) -> Credential:
    db.session.rollback()
    return db.session.get_one(Credential, credential_id, populate_existing=True)


def verdict(credential: Credential) -> Verdict:
    """What a verifier finds, and the check page with it."""
    stood = stored(credential.id)
    status = checking.status_list(BANK, checking.list_number(stood))
    said = badges.check(stood.document, BANK.issuer, BANK.key.public_key(), status)
    found = checking.check(lambda: BANK, stood.code)
    if said is Verdict.REVOKED:
        assert isinstance(found, checking.TakenBack)
    else:
        assert isinstance(found, checking.CheckedCredential)
        assert found.verdict is said
    return said


def test_confirmed_credit_is_attested(w: Earning) -> None:
    w.earned(16)
    w.verified(8)
    made = credit(w)
    assert (made.kind, made.credit, made.level, made.revoked_at) == (CredentialKind.CREDIT, 100, None, None)
    subject = made.document["credentialSubject"]
    assert subject["creditsEarned"] == 1.0
    assert subject["achievement"]["id"] == f"https://bank.example/achievements/resource-{w.project}"
    assert made.document["id"] == f"https://bank.example/credentials/{made.code}"
    assert made.document["credentialStatus"]["statusListIndex"] == str(made.id)
    (evidence,) = made.document["evidence"]
    assert "Practice logs 1, hours 16" in evidence["narrative"]
    assert "practice credits 1.00" in evidence["narrative"]
    assert factories.user(w.student).email not in json.dumps(made.document)
    assert verdict(made) is Verdict.VALID


def test_a_level_that_practice_has_reached_is_attested(w: Earning) -> None:
    w.verified(14)
    made = competency(w)
    assert (made.kind, made.level, made.credit) == (CredentialKind.COMPETENCY, 1, None)
    assert made.document["credentialSubject"]["result"][0]["value"] == "1"
    (evidence,) = made.document["evidence"]
    assert "verified 14 hours, which reaches 1 aware" in evidence["narrative"]
    assert verdict(made) is Verdict.VALID


@pytest.mark.parametrize("kind", CredentialKind)
def test_a_tool_that_is_not_ours_verifies_it_by_what_is_published(app: Flask, kind: CredentialKind) -> None:
    with app.app_context():
        w = Earning()
        w.earned(16)
    someone, stranger = reader(app, w.student), reader(app)
    listed = _issue(someone, kind)
    link = listed.soup.select_one("#credentials a[download]")
    assert link
    answer = stranger.client.get(str(link["href"]), base_url=ORIGIN)
    assert answer.headers["Content-Type"] == "application/vc"
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    document = json.loads(answer.data)
    Draft201909Validator(json.loads(SCHEMA.read_text(encoding="utf-8"))).validate(document)
    did = json.loads(stranger.client.get("/.well-known/did.json", base_url=ORIGIN).data)
    second.verify(document, did, CONTEXTS)
    status = _status(stranger, document)
    second.verify(status, did, CONTEXTS)
    assert not second.is_revoked(document, status)
    achievement = document["credentialSubject"]["achievement"]
    published = _json(stranger, achievement["id"].removeprefix("https://bank.example"))
    assert {name: published[name] for name in achievement} == achievement
    assert _json(stranger, "/issuer")["id"] == document["issuer"]["id"] == did["id"]
    revoked = someone.submit(listed, listed.form("/revoke"))
    assert "taken back by the student" in revoked.text
    status = _status(stranger, document)
    second.verify(status, did, CONTEXTS)
    assert second.is_revoked(document, status)
    gone = stranger.client.get(str(link["href"]), base_url=ORIGIN)
    assert (gone.status_code, gone.headers["Content-Type"]) == (410, "application/problem+json")
    assert set(json.loads(gone.data)) == {"status", "title", "detail"}
    assert json.loads(someone.client.get(str(link["href"]), base_url=ORIGIN).data) == document  # its owner's


def _issue(someone: Reader, kind: CredentialKind) -> object:
    page = someone.get("/credits")
    forms = page.soup.select("#credentials form")
    form = next(form for form in forms if form.select_one(f"input[name=kind][value={kind.value}]"))
    return someone.submit(page, form)


def _json(someone: Reader, path: str) -> Json:
    answer = someone.client.get(path, base_url=ORIGIN)
    assert answer.status_code == 200
    return dict(json.loads(answer.data))


def _status(someone: Reader, document: Json) -> Json:
    return _json(someone, document["credentialStatus"]["statusListCredential"].removeprefix("https://bank.example"))


def test_what_is_not_earned_can_not_be_attested(w: Earning) -> None:
    w.verified(1)
    other, other_id = w.another_student()
    theirs = w.another_enrolment(other_id)
    w.earned(16, theirs)
    before = factories.stored(Credential)
    for enrolment in (w.enrolled, theirs, 999):
        with pytest.raises(NotFound):
            service.attest_credit(w.student, BANK, enrolment)
    for code in ("platform_ops", "teamwork"):
        with pytest.raises(NotFound):
            service.attest_competency(w.student, BANK, competency_id(code))
    with pytest.raises(NotFound):
        service.attest_competency(w.student, BANK, 999)
    for actor in (w.university, w.host, w.chamber):
        with pytest.raises(Forbidden):
            service.attest_credit(actor, BANK, theirs)
    assert factories.stored(Credential) == before
    assert service.attest_credit(other, BANK, theirs).credit == 100


def test_a_level_that_only_a_certificate_stands_behind_is_not_attested(app_context: None) -> None:
    w = Earning()
    actor, _ = w.another_student(verified={"platform_ops": 4})
    with pytest.raises(NotFound):
        service.attest_competency(actor, BANK, competency_id())


def test_it_is_issued_anew_only_when_there_is_more(w: Earning) -> None:
    w.earned(16)
    first = credit(w)
    with pytest.raises(Conflict, match="already"):
        credit(w)
    assert stored(first.id).revoked_at is None
    w.earned(8)
    later = credit(w)
    assert later.credit == 150
    assert (stored(first.id).reason, verdict(first)) == (service.REPLACED, Verdict.REVOKED)
    assert verdict(later) is Verdict.VALID
    w.verified(8)
    level = competency(w)
    w.verified(8)
    higher = competency(w)
    assert (level.level, higher.level) == (2, 3)
    assert verdict(level) is Verdict.REVOKED
    trail = db.session.scalars(select(AuditEntry).where(AuditEntry.action == Action.ISSUE_CREDENTIAL)).all()
    assert [(e.subject, e.detail["revoked"]) for e in trail[:3]] == [
        (f"credential:{first.id}", False),
        (f"credential:{first.id}", True),
        (f"credential:{later.id}", False),
    ]
    assert not any(later.code in json.dumps(entry.detail) for entry in trail)


def test_the_student_revokes_it_once_and_nobody_else_does(w: Earning) -> None:
    w.earned(16)
    made = credit(w)
    other, _ = w.another_student()
    for code in (made.code, codes.new_code(), "nonsense"):
        with pytest.raises(NotFound):
            service.revoke(other, code)
    with pytest.raises(Forbidden):
        service.revoke(w.university, made.code)
    assert verdict(made) is Verdict.VALID
    service.revoke(w.student, made.code)
    assert verdict(made) is Verdict.REVOKED
    with pytest.raises(Conflict):
        service.revoke(w.student, made.code)
    assert verdict(credit(w)) is Verdict.VALID  # what was revoked by mistake can be issued again


def test_what_rests_on_a_log_goes_with_it(w: Earning) -> None:
    log_id = w.earned(16)
    elsewhere = w.another_enrolment(teaches={"visual_design": 3})
    w.earned(16, elsewhere, competencies=("visual_design",))
    mine, level = credit(w), competency(w)
    other, other_level = credit(w, elsewhere), competency(w, "visual_design")
    w.reverse(log_id, "He was not there.")
    for gone in (mine, level):
        assert verdict(gone) is Verdict.REVOKED
        assert stored(gone.id).reason == "He was not there."
    for stays in (other, other_level):
        assert verdict(stays) is Verdict.VALID
    revoked = db.session.scalars(
        select(AuditEntry.role).where(AuditEntry.action == Action.ISSUE_CREDENTIAL, AuditEntry.role == "university")
    ).all()
    assert len(revoked) == 2


def test_a_reversal_leaves_what_never_rested_on_it(w: Earning) -> None:
    w.earned(16)
    w.verified(6)
    mine, level = credit(w), competency(w)
    later = w.earned(8)
    w.reverse(later)
    assert verdict(mine) is Verdict.VALID
    assert verdict(level) is Verdict.VALID


def test_the_supervisors_reversal_revokes_the_level_and_leaves_the_credit(w: Earning) -> None:
    w.earned(16)
    unconfirmed = w.verified(8)
    mine, level = credit(w), competency(w)
    verification.reverse(w.host, unconfirmed, "Wrong day.", stored_log(unconfirmed).version)
    assert verdict(mine) is Verdict.VALID
    assert verdict(level) is Verdict.REVOKED


def test_a_refused_reversal_revokes_nothing(w: Earning) -> None:
    from talentbank.credentials import withdrawals

    log_id = w.earned(16)
    mine = credit(w)
    withdrawals.withdraw(w.student, 100)
    with pytest.raises(Conflict):
        w.reverse(log_id)
    assert verdict(mine) is Verdict.VALID


def test_the_status_list_holds_exactly_what_is_revoked(w: Earning) -> None:
    w.earned(16)
    assert checking.status_list(BANK, 0) is None
    assert checking.status_list(BANK, 2) is None
    assert checking.status_list(BANK, 16_385) is None  # past what a database takes for an id
    assert checking.status_list(BANK, 16_384) is None
    empty = checking.status_list(BANK, 1)
    made = [credit(w), competency(w)]
    service.revoke(w.student, made[0].code)
    lists = checking.status_list(BANK, 1)
    assert empty and lists
    key = BANK.key.public_key()
    assert [badges.check(m.document, BANK.issuer, key, lists) for m in made] == [Verdict.REVOKED, Verdict.VALID]
    assert badges.check(made[0].document, BANK.issuer, key, empty) is Verdict.VALID


def test_only_what_was_attested_is_published(app: Flask) -> None:
    with app.app_context():
        w = Earning()
        w.earned(16)
    someone, stranger = reader(app, w.student), reader(app)
    paths = [f"/achievements/resource-{w.project}", "/achievements/competency-platform_ops"]
    for path in [
        *paths,
        "/achievements/nothing",
        "/achievements/resource-x",
        "/achievements/resource-99999999999999",
    ]:
        stranger.get(path, 404)
    for kind in CredentialKind:
        _issue(someone, kind)
    for path in paths:
        assert _json(stranger, path)["type"] == ["Achievement"]
    for path in ("/credentials/status/2", "/credentials/status/0", f"/credentials/{codes.new_code()}"):
        stranger.get(path, 404)


def test_a_forged_form_attests_nothing(app: Flask) -> None:
    with app.app_context():
        w = Earning()
        w.earned(16)
        _, other_id = w.another_student()
        theirs = w.enrolment(w.project, other_id, EnrolmentState.ACCEPTED)
    someone = reader(app, w.student)
    someone.post("/credits/credentials", 400, kind="diploma")
    someone.post("/credits/credentials", 400, kind="credit", enrolment="x")
    someone.post("/credits/credentials", 404, kind="credit", enrolment=str(theirs))
    reader(app, w.university).post("/credits/credentials", 403, kind="credit", enrolment=str(w.enrolled))
    with app.app_context():
        assert factories.stored(Credential)[0] == 0


def test_credentials_are_listed_in_one_query(w: Earning) -> None:
    from tests.test_queries import counted

    def ask() -> int:
        db.session.rollback()
        db.session.expunge_all()
        with counted() as statements:
            rows = queries.credentials_of(w.student_id)
            assert [r.competency.name if r.competency else r.enrolment.resource.owner.name for r in rows]
        return len(statements)

    w.earned(16)
    credit(w)
    few = ask()
    competency(w)
    for _ in range(5):
        enrolment = w.another_enrolment()
        w.earned(8, enrolment)
        credit(w, enrolment)
    assert ask() == few
