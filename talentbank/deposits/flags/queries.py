"""Reads of reports: all for the chamber, one's own for whoever made them, and none for the enterprise."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ColumnElement, and_, func, select
from sqlalchemy.orm import joinedload
from sqlalchemy.sql.base import ExecutableOption

from talentbank.accounts.models import User
from talentbank.deposits import queries as deposits
from talentbank.deposits.flags.models import Flag, FlagState
from talentbank.deposits.models import Position
from talentbank.errors import Conflict, NotFound
from talentbank.extensions import Pagination, db
from talentbank.extensions import lazy_gettext as _l
from talentbank.permissions import Actor, Role

PER_PAGE = 20


def in_state(state: FlagState) -> ColumnElement[bool]:
    """Reports that stand so."""
    if state is FlagState.WAITING:
        return Flag.decided_at.is_(None)
    return and_(Flag.decided_at.is_not(None), Flag.upheld.is_(state is FlagState.UPHELD))


def _parts() -> tuple[ExecutableOption, ...]:
    return (
        joinedload(Flag.position).joinedload(Position.enterprise),
        joinedload(Flag.user).joinedload(User.organisation),
    )


def flags(state: str, position_id: int | None, page: int) -> Pagination:
    """A page of reports, all of them or about one position: those that wait first, the oldest before the others.

    Then those that were decided, the latest first. With who made them: only the chamber may see it.
    """
    query = (
        select(Flag)
        .options(*_parts())
        .order_by(Flag.decided_at.is_not(None), Flag.decided_at.desc(), Flag.made_at, Flag.id)
    )
    if state in set(FlagState):
        query = query.where(in_state(FlagState(state)))
    if position_id is not None:
        query = query.where(Flag.position_id == position_id)
    return db.paginate(query, page=page, per_page=PER_PAGE, error_out=False)


def flag(flag_id: int) -> Flag:
    """One report. Raises NotFound."""
    found = db.session.scalar(select(Flag).where(Flag.id == flag_id).options(*_parts()))
    if found is None:
        raise NotFound(_l("There is no such report."))
    return found


def count_waiting() -> int:
    """Reports that wait for the chamber's decision."""
    return db.session.scalar(select(func.count()).select_from(Flag).where(in_state(FlagState.WAITING))) or 0


def position(actor: Actor, position_id: int) -> Position:
    """A position that the actor sees and can report. Raises NotFound, and Conflict for its own enterprise's."""
    found = deposits.position(actor, position_id)
    if actor.role is Role.ENTERPRISE and found.enterprise_id == actor.organisation_id:
        raise Conflict(_l("This position is your own enterprise's: correct it or close it yourself."))
    return found


def own(actor: Actor, position_id: int) -> Sequence[Flag]:
    """What the actor itself has reported of a position, the newest first."""
    query = select(Flag).where(Flag.position_id == position_id, Flag.user_id == actor.user_id)
    return db.session.scalars(query.order_by(Flag.id.desc())).all()


def reported(position_id: int) -> Position:
    """A position for whoever has reported it, which may be blocked since; with its enterprise."""
    return db.session.scalars(
        select(Position).where(Position.id == position_id).options(joinedload(Position.enterprise))
    ).one()


def why_blocked(position_id: int) -> str:
    """What the chamber answered when it last blocked a position."""
    query = select(Flag.answer).where(Flag.position_id == position_id, in_state(FlagState.UPHELD))
    return db.session.scalar(query.order_by(Flag.decided_at.desc(), Flag.id.desc()).limit(1)) or ""
