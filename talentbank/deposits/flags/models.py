"""What people report about a position: that it is false, or asks for fees."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from talentbank.accounts.models import User
from talentbank.deposits.models import Position
from talentbank.extensions import Model


class FlagKind(StrEnum):
    """What is wrong with a position."""

    FALSE = "false"
    FEES = "fees"
    OTHER = "other"


class FlagState(StrEnum):
    """Where a report stands; it follows from what is stored."""

    WAITING = "waiting"
    UPHELD = "upheld"
    DISMISSED = "dismissed"


class Flag(Model):
    """One person's report, decided by the chamber. upheld: it was true, and the position was blocked."""

    __tablename__ = "flag"
    __table_args__ = (
        Index(
            "uq_flag_waiting",
            "position_id",
            "user_id",
            unique=True,
            sqlite_where=text("decided_at IS NULL"),
            postgresql_where=text("decided_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    position_id: Mapped[int] = mapped_column(ForeignKey("position.id"), index=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"), index=True)
    kind: Mapped[FlagKind]
    words: Mapped[str]
    made_at: Mapped[datetime]
    upheld: Mapped[bool | None]
    answer: Mapped[str] = mapped_column(default="")
    decided_by: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
    decided_at: Mapped[datetime | None] = mapped_column(index=True)

    position: Mapped[Position] = relationship(lazy="raise")
    user: Mapped[User] = relationship(lazy="raise", foreign_keys=[user_id])

    @property
    def state(self) -> FlagState:
        if self.decided_at is None:
            return FlagState.WAITING
        return FlagState.UPHELD if self.upheld else FlagState.DISMISSED
