"""Reads of offers, within what the actor may see; and who is free, which hangs on them."""

from __future__ import annotations

from sqlalchemy import ColumnElement, Select, and_, func, or_, select, true
from sqlalchemy.orm import joinedload
from sqlalchemy.orm.interfaces import ORMOption

from talentbank.accounts.models import User
from talentbank.competencies.catalogue import Category
from talentbank.competencies.models import Student
from talentbank.deposits import queries as deposits
from talentbank.deposits.models import Position
from talentbank.errors import NotFound
from talentbank.extensions import Pagination, db, now
from talentbank.extensions import lazy_gettext as _l
from talentbank.permissions import Actor, Role
from talentbank.rounds.offers.models import Offer, OfferState
from talentbank.rounds.runs.models import Run

PER_PAGE = 25


def holds_seat() -> ColumnElement[bool]:
    """Offers that hold a seat and a student: accepted and not released, or open and not past their deadline."""
    still_open = and_(Offer.stored_state == OfferState.OPEN, Offer.deadline > now())
    return or_(and_(Offer.stored_state == OfferState.ACCEPTED, Offer.released_at.is_(None)), still_open)


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


def told_key(run: Run) -> str:
    """Under which those without an offer are told so: of each run that was told once."""
    return f"round:{run.round_id}:run:{run.id}"


def seen_by(actor: Actor) -> ColumnElement[bool]:
    """The offers that an actor may see: one's own, one's organisation's, or all."""
    if actor.role is Role.STUDENT:
        return Offer.student.has(Student.user_id == actor.user_id)
    if actor.role is Role.ENTERPRISE:
        return Offer.position.has(Position.enterprise_id == actor.organisation_id)
    if actor.role is Role.UNIVERSITY:
        return Offer.student.has(Student.university_id == actor.organisation_id)
    return true()


def offer_parts() -> tuple[ORMOption, ...]:
    return (
        joinedload(Offer.student).joinedload(Student.user),
        joinedload(Offer.student).joinedload(Student.university),
        joinedload(Offer.position).joinedload(Position.enterprise),
        joinedload(Offer.position).joinedload(Position.city),
        joinedload(Offer.run).joinedload(Run.round),
    )


def offer(actor: Actor, offer_id: int) -> Offer:
    """One offer. Raises NotFound unless it is there and the actor may see it."""
    found = db.session.scalar(select(Offer).where(Offer.id == offer_id, seen_by(actor)).options(*offer_parts()))
    if found is None:
        raise NotFound(_l("There is no such offer, or it is not yours."))
    return found


def offers(
    actor: Actor, state: str, position_id: int | None, round_id: int | None, page: int, category: str = ""
) -> Pagination:
    """A page of the offers that the actor may see, the newest first."""
    query = select(Offer).where(seen_by(actor)).options(*offer_parts()).order_by(Offer.id.desc())
    if state in set(OfferState):
        query = query.where(in_state(OfferState(state)))
    if position_id is not None:
        query = query.where(Offer.position_id == position_id)
    if round_id is not None:
        query = query.where(Offer.run.has(Run.round_id == round_id))
    if category in set(Category):
        query = query.where(Offer.position.has(Position.category == Category(category)))
    return db.paginate(query, page=page, per_page=PER_PAGE, error_out=False)


def count_offers(actor: Actor, round_id: int | None = None) -> dict[OfferState, int]:
    """How many offers the actor may see in each state, at this moment."""
    within = seen_by(actor) if round_id is None else and_(seen_by(actor), Offer.run.has(Run.round_id == round_id))
    columns = [func.count().filter(in_state(state)) for state in OfferState]
    row = db.session.execute(select(*columns).select_from(Offer).where(within)).one()
    return dict(zip(OfferState, row, strict=True))
