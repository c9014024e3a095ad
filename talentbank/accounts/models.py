"""People, organisations, invitations, and failed sign-ins."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from talentbank.extensions import Model, chinese
from talentbank.permissions import Actor, Role


class Standing(StrEnum):
    """Where an organisation stands with the chamber; only what an approved one deposits is shown."""

    PENDING = "pending"
    APPROVED = "approved"
    REFUSED = "refused"


_LICENSED = text("licence <> '' AND standing <> 'refused'")
"""One enterprise a licence; one that was refused does not keep its number from others."""


class Organisation(Model):
    """An enterprise, a university, the chamber, the zone or the government; kind is its people's role.

    licence: an enterprise's unified social credit code (GB 32100-2015), 18 signs; "" for those registered before it
    was asked for.
    """

    __tablename__ = "organisation"
    __table_args__ = (
        Index("uq_organisation_licence", "licence", unique=True, sqlite_where=_LICENSED, postgresql_where=_LICENSED),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[Role] = mapped_column(index=True)
    name_zh: Mapped[str] = mapped_column(unique=True)
    name_en: Mapped[str]
    standing: Mapped[Standing] = mapped_column(index=True)
    licence: Mapped[str] = mapped_column(default="")
    contact: Mapped[str] = mapped_column(default="")
    reason: Mapped[str] = mapped_column(default="")
    created_at: Mapped[datetime]
    decided_at: Mapped[datetime | None]

    @property
    def name(self) -> str:
        """The name in the reader's language."""
        return self.name_zh if chinese() or not self.name_en else self.name_en


class Vetting(Model):
    """One decision of the chamber about an enterprise, with its reason: kept for good."""

    __tablename__ = "vetting"

    id: Mapped[int] = mapped_column(primary_key=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), index=True)
    standing: Mapped[Standing]
    reason: Mapped[str] = mapped_column(default="")
    licence: Mapped[str] = mapped_column(default="")
    user_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    at: Mapped[datetime]

    user: Mapped[User] = relationship(lazy="raise")


class User(Model):
    """A person with a role. Without a password hash nobody can sign in as this person yet."""

    __tablename__ = "user_account"
    __table_args__ = (CheckConstraint("email = lower(email)", name="email_lower"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    name_latin: Mapped[str] = mapped_column(default="")
    role: Mapped[Role] = mapped_column(index=True)
    organisation_id: Mapped[int | None] = mapped_column(ForeignKey("organisation.id"), index=True)
    password_hash: Mapped[str | None]
    locale: Mapped[str | None]
    active: Mapped[bool] = mapped_column(default=True)
    session_version: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[datetime]
    last_sign_in_at: Mapped[datetime | None]

    organisation: Mapped[Organisation | None] = relationship(lazy="raise")

    @property
    def shown_name(self) -> str:
        """The name in the reader's language, as far as there is one."""
        return self.name if chinese() or not self.name_latin else self.name_latin

    # What Flask-Login asks of a user; the version makes older sessions end when the password changes.
    is_authenticated = True
    is_anonymous = False

    @property
    def is_active(self) -> bool:
        return self.active

    def get_id(self) -> str:
        return f"{self.id}.{self.session_version}"

    @property
    def actor(self) -> Actor:
        return Actor(self.role, self.id, self.organisation_id, self.name)


class Invitation(Model):
    """A link that lets one person open an account; only the token's digest is kept."""

    __tablename__ = "invitation"

    id: Mapped[int] = mapped_column(primary_key=True)
    digest: Mapped[str] = mapped_column(unique=True)
    email: Mapped[str] = mapped_column(index=True)
    name: Mapped[str]
    role: Mapped[Role]
    organisation_id: Mapped[int | None] = mapped_column(ForeignKey("organisation.id"), index=True)
    invited_by: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    accepted_at: Mapped[datetime | None]

    organisation: Mapped[Organisation | None] = relationship(lazy="raise")


class SignInGuard(Model):
    """Failed sign-ins of an address, whether or not it has an account: the two must look alike."""

    __tablename__ = "sign_in_guard"

    email: Mapped[str] = mapped_column(primary_key=True)
    failures: Mapped[int]
    locked_until: Mapped[datetime | None]
    updated_at: Mapped[datetime]
