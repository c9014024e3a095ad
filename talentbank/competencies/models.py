"""The catalogue, and what each student says and shows of it."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column, relationship

from talentbank.accounts.models import Organisation, User
from talentbank.competencies.catalogue import Category
from talentbank.extensions import Model, chinese


class Competency(Model):
    """An entry of the catalogue; without a category it is one of the dimensions that belong to all."""

    __tablename__ = "competency"

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(unique=True)
    category: Mapped[Category | None]
    name_zh: Mapped[str]
    name_en: Mapped[str]
    aliases: Mapped[list[str]]
    place: Mapped[int]

    @property
    def name(self) -> str:
        return self.name_zh if chinese() else self.name_en


class City(Model):
    """Where positions are and students would work."""

    __tablename__ = "city"

    code: Mapped[str] = mapped_column(primary_key=True)
    name_zh: Mapped[str]
    name_en: Mapped[str]
    place: Mapped[int]

    @property
    def name(self) -> str:
        return self.name_zh if chinese() else self.name_en


class Student(Model):
    """A student's profile: what is accepted (empty: any), and the floor in RMB a year."""

    __tablename__ = "student"
    __table_args__ = (CheckConstraint("min_salary >= 0", name="min_salary"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"), unique=True)
    university_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), index=True)
    cohort: Mapped[int | None] = mapped_column(index=True)
    major_zh: Mapped[str] = mapped_column(default="")
    major_en: Mapped[str] = mapped_column(default="")
    categories: Mapped[list[str]]
    cities: Mapped[list[str]]
    min_salary: Mapped[int] = mapped_column(default=0)
    available: Mapped[bool] = mapped_column(default=True)
    version: Mapped[int] = mapped_column(default=1)

    user: Mapped[User] = relationship(lazy="raise")
    university: Mapped[Organisation] = relationship(lazy="raise")
    levels: Mapped[list[StudentLevel]] = relationship(lazy="raise", cascade="all, delete-orphan")

    @property
    def major(self) -> str:
        return self.major_zh if chinese() or not self.major_en else self.major_en


class StudentLevel(Model):
    """A student's level of one competency: claimed by the student, verified by what stands behind it.

    assessed: what a certificate, a competition or an assessment stands behind. verified is the higher of that and
    what practice has reached, and is kept by the services that change either.
    """

    __tablename__ = "student_level"
    __table_args__ = (
        CheckConstraint("claimed BETWEEN 0 AND 5", name="claimed"),
        CheckConstraint("verified BETWEEN 0 AND 5", name="verified"),
        CheckConstraint("assessed BETWEEN 0 AND 5", name="assessed"),
    )

    student_id: Mapped[int] = mapped_column(ForeignKey("student.id", ondelete="CASCADE"), primary_key=True)
    competency_id: Mapped[int] = mapped_column(ForeignKey("competency.id"), primary_key=True)
    claimed: Mapped[int]
    verified: Mapped[int] = mapped_column(default=0)
    assessed: Mapped[int] = mapped_column(default=0)

    competency: Mapped[Competency] = relationship(lazy="raise")
