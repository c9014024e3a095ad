"""Reads of a student's credits, of what was issued, and of what a university takes into its record."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, String, and_, case, cast, func, literal, or_, select
from sqlalchemy.orm import aliased, joinedload
from sqlalchemy.orm.interfaces import ORMOption

from talentbank.accounts.models import User
from talentbank.competencies.models import Competency, Student, StudentLevel
from talentbank.credentials.models import Credential, IssuedTranscript, RecordBatch, Withdrawal
from talentbank.deposits.resources.models import TrainingResource
from talentbank.engine.ledger import EntryKind
from talentbank.errors import NotFound
from talentbank.extensions import Pagination, db
from talentbank.extensions import lazy_gettext as _l
from talentbank.ledger.models import LedgerAccount, LedgerEntry, LedgerPosting
from talentbank.permissions import Actor, Role
from talentbank.practice.models import PROVEN, Enrolment, LogCompetency, LogEvent, LogState, PracticeLog
from talentbank.practice.verification import levels

PER_PAGE = 25


def students_seen_by(actor: Actor) -> ColumnElement[bool]:
    """Whose credits an actor may read: a student's own, or those of the university's students."""
    if actor.role is Role.UNIVERSITY:
        return Student.university_id == actor.organisation_id
    return Student.user_id == (actor.user_id if actor.role is Role.STUDENT else None)


def student(actor: Actor, student_id: int | None = None) -> Student:
    """A student with person and university, the actor's own profile if none is named.

    Raises NotFound unless it is there and the actor may read its credits.
    """
    query = select(Student).where(students_seen_by(actor))
    if student_id is not None or actor.role is not Role.STUDENT:
        query = query.where(Student.id == student_id)
    found = db.session.scalar(query.options(joinedload(Student.user), joinedload(Student.university)))
    if found is None:
        raise NotFound(_l("There is no such student, or not at your university."))
    return found


def own_student(actor: Actor) -> Student | None:
    """The actor's own profile, if there is one."""
    query = select(Student).where(Student.user_id == actor.user_id)
    return db.session.scalar(query.options(joinedload(Student.user), joinedload(Student.university)))


@dataclass(frozen=True, slots=True)
class Practised:
    """What a student did on one enrolment, as it stands: of all verified logs the days and minutes; of those that are
    confirmed the number, the minutes and the credit in hundredths. The enrolment comes with resource and owner."""

    enrolment: Enrolment
    begins: date
    ends: date
    minutes: int
    confirmed: int
    confirmed_minutes: int
    credit: int


def practised(student_id: int) -> list[Practised]:
    """All verified practice of a student by enrolment, in the order in which it began."""
    log, is_confirmed = PracticeLog, PracticeLog.state == LogState.CONFIRMED

    def of_confirmed(value: Any) -> ColumnElement[int]:
        return func.coalesce(func.sum(case((is_confirmed, value), else_=0)), 0)

    figures = select(log.enrolment_id, func.min(log.day), func.max(log.day), func.sum(log.minutes)).add_columns(
        of_confirmed(1), of_confirmed(log.minutes), of_confirmed(func.coalesce(log.credit, 0))
    )
    rows = db.session.execute(
        figures.where(log.student_id == student_id, log.state.in_(PROVEN)).group_by(log.enrolment_id)
    ).all()
    enrolments = select(Enrolment).where(Enrolment.id.in_([row[0] for row in rows]))
    owner = joinedload(Enrolment.resource).joinedload(TrainingResource.owner)
    by_id = {enrolment.id: enrolment for enrolment in db.session.scalars(enrolments.options(owner))}
    found = [Practised(by_id[enrolment_id], *rest) for enrolment_id, *rest in rows]
    return sorted(found, key=lambda row: (row.begins, row.ends, row.enrolment.id))


def verified_levels(student_id: int) -> list[StudentLevel]:
    """A student's verified levels above 0 with their competencies, in the catalogue's order."""
    query = select(StudentLevel).join(StudentLevel.competency)
    query = query.where(StudentLevel.student_id == student_id, StudentLevel.verified > 0)
    return list(db.session.scalars(query.options(joinedload(StudentLevel.competency)).order_by(Competency.place)))


@dataclass(frozen=True, slots=True)
class Reached:
    """A competency, the level that a student's verified practice has reached in it, and what stands behind that."""

    competency: Competency
    level: int
    shares: Sequence[levels.EnrolmentShare]


def reached(student_id: int) -> list[Reached]:
    """Competencies in which a student's practice has reached a level, in the catalogue's order."""
    behind = {code: shares for code, shares in levels.behind(student_id).items() if shares[0].level}
    query = select(Competency).where(Competency.code.in_(behind)).order_by(Competency.place)
    return [Reached(row, behind[row.code][0].level, behind[row.code]) for row in db.session.scalars(query)]


def whole_credential() -> tuple[ORMOption, ...]:
    """Load credentials with what they are about and whose they are, in one query for any number."""
    resource = joinedload(Credential.enrolment).joinedload(Enrolment.resource)
    owner = resource.joinedload(TrainingResource.owner)
    return (owner, joinedload(Credential.competency), joinedload(Credential.student).joinedload(Student.user))


def transcripts_of(student_id: int) -> list[IssuedTranscript]:
    """A student's transcripts, the newest first."""
    query = select(IssuedTranscript).where(IssuedTranscript.student_id == student_id)
    return list(db.session.scalars(query.order_by(IssuedTranscript.id.desc())))


def credentials_of(student_id: int) -> list[Credential]:
    """A student's credentials, the newest first."""
    query = select(Credential).where(Credential.student_id == student_id).options(*whole_credential())
    return list(db.session.scalars(query.order_by(Credential.id.desc())))


def withdrawals_of(student_id: int) -> list[Withdrawal]:
    """A student's withdrawals with their batches, the newest first."""
    query = select(Withdrawal).where(Withdrawal.student_id == student_id).options(joinedload(Withdrawal.batch))
    return list(db.session.scalars(query.order_by(Withdrawal.id.desc())))


def transcript(actor: Actor, code: str) -> IssuedTranscript:
    """A transcript of the actor's own or of a student of the university. Raises NotFound."""
    seen = IssuedTranscript.student.has(students_seen_by(actor))
    found = db.session.scalar(select(IssuedTranscript).where(IssuedTranscript.code == code, seen))
    if found is None:
        raise NotFound(_l("There is no such transcript, or it is not yours to see."))
    return found


def newest_transcript(student_id: int, since: datetime) -> IssuedTranscript | None:
    """The transcript that a student had issued last, if that was since a moment and it was not taken back."""
    query = select(IssuedTranscript).where(
        IssuedTranscript.student_id == student_id, IssuedTranscript.issued_at > since
    )
    found = db.session.scalar(query.order_by(IssuedTranscript.id.desc()).limit(1))
    return None if found is None or found.revoked_at else found


def transcript_by_code(code: str) -> IssuedTranscript | None:
    """The transcript with this code, for whoever has it."""
    return db.session.scalar(select(IssuedTranscript).where(IssuedTranscript.code == code))


def credential_by_code(code: str) -> Credential | None:
    """The credential with this code, whole, for whoever has it."""
    return db.session.scalar(select(Credential).where(Credential.code == code).options(*whole_credential()))


def any_credential() -> bool:
    """Whether any credential was ever signed."""
    return db.session.scalar(select(Credential.id).limit(1)) is not None


def status_of(first: int, last: int) -> tuple[bool, set[int]]:
    """Whether there is any credential with an id of this span (or a later one), and the ids that are revoked."""
    revoked = select(Credential.id).where(Credential.id.between(first, last), Credential.revoked_at.is_not(None))
    newest = db.session.scalar(select(func.max(Credential.id))) or 0
    return newest >= first, set(db.session.scalars(revoked))


def attested_resource(resource_id: int) -> TrainingResource | None:
    """A resource with its owner, if a credential was ever issued for it."""
    issued = select(Credential.id).where(Credential.enrolment.has(Enrolment.resource_id == resource_id))
    query = select(TrainingResource).where(TrainingResource.id == resource_id, issued.exists())
    return db.session.scalar(query.options(joinedload(TrainingResource.owner)))


def attested_competency(code: str) -> Competency | None:
    """A competency, if a credential was ever issued for it."""
    issued = select(Credential.id).where(Credential.competency_id == Competency.id)
    return db.session.scalar(select(Competency).where(Competency.code == code, issued.exists()))


def taken_back_since(
    student_id: int, since: datetime, states: Collection[LogState], *, of: ColumnElement[bool] | None = None
) -> bool:
    """Whether any log that stood in one of these states at a moment has been reversed since.

    of: a condition on PracticeLog that narrows the student's logs.
    """
    event, later = LogEvent, aliased(LogEvent)
    reversed_since = select(later.id).where(
        later.log_id == PracticeLog.id, later.state == LogState.REVERSED, later.at > since
    )
    query = select(event.log_id, event.state).join(PracticeLog, PracticeLog.id == event.log_id)
    query = query.where(PracticeLog.student_id == student_id, event.at <= since, reversed_since.exists())
    if of is not None:
        query = query.where(of)
    stood = {}
    for log_id, state in db.session.execute(query.order_by(event.id)):
        stood[log_id] = state
    return any(state in states for state in stood.values())


def names_competency(competency_id: int) -> ColumnElement[bool]:
    """Logs that say that a competency was practised."""
    named = select(LogCompetency.log_id).where(LogCompetency.competency_id == competency_id)
    return PracticeLog.id.in_(named)


def logs_behind() -> ColumnElement[int]:
    """How many logs had paid a student when a withdrawal was made, as a column beside Withdrawal.

    It comes out of the ledger, which nobody changes, so it is the same whenever it is asked.
    """
    taken_back = aliased(LedgerEntry)
    earlier = (
        select(taken_back.number)
        .where(taken_back.reverses == LedgerEntry.number, taken_back.number < Withdrawal.entry_number)
        .correlate(LedgerEntry, Withdrawal)
    )
    return (
        select(func.count())
        .select_from(LedgerEntry)
        .join(LedgerPosting, LedgerPosting.entry_number == LedgerEntry.number)
        .join(LedgerAccount, LedgerAccount.id == LedgerPosting.account_id)
        .where(
            LedgerAccount.owner == literal("student:") + cast(Withdrawal.student_id, String),
            LedgerEntry.kind == EntryKind.PAYMENT,
            LedgerEntry.number < Withdrawal.entry_number,
            ~earlier.exists(),
        )
        .correlate(Withdrawal)
        .scalar_subquery()
    )


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """A withdrawal with its student, the number of logs that had paid the student by then, and its entry's digest."""

    withdrawal: Withdrawal
    logs: int
    digest: str


def waiting(university_id: int) -> list[Withdrawn]:
    """What was withdrawn into a university's record and is in no batch yet, the oldest first."""
    return _withdrawn(
        Withdrawal.university_id == university_id, Withdrawal.batch_id.is_(None), Withdrawal.cancelled_at.is_(None)
    )


def withdrawn_in(batch_id: int) -> list[Withdrawn]:
    """What a batch holds, the oldest first."""
    return _withdrawn(Withdrawal.batch_id == batch_id)


def _withdrawn(*conditions: ColumnElement[bool]) -> list[Withdrawn]:
    query = select(Withdrawal, logs_behind(), LedgerEntry.digest).join(
        LedgerEntry, LedgerEntry.number == Withdrawal.entry_number
    )
    student_ = joinedload(Withdrawal.student).joinedload(Student.user)
    rows = db.session.execute(query.where(*conditions).options(student_).order_by(Withdrawal.id))
    return [Withdrawn(*row) for row in rows]


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch, who made it, how many withdrawals it holds and what they come to, in hundredths."""

    batch: RecordBatch
    made_by: User | None
    withdrawals: int
    amount: int


def batches(university_id: int) -> list[Batch]:
    """A university's batches, the newest first."""
    query = (
        select(RecordBatch, User, func.count(Withdrawal.id), func.sum(Withdrawal.amount))
        .join(Withdrawal, Withdrawal.batch_id == RecordBatch.id)
        .outerjoin(User, User.id == RecordBatch.made_by)
        .where(RecordBatch.university_id == university_id)
        .group_by(RecordBatch.id, User.id)
        .order_by(RecordBatch.id.desc())
    )
    return [Batch(*row) for row in db.session.execute(query)]


def batch(actor: Actor, batch_id: int) -> RecordBatch:
    """A batch of the actor's university. Raises NotFound."""
    found = db.session.scalar(
        select(RecordBatch).where(RecordBatch.id == batch_id, RecordBatch.university_id == actor.organisation_id)
    )
    if found is None:
        raise NotFound(_l("There is no such export of your university."))
    return found


def holders(university_id: int, text: str, page: int) -> tuple[Pagination, dict[int, LedgerAccount]]:
    """A page of a university's students who ever earned a credit, by name, and their accounts by the student's id."""
    owner = literal("student:") + cast(Student.id, String)
    query = (
        select(Student)
        .join(Student.user)
        .join(LedgerAccount, LedgerAccount.owner == owner)
        .where(Student.university_id == university_id)
        .options(joinedload(Student.user))
        .order_by(User.name, Student.id)
    )
    if text:
        named = (User.name.icontains(text, autoescape=True), User.name_latin.icontains(text, autoescape=True))
        query = query.where(or_(*named))
    found = db.paginate(query, page=page, per_page=PER_PAGE, error_out=False)
    return found, _accounts(student.id for student in found.items)


def _accounts(student_ids: Iterable[int]) -> dict[int, LedgerAccount]:
    owners = {f"student:{id_}": id_ for id_ in student_ids}
    rows = db.session.scalars(select(LedgerAccount).where(LedgerAccount.owner.in_(owners)))
    return {owners[account.owner]: account for account in rows}


def live_credential(student_id: int, subject: ColumnElement[bool]) -> Credential | None:
    """The credential of a student about a subject (a condition on Credential) that nobody has revoked."""
    query = select(Credential).where(and_(Credential.student_id == student_id, subject))
    return db.session.scalar(query.where(Credential.revoked_at.is_(None)))
