"""The credit ledger's rows: accounts, entries with their postings, and the head of the chain.

Entries and postings are append-only, and the database itself sees to it (migration 0003). An account's
balance is kept beside its postings, so that the database can also refuse one below zero; `ledger verify`
adds the postings up again. Amounts are hundredths of a credit. No name of a person stands here: what is
never deleted must not hold what somebody may ask to be deleted.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from talentbank.engine.ledger import AccountKind, EntryKind
from talentbank.extensions import Model


class LedgerAccount(Model):
    """What an organisation, a resource, a student or a university's record holds; owner as «student:12»."""

    __tablename__ = "ledger_account"
    __table_args__ = (CheckConstraint("balance >= 0 OR kind = 'issuer'", name="balance"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[AccountKind]
    owner: Mapped[str] = mapped_column(unique=True)
    balance: Mapped[int] = mapped_column(BigInteger, default=0)
    opened_at: Mapped[datetime]


class LedgerEntry(Model):
    """One transaction of the chain; actor as «university:5», a role and an account's id.

    reason: of a reversal, one of the service's fixed words; what somebody wrote stands with what was taken back.
    """

    __tablename__ = "ledger_entry"
    __table_args__ = (Index("ix_ledger_entry_kind_reference", "kind", "reference"),)

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[datetime]
    kind: Mapped[EntryKind]
    reference: Mapped[str] = mapped_column(index=True)
    reason: Mapped[str] = mapped_column(default="")
    actor: Mapped[str]
    reverses: Mapped[int | None] = mapped_column(ForeignKey("ledger_entry.number"), unique=True)
    previous: Mapped[str] = mapped_column(String(64), unique=True)
    digest: Mapped[str] = mapped_column(String(64), unique=True)

    postings: Mapped[list[LedgerPosting]] = relationship(lazy="raise", order_by="LedgerPosting.account_id")


class LedgerPosting(Model):
    """What one entry adds to one account."""

    __tablename__ = "ledger_posting"
    __table_args__ = (CheckConstraint("amount <> 0", name="amount"),)

    entry_number: Mapped[int] = mapped_column(ForeignKey("ledger_entry.number"), primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("ledger_account.id"), primary_key=True, index=True)
    amount: Mapped[int] = mapped_column(BigInteger)

    entry: Mapped[LedgerEntry] = relationship(lazy="raise", viewonly=True)
    account: Mapped[LedgerAccount] = relationship(lazy="raise")


class LedgerHead(Model):
    """The last entry's number and digest, in the one row that everybody who writes has to lock."""

    __tablename__ = "ledger_head"
    __table_args__ = (CheckConstraint("id = 1", name="one"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    number: Mapped[int]
    digest: Mapped[str] = mapped_column(String(64))
