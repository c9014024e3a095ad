"""What was taken out of the bank: transcripts, Open Badges, and credits withdrawn into a university's record."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from talentbank.accounts.models import Organisation
from talentbank.competencies.models import Competency, Student
from talentbank.extensions import Model
from talentbank.practice.models import Enrolment


class IssuedTranscript(Model):
    """A transcript as it was issued; whoever has its code can check it, until the student takes it back."""

    __tablename__ = "issued_transcript"

    id: Mapped[int] = mapped_column(primary_key=True)
    student_id: Mapped[int] = mapped_column(ForeignKey("student.id"), index=True)
    code: Mapped[str] = mapped_column(String(32), unique=True)
    issued_at: Mapped[datetime]
    content: Mapped[dict[str, Any]]
    digest: Mapped[str] = mapped_column(String(64))
    revoked_at: Mapped[datetime | None]

    student: Mapped[Student] = relationship(lazy="raise")


class CredentialKind(StrEnum):
    """What a credential attests."""

    CREDIT = "credit"
    COMPETENCY = "competency"


class Credential(Model):
    """An Open Badge as it was signed; its id is its place in the status list. What it rests on can be revoked."""

    __tablename__ = "credential"
    __table_args__ = (
        CheckConstraint("(enrolment_id IS NULL) <> (competency_id IS NULL)", name="one_subject"),
        Index(
            "uq_credential_live_credit",
            "student_id",
            "enrolment_id",
            unique=True,
            sqlite_where=text("revoked_at IS NULL"),
            postgresql_where=text("revoked_at IS NULL"),
        ),
        Index(
            "uq_credential_live_competency",
            "student_id",
            "competency_id",
            unique=True,
            sqlite_where=text("revoked_at IS NULL"),
            postgresql_where=text("revoked_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    student_id: Mapped[int] = mapped_column(ForeignKey("student.id"), index=True)
    code: Mapped[str] = mapped_column(String(32), unique=True)
    kind: Mapped[CredentialKind]
    enrolment_id: Mapped[int | None] = mapped_column(ForeignKey("enrolment.id"), index=True)
    competency_id: Mapped[int | None] = mapped_column(ForeignKey("competency.id"), index=True)
    level: Mapped[int | None]
    credit: Mapped[int | None]
    issued_at: Mapped[datetime]
    document: Mapped[dict[str, Any]]
    revoked_at: Mapped[datetime | None]
    reason: Mapped[str] = mapped_column(default="")

    student: Mapped[Student] = relationship(lazy="raise")
    enrolment: Mapped[Enrolment | None] = relationship(lazy="raise")
    competency: Mapped[Competency | None] = relationship(lazy="raise")


class RecordBatch(Model):
    """Withdrawals that a university took into its record together, each of them once."""

    __tablename__ = "record_batch"

    id: Mapped[int] = mapped_column(primary_key=True)
    university_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), index=True)
    made_by: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    made_at: Mapped[datetime]

    university: Mapped[Organisation] = relationship(lazy="raise")
    withdrawals: Mapped[list[Withdrawal]] = relationship(
        lazy="raise", back_populates="batch", order_by="Withdrawal.id"
    )


class Withdrawal(Model):
    """Credits (hundredths) that a student moved to the university's record; cancelled by reversal until exported."""

    __tablename__ = "withdrawal"
    __table_args__ = (CheckConstraint("amount > 0", name="amount"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    student_id: Mapped[int] = mapped_column(ForeignKey("student.id"), index=True)
    university_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), index=True)
    amount: Mapped[int]
    entry_number: Mapped[int] = mapped_column(ForeignKey("ledger_entry.number"), unique=True)
    asked_at: Mapped[datetime]
    cancelled_at: Mapped[datetime | None]
    reason: Mapped[str] = mapped_column(default="")
    batch_id: Mapped[int | None] = mapped_column(ForeignKey("record_batch.id"), index=True)

    student: Mapped[Student] = relationship(lazy="raise")
    batch: Mapped[RecordBatch | None] = relationship(lazy="raise", back_populates="withdrawals")
