"""Reads of who and what is in a round, who has said what it prefers, and what came after it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import joinedload

from talentbank.accounts import queries as accounts
from talentbank.accounts.models import Organisation, User
from talentbank.competencies.models import Student
from talentbank.deposits.models import Position
from talentbank.extensions import Pagination, db
from talentbank.permissions import Actor, Role
from talentbank.rounds.models import Preference, Round, RoundPosition, RoundState, RoundStudent, Shortlisted

PER_PAGE = 25


@dataclass(frozen=True, slots=True)
class Counts:
    """Who and what is in a round, and how many of them have said what they prefer."""

    students: int
    students_said: int
    positions: int
    positions_said: int
    seats: int


def counts(round_id: int) -> Counts:
    """How a round stands, counted in the database."""
    students = db.session.execute(
        select(func.count(), func.count(RoundStudent.saved_at)).where(RoundStudent.round_id == round_id)
    ).one()
    positions = db.session.execute(
        select(
            func.count(), func.count(RoundPosition.saved_at), func.coalesce(func.sum(RoundPosition.seats), 0)
        ).where(RoundPosition.round_id == round_id)
    ).one()
    return Counts(students[0], students[1], positions[0], positions[1], positions[2])


def _has_said(saved_at: ColumnElement[object], said: str) -> tuple[ColumnElement[bool], ...]:
    """Narrowed to those who have said something («1») or nothing («0»); anything else narrows nothing."""
    return {"1": (saved_at.is_not(None),), "0": (saved_at.is_(None),)}.get(said, ())


def students(round_id: int, said: str, page: int) -> Pagination:
    """A page of a round's students, by their numbers."""
    query = (
        select(RoundStudent)
        .where(RoundStudent.round_id == round_id, *_has_said(RoundStudent.__table__.c.saved_at, said))
        .options(
            joinedload(RoundStudent.student).joinedload(Student.user),
            joinedload(RoundStudent.student).joinedload(Student.university),
        )
        .order_by(RoundStudent.number)
    )
    return db.paginate(query, page=page, per_page=PER_PAGE, error_out=False)


def positions(round_id: int, said: str, page: int) -> Pagination:
    """A page of a round's positions, in the order of their ids."""
    query = (
        select(RoundPosition)
        .where(RoundPosition.round_id == round_id, *_has_said(RoundPosition.__table__.c.saved_at, said))
        .options(joinedload(RoundPosition.position).joinedload(Position.enterprise))
        .order_by(RoundPosition.position_id)
    )
    return db.paginate(query, page=page, per_page=PER_PAGE, error_out=False)


def ranked_by_students(round_id: int, ids: Sequence[int]) -> dict[int, int]:
    """How many positions each of these students ranked, by student id; who ranked none is left out."""
    rows = db.session.execute(
        select(Preference.student_id, func.count(Preference.rank))
        .where(Preference.round_id == round_id, Preference.student_id.in_(ids))
        .group_by(Preference.student_id)
    ).all()
    return dict(rows)


def ranked_for_positions(round_id: int, ids: Sequence[int]) -> dict[int, int]:
    """How many candidates were ranked for each of these positions, by position id."""
    rows = db.session.execute(
        select(Shortlisted.position_id, func.count(Shortlisted.rank))
        .where(Shortlisted.round_id == round_id, Shortlisted.position_id.in_(ids))
        .group_by(Shortlisted.position_id)
    ).all()
    return dict(rows)


def silent_people(round_id: int) -> set[int]:
    """The accounts of students, and of enterprises, who have said nothing in a round so far."""
    silent = select(Student.user_id).join(RoundStudent, RoundStudent.student_id == Student.id)
    people = set(db.session.scalars(silent.where(RoundStudent.round_id == round_id, RoundStudent.saved_at.is_(None))))
    enterprises = (
        select(Position.enterprise_id)
        .join(RoundPosition, RoundPosition.position_id == Position.id)
        .where(RoundPosition.round_id == round_id)
        .group_by(Position.enterprise_id)
        .having(func.count(RoundPosition.saved_at) == 0)
    )
    members = select(User.id).join(Organisation, User.organisation_id == Organisation.id)
    return people | set(db.session.scalars(members.where(Organisation.id.in_(enterprises), User.active)))


def takes_part(actor: Actor, round_id: int) -> bool:
    """Whether the actor is in a round, or one of its enterprise's positions or of its university's students is."""
    students = select(RoundStudent.student_id).where(RoundStudent.round_id == round_id).join(RoundStudent.student)
    entered = {
        Role.STUDENT: students.where(Student.user_id == actor.user_id),
        Role.UNIVERSITY: students.where(Student.university_id == actor.organisation_id),
        Role.ENTERPRISE: select(RoundPosition.position_id)
        .join(RoundPosition.position)
        .where(RoundPosition.round_id == round_id, Position.enterprise_id == actor.organisation_id),
    }
    return actor.role in entered and db.session.scalar(entered[actor.role].limit(1)) is not None


def officers() -> Sequence[User]:
    """The people of the chamber, any of whom can answer appeals."""
    return accounts.people_with(Role.CHAMBER)


def round_after(round_id: int) -> Round | None:
    """The round that took up what this one left, if there is one."""
    after = select(Round).where(Round.previous_id == round_id, Round.state != RoundState.CANCELLED)
    return db.session.scalar(after.order_by(Round.id.desc()).limit(1))
