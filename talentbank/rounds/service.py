"""The life of a round: made, run, published or cancelled; and the answer to an offer."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import insert, select, update
from sqlalchemy.engine import CursorResult
from sqlalchemy.exc import IntegrityError
from sqlalchemy.sql.dml import Update

from talentbank import audit, permissions
from talentbank.audit import command
from talentbank.competencies.models import Student
from talentbank.deposits import queries as deposits
from talentbank.deposits.models import Position
from talentbank.engine.policy import UNIT
from talentbank.errors import Conflict, Problems
from talentbank.extensions import db, now
from talentbank.extensions import lazy_gettext as _l
from talentbank.permissions import Action, Actor
from talentbank.rounds import queries
from talentbank.rounds.models import (
    MatchedPair,
    MustHaveOn,
    Objective,
    Offer,
    OfferState,
    PositionOutcome,
    Round,
    RoundState,
    Run,
)
from talentbank.rounds.snapshot import Snapshot, Solution

MOST_OFFER_DAYS = 60
SEED_BYTES = 16
RUNNABLE = (RoundState.DRAFT, RoundState.SOLVED)

_CHANGED = _l("Somebody else has changed this round meanwhile: this is how it stands now. Look, then decide.")


@dataclass(frozen=True, slots=True)
class Policy:
    """What the chamber decides about a round; trust is v of DESIGN.md section 4."""

    name: str
    objective: str = Objective.SCORE.value
    trust: float | None = 0.5
    min_score: float | None = 0.0
    must_have_on: str = MustHaveOn.CLAIMED.value
    offer_days: int | None = 7


@command(Action.MAKE_ROUND)
def make_round(actor: Actor, policy: Policy) -> Round:
    """Open a draft under a policy. The seed of its draw is published with it, before anybody knows who takes part."""
    _check_policy(policy)
    made = Round(state=RoundState.DRAFT, seed=secrets.token_hex(SEED_BYTES), created_at=now())
    _write(made, policy)
    db.session.add(made)
    db.session.flush()
    audit.record(actor, Action.MAKE_ROUND, made, name=made.name, **made.policy)
    return made


@command(Action.MAKE_ROUND)
def change_policy(actor: Actor, round_id: int, policy: Policy, version: int) -> Round:
    """Change the policy of a round not yet published; a result under the old one no longer counts."""
    _check_policy(policy)
    _advance(round_id, version, RUNNABLE, RoundState.DRAFT)
    changed = queries.round_(round_id)
    _write(changed, policy)
    audit.record(actor, Action.MAKE_ROUND, changed, name=changed.name, **changed.policy)
    return changed


def run_round(actor: Actor, round_id: int, version: int) -> Run:
    """Freeze who takes part, solve it, and keep the result.

    The solve happens outside of any transaction, so that nobody waits for it. Of two people who press «run»
    at once, the first to finish stores the one result; the other gets Conflict.
    """
    permissions.require(actor, Action.RUN_ROUND)
    found = queries.round_(round_id)
    if found.version != version or found.state not in RUNNABLE:
        raise Conflict(_CHANGED)
    solution = Snapshot.freeze(found.policy, *queries.participants()).solve()
    return _keep_run(actor, round_id, version, solution)


@command(Action.RUN_ROUND)
def _keep_run(actor: Actor, round_id: int, version: int, solution: Solution) -> Run:
    _advance(round_id, version, RUNNABLE, RoundState.SOLVED)
    result = solution.result
    run = Run(
        round_id=round_id,
        made_at=now(),
        made_by=actor.name,
        snapshot=solution.snapshot.text,
        digest=solution.snapshot.digest,
        students=len(solution.snapshot.candidates),
        positions=len(solution.snapshot.openings),
        seats=solution.seats,
        eligible_pairs=int(result.eligible.sum()),
        matched=result.matched,
        total_score=result.total / UNIT,
        bonus=result.bonus / UNIT,
        certificate=result.certificate / UNIT,
        seconds=solution.seconds,
    )
    db.session.add(run)
    db.session.flush()
    _keep_outcomes(run, solution)
    audit.record(actor, Action.RUN_ROUND, run, round=round_id, digest=run.digest, matched=run.matched)
    return run


def _keep_outcomes(run: Run, solution: Solution) -> None:
    result, candidates, openings = solution.result, solution.snapshot.candidates, solution.snapshot.openings
    columns = (candidates, result.position.tolist(), result.score.tolist(), result.surplus.tolist())
    pairs = [
        {
            "run_id": run.id,
            "student_id": int(candidate.id),
            "position_id": int(openings[j].id),
            "score": score / UNIT,
            "fit": score / UNIT,
            "surplus": surplus / UNIT,
        }
        for candidate, j, score, surplus in zip(*columns, strict=True)
        if j >= 0
    ]
    outcomes = [
        {
            "run_id": run.id,
            "position_id": int(opening.id),
            "seats": opening.headcount,
            "filled": int(result.filled[j]),
            "price": int(result.price[j]) / UNIT,
            "eligible": int(result.eligible[j]),
        }
        for j, opening in enumerate(openings)
    ]
    if pairs:
        db.session.execute(insert(MatchedPair), pairs)
    if outcomes:
        db.session.execute(insert(PositionOutcome), outcomes)


@command(Action.PUBLISH_ROUND)
def publish(actor: Actor, round_id: int, version: int) -> Round:
    """Publish the latest run: every pair becomes an offer with a deadline, and nothing of it changes again.

    Refused with Conflict if a pair no longer holds (a student took another offer, a seat is gone): the
    chamber then runs the round again, rather than that something other than the result goes out.
    """
    run = queries.latest_run(round_id)
    published = queries.round_(round_id)
    if run is None or published.state is not RoundState.SOLVED or published.version != version:
        raise Conflict(_CHANGED)
    _check_pairs_hold(run)
    _advance(round_id, version, (RoundState.SOLVED,), RoundState.PUBLISHED, published_at=now())
    deadline = now() + timedelta(days=published.offer_days)
    # In the students' order, in which everybody locks them, so that nobody waits in a circle.
    ordered = select(MatchedPair).where(MatchedPair.run_id == run.id).order_by(MatchedPair.student_id)
    pairs = db.session.scalars(ordered).all()
    offers = [
        {
            "run_id": run.id,
            "student_id": pair.student_id,
            "position_id": pair.position_id,
            "stored_state": OfferState.OPEN,
            "score": pair.score,
            "deadline": deadline,
            "made_at": now(),
            "reason": "",
        }
        for pair in pairs
    ]
    _lapse_past_offers()
    try:
        if offers:
            db.session.execute(insert(Offer), offers)
    except IntegrityError:
        raise Conflict(_CHANGED) from None
    audit.record(actor, Action.PUBLISH_ROUND, published, run=run.id, digest=run.digest, offers=len(offers))
    return published


@command(Action.CANCEL_ROUND)
def cancel(actor: Actor, round_id: int, version: int) -> Round:
    """Give a round up; possible until it is published."""
    _advance(round_id, version, RUNNABLE, RoundState.CANCELLED)
    cancelled = queries.round_(round_id)
    audit.record(actor, Action.CANCEL_ROUND, cancelled)
    return cancelled


@command(Action.ANSWER_OFFER)
def answer_offer(actor: Actor, offer_id: int, accepted: bool, reason: str = "") -> Offer:
    """Accept or decline the actor's own open offer, once and before its deadline."""
    offer = queries.offer(actor, offer_id)
    state = OfferState.ACCEPTED if accepted else OfferState.DECLINED
    answered = (
        update(Offer)
        .where(Offer.id == offer_id, Offer.stored_state == OfferState.OPEN, Offer.deadline > now())
        .values(stored_state=state, answered_at=now(), reason="" if accepted else reason.strip()[:500])
    )
    if _count(answered) != 1:
        raise Conflict(_l("This offer was answered already, or its deadline has passed: look at it again."))
    db.session.refresh(offer, ["stored_state", "answered_at", "reason"])
    audit.record(actor, Action.ANSWER_OFFER, offer, state=state.value)
    return offer


def _advance(
    round_id: int, version: int, allowed: tuple[RoundState, ...], state: RoundState, **values: object
) -> None:
    """Move a round on, if it still stands as the actor saw it; the database decides who was first."""
    queries.round_(round_id)
    moved = (
        update(Round)
        .where(Round.id == round_id, Round.version == version, Round.state.in_(allowed))
        .values(state=state, version=Round.version + 1, **values)
    )
    if _count(moved) != 1:
        raise Conflict(_CHANGED)
    db.session.refresh(queries.round_(round_id))


def _count(statement: Update) -> int:
    """Rows that an update changed."""
    result = db.session.execute(statement)
    return result.rowcount if isinstance(result, CursorResult) else 0


def _lapse_past_offers() -> None:
    """Write down what the deadline has decided, so that those students can hold a new offer."""
    past = update(Offer).where(queries.in_state(OfferState.LAPSED), Offer.stored_state == OfferState.OPEN)
    db.session.execute(past.values(stored_state=OfferState.LAPSED))


def _check_pairs_hold(run: Run) -> None:
    """Every matched student must still be free, and every matched position still have the seats."""
    free = set(db.session.scalars(queries.free_students().with_only_columns(Student.id).order_by(None)))
    pairs = db.session.execute(
        select(MatchedPair.student_id, MatchedPair.position_id).where(MatchedPair.run_id == run.id)
    ).all()
    taken: dict[int, int] = {}
    for _, position_id in pairs:
        taken[position_id] = taken.get(position_id, 0) + 1
    held = queries.seats_held()
    headcount: dict[int, int] = dict(
        db.session.execute(
            select(Position.id, Position.headcount).where(deposits.on_show()).with_for_update(of=Position)
        ).all()
    )
    gone = sum(student_id not in free for student_id, _ in pairs)
    short = sum(seats > headcount.get(p, 0) - held.get(p, 0) for p, seats in taken.items())
    if gone or short:
        raise Conflict(
            _l(
                "Since the run, %(students)s of its students took another offer or left, and %(positions)s of its "
                "positions lost the seats. Run the round again, then publish.",
                students=gone,
                positions=short,
            )
        )


def _write(round_: Round, policy: Policy) -> None:
    round_.name = policy.name.strip()
    round_.objective, round_.must_have_on = Objective(policy.objective), MustHaveOn(policy.must_have_on)
    round_.trust, round_.min_score = policy.trust or 0.0, policy.min_score or 0.0
    round_.offer_days = policy.offer_days or 1


def _check_policy(policy: Policy) -> None:
    problems = Problems()
    if not policy.name.strip() or len(policy.name) > 120:
        problems.add("name", _l("A round needs a name of at most 120 characters."))
    if policy.objective not in set(Objective):
        problems.add("objective", _l("Choose what the round maximises."))
    if policy.must_have_on not in set(MustHaveOn):
        problems.add("must_have_on", _l("Choose the level on which must-haves are tested."))
    if policy.trust is None or not 0 <= policy.trust <= 1:
        problems.add("trust", _l("Trust in verification is a number from 0 to 1."))
    if policy.min_score is None or not 0 <= policy.min_score <= 1:
        problems.add("min_score", _l("The lowest score is a number from 0 to 1."))
    if policy.offer_days is None or not 1 <= policy.offer_days <= MOST_OFFER_DAYS:
        problems.add("offer_days", _l("Days to answer are a whole number from 1 to %(most)s.", most=MOST_OFFER_DAYS))
    problems.check()
