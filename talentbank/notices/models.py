"""What people are told: shown in the bank, and sent by e-mail where there is a mail server."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from talentbank.accounts.models import User
from talentbank.extensions import Model


class Notice(Model):
    """One thing told to one person, said in the reader's language when it is read.

    kind: which sentence of notices.wording; data: what stands in it (JSON values; names and ids, no secrets). key:
    what it is about («round:5», «offer:9:1d»); the same kind about the same is told to a person once.
    """

    __tablename__ = "notice"
    __table_args__ = (UniqueConstraint("user_id", "kind", "key"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"), index=True)
    kind: Mapped[str]
    key: Mapped[str]
    data: Mapped[dict[str, Any]]
    at: Mapped[datetime] = mapped_column(index=True)
    read_at: Mapped[datetime | None]
    mailed_at: Mapped[datetime | None] = mapped_column(index=True)

    user: Mapped[User] = relationship(lazy="raise")
