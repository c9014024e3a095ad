"""Placements: accepted offers that started."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column, relationship

from talentbank.extensions import Model
from talentbank.rounds.offers.models import Offer


class Placement(Model):
    """An accepted offer that started, as the enterprise confirmed it."""

    __tablename__ = "placement"

    id: Mapped[int] = mapped_column(primary_key=True)
    offer_id: Mapped[int] = mapped_column(ForeignKey("offer.id"), unique=True)
    student_id: Mapped[int] = mapped_column(ForeignKey("student.id"), index=True)
    started_on: Mapped[date]
    recorded_at: Mapped[datetime]

    offer: Mapped[Offer] = relationship(lazy="raise")
