"""Reads of runs: their pairs, prices and snapshots, and what binds them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import func, or_, select
from sqlalchemy.orm import joinedload
from sqlalchemy.orm.interfaces import ORMOption

from talentbank.accounts.models import Organisation, User
from talentbank.competencies.catalogue import Category
from talentbank.competencies.models import Student
from talentbank.deposits.models import Position
from talentbank.errors import NotFound
from talentbank.extensions import ListPagination, Pagination, db
from talentbank.extensions import lazy_gettext as _l
from talentbank.permissions import Role
from talentbank.rounds.models import Round, RoundPosition, RoundStudent, StoredSnapshot
from talentbank.rounds.queries import PER_PAGE, CategoryCount
from talentbank.rounds.runs.models import Explained, Hint, MatchedPair, PositionOutcome, RoundQuota, Run, RunState


def run(round_id: int, number: int) -> Run:
    """A round's run by its number. Raises NotFound."""
    found = db.session.scalar(select(Run).where(Run.round_id == round_id, Run.number == number))
    if found is None:
        raise NotFound(_l("There is no such run in this round."))
    return found


def runs(round_id: int) -> Sequence[Run]:
    """All runs of a round, in the order in which they were asked for."""
    return db.session.scalars(select(Run).where(Run.round_id == round_id).order_by(Run.number)).all()


def shown_run(round_: Round) -> Run | None:
    """The run that a round shows: the selected one, else the newest that is done."""
    if round_.selected_run_id is not None:
        return db.session.get(Run, round_.selected_run_id)
    newest = select(Run).where(Run.round_id == round_.id, Run.state == RunState.DONE).order_by(Run.id.desc()).limit(1)
    return db.session.scalar(newest)


def run_of(round_: Round) -> Run:
    """The run that a round shows. Raises NotFound before the first."""
    found = shown_run(round_)
    if found is None:
        raise NotFound(_l("This round has not been run yet."))
    return found


def shown_runs() -> dict[int, Run]:
    """The run that each round shows, by round id; rounds without one are left out."""
    newest = select(func.max(Run.id)).where(Run.state == RunState.DONE).group_by(Run.round_id)
    found = {run.round_id: run for run in db.session.scalars(select(Run).where(Run.id.in_(newest)))}
    selected = select(Run).join(Round, Round.selected_run_id == Run.id)
    return found | {run.round_id: run for run in db.session.scalars(selected)}


def snapshot(round_id: int) -> StoredSnapshot | None:
    """What a round froze last."""
    query = select(StoredSnapshot).where(StoredSnapshot.round_id == round_id).order_by(StoredSnapshot.id.desc())
    return db.session.scalar(query.limit(1))


def snapshot_text(snapshot_id: int) -> str:
    """The stored text of a snapshot."""
    return db.session.execute(select(StoredSnapshot.text).where(StoredSnapshot.id == snapshot_id)).scalar_one()


def explained(run_id: int, student_id: int) -> Explained | None:
    """What a run's prices say to a student; None of runs of old and of deferred acceptance."""
    return db.session.scalar(
        select(Explained)
        .where(Explained.run_id == run_id, Explained.student_id == student_id)
        .options(joinedload(Explained.step))
    )


def by_category(run: Run) -> list[CategoryCount]:
    """Seats and filled seats of a run, a category each."""
    rows = db.session.execute(
        select(Position.category, func.count(), func.sum(PositionOutcome.seats), func.sum(PositionOutcome.filled))
        .join(PositionOutcome.position)
        .where(PositionOutcome.run_id == run.id)
        .group_by(Position.category)
    ).all()
    counts = {category: CategoryCount(category, n, seats, filled) for category, n, seats, filled in rows}
    return [counts.get(category, CategoryCount(category, 0, 0)) for category in Category]


def outcomes(run: Run, category: str, unfilled: bool, page: int) -> Pagination:
    """What became of each position's seats, the dearest first."""
    query = (
        select(PositionOutcome)
        .join(PositionOutcome.position)
        .where(PositionOutcome.run_id == run.id)
        .options(
            joinedload(PositionOutcome.position).joinedload(Position.enterprise),
            joinedload(PositionOutcome.position).joinedload(Position.city),
        )
        .order_by(PositionOutcome.price.desc(), PositionOutcome.position_id)
    )
    if category in set(Category):
        query = query.where(Position.category == Category(category))
    if unfilled:
        query = query.where(PositionOutcome.filled < PositionOutcome.seats)
    return db.paginate(query, page=page, per_page=PER_PAGE, error_out=False)


def pair_parts() -> tuple[ORMOption, ...]:
    """Load a matched pair with the names that a page says of it."""
    return (
        joinedload(MatchedPair.student).joinedload(Student.user),
        joinedload(MatchedPair.student).joinedload(Student.university),
        joinedload(MatchedPair.position).joinedload(Position.enterprise),
    )


def all_pairs(run: Run) -> dict[int, MatchedPair]:
    """Every matched pair of a run, by student id."""
    rows = db.session.scalars(select(MatchedPair).where(MatchedPair.run_id == run.id).options(*pair_parts()))
    return {pair.student_id: pair for pair in rows}


def pairs(run: Run, category: str, position_id: int | None, text: str, page: int) -> Pagination:
    """The matched pairs of a run, the lowest score last."""
    query = (
        select(MatchedPair)
        .join(MatchedPair.position)
        .join(MatchedPair.student)
        .join(Student.user)
        .where(MatchedPair.run_id == run.id)
        .options(*pair_parts())
        .order_by(MatchedPair.score.desc(), MatchedPair.student_id)
    )
    if category in set(Category):
        query = query.where(Position.category == Category(category))
    if position_id is not None:
        query = query.where(MatchedPair.position_id == position_id)
    if text:
        query = query.where(
            or_(
                User.name.icontains(text, autoescape=True),
                User.name_latin.icontains(text, autoescape=True),
                Position.title.icontains(text, autoescape=True),
                Position.title_en.icontains(text, autoescape=True),
            )
        )
    return db.paginate(query, page=page, per_page=PER_PAGE, error_out=False)


@dataclass(frozen=True, slots=True)
class TakingPart:
    """A student of a run's snapshot: the score at a position that is asked about, and the pair if matched."""

    student: Student
    score: float
    pair: MatchedPair | None


def taking_part(run: Run, scores: dict[int, float], matched: str, page: int) -> Pagination:
    """The students whose scores are given (by student id), the best first; narrowed to matched «1» or free «0»."""
    rows = db.session.scalars(
        select(MatchedPair)
        .where(MatchedPair.run_id == run.id)
        .options(joinedload(MatchedPair.position).joinedload(Position.enterprise))
    )
    pairs = {pair.student_id: pair for pair in rows}
    ids = [i for i in scores if matched not in ("0", "1") or (i in pairs) is (matched == "1")]
    found = ListPagination(sorted(ids, key=lambda i: (-scores[i], i)), page, PER_PAGE)
    students = db.session.scalars(
        select(Student)
        .where(Student.id.in_(found.items))
        .options(joinedload(Student.user), joinedload(Student.university))
    )
    by_id = {student.id: student for student in students}
    found.items = [TakingPart(by_id[i], scores[i], pairs.get(i)) for i in found.items]
    return found


def pair(run: Run, student_id: int) -> MatchedPair:
    """One matched pair. Raises NotFound if the run left this student free."""
    found = db.session.scalar(
        select(MatchedPair)
        .where(MatchedPair.run_id == run.id, MatchedPair.student_id == student_id)
        .options(*pair_parts())
    )
    if found is None:
        raise NotFound(_l("This run did not match that student."))
    return found


def prices(run_id: int) -> dict[int, PositionOutcome]:
    """Every position's outcome in a run, with the position and its enterprise, by position id."""
    rows = db.session.scalars(
        select(PositionOutcome)
        .where(PositionOutcome.run_id == run_id)
        .options(joinedload(PositionOutcome.position).joinedload(Position.enterprise))
    )
    return {row.position_id: row for row in rows}


def organisations(ids: Iterable[int]) -> dict[int, Organisation]:
    """Organisations by id."""
    rows = db.session.scalars(select(Organisation).where(Organisation.id.in_(set(ids))))
    return {row.id: row for row in rows}


def organisations_of(kind: Role) -> Sequence[Organisation]:
    """Universities or enterprises, by name."""
    return db.session.scalars(
        select(Organisation).where(Organisation.kind == kind).order_by(Organisation.name_zh)
    ).all()


def hints(round_id: int) -> Sequence[Hint]:
    """What the chamber said about pairs of a round, the newest first."""
    return db.session.scalars(
        select(Hint)
        .where(Hint.round_id == round_id)
        .options(
            joinedload(Hint.student).joinedload(Student.user),
            joinedload(Hint.student).joinedload(Student.university),
            joinedload(Hint.position).joinedload(Position.enterprise),
        )
        .order_by(Hint.id.desc())
    ).all()


def quotas(round_id: int) -> Sequence[RoundQuota]:
    """The quotas of a round, in the order in which they were set."""
    query = select(RoundQuota).where(RoundQuota.round_id == round_id).order_by(RoundQuota.id)
    return db.session.scalars(query).all()


def students_of(round_id: int) -> Sequence[RoundStudent]:
    """Who is in a round, by number."""
    return db.session.scalars(
        select(RoundStudent)
        .where(RoundStudent.round_id == round_id)
        .options(
            joinedload(RoundStudent.student).joinedload(Student.user),
            joinedload(RoundStudent.student).joinedload(Student.university),
        )
        .order_by(RoundStudent.number)
    ).all()


def positions_of(round_id: int) -> Sequence[Position]:
    """What is in a round, by id."""
    return db.session.scalars(
        select(Position)
        .join(RoundPosition, RoundPosition.position_id == Position.id)
        .where(RoundPosition.round_id == round_id)
        .options(joinedload(Position.enterprise))
        .order_by(Position.id)
    ).all()
