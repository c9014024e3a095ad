"""The life of a round up to its snapshot: made, opened, frozen; or cancelled before it is published."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, insert, select, update

from talentbank import audit, permissions
from talentbank.accounts.models import User
from talentbank.audit import command
from talentbank.competencies.models import Student
from talentbank.errors import Conflict, Invalid, Problems
from talentbank.extensions import db, now
from talentbank.extensions import lazy_gettext as _l
from talentbank.permissions import Action, Actor, Role
from talentbank.rounds import queries
from talentbank.rounds.entries import round_after
from talentbank.rounds.models import (
    BEFORE_PUBLICATION,
    MustHaveOn,
    Objective,
    Round,
    RoundPosition,
    RoundState,
    RoundStudent,
    StoredSnapshot,
)
from talentbank.rounds.snapshot import Snapshot
from talentbank.rounds.steps import CHANGED, advance, let_go

MOST_OFFER_DAYS = 60
MOST_RANKED = 50
LONGEST_OPEN = timedelta(days=180)
SEED_BYTES = 16
TERMS = {
    "objective": _l("Choose what the round maximises."),
    "must_have_on": _l("Choose the level on which must-haves are tested."),
    "trust": _l("Trust in verification is a number from 0 to 1."),
    "min_score": _l("The lowest score is a number from 0 to 1."),
}
"""What a round's policy says and a run may vary, beside the weights; and what is said where it is wrong."""
USUALLY_OPEN = timedelta(days=7)
KEPT_BY_THE_NEXT = (
    "objective",
    "trust",
    "min_score",
    "must_have_on",
    "weight_fit",
    "weight_student",
    "weight_enterprise",
    "most_ranked",
    "blind",
    "offer_days",
    "officer_id",
)


class EmptyRound(Conflict):
    """There is nobody or nothing in a round that could be matched."""


@dataclass(frozen=True, slots=True)
class Policy:
    """What the chamber decides about a round: trust is v and the weights are a, b, c of DESIGN.md section 4."""

    name: str
    objective: str = Objective.SCORE.value
    trust: float | None = 0.5
    min_score: float | None = 0.0
    must_have_on: str = MustHaveOn.CLAIMED.value
    weights: tuple[float | None, float | None, float | None] = (1.0, 0.0, 0.0)
    most_ranked: int | None = 10
    blind: bool = True
    offer_days: int | None = 7
    officer_id: int | None = None
    """Who answers appeals: somebody of the chamber, the maker of the round if nobody is named."""


@command(Action.MAKE_ROUND)
def make_round(actor: Actor, policy: Policy) -> Round:
    """Open a draft under a policy. The seed of its draw is published with it, before anybody knows who takes part."""
    _check_policy(policy)
    made = Round(state=RoundState.DRAFT, seed=secrets.token_hex(SEED_BYTES), created_at=now())
    _write(actor, made, policy)
    db.session.add(made)
    db.session.flush()
    audit.record(actor, Action.MAKE_ROUND, made, name=made.name, **made.policy)
    return made


@command(Action.MAKE_ROUND)
def change_policy(actor: Actor, round_id: int, policy: Policy, version: int) -> Round:
    """Change the policy of a draft; once a round is open, people have acted on it, and only its runs may vary."""
    _check_policy(policy)
    changed = advance(round_id, version, (RoundState.DRAFT,), RoundState.DRAFT)
    _write(actor, changed, policy)
    audit.record(actor, Action.MAKE_ROUND, changed, name=changed.name, **changed.policy)
    return changed


@command(Action.OPEN_ROUND)
def open_round(actor: Actor, round_id: int, version: int, closes_at: datetime | None) -> Round:
    """Let everybody who is free in, and both sides say until closes_at what they prefer."""
    _check_deadline(closes_at)
    opened = advance(round_id, version, (RoundState.DRAFT,), RoundState.OPEN, opened_at=now(), closes_at=closes_at)
    students, positions = _join(round_id)
    audit.record(actor, Action.OPEN_ROUND, opened, students=students, positions=positions, closes_at=_iso(closes_at))
    return opened


@command(Action.OPEN_ROUND)
def change_deadline(actor: Actor, round_id: int, version: int, closes_at: datetime | None) -> Round:
    """Move the deadline of an open round."""
    _check_deadline(closes_at)
    changed = advance(round_id, version, (RoundState.OPEN,), RoundState.OPEN, closes_at=closes_at)
    audit.record(actor, Action.OPEN_ROUND, changed, closes_at=_iso(closes_at))
    return changed


@command(Action.FREEZE_ROUND)
def freeze(actor: Actor, round_id: int, version: int) -> StoredSnapshot:
    """Store who takes part and what both sides prefer: from now on nothing that people change reaches the round.

    Those who became free since it opened take part as well. Raises EmptyRound if there is nobody or nothing in it.
    """
    frozen = advance(round_id, version, (RoundState.OPEN,), RoundState.FROZEN, frozen_at=now())
    _join(round_id)
    taking = queries.participants(round_id)
    if not taking.candidates or not taking.openings:
        raise EmptyRound(_l("There is nobody to match: a round needs at least one free student and one free seat."))
    content = Snapshot.freeze(frozen.policy, taking.candidates, taking.openings, taking.students, taking.positions)
    kept = StoredSnapshot.of(round_id, content, now(), actor.name)
    db.session.add(kept)
    db.session.flush()
    audit.record(actor, Action.FREEZE_ROUND, frozen, digest=kept.digest, students=kept.students, seats=kept.seats)
    return kept


@command(Action.CANCEL_ROUND)
def cancel(actor: Actor, round_id: int, version: int) -> Round:
    """Give a round up; possible until it is published. Who and what was in it is free again."""
    cancelled = advance(round_id, version, BEFORE_PUBLICATION, RoundState.CANCELLED)
    let_go(round_id)
    audit.record(actor, Action.CANCEL_ROUND, cancelled)
    return cancelled


@command(Action.MAKE_ROUND)
def next_round(actor: Actor, round_id: int, version: int) -> Round:
    """Open the round after a published one, under the same policy and for as many days as that was open.

    Whoever is free and every seat that was declined, lapsed or never filled take part. Raises Conflict if the next
    round is there already, and EmptyRound if nobody is free or no seat is left.
    """
    permissions.require(actor, Action.OPEN_ROUND)
    queries.round_(round_id)
    last = db.session.scalars(select(Round).where(Round.id == round_id).with_for_update()).one()
    if last.version != version or last.state not in (RoundState.PUBLISHED, RoundState.CLOSED):
        raise Conflict(CHANGED)
    if round_after(round_id) is not None:
        raise Conflict(_l("The next round has been opened already."))
    made = Round(
        name=_counted_up(last.name),
        state=RoundState.OPEN,
        seed=secrets.token_hex(SEED_BYTES),
        previous_id=round_id,
        created_at=now(),
        opened_at=now(),
        closes_at=now() + _time_open(last),
        **{name: getattr(last, name) for name in KEPT_BY_THE_NEXT},
    )
    db.session.add(made)
    db.session.flush()
    students, positions = _join(made.id)
    if not students or not positions:
        raise EmptyRound(_l("Nobody is free, or no seat is left: there is nothing to hold a next round for."))
    audit.record(actor, Action.MAKE_ROUND, made, name=made.name, previous=round_id, **made.policy)
    audit.record(
        actor, Action.OPEN_ROUND, made, students=students, positions=positions, closes_at=_iso(made.closes_at)
    )
    return made


def _time_open(last: Round) -> timedelta:
    """How long a round was open, in whole days, at least one; rounds of old did not open."""
    if last.opened_at is None or last.frozen_at is None:
        return USUALLY_OPEN
    days = round((last.frozen_at - last.opened_at) / timedelta(days=1))
    return min(LONGEST_OPEN, timedelta(days=max(1, days)))


def _counted_up(name: str) -> str:
    """«Autumn 1» → «Autumn 2», «第2轮» → «第3轮», «Autumn 2026» → «Autumn 2026 (2)»: a year is no count."""
    found = re.search(r"(?<!\d)(\d{1,3})([轮次)）]?)$", name)
    if found:
        return f"{name[: found.start()]}{int(found[1]) + 1}{found[2]}"
    return f"{name[:114]} (2)"


def _join(round_id: int) -> tuple[int, int]:
    """Take in everybody and everything that is free and in no other live round; how many there are now.

    Candidates of one joining are numbered in an order that nobody can guess: a number must not tell who it is.
    """
    known = dict(
        db.session.execute(
            select(RoundStudent.student_id, RoundStudent.number).where(RoundStudent.round_id == round_id)
        ).all()
    )
    ids = db.session.scalars(queries.joining_students(round_id).with_only_columns(Student.id)).all()
    new = [student_id for student_id in ids if student_id not in known]
    secrets.SystemRandom().shuffle(new)
    first = max(known.values(), default=0) + 1
    blank: dict[str, object] = {"live": True, "version": 0}
    rows = [
        {"round_id": round_id, "student_id": student_id, "number": number, "others": "any", **blank}
        for number, student_id in enumerate(new, start=first)
    ]
    if rows:
        db.session.execute(insert(RoundStudent), rows)
    return len(known) + len(new), _join_positions(round_id, blank)


def _join_positions(round_id: int, blank: dict[str, object]) -> int:
    known = dict(
        db.session.execute(
            select(RoundPosition.position_id, RoundPosition.seats).where(RoundPosition.round_id == round_id)
        ).all()
    )
    seats = queries.joining_positions(round_id)
    rows = [
        {"round_id": round_id, "position_id": position_id, "seats": free, **blank}
        for position_id, free in seats.items()
        if position_id not in known
    ]
    if rows:
        db.session.execute(insert(RoundPosition), rows)
    for position_id, free in seats.items():
        if known.get(position_id, free) != free:
            where = RoundPosition.round_id == round_id, RoundPosition.position_id == position_id
            db.session.execute(update(RoundPosition).where(*where).values(seats=free))
    return len(known) + len(rows)


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None


def _check_deadline(closes_at: datetime | None) -> None:
    if closes_at is None or not now() < closes_at <= now() + LONGEST_OPEN:
        days = LONGEST_OPEN.days
        raise Invalid(
            errors={
                "closes_at": _l("The deadline is a moment within the next %(days)s days, not yet past.", days=days)
            }
        )


def _write(actor: Actor, round_: Round, policy: Policy) -> None:
    round_.name = policy.name.strip()
    round_.objective, round_.must_have_on = Objective(policy.objective), MustHaveOn(policy.must_have_on)
    round_.trust, round_.min_score = policy.trust or 0.0, policy.min_score or 0.0
    round_.weight_fit, round_.weight_student, round_.weight_enterprise = (w or 0.0 for w in policy.weights)
    round_.most_ranked, round_.blind = policy.most_ranked or 1, policy.blind
    round_.offer_days = policy.offer_days or 1
    round_.officer_id = policy.officer_id or round_.officer_id or actor.user_id


def _check_policy(policy: Policy) -> None:
    problems = Problems()
    if not policy.name.strip() or len(policy.name) > 120:
        problems.add("name", _l("A round needs a name of at most 120 characters."))
    check_terms(problems, {name: getattr(policy, name) for name in TERMS})
    check_weights(problems, policy.weights)
    if policy.most_ranked is None or not 1 <= policy.most_ranked <= MOST_RANKED:
        problems.add(
            "most_ranked", _l("A student may rank from 1 to %(most)s positions: a whole number.", most=MOST_RANKED)
        )
    if policy.offer_days is None or not 1 <= policy.offer_days <= MOST_OFFER_DAYS:
        problems.add("offer_days", _l("Days to answer are a whole number from 1 to %(most)s.", most=MOST_OFFER_DAYS))
    if policy.officer_id is not None and not _may_answer(policy.officer_id):
        problems.add("officer", _l("Name somebody of the chamber who answers appeals."))
    problems.check()


def check_terms(problems: Problems, terms: Mapping[str, Any]) -> None:
    """Note what is wrong with those of TERMS that are said."""
    members = {"objective": Objective, "must_have_on": MustHaveOn}
    for name, value in terms.items():
        wrong = value not in set(members[name]) if name in members else value is None or not 0 <= value <= 1
        if wrong:
            problems.add(name, TERMS[name])


def check_weights(problems: Problems, weights: tuple[float | None, float | None, float | None]) -> None:
    """Note what is wrong with a, b, c: each from 0 to 1, and 1 together."""
    names = ("weight_fit", "weight_student", "weight_enterprise")
    for name, weight in zip(names, weights, strict=True):
        if weight is None or not 0 <= weight <= 1:
            problems.add(name, _l("A weight is a number from 0 to 1."))
    if not problems.errors.keys() & set(names) and abs(sum(w or 0.0 for w in weights) - 1) > 1e-9:
        problems.add("weight_fit", _l("The three weights must be 1 together."))


def _may_answer(user_id: int) -> bool:
    somebody = select(func.count()).where(User.id == user_id, User.role == Role.CHAMBER, User.active)
    return bool(db.session.scalar(somebody))
