"""The statement of what was really done: written by the supervisor, answered once by the student."""

from __future__ import annotations

from sqlalchemy import select

from talentbank import audit
from talentbank.audit import command
from talentbank.errors import Conflict, Invalid
from talentbank.extensions import db, now, today
from talentbank.extensions import lazy_gettext as _l
from talentbank.permissions import Action, Actor
from talentbank.practice import queries as practice
from talentbank.practice.enrolments import service
from talentbank.practice.enrolments.agreements import digest, plain
from talentbank.practice.enrolments.steps import Part, parts
from talentbank.practice.models import EndStatement, Enrolment, EnrolmentState, StatementAnswer

LONGEST_WORDS = 2000
LONGEST_COMMENT = 1000


@command(Action.WRITE_STATEMENT)
def write(actor: Actor, enrolment_id: int, words: str, seen: str = "", *, end_now: bool = False) -> EndStatement:
    """Say what was done, which ends the enrolment and frees its seat; or correct the words until they are answered.

    seen: the digest of the words that the actor looked at, empty where there were none; end_now: although the last
    day is still to come and the hours are not done.
    """
    service.lock_of(actor, enrolment_id)
    enrolment = practice.enrolment(actor, enrolment_id, lock=True)
    supervisor = enrolment.resource.supervisor.shown_name
    if Part.SUPERVISOR not in parts(actor, enrolment):
        raise Invalid(_l("Only the supervisor, %(name)s, writes this statement.", name=supervisor))
    words = _short(words, LONGEST_WORDS, "words", _l("Write what was really done."))
    statement = _statement(enrolment_id)
    if seen != (digest(statement.words) if statement else ""):
        raise Conflict(_l("The statement was changed meanwhile: load the page again."))
    if statement is None:
        _check_ending(enrolment, end_now=end_now)
        statement = EndStatement(enrolment_id=enrolment_id)
        db.session.add(statement)
    elif statement.answer is not None:
        raise Conflict(_l("The student has answered the statement: it stands as it is."))
    statement.words, statement.written_by, statement.written_at = words, actor.user_id or 0, now()
    ended = enrolment.state is EnrolmentState.ACCEPTED
    if ended:  # once: corrected words don't move the end
        enrolment.state, enrolment.decided_at = EnrolmentState.FINISHED, statement.written_at
    audit.record(actor, Action.WRITE_STATEMENT, enrolment, digest=digest(words), ended=ended)
    if ended:
        service.move_up(actor, enrolment.resource)
    return statement


@command(Action.COUNTERSIGN_STATEMENT)
def countersign(actor: Actor, enrolment_id: int, answer: str, comment: str, seen: str) -> EndStatement:
    """Agree with the supervisor's statement, or disagree and say why; once.

    seen: the digest of the words that the actor read.
    """
    enrolment = practice.enrolment(actor, enrolment_id, lock=True)
    if answer not in set(StatementAnswer):
        raise Invalid(_l("Agree or disagree: use the page's own buttons."))
    disagreed = answer == StatementAnswer.DISAGREED
    comment = _short(comment, LONGEST_COMMENT, "comment", _l("Say what you see otherwise.") if disagreed else None)
    statement = _statement(enrolment_id)
    if statement is None or digest(statement.words) != seen:
        raise Conflict(_l("The statement was changed meanwhile: read it again, then answer."))
    if statement.answer is not None:
        raise Conflict(_l("You have answered this statement already."))
    statement.answer, statement.comment, statement.answered_at = StatementAnswer(answer), comment, now()
    audit.record(actor, Action.COUNTERSIGN_STATEMENT, enrolment, answer=answer, digest=seen)
    return statement


def _short(text: str, most: int, field: str, missing: object = None) -> str:
    text = plain(text)
    if not text and missing:
        raise Invalid(errors={field: missing})
    if len(text) > most:
        raise Invalid(errors={field: _l("Use at most %(most)s characters.", most=most)})
    return text


def _check_ending(enrolment: Enrolment, *, end_now: bool) -> None:
    if enrolment.state not in (EnrolmentState.ACCEPTED, EnrolmentState.FINISHED):
        raise Conflict(_l("A statement is for somebody who has a seat: look at the enrolment again."))
    minutes = service.proven_minutes(enrolment.id)
    if not minutes:
        raise Conflict(_l("No hours are verified yet: verify what was done first."))
    resource = enrolment.resource
    running = resource.last_day >= today() and minutes < 60 * resource.hours
    if running and not end_now and enrolment.state is EnrolmentState.ACCEPTED:
        raise Invalid(
            errors={"end_now": _l("It still goes on: tick that it ends now, or wait for the last day or hour.")}
        )


def _statement(enrolment_id: int) -> EndStatement | None:
    """The statement as it stands under the enrolment's lock: what was read while waiting for it may be older."""
    return db.session.scalar(
        select(EndStatement)
        .where(EndStatement.enrolment_id == enrolment_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
