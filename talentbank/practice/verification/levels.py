"""Levels follow evidence: verified practice raises what a student is verified at, and taking it back lowers it.

An enrolment reaches of each competency that its resource teaches the level that its hours reach; a student's verified
level is the highest of these and of what was assessed otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import and_, func, select
from sqlalchemy.orm import joinedload

from talentbank.competencies.models import Competency, StudentLevel
from talentbank.deposits.resources.models import TaughtCompetency, TrainingResource
from talentbank.engine.practice import level_reached
from talentbank.extensions import db
from talentbank.practice.models import PROVEN, Enrolment, LogCompetency, PracticeLog


@dataclass(frozen=True, slots=True)
class EnrolmentShare:
    """What one enrolment shows of a competency: minutes of verified practice, and the level that they reach."""

    enrolment: Enrolment
    minutes: int
    level: int


@dataclass(frozen=True, slots=True)
class _Reached:
    enrolment_id: int
    competency_id: int
    code: str
    minutes: int
    level: int


def raise_levels(student_id: int) -> dict[int, int]:
    """Bring a student's verified levels in line with the practice that stands now, up or down.

    Touches what the student's resources teach and what the logs name, and nothing else. The caller holds the
    student's lock (`practice.queries.lock_student`). Returns the levels that changed, by the competency's id.
    """
    db.session.flush()
    reached: dict[int, int] = {}
    for share in _reached(student_id):
        reached[share.competency_id] = max(share.level, reached.get(share.competency_id, 0))
    named = select(LogCompetency.competency_id).join(PracticeLog).where(PracticeLog.student_id == student_id)
    touched = reached.keys() | set(db.session.scalars(named.distinct()))
    rows = {
        row.competency_id: row
        for row in db.session.scalars(select(StudentLevel).where(StudentLevel.student_id == student_id))
    }
    changed = {}
    for competency_id in sorted(touched):
        row = rows.get(competency_id)
        level = max(reached.get(competency_id, 0), row.assessed if row else 0)
        if level == (row.verified if row else 0):
            continue
        changed[competency_id] = level
        if row is None:
            row = StudentLevel(student_id=student_id, competency_id=competency_id, claimed=0, assessed=0)
            db.session.add(row)
        row.verified = level
        if not level and not row.claimed:
            db.session.delete(row)  # as a profile keeps no row without anything claimed or verified
    db.session.flush()
    return changed


def behind(student_id: int) -> dict[str, list[EnrolmentShare]]:
    """The enrolments that stand behind a student's verified levels, by the competency's code, the highest first.

    Enrolments come with their resource and its owner; those without verified practice of the competency are left out.
    """
    found = [share for share in _reached(student_id) if share.minutes]
    enrolments = {
        enrolment.id: enrolment
        for enrolment in db.session.scalars(
            select(Enrolment)
            .where(Enrolment.id.in_({share.enrolment_id for share in found}))
            .options(joinedload(Enrolment.resource).joinedload(TrainingResource.owner))
        )
    }
    shares: dict[str, list[EnrolmentShare]] = {}
    for share in sorted(found, key=lambda share: (-share.level, -share.minutes, share.enrolment_id)):
        row = EnrolmentShare(enrolments[share.enrolment_id], share.minutes, share.level)
        shares.setdefault(share.code, []).append(row)
    return shares


def _reached(student_id: int) -> list[_Reached]:
    """What each enrolment's verified practice reaches of each competency that its resource teaches."""
    proven = (
        select(
            PracticeLog.enrolment_id,
            LogCompetency.competency_id,
            func.sum(PracticeLog.minutes).label("minutes"),
        )
        .join(LogCompetency)
        .where(PracticeLog.student_id == student_id, PracticeLog.state.in_(PROVEN))
        .group_by(PracticeLog.enrolment_id, LogCompetency.competency_id)
        .subquery()
    )
    rows = db.session.execute(
        select(
            Enrolment.id,
            TaughtCompetency.competency_id,
            Competency.code,
            TaughtCompetency.level,
            TrainingResource.hours,
            func.coalesce(proven.c.minutes, 0),
        )
        .join(Enrolment.resource)
        .join(TrainingResource.teaches)
        .join(TaughtCompetency.competency)
        .outerjoin(
            proven,
            and_(
                proven.c.enrolment_id == Enrolment.id,
                proven.c.competency_id == TaughtCompetency.competency_id,
            ),
        )
        .where(Enrolment.student_id == student_id)
    )
    return [
        _Reached(enrolment_id, competency_id, code, minutes, level_reached(teaches, minutes, hours))
        for enrolment_id, competency_id, code, teaches, hours, minutes in rows
    ]
