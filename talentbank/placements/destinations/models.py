"""Where graduates went: the first destination, as NACE's standards count it."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column, relationship

from talentbank.competencies.models import Student
from talentbank.extensions import Model
from talentbank.permissions import Role


class DestinationKind(StrEnum):
    """What a graduate does (NACE, First-Destination Survey standards): known for everybody who has a row."""

    CBEC = "cbec"
    OTHER_WORK = "other_work"
    OWN_BUSINESS = "own_business"
    SERVICE = "service"
    STUDY = "study"
    SEEKING = "seeking"
    NOT_SEEKING = "not_seeking"


WORK = frozenset({DestinationKind.CBEC, DestinationKind.OTHER_WORK, DestinationKind.OWN_BUSINESS})
"""Kinds that have an employer, or a business of one's own, and a day since when."""

NOWHERE = frozenset({DestinationKind.SEEKING, DestinationKind.NOT_SEEKING})
"""Kinds without a place to be at and a day since when."""


class Destination(Model):
    """A graduate's destination outside of the bank's placements, recorded by the student or the university.

    employer: also the school, the business of one's own or the service. since: the first day, or that of signing
    where the work begins after graduation. confirmed_at: when the student confirmed what the university recorded;
    the student's own word is so at once.
    """

    __tablename__ = "destination"

    student_id: Mapped[int] = mapped_column(ForeignKey("student.id"), primary_key=True)
    kind: Mapped[DestinationKind]
    employer: Mapped[str] = mapped_column(default="")
    since: Mapped[date | None]
    source: Mapped[Role]
    recorded_by: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    recorded_at: Mapped[datetime]
    confirmed_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column(default=1)

    student: Mapped[Student] = relationship(lazy="raise")
