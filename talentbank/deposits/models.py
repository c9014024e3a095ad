"""What enterprises deposit: positions with their requirements."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column, relationship

from talentbank.accounts.models import Organisation
from talentbank.competencies.catalogue import Category
from talentbank.competencies.models import City, Competency
from talentbank.engine.competency import Opening, Requirement
from talentbank.extensions import Model, chinese


class PositionState(StrEnum):
    """A closed position takes part in no further round; offers already made stand. The chamber blocks false ones."""

    OPEN = "open"
    CLOSED = "closed"
    BLOCKED = "blocked"


class Contract(StrEnum):
    """What a position offers."""

    EMPLOYMENT = "employment"
    INTERNSHIP = "internship"


class Position(Model):
    """An enterprise's deposit: headcount in seats, salary in RMB a year."""

    __tablename__ = "position"
    __table_args__ = (
        CheckConstraint("headcount >= 1", name="headcount"),
        CheckConstraint("min_salary >= 0 AND max_salary >= min_salary", name="salary"),
        CheckConstraint("closes_on IS NULL OR closes_on >= opens_on", name="dates"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    enterprise_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), index=True)
    title: Mapped[str]
    title_en: Mapped[str] = mapped_column(default="")
    description: Mapped[str] = mapped_column(default="")
    category: Mapped[Category] = mapped_column(index=True)
    city_code: Mapped[str] = mapped_column(ForeignKey("city.code"), index=True)
    contract: Mapped[Contract]
    headcount: Mapped[int]
    min_salary: Mapped[int]
    max_salary: Mapped[int]
    opens_on: Mapped[date]
    closes_on: Mapped[date | None]
    state: Mapped[PositionState] = mapped_column(index=True)
    created_at: Mapped[datetime]
    changed_at: Mapped[datetime]
    version: Mapped[int] = mapped_column(default=1)

    enterprise: Mapped[Organisation] = relationship(lazy="raise")
    city: Mapped[City] = relationship(lazy="raise")
    requirements: Mapped[list[PositionRequirement]] = relationship(
        lazy="raise", cascade="all, delete-orphan", order_by="PositionRequirement.place"
    )

    @property
    def shown_title(self) -> str:
        return self.title if chinese() or not self.title_en else self.title_en

    def opening(self, seats: int | None = None) -> Opening:
        """This position as the engine sees it; requirements and their competencies must be loaded."""
        return Opening(
            id=str(self.id),
            category=self.category,
            city=self.city_code,
            headcount=self.headcount if seats is None else seats,
            max_salary=self.max_salary,
            requirements=tuple(
                Requirement(r.competency.code, r.level, r.weight, r.must_have) for r in self.requirements
            ),
        )


class PositionRequirement(Model):
    """One competency that a position asks for; weights are relative to the position's others."""

    __tablename__ = "position_requirement"
    __table_args__ = (
        CheckConstraint("level BETWEEN 1 AND 5", name="level"),
        CheckConstraint("weight > 0", name="weight"),
    )

    position_id: Mapped[int] = mapped_column(ForeignKey("position.id", ondelete="CASCADE"), primary_key=True)
    competency_id: Mapped[int] = mapped_column(ForeignKey("competency.id"), primary_key=True)
    level: Mapped[int]
    weight: Mapped[float]
    must_have: Mapped[bool]
    place: Mapped[int]

    competency: Mapped[Competency] = relationship(lazy="raise")
