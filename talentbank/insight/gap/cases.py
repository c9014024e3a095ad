"""The talent gap's way from an offer to a year in the position, counted over plain values: no database.

One Case an offer of employment; internships are left out before (an internship is no placement). Every figure of the
gap's tables is the number of cases of one stage, and its list shows the same cases: both ask `of`.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from functools import partial

from talentbank.competencies.catalogue import Category
from talentbank.engine.indicators import YEAR, Share, Spell, Turnover, retention, turnover
from talentbank.insight.tables import FEW, withheld
from talentbank.placements.models import CHECK_IN_DAYS, EndReason

MOST_MONTHS = 24
"""How far back the months go."""

CORE = (Category.OPERATIONS, Category.DESIGN)
"""The positions whose turnover the paper measures."""
CORE_GROUP = "core"
"""Both of them together, in an address."""


@dataclass(frozen=True, slots=True)
class Case:
    """An offer of employment with what became of it; dates: the first and the last day, where there are any."""

    offer_id: int
    student_id: int
    category: Category
    accepted: bool
    started_on: date | None = None
    ended_on: date | None = None
    reason: EndReason | None = None
    placement_id: int | None = None

    @property
    def spell(self) -> Spell | None:
        """The stay in the position; None before it starts."""
        return Spell(self.started_on, self.ended_on) if self.started_on else None

    def in_post(self, day: date) -> bool:
        """Whether the person is employed there at the end of a day."""
        return self.spell is not None and self.spell.goes_on(day)

    def old(self, days: int, today: date) -> bool:
        """Whether it started at least so many days ago."""
        return self.started_on is not None and self.started_on + timedelta(days=days) <= today

    def there(self, days: int, today: date) -> bool:
        """Whether it started so long ago, and went on for as long (as `indicators.retention` counts it)."""
        spell = self.spell
        return spell is not None and self.old(days, today) and retention([spell], days, today).numerator == 1

    def left(self, today: date) -> bool:
        """Whether it ended within the year to today (as `indicators.turnover` counts leavers)."""
        return self.ended_on is not None and timedelta() <= today - self.ended_on < YEAR


class Stage(StrEnum):
    """How far a case came; old_N: started N days ago or more; there_N: of those, still there N days after the first;
    left_year: left in the last 365 days."""

    OFFERED = "offered"
    ACCEPTED = "accepted"
    WAITING = "waiting"
    STARTED = "started"
    EMPLOYED = "employed"
    OLD_90 = "old_90"
    OLD_180 = "old_180"
    OLD_365 = "old_365"
    THERE_90 = "there_90"
    THERE_180 = "there_180"
    THERE_365 = "there_365"
    LEFT = "left"
    LEFT_YEAR = "left_year"


OLD = dict(zip(CHECK_IN_DAYS, (Stage.OLD_90, Stage.OLD_180, Stage.OLD_365), strict=True))
THERE = dict(zip(CHECK_IN_DAYS, (Stage.THERE_90, Stage.THERE_180, Stage.THERE_365), strict=True))
LEAVERS = frozenset({Stage.LEFT, Stage.LEFT_YEAR})
PEOPLE = frozenset({Stage.OFFERED, Stage.ACCEPTED, Stage.STARTED})
"""Stages counted by person: who had two offers, or started twice, counts once, with the later one."""


def _old(days: int, case: Case, day: date) -> bool:
    return case.old(days, day)


def _there(days: int, case: Case, day: date) -> bool:
    return case.there(days, day)


_REACHED: dict[Stage, Callable[[Case, date], bool]] = {
    Stage.OFFERED: lambda case, day: True,
    Stage.ACCEPTED: lambda case, day: case.accepted,
    Stage.WAITING: lambda case, day: case.accepted and case.started_on is None,
    Stage.STARTED: lambda case, day: case.started_on is not None,
    Stage.EMPLOYED: Case.in_post,
    Stage.LEFT: lambda case, day: case.ended_on is not None and case.ended_on <= day,
    Stage.LEFT_YEAR: Case.left,
    **{stage: partial(_old, days) for days, stage in OLD.items()},
    **{stage: partial(_there, days) for days, stage in THERE.items()},
}


def of(
    cases: Iterable[Case],
    stage: Stage,
    day: date,
    categories: Collection[Category] = (),
    reason: EndReason | None = None,
) -> list[Case]:
    """The cases of a stage at the end of a day: of some categories, or of all; left for one reason, or for any."""
    found = [
        case
        for case in cases
        if (not categories or case.category in categories)
        and (reason is None or case.reason is reason)
        and _REACHED[stage](case, day)
    ]
    if stage in PEOPLE:
        found = list({case.student_id: case for case in sorted(found, key=lambda case: case.offer_id)}.values())
    return sorted(found, key=lambda case: case.offer_id)


def few_among(cases: Collection[Case], *, sees: bool) -> frozenset[Category]:
    """The categories with so few of these cases that they are not told from the others (tables.withheld)."""
    counts = [sum(case.category is category for case in cases) for category in Category]
    kept_back = withheld(counts, sees=sees)
    return frozenset(category for place, category in enumerate(Category) if place in kept_back)


def month_ends(cases: Iterable[Case], today: date) -> list[date]:
    """The last days of the months from the first placement's on, MOST_MONTHS at most; of this month, today."""
    started = [case.started_on for case in cases if case.started_on is not None]
    if not started:
        return []
    first, this = _month(min(started)), _month(today)
    months = range(max(first, this - MOST_MONTHS + 1), this + 1)
    return [min(_last_day(month), today) for month in months]


def stayed(cases: Iterable[Case], days: int, today: date, categories: Collection[Category] = ()) -> Share:
    """Placements still there so many days after the first, of those that started so long ago."""
    spells = [case.spell for case in cases if not categories or case.category in categories]
    return retention([spell for spell in spells if spell], days, today)


def turned_over(cases: Iterable[Case], today: date, categories: Collection[Category]) -> Turnover:
    """Leavers of the 365 days to today against the average headcount."""
    spells = [case.spell for case in cases if case.category in categories]
    return turnover([spell for spell in spells if spell], today)


def untold(cases: Collection[Case], days: int, today: date, categories: Collection[Category], *, sees: bool) -> bool:
    """Whether so few of some categories (of all, for none) started so many days ago that who stayed is withheld."""
    old = of(cases, OLD[days], today)
    if categories:
        return not few_among(old, sees=sees).isdisjoint(categories)
    return not sees and 0 < len(old) < FEW


def reasons(cases: Sequence[Case], today: date) -> dict[EndReason, int]:
    """How many left for which reason, in the order of EndReason; all of them, 0 too."""
    gone = of(cases, Stage.LEFT, today)
    return {reason: sum(case.reason is reason for case in gone) for reason in EndReason}


def _month(day: date) -> int:
    """Months since the year 0, so that they can be counted."""
    return day.year * 12 + day.month - 1


def _last_day(month: int) -> date:
    year, place = divmod(month, 12)
    return date(year, place + 1, monthrange(year, place + 1)[1])
