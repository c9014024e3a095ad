"""Rounds, their frozen snapshots and runs, the pairs and prices of a run, and the offers that go out."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from talentbank.competencies.models import Student
from talentbank.deposits.models import Position
from talentbank.extensions import Model, now


class RoundState(StrEnum):
    """draft → solved → published; cancelled from any state before published."""

    DRAFT = "draft"
    SOLVED = "solved"
    PUBLISHED = "published"
    CANCELLED = "cancelled"


class Objective(StrEnum):
    """What a run maximises (DESIGN.md, section 4)."""

    SCORE = "score"
    PLACEMENTS = "placements"


class MustHaveOn(StrEnum):
    """The level on which must-haves are tested."""

    CLAIMED = "claimed"
    VERIFIED = "verified"


class Round(Model):
    """One run of the market by the chamber, with its policy. version counts its changes.

    seed is what the draw between equally good matchings hangs on; rounds made before there was one have "".
    """

    __tablename__ = "round"
    __table_args__ = (
        CheckConstraint("trust BETWEEN 0 AND 1", name="trust"),
        CheckConstraint("min_score BETWEEN 0 AND 1", name="min_score"),
        CheckConstraint("offer_days >= 1", name="offer_days"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    state: Mapped[RoundState] = mapped_column(index=True)
    objective: Mapped[Objective]
    trust: Mapped[float]
    min_score: Mapped[float]
    must_have_on: Mapped[MustHaveOn]
    offer_days: Mapped[int]
    seed: Mapped[str] = mapped_column(String(32))
    version: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[datetime]
    published_at: Mapped[datetime | None]

    @property
    def policy(self) -> dict[str, Any]:
        """What decides the result, beside the snapshot's people and positions."""
        return {
            "objective": self.objective.value,
            "trust": self.trust,
            "min_score": self.min_score,
            "must_have_on": self.must_have_on.value,
            "seed": self.seed,
        }


class Run(Model):
    """One solve of a frozen snapshot: the snapshot as canonical JSON with its SHA-256, and the totals."""

    __tablename__ = "run"

    id: Mapped[int] = mapped_column(primary_key=True)
    round_id: Mapped[int] = mapped_column(ForeignKey("round.id"), index=True)
    made_at: Mapped[datetime]
    made_by: Mapped[str]
    snapshot: Mapped[str] = mapped_column(Text, deferred=True)
    digest: Mapped[str]
    students: Mapped[int]
    positions: Mapped[int]
    seats: Mapped[int]
    eligible_pairs: Mapped[int]
    matched: Mapped[int]
    total_score: Mapped[float]
    bonus: Mapped[float]
    certificate: Mapped[float]
    seconds: Mapped[float]

    round: Mapped[Round] = relationship(lazy="raise")


class MatchedPair(Model):
    """A student and a position that a run pairs; surplus in units of the objective."""

    __tablename__ = "matched_pair"

    run_id: Mapped[int] = mapped_column(ForeignKey("run.id", ondelete="CASCADE"), primary_key=True)
    student_id: Mapped[int] = mapped_column(ForeignKey("student.id"), primary_key=True)
    position_id: Mapped[int] = mapped_column(ForeignKey("position.id"), index=True)
    score: Mapped[float]
    fit: Mapped[float]
    surplus: Mapped[float]

    student: Mapped[Student] = relationship(lazy="raise")
    position: Mapped[Position] = relationship(lazy="raise")


class PositionOutcome(Model):
    """What a run did with a position's seats, and the price of one more there."""

    __tablename__ = "position_outcome"

    run_id: Mapped[int] = mapped_column(ForeignKey("run.id", ondelete="CASCADE"), primary_key=True)
    position_id: Mapped[int] = mapped_column(ForeignKey("position.id"), primary_key=True)
    seats: Mapped[int]
    filled: Mapped[int]
    price: Mapped[float]
    eligible: Mapped[int]

    position: Mapped[Position] = relationship(lazy="raise")


class OfferState(StrEnum):
    """What is stored; an open offer past its deadline has lapsed, without anybody having to say so."""

    OPEN = "open"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    LAPSED = "lapsed"


class Offer(Model):
    """A published pair. A student holds at most one offer, open or accepted: the database itself sees to it."""

    __tablename__ = "offer"
    __table_args__ = (
        UniqueConstraint("run_id", "student_id"),
        Index(
            "uq_offer_held_student",
            "student_id",
            unique=True,
            sqlite_where=text("state IN ('open', 'accepted')"),
            postgresql_where=text("state IN ('open', 'accepted')"),
        ),
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
    reason: Mapped[str] = mapped_column(default="")

    run: Mapped[Run] = relationship(lazy="raise")
    student: Mapped[Student] = relationship(lazy="raise")
    position: Mapped[Position] = relationship(lazy="raise")

    @property
    def state(self) -> OfferState:
        """Where the offer stands at this moment."""
        if self.stored_state is OfferState.OPEN and self.deadline <= now():
            return OfferState.LAPSED
        return self.stored_state
