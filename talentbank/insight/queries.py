"""Figures for the role homes and the talent gap: read-only, each counted from the rows that its link lists."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import joinedload

from talentbank.accounts.models import Organisation, Standing, User
from talentbank.audit import AuditEntry
from talentbank.competencies.catalogue import Category
from talentbank.deposits import queries as deposits
from talentbank.deposits.models import Position, PositionState
from talentbank.extensions import Pagination, db
from talentbank.insight import figures
from talentbank.permissions import Action, Actor, Role
from talentbank.placements.models import Placement
from talentbank.rounds.offers import queries as offers
from talentbank.rounds.offers.models import Offer, OfferState
from talentbank.rounds.runs.models import Run

PER_PAGE = 50


@dataclass(frozen=True, slots=True)
class Gap:
    """A category's talent gap: the baseline shortage less the placements, against the goal (DESIGN.md, section 6)."""

    category: Category
    shortage: int
    positions: int
    seats: int
    accepted: int
    placed: int

    @property
    def remaining(self) -> int:
        return self.shortage - self.placed

    @property
    def goal(self) -> int:
        """Persons who may still be missing when the goal is reached."""
        return round(self.shortage * (1 - figures.gap_goal()))


def gap() -> list[Gap]:
    """The talent gap, a category each."""
    shown = {
        category: (count, seats)
        for category, count, seats in db.session.execute(
            select(Position.category, func.count(), func.sum(Position.headcount))
            .where(deposits.on_show())
            .group_by(Position.category)
        )
    }
    accepted = dict(
        db.session.execute(
            select(Position.category, func.count())
            .join(Offer, Offer.position_id == Position.id)
            .outerjoin(Placement, Placement.offer_id == Offer.id)
            .where(Offer.stored_state == OfferState.ACCEPTED, Placement.id.is_(None))
            .group_by(Position.category)
        ).all()
    )
    placed = dict(
        db.session.execute(
            select(Position.category, func.count())
            .join(Offer, Offer.position_id == Position.id)
            .join(Placement, Placement.offer_id == Offer.id)
            .group_by(Position.category)
        ).all()
    )
    return [
        Gap(
            d.category,
            d.shortage,
            *shown.get(d.category, (0, 0)),
            accepted.get(d.category, 0),
            placed.get(d.category, 0),
        )
        for d in figures.demand()
    ]


@dataclass(frozen=True, slots=True)
class Outcome:
    """An accepted offer without the person: what those may see who only count."""

    offer: Offer
    placement: Placement | None


def outcomes(category: str, placed: bool, page: int) -> tuple[Pagination, list[Outcome]]:
    """Accepted offers not yet started, or placements; without names."""
    query = (
        select(Offer)
        .join(Offer.position)
        .outerjoin(Placement, Placement.offer_id == Offer.id)
        .where(Offer.stored_state == OfferState.ACCEPTED)
        .where(Placement.id.is_not(None) if placed else Placement.id.is_(None))
        .options(
            joinedload(Offer.position).joinedload(Position.enterprise),
            joinedload(Offer.run).joinedload(Run.round),
        )
        .order_by(Offer.id)
    )
    if category in set(Category):
        query = query.where(Position.category == Category(category))
    found = db.paginate(query, page=page, per_page=PER_PAGE, error_out=False)
    ids = [offer.id for offer in found.items]
    started = {p.offer_id: p for p in db.session.scalars(select(Placement).where(Placement.offer_id.in_(ids)))}
    return found, [Outcome(offer, started.get(offer.id)) for offer in found.items]


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
