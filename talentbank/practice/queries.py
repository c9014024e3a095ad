"""Reads that all of practice shares: who sees which enrolment and log, and the rules that hold for a student."""

from __future__ import annotations

from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Select, or_, select, true
from sqlalchemy.orm import joinedload, selectinload
from sqlalchemy.orm.interfaces import ORMOption

from talentbank.competencies.models import Student
from talentbank.deposits.resources.models import TaughtCompetency, TrainingResource
from talentbank.errors import NotFound
from talentbank.extensions import db
from talentbank.extensions import lazy_gettext as _l
from talentbank.permissions import Actor, Role
from talentbank.practice.models import Enrolment, LogEvent, LogState, PracticeLog, PracticeRules

M = TypeVar("M", Enrolment, PracticeLog)


def rules_of(university_id: int) -> PracticeRules:
    """A university's rules of practice; the defaults, not stored, where it has set none."""
    return db.session.get(PracticeRules, university_id) or PracticeRules(
        university_id=university_id,
        hours_per_credit=16,
        cap_a_term=None,
        hours_a_day=8,
        hours_a_week=40,
        night_work=False,
        fees=False,
        recognised=False,
        version=0,
    )


def enrolments_seen_by(actor: Actor) -> ColumnElement[bool]:
    """A student's own, those on resources of the actor's organisation, those of the university's students; or all."""
    if actor.role is Role.CHAMBER:
        return true()
    if actor.role is Role.STUDENT:
        return Enrolment.student.has(Student.user_id == actor.user_id)
    hosted = Enrolment.resource.has(TrainingResource.owner_id == actor.organisation_id)
    if actor.role is Role.UNIVERSITY:
        return or_(hosted, Enrolment.student.has(Student.university_id == actor.organisation_id))
    return hosted


def logs_seen_by(actor: Actor) -> ColumnElement[bool]:
    """Logs of the enrolments that the actor sees; drafts are the student's alone."""
    seen = PracticeLog.enrolment.has(enrolments_seen_by(actor))
    return seen if actor.role is Role.STUDENT else seen & (PracticeLog.state != LogState.DRAFT)


def whole_enrolment() -> tuple[Any, ...]:
    """Load an enrolment with its resource, host, supervisor, student, agreement and statement."""
    return (
        joinedload(Enrolment.resource).options(
            joinedload(TrainingResource.owner),
            joinedload(TrainingResource.supervisor),
            joinedload(TrainingResource.city),
            selectinload(TrainingResource.teaches).joinedload(TaughtCompetency.competency),
        ),
        joinedload(Enrolment.student).options(joinedload(Student.user), joinedload(Student.university)),
        joinedload(Enrolment.agreement),
        joinedload(Enrolment.statement),
    )


def whole_log() -> tuple[ORMOption, ...]:
    """Load a log with all that its page and its list need, in the same few queries for any number."""
    return (
        joinedload(PracticeLog.enrolment).options(*whole_enrolment()),
        selectinload(PracticeLog.competencies),
        selectinload(PracticeLog.evidence),
        selectinload(PracticeLog.events).joinedload(LogEvent.user),
        selectinload(PracticeLog.chases),
    )


def enrolment(actor: Actor, enrolment_id: int, *, lock: bool = False) -> Enrolment:
    """One enrolment, whole. Raises NotFound unless it is there and the actor may see it."""
    query = select(Enrolment).where(Enrolment.id == enrolment_id, enrolments_seen_by(actor))
    found = db.session.scalar(_locked(query.options(*whole_enrolment()), lock, Enrolment))
    if found is None:
        raise NotFound(_l("There is no such enrolment, or it is not yours to see."))
    return found


def log(actor: Actor, log_id: int, *, lock: bool = False) -> PracticeLog:
    """One log, whole. Raises NotFound unless it is there and the actor may see it."""
    query = select(PracticeLog).where(PracticeLog.id == log_id, logs_seen_by(actor))
    found = db.session.scalar(_locked(query.options(*whole_log()), lock, PracticeLog))
    if found is None:
        raise NotFound(_l("There is no such practice log, or it is not yours to see."))
    return found


def lock_student(student_id: int) -> None:
    """Make whoever writes for this student wait: what depends on all of its logs is checked under the lock."""
    # FOR NO KEY UPDATE: whoever inserts a row that refers to the student needn't wait, so nobody waits in a circle.
    db.session.execute(select(Student.id).where(Student.id == student_id).with_for_update(key_share=True))


def _locked(query: Select[M], lock: bool, model: type[M]) -> Select[M]:
    return query.with_for_update(of=model) if lock else query
