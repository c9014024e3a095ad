"""Seats: asked for, given, waited for, left and refused.

Whoever changes who sits where locks the resource's row first and counts under that lock, so seats never overrun;
enrolments are locked after it, never before.
"""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm.attributes import set_committed_value

from talentbank import audit
from talentbank.accounts.models import Organisation
from talentbank.audit import command
from talentbank.competencies import queries as catalogue
from talentbank.deposits.resources import queries as resources
from talentbank.deposits.resources import service as deposits
from talentbank.deposits.resources.models import Admission, TrainingResource
from talentbank.errors import Conflict, Invalid, NotFound
from talentbank.extensions import db, now
from talentbank.extensions import lazy_gettext as _l
from talentbank.permissions import Action, Actor
from talentbank.practice import queries as practice
from talentbank.practice.enrolments import queries
from talentbank.practice.models import PROVEN, STANDING, Enrolment, EnrolmentState, PracticeLog

LONGEST_MESSAGE = 1000
LONGEST_REASON = 500

_QUEUED = (EnrolmentState.ASKED, EnrolmentState.WAITING)

_ALREADY = {
    EnrolmentState.ASKED: _l("You have asked for this already: the host decides."),
    EnrolmentState.WAITING: _l("You are on the waiting list already, and move up by yourself."),
    EnrolmentState.ACCEPTED: _l("You have a seat here already."),
    EnrolmentState.FINISHED: _l("You have finished this already."),
}


@command(Action.ASK_ENROLMENT)
def ask(actor: Actor, resource_id: int, message: str = "") -> Enrolment:
    """Ask for a seat: accepted at once or put on the waiting list, or up to the host where the host chooses.

    Somebody whom the host refused before is up to the host again, also where anybody else is let in at once.
    """
    message = message.strip()
    if len(message) > LONGEST_MESSAGE:
        raise Invalid(errors={"message": _l("Use at most %(most)s characters.", most=LONGEST_MESSAGE)})
    resource = resources.resource(actor, resource_id, lock=True)
    student = catalogue.own_profile(actor)
    obstacle = queries.obstacle(student, resource)
    if obstacle or student is None:
        raise Invalid(obstacle)
    before = _states_so_far(resource.id, student.id)
    for state in STANDING:
        if state in before:
            raise Conflict(_ALREADY[state])
    chosen = resource.admission is Admission.CHOSEN or EnrolmentState.REFUSED in before
    enrolment = Enrolment(
        resource_id=resource.id,
        student_id=student.id,
        state=EnrolmentState.ASKED if chosen else EnrolmentState.WAITING,
        message=message,
        asked_at=now(),
        decided_at=None,
    )
    db.session.add(enrolment)
    try:
        db.session.flush()
    except IntegrityError:
        raise Conflict(_l("You have asked for this already: look at your enrolments.")) from None
    audit.record(actor, Action.ASK_ENROLMENT, enrolment, resource=resource.id, state=enrolment.state.value)
    if not chosen:
        move_up(actor, resource)
    return enrolment


@command(Action.ASK_ENROLMENT)
def leave(actor: Actor, enrolment_id: int) -> Enrolment:
    """Give one's seat or place up; whoever waits first moves up."""
    enrolment = _locked(actor, enrolment_id)
    if enrolment.state not in queries.LIVE:
        raise Conflict(_l("There is nothing left to leave: look at the enrolment again."))
    before = _set(enrolment, EnrolmentState.LEFT)
    audit.record(actor, Action.ASK_ENROLMENT, enrolment, before=before.value, state=enrolment.state.value)
    move_up(actor, enrolment.resource)
    return enrolment


@command(Action.DECIDE_ENROLMENT)
def decide(actor: Actor, enrolment_id: int, seen: str, *, accepted: bool, reason: str = "") -> Enrolment:
    """Let somebody in who asked (onto the waiting list while all seats are held), or refuse with a reason.

    seen: the state that the actor looked at. Who waits or sits can be refused too, unless practice is verified:
    then a statement of what was done is due.
    """
    enrolment = _locked(actor, enrolment_id)
    resource = enrolment.resource
    if resource.owner_id != actor.organisation_id:
        raise NotFound(_l("There is no such enrolment, or it is not yours to decide."))
    before = enrolment.state
    if before.value != seen or before not in queries.LIVE or (accepted and before is not EnrolmentState.ASKED):
        raise Conflict(_l("This enrolment has changed meanwhile: look at it again."))
    if accepted:
        closed = queries.closed(resource)
        if closed:
            raise Conflict(closed)
        _set(enrolment, EnrolmentState.WAITING)
    else:
        _refuse(enrolment, reason)
    audit.record(
        actor,
        Action.DECIDE_ENROLMENT,
        enrolment,
        before=before.value,
        state=enrolment.state.value,
        reason=enrolment.reason,
    )
    move_up(actor, resource)
    return enrolment


@deposits.on_seats_changed
def move_up(actor: Actor, resource: TrainingResource) -> None:
    """Give free seats to those who wait, the first who asked first; inside the transaction of what freed a seat.

    A resource that takes nobody new keeps its seats empty.
    """
    db.session.flush()
    lock(resource)
    # An administrator who refuses the host locks no resource: what was read of the host before may be older.
    owner = db.session.get_one(Organisation, resource.owner_id, populate_existing=True)
    set_committed_value(resource, "owner", owner)
    if queries.closed(resource):
        return
    free = resource.seats - queries.seats_held(resource.id)
    if free <= 0:
        return
    waiting = db.session.scalars(
        select(Enrolment)
        .where(Enrolment.resource_id == resource.id, Enrolment.state == EnrolmentState.WAITING)
        .order_by(Enrolment.asked_at, Enrolment.id)
        .limit(free)
        .with_for_update()
    )
    for enrolment in waiting:
        _set(enrolment, EnrolmentState.ACCEPTED)
        audit.record(
            actor, Action.DECIDE_ENROLMENT, enrolment, before="waiting", state="accepted", resource=resource.id
        )
    db.session.flush()


@deposits.on_withdrawn
def refuse_queue(actor: Actor, resource: TrainingResource) -> None:
    """Refuse all who ask or wait for a withdrawn resource, inside the transaction that withdraws it."""
    db.session.flush()
    lock(resource)
    queued = db.session.scalars(
        select(Enrolment)
        .where(Enrolment.resource_id == resource.id, Enrolment.state.in_(_QUEUED))
        .order_by(Enrolment.id)
        .with_for_update()
    )
    for enrolment in queued:
        before = _set(enrolment, EnrolmentState.REFUSED)
        audit.record(actor, Action.DECIDE_ENROLMENT, enrolment, before=before.value, state="refused", withdrawn=True)
    db.session.flush()


def lock(resource: TrainingResource) -> None:
    """Make whoever changes the seats of the same resource wait, and read it again under the lock."""
    db.session.refresh(resource, TrainingResource.__table__.columns.keys(), with_for_update=True)


def lock_of(actor: Actor, enrolment_id: int) -> None:
    """Lock the resource of an enrolment that the actor may see. Raises NotFound as the enrolment's page does."""
    resource_id = db.session.scalar(
        select(Enrolment.resource_id).where(Enrolment.id == enrolment_id, practice.enrolments_seen_by(actor))
    )
    db.session.execute(select(TrainingResource.id).where(TrainingResource.id == resource_id).with_for_update())


def _locked(actor: Actor, enrolment_id: int) -> Enrolment:
    """An enrolment that the actor may see, its resource locked before it."""
    lock_of(actor, enrolment_id)
    return practice.enrolment(actor, enrolment_id, lock=True)


def _states_so_far(resource_id: int, student_id: int) -> set[EnrolmentState]:
    query = select(Enrolment.state).where(Enrolment.resource_id == resource_id, Enrolment.student_id == student_id)
    return set(db.session.scalars(query))


def _refuse(enrolment: Enrolment, reason: str) -> None:
    reason = reason.strip()
    if not reason:
        raise Invalid(errors={"reason": _l("Say why: the student reads it.")})
    if len(reason) > LONGEST_REASON:
        raise Invalid(errors={"reason": _l("Use at most %(most)s characters.", most=LONGEST_REASON)})
    if proven_minutes(enrolment.id):
        raise Conflict(_l("Hours are verified here already: end it with a statement of what was done instead."))
    enrolment.reason = reason
    _set(enrolment, EnrolmentState.REFUSED)


def proven_minutes(enrolment_id: int) -> int:
    """Minutes of an enrolment that a supervisor verified and nobody took back."""
    query = select(func.coalesce(func.sum(PracticeLog.minutes), 0)).where(
        PracticeLog.enrolment_id == enrolment_id, PracticeLog.state.in_(PROVEN)
    )
    return db.session.scalar(query) or 0


def _set(enrolment: Enrolment, state: EnrolmentState) -> EnrolmentState:
    """Set the state and when that was decided; returns the one before."""
    before, enrolment.state, enrolment.decided_at = enrolment.state, state, now()
    return before
