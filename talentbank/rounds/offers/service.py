"""From a solved round to answered offers: told, published, answered, lapsed, closed."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import func, insert, select, update
from sqlalchemy.exc import IntegrityError

from talentbank import audit
from talentbank.audit import command
from talentbank.competencies.models import Student
from talentbank.deposits import queries as deposits
from talentbank.deposits.models import Position, PositionState
from talentbank.errors import Conflict, Invalid
from talentbank.extensions import changed_rows, db, now
from talentbank.extensions import lazy_gettext as _l
from talentbank.notices import service as notices
from talentbank.permissions import Action, Actor
from talentbank.rounds import queries as rounds
from talentbank.rounds.models import Round, RoundState, RoundStudent
from talentbank.rounds.offers import queries
from talentbank.rounds.offers.models import DeclineReason, Offer, OfferState
from talentbank.rounds.runs import queries as runs
from talentbank.rounds.runs.models import MatchedPair, Run, RunState
from talentbank.rounds.steps import CHANGED, advance, let_go


@command(Action.PUBLISH_ROUND)
def tell_unmatched(actor: Actor, round_id: int, version: int) -> int:
    """Tell those to whom the selected run gives no offer, privately and before any offer goes out; how many.

    From then on the run stands. Raises Conflict if no run is selected, or a pair of it no longer holds.
    """
    round_ = rounds.round_(round_id)
    run = _selected(round_)
    if round_.told_at is not None:
        raise Conflict(_l("Those without an offer have been told already."))
    _check_pairs_hold(run)
    advance(round_id, version, (RoundState.SOLVED,), RoundState.SOLVED, told_at=now())
    matched = select(MatchedPair.student_id).where(MatchedPair.run_id == run.id)
    without = (
        select(Student.user_id)
        .join(RoundStudent, RoundStudent.student_id == Student.id)
        .where(RoundStudent.round_id == round_id, Student.id.not_in(matched))
    )
    people = db.session.scalars(without)
    told = notices.tell(people, "no_offer", queries.told_key(run), round=round_id, name=round_.name)
    audit.record(actor, Action.PUBLISH_ROUND, round_, run=run.id, told=told)
    return told


@command(Action.PUBLISH_ROUND)
def untell(actor: Actor, round_id: int, version: int) -> Round:
    """Let a told round be run again, because a pair of its run no longer holds; the next outcome is told anew.

    Raises Conflict if nobody was told yet, or every pair still holds: then the run stands.
    """
    round_ = rounds.round_(round_id)
    run = _selected(round_)
    if round_.told_at is None:
        raise Conflict(_l("Nobody has been told anything yet."))
    if not any(_lost(run)):
        raise Conflict(_l("Every pair of the chosen run still holds: it stands."))
    untold = advance(round_id, version, (RoundState.SOLVED,), RoundState.SOLVED, told_at=None, selected_run_id=None)
    audit.record(actor, Action.PUBLISH_ROUND, untold, run=run.id, untold=True)
    return untold


@command(Action.PUBLISH_ROUND)
def publish(actor: Actor, round_id: int, version: int) -> Round:
    """Publish the selected run: every pair becomes an offer with a deadline, and nothing of it changes again.

    Refused with Conflict before those without an offer were told, and if a pair no longer holds (a student took
    another offer, a seat is gone): the chamber then cancels the round, rather than that something other than the
    result goes out.
    """
    published = rounds.round_(round_id)
    run = _selected(published)
    if published.told_at is None:
        raise Conflict(_l("First tell those who get no offer: nobody shall learn it from others."))
    _check_pairs_hold(run)
    advance(round_id, version, (RoundState.SOLVED,), RoundState.PUBLISHED, published_at=now())
    let_go(round_id)
    lapse_past_offers()
    offers = _make_offers(run, published.offer_days)
    _tell_offers(run)
    audit.record(actor, Action.PUBLISH_ROUND, published, run=run.id, commitment=run.commitment, offers=offers)
    return published


def _selected(round_: Round) -> Run:
    run = runs.shown_run(round_) if round_.selected_run_id is not None else None
    if run is None or run.state is not RunState.DONE:
        raise Conflict(_l("Choose the run that is to be published first."))
    if round_.state is not RoundState.SOLVED:
        raise Conflict(CHANGED)
    return run


def _make_offers(run: Run, days: int) -> int:
    # In the students' order, in which everybody locks them, so that nobody waits in a circle.
    ordered = select(MatchedPair).where(MatchedPair.run_id == run.id).order_by(MatchedPair.student_id)
    offers = [
        {
            "run_id": run.id,
            "student_id": pair.student_id,
            "position_id": pair.position_id,
            "stored_state": OfferState.OPEN,
            "score": pair.score,
            "deadline": now() + timedelta(days=days),
            "made_at": now(),
            "reason": "",
        }
        for pair in db.session.scalars(ordered)
    ]
    try:
        if offers:
            db.session.execute(insert(Offer), offers)
    except IntegrityError:
        raise Conflict(CHANGED) from None
    return len(offers)


def _tell_offers(run: Run) -> None:
    rows = db.session.execute(
        select(Offer.id, Student.user_id, Position.title, Offer.deadline)
        .join(Student, Offer.student_id == Student.id)
        .join(Position, Offer.position_id == Position.id)
        .where(Offer.run_id == run.id)
    ).all()
    words = [
        (user_id, f"offer:{offer_id}", {"offer": offer_id, "title": title, "deadline": deadline.isoformat()})
        for offer_id, user_id, title, deadline in rows
    ]
    notices.tell_each("offer", words)


@command(Action.ANSWER_OFFER)
def answer_offer(actor: Actor, offer_id: int, accepted: bool, declined_for: str = "", reason: str = "") -> Offer:
    """Accept or decline the actor's own open offer, once and before its deadline; who declines says why.

    What the chamber has blocked since can't be accepted.
    """
    offer = queries.offer(actor, offer_id)
    if not accepted and declined_for not in set(DeclineReason):
        raise Invalid(errors={"declined_for": _l("Choose the reason that weighs most for you.")})
    if accepted and offer.position.state is PositionState.BLOCKED:
        raise Conflict(_l("The chamber has blocked this position since: you can decline it, but not accept it."))
    state = OfferState.ACCEPTED if accepted else OfferState.DECLINED
    answered = (
        update(Offer)
        .where(Offer.id == offer_id, Offer.stored_state == OfferState.OPEN, Offer.deadline > now())
        .values(
            stored_state=state,
            answered_at=now(),
            declined_for=None if accepted else DeclineReason(declined_for),
            reason="" if accepted else reason.strip()[:500],
        )
    )
    if changed_rows(answered) != 1:
        raise Conflict(_l("This offer was answered already, or its deadline has passed: look at it again."))
    db.session.refresh(offer, ["stored_state", "answered_at", "declined_for", "reason"])
    audit.record(actor, Action.ANSWER_OFFER, offer, state=state.value)
    return offer


@command(Action.CLOSE_ROUND)
def close(actor: Actor, round_id: int, version: int) -> Round:
    """End a published round once no offer of it waits for an answer."""
    waiting = (
        select(func.count())
        .select_from(Offer)
        .join(Offer.run)
        .where(Run.round_id == round_id, queries.in_state(OfferState.OPEN))
    )
    if db.session.scalar(waiting):
        raise Conflict(_l("Offers of this round still wait for an answer: it can be closed once none does."))
    closed = advance(round_id, version, (RoundState.PUBLISHED,), RoundState.CLOSED, closed_at=now())
    lapse_past_offers()
    audit.record(actor, Action.CLOSE_ROUND, closed)
    return closed


def release(offer: Offer) -> None:
    """Let go of the student and the seat of an accepted offer whose placement has ended; within a transaction."""
    offer.released_at = now()


def hold_again(offer: Offer) -> bool:
    """Take a release back; False, and nothing is changed, if student or seat have gone to another offer meanwhile."""
    headcount = db.session.scalar(
        select(Position.headcount).where(Position.id == offer.position_id).with_for_update()
    )
    other = select(Offer.id).where(Offer.student_id == offer.student_id, Offer.id != offer.id, queries.holds_seat())
    if db.session.scalar(other) is not None or deposits.promised_seats(offer.position_id) >= (headcount or 0):
        return False
    lapse_past_offers()
    try:
        with db.session.begin_nested():
            db.session.execute(update(Offer).where(Offer.id == offer.id).values(released_at=None))
    except IntegrityError:  # an offer of a round that is published at this moment
        return False
    db.session.refresh(offer, ["released_at"])
    return True


def lapse_past_offers() -> None:
    """Write down what the deadline has decided, so that those students can hold a new offer."""
    past = update(Offer).where(queries.in_state(OfferState.LAPSED), Offer.stored_state == OfferState.OPEN)
    db.session.execute(past.values(stored_state=OfferState.LAPSED))


def _lost(run: Run) -> tuple[int, int]:
    """How many matched students are no longer free, and how many matched positions lack the seats; locks those."""
    free = set(db.session.scalars(queries.free_students().with_only_columns(Student.id).order_by(None)))
    pairs = db.session.execute(
        select(MatchedPair.student_id, MatchedPair.position_id).where(MatchedPair.run_id == run.id)
    ).all()
    taken: dict[int, int] = {}
    for _, position_id in pairs:
        taken[position_id] = taken.get(position_id, 0) + 1
    headcount: dict[int, int] = dict(
        db.session.execute(
            select(Position.id, Position.headcount).where(deposits.on_show()).with_for_update(of=Position)
        ).all()
    )
    held = queries.seats_held()  # once they are locked: a release may have been taken back meanwhile
    gone = sum(student_id not in free for student_id, _ in pairs)
    return gone, sum(seats > headcount.get(p, 0) - held.get(p, 0) for p, seats in taken.items())


def _check_pairs_hold(run: Run) -> None:
    gone, short = _lost(run)
    if gone or short:
        raise Conflict(
            _l(
                "Since the run, %(students)s of its students took another offer or left, and %(positions)s of its "
                "positions lost the seats. Run the round again, then choose that run.",
                students=gone,
                positions=short,
            )
        )
