"""What is known of a university's cohorts, as plain values: its graduates, and the placements of those whom the bank
placed in an employment. No database; every figure is the number of rows of the list that it opens: both ask here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from talentbank.competencies.catalogue import Category
from talentbank.engine.indicators import (
    KNOWLEDGE_GOAL,
    Outcome,
    Share,
    Turnover,
    knowledge_rate,
    median_days,
    placement_rate,
)
from talentbank.insight.gap import cases as counting
from talentbank.insight.gap.cases import Case, Stage
from talentbank.placements.models import EndReason

BAND = 30
"""Days to placement are shown in bands of so many."""
LAST_BAND = 12
"""The band that takes all longer ones too."""
GRADUATION = 7
"""The month from which on a cohort counts as graduated: NACE's year of graduation ends on 30 June."""


class Group(StrEnum):
    """What a graduate does, each in one group; the values are those by which the list of destinations is narrowed."""

    BANK = "bank"
    ELSEWHERE = "elsewhere"
    OTHER_WORK = "other_work"
    OWN_BUSINESS = "own_business"
    SERVICE = "service"
    STUDY = "study"
    SEEKING = "seeking"
    NOT_SEEKING = "not_seeking"
    WAITING = "waiting"
    NOTHING = "nothing"


_OUTCOMES = {
    Group.BANK: Outcome.CBEC,
    Group.ELSEWHERE: Outcome.CBEC,
    Group.WAITING: Outcome.UNKNOWN,
    Group.NOTHING: Outcome.UNKNOWN,
}


class Step(StrEnum):
    """What a list of placements is narrowed to; timed: the first of each person, where the search began before it.

    The others are counted as the talent gap counts them (gap.cases.Stage).
    """

    STARTED = "started"
    TIMED = "timed"
    EMPLOYED = "employed"
    THERE_90 = "there_90"
    THERE_180 = "there_180"
    THERE_365 = "there_365"
    LEFT = "left"
    LEFT_YEAR = "left_year"


@dataclass(frozen=True, slots=True)
class Person:
    """A graduate. outcome follows from the group."""

    student_id: int
    cohort: int
    group: Group

    @property
    def outcome(self) -> Outcome:
        """As what the graduate counts in the rates."""
        return _OUTCOMES.get(self.group, Outcome.ELSEWHERE)


@dataclass(frozen=True, slots=True)
class Placed:
    """An employment that the bank placed a graduate in and that started.

    sought_on: the day from which the days to placement run, of each graduate's first one; None of later ones, and
    where there is none before the first day.
    """

    case: Case
    cohort: int
    sought_on: date | None = None

    @property
    def days(self) -> int | None:
        """From the first round with the student in it to the first day in the position."""
        if self.sought_on is None or self.case.started_on is None or self.sought_on > self.case.started_on:
            return None
        return (self.case.started_on - self.sought_on).days

    @property
    def band(self) -> int | None:
        """The band of its days, 0 for less than BAND."""
        return None if self.days is None else min(self.days // BAND, LAST_BAND)


@dataclass(frozen=True, slots=True)
class Record:
    """Graduates and placements of one cohort or of all of a university's."""

    people: Sequence[Person]
    placed: Sequence[Placed]

    @property
    def cohorts(self) -> list[int]:
        """Years of graduation, the latest first."""
        return sorted({person.cohort for person in self.people}, reverse=True)

    @property
    def cases(self) -> list[Case]:
        """The placements as the talent gap counts them."""
        return [placed.case for placed in self.placed]

    def of(self, cohort: int | None) -> Record:
        """One cohort's; None for all."""
        if cohort is None:
            return self
        return Record(
            [person for person in self.people if person.cohort == cohort],
            [placed for placed in self.placed if placed.cohort == cohort],
        )

    @property
    def knowledge(self) -> Share:
        return knowledge_rate(person.outcome for person in self.people)

    @property
    def placement(self) -> Share:
        return placement_rate(person.outcome for person in self.people)

    @property
    def sound(self) -> bool:
        """Whether so much is known that the placement rate can be relied on; of nobody there is nothing to doubt."""
        known = self.knowledge.value
        return known is None or known >= KNOWLEDGE_GOAL

    @property
    def median(self) -> float | None:
        """Median days to placement; None where nobody was placed."""
        timed = (p for p in self.placed if p.days is not None)
        return median_days((p.sought_on, p.case.started_on) for p in timed if p.sought_on and p.case.started_on)

    def stayed(self, days: int, day: date) -> Share:
        """Placements still there so many days after the first, of those that started so long ago."""
        return counting.stayed(self.cases, days, day)

    def turnover(self, day: date) -> Turnover:
        """Leavers of the 365 days to a day against the average headcount."""
        return counting.turned_over(self.cases, day, tuple(Category))

    def groups(self) -> dict[Group, int]:
        """How many graduates do what; every one is in one group."""
        return {group: sum(person.group is group for person in self.people) for group in Group}

    def bands(self) -> list[int]:
        """How many were placed within how many days, by band from the first to the last that has anybody."""
        bands = [placed.band for placed in self.placed if placed.band is not None]
        return [bands.count(band) for band in range(max(bands, default=-1) + 1)]

    def reasons(self, day: date) -> dict[EndReason, int]:
        """Why people left, the most frequent first; only what somebody left for."""
        counts = counting.reasons(self.cases, day)
        return dict(sorted(((r, n) for r, n in counts.items() if n), key=lambda item: -item[1]))

    def listed(self, step: Step, day: date, reason: EndReason | None = None, band: int | None = None) -> list[Placed]:
        """The placements that a figure counts, the latest first day first."""
        if step is Step.TIMED:
            found = [p for p in self.placed if p.days is not None and (band is None or p.band == band)]
        else:
            ids = {case.offer_id for case in counting.of(self.cases, Stage(step.value), day, (), reason)}
            found = [placed for placed in self.placed if placed.case.offer_id in ids]
        return sorted(found, key=lambda p: (p.case.started_on or date.min, p.case.offer_id), reverse=True)


def graduated(cohort: int, day: date) -> bool:
    """Whether a cohort has left the university."""
    return date(cohort, GRADUATION, 1) <= day


def latest(cohorts: Sequence[int], day: date) -> int | None:
    """The latest cohort that has graduated, else the earliest of those that still study; None without any."""
    return max((c for c in cohorts if graduated(c, day)), default=min(cohorts, default=None))
