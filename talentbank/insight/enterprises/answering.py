"""How well an enterprise answers: what it was asked, what of it was answered, and how soon. Pure functions.

What was asked only lately and is not answered yet counts neither way; what was answered counts at once, late answers
too. So a share can fall when time passes, and rises by an answer alone.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median

from talentbank.engine.indicators import Share
from talentbank.insight.tables import FEW

QUESTION_GRACE = timedelta(days=7)
"""A question that is younger and not answered is not counted yet."""
START_GRACE = timedelta(days=30)
"""An acceptance that is younger and without a first day is not counted yet."""


@dataclass(frozen=True, slots=True)
class Case:
    """Something asked of an enterprise about a position, and when it was answered, if it was; aware moments."""

    position_id: int
    asked_at: datetime
    answered_at: datetime | None = None

    @property
    def wait(self) -> timedelta | None:
        """How long the answer took, never less than nothing: a clock that was set back counts as at once."""
        return None if self.answered_at is None else max(timedelta(), self.answered_at - self.asked_at)


@dataclass(frozen=True, slots=True)
class Answering:
    """The share answered of what counts, the median wait of the answers (None without one), and what waits."""

    share: Share
    wait: timedelta | None
    waiting: int
    """Asked so lately that it does not count yet."""

    @property
    def tells(self) -> bool:
        """Whether there are enough cases to give a share."""
        return self.share.denominator >= FEW

    @property
    def tells_wait(self) -> bool:
        """Whether there are enough answers to give a median."""
        return self.share.numerator >= FEW

    @property
    def hours(self) -> float | None:
        """The median wait in hours."""
        return None if self.wait is None else self.wait / timedelta(hours=1)

    @property
    def days(self) -> float | None:
        """The median wait in days."""
        return None if self.wait is None else self.wait / timedelta(days=1)


def questions(position_id: int, thread: Iterable[tuple[bool, datetime]]) -> list[Case]:
    """The questions of one thread; thread: its messages in order, each whether the student wrote it, and when.

    A question is a student's message that follows none or one of the enterprise: several in a row are one question,
    asked with the first. It is answered by the enterprise's next message.
    """
    found: list[Case] = []
    asked_at: datetime | None = None
    for from_student, at in thread:
        if from_student:
            asked_at = asked_at or at
        elif asked_at is not None:
            found.append(Case(position_id, asked_at, at))
            asked_at = None
    return found if asked_at is None else [*found, Case(position_id, asked_at)]


def measure(cases: Iterable[Case], at: datetime, grace: timedelta) -> Answering:
    """How well these cases were answered as it stands at a moment; grace: how long an answer may take uncounted."""
    waits: list[float] = []
    unanswered = waiting = 0
    for case in cases:
        if case.wait is not None:
            waits.append(case.wait.total_seconds())
        elif case.asked_at <= at - grace:
            unanswered += 1
        else:
            waiting += 1
    wait = timedelta(seconds=median(waits)) if waits else None
    return Answering(Share(len(waits), len(waits) + unanswered), wait, waiting)
