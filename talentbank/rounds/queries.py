"""Reads of rounds, runs and offers, within what the actor may see."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy import ColumnElement, Select, and_, func, or_, select, true
from sqlalchemy.orm import joinedload, undefer
from sqlalchemy.orm.interfaces import ORMOption

from talentbank.accounts.models import User
from talentbank.competencies import queries as catalogue
from talentbank.competencies.catalogue import Category
from talentbank.competencies.models import Student
from talentbank.deposits import queries as deposits
from talentbank.deposits.models import Position
from talentbank.engine.competency import Candidate, Opening
from talentbank.errors import NotFound
from talentbank.extensions import ListPagination, Pagination, db, now
from talentbank.extensions import lazy_gettext as _l
from talentbank.permissions import Actor, Role
from talentbank.rounds.models import MatchedPair, Offer, OfferState, PositionOutcome, Round, Run

PER_PAGE = 25


def holds_seat() -> ColumnElement[bool]:
    """Offers that hold a seat and a student: accepted, or open and not past their deadline."""
    still_open = and_(Offer.stored_state == OfferState.OPEN, Offer.deadline > now())
    return or_(Offer.stored_state == OfferState.ACCEPTED, still_open)


@deposits.counts_promises
def _held_seats() -> ColumnElement[int]:
    """Seats that offers hold, as a column beside Position."""
    held = select(func.count()).select_from(Offer).where(Offer.position_id == Position.id, holds_seat())
    return held.correlate(Position).scalar_subquery()


def in_state(state: OfferState) -> ColumnElement[bool]:
    """Offers that stand so at this moment; an open one past its deadline counts as lapsed."""
    past = Offer.deadline <= now()
    if state is OfferState.OPEN:
        return and_(Offer.stored_state == state, ~past)
    if state is OfferState.LAPSED:
        return or_(Offer.stored_state == state, and_(Offer.stored_state == OfferState.OPEN, past))
    return Offer.stored_state == state


def seats_held() -> dict[int, int]:
    """Seats that offers hold, by position id."""
    rows = db.session.execute(select(Offer.position_id, func.count()).where(holds_seat()).group_by(Offer.position_id))
    return dict(rows.all())


def free_students() -> Select[Student]:
    """Students who take part in the next round: available, active, and holding no offer."""
    holding = select(Offer.student_id).where(holds_seat())
    return (
        select(Student)
        .join(Student.user)
        .where(Student.available, User.active, Student.id.not_in(holding))
        .order_by(Student.id)
    )


def participants() -> tuple[list[Candidate], list[Opening]]:
    """Who and what the next round is made of: free students, and the free seats of positions on show.

    Universities and enterprises are named by the ids of their organisations.
    """
    students = db.session.scalars(free_students().options(catalogue.with_levels())).all()
    held = seats_held()
    positions = db.session.scalars(
        select(Position).where(deposits.on_show()).options(*deposits.whole_position()).order_by(Position.id)
    ).all()
    candidates = [replace(catalogue.candidate(s), university=str(s.university_id)) for s in students]
    openings = [
        replace(p.opening(p.headcount - held.get(p.id, 0)), enterprise=str(p.enterprise_id))
        for p in positions
        if p.headcount > held.get(p.id, 0)
    ]
    return candidates, openings


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


def latest_run(round_id: int, *, snapshot: bool = False) -> Run | None:
    """The run that a round shows and publishes: its newest."""
    query = select(Run).where(Run.round_id == round_id).order_by(Run.id.desc()).limit(1)
    return db.session.scalar(query.options(undefer(Run.snapshot)) if snapshot else query)


def latest_runs() -> dict[int, Run]:
    """The newest run of each round that has one, by round id."""
    newest = select(func.max(Run.id)).group_by(Run.round_id)
    return {run.round_id: run for run in db.session.scalars(select(Run).where(Run.id.in_(newest)))}


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


def _pair_parts() -> tuple[ORMOption, ...]:
    return (
        joinedload(MatchedPair.student).joinedload(Student.user),
        joinedload(MatchedPair.student).joinedload(Student.university),
        joinedload(MatchedPair.position).joinedload(Position.enterprise),
    )


def pairs(run: Run, category: str, position_id: int | None, text: str, page: int) -> Pagination:
    """The matched pairs of a run, the lowest score last."""
    query = (
        select(MatchedPair)
        .join(MatchedPair.position)
        .join(MatchedPair.student)
        .join(Student.user)
        .where(MatchedPair.run_id == run.id)
        .options(*_pair_parts())
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
        .options(*_pair_parts())
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


def _seen_by(actor: Actor) -> ColumnElement[bool]:
    """The offers that an actor may see: one's own, one's organisation's, or all."""
    if actor.role is Role.STUDENT:
        return Offer.student.has(Student.user_id == actor.user_id)
    if actor.role is Role.ENTERPRISE:
        return Offer.position.has(Position.enterprise_id == actor.organisation_id)
    if actor.role is Role.UNIVERSITY:
        return Offer.student.has(Student.university_id == actor.organisation_id)
    return true()


def _offer_parts() -> tuple[ORMOption, ...]:
    return (
        joinedload(Offer.student).joinedload(Student.user),
        joinedload(Offer.student).joinedload(Student.university),
        joinedload(Offer.position).joinedload(Position.enterprise),
        joinedload(Offer.position).joinedload(Position.city),
        joinedload(Offer.run).joinedload(Run.round),
    )


def offer(actor: Actor, offer_id: int) -> Offer:
    """One offer. Raises NotFound unless it is there and the actor may see it."""
    found = db.session.scalar(select(Offer).where(Offer.id == offer_id, _seen_by(actor)).options(*_offer_parts()))
    if found is None:
        raise NotFound(_l("There is no such offer, or it is not yours."))
    return found


def offers(actor: Actor, state: str, position_id: int | None, round_id: int | None, page: int) -> Pagination:
    """A page of the offers that the actor may see, the newest first."""
    query = select(Offer).where(_seen_by(actor)).options(*_offer_parts()).order_by(Offer.id.desc())
    if state in set(OfferState):
        query = query.where(in_state(OfferState(state)))
    if position_id is not None:
        query = query.where(Offer.position_id == position_id)
    if round_id is not None:
        query = query.where(Offer.run.has(Run.round_id == round_id))
    return db.paginate(query, page=page, per_page=PER_PAGE, error_out=False)


def count_offers(actor: Actor, round_id: int | None = None) -> dict[OfferState, int]:
    """How many offers the actor may see in each state, at this moment."""
    within = _seen_by(actor) if round_id is None else and_(_seen_by(actor), Offer.run.has(Run.round_id == round_id))
    columns = [func.count().filter(in_state(state)) for state in OfferState]
    row = db.session.execute(select(*columns).select_from(Offer).where(within)).one()
    return dict(zip(OfferState, row, strict=True))


def snapshot_text(run_id: int) -> str:
    """The stored text of a run's snapshot."""
    return db.session.execute(select(Run.snapshot).where(Run.id == run_id)).scalar_one()


def run_of(round_id: int) -> Run:
    """The run that a round shows. Raises NotFound before the first."""
    found = latest_run(round_id)
    if found is None:
        raise NotFound(_l("This round has not been run yet."))
    return found


@dataclass(frozen=True, slots=True)
class Contents:
    """What a round would be made of now."""

    students: int
    positions: int
    seats: int
    categories: list[CategoryCount]


def contents() -> Contents:
    """What a round would be made of now: counted in the database, as `participants` would find it."""
    left = Position.headcount - deposits.promised()
    rows = db.session.execute(
        select(Position.category, func.count(), func.sum(left))
        .where(deposits.on_show(), left > 0)
        .group_by(Position.category)
    ).all()
    counts = {category: CategoryCount(category, n, seats) for category, n, seats in rows}
    categories = [counts.get(category, CategoryCount(category, 0, 0)) for category in Category]
    students = db.session.scalar(select(func.count()).select_from(free_students().order_by(None).subquery())) or 0
    return Contents(students, sum(c.positions for c in categories), sum(c.seats for c in categories), categories)
