"""What is due by itself, on a schedule: Huey's consumer runs it beside the web, as `flask --app wsgi jobs`.

Each job is a command of a service that does no harm when it runs twice; so two machines may both keep the schedule.
"""

from __future__ import annotations

from collections.abc import Callable

from flask import Flask
from huey import Huey, crontab

from talentbank.extensions import background
from talentbank.notices import mail
from talentbank.permissions import SYSTEM, Actor
from talentbank.placements import service as placements
from talentbank.practice.verification import service as verification
from talentbank.rounds import clock
from talentbank.rounds.runs import service as runs

SCHEDULE: tuple[tuple[str, Callable[[Actor], object], str], ...] = (
    ("chase", verification.chase, "7"),
    ("clock", clock.tick, "*"),
    ("check-ins", placements.remind, "23"),
    ("hung runs", runs.give_up, "*/5"),
    ("mail", mail.send_due, "*/5"),
)
"""What is due by itself: a name, the command, and the minutes of every hour as crontab writes them."""


def schedule(app: Flask) -> Huey:
    """The app's queue with every job at its time."""
    queue = background.queue(app)
    for name, command, minute in SCHEDULE:
        queue.periodic_task(crontab(minute=minute), name=name)(_within(app, command))
    return queue


def _within(app: Flask, command: Callable[[Actor], object]) -> Callable[[], None]:
    def due() -> None:
        with app.app_context():
            command(SYSTEM)

    return due
