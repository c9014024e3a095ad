"""Figures for the role homes: read-only, each counted from the rows that its link lists."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import joinedload

from talentbank.accounts.models import Organisation, Standing, User
from talentbank.audit import AuditEntry
from talentbank.deposits.models import Position, PositionState
from talentbank.extensions import Pagination, db
from talentbank.permissions import Action, Actor, Role
from talentbank.rounds.offers import queries as offers
from talentbank.rounds.offers.models import OfferState

PER_PAGE = 50


@dataclass(frozen=True, slots=True)
class EnterpriseFigures:
    """What an enterprise has in the bank."""

    organisation: Organisation | None
    open_positions: int
    seats: int
    offers: dict[OfferState, int]
    latest: list[Position]


def enterprise(actor: Actor) -> EnterpriseFigures:
    """The actor's enterprise in figures, with its newest positions."""
    own = Position.enterprise_id == actor.organisation_id
    is_open = Position.state == PositionState.OPEN
    count, seats = db.session.execute(
        select(func.count(), func.coalesce(func.sum(Position.headcount), 0)).where(own, is_open)
    ).one()
    latest = db.session.scalars(
        select(Position).where(own).options(joinedload(Position.city)).order_by(Position.id.desc()).limit(5)
    ).all()
    organisation = db.session.get(Organisation, actor.organisation_id) if actor.organisation_id else None
    return EnterpriseFigures(organisation, count, seats, offers.count_offers(actor), list(latest))


def pending_enterprises() -> int:
    """Enterprises that wait for the chamber's decision."""
    query = select(func.count()).select_from(Organisation).where(Organisation.standing == Standing.PENDING)
    return db.session.scalar(query) or 0


def people_by_role() -> dict[Role, int]:
    """Accounts, a role each."""
    return dict(db.session.execute(select(User.role, func.count()).group_by(User.role)).all())


def organisations_by_kind() -> dict[Role, int]:
    """Organisations, a kind each."""
    return dict(db.session.execute(select(Organisation.kind, func.count()).group_by(Organisation.kind)).all())


def trail(action: str, role: str, subject: str, page: int) -> Pagination:
    """The audit trail, the newest first."""
    query = select(AuditEntry).order_by(AuditEntry.id.desc())
    if action in set(Action):
        query = query.where(AuditEntry.action == Action(action))
    if role in set(Role):
        query = query.where(AuditEntry.role == Role(role))
    if subject:
        query = query.where(AuditEntry.subject == subject)
    return db.paginate(query, page=page, per_page=PER_PAGE, error_out=False)
