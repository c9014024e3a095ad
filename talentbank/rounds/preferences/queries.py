"""Reads of what both sides prefer, within what the actor may see: own rounds, own positions, own candidates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, or_, select
from sqlalchemy.orm import joinedload

from talentbank.competencies import queries as catalogue
from talentbank.competencies.models import Student
from talentbank.deposits import queries as deposits
from talentbank.deposits.models import Position
from talentbank.engine.competency import Opening
from talentbank.engine.scoring import Fit, fit_of
from talentbank.errors import Conflict, NotFound
from talentbank.extensions import db
from talentbank.extensions import lazy_gettext as _l
from talentbank.permissions import Actor, Role
from talentbank.rounds import queries as rounds
from talentbank.rounds.models import (
    LIVE,
    Preference,
    Round,
    RoundPosition,
    RoundState,
    RoundStudent,
    Shortlisted,
)

NO_SUCH_ROUND = _l("There is no such round, or it does not concern you.")


@dataclass(frozen=True, slots=True)
class Scoring:
    """What a fit hangs on under a round's policy, as `engine.scoring.fit_of` takes it."""

    trust: float
    min_score: float
    must_have_verified: bool

    @classmethod
    def of(cls, round_: Round) -> Scoring:
        """The lowest score bounds the whole score: too low is what no wish makes up for."""
        wishes = round_.weight_student + round_.weight_enterprise
        least = max(0.0, round_.min_score - wishes) / round_.weight_fit if round_.weight_fit else 0.0
        return cls(round_.trust, min(1.0, least), round_.must_have_on.value == "verified")

    def fit(self, student: Student, opening: Opening) -> Fit:
        """A student's fit; levels with their competencies must be loaded."""
        return fit_of(
            catalogue.candidate(student),
            opening,
            trust=self.trust,
            min_score=self.min_score,
            must_have_verified=self.must_have_verified,
        )


@dataclass(frozen=True, slots=True)
class Standing:
    """Where somebody stands in a round: how many it ranked and ruled out, of so many positions it has there.

    entry: the student's own, None while it could still join; for others None. Of a university, positions counts its
    students in the round, and said those of them who have said something.
    """

    round: Round
    entry: RoundStudent | None
    ranked: int
    ruled_out: int
    positions: int
    said: int
    """Positions of the round for which the actor has said something; of a student 0 or 1."""


def profile(actor: Actor) -> Student:
    """The student's own profile. Raises Conflict before there is one: a round can't match who says nothing."""
    found = catalogue.own_profile(actor)
    if found is None:
        raise Conflict(_l("A round matches profiles: make yours first, then rank positions."))
    return found


def free_to_join(student: Student, round_id: int) -> bool:
    """Whether a student would take part in a round if it were made up now."""
    found = rounds.joining_students(round_id).where(Student.id == student.id).with_only_columns(Student.id)
    return db.session.scalar(found) is not None


def entry(student: Student, round_id: int) -> RoundStudent | None:
    """A student's entry in a round."""
    return db.session.get(RoundStudent, (round_id, student.id))


def round_of_student(student: Student, round_id: int) -> tuple[Round, RoundStudent | None]:
    """A round that the student is in, or an open one that it can still join. Raises NotFound."""
    found = db.session.get(Round, round_id)
    own = entry(student, round_id)
    joinable = found is not None and found.takes_preferences and free_to_join(student, round_id)
    if found is None or (own is None and not joinable):
        raise NotFound(NO_SUCH_ROUND)
    return found, own


def student_standings(student: Student) -> list[Standing]:
    """The rounds that a student is or was in, the newest first; before them an open one that it can still join."""
    rows = db.session.execute(
        select(Round, RoundStudent)
        .join(RoundStudent, RoundStudent.round_id == Round.id)
        .where(RoundStudent.student_id == student.id)
        .order_by(Round.id.desc())
    ).all()
    counts: dict[int, tuple[int, int]] = {
        round_id: (ranked, out)
        for round_id, ranked, out in db.session.execute(
            select(Preference.round_id, func.count(Preference.rank), func.count() - func.count(Preference.rank))
            .where(Preference.student_id == student.id)
            .group_by(Preference.round_id)
        )
    }
    standings = [
        Standing(round_, own, *counts.get(round_.id, (0, 0)), 0, int(own.saved_at is not None))
        for round_, own in rows
    ]
    if any(own.live for _, own in rows):
        return standings
    opened = select(Round).where(Round.state == RoundState.OPEN).order_by(Round.id.desc())
    new = [r for r in db.session.scalars(opened) if r.takes_preferences and free_to_join(student, r.id)][:1]
    return [Standing(round_, None, 0, 0, 0, 0) for round_ in new] + standings


def university_standings(actor: Actor) -> list[Standing]:
    """The rounds that the university's students are or were in, the newest first."""
    rows = db.session.execute(
        select(Round, func.count(RoundStudent.student_id), func.count(RoundStudent.saved_at))
        .join(RoundStudent, RoundStudent.round_id == Round.id)
        .join(Student, Student.id == RoundStudent.student_id)
        .where(Student.university_id == actor.organisation_id)
        .group_by(Round.id)
        .order_by(Round.id.desc())
    ).all()
    return [Standing(round_, None, 0, 0, students, said) for round_, students, said in rows]


def enterprise_standings(actor: Actor) -> list[Standing]:
    """The rounds that the enterprise's positions are or were in, the newest first."""
    candidates = (
        select(Shortlisted.round_id, func.count(Shortlisted.rank), func.count())
        .join(Position, Position.id == Shortlisted.position_id)
        .where(Position.enterprise_id == actor.organisation_id)
        .group_by(Shortlisted.round_id)
    )
    counts = {round_id: (ranked, every - ranked) for round_id, ranked, every in db.session.execute(candidates)}
    rows = db.session.execute(
        select(Round, func.count(RoundPosition.position_id), func.count(RoundPosition.saved_at))
        .join(RoundPosition, RoundPosition.round_id == Round.id)
        .join(Position, Position.id == RoundPosition.position_id)
        .where(Position.enterprise_id == actor.organisation_id)
        .group_by(Round.id)
        .order_by(Round.id.desc())
    ).all()
    return [Standing(r, None, *counts.get(r.id, (0, 0)), positions, said) for r, positions, said in rows]


def is_live(standing: Standing) -> bool:
    """Whether a round still runs up to its publication."""
    return standing.round.state in LIVE


def preferences(student_id: int, round_id: int) -> tuple[list[int], list[int]]:
    """The ids of the positions that a student ranked, in order, and of those that it ruled out."""
    rows = db.session.execute(
        select(Preference.rank, Preference.position_id)
        .where(Preference.round_id == round_id, Preference.student_id == student_id)
        .order_by(Preference.rank, Preference.position_id)
    ).all()
    return [p for rank, p in rows if rank is not None], [p for rank, p in rows if rank is None]


def positions(round_id: int) -> Sequence[Position]:
    """The positions of a round, whole, in the order of their ids."""
    return db.session.scalars(
        select(Position)
        .join(RoundPosition, RoundPosition.position_id == Position.id)
        .where(RoundPosition.round_id == round_id)
        .options(*deposits.whole_position())
        .order_by(Position.id)
    ).all()


@dataclass(frozen=True, slots=True)
class Candidacy:
    """A student as an enterprise sees one in a round: by number, and by name only where the round is not blind.

    cities: the codes of the cities that are accepted; empty, as categories, for any.
    """

    number: int
    fit: Fit
    cohort: int | None
    major: str
    categories: list[str]
    cities: list[str]
    name: str
    university: str


@dataclass(frozen=True, slots=True)
class Offering:
    """One of the enterprise's positions in a round, with what it has said about candidates."""

    entry: RoundPosition
    position: Position
    free: bool
    """Whether it is still open and has a free seat."""
    eligible: int
    ranked: int
    ruled_out: int


def taking_part(round_id: int) -> list[tuple[RoundStudent, Student]]:
    """The free students of a round with their entries and levels, in an order that says nothing: by number."""
    entries = {
        own.student_id: own
        for own in db.session.scalars(
            select(RoundStudent).where(RoundStudent.round_id == round_id, RoundStudent.live)
        )
    }
    in_round = select(RoundStudent.student_id).where(RoundStudent.round_id == round_id, RoundStudent.live)
    students = db.session.scalars(
        rounds.joining_students(round_id)
        .where(Student.id.in_(in_round))
        .options(catalogue.with_levels(), joinedload(Student.user), joinedload(Student.university))
    ).all()
    return sorted(((entries[s.id], s) for s in students), key=lambda pair: pair[0].number)


def own_positions(
    actor: Actor, round_id: int, position_id: int | None = None
) -> list[tuple[RoundPosition, Position]]:
    """The enterprise's positions in a round, or one of them. Raises NotFound where it has none there."""
    query = (
        select(RoundPosition, Position)
        .join(Position, Position.id == RoundPosition.position_id)
        .where(RoundPosition.round_id == round_id, Position.enterprise_id == actor.organisation_id)
        .options(*deposits.whole_position())
        .order_by(Position.id)
    )
    if position_id is not None:
        query = query.where(Position.id == position_id)
    rows = [(own, position) for own, position in db.session.execute(query)]
    if not rows or actor.role is not Role.ENTERPRISE:
        raise NotFound(NO_SUCH_ROUND)
    return rows


def offerings(actor: Actor, round_id: int) -> tuple[Round, list[Offering]]:
    """The enterprise's positions in a round, each with how many candidates it could have."""
    round_ = rounds.round_(round_id)
    rows = own_positions(actor, round_id)
    scoring, free = Scoring.of(round_), rounds.joining_positions(round_id)
    students = [student for _, student in taking_part(round_id)]
    ids = [position.id for _, position in rows]
    counts = {
        position_id: (ranked, every - ranked)
        for position_id, ranked, every in db.session.execute(
            select(Shortlisted.position_id, func.count(Shortlisted.rank), func.count())
            .where(Shortlisted.round_id == round_id, Shortlisted.position_id.in_(ids))
            .group_by(Shortlisted.position_id)
        )
    }
    found = []
    for own, position in rows:
        opening = position.opening()
        eligible = sum(scoring.fit(student, opening).eligible for student in students)
        found.append(Offering(own, position, position.id in free, eligible, *counts.get(position.id, (0, 0))))
    return round_, found


def eligible(round_: Round, position: Position) -> list[tuple[RoundStudent, Student, Fit]]:
    """Who could be matched with a position, the best fit first; equal fits by number."""
    scoring, opening = Scoring.of(round_), position.opening()
    rows = [(own, student, scoring.fit(student, opening)) for own, student in taking_part(round_.id)]
    return sorted((row for row in rows if row[2].eligible), key=lambda row: (-row[2].value, row[0].number))


def candidacies(round_: Round, position: Position) -> list[Candidacy]:
    """The candidates of a position as its enterprise may see them."""
    return [
        Candidacy(
            number=own.number,
            fit=fit,
            cohort=student.cohort,
            major=student.major,
            categories=student.categories,
            cities=student.cities,
            name="" if round_.blind else student.user.name,
            university="" if round_.blind else student.university.name,
        )
        for own, student, fit in eligible(round_, position)
    ]


def shortlisted(round_id: int, position_id: int) -> tuple[list[int], list[int]]:
    """The numbers of the candidates whom a position's enterprise ranked, in order, and whom it ruled out."""
    rows = db.session.execute(
        select(Shortlisted.rank, RoundStudent.number)
        .join(
            RoundStudent,
            (RoundStudent.round_id == Shortlisted.round_id) & (RoundStudent.student_id == Shortlisted.student_id),
        )
        .where(Shortlisted.round_id == round_id, Shortlisted.position_id == position_id)
        .order_by(Shortlisted.rank, RoundStudent.number)
    ).all()
    return [n for rank, n in rows if rank is not None], [n for rank, n in rows if rank is None]


def titles(position_ids: set[int]) -> list[str]:
    """The titles of positions, for a sentence that names them."""
    found = db.session.scalars(select(Position).where(Position.id.in_(position_ids)).order_by(Position.id))
    return [position.shown_title for position in found]


def locked(round_id: int) -> Round:
    """A round that can't be frozen or moved on while this transaction writes into it. Raises NotFound."""
    found = db.session.scalar(
        select(Round)
        .where(Round.id == round_id, or_(Round.state != RoundState.DRAFT, Round.opened_at.is_not(None)))
        .with_for_update(read=True)
    )
    if found is None:
        raise NotFound(NO_SUCH_ROUND)
    return found
