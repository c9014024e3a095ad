"""What happens on training resources: enrolments, agreements, logs with their evidence, statements, and the rules."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship, validates

from talentbank.accounts.models import User
from talentbank.competencies.models import Competency, Student
from talentbank.deposits.resources.models import TrainingResource
from talentbank.extensions import SHANGHAI, Model
from talentbank.permissions import Role
from talentbank.practice.evidence import Kind


class PracticeRules(Model):
    """What a university asks of its students' practice; cap in hundredths of a credit, None for no cap.

    A university that has set nothing has the defaults: 16 hours a credit, 8 hours a day, 40 a week, no night work
    (22:00 to 6:00), no fees. recognised: it counts practice credits as its own.
    """

    __tablename__ = "practice_rules"
    __table_args__ = (
        CheckConstraint("hours_per_credit BETWEEN 1 AND 200", name="hours_per_credit"),
        CheckConstraint("hours_a_day BETWEEN 1 AND 24", name="hours_a_day"),
        CheckConstraint("hours_a_week BETWEEN 1 AND 168", name="hours_a_week"),
        CheckConstraint("cap_a_term >= 0", name="cap_a_term"),
    )

    university_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), primary_key=True)
    hours_per_credit: Mapped[int] = mapped_column(default=16)
    cap_a_term: Mapped[int | None]
    hours_a_day: Mapped[int] = mapped_column(default=8)
    hours_a_week: Mapped[int] = mapped_column(default=40)
    night_work: Mapped[bool] = mapped_column(default=False)
    fees: Mapped[bool] = mapped_column(default=False)
    recognised: Mapped[bool] = mapped_column(default=False)
    version: Mapped[int] = mapped_column(default=0)


class EnrolmentState(StrEnum):
    """asked → waiting → accepted → finished; refused by the supervisor, or left by the student."""

    ASKED = "asked"
    WAITING = "waiting"
    ACCEPTED = "accepted"
    FINISHED = "finished"
    REFUSED = "refused"
    LEFT = "left"


STANDING = (EnrolmentState.ASKED, EnrolmentState.WAITING, EnrolmentState.ACCEPTED, EnrolmentState.FINISHED)
"""A student has at most one enrolment of these on a resource: the database itself sees to it."""
_STANDING = text("state IN ('asked', 'waiting', 'accepted', 'finished')")


class Enrolment(Model):
    """A student on a resource. asked_at orders the waiting list; decided_at of a finished one is its end."""

    __tablename__ = "enrolment"
    __table_args__ = (
        Index(
            "uq_enrolment_standing",
            "resource_id",
            "student_id",
            unique=True,
            sqlite_where=_STANDING,
            postgresql_where=_STANDING,
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    resource_id: Mapped[int] = mapped_column(ForeignKey("training_resource.id"), index=True)
    student_id: Mapped[int] = mapped_column(ForeignKey("student.id"), index=True)
    state: Mapped[EnrolmentState] = mapped_column(index=True)
    message: Mapped[str] = mapped_column(default="")
    asked_at: Mapped[datetime]
    decided_at: Mapped[datetime | None]
    reason: Mapped[str] = mapped_column(default="")

    resource: Mapped[TrainingResource] = relationship(lazy="raise")
    student: Mapped[Student] = relationship(lazy="raise")
    agreement: Mapped[Agreement | None] = relationship(lazy="raise", back_populates="enrolment")
    statement: Mapped[EndStatement | None] = relationship(lazy="raise", back_populates="enrolment")
    logs: Mapped[list[PracticeLog]] = relationship(lazy="raise", back_populates="enrolment")


class Agreement(Model):
    """The three-party agreement of an internship: in force from the moment of the third signature.

    first_in_force_on: Meishan's date of the first time that all three had signed. It stays when changed terms are
    proposed: until these are signed, what was signed before holds.
    """

    __tablename__ = "agreement"

    enrolment_id: Mapped[int] = mapped_column(ForeignKey("enrolment.id"), primary_key=True)
    terms: Mapped[str]
    digest: Mapped[str] = mapped_column(String(64))
    proposed_at: Mapped[datetime]
    student_signed_at: Mapped[datetime | None]
    university_signed_at: Mapped[datetime | None]
    host_signed_at: Mapped[datetime | None]
    student_signer_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
    university_signer_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
    host_signer_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
    first_in_force_on: Mapped[date | None]

    enrolment: Mapped[Enrolment] = relationship(lazy="raise", back_populates="agreement")

    @property
    def in_force_since(self) -> datetime | None:
        """When the last of the three signed these terms; None while one is missing."""
        return _last_of([self.student_signed_at, self.university_signed_at, self.host_signed_at])

    @validates("student_signed_at", "university_signed_at", "host_signed_at")
    def _keep_first(self, signing: str, at: datetime | None) -> datetime | None:
        """Whoever writes the third signature, the first day in force is written with it."""
        names = ("student_signed_at", "university_signed_at", "host_signed_at")
        since = _last_of([at if name == signing else getattr(self, name) for name in names])
        if since is not None and self.first_in_force_on is None:
            self.first_in_force_on = since.astimezone(SHANGHAI).date()
        return at


def _last_of(moments: list[datetime | None]) -> datetime | None:
    """The last of the moments; None while one is missing."""
    return None if None in moments else max(moment for moment in moments if moment)


class LogState(StrEnum):
    """draft → submitted → verified → confirmed. Sent back, rejected and reversed logs can be mended and sent again.

    declined: verified, but the university does not count it as credit.
    """

    DRAFT = "draft"
    SUBMITTED = "submitted"
    SENT_BACK = "sent_back"
    REJECTED = "rejected"
    VERIFIED = "verified"
    CONFIRMED = "confirmed"
    DECLINED = "declined"
    REVERSED = "reversed"


MENDABLE = (LogState.DRAFT, LogState.SENT_BACK, LogState.REJECTED, LogState.REVERSED)
"""Logs that are with the student."""
COUNTED = (LogState.SUBMITTED, LogState.VERIFIED, LogState.CONFIRMED, LogState.DECLINED)
"""Logs whose hours stand: no others of the student may overlap them."""
PROVEN = (LogState.VERIFIED, LogState.CONFIRMED, LogState.DECLINED)
"""Logs that a supervisor verified and nobody took back: levels rest on these."""


class PracticeLog(Model):
    """One stretch of practice on one day; starts and ends in minutes after midnight in Meishan, if they were said.

    credit (hundredths) and rate (hours a credit) are what the university confirmed; entry_number the payment.
    """

    __tablename__ = "practice_log"
    __table_args__ = (
        CheckConstraint("minutes BETWEEN 1 AND 1440", name="minutes"),
        CheckConstraint("(starts IS NULL) = (ends IS NULL)", name="both_ends"),
        CheckConstraint("starts IS NULL OR (starts >= 0 AND ends > starts AND ends <= 1440)", name="ends"),
        Index("ix_practice_log_student_id_day", "student_id", "day"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    enrolment_id: Mapped[int] = mapped_column(ForeignKey("enrolment.id"), index=True)
    student_id: Mapped[int] = mapped_column(ForeignKey("student.id"))
    day: Mapped[date]
    starts: Mapped[int | None]
    ends: Mapped[int | None]
    minutes: Mapped[int]
    done: Mapped[str]
    late_reason: Mapped[str] = mapped_column(default="")
    state: Mapped[LogState] = mapped_column(index=True)
    reason: Mapped[str] = mapped_column(default="")
    submitted_at: Mapped[datetime | None] = mapped_column(index=True)
    verified_at: Mapped[datetime | None]
    verified_by: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
    confirmed_at: Mapped[datetime | None]
    confirmed_by: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
    credit: Mapped[int | None]
    rate: Mapped[int | None]
    entry_number: Mapped[int | None] = mapped_column(ForeignKey("ledger_entry.number"))
    created_at: Mapped[datetime]
    changed_at: Mapped[datetime]
    version: Mapped[int] = mapped_column(default=1)

    enrolment: Mapped[Enrolment] = relationship(lazy="raise", back_populates="logs")
    student: Mapped[Student] = relationship(lazy="raise")
    competencies: Mapped[list[Competency]] = relationship(
        lazy="raise", secondary="log_competency", order_by="Competency.place"
    )
    evidence: Mapped[list[Evidence]] = relationship(lazy="raise", order_by="Evidence.id", back_populates="log")
    events: Mapped[list[LogEvent]] = relationship(lazy="raise", order_by="LogEvent.id")
    chases: Mapped[list[Chase]] = relationship(lazy="raise", order_by="Chase.id")


class LogCompetency(Model):
    """A competency that a log says was practised."""

    __tablename__ = "log_competency"

    log_id: Mapped[int] = mapped_column(ForeignKey("practice_log.id", ondelete="CASCADE"), primary_key=True)
    competency_id: Mapped[int] = mapped_column(ForeignKey("competency.id"), primary_key=True, index=True)


class Evidence(Model):
    """A file that stands behind a log; its content is in the store, under key."""

    __tablename__ = "evidence"
    __table_args__ = (UniqueConstraint("log_id", "digest"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    log_id: Mapped[int] = mapped_column(ForeignKey("practice_log.id"), index=True)
    name: Mapped[str]
    kind: Mapped[Kind]
    size: Mapped[int]
    digest: Mapped[str] = mapped_column(String(64))
    key: Mapped[str] = mapped_column(String(32), unique=True)
    added_at: Mapped[datetime]

    log: Mapped[PracticeLog] = relationship(lazy="raise", back_populates="evidence")


class LogEvent(Model):
    """A step of a log, for those who may see the log: append-only."""

    __tablename__ = "log_event"

    id: Mapped[int] = mapped_column(primary_key=True)
    log_id: Mapped[int] = mapped_column(ForeignKey("practice_log.id", ondelete="CASCADE"), index=True)
    at: Mapped[datetime]
    user_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
    role: Mapped[Role]
    state: Mapped[LogState]
    reason: Mapped[str] = mapped_column(default="")

    user: Mapped[User | None] = relationship(lazy="raise")


class Chase(Model):
    """A reminder to the supervisor of a log that waits too long."""

    __tablename__ = "chase"

    id: Mapped[int] = mapped_column(primary_key=True)
    log_id: Mapped[int] = mapped_column(ForeignKey("practice_log.id", ondelete="CASCADE"), index=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"), index=True)
    at: Mapped[datetime]


class StatementAnswer(StrEnum):
    """What the student says of the supervisor's statement."""

    AGREED = "agreed"
    DISAGREED = "disagreed"


class EndStatement(Model):
    """What was really done, in the supervisor's words, and whether the student agrees."""

    __tablename__ = "end_statement"

    enrolment_id: Mapped[int] = mapped_column(ForeignKey("enrolment.id"), primary_key=True)
    words: Mapped[str]
    written_by: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    written_at: Mapped[datetime]
    answer: Mapped[StatementAnswer | None]
    comment: Mapped[str] = mapped_column(default="")
    answered_at: Mapped[datetime | None]

    enrolment: Mapped[Enrolment] = relationship(lazy="raise", back_populates="statement")
