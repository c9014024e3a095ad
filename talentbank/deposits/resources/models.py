"""Training resources, and what they teach."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column, relationship

from talentbank.accounts.models import Organisation, User
from talentbank.competencies.catalogue import Category
from talentbank.competencies.models import City, Competency
from talentbank.extensions import Model, chinese


class ResourceKind(StrEnum):
    """What a resource is; an internship also asks for a three-party agreement."""

    COURSE = "course"
    PROJECT = "project"
    INTERNSHIP = "internship"
    MENTORING = "mentoring"


class Tier(StrEnum):
    """Whom a resource is for."""

    FRONTLINE = "frontline"
    MIDDLE = "middle"
    EXECUTIVE = "executive"


class Admission(StrEnum):
    """Whether whoever asks gets a seat while there is one, or the supervisor chooses."""

    OPEN = "open"
    CHOSEN = "chosen"


class ResourceState(StrEnum):
    """A withdrawn resource takes nobody new and no later practice; what was earned stays."""

    OPEN = "open"
    WITHDRAWN = "withdrawn"


class TrainingResource(Model):
    """A deposit of an enterprise, the zone or a university. hours: of the whole programme; fee in RMB."""

    __tablename__ = "training_resource"
    __table_args__ = (
        CheckConstraint("seats >= 1", name="seats"),
        CheckConstraint("hours >= 1", name="hours"),
        CheckConstraint("fee >= 0", name="fee"),
        CheckConstraint("ends_on >= starts_on", name="dates"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    owner_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), index=True)
    supervisor_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"), index=True)
    kind: Mapped[ResourceKind] = mapped_column(index=True)
    title: Mapped[str]
    title_en: Mapped[str] = mapped_column(default="")
    description: Mapped[str] = mapped_column(default="")
    category: Mapped[Category] = mapped_column(index=True)
    tier: Mapped[Tier]
    admission: Mapped[Admission]
    hours: Mapped[int]
    seats: Mapped[int]
    fee: Mapped[int] = mapped_column(default=0)
    starts_on: Mapped[date]
    ends_on: Mapped[date]
    city_code: Mapped[str | None] = mapped_column(ForeignKey("city.code"), index=True)
    place: Mapped[str] = mapped_column(default="")
    state: Mapped[ResourceState] = mapped_column(index=True)
    withdrawn_on: Mapped[date | None]
    created_at: Mapped[datetime]
    changed_at: Mapped[datetime]
    version: Mapped[int] = mapped_column(default=1)

    owner: Mapped[Organisation] = relationship(lazy="raise")
    supervisor: Mapped[User] = relationship(lazy="raise")
    city: Mapped[City | None] = relationship(lazy="raise")
    teaches: Mapped[list[TaughtCompetency]] = relationship(
        lazy="raise", cascade="all, delete-orphan", order_by="TaughtCompetency.place"
    )

    @property
    def shown_title(self) -> str:
        return self.title if chinese() or not self.title_en else self.title_en

    @property
    def online(self) -> bool:
        """Without a city it is done online."""
        return self.city_code is None

    @property
    def account(self) -> str:
        """The owner's name of its ledger account."""
        return f"resource:{self.id}"

    @property
    def last_day(self) -> date:
        """The last day on which practice counts."""
        return min(self.ends_on, self.withdrawn_on) if self.withdrawn_on else self.ends_on


class TaughtCompetency(Model):
    """A competency that a resource teaches, and the level that it can bring a person to."""

    __tablename__ = "taught_competency"
    __table_args__ = (CheckConstraint("level BETWEEN 1 AND 5", name="level"),)

    resource_id: Mapped[int] = mapped_column(ForeignKey("training_resource.id", ondelete="CASCADE"), primary_key=True)
    competency_id: Mapped[int] = mapped_column(ForeignKey("competency.id"), primary_key=True, index=True)
    level: Mapped[int]
    place: Mapped[int]

    competency: Mapped[Competency] = relationship(lazy="raise")
