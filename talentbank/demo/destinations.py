"""Where the demo's graduates went whom the bank did not place: by the dice, as they or their university say."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import insert, select

from talentbank.accounts.models import User
from talentbank.competencies.models import Student
from talentbank.demo.builder import address
from talentbank.demo.dice import Dice
from talentbank.extensions import db
from talentbank.permissions import Role
from talentbank.placements.destinations.models import NOWHERE, WORK, Destination, DestinationKind
from talentbank.placements.models import Placement

KNOWN = {2025: 0.9, 2026: 0.6, 2027: 0.06}
"""The share of a cohort, of those whom the bank did not place, of whom something is recorded."""
WAITING = 0.12
"""The share of records that wait for the student."""
BY_UNIVERSITY = 0.35
KINDS = (
    (DestinationKind.CBEC,) * 5
    + (DestinationKind.OTHER_WORK,) * 6
    + (DestinationKind.STUDY,) * 4
    + (DestinationKind.SEEKING,) * 2
    + (DestinationKind.OWN_BUSINESS, DestinationKind.SERVICE, DestinationKind.NOT_SEEKING)
)
EMPLOYERS = ("示例远山物流", "示例晨光传媒", "示例南丰食品", "示例启明教育", "示例海角电商", "示例天府商贸")


def record(seed: int, at: datetime) -> None:
    """Write the destinations as they stand at a moment; no two builds at that moment differ."""
    dice = Dice(seed + 6)
    placed = select(Placement.student_id)
    query = (
        select(Student.id, Student.user_id, Student.cohort, Student.university_id)
        .where(Student.cohort.in_(KNOWN), Student.id.not_in(placed))
        .order_by(Student.id)
    )
    staff: dict[int | None, int] = dict(
        db.session.execute(select(User.organisation_id, User.id).where(User.role == Role.UNIVERSITY)).all()
    )
    star = db.session.scalars(select(User.id).where(User.email == address(Role.STUDENT))).one()
    rows = [
        _row(dice, at, student, staff[student.university_id], student.user_id == star)
        for student in db.session.execute(query)
        if student.user_id == star or dice.happens(KNOWN[student.cohort])
    ]
    if rows:
        db.session.execute(insert(Destination), [row for row in rows if row["recorded_at"] <= at])


def _row(dice: Dice, at: datetime, student: Any, university: int, waits: bool) -> dict[str, Any]:
    """One record; waits: of the university, and the student has not looked yet."""
    kind = dice.one_of(KINDS)
    before = date(student.cohort, 6, 1) > at.date()
    first = date(student.cohort - 1, 9, 10) if before else date(student.cohort, 6, 20)
    since = first + timedelta(days=dice.below(max(1, min(200, (at.date() - first).days - 30))))
    by_university = waits or dice.happens(BY_UNIVERSITY)
    recorded = datetime.combine(since, at.timetz()) + timedelta(days=3 + dice.below(20))
    confirmed = not by_university or not (waits or dice.happens(WAITING / BY_UNIVERSITY))
    return {
        "student_id": student.id,
        "kind": kind,
        "employer": dice.one_of(EMPLOYERS) if kind in WORK else "",
        "since": None if kind in NOWHERE else since,
        "source": Role.UNIVERSITY if by_university else Role.STUDENT,
        "recorded_by": university if by_university else student.user_id,
        "recorded_at": recorded,
        "confirmed_at": recorded + timedelta(days=2) if confirmed else None,
        "version": 1,
    }
