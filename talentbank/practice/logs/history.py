"""The steps of a log: where it stands changes here alone, and each step is kept."""

from __future__ import annotations

from talentbank.extensions import db, now
from talentbank.permissions import Actor
from talentbank.practice.models import LogEvent, LogState, PracticeLog


def note(actor: Actor, log: PracticeLog, state: LogState, reason: str = "") -> None:
    """Move a stored log to a state, for a reason where there is one, and keep the step; within a transaction.

    The reason of the step before goes from the log; it stays in the step.
    """
    log.state, log.reason, log.changed_at = state, reason, now()
    log.version += 1
    db.session.add(
        LogEvent(
            log_id=log.id,
            at=log.changed_at,
            user_id=actor.user_id,
            role=actor.role,
            state=state,
            reason=reason,
        )
    )
