"""Questions about a published result, and the wish not to be decided on by a machine (PIPL, article 24)."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from talentbank.accounts.models import User
from talentbank.extensions import Model
from talentbank.rounds.models import Round


class AppealKind(StrEnum):
    """question: explain or correct the result; by_a_person: let a person decide instead of the matcher."""

    QUESTION = "question"
    BY_A_PERSON = "by_a_person"


class Outcome(StrEnum):
    """What the officer decided."""

    UPHELD = "upheld"
    EXPLAINED = "explained"
    REFUSED = "refused"


class Appeal(Model):
    """One person's appeal in a round, answered by the round's officer; one unanswered a person and round."""

    __tablename__ = "appeal"
    __table_args__ = (
        Index(
            "uq_appeal_waiting",
            "round_id",
            "user_id",
            unique=True,
            sqlite_where=text("answered_at IS NULL"),
            postgresql_where=text("answered_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    round_id: Mapped[int] = mapped_column(ForeignKey("round.id"), index=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"), index=True)
    kind: Mapped[AppealKind]
    words: Mapped[str]
    made_at: Mapped[datetime]
    answered_by: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
    answered_at: Mapped[datetime | None] = mapped_column(index=True)
    outcome: Mapped[Outcome | None]
    answer: Mapped[str] = mapped_column(default="")

    round: Mapped[Round] = relationship(lazy="raise")
    user: Mapped[User] = relationship(lazy="raise", foreign_keys=[user_id])
    officer: Mapped[User | None] = relationship(lazy="raise", foreign_keys=[answered_by])
