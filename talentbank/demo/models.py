"""The mark that the bank holds demo data."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from talentbank.extensions import Model


class DemoBank(Model):
    """One row while the demo is in the bank. While it stands, the append-only tables may be emptied again."""

    __tablename__ = "demo_bank"

    id: Mapped[int] = mapped_column(primary_key=True)
    seed: Mapped[int]
    digest: Mapped[str]
    built_at: Mapped[datetime]
