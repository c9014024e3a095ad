"""Reads for the talent gap: the cases that its figures count, and the lists that its figures open."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import func, select
from sqlalchemy.orm import joinedload

from talentbank import permissions
from talentbank.competencies.catalogue import Category
from talentbank.competencies.models import Student
from talentbank.deposits import queries as deposits
from talentbank.deposits.models import Contract, Position
from talentbank.extensions import SHANGHAI, ListPagination, db, today
from talentbank.insight.gap.cases import CORE, CORE_GROUP, LEAVERS, THERE, Case, Stage, few_among, of, untold
from talentbank.insight.tables import FEW
from talentbank.permissions import Action, Actor
from talentbank.placements.models import EndReason, Placement
from talentbank.rounds.offers.models import Offer, OfferState
from talentbank.rounds.runs.models import Run

PER_PAGE = 50


def cases() -> list[Case]:
    """Every offer of employment with what became of it, in one query."""
    rows = db.session.execute(
        select(
            Offer.id,
            Offer.student_id,
            Position.category,
            Offer.stored_state == OfferState.ACCEPTED,
            Placement.started_on,
            Placement.ended_on,
            Placement.end_reason,
            Placement.id,
        )
        .join(Offer.position)
        .outerjoin(Placement, Placement.offer_id == Offer.id)
        .where(Position.contract == Contract.EMPLOYMENT)
        .order_by(Offer.id)
    )
    return [Case(*row) for row in rows]


def seats_on_show() -> dict[Category, int]:
    """Seats of the positions on show, by category."""
    query = select(Position.category, func.sum(Position.headcount)).where(deposits.on_show())
    seats: dict[Category, int] = dict(db.session.execute(query.group_by(Position.category)).all())
    return {category: seats.get(category, 0) for category in Category}


def sees_people(actor: Actor) -> bool:
    """Whether somebody who reads the gap may also see whom it counts."""
    return permissions.allowed(actor, Action.READ_PLACEMENTS)


def group(text: str) -> tuple[Category, ...]:
    """The categories that an address narrows to; all of them, as (), for anything else."""
    if text == CORE_GROUP:
        return CORE
    return (Category(text),) if text in set(Category) else ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """A case that a figure counts. category: None where its group is too few to be told from the others;
    offer: only for those who may see the person."""

    case: Case
    category: Category | None
    round_name: str
    answered_on: date | None
    offer: Offer | None


@dataclass(frozen=True, slots=True)
class Outcomes:
    """A page of cases; rows: None where they are withheld from the reader: few, or about those who left."""

    page: ListPagination
    rows: list[Outcome] | None


def outcomes(
    actor: Actor, stage: Stage, categories: Sequence[Category], day: date, reason: EndReason | None, page: int
) -> Outcomes:
    """The cases that a figure counts; with their people for the chamber, without for all others."""
    every, sees = cases(), sees_people(actor)
    found = of(every, stage, day, categories, reason)
    shown = ListPagination(found, page, PER_PAGE)
    about_leavers = stage in LEAVERS or reason is not None
    telling = about_leavers or day != today() or _too_few(every, stage, categories, day)
    if not sees and (0 < len(found) < FEW or telling or _tells_leavers(every, stage, categories, day)):
        return Outcomes(shown, None)
    few = few_among(found, sees=sees)
    query = select(Offer).where(Offer.id.in_([case.offer_id for case in shown.items]))
    query = query.options(joinedload(Offer.run).joinedload(Run.round))
    if sees:
        query = query.options(
            joinedload(Offer.position).joinedload(Position.enterprise),
            joinedload(Offer.student).joinedload(Student.user),
        )
    offers = {offer.id: offer for offer in db.session.scalars(query)}
    rows = []
    for case in shown.items:
        offer = offers[case.offer_id]
        category = None if case.category in few else case.category
        answered = offer.answered_at.astimezone(SHANGHAI).date() if offer.answered_at else None
        rows.append(Outcome(case, category, offer.run.round.name, answered, offer if sees else None))
    return Outcomes(shown, rows)


def _tells_leavers(every: Sequence[Case], stage: Stage, categories: Sequence[Category], day: date) -> bool:
    """Whether the list, held beside that of who started, would tell the few who left."""
    if stage is not Stage.EMPLOYED:
        return False
    groups = [categories] if categories else [(), *((category,) for category in Category)]
    return any(
        0 < len(of(every, Stage.STARTED, day, group)) - len(of(every, Stage.EMPLOYED, day, group)) < FEW
        for group in groups
    )


def _too_few(every: Sequence[Case], stage: Stage, categories: Sequence[Category], day: date) -> bool:
    """Whether a list would tell who stayed of a group where too few could have."""
    days = next((days for days, there in THERE.items() if there is stage), None)
    return days is not None and untold(every, days, day, categories, sees=False)
