"""Reads of enrolments: the lists, where each stands, seats held, and places on waiting lists."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import ColumnElement, and_, case, false, func, or_, select

from talentbank.accounts.models import Organisation, User
from talentbank.accounts.models import Standing as Approval
from talentbank.competencies import queries as catalogue
from talentbank.competencies.models import Student, StudentLevel
from talentbank.deposits.resources import queries as resources
from talentbank.deposits.resources.models import ResourceKind, ResourceState, TrainingResource
from talentbank.deposits.resources.queries import OwnEnrolment
from talentbank.extensions import Pagination, db, today
from talentbank.extensions import lazy_gettext as _l
from talentbank.permissions import Actor, Role
from talentbank.practice.enrolments.steps import Part, Progress, Standing
from talentbank.practice.enrolments.wording import STATE_LABELS, STATE_TONES, queue_text
from talentbank.practice.models import (
    PROVEN,
    STANDING,
    Agreement,
    EndStatement,
    Enrolment,
    EnrolmentState,
    LogState,
    PracticeLog,
)
from talentbank.practice.queries import enrolments_seen_by, rules_of, whole_enrolment

PER_PAGE = 25

MENDING = (LogState.SENT_BACK, LogState.REJECTED, LogState.REVERSED)
"""Logs that came back to the student."""

_ORDER = (
    EnrolmentState.ASKED,
    EnrolmentState.ACCEPTED,
    EnrolmentState.WAITING,
    EnrolmentState.FINISHED,
    EnrolmentState.REFUSED,
    EnrolmentState.LEFT,
)


LIVE = (EnrolmentState.ASKED, EnrolmentState.WAITING, EnrolmentState.ACCEPTED)
"""What a student can still leave, and a host refuse."""


@dataclass(frozen=True, slots=True)
class EnrolmentFilter:
    """What a list of enrolments is narrowed to; state also takes «turn»: what waits for the reader."""

    state: str = ""
    resource: int | None = None
    student: int | None = None
    text: str = ""


def enrolments(actor: Actor, wanted: EnrolmentFilter, page: int) -> tuple[Pagination, list[Standing]]:
    """A page of the enrolments that the actor may see, each with where it stands; who asks to be let in first."""
    rank = case({state.value: place for place, state in enumerate(_ORDER)}, value=Enrolment.state)
    queues = Enrolment.state.in_((EnrolmentState.ASKED, EnrolmentState.WAITING))
    query = (
        select(Enrolment)
        .where(enrolments_seen_by(actor), *_narrowed(actor, wanted))
        .options(*whole_enrolment())
        .order_by(rank, case((queues, Enrolment.asked_at)), Enrolment.id.desc())
    )
    found = db.paginate(query, page=page, per_page=PER_PAGE, error_out=False)
    return found, standings(actor, found.items)


def _narrowed(actor: Actor, wanted: EnrolmentFilter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if wanted.state == "turn":
        conditions.append(waits_for(actor))
    elif wanted.state in set(EnrolmentState):
        conditions.append(Enrolment.state == EnrolmentState(wanted.state))
    if wanted.resource is not None:
        conditions.append(Enrolment.resource_id == wanted.resource)
    if wanted.student is not None:
        conditions.append(Enrolment.student_id == wanted.student)
    if wanted.text:
        named = [
            column.icontains(wanted.text, autoescape=True)
            for column in (TrainingResource.title, TrainingResource.title_en)
        ]
        host = [
            column.icontains(wanted.text, autoescape=True) for column in (Organisation.name_zh, Organisation.name_en)
        ]
        person = [column.icontains(wanted.text, autoescape=True) for column in (User.name, User.name_latin)]
        conditions.append(
            or_(
                Enrolment.resource.has(or_(*named, TrainingResource.owner.has(or_(*host)))),
                Enrolment.student.has(Student.user.has(or_(*person))),
            )
        )
    return conditions


def standings(actor: Actor, found: Sequence[Enrolment]) -> list[Standing]:
    """Whole enrolments with where each stands, in two queries for any number."""
    done = progress(actor, [enrolment.id for enrolment in found])
    queue = places([e.id for e in found if e.state is EnrolmentState.WAITING])
    return [Standing(e, done.get(e.id, Progress()), queue.get(e.id)) for e in found]


def standing(actor: Actor, enrolment: Enrolment) -> Standing:
    """One whole enrolment with where it stands."""
    return standings(actor, [enrolment])[0]


def progress(actor: Actor, enrolment_ids: Collection[int]) -> dict[int, Progress]:
    """The logs of enrolments, counted; drafts only for the student, who alone sees them."""
    query = (
        select(
            PracticeLog.enrolment_id,
            PracticeLog.state,
            func.count(),
            func.sum(PracticeLog.minutes),
            func.sum(PracticeLog.credit),
        )
        .where(PracticeLog.enrolment_id.in_(enrolment_ids))
        .group_by(PracticeLog.enrolment_id, PracticeLog.state)
    )
    if actor.role is not Role.STUDENT:
        query = query.where(PracticeLog.state != LogState.DRAFT)
    found: dict[int, Progress] = {}
    for enrolment_id, state, count, minutes, credit in db.session.execute(query):
        so_far = found.get(enrolment_id, Progress())
        found[enrolment_id] = _counted(so_far, state, count, int(minutes or 0), int(credit or 0))
    return found


def _counted(so_far: Progress, state: LogState, count: int, minutes: int, credit: int) -> Progress:
    if state in PROVEN:
        confirmed = state is LogState.CONFIRMED
        return replace(
            so_far,
            proven=so_far.proven + count,
            proven_minutes=so_far.proven_minutes + minutes,
            verified=so_far.verified + (count if state is LogState.VERIFIED else 0),
            credit=so_far.credit + (credit if confirmed else 0),
        )
    if state is LogState.SUBMITTED:
        return replace(so_far, submitted=count, submitted_minutes=minutes)
    if state is LogState.DRAFT:
        return replace(so_far, drafts=count)
    return replace(so_far, mending=so_far.mending + count)


def places(enrolment_ids: Collection[int]) -> dict[int, tuple[int, int]]:
    """Each one's place on its resource's waiting list, from 1, and how long that list is."""
    if not enrolment_ids:
        return {}
    resources = select(Enrolment.resource_id).where(Enrolment.id.in_(enrolment_ids))
    ranked = (
        select(
            Enrolment.id,
            func.row_number()
            .over(partition_by=Enrolment.resource_id, order_by=(Enrolment.asked_at, Enrolment.id))
            .label("place"),
            func.count().over(partition_by=Enrolment.resource_id).label("length"),
        )
        .where(Enrolment.state == EnrolmentState.WAITING, Enrolment.resource_id.in_(resources))
        .subquery()
    )
    rows = db.session.execute(select(ranked).where(ranked.c.id.in_(enrolment_ids)))
    return {row.id: (row.place, row.length) for row in rows}


def count_by_state(actor: Actor) -> dict[EnrolmentState, int]:
    """How many of the enrolments that the actor may see are in each state."""
    query = select(Enrolment.state, func.count()).where(enrolments_seen_by(actor)).group_by(Enrolment.state)
    counts = dict(db.session.execute(query).all())
    return {state: counts.get(state, 0) for state in EnrolmentState}


def count_waiting_for(actor: Actor) -> int:
    """How many enrolments wait for a step of the actor's."""
    query = select(func.count()).select_from(Enrolment).where(enrolments_seen_by(actor), waits_for(actor))
    return db.session.scalar(query) or 0


def levels_taught(enrolment: Enrolment) -> dict[int, StudentLevel]:
    """The student's levels of what the resource teaches, by the competency's id."""
    taught = [row.competency_id for row in enrolment.resource.teaches]
    query = select(StudentLevel).where(
        StudentLevel.student_id == enrolment.student_id, StudentLevel.competency_id.in_(taught)
    )
    return {level.competency_id: level for level in db.session.scalars(query)}


def closed(resource: TrainingResource) -> object:
    """Why a resource takes nobody new at all, None where it does; its owner must be loaded."""
    if resource.owner.standing is not Approval.APPROVED:
        return _l("This is not on show: nobody new is let in.")
    if resource.state is ResourceState.WITHDRAWN:
        return _l("The host has withdrawn this: nobody new is let in.")
    if resource.last_day < today():
        return _l("Its last day has passed: nobody new is let in.")
    return None


def obstacle(student: Student | None, resource: TrainingResource) -> object:
    """Why a student can't ask for a resource, None where nothing stands against it; that it is full does not."""
    shut = closed(resource)
    if shut:
        return shut
    if student is None:
        return _l("Save your profile first: hosts must know who asks.")
    if resource.fee and not rules_of(student.university_id).fees:
        return _l("This costs %(fee)s RMB, and your university lets hosts ask no fees of students.", fee=resource.fee)
    return None


def signers(agreement: Agreement) -> dict[int, User]:
    """Who signed an agreement, by the person's id."""
    ids = {agreement.student_signer_id, agreement.university_signer_id, agreement.host_signer_id} - {None}
    return {user.id: user for user in db.session.scalars(select(User).where(User.id.in_(ids)))}


def seats_held(resource_id: int) -> int:
    """How many seats of a resource are taken."""
    query = select(func.count()).where(
        Enrolment.resource_id == resource_id, Enrolment.state == EnrolmentState.ACCEPTED
    )
    return db.session.scalar(query) or 0


def _with_logs(states: Collection[LogState]) -> ColumnElement[bool]:
    return Enrolment.logs.any(PracticeLog.state.in_(states))


def _internship() -> ColumnElement[bool]:
    return Enrolment.resource.has(TrainingResource.kind == ResourceKind.INTERNSHIP)


def _blocked() -> ColumnElement[bool]:
    """An internship whose agreement was never in force."""
    return and_(_internship(), ~Enrolment.agreement.has(Agreement.first_in_force_on.is_not(None)))


def _unsigned(party: Part) -> ColumnElement[bool]:
    """Somebody with a seat on an internship whose terms, first or changed, a party has not signed yet."""
    signed_at = {
        Part.STUDENT: Agreement.student_signed_at,
        Part.UNIVERSITY: Agreement.university_signed_at,
        Part.HOST: Agreement.host_signed_at,
    }
    accepted = Enrolment.state == EnrolmentState.ACCEPTED
    return and_(accepted, _internship(), Enrolment.agreement.has(signed_at[party].is_(None)))


def _due() -> ColumnElement[bool]:
    """The last day has passed, or the hours are done; and something is proven."""
    hours = select(TrainingResource.hours).where(TrainingResource.id == Enrolment.resource_id).scalar_subquery()
    proven = (
        select(func.coalesce(func.sum(PracticeLog.minutes), 0))
        .where(PracticeLog.enrolment_id == Enrolment.id, PracticeLog.state.in_(PROVEN))
        .scalar_subquery()
    )
    return and_(_with_logs(PROVEN), or_(_over(), proven >= 60 * hours))


def _over() -> ColumnElement[bool]:
    """The last day has passed."""
    return Enrolment.resource.has(or_(TrainingResource.ends_on < today(), TrainingResource.withdrawn_on < today()))


def waits_for(actor: Actor) -> ColumnElement[bool]:
    """Enrolments on which the next step is the actor's: what `steps.what_now` calls mine."""
    accepted = Enrolment.state == EnrolmentState.ACCEPTED
    practised = Enrolment.state.in_((EnrolmentState.ACCEPTED, EnrolmentState.FINISHED))
    begun = and_(accepted, ~_blocked(), Enrolment.resource.has(TrainingResource.starts_on <= today()))
    unproposed = and_(accepted, _blocked(), ~Enrolment.agreement.has())
    if actor.role is Role.STUDENT:
        sent = and_(_over(), _with_logs((LogState.SUBMITTED,)))
        return or_(
            _unsigned(Part.STUDENT),
            and_(practised, _with_logs(MENDING)),
            and_(begun, or_(_with_logs((LogState.DRAFT,)), ~or_(_due(), sent))),
            and_(Enrolment.state == EnrolmentState.FINISHED, Enrolment.statement.has(EndStatement.answer.is_(None))),
        )
    if actor.role not in (Role.ENTERPRISE, Role.ZONE, Role.UNIVERSITY):
        return false()
    supervised = Enrolment.resource.has(TrainingResource.supervisor_id == actor.user_id)
    as_host = and_(
        Enrolment.resource.has(TrainingResource.owner_id == actor.organisation_id),
        or_(
            Enrolment.state == EnrolmentState.ASKED,
            unproposed,
            _unsigned(Part.HOST),
            and_(supervised, practised, _with_logs((LogState.SUBMITTED,))),
            and_(supervised, begun, _due()),
        ),
    )
    if actor.role is not Role.UNIVERSITY:
        return as_host
    as_university = and_(
        Enrolment.student.has(Student.university_id == actor.organisation_id),
        or_(
            unproposed,
            _unsigned(Part.UNIVERSITY),
            and_(practised, _with_logs((LogState.VERIFIED,))),
        ),
    )
    return or_(as_host, as_university)


def _count(*states: EnrolmentState) -> ColumnElement[int]:
    counted = (
        select(func.count())
        .select_from(Enrolment)
        .where(Enrolment.resource_id == TrainingResource.id, Enrolment.state.in_(states))
    )
    return counted.correlate(TrainingResource).scalar_subquery()


@resources.counts_held_seats
def _held() -> ColumnElement[int]:
    return _count(EnrolmentState.ACCEPTED)


@resources.counts_waiting
def _waiting() -> ColumnElement[int]:
    return _count(EnrolmentState.ASKED, EnrolmentState.WAITING)


@resources.tells_own_enrolments
def _own(actor: Actor, resource_ids: Collection[int]) -> Mapping[int, OwnEnrolment]:
    """The student's standing enrolment on each of the resources, else the last one."""
    found = db.session.scalars(
        select(Enrolment)
        .where(Enrolment.resource_id.in_(resource_ids), Enrolment.student.has(Student.user_id == actor.user_id))
        .order_by(Enrolment.state.in_(STANDING), Enrolment.id)
    )
    shown = {enrolment.resource_id: enrolment for enrolment in found}
    queue = places([e.id for e in shown.values() if e.state is EnrolmentState.WAITING])
    return {
        resource_id: OwnEnrolment(
            id=enrolment.id,
            label=STATE_LABELS[enrolment.state],
            tone=STATE_TONES[enrolment.state],
            stands=enrolment.state in STANDING,
            leaves=enrolment.state in LIVE,
            note=queue_text(*queue[enrolment.id]) if enrolment.id in queue else enrolment.reason,
        )
        for resource_id, enrolment in shown.items()
    }


@resources.tells_why_not
def _why_not(actor: Actor, resource: TrainingResource) -> object | None:
    return obstacle(catalogue.own_profile(actor), resource)


@resources.shows_also
def _also_seen(actor: Actor) -> ColumnElement[bool]:
    """What students are enrolled on, for them and their university, on show or not."""
    if actor.role is Role.STUDENT:
        own = Student.user_id == actor.user_id
    elif actor.role is Role.UNIVERSITY:
        own = Student.university_id == actor.organisation_id
    else:
        return false()
    return TrainingResource.id.in_(select(Enrolment.resource_id).where(Enrolment.student.has(own)))
