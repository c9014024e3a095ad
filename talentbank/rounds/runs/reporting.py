"""What a run tells while it is solved, and whether it is to stop."""

from __future__ import annotations

import time

from sqlalchemy import select, update

from talentbank.extensions import db, now, transaction
from talentbank.rounds.runs.models import Run, RunState

EVERY = 0.5
"""Seconds between two words: each is a write of its own."""


class Reporter:
    """The solver's progress function: keeps phase and share in the run's row, and says no once somebody asked."""

    def __init__(self, run_id: int) -> None:
        self._run_id = run_id
        self._told = 0.0

    def __call__(self, phase: str, share: float) -> bool:
        if time.monotonic() - self._told < EVERY:
            return True
        with transaction():
            going = Run.id == self._run_id, Run.state == RunState.RUNNING
            # None of a run that was given up meanwhile
            stop: bool | None = db.session.scalar(select(Run.stop_asked).where(*going))
            heard = update(Run).where(*going)
            db.session.execute(heard.values(phase=phase, share=min(1.0, max(0.0, share)), heard_at=now()))
        self._told = time.monotonic()
        return stop is False
