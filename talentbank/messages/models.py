"""What a student and an enterprise write to each other about a position."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column, relationship

from talentbank.accounts.models import User
from talentbank.competencies.models import Student
from talentbank.deposits.models import Position
from talentbank.extensions import Model


class Message(Model):
    """One message. A thread is all messages of a student about a position; never changed once sent."""

    __tablename__ = "message"
    __table_args__ = (Index("ix_message_thread", "position_id", "student_id", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    position_id: Mapped[int] = mapped_column(ForeignKey("position.id"))
    student_id: Mapped[int] = mapped_column(ForeignKey("student.id"), index=True)
    author_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    from_student: Mapped[bool]
    words: Mapped[str]
    at: Mapped[datetime] = mapped_column(index=True)
    read_at: Mapped[datetime | None]

    position: Mapped[Position] = relationship(lazy="raise")
    student: Mapped[Student] = relationship(lazy="raise")
    author: Mapped[User] = relationship(lazy="raise")
