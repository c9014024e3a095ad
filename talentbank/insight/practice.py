"""What of practice and placements stands on each role's home: what waits for the reader, and what the reader has."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import func, select

from talentbank.competencies.models import Student
from talentbank.credentials.models import Withdrawal
from talentbank.extensions import db
from talentbank.ledger import queries as ledger
from talentbank.permissions import Action, Actor, Role, allowed
from talentbank.placements import queries as placements
from talentbank.placements.queries import PlacementState
from talentbank.practice.enrolments import queries as enrolments
from talentbank.practice.models import LogState, PracticeLog
from talentbank.practice.verification import queries as verification
from talentbank.practice.verification.queries import Waits


@dataclass(frozen=True, slots=True)
class Practice:
    """Counts that only some roles have are None for the others; balance in hundredths of a credit."""

    turn: int | None = None
    to_verify: Waits | None = None
    to_confirm: int | None = None
    to_export: int | None = None
    overdue: int | None = None
    drafts: int | None = None
    balance: int | None = None
    check_ins: int | None = None


def practice(actor: Actor) -> Practice:
    """What waits for the actor, and what a student has earned."""
    if actor.role is Role.STUDENT:
        return _student(actor)
    university = actor.role is Role.UNIVERSITY
    return Practice(
        turn=enrolments.count_waiting_for(actor) if allowed(actor, Action.DECIDE_ENROLMENT) else None,
        to_verify=verification.waits_for(actor) if allowed(actor, Action.VERIFY_LOG) else None,
        to_confirm=verification.count(verification.to_confirm(actor)) if university else None,
        to_export=_to_export(actor) if university else None,
        overdue=verification.count(verification.overdue()) if allowed(actor, Action.READ_OVERDUE) else None,
        check_ins=_check_ins(actor) if allowed(actor, Action.CHECK_IN) else None,
    )


def _student(actor: Actor) -> Practice:
    student_id = db.session.scalar(select(Student.id).where(Student.user_id == actor.user_id))
    drafts = select(func.count()).where(PracticeLog.student_id == student_id, PracticeLog.state == LogState.DRAFT)
    return Practice(
        turn=enrolments.count_waiting_for(actor),
        drafts=db.session.scalar(drafts),
        balance=ledger.balance(f"student:{student_id}"),
        check_ins=_check_ins(actor),
    )


def _check_ins(actor: Actor) -> int:
    return placements.count_placements(actor)[PlacementState.DUE]


def _to_export(actor: Actor) -> int:
    query = select(func.count()).where(
        Withdrawal.university_id == actor.organisation_id,
        Withdrawal.batch_id.is_(None),
        Withdrawal.cancelled_at.is_(None),
    )
    return db.session.scalar(query) or 0
