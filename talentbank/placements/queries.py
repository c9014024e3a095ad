"""Students with where they stand, within what the actor may see."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import ColumnElement, case, exists, func, or_, select, true
from sqlalchemy.orm import joinedload

from talentbank.accounts.models import User
from talentbank.competencies import queries as catalogue
from talentbank.competencies.models import Student
from talentbank.deposits.models import Position
from talentbank.errors import NotFound
from talentbank.extensions import Pagination, db
from talentbank.extensions import lazy_gettext as _l
from talentbank.permissions import Actor, Role
from talentbank.placements.models import Placement
from talentbank.rounds.offers import queries as offers
from talentbank.rounds.offers.models import Offer, OfferState

PER_PAGE = 25


class Whereabouts(StrEnum):
    """Where a student stands: each stands in exactly one."""

    PLACED = "placed"
    ACCEPTED = "accepted"
    OFFERED = "offered"
    FREE = "free"


@dataclass(frozen=True, slots=True)
class Standing:
    """A student beside where the student stands."""

    student: Student
    whereabouts: Whereabouts


def whereabouts() -> ColumnElement[str]:
    """Where a student stands at this moment, as a column beside Student."""
    own = Offer.student_id == Student.id
    return case(
        (exists().where(Placement.student_id == Student.id), Whereabouts.PLACED.value),
        (exists().where(own, Offer.stored_state == OfferState.ACCEPTED), Whereabouts.ACCEPTED.value),
        (exists().where(own, offers.in_state(OfferState.OPEN)), Whereabouts.OFFERED.value),
        else_=Whereabouts.FREE.value,
    )


def _seen_by(actor: Actor) -> ColumnElement[bool]:
    return Student.university_id == actor.organisation_id if actor.role is Role.UNIVERSITY else true()


def count_students(actor: Actor) -> dict[Whereabouts, int]:
    """How many of the actor's students stand where."""
    stands = whereabouts()
    rows = db.session.execute(
        select(stands, func.count()).select_from(Student).where(_seen_by(actor)).group_by(stands)
    )
    counts = dict(rows.all())
    return {where: counts.get(where.value, 0) for where in Whereabouts}


def count_by_cohort(actor: Actor) -> dict[int | None, dict[Whereabouts, int]]:
    """How many of the actor's students stand where, a year of graduation each, the latest first."""
    stands = whereabouts()
    rows = db.session.execute(
        select(Student.cohort, stands, func.count())
        .select_from(Student)
        .where(_seen_by(actor))
        .group_by(Student.cohort, stands)
    )
    counts: dict[int | None, dict[Whereabouts, int]] = {}
    for cohort, where, count in rows:
        counts.setdefault(cohort, dict.fromkeys(Whereabouts, 0))[Whereabouts(where)] = count
    return dict(sorted(counts.items(), key=lambda item: -(item[0] or 0)))


def students(
    actor: Actor, *, where: str, text: str, cohort: int | None, university: int | None, page: int, ready: bool = False
) -> tuple[Pagination, list[Standing]]:
    """A page of the actor's students, each with where it stands.

    cohort: 0 for those who did not say; ready: only those who would take part in a round now.
    """
    query = (
        select(Student)
        .join(Student.user)
        .where(_seen_by(actor))
        .options(joinedload(Student.user), joinedload(Student.university))
        .order_by(Student.id)
    )
    if where in set(Whereabouts):
        query = query.where(whereabouts() == where)
    if ready:
        query = query.where(Student.id.in_(offers.free_students().with_only_columns(Student.id).order_by(None)))
    if cohort is not None:
        query = query.where(Student.cohort == cohort if cohort else Student.cohort.is_(None))
    if university is not None:
        query = query.where(Student.university_id == university)
    if text:
        query = query.where(
            or_(User.name.icontains(text, autoescape=True), User.name_latin.icontains(text, autoescape=True))
        )
    found = db.paginate(query, page=page, per_page=PER_PAGE, error_out=False)
    ids = [student.id for student in found.items]
    stands = dict(db.session.execute(select(Student.id, whereabouts()).where(Student.id.in_(ids))).all())
    return found, [Standing(student, Whereabouts(stands[student.id])) for student in found.items]


def cohorts(actor: Actor) -> list[int]:
    """The cohorts of the actor's students, the latest first."""
    query = select(Student.cohort).where(_seen_by(actor), Student.cohort.is_not(None)).distinct()
    return sorted((c for c in db.session.scalars(query) if c is not None), reverse=True)


def student(actor: Actor, student_id: int) -> Standing:
    """One student, with levels. Raises NotFound unless it is there and the actor may see it."""
    row = db.session.execute(
        select(Student, whereabouts())
        .where(Student.id == student_id, _seen_by(actor))
        .options(catalogue.with_levels(), joinedload(Student.user), joinedload(Student.university))
    ).one_or_none()
    if row is None:
        raise NotFound(_l("There is no such student, or not at your university."))
    return Standing(row[0], Whereabouts(row[1]))


def offers_of(student_id: int) -> list[Offer]:
    """A student's offers, the newest first."""
    query = (
        select(Offer)
        .where(Offer.student_id == student_id)
        .options(joinedload(Offer.position).joinedload(Position.enterprise))
        .order_by(Offer.id.desc())
    )
    return list(db.session.scalars(query))


def placement_of(offer_id: int) -> Placement | None:
    """The placement that an offer became."""
    return db.session.scalar(select(Placement).where(Placement.offer_id == offer_id))
