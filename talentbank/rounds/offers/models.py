"""The offers of a published round."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from sqlalchemy import ForeignKey, Index, UniqueConstraint, select, text
from sqlalchemy.orm import Mapped, column_property, mapped_column, relationship

from talentbank.competencies.models import Student
from talentbank.deposits.models import Position
from talentbank.extensions import Model, now
from talentbank.rounds.models import RoundStudent
from talentbank.rounds.runs.models import Run


class OfferState(StrEnum):
    """What is stored; an open offer past its deadline has lapsed, without anybody having to say so."""

    OPEN = "open"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    LAPSED = "lapsed"


class DeclineReason(StrEnum):
    """Why somebody declines: what enterprises and the zone can do something about, and what they can't."""

    PAY = "pay"
    HOUSING = "housing"
    CITY = "city"
    WORK = "work"
    PROSPECTS = "prospects"
    OTHER_OFFER = "other_offer"
    STUDY = "study"
    OTHER = "other"


_HELD = text("state IN ('open', 'accepted') AND released_at IS NULL")


class Offer(Model):
    """A published pair. A student holds at most one offer, open or accepted: the database itself sees to it.

    released_at: when an accepted offer let go of the student and the seat, because the placement ended.
    """

    __tablename__ = "offer"
    __table_args__ = (
        UniqueConstraint("run_id", "student_id"),
        Index("uq_offer_held_student", "student_id", unique=True, sqlite_where=_HELD, postgresql_where=_HELD),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    run_id: Mapped[int] = mapped_column(ForeignKey("run.id"), index=True)
    student_id: Mapped[int] = mapped_column(ForeignKey("student.id"), index=True)
    position_id: Mapped[int] = mapped_column(ForeignKey("position.id"), index=True)
    stored_state: Mapped[OfferState] = mapped_column("state", index=True)
    score: Mapped[float]
    deadline: Mapped[datetime]
    made_at: Mapped[datetime]
    answered_at: Mapped[datetime | None]
    declined_for: Mapped[DeclineReason | None]
    released_at: Mapped[datetime | None]
    reason: Mapped[str] = mapped_column(default="")

    if TYPE_CHECKING:
        number: Mapped[int | None]
        """By which enterprises know the candidate of a blind round."""

    run: Mapped[Run] = relationship(lazy="raise")
    student: Mapped[Student] = relationship(lazy="raise")
    position: Mapped[Position] = relationship(lazy="raise")

    @property
    def state(self) -> OfferState:
        """Where the offer stands at this moment."""
        if self.stored_state is OfferState.OPEN and self.deadline <= now():
            return OfferState.LAPSED
        return self.stored_state

    @property
    def names_student(self) -> bool:
        """Whether the enterprise may know who it is: the round was not blind, or the offer is accepted."""
        return not self.run.round.blind or self.stored_state is OfferState.ACCEPTED


Offer.number = column_property(
    select(RoundStudent.number)
    .join(Run, Run.round_id == RoundStudent.round_id)
    .where(Run.id == Offer.run_id, RoundStudent.student_id == Offer.student_id)
    .correlate_except(RoundStudent, Run)
    .scalar_subquery()
)
