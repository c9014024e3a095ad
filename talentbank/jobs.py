"""What is due by itself, on a schedule: Huey's consumer runs it beside the web, as `flask --app wsgi jobs`.

Each job is a command of a service that does no harm when it runs twice; so two machines may both keep the schedule.
"""

from __future__ import annotations

from flask import Flask
from huey import Huey, SqliteHuey, crontab

from talentbank.permissions import SYSTEM
from talentbank.practice.verification import service as verification


def schedule(app: Flask) -> Huey:
    """A queue, kept in the instance folder, with every job at its time."""
    queue = SqliteHuey("bank", filename=str(app.config["BANK_JOBS"]), results=False)

    def chase() -> None:
        with app.app_context():
            verification.chase(SYSTEM)

    queue.periodic_task(crontab(minute="7"), name="chase")(chase)
    return queue
