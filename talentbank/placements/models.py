"""Placements: accepted offers that started, what both sides say of them later, and how they ended."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from talentbank.extensions import Model
from talentbank.permissions import Role
from talentbank.rounds.offers.models import Offer

CHECK_IN_DAYS = (90, 180, 365)
"""After how many days from the first both sides are asked whether the person is still there."""


class EndReason(StrEnum):
    """Why somebody left: the paper's causes first (promotion, pay, housing), then what else happens."""

    PROMOTION = "promotion"
    PAY = "pay"
    HOUSING = "housing"
    WORK = "work"
    TRAINING = "training"
    FAMILY = "family"
    STUDY = "study"
    OTHER_OFFER = "other_offer"
    CONTRACT_ENDED = "contract_ended"
    DISMISSED = "dismissed"
    OTHER = "other"


class Placement(Model):
    """An accepted offer that started, as the enterprise confirmed it. ended_on: the last day, None while it goes on.

    confirmed_at: when the student confirmed the first day. ended_by without ended_on: that side says that it ended
    (end_reason, end_note are its words), the other says later that it goes on; it counts as going on.
    """

    __tablename__ = "placement"

    id: Mapped[int] = mapped_column(primary_key=True)
    offer_id: Mapped[int] = mapped_column(ForeignKey("offer.id"), unique=True)
    student_id: Mapped[int] = mapped_column(ForeignKey("student.id"), index=True)
    started_on: Mapped[date] = mapped_column(index=True)
    recorded_at: Mapped[datetime]
    confirmed_at: Mapped[datetime | None]
    ended_on: Mapped[date | None] = mapped_column(index=True)
    end_reason: Mapped[EndReason | None]
    end_note: Mapped[str] = mapped_column(default="")
    ended_by: Mapped[Role | None]

    offer: Mapped[Offer] = relationship(lazy="raise")

    @property
    def differs(self) -> bool:
        """Whether one side says that it ended and the other that it goes on."""
        return self.ended_on is None and self.ended_by is not None

    def day_due(self, day: date) -> int | None:
        """The check-in for which it is time on a day: the latest of CHECK_IN_DAYS that has passed, None before 90."""
        return max((n for n in CHECK_IN_DAYS if self.started_on + timedelta(days=n) <= day), default=None)


class CheckIn(Model):
    """What one side says of a placement 90, 180 or 365 days after the first. by: the student or the enterprise."""

    __tablename__ = "check_in"
    __table_args__ = (
        UniqueConstraint("placement_id", "day", "by"),
        CheckConstraint("day IN (90, 180, 365)", name="day"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    placement_id: Mapped[int] = mapped_column(ForeignKey("placement.id"), index=True)
    day: Mapped[int]
    by: Mapped[Role]
    still_there: Mapped[bool]
    left_on: Mapped[date | None]
    reason: Mapped[EndReason | None]
    note: Mapped[str] = mapped_column(default="")
    user_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    at: Mapped[datetime]

    placement: Mapped[Placement] = relationship(lazy="raise")
