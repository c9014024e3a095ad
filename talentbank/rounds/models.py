"""Rounds, who and what is in them, what both sides prefer, and the frozen snapshots."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any, Self

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from talentbank.accounts.models import User
from talentbank.competencies.models import Student
from talentbank.deposits.models import Position
from talentbank.extensions import Model, now
from talentbank.rounds.snapshot import Snapshot


class RoundState(StrEnum):
    """draft → open → frozen → solved → published → closed; cancelled from any state before published."""

    DRAFT = "draft"
    OPEN = "open"
    FROZEN = "frozen"
    SOLVED = "solved"
    PUBLISHED = "published"
    CLOSED = "closed"
    CANCELLED = "cancelled"


LIVE = (RoundState.OPEN, RoundState.FROZEN, RoundState.SOLVED)
"""While a round is in one of these, who and what is in it is in no other. After publication offers hold the seats."""

BEFORE_PUBLICATION = (RoundState.DRAFT, *LIVE)
"""The states from which a round can be cancelled."""


class Objective(StrEnum):
    """What a run maximises (DESIGN.md, section 4)."""

    SCORE = "score"
    PLACEMENTS = "placements"


class MustHaveOn(StrEnum):
    """The level on which must-haves are tested."""

    CLAIMED = "claimed"
    VERIFIED = "verified"


class Round(Model):
    """One market held by the chamber, with the policy that its runs begin from. version counts its changes.

    weight_fit, weight_student, weight_enterprise are a, b, c of DESIGN.md section 4, trust is v. closes_at: until
    when both sides may say what they prefer. blind: enterprises see no name and contact until an offer is accepted.
    seed is what the draw between equally good matchings hangs on; rounds made before there was one have "". told_at:
    when those without an offer were told; from then on the selected run stands. officer: who answers appeals.
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
    weight_fit: Mapped[float] = mapped_column(default=1.0)
    weight_student: Mapped[float] = mapped_column(default=0.0)
    weight_enterprise: Mapped[float] = mapped_column(default=0.0)
    most_ranked: Mapped[int] = mapped_column(default=10)
    blind: Mapped[bool] = mapped_column(default=True)
    offer_days: Mapped[int]
    seed: Mapped[str] = mapped_column(String(32))
    officer_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
    previous_id: Mapped[int | None] = mapped_column(ForeignKey("round.id"))
    selected_run_id: Mapped[int | None]  # no foreign key: neither rounds nor runs could go first
    version: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[datetime]
    opened_at: Mapped[datetime | None]
    closes_at: Mapped[datetime | None]
    frozen_at: Mapped[datetime | None]
    told_at: Mapped[datetime | None]
    published_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]

    officer: Mapped[User | None] = relationship(lazy="raise")

    @property
    def takes_preferences(self) -> bool:
        """Whether both sides may say at this moment what they prefer."""
        return self.state is RoundState.OPEN and (self.closes_at is None or self.closes_at > now())

    @property
    def policy(self) -> dict[str, Any]:
        """What its runs begin from, beside the snapshot's people and positions."""
        return {
            "objective": self.objective.value,
            "trust": self.trust,
            "min_score": self.min_score,
            "must_have_on": self.must_have_on.value,
            "weights": [self.weight_fit, self.weight_student, self.weight_enterprise],
            "seed": self.seed,
        }


class StoredSnapshot(Model):
    """What a round froze: people, positions, preferences and policy as canonical JSON, with its SHA-256."""

    __tablename__ = "snapshot"

    id: Mapped[int] = mapped_column(primary_key=True)
    round_id: Mapped[int] = mapped_column(ForeignKey("round.id"), index=True)
    made_at: Mapped[datetime]
    made_by: Mapped[str]
    text: Mapped[str] = mapped_column(Text, deferred=True)
    digest: Mapped[str] = mapped_column(String(64))
    students: Mapped[int]
    positions: Mapped[int]
    seats: Mapped[int]

    @classmethod
    def of(cls, round_id: int, snapshot: Snapshot, at: datetime, by: str) -> Self:
        """A snapshot as it is stored; by: the name of who froze it."""
        return cls(
            round_id=round_id,
            made_at=at,
            made_by=by,
            text=snapshot.text,
            digest=snapshot.digest,
            students=len(snapshot.candidates),
            positions=len(snapshot.openings),
            seats=snapshot.seats,
        )


class Others(StrEnum):
    """What a student says about the positions that it neither ranked nor ruled out."""

    ANY = "any"
    ONLY = "only"


class RoundStudent(Model):
    """A student in a round. number: by which enterprises know the candidate of a blind round.

    live: the round is not yet published, so that the student is in no other; the database itself sees to it.
    saved_at: when the student last said what it prefers; version counts how often.
    """

    __tablename__ = "round_student"
    __table_args__ = (
        UniqueConstraint("round_id", "number"),
        Index(
            "uq_round_student_live",
            "student_id",
            unique=True,
            sqlite_where=text("live"),
            postgresql_where=text("live"),
        ),
    )

    round_id: Mapped[int] = mapped_column(ForeignKey("round.id"), primary_key=True)
    student_id: Mapped[int] = mapped_column(ForeignKey("student.id"), primary_key=True)
    number: Mapped[int]
    others: Mapped[Others] = mapped_column(default=Others.ANY)
    live: Mapped[bool] = mapped_column(default=True)
    saved_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column(default=0)

    round: Mapped[Round] = relationship(lazy="raise")
    student: Mapped[Student] = relationship(lazy="raise")


class RoundPosition(Model):
    """A position in a round, with the seats that were free; live, saved_at and version as of RoundStudent."""

    __tablename__ = "round_position"
    __table_args__ = (
        CheckConstraint("seats >= 1", name="seats"),
        Index(
            "uq_round_position_live",
            "position_id",
            unique=True,
            sqlite_where=text("live"),
            postgresql_where=text("live"),
        ),
    )

    round_id: Mapped[int] = mapped_column(ForeignKey("round.id"), primary_key=True)
    position_id: Mapped[int] = mapped_column(ForeignKey("position.id"), primary_key=True)
    seats: Mapped[int]
    live: Mapped[bool] = mapped_column(default=True)
    saved_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column(default=0)

    round: Mapped[Round] = relationship(lazy="raise")
    position: Mapped[Position] = relationship(lazy="raise")


class Preference(Model):
    """What a student says about a position: rank 1 is the first choice, None means ruled out."""

    __tablename__ = "preference"
    __table_args__ = (
        CheckConstraint("rank >= 1", name="rank"),
        UniqueConstraint("round_id", "student_id", "rank"),
        ForeignKeyConstraint(
            ["round_id", "student_id"], ["round_student.round_id", "round_student.student_id"], ondelete="CASCADE"
        ),
    )

    round_id: Mapped[int] = mapped_column(primary_key=True)
    student_id: Mapped[int] = mapped_column(primary_key=True)
    position_id: Mapped[int] = mapped_column(ForeignKey("position.id"), primary_key=True, index=True)
    rank: Mapped[int | None]

    position: Mapped[Position] = relationship(lazy="raise")


class Shortlisted(Model):
    """What an enterprise says about a candidate for one of its positions; rank as of Preference."""

    __tablename__ = "shortlisted"
    __table_args__ = (
        CheckConstraint("rank >= 1", name="rank"),
        UniqueConstraint("round_id", "position_id", "rank"),
        ForeignKeyConstraint(
            ["round_id", "position_id"],
            ["round_position.round_id", "round_position.position_id"],
            ondelete="CASCADE",
        ),
    )

    round_id: Mapped[int] = mapped_column(primary_key=True)
    position_id: Mapped[int] = mapped_column(primary_key=True)
    student_id: Mapped[int] = mapped_column(ForeignKey("student.id"), primary_key=True, index=True)
    rank: Mapped[int | None]

    student: Mapped[Student] = relationship(lazy="raise")
