"""Reads of rounds: which there are, and who and what is in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy import ColumnElement, Row, Select, exists, func, select

from talentbank.competencies import queries as catalogue
from talentbank.competencies.catalogue import Category
from talentbank.competencies.models import Competency, Student
from talentbank.deposits import queries as deposits
from talentbank.deposits.models import Position
from talentbank.engine.competency import Candidate, Opening
from talentbank.errors import NotFound
from talentbank.extensions import db
from talentbank.extensions import lazy_gettext as _l
from talentbank.rounds.models import (
    Others,
    Preference,
    Round,
    RoundPosition,
    RoundStudent,
    Shortlisted,
)
from talentbank.rounds.offers.queries import free_students, seats_held
from talentbank.rounds.snapshot import Said

PER_PAGE = 25


@deposits.keeps_out
def _in_live_round() -> ColumnElement[bool]:
    """Positions that a live round has, as a column beside Position."""
    return exists().where(RoundPosition.position_id == Position.id, RoundPosition.live)


def joining_students(round_id: int = 0) -> Select[Student]:
    """Free students who are in no other live round than this one, in the order of their ids."""
    elsewhere = select(RoundStudent.student_id).where(RoundStudent.live, RoundStudent.round_id != round_id)
    return free_students().where(Student.id.not_in(elsewhere))


def joining_positions(round_id: int = 0) -> dict[int, int]:
    """Free seats, by the ids of positions on show that are in no other live round than this one."""
    elsewhere = select(RoundPosition.position_id).where(RoundPosition.live, RoundPosition.round_id != round_id)
    rows = db.session.execute(
        select(Position.id, Position.headcount)
        .where(deposits.on_show(), Position.id.not_in(elsewhere))
        .order_by(Position.id)
    ).all()
    held = seats_held()
    left = {position_id: headcount - held.get(position_id, 0) for position_id, headcount in rows}
    return {position_id: seats for position_id, seats in left.items() if seats > 0}


@dataclass(frozen=True, slots=True)
class Participants:
    """Who and what a snapshot is made of, and what both sides said, by id."""

    candidates: list[Candidate]
    openings: list[Opening]
    students: dict[int, Said]
    positions: dict[int, Said]


def entrant(student: Student) -> Candidate:
    """A student as a round sees one, its university named by id; levels must be loaded."""
    return replace(catalogue.candidate(student), university=str(student.university_id))


def place(position: Position, seats: int) -> Opening:
    """A position's free seats as a round sees them, its enterprise named by id; requirements must be loaded."""
    return replace(position.opening(seats), enterprise=str(position.enterprise_id))


def participants(round_id: int) -> Participants:
    """The round's students and positions that are still free, with what both sides said."""
    in_round = select(RoundStudent.student_id).where(RoundStudent.round_id == round_id, RoundStudent.live)
    students = db.session.scalars(
        joining_students(round_id).where(Student.id.in_(in_round)).options(catalogue.with_levels())
    ).all()
    seats = joining_positions(round_id)
    listed = select(RoundPosition.position_id).where(RoundPosition.round_id == round_id, RoundPosition.live)
    positions = db.session.scalars(
        select(Position)
        .where(Position.id.in_(listed), Position.id.in_(seats))
        .options(*deposits.whole_position())
        .order_by(Position.id)
    ).all()
    return Participants(
        [entrant(s) for s in students],
        [place(p, seats[p.id]) for p in positions],
        said_by_students(round_id),
        said_by_positions(round_id),
    )


def said_by_students(round_id: int) -> dict[int, Said]:
    """What the students of a round said about positions, by student id."""
    only = set(
        db.session.scalars(
            select(RoundStudent.student_id).where(
                RoundStudent.round_id == round_id, RoundStudent.others == Others.ONLY
            )
        )
    )
    rows = db.session.execute(
        select(Preference.student_id, Preference.position_id, Preference.rank).where(Preference.round_id == round_id)
    ).all()
    return _said(rows, only)


def said_by_positions(round_id: int) -> dict[int, Said]:
    """What the enterprises of a round said about candidates, by position id."""
    rows = db.session.execute(
        select(Shortlisted.position_id, Shortlisted.student_id, Shortlisted.rank).where(
            Shortlisted.round_id == round_id
        )
    ).all()
    return _said(rows, set())


def _said(rows: Sequence[Row[int, int, int | None]], only: set[int]) -> dict[int, Said]:
    ranked: dict[int, list[tuple[int, int]]] = {}
    out: dict[int, set[int]] = {}
    for who, whom, rank in rows:
        if rank is None:
            out.setdefault(who, set()).add(whom)
        else:
            ranked.setdefault(who, []).append((rank, whom))
    return {
        who: Said(
            tuple(whom for _, whom in sorted(ranked.get(who, ()))),
            frozenset(out.get(who, ())),
            who in only,
        )
        for who in {*ranked, *out, *only}
    }


def competency_ids() -> dict[str, int]:
    """The catalogue's ids by code."""
    return dict(db.session.execute(select(Competency.code, Competency.id)).all())


@dataclass(frozen=True, slots=True)
class CategoryCount:
    """Positions and seats of a category, and how many of the seats a run filled."""

    category: Category
    positions: int
    seats: int
    filled: int = 0

    @property
    def unfilled(self) -> int:
        return self.seats - self.filled


def rounds() -> Sequence[Round]:
    """All rounds, the newest first."""
    return db.session.scalars(select(Round).order_by(Round.id.desc())).all()


def round_(round_id: int) -> Round:
    """One round. Raises NotFound."""
    found = db.session.get(Round, round_id)
    if found is None:
        raise NotFound(_l("There is no such round."))
    return found


@dataclass(frozen=True, slots=True)
class Contents:
    """What a round would be made of now."""

    students: int
    positions: int
    seats: int
    categories: list[CategoryCount]


def contents(round_id: int = 0) -> Contents:
    """What a round would be made of now: counted in the database, as `joining_…` would find it."""
    left = Position.headcount - deposits.promised()
    elsewhere = select(RoundPosition.position_id).where(RoundPosition.live, RoundPosition.round_id != round_id)
    rows = db.session.execute(
        select(Position.category, func.count(), func.sum(left))
        .where(deposits.on_show(), left > 0, Position.id.not_in(elsewhere))
        .group_by(Position.category)
    ).all()
    counts = {category: CategoryCount(category, n, seats) for category, n, seats in rows}
    categories = [counts.get(category, CategoryCount(category, 0, 0)) for category in Category]
    joining = joining_students(round_id).order_by(None).subquery()
    students = db.session.scalar(select(func.count()).select_from(joining)) or 0
    return Contents(students, sum(c.positions for c in categories), sum(c.seats for c in categories), categories)
