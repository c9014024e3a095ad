"""A round taken to where a test needs it, each in a line."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from talentbank.extensions import db, now
from talentbank.permissions import Actor
from talentbank.rounds import queries, service
from talentbank.rounds.models import Round
from talentbank.rounds.offers import service as offers
from talentbank.rounds.runs import queries as runs
from talentbank.rounds.runs import service as running
from talentbank.rounds.runs.models import Run
from talentbank.rounds.runs.service import RunOrder
from talentbank.rounds.service import Policy

WEEK = timedelta(days=7)


def opened(chamber: Actor, **policy: Any) -> Round:
    """A round in which everybody who is free takes part; preferences for a week."""
    made = service.make_round(chamber, Policy(**{"name": "Round", **policy}))
    return service.open_round(chamber, made.id, made.version, now() + WEEK)


def frozen(chamber: Actor, **policy: Any) -> Round:
    """A round that is frozen at once."""
    found = opened(chamber, **policy)
    service.freeze(chamber, found.id, found.version)
    return queries.round_(found.id)


def run_again(chamber: Actor, round_id: int, **order: Any) -> Run:
    """One run more of a round that is frozen or solved."""
    run = running.start(chamber, round_id, queries.round_(round_id).version, RunOrder(**order))
    return runs.run(round_id, run.number)


def solved(chamber: Actor, **policy: Any) -> tuple[Round, Run]:
    """A round with one run."""
    found = frozen(chamber, **policy)
    run = run_again(chamber, found.id)
    db.session.expire_all()
    return queries.round_(found.id), run


def chosen(chamber: Actor, round_id: int, number: int) -> Round:
    """A solved round whose run is chosen, and those without an offer told."""
    found = running.select_run(chamber, round_id, queries.round_(round_id).version, number)
    offers.tell_unmatched(chamber, found.id, found.version)
    return queries.round_(found.id)


def published(chamber: Actor, **policy: Any) -> tuple[Round, Run]:
    """A round whose offers are out."""
    found, run = solved(chamber, **policy)
    found = chosen(chamber, found.id, run.number)
    return offers.publish(chamber, found.id, found.version), run
