"""Reads of logs: a student's week, the list of each role, what a check needs, and files."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import joinedload

from talentbank.accounts.models import User
from talentbank.competencies.models import Competency, Student
from talentbank.deposits.resources import queries as resources
from talentbank.deposits.resources.models import TrainingResource
from talentbank.engine.practice import week_of
from talentbank.errors import NotFound
from talentbank.extensions import Pagination, db, now
from talentbank.extensions import lazy_gettext as _l
from talentbank.permissions import Actor, Role
from talentbank.practice.logs.checks import (
    CAME_BACK,
    Book,
    Stretch,
    agreement_problem,
    day_problem,
    missing,
    seat_problem,
    spans,
    was_sent,
    wrong,
)
from talentbank.practice.models import (
    COUNTED,
    MENDABLE,
    PROVEN,
    Enrolment,
    EnrolmentState,
    Evidence,
    LogEvent,
    LogState,
    PracticeLog,
    PracticeRules,
)
from talentbank.practice.queries import lock_student, logs_seen_by, rules_of, whole_enrolment, whole_log

PER_PAGE = 25

GROUPS: Mapping[str, Collection[LogState]] = {"back": CAME_BACK, "proven": PROVEN}
"""States that a list takes together: what came back to the student, and what a supervisor verified."""


@dataclass(frozen=True, slots=True)
class LogFilter:
    """What a list of logs is narrowed to; state: a state or one of GROUPS; competency: a code of the catalogue."""

    state: str = ""
    enrolment: int | None = None
    resource: int | None = None
    student: int | None = None
    competency: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class Sum:
    """How many logs, and their minutes."""

    logs: int = 0
    minutes: int = 0


@dataclass(slots=True)
class Day:
    """A day of a student's week; minutes of logs that count and of drafts, and where more could be logged."""

    day: date
    logs: list[PracticeLog] = field(default_factory=list)
    counted: int = 0
    drafted: int = 0
    open: list[Enrolment] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Week:
    """Monday to Sunday of a student's practice, under the university's rules.

    practising: the enrolments with a seat, or finished; problems: what keeps each log that is with the student from
    being sent, by the log's id; empty where nothing does.
    """

    days: list[Day]
    rules: PracticeRules
    practising: list[Enrolment]
    problems: dict[int, dict[str, object]]

    @property
    def counted(self) -> int:
        return sum(day.counted for day in self.days)

    @property
    def drafted(self) -> int:
        return sum(day.drafted for day in self.days)

    @property
    def ready(self) -> list[PracticeLog]:
        """The drafts that could be sent now, each for itself."""
        logs = [log for day in self.days for log in day.logs]
        return [log for log in logs if log.state is LogState.DRAFT and not self.problems[log.id]]


def own_student(actor: Actor) -> Student:
    """The actor's profile. Raises NotFound before it was first saved."""
    found = db.session.scalar(select(Student).where(Student.user_id == actor.user_id))
    if found is None:
        raise NotFound(_l("Save your profile first: practice belongs to it."))
    return found


def lock_practice(actor: Actor) -> Student:
    """Hold what a log of the actor's is checked against: training, enrolments and the student's other logs.

    Seats and training are locked in the order of `enrolments`, before the student as `verification` locks it, so that
    nobody waits in a circle.
    """
    student = own_student(actor)
    enrolled = select(Enrolment.resource_id).where(Enrolment.student_id == student.id)
    held = select(TrainingResource.id).where(TrainingResource.id.in_(enrolled)).order_by(TrainingResource.id)
    db.session.execute(held.with_for_update(read=True))
    own = select(Enrolment.id).where(Enrolment.student_id == student.id).order_by(Enrolment.id)
    db.session.execute(own.with_for_update(read=True))
    lock_student(student.id)
    return student


def book(student: Student, first: date, last: date) -> Book:
    """A student's logs, whatever their state, from the Monday before one day to the Sunday after another."""
    query = (
        select(
            PracticeLog.id,
            PracticeLog.day,
            PracticeLog.starts,
            PracticeLog.ends,
            PracticeLog.minutes,
            PracticeLog.state,
            PracticeLog.enrolment_id,
            PracticeLog.done,
            TrainingResource,
        )
        .join(PracticeLog.enrolment)
        .join(Enrolment.resource)
        .where(
            PracticeLog.student_id == student.id,
            PracticeLog.day.between(week_of(first)[0], week_of(last)[1]),
            PracticeLog.state.in_((*COUNTED, *MENDABLE)),
        )
        .order_by(PracticeLog.day, PracticeLog.starts, PracticeLog.id)
    )
    rows = db.session.execute(query).all()
    steps = _steps([row.id for row in rows])
    stretches = [
        Stretch(
            log_id=row.id,
            day=row.day,
            starts=row.starts,
            ends=row.ends,
            minutes=row.minutes,
            title=row.TrainingResource.shown_title,
            state=row.state,
            enrolment_id=row.enrolment_id,
            done=row.done,
            counted=spans(steps.get(row.id, [(0, LogState.SUBMITTED)] if row.state in COUNTED else [])),
        )
        for row in rows
    ]
    return Book(rules_of(student.university_id), stretches, now())


def _steps(log_ids: Sequence[int]) -> dict[int, list[tuple[int | None, LogState]]]:
    """The steps of logs in their order, by the log's id."""
    found: dict[int, list[tuple[int | None, LogState]]] = {}
    query = select(LogEvent.log_id, LogEvent.id, LogEvent.state).where(LogEvent.log_id.in_(log_ids))
    for log_id, step, state in db.session.execute(query.order_by(LogEvent.id)):
        found.setdefault(log_id, []).append((step, state))
    return found


def week(actor: Actor, day: date) -> Week:
    """The student's week in which a day lies, in the same few queries for any number of logs."""
    student = own_student(actor)
    first, last = week_of(day)
    logs = db.session.scalars(
        select(PracticeLog)
        .where(PracticeLog.student_id == student.id, PracticeLog.day.between(first, last))
        .options(*whole_log())
        .order_by(PracticeLog.day, PracticeLog.starts, PracticeLog.id)
    ).all()
    standing = book(student, first, last)
    days = [Day(first + timedelta(days=n)) for n in range(7)]
    for log in logs:
        own = days[log.day.weekday()]
        own.logs.append(log)
        own.counted += log.minutes if log.state in COUNTED else 0
        own.drafted += log.minutes if log.state is LogState.DRAFT else 0
    practising = enrolments(actor)
    for own in days:
        if own.day <= standing.today:
            own.open = [enrolment for enrolment in practising if takes(enrolment, own.day)]
    needs = {log.id: problems(log, standing) for log in logs if log.state in MENDABLE}
    return Week(days, standing.rules, practising, needs)


def problems(log: PracticeLog, standing: Book) -> dict[str, object]:
    """What keeps a whole log from being sent, a sentence a field."""
    return {**missing(log, standing), **wrong(log, standing, was_sent(log))}


def problems_of(actor: Actor, log: PracticeLog) -> dict[str, object]:
    """What keeps one of the actor's own logs from being sent."""
    return problems(log, book(own_student(actor), log.day, log.day))


def takes(enrolment: Enrolment, day: date) -> bool:
    """Whether a day's practice can be logged on an enrolment, that is whole."""
    return not (seat_problem(enrolment) or day_problem(enrolment, day) or agreement_problem(enrolment, day))


def enrolments(actor: Actor) -> list[Enrolment]:
    """The student's enrolments with a seat, or that have been finished, whole; what runs on stands first."""
    query = (
        select(Enrolment)
        .join(Enrolment.resource)
        .where(
            Enrolment.student.has(Student.user_id == actor.user_id),
            Enrolment.state.in_((EnrolmentState.ACCEPTED, EnrolmentState.FINISHED)),
        )
        .options(*whole_enrolment())
        .order_by(Enrolment.state, TrainingResource.ends_on.desc(), Enrolment.id)
    )
    return list(db.session.scalars(query))


def drafts(student: Student, day: date) -> list[PracticeLog]:
    """A student's drafts of the week in which a day lies, whole, in the order of time."""
    query = (
        select(PracticeLog)
        .where(
            PracticeLog.student_id == student.id,
            PracticeLog.state == LogState.DRAFT,
            PracticeLog.day.between(*week_of(day)),
        )
        .options(*whole_log())
        .order_by(PracticeLog.day, PracticeLog.starts, PracticeLog.id)
        .with_for_update(of=PracticeLog)
    )
    return list(db.session.scalars(query))


def count_drafts(student: Student) -> int:
    """How many drafts a student has."""
    own = PracticeLog.student_id == student.id, PracticeLog.state == LogState.DRAFT
    return db.session.scalar(select(func.count()).select_from(PracticeLog).where(*own)) or 0


def sums(actor: Actor) -> dict[LogState, Sum]:
    """How many logs, and how many minutes, the actor sees in each state."""
    query = (
        select(PracticeLog.state, func.count(), func.sum(PracticeLog.minutes))
        .where(logs_seen_by(actor))
        .group_by(PracticeLog.state)
    )
    found = {state: Sum(count, int(minutes)) for state, count, minutes in db.session.execute(query)}
    return {state: found.get(state, Sum()) for state in LogState}


def logs(actor: Actor, wanted: LogFilter, page: int) -> tuple[Pagination, Sum]:
    """A page of the logs that the actor may see, the latest day first, and what all pages add up to."""
    conditions = (logs_seen_by(actor), *_narrowed(wanted))
    query = select(PracticeLog).where(*conditions).options(*whole_log())
    found = db.paginate(
        query.order_by(PracticeLog.day.desc(), PracticeLog.starts.desc(), PracticeLog.id.desc()),
        page=page,
        per_page=PER_PAGE,
        error_out=False,
    )
    total = db.session.scalar(select(func.coalesce(func.sum(PracticeLog.minutes), 0)).where(*conditions))
    return found, Sum(found.total or 0, int(total or 0))


def evidence(actor: Actor, evidence_id: int) -> Evidence:
    """A file of a log that the actor may see, with the log; the chamber sees logs, but not what they rest on.

    Raises NotFound where it is not theirs to see.
    """
    found = (
        None
        if actor.role is Role.CHAMBER
        else db.session.scalar(
            select(Evidence)
            .where(Evidence.id == evidence_id, Evidence.log.has(logs_seen_by(actor)))
            .options(joinedload(Evidence.log))
        )
    )
    if found is None:
        raise NotFound(_l("There is no such file, or it is not yours to see."))
    return found


def _narrowed(wanted: LogFilter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if wanted.state in GROUPS:
        conditions.append(PracticeLog.state.in_(GROUPS[wanted.state]))
    elif wanted.state in set(LogState):
        conditions.append(PracticeLog.state == LogState(wanted.state))
    if wanted.enrolment is not None:
        conditions.append(PracticeLog.enrolment_id == wanted.enrolment)
    if wanted.resource is not None:
        conditions.append(PracticeLog.enrolment.has(Enrolment.resource_id == wanted.resource))
    if wanted.student is not None:
        conditions.append(PracticeLog.student_id == wanted.student)
    if wanted.competency:
        conditions.append(PracticeLog.competencies.any(Competency.code == wanted.competency))
    if wanted.text:
        conditions.append(_says(wanted.text))
    return conditions


def _says(text: str) -> ColumnElement[bool]:
    """What was done, the training's title, or the student's name has this in it."""

    def has(*columns: object) -> ColumnElement[bool]:
        return or_(*(column.icontains(text, autoescape=True) for column in columns))  # type: ignore[attr-defined]

    titled = TrainingResource.title, TrainingResource.title_en
    return or_(
        has(PracticeLog.done),
        PracticeLog.enrolment.has(Enrolment.resource.has(has(*titled))),
        PracticeLog.student.has(Student.user.has(has(User.name, User.name_latin))),
    )


@resources.tells_practised_days
def practised_days(resource_id: int) -> tuple[date, date] | None:
    """The first and the last day of logs that were ever sent: those that came back must stay within the dates too."""
    query = (
        select(func.min(PracticeLog.day), func.max(PracticeLog.day))
        .join(PracticeLog.enrolment)
        .where(and_(Enrolment.resource_id == resource_id, PracticeLog.state != LogState.DRAFT))
    )
    first, last = db.session.execute(query).one()
    return (first, last) if first and last else None
