"""What the clock does to rounds: freezes, lapses, closes and reminds, whether or not anybody looks."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any

import structlog
from sqlalchemy import ColumnElement, func, select

from talentbank import audit, permissions
from talentbank.audit import command
from talentbank.competencies.models import Student
from talentbank.deposits.models import Position
from talentbank.errors import Conflict
from talentbank.extensions import db, now
from talentbank.notices import service as notices
from talentbank.notices.queries import told
from talentbank.permissions import Action, Actor
from talentbank.rounds import entries, queries, service
from talentbank.rounds.models import Round, RoundState
from talentbank.rounds.offers import service as offers
from talentbank.rounds.offers.models import Offer, OfferState
from talentbank.rounds.offers.queries import in_state
from talentbank.rounds.runs.models import Run
from talentbank.rounds.steps import CHANGED

log = structlog.get_logger()

NEAR = timedelta(hours=24)
"""How long before a deadline people are reminded of it."""


def tick(actor: Actor) -> None:
    """Do what is due, each round in a transaction of its own. Run twice, it does nothing more.

    Whatever goes wrong with one round keeps no other waiting.
    """
    permissions.require(actor, Action.KEEP_TIME)
    _each(actor, _freeze, _due_to_freeze())
    if db.session.scalar(select(func.count()).select_from(Offer).where(_lapsed_unwritten())):
        _lapse(actor)
    _each(actor, _close, _due_to_close())
    _each(actor, _remind_of_preferences, _closing_soon())
    _each(actor, _remind_of_offers, _with_offers_ending())


def _each(actor: Actor, act: Callable[[Actor, int], None], round_ids: Iterable[int]) -> None:
    for round_id in round_ids:
        try:
            act(actor, round_id)
        except Conflict:
            continue  # somebody was first: nothing is left to do
        except Exception:
            log.exception("clock", step=act.__name__, round=round_id)


def _due_to_freeze() -> list[int]:
    due = select(Round.id).where(Round.state == RoundState.OPEN, Round.closes_at <= now())
    return list(db.session.scalars(due.order_by(Round.id)))


def _freeze(actor: Actor, round_id: int) -> None:
    try:
        service.freeze(actor, round_id, queries.round_(round_id).version)
    except service.EmptyRound:
        people = [officer.id for officer in entries.officers()]
        if _untold(people, "empty_round", f"round:{round_id}"):
            _tell_empty(actor, round_id, people)


@command(Action.KEEP_TIME)
def _tell_empty(actor: Actor, round_id: int, people: list[int]) -> None:
    round_ = queries.round_(round_id)
    count = notices.tell(people, "empty_round", f"round:{round_id}", round=round_id, name=round_.name)
    audit.record(actor, Action.KEEP_TIME, round_, empty=True, told=count)


@command(Action.KEEP_TIME)
def _lapse(actor: Actor) -> None:
    lapsed = db.session.scalar(select(func.count()).select_from(Offer).where(_lapsed_unwritten()))
    offers.lapse_past_offers()
    audit.record(actor, Action.KEEP_TIME, "offers", lapsed=lapsed)


def _lapsed_unwritten() -> ColumnElement[bool]:
    return (Offer.stored_state == OfferState.OPEN) & in_state(OfferState.LAPSED)


def _due_to_close() -> list[int]:
    waiting = select(Run.round_id).join(Offer, Offer.run_id == Run.id).where(in_state(OfferState.OPEN))
    due = select(Round.id).where(Round.state == RoundState.PUBLISHED, Round.id.not_in(waiting))
    return list(db.session.scalars(due.order_by(Round.id)))


def _close(actor: Actor, round_id: int) -> None:
    offers.close(actor, round_id, queries.round_(round_id).version)


def _closing_soon() -> list[int]:
    soon = select(Round.id).where(Round.state == RoundState.OPEN, Round.closes_at.between(now(), now() + NEAR))
    return list(db.session.scalars(soon.order_by(Round.id)))


def _remind_of_preferences(actor: Actor, round_id: int) -> None:
    key = _near_key(queries.round_(round_id))
    if _untold(entries.silent_people(round_id), "deadline_near", key):
        _tell_deadline(actor, round_id)


@command(Action.KEEP_TIME)
def _tell_deadline(actor: Actor, round_id: int) -> None:
    round_ = queries.round_(round_id)
    if not round_.takes_preferences or round_.closes_at is None:
        raise Conflict(CHANGED)
    data = {"round": round_id, "name": round_.name, "closes_at": round_.closes_at.isoformat()}
    count = notices.tell(entries.silent_people(round_id), "deadline_near", _near_key(round_), **data)
    audit.record(actor, Action.KEEP_TIME, round_, reminded=count)


def _near_key(round_: Round) -> str:
    """A deadline that was moved is another one to be reminded of."""
    return f"round:{round_.id}:{round_.closes_at:%Y-%m-%dT%H:%M}:1d"


def _with_offers_ending() -> list[int]:
    ending = select(Run.round_id).join(Offer, Offer.run_id == Run.id).where(*_ending())
    return list(db.session.scalars(ending.distinct().order_by(Run.round_id)))


def _ending() -> tuple[ColumnElement[bool], ...]:
    return in_state(OfferState.OPEN), Offer.deadline <= now() + NEAR


def _remind_of_offers(actor: Actor, round_id: int) -> None:
    words = _offers_ending(round_id)
    if {(user_id, key) for user_id, key, _ in words} - told("offer_near", {key for _, key, _ in words}):
        _tell_offers(actor, round_id)


@command(Action.KEEP_TIME)
def _tell_offers(actor: Actor, round_id: int) -> None:
    reminded = notices.tell_each("offer_near", _offers_ending(round_id))
    audit.record(actor, Action.KEEP_TIME, f"round:{round_id}", reminded=reminded)


def _offers_ending(round_id: int) -> list[tuple[int, str, dict[str, Any]]]:
    """What is to be told of a round's offers that end soon: user id, key and data each."""
    rows = db.session.execute(
        select(Offer.id, Student.user_id, Position.title, Offer.deadline)
        .join(Offer.student)
        .join(Offer.position)
        .join(Offer.run)
        .where(Run.round_id == round_id, *_ending())
    )
    return [
        (user_id, f"offer:{offer_id}:1d", {"offer": offer_id, "title": title, "deadline": deadline.isoformat()})
        for offer_id, user_id, title, deadline in rows
    ]


def _untold(people: Iterable[int], kind: str, key: str) -> bool:
    """Whether anybody of these is still to be told: what was done already leaves no trace in the trail again."""
    return bool({(user_id, key) for user_id in people} - told(kind, {key}))
