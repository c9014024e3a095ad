"""Reads of positions, within what the actor may see."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import cast

from sqlalchemy import ColumnElement, Select, and_, func, literal, or_, select
from sqlalchemy.orm import joinedload, selectinload
from sqlalchemy.orm.interfaces import ORMOption

from talentbank.accounts.models import Organisation, Standing
from talentbank.competencies.catalogue import Category
from talentbank.competencies.models import Competency
from talentbank.deposits.models import Position, PositionRequirement, PositionState
from talentbank.errors import NotFound
from talentbank.extensions import Pagination, db, today
from talentbank.extensions import lazy_gettext as _l
from talentbank.permissions import Actor, Role

PER_PAGE = 20


@dataclass(frozen=True, slots=True)
class PositionFilter:
    """What a list of positions is narrowed to; empty fields narrow nothing."""

    category: str = ""
    city: str = ""
    text: str = ""
    state: str = ""
    enterprise: int | None = None
    competency: str = ""


PromisedSeats = Callable[[], ColumnElement[int]]
_promises: list[PromisedSeats] = []


def counts_promises(function: PromisedSeats) -> PromisedSeats:
    """Register an expression that counts a position's promised seats: rounds stand above deposits and know."""
    _promises.append(function)
    return function


def promised() -> ColumnElement[int]:
    """Seats of a position that open or accepted offers hold, as a column beside Position."""
    return sum((count() for count in _promises), start=cast(ColumnElement[int], literal(0)))


Condition = Callable[[], ColumnElement[bool]]
_elsewhere: list[Condition] = []


def keeps_out(function: Condition) -> Condition:
    """Register what keeps a position out of a new round: rounds stand above deposits and know."""
    _elsewhere.append(function)
    return function


def free_seats() -> tuple[int, int]:
    """Positions on show with a free seat, and their free seats."""
    left = Position.headcount - promised()
    row = db.session.execute(
        select(func.count(), func.coalesce(func.sum(left), 0)).select_from(Position).where(on_show(), left > 0)
    ).one()
    return row[0], row[1]


def seats_asked(where: ColumnElement[bool]) -> dict[str, dict[int, int]]:
    """Seats of positions (a condition beside Position), by the competency's code and the level that they ask for."""
    rows = db.session.execute(
        select(Competency.code, PositionRequirement.level, func.sum(Position.headcount))
        .join(PositionRequirement, PositionRequirement.competency_id == Competency.id)
        .join(Position, Position.id == PositionRequirement.position_id)
        .where(where)
        .group_by(Competency.code, PositionRequirement.level)
    )
    found: dict[str, dict[int, int]] = {}
    for code, level, seats in rows:
        found.setdefault(code, {})[level] = int(seats)
    return found


def promised_seats(position_id: int) -> int:
    """Seats of one position that offers hold."""
    return db.session.scalar(select(promised()).select_from(Position).where(Position.id == position_id)) or 0


def whole_position() -> tuple[ORMOption, ...]:
    """Load a position with all that a page or the engine needs of it, in the same few queries for any number."""
    return (
        joinedload(Position.enterprise),
        joinedload(Position.city),
        selectinload(Position.requirements).joinedload(PositionRequirement.competency),
    )


def on_show() -> ColumnElement[bool]:
    """Open, within its dates, and of an approved enterprise: what takes part in a round."""
    return and_(
        Position.state == PositionState.OPEN,
        Position.opens_on <= today(),
        or_(Position.closes_on.is_(None), Position.closes_on >= today()),
        Position.enterprise.has(Organisation.standing == Standing.APPROVED),
    )


def seen_by(actor: Actor) -> ColumnElement[bool] | None:
    """The positions that an actor may see at all; None where it is every one.

    What the chamber has blocked shows to its own enterprise and to the chamber alone.
    """
    if actor.role is Role.CHAMBER:
        return None
    if actor.role is Role.ADMINISTRATOR:
        return Position.state != PositionState.BLOCKED
    if actor.role is Role.ENTERPRISE:
        return Position.enterprise_id == actor.organisation_id
    return on_show()


def position(actor: Actor, position_id: int) -> Position:
    """One position, whole. Raises NotFound unless it is there and the actor may see it."""
    found = db.session.scalar(_seen(actor).where(Position.id == position_id).options(*whole_position()))
    if found is None:
        raise NotFound(_l("There is no such position, or it is not on show."))
    return found


def positions(actor: Actor, wanted: PositionFilter, page: int) -> Pagination:
    """A page of the positions that the actor may see."""
    query = _narrowed(_seen(actor), wanted).options(*whole_position()).order_by(Position.id.desc())
    return db.paginate(query, page=page, per_page=PER_PAGE, error_out=False)


def all_positions(actor: Actor, wanted: PositionFilter) -> Sequence[Position]:
    """All of them, whole: a student's list is ordered by fit, which the database does not know."""
    return db.session.scalars(_narrowed(_seen(actor), wanted).options(*whole_position()).order_by(Position.id)).all()


def _seen(actor: Actor) -> Select[Position]:
    condition = seen_by(actor)
    return select(Position) if condition is None else select(Position).where(condition)


def _narrowed(query: Select[Position], wanted: PositionFilter) -> Select[Position]:
    if wanted.category in set(Category):
        query = query.where(Position.category == Category(wanted.category))
    if wanted.city:
        query = query.where(Position.city_code == wanted.city)
    if wanted.state == "show":
        query = query.where(on_show())
    elif wanted.state == "free":
        query = query.where(on_show(), Position.headcount > promised())
    elif wanted.state == "joining":
        query = query.where(on_show(), Position.headcount > promised(), *(~kept() for kept in _elsewhere))
    elif wanted.state in set(PositionState):
        query = query.where(Position.state == PositionState(wanted.state))
    if wanted.competency:
        asked = PositionRequirement.competency.has(Competency.code == wanted.competency)
        query = query.where(Position.requirements.any(asked))
    if wanted.enterprise is not None:
        query = query.where(Position.enterprise_id == wanted.enterprise)
    if wanted.text:
        named = Organisation.name_zh.icontains(wanted.text, autoescape=True) | Organisation.name_en.icontains(
            wanted.text, autoescape=True
        )
        query = query.where(
            or_(
                Position.title.icontains(wanted.text, autoescape=True),
                Position.title_en.icontains(wanted.text, autoescape=True),
                Position.enterprise.has(named),
            )
        )
    return query
