"""Reads of appeals: one's own, or for the chamber all; and who may make one."""

from __future__ import annotations

from sqlalchemy import ColumnElement, and_, func, select, true
from sqlalchemy.orm import joinedload
from sqlalchemy.sql.base import ExecutableOption

from talentbank.accounts.models import User
from talentbank.errors import NotFound
from talentbank.extensions import Pagination, db
from talentbank.extensions import lazy_gettext as _l
from talentbank.notices.models import Notice
from talentbank.permissions import Actor, Role
from talentbank.rounds.appeals.models import Appeal
from talentbank.rounds.entries import takes_part
from talentbank.rounds.models import Round, RoundState
from talentbank.rounds.offers.queries import told_key
from talentbank.rounds.runs.queries import shown_run

PER_PAGE = 25


def _seen_by(actor: Actor) -> ColumnElement[bool]:
    return true() if actor.role is Role.CHAMBER else Appeal.user_id == actor.user_id


def _parts() -> tuple[ExecutableOption, ...]:
    return (
        joinedload(Appeal.round).joinedload(Round.officer),
        joinedload(Appeal.user).joinedload(User.organisation),
        joinedload(Appeal.officer),
    )


def appeals(actor: Actor, page: int) -> Pagination:
    """A page of appeals: those that wait first, of these the actor's own to answer first; then the newest."""
    query = (
        select(Appeal)
        .join(Appeal.round)
        .where(_seen_by(actor))
        .options(*_parts())
        .order_by(
            Appeal.answered_at.is_not(None),
            and_(Appeal.answered_at.is_(None), func.coalesce(Round.officer_id, 0) == actor.user_id).desc(),
            Appeal.id.desc(),
        )
    )
    return db.paginate(query, page=page, per_page=PER_PAGE, error_out=False)


def appeal(actor: Actor, appeal_id: int) -> Appeal:
    """One appeal. Raises NotFound unless it is there and the actor may see it."""
    found = db.session.scalar(select(Appeal).where(Appeal.id == appeal_id, _seen_by(actor)).options(*_parts()))
    if found is None:
        raise NotFound(_l("There is no such appeal, or it is not yours."))
    return found


def concerned(actor: Actor, round_id: int) -> Round:
    """A round that the actor takes or took part in, with its officer. Raises NotFound."""
    found = db.session.scalar(select(Round).where(Round.id == round_id).options(joinedload(Round.officer)))
    if found is None or not takes_part(actor, round_id):
        raise NotFound(_l("There is no such round, or you took no part in it."))
    return found


def knows_result(actor: Actor, round_: Round) -> bool:
    """Whether there is a result that the actor can question: it is published, or the actor was told of no offer."""
    if round_.state in (RoundState.PUBLISHED, RoundState.CLOSED):
        return True
    if round_.state is not RoundState.SOLVED or round_.told_at is None:
        return False
    run = shown_run(round_)
    told = select(Notice.id).where(Notice.user_id == actor.user_id, Notice.kind == "no_offer")
    return run is not None and db.session.scalar(told.where(Notice.key == told_key(run))) is not None


def waiting(actor: Actor, round_id: int) -> Appeal | None:
    """The actor's own appeal in a round that waits for an answer, if there is one."""
    return db.session.scalar(
        select(Appeal).where(
            Appeal.round_id == round_id, Appeal.user_id == actor.user_id, Appeal.answered_at.is_(None)
        )
    )
