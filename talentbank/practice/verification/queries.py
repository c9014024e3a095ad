"""Reads of logs that wait for somebody: the supervisor, the university, or too long."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, case, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute

from talentbank.accounts.models import Organisation
from talentbank.competencies.models import Student
from talentbank.deposits.resources.models import TrainingResource
from talentbank.errors import NotFound
from talentbank.extensions import Pagination, db, now
from talentbank.extensions import lazy_gettext as _l
from talentbank.ledger.models import LedgerAccount
from talentbank.permissions import Actor, Role
from talentbank.practice.models import PROVEN, Chase, Enrolment, LogState, PracticeLog
from talentbank.practice.queries import whole_log
from talentbank.practice.verification.paying import Payment

PER_PAGE = 50
OVERDUE = timedelta(days=7)
"""A log that waits longer for its supervisor is shown to the chamber, and the supervisor is reminded."""
BETWEEN_CHASES = timedelta(days=3)


@dataclass(frozen=True, slots=True)
class Group:
    """Logs of one enrolment, which stand together in a queue."""

    enrolment: Enrolment
    logs: Sequence[PracticeLog]

    @property
    def minutes(self) -> int:
        return sum(log.minutes for log in self.logs)


@dataclass(frozen=True, slots=True)
class Waits:
    """Logs that wait for somebody, and those of them that wait too long."""

    logs: int
    overdue: int


@dataclass(frozen=True, slots=True)
class AccountAsked:
    """What payments ask of a resource's account, and what it holds, in hundredths of a credit."""

    resource: TrainingResource
    asked: int
    held: int

    @property
    def missing(self) -> int:
        return max(0, self.asked - self.held)


def supervised_by(actor: Actor) -> ColumnElement[bool]:
    """Logs on resources whose supervisor the actor is."""
    supervised = Enrolment.resource.has(TrainingResource.supervisor_id == actor.user_id)
    return PracticeLog.enrolment.has(supervised)


def of_students_of(actor: Actor) -> ColumnElement[bool]:
    """Logs of the students of the actor's university."""
    return PracticeLog.student.has(Student.university_id == actor.organisation_id)


def to_verify(actor: Actor) -> ColumnElement[bool]:
    """Logs that wait for the actor to verify them."""
    return and_(PracticeLog.state == LogState.SUBMITTED, supervised_by(actor))


def to_confirm(actor: Actor) -> ColumnElement[bool]:
    """Logs that wait for the actor's university to confirm them."""
    return and_(PracticeLog.state == LogState.VERIFIED, of_students_of(actor))


def overdue() -> ColumnElement[bool]:
    """Logs that have waited too long for their supervisor."""
    return and_(PracticeLog.state == LogState.SUBMITTED, PracticeLog.submitted_at < now() - OVERDUE)


def count(which: ColumnElement[bool]) -> int:
    """How many logs these are: `to_verify(actor)`, `to_confirm(actor)` or `overdue()`."""
    return db.session.scalar(select(func.count()).select_from(PracticeLog).where(which)) or 0


def waits_for(actor: Actor) -> Waits:
    """How many logs wait for the actor to verify them, and how many of these too long."""
    late = func.coalesce(func.sum(case((overdue(), 1), else_=0)), 0)
    row = db.session.execute(select(func.count(), late).select_from(PracticeLog).where(to_verify(actor))).one()
    return Waits(*row)


def waiting(actor: Actor, page: int) -> Pagination:
    """A page of what the actor may verify; an enrolment's logs together, the one that waits longest first."""
    return _queue(to_verify(actor), PracticeLog.submitted_at, page)


def confirming(actor: Actor, page: int) -> Pagination:
    """A page of what the actor's university may confirm; an enrolment's logs together, the longest verified first."""
    return _queue(to_confirm(actor), PracticeLog.verified_at, page)


def _queue(which: ColumnElement[bool], since: InstrumentedAttribute[datetime | None], page: int) -> Pagination:
    longest = func.min(since).over(partition_by=PracticeLog.enrolment_id)
    order = (longest, PracticeLog.enrolment_id, PracticeLog.day, PracticeLog.id)
    query = select(PracticeLog).where(which).options(*whole_log()).order_by(*order)
    return db.paginate(query, page=page, per_page=PER_PAGE, error_out=False)


def groups(logs: Sequence[PracticeLog]) -> list[Group]:
    """Logs that stand in their order, by enrolment."""
    by_enrolment: dict[int, list[PracticeLog]] = {}
    for log in logs:
        by_enrolment.setdefault(log.enrolment_id, []).append(log)
    return [Group(rows[0].enrolment, rows) for rows in by_enrolment.values()]


def overdue_logs(page: int, host: int | None = None) -> Pagination:
    """A page of what waits too long, at one host or at all, a host's logs together, the longest first."""
    query = (
        select(PracticeLog)
        .join(PracticeLog.enrolment)
        .join(Enrolment.resource)
        .join(TrainingResource.owner)
        .where(overdue())
        .options(*whole_log())
        .order_by(Organisation.name_zh, Organisation.id, PracticeLog.submitted_at, PracticeLog.id)
    )
    if host is not None:
        query = query.where(Organisation.id == host)
    return db.paginate(query, page=page, per_page=PER_PAGE, error_out=False)


def overdue_by_host() -> dict[Organisation, int]:
    """How many logs wait too long at each host, the most first."""
    number = func.count(PracticeLog.id)
    query = (
        select(Organisation, number)
        .join(TrainingResource, TrainingResource.owner_id == Organisation.id)
        .join(Enrolment, Enrolment.resource_id == TrainingResource.id)
        .join(PracticeLog, PracticeLog.enrolment_id == Enrolment.id)
        .where(overdue())
        .group_by(Organisation.id)
        .order_by(number.desc(), Organisation.id)
    )
    return {row[0]: row[1] for row in db.session.execute(query)}


def accounts_asked(payments: Sequence[Payment]) -> list[AccountAsked]:
    """What these payments ask of each resource's account, those first that hold too little."""
    asked: dict[TrainingResource, int] = {}
    for payment in payments:
        resource = payment.log.enrolment.resource
        asked[resource] = asked.get(resource, 0) + payment.credit
    query = select(LedgerAccount.owner, LedgerAccount.balance).where(
        LedgerAccount.owner.in_(resource.account for resource in asked)
    )
    held = {row.owner: row.balance for row in db.session.execute(query)}
    rows = [AccountAsked(resource, amount, held.get(resource.account, 0)) for resource, amount in asked.items()]
    return sorted(rows, key=lambda row: (-row.missing, row.resource.id))


def may_reverse(actor: Actor, log: PracticeLog) -> bool:
    """Whether the actor may take back what was verified: the supervisor until the university has decided, and the
    student's university at any time. The log must be whole."""
    if actor.role is Role.UNIVERSITY and log.enrolment.student.university_id == actor.organisation_id:
        return log.state in PROVEN
    return log.enrolment.resource.supervisor_id == actor.user_id and log.state is LogState.VERIFIED


def reversible_by(actor: Actor) -> ColumnElement[bool]:
    """Logs whose verification the actor could take back, if their state allows it."""
    own = supervised_by(actor)
    return or_(own, of_students_of(actor)) if actor.role is Role.UNIVERSITY else own


def locked(log_ids: Collection[int], of: ColumnElement[bool]) -> list[PracticeLog]:
    """These logs, whole, by day and id, once their students and they are locked, in this order.

    Raises NotFound unless each of them is one of those that the actor may decide about.
    """
    wanted = PracticeLog.id.in_(log_ids)
    students = db.session.scalars(select(PracticeLog.student_id).where(wanted, of)).all()
    ordered = select(Student.id).where(Student.id.in_(students)).order_by(Student.id)
    db.session.execute(ordered.with_for_update(key_share=True))  # as `lock_student` does
    query = select(PracticeLog).where(wanted, of).options(*whole_log()).order_by(PracticeLog.id)
    found = db.session.scalars(query.with_for_update(of=PracticeLog)).all()
    if len(found) != len(set(log_ids)):
        raise NotFound(_l("There is no such practice log, or it is not yours to decide about."))
    return sorted(found, key=lambda log: (log.day, log.id))


def to_chase(*, lock: bool = False) -> list[tuple[int, int]]:
    """Overdue logs that nobody was reminded of lately: the log's id and its supervisor's."""
    supervisor = TrainingResource.supervisor_id
    query = select(PracticeLog.id, supervisor).join(PracticeLog.enrolment).join(Enrolment.resource).where(overdue())
    query = query.order_by(PracticeLog.id)
    waiting = db.session.execute(query.with_for_update(of=PracticeLog) if lock else query).all()
    # Read only once the logs are locked, so that two who chase at once don't do it twice.
    recent = set(db.session.scalars(select(Chase.log_id).where(Chase.at > now() - BETWEEN_CHASES)))
    return [(log_id, user_id) for log_id, user_id in waiting if log_id not in recent]
