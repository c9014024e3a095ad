"""What is due by itself runs on the schedule, and does no harm when it runs twice."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from flask import Flask
from sqlalchemy import func, select

from talentbank.extensions import db, now
from talentbank.jobs import schedule
from talentbank.practice.models import Chase
from tests.practice.world import World


def chases() -> int:
    db.session.rollback()
    return db.session.scalar(select(func.count()).select_from(Chase)) or 0


def test_overdue_logs_are_chased_every_hour_without_anybody_asking(app: Flask) -> None:
    with app.app_context():
        world = World()
        enrolment = world.enrolment(world.resource())
        world.log(enrolment, submitted_at=now() - timedelta(days=8))
        db.session.remove()
    queue = schedule(app)
    due = queue.read_periodic(datetime(2026, 11, 25, 10, 7, tzinfo=UTC))
    assert [task.name for task in due] == ["chase", "clock"]
    at_ten = queue.read_periodic(datetime(2026, 11, 25, 10, 10, tzinfo=UTC))
    assert [task.name for task in at_ten] == ["clock", "hung runs", "mail"]
    at_half_past = queue.read_periodic(datetime(2026, 11, 25, 10, 23, tzinfo=UTC))
    assert [task.name for task in at_half_past] == ["clock", "check-ins"]
    for _ in range(2):
        for task in due:
            queue.execute(task)
    with app.app_context():
        assert chases() == 1


def test_the_command_does_it_at_once(app: Flask) -> None:
    with app.app_context():
        world = World()
        world.log(world.enrolment(world.resource()), submitted_at=now() - timedelta(days=8))
        db.session.remove()
    runner = app.test_cli_runner(env={"LANG": "en_US.UTF-8"})
    assert "Reminders sent: 1." in runner.invoke(args=["chase"]).output
    assert "Reminders sent: 0." in runner.invoke(args=["chase"]).output
