"""An enterprise as others see it: what it has on show, and how well it answers."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby

from sqlalchemy import func, select

from talentbank.accounts.models import Organisation, Standing
from talentbank.deposits import queries as deposits
from talentbank.deposits.models import Position
from talentbank.deposits.resources import queries as resources
from talentbank.deposits.resources.queries import ResourceFilter
from talentbank.errors import NotFound
from talentbank.extensions import db, now
from talentbank.extensions import lazy_gettext as _l
from talentbank.insight.enterprises.answering import (
    QUESTION_GRACE,
    START_GRACE,
    Answering,
    Case,
    measure,
    questions,
)
from talentbank.messages.models import Message
from talentbank.permissions import Actor, Role
from talentbank.placements.models import Placement
from talentbank.rounds.offers.models import Offer, OfferState


@dataclass(frozen=True, slots=True)
class OfPosition:
    """How one position's questions and acceptances were answered."""

    position: Position
    messages: Answering
    starts: Answering


@dataclass(frozen=True, slots=True)
class Shown:
    """An enterprise in figures. by_position: what the figures count, for its own people and the chamber only."""

    organisation: Organisation
    positions: int
    resources: int
    messages: Answering
    starts: Answering
    by_position: list[OfPosition]


def own(actor: Actor, enterprise_id: int) -> bool:
    """Whether it is the enterprise of the actor."""
    return actor.role is Role.ENTERPRISE and actor.organisation_id == enterprise_id


def enterprise(actor: Actor, enterprise_id: int) -> Shown:
    """An enterprise in figures. Raises NotFound unless it is approved, the actor's own, or the chamber asks."""
    found = db.session.get(Organisation, enterprise_id)
    inside = own(actor, enterprise_id) or actor.role is Role.CHAMBER
    looks = inside or actor.role is Role.ADMINISTRATOR
    if found is None or found.kind is not Role.ENTERPRISE or not (looks or found.standing is Standing.APPROVED):
        raise NotFound(_l("There is no such enterprise, or the chamber has not approved it."))
    asked, accepted = asked_of(enterprise_id), accepted_of(enterprise_id)
    on_show = select(func.count()).select_from(Position).where(Position.enterprise_id == enterprise_id)
    training, _ = resources.resources(actor, ResourceFilter(owner=enterprise_id, state="open"), 1)
    return Shown(
        organisation=found,
        positions=db.session.scalar(on_show.where(deposits.on_show())) or 0,
        resources=training.total or 0,
        messages=measure(asked, now(), QUESTION_GRACE),
        starts=measure(accepted, now(), START_GRACE),
        by_position=_by_position(asked, accepted) if inside else [],
    )


def asked_of(enterprise_id: int) -> list[Case]:
    """The questions that students have asked an enterprise, a case each; no word of a message is read."""
    rows = db.session.execute(
        select(Message.position_id, Message.student_id, Message.from_student, Message.at)
        .join(Message.position)
        .where(Position.enterprise_id == enterprise_id)
        .order_by(Message.position_id, Message.student_id, Message.id)
    )
    return [
        case
        for (position_id, _student), thread in groupby(rows, lambda row: (row[0], row[1]))
        for case in questions(position_id, ((row[2], row[3]) for row in thread))
    ]


def accepted_of(enterprise_id: int) -> list[Case]:
    """The accepted offers of an enterprise, each asked by the acceptance and answered by recording the first day."""
    rows = db.session.execute(
        select(Offer.position_id, Offer.answered_at, Placement.recorded_at)
        .join(Offer.position)
        .outerjoin(Placement, Placement.offer_id == Offer.id)
        .where(
            Position.enterprise_id == enterprise_id,
            Offer.stored_state == OfferState.ACCEPTED,
        )
    )
    return [Case(position_id, asked_at, recorded_at) for position_id, asked_at, recorded_at in rows if asked_at]


def _by_position(asked: list[Case], accepted: list[Case]) -> list[OfPosition]:
    messages, starts = _grouped(asked), _grouped(accepted)
    ids = {*messages, *starts}
    positions = db.session.scalars(select(Position).where(Position.id.in_(ids)).order_by(Position.id.desc()))
    return [
        OfPosition(
            position,
            measure(messages.get(position.id, []), now(), QUESTION_GRACE),
            measure(starts.get(position.id, []), now(), START_GRACE),
        )
        for position in positions
    ]


def _grouped(cases: list[Case]) -> dict[int, list[Case]]:
    groups: dict[int, list[Case]] = {}
    for case in cases:
        groups.setdefault(case.position_id, []).append(case)
    return groups
