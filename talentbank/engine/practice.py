"""What practice counts for: terms, weeks and nights, and the level that so many hours reach.

All times are minutes: of a day from midnight, or of practice.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

NIGHT = ((0, 6 * 60), (22 * 60, 24 * 60))
"""Before 6:00 and after 22:00, in minutes after midnight."""


@dataclass(frozen=True, slots=True)
class Term:
    """Half an academic year: autumn from 1 September to the end of January, spring from then to the end of August."""

    first: date
    last: date
    autumn: bool

    @property
    def year(self) -> int:
        """The year in which the academic year began."""
        return self.first.year if self.autumn else self.first.year - 1


def term_of(day: date) -> Term:
    """The term in which a day lies."""
    if 2 <= day.month <= 8:
        return Term(date(day.year, 2, 1), date(day.year, 8, 31), autumn=False)
    began = day.year if day.month >= 9 else day.year - 1
    return Term(date(began, 9, 1), date(began + 1, 1, 31), autumn=True)


def week_of(day: date) -> tuple[date, date]:
    """Monday and Sunday of a day's week (ISO 8601)."""
    monday = day - timedelta(days=day.weekday())
    return monday, monday + timedelta(days=6)


def at_night(starts: int, ends: int) -> bool:
    """Whether a stretch of a day touches the night."""
    return any(starts < last and first < ends for first, last in NIGHT)


def level_reached(teaches: int, minutes: int, hours: int) -> int:
    """The level that verified practice has reached, 0 up to what the resource teaches.

    The resource brings a person to `teaches` in `hours`; on the way each whole level is reached with its share of
    the hours, so 14 of 40 hours towards level 3 reach level 1.
    """
    return min(teaches, teaches * minutes // (60 * hours))
