"""Transcripts and credentials: issued to the student, taken back by the student, or because practice was taken back.

Whoever issues or revokes for a student does so under the student's lock, under which logs are decided about as well;
so what is attested is what stands at that moment.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, select
from sqlalchemy.exc import IntegrityError

from talentbank import audit
from talentbank.audit import command
from talentbank.competencies.models import Student
from talentbank.credentials import attesting, badges, queries
from talentbank.credentials.badges import Achievement, Award
from talentbank.credentials.bank import Bank
from talentbank.credentials.codes import new_code, read_code
from talentbank.credentials.models import Credential, CredentialKind, IssuedTranscript
from talentbank.credentials.transcript import Transcript
from talentbank.errors import Conflict, Invalid, NotFound
from talentbank.extensions import db, now
from talentbank.extensions import lazy_gettext as _l
from talentbank.permissions import Action, Actor
from talentbank.practice.models import PROVEN, LogState, PracticeLog
from talentbank.practice.queries import lock_student, rules_of
from talentbank.practice.verification.service import on_reversal

PRESSED_TWICE = timedelta(minutes=1)
"""Within this time, a second transcript that would say the same is the first one."""
REPLACED = "replaced"
"""The reason of a credential that gave way to one with more credits or a higher level."""
TAKEN_BACK = "taken back"
"""The reason of a credential that the student took back; any other reason is that of a reversal."""


@command(Action.ISSUE_TRANSCRIPT)
def issue_transcript(actor: Actor, bank: Bank) -> IssuedTranscript:
    """Write down what stands now of the actor's own practice; within a minute the same is written down once.

    Raises Invalid where nothing is verified yet.
    """
    student = locked_student(actor)
    practice = queries.practised(student.id)
    if not practice:
        raise Invalid(_l("Nothing is verified yet: a transcript needs at least one verified practice log."))
    levels, recognised = queries.verified_levels(student.id), rules_of(student.university_id).recognised

    def written(code: str, at: datetime) -> Transcript:
        address = bank.check_url(code)
        return attesting.transcript(
            student, practice, levels, recognised=recognised, code=code, address=address, at=at
        )

    code, at = new_code(), now()
    former = queries.newest_transcript(student.id, at - PRESSED_TWICE)
    if former is not None and written(former.code, former.issued_at).digest == former.digest:
        audit.record(actor, Action.ISSUE_TRANSCRIPT, former, revoked=False, digest=former.digest, again=True)
        return former
    content = written(code, at)
    issued = IssuedTranscript(
        student_id=student.id, code=code, issued_at=at, content=content.content(), digest=content.digest
    )
    db.session.add(issued)
    db.session.flush()
    audit.record(actor, Action.ISSUE_TRANSCRIPT, issued, revoked=False, digest=content.digest)
    return issued


@command(Action.ISSUE_TRANSCRIPT)
def revoke_transcript(actor: Actor, code: str) -> IssuedTranscript:
    """Take an own transcript back. Raises NotFound, or Conflict if it was taken back already."""
    student = locked_student(actor)
    found = db.session.scalar(
        select(IssuedTranscript)
        .where(IssuedTranscript.code == read_code(code), IssuedTranscript.student_id == student.id)
        .with_for_update()
    )
    if found is None:
        raise NotFound(_l("There is no such transcript, or it is not yours to see."))
    if found.revoked_at is not None:
        raise Conflict(_l("This was taken back already: load the page again."))
    found.revoked_at = now()
    audit.record(actor, Action.ISSUE_TRANSCRIPT, found, revoked=True)
    return found


@command(Action.ISSUE_CREDENTIAL)
def attest_credit(actor: Actor, bank: Bank, enrolment_id: int) -> Credential:
    """Issue a credential of the credit confirmed on an own enrolment; one of less credit gives way to it.

    Raises NotFound where the actor has no confirmed credit, Conflict where it is attested already.
    """
    student = locked_student(actor)
    row = next((row for row in queries.practised(student.id) if row.enrolment.id == enrolment_id), None)
    if row is None or not row.credit:
        raise NotFound(_l("There is no confirmed credit to attest here."))
    made = Credential(kind=CredentialKind.CREDIT, enrolment_id=enrolment_id, credit=row.credit)
    recognised = rules_of(student.university_id).recognised
    return _issue(
        actor,
        bank,
        student,
        made,
        Credential.enrolment_id == enrolment_id,
        attesting.credit_achievement(row.enrolment.resource),
        lambda: attesting.credit_award(made, student, row, recognised=recognised),
    )


@command(Action.ISSUE_CREDENTIAL)
def attest_competency(actor: Actor, bank: Bank, competency_id: int) -> Credential:
    """Issue a credential of the level that the actor's practice has reached; one of a lower level gives way to it.

    Raises NotFound where practice has reached no level, Conflict where it is attested already.
    """
    student = locked_student(actor)
    found = next((row for row in queries.reached(student.id) if row.competency.id == competency_id), None)
    if found is None:
        raise NotFound(_l("No verified practice stands behind this competency yet."))
    made = Credential(kind=CredentialKind.COMPETENCY, competency_id=competency_id, level=found.level)
    return _issue(
        actor,
        bank,
        student,
        made,
        Credential.competency_id == competency_id,
        attesting.competency_achievement(found.competency),
        lambda: attesting.competency_award(made, student, found),
    )


def _issue(
    actor: Actor,
    bank: Bank,
    student: Student,
    made: Credential,
    subject: ColumnElement[bool],
    achievement: Achievement,
    award: Callable[[], Award],
) -> Credential:
    """Store and sign a credential in the place of the live one about the same subject, if that attests less."""
    former = queries.live_credential(student.id, subject)
    if former is not None:
        if (former.credit, former.level) == (made.credit, made.level):
            raise Conflict(_l("You have this credential already: nothing has been added since."))
        _revoke(actor, former, REPLACED)
        db.session.flush()  # before the new one: the database takes one live credential for a subject
    made.student_id, made.code, made.issued_at, made.document = student.id, new_code(), now(), {}
    db.session.add(made)
    try:
        db.session.flush()  # gives it its place in the status list
    except IntegrityError:
        raise Conflict(_l("You have this credential already: nothing has been added since.")) from None
    unsigned = badges.achievement_credential(bank.issuer, achievement, award())
    made.document = badges.signed(unsigned, bank.issuer, bank.key)
    attested = {"kind": made.kind.value, "credit": made.credit, "level": made.level}
    audit.record(actor, Action.ISSUE_CREDENTIAL, made, revoked=False, **attested)
    return made


@command(Action.ISSUE_CREDENTIAL)
def revoke(actor: Actor, code: str) -> Credential:
    """Take an own credential back. Raises NotFound, or Conflict if it is revoked already."""
    student = locked_student(actor)
    found = db.session.scalar(
        select(Credential)
        .where(Credential.code == read_code(code), Credential.student_id == student.id)
        .with_for_update()
    )
    if found is None:
        raise NotFound(_l("There is no such credential, or it is not yours."))
    if found.revoked_at is not None:
        raise Conflict(_l("This was taken back already: load the page again."))
    _revoke(actor, found, TAKEN_BACK)
    return found


@on_reversal
def revoke_what_rested(actor: Actor, student_id: int, enrolment_id: int, reason: str) -> None:
    """Revoke the credentials that rest on practice which was taken back: on a log that stood when they were issued.

    Called within the transaction of whoever reverses a log, under the student's lock.
    """
    db.session.flush()
    live = select(Credential).where(Credential.student_id == student_id, Credential.revoked_at.is_(None))
    for credential in db.session.scalars(live.order_by(Credential.id)).all():
        if credential.kind is CredentialKind.CREDIT and credential.enrolment_id != enrolment_id:
            continue
        if _lost_a_log(credential):
            _revoke(actor, credential, reason)


def _lost_a_log(credential: Credential) -> bool:
    """Whether a log that a credential rests on has been reversed since it was issued."""
    student_id, since = credential.student_id, credential.issued_at
    if credential.kind is CredentialKind.CREDIT:
        of = PracticeLog.enrolment_id == credential.enrolment_id
        return queries.taken_back_since(student_id, since, [LogState.CONFIRMED], of=of)
    named = queries.names_competency(credential.competency_id or 0)
    return queries.taken_back_since(student_id, since, PROVEN, of=named)


def _revoke(actor: Actor, credential: Credential, reason: str) -> None:
    credential.revoked_at, credential.reason = now(), reason
    audit.record(actor, Action.ISSUE_CREDENTIAL, credential, revoked=True)


def locked_student(actor: Actor) -> Student:
    """The actor's own profile, locked against whoever else writes for it. Raises Conflict where there is none."""
    student = queries.own_student(actor)
    if student is None:
        raise Conflict(_l("You have no profile yet: make your profile first."))
    lock_student(student.id)
    return student
