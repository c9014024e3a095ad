"""What tests of logs share: entries, logs as they are stored, refusals that store nothing, rules and agreements."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from talentbank.errors import Invalid
from talentbank.extensions import SHANGHAI, db, now, today, transaction
from talentbank.practice.evidence import Store
from talentbank.practice.logs import queries, service
from talentbank.practice.logs.service import LogEntry
from talentbank.practice.models import (
    Agreement,
    Evidence,
    LogCompetency,
    LogEvent,
    LogState,
    PracticeLog,
    PracticeRules,
)
from tests import factories
from tests.practice.world import World

TABLES = (PracticeLog, LogCompetency, LogEvent, Evidence)
MONDAY = today() - timedelta(days=today().weekday() + 7)
"""Of last week: all of it is past, and none of it late on any day of this one."""
TUESDAY, SUNDAY = MONDAY + timedelta(days=1), MONDAY + timedelta(days=6)
NINE, NOON = 9 * 60, 12 * 60


def said(enrolment: int, **changes: Any) -> LogEntry:
    """What a student may well say, but for what the test changes."""
    good: dict[str, Any] = {
        "day": MONDAY,
        "starts": NINE,
        "ends": NOON,
        "done": "上架三件商品",
        "competencies": ("platform_ops",),
    }
    return LogEntry(enrolment, **{**good, **changes})


def draft(w: World, store: Store, enrolment: int, **changes: Any) -> PracticeLog:
    return service.save_draft(w.student, None, said(enrolment, **changes), [], 0, store)


def sent(w: World, store: Store, enrolment: int, **changes: Any) -> PracticeLog:
    return service.save_and_send(w.student, None, said(enrolment, **changes), [], 0, store)


def stored(log: PracticeLog | int) -> PracticeLog:
    """A log as it is stored now, whole."""
    db.session.rollback()
    db.session.expire_all()
    id_ = log if isinstance(log, int) else log.id
    return db.session.scalars(select(PracticeLog).where(PracticeLog.id == id_).options(*queries.whole_log())).one()


def steps(log: PracticeLog | int) -> list[tuple[LogState, str]]:
    return [(event.state, event.reason) for event in stored(log).events]


def refused(act: Any) -> Mapping[str, object]:
    """The sentences of a refusal by field, once it is sure that nothing was stored."""
    before = factories.stored(*TABLES)
    with pytest.raises(Invalid) as refusal:
        act()
    assert factories.stored(*TABLES) == before
    assert all(str(sentence).strip() for sentence in refusal.value.errors.values())
    return refusal.value.errors


def ruled(w: World, **values: Any) -> None:
    """Rules of the world's university."""
    good = {"hours_per_credit": 16, "hours_a_day": 8, "hours_a_week": 40, "night_work": False, "version": 1}
    with transaction():
        db.session.merge(PracticeRules(university_id=w.university.organisation_id, **{**good, **values}))


def moment_of(day: date, hour: int = 12) -> datetime:
    """An hour of a day in Meishan."""
    return datetime.combine(day, time(hour), SHANGHAI).astimezone(UTC)


def signed(enrolment: int, *days: date | None) -> None:
    """An agreement that student, university and host signed on these days."""
    with transaction():
        at = [None if day is None else moment_of(day) for day in days]
        db.session.merge(
            Agreement(
                enrolment_id=enrolment,
                terms="1.",
                digest="0" * 64,
                proposed_at=now(),
                student_signed_at=at[0],
                university_signed_at=at[1],
                host_signed_at=at[2],
            )
        )
