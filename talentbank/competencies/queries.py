"""Reads of the catalogue and of profiles."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from sqlalchemy import Select, func, select
from sqlalchemy.orm import joinedload, selectinload
from sqlalchemy.orm.interfaces import ORMOption

from talentbank.competencies.models import City, Competency, Student, StudentLevel
from talentbank.engine.competency import Candidate
from talentbank.engine.wording import Lexicon
from talentbank.extensions import db
from talentbank.permissions import Actor


def competencies() -> list[Competency]:
    """The catalogue in its order."""
    return list(db.session.scalars(select(Competency).order_by(Competency.place)))


def names() -> dict[str, str]:
    """What each competency is called in the reader's language, by code."""
    return {entry.code: entry.name for entry in competencies()}


def cities() -> list[City]:
    """The cities in the order that lists show."""
    return list(db.session.scalars(select(City).order_by(City.place)))


def lexicon(entries: Iterable[Competency]) -> Lexicon:
    """These competencies by code, Chinese or English name, or alias."""
    return Lexicon((c.code, (c.name_zh, c.name_en, *c.aliases)) for c in entries)


def with_levels() -> ORMOption:
    """Load a student's levels with their competencies, in two queries for any number of students."""
    return selectinload(Student.levels).joinedload(StudentLevel.competency)


def levels_of(students: Select[int]) -> tuple[dict[str, Counter[int]], dict[str, Counter[int]]]:
    """How many students (a query of their ids) have which level of a competency, by its code.

    Claimed, which is the higher of what is claimed and what is verified, and verified; who has not named it is left
    out.
    """
    claimed: dict[str, Counter[int]] = {}
    verified: dict[str, Counter[int]] = {}
    rows = db.session.execute(
        select(Competency.code, StudentLevel.claimed, StudentLevel.verified, func.count())
        .join(Competency, Competency.id == StudentLevel.competency_id)
        .where(StudentLevel.student_id.in_(students))
        .group_by(Competency.code, StudentLevel.claimed, StudentLevel.verified)
    )
    for code, said, shown, count in rows:
        claimed.setdefault(code, Counter())[max(said, shown)] += count
        verified.setdefault(code, Counter())[shown] += count
    return claimed, verified


def own_profile(actor: Actor) -> Student | None:
    """The actor's profile with its levels; None before it was first saved."""
    return db.session.scalar(
        select(Student)
        .where(Student.user_id == actor.user_id)
        .options(with_levels(), joinedload(Student.university), joinedload(Student.user))
    )


def candidate(student: Student) -> Candidate:
    """A student as the engine sees one; levels and their competencies must be loaded."""
    return Candidate(
        id=str(student.id),
        categories=frozenset(student.categories),
        cities=frozenset(student.cities),
        min_salary=student.min_salary,
        claimed={level.competency.code: level.claimed for level in student.levels},
        verified={level.competency.code: level.verified for level in student.levels},
        available=student.available,
    )
