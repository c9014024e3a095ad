"""Runs of a round's snapshot with their outcomes, the hints and quotas that bind them, and comments on drafts."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from talentbank.accounts.models import User
from talentbank.competencies.catalogue import Category
from talentbank.competencies.models import Competency, Student
from talentbank.deposits.models import Position
from talentbank.extensions import Model
from talentbank.rounds.models import Round, StoredSnapshot
from talentbank.rounds.policy import QuotaRow


class HintKind(StrEnum):
    """What the chamber says about a pair; agreed: it was agreed outside, and is kept on every run."""

    AGREED = "agreed"
    REQUIRE = "require"
    ENCOURAGE = "encourage"
    DISCOURAGE = "discourage"
    FORBID = "forbid"


class Hint(Model):
    """The chamber's word on a pair, with the reason. amount: what encouraging or discouraging weighs, 0..1."""

    __tablename__ = "hint"
    __table_args__ = (
        UniqueConstraint("round_id", "student_id", "position_id"),
        CheckConstraint("amount BETWEEN 0 AND 1", name="amount"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    round_id: Mapped[int] = mapped_column(ForeignKey("round.id"), index=True)
    student_id: Mapped[int] = mapped_column(ForeignKey("student.id"), index=True)
    position_id: Mapped[int] = mapped_column(ForeignKey("position.id"), index=True)
    kind: Mapped[HintKind]
    amount: Mapped[float] = mapped_column(default=0.0)
    reason: Mapped[str]
    made_by: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    made_at: Mapped[datetime]

    student: Mapped[Student] = relationship(lazy="raise")
    position: Mapped[Position] = relationship(lazy="raise")


class RoundQuota(Model):
    """How many may or must be placed among those whom it names (engine.policy.Quota), with the reason."""

    __tablename__ = "round_quota"
    __table_args__ = (
        CheckConstraint("at_least >= 0", name="at_least"),
        CheckConstraint("at_most IS NULL OR at_most >= at_least", name="at_most"),
        CheckConstraint(
            "university_id IS NOT NULL OR enterprise_id IS NOT NULL OR category IS NOT NULL", name="whom"
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    round_id: Mapped[int] = mapped_column(ForeignKey("round.id"), index=True)
    university_id: Mapped[int | None] = mapped_column(ForeignKey("organisation.id"))
    enterprise_id: Mapped[int | None] = mapped_column(ForeignKey("organisation.id"))
    category: Mapped[Category | None]
    at_least: Mapped[int] = mapped_column(default=0)
    at_most: Mapped[int | None]
    reason: Mapped[str]
    made_by: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    made_at: Mapped[datetime]

    @property
    def row(self) -> QuotaRow:
        """As a run's policy writes it down."""
        university, enterprise = (str(id_) if id_ else None for id_ in (self.university_id, self.enterprise_id))
        return university, enterprise, self.category.value if self.category else None, self.at_least, self.at_most


class Method(StrEnum):
    """How a run matches: the optimum of its objective, or student-proposing deferred acceptance."""

    OPTIMUM = "optimum"
    DEFERRED_ACCEPTANCE = "deferred_acceptance"


class RunState(StrEnum):
    """queued → running → done; or stopped by a person, failed, or infeasible: its promises can't be kept."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    STOPPED = "stopped"
    FAILED = "failed"
    INFEASIBLE = "infeasible"


ENDED = (RunState.DONE, RunState.STOPPED, RunState.FAILED, RunState.INFEASIBLE)
"""A run in one of these never changes again: the database itself sees to it."""


class Run(Model):
    """One solve of a snapshot under a policy. number counts within the round.

    policy: canonical JSON of all that decides the result beside the snapshot, the seed included; commitment: SHA-256
    of the snapshot's digest, a line feed and the policy, made and shown before anything is solved. phase and share
    tell how far it is; unmet: of an infeasible run the quotas (indices in the policy) that can't be kept, and by how
    many. blocking: pairs that both would rather have (engine.stability). scarcity: what competencies cost, by code.
    levy: one for each quota of the policy. median: of the matched scores. choices: how many got their first, second,
    third … choice.
    """

    __tablename__ = "run"
    __table_args__ = (
        Index("uq_run_round_number", "round_id", "number", unique=True),
        Index(
            "uq_run_going",
            "round_id",
            unique=True,
            sqlite_where=text("state IN ('queued', 'running')"),
            postgresql_where=text("state IN ('queued', 'running')"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    round_id: Mapped[int] = mapped_column(ForeignKey("round.id"), index=True)
    number: Mapped[int]
    snapshot_id: Mapped[int] = mapped_column(ForeignKey("snapshot.id"), index=True, nullable=True)
    method: Mapped[Method]
    label: Mapped[str] = mapped_column(default="")
    made_at: Mapped[datetime]
    made_by: Mapped[str]
    policy: Mapped[str] = mapped_column(Text)
    commitment: Mapped[str] = mapped_column(String(64))
    state: Mapped[RunState] = mapped_column(index=True)
    phase: Mapped[str] = mapped_column(default="")
    share: Mapped[float] = mapped_column(default=0.0)
    stop_asked: Mapped[bool] = mapped_column(default=False)
    heard_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    note: Mapped[str] = mapped_column(default="")
    unmet: Mapped[list[list[int]]] = mapped_column(JSON, default=list)
    students: Mapped[int] = mapped_column(default=0)
    positions: Mapped[int] = mapped_column(default=0)
    seats: Mapped[int] = mapped_column(default=0)
    eligible_pairs: Mapped[int] = mapped_column(default=0)
    matched: Mapped[int] = mapped_column(default=0)
    total_score: Mapped[float] = mapped_column(default=0.0)
    median: Mapped[float] = mapped_column(default=0.0)
    bonus: Mapped[float] = mapped_column(default=0.0)
    certificate: Mapped[float] = mapped_column(default=0.0)
    gap: Mapped[float] = mapped_column(default=0.0)
    blocking: Mapped[int] = mapped_column(default=0)
    choices: Mapped[list[int]] = mapped_column(JSON, default=list)
    levy: Mapped[list[float]] = mapped_column(JSON, default=list)
    scarcity: Mapped[dict[str, Any]] = mapped_column(default=dict)
    seconds: Mapped[float] = mapped_column(default=0.0)

    round: Mapped[Round] = relationship(lazy="raise", foreign_keys=[round_id])
    snapshot: Mapped[StoredSnapshot] = relationship(lazy="raise")


class MatchedPair(Model):
    """A student and a position that a run pairs; surplus in units of the objective.

    choice: which choice of the student the position is, None if not ranked; wanted: the enterprise's rank of it.
    """

    __tablename__ = "matched_pair"

    run_id: Mapped[int] = mapped_column(ForeignKey("run.id", ondelete="CASCADE"), primary_key=True)
    student_id: Mapped[int] = mapped_column(ForeignKey("student.id"), primary_key=True)
    position_id: Mapped[int] = mapped_column(ForeignKey("position.id"), index=True)
    score: Mapped[float]
    fit: Mapped[float]
    surplus: Mapped[float]
    choice: Mapped[int | None]
    wanted: Mapped[int | None]

    student: Mapped[Student] = relationship(lazy="raise")
    position: Mapped[Position] = relationship(lazy="raise")


class PositionOutcome(Model):
    """What a run did with a position's seats: price of one more seat, entry: what an outsider has to beat.

    entry is None where that is not known: runs of old, and deferred acceptance, which has no prices. blocking: pairs
    of this position that both would rather have.
    """

    __tablename__ = "position_outcome"

    run_id: Mapped[int] = mapped_column(ForeignKey("run.id", ondelete="CASCADE"), primary_key=True)
    position_id: Mapped[int] = mapped_column(ForeignKey("position.id"), primary_key=True)
    seats: Mapped[int]
    filled: Mapped[int]
    price: Mapped[float]
    entry: Mapped[float | None]
    eligible: Mapped[int]
    blocking: Mapped[int] = mapped_column(default=0)

    position: Mapped[Position] = relationship(lazy="raise")


class Explained(Model):
    """What a run's prices say to one student: a row of engine.explanation.Explanation, in units of the objective.

    condition: one of engine.explanation.CONDITIONS («must_have», «city» …), "" if none alone opens a seat.
    """

    __tablename__ = "explained"

    run_id: Mapped[int] = mapped_column(ForeignKey("run.id", ondelete="CASCADE"), primary_key=True)
    student_id: Mapped[int] = mapped_column(ForeignKey("student.id"), primary_key=True)
    eligible: Mapped[int]
    alternative_id: Mapped[int | None] = mapped_column(ForeignKey("position.id"))
    alternative_score: Mapped[float]
    lacked: Mapped[float]
    condition: Mapped[str] = mapped_column(default="")
    condition_gain: Mapped[float]
    condition_position_id: Mapped[int | None] = mapped_column(ForeignKey("position.id"))
    step_id: Mapped[int | None] = mapped_column(ForeignKey("competency.id"))
    step_gain: Mapped[float]
    step_position_id: Mapped[int | None] = mapped_column(ForeignKey("position.id"))

    step: Mapped[Competency | None] = relationship(lazy="raise")


class DraftShowing(Model):
    """A run that the chamber shows to enterprises and universities for comment, until a moment."""

    __tablename__ = "draft_showing"

    run_id: Mapped[int] = mapped_column(ForeignKey("run.id"), primary_key=True)
    shown_at: Mapped[datetime]
    until: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class DraftComment(Model):
    """What an enterprise or a university says about a draft."""

    __tablename__ = "draft_comment"

    id: Mapped[int] = mapped_column(primary_key=True)
    run_id: Mapped[int] = mapped_column(ForeignKey("run.id"), index=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), index=True)
    words: Mapped[str]
    at: Mapped[datetime]

    user: Mapped[User] = relationship(lazy="raise")
