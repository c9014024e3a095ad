"""Placement, knowledge, retention and turnover, as exact figures (DESIGN.md, section 6).

Knowledge rate and first destinations are counted as NACE does («Standards and Protocols for the Collection and
Dissemination of Graduating Student Initial Career Outcomes Information», 2014), which wants the outcome of at least
65 % known. The placement rate of the bank is narrower than NACE's career outcomes rate: only cross-border e-commerce
(CBEC) employment counts, never an internship, a practice credit or further study.

Days are dates of one calendar; both ends of a stay count as days of it. A figure without anybody in its denominator
is None, never 0: nobody is not the same as none of them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from math import sqrt
from statistics import NormalDist, median

KNOWLEDGE_GOAL = 0.65
"""The knowledge rate below which NACE calls figures of a cohort unreliable."""

YEAR = timedelta(days=365)


class Outcome(StrEnum):
    """What is known of a graduate: employed in CBEC, anything else (still seeking too), or nothing."""

    CBEC = "cbec"
    ELSEWHERE = "elsewhere"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Interval:
    """Bounds of a share, 0 ≤ low ≤ high ≤ 1."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Share:
    """So many (numerator) of so many people (denominator). ValueError unless 0 ≤ numerator ≤ denominator."""

    numerator: int
    denominator: int

    def __post_init__(self) -> None:
        if not 0 <= self.numerator <= self.denominator:
            raise ValueError(f"{self.numerator} of {self.denominator} is no share")

    @property
    def value(self) -> float | None:
        """The share, 0..1; None of nobody."""
        return self.numerator / self.denominator if self.denominator else None

    def interval(self, confidence: float = 0.95) -> Interval | None:
        """Wilson's score interval of the share; None of nobody."""
        return wilson(self.numerator, self.denominator, confidence) if self.denominator else None


@dataclass(frozen=True, slots=True)
class Spell:
    """One person's stay in a position: the first day and the last, which is None while it goes on.

    ValueError if it ends before it starts.
    """

    started_on: date
    ended_on: date | None = None

    def __post_init__(self) -> None:
        if self.ended_on is not None and self.ended_on < self.started_on:
            raise ValueError(f"a stay from {self.started_on} can't end on {self.ended_on}")

    def goes_on(self, day: date) -> bool:
        """Whether it has begun and not ended by the end of a day: the last day is over by then."""
        return self.started_on <= day and (self.ended_on is None or self.ended_on > day)


@dataclass(frozen=True, slots=True)
class Turnover:
    """Leavers of a period against its average headcount (persons; a fraction where people came or went)."""

    leavers: int
    headcount: float

    @property
    def value(self) -> float | None:
        """Leavers a head, 0 or more, above 1 where seats changed hands more than once; None without anybody."""
        return self.leavers / self.headcount if self.headcount else None


def wilson(successes: int, trials: int, confidence: float = 0.95) -> Interval:
    """The score interval of a proportion: sound for few trials and for 0 or all of them, where p ± z·s is not.

    E. B. Wilson, «Probable inference, the law of succession, and statistical inference», JASA 22 (1927), 209–212;
    recommended for small numbers by L. D. Brown, T. T. Cai, A. DasGupta, «Interval estimation for a binomial
    proportion», Statistical Science 16 (2001), 101–133. ValueError unless 0 ≤ successes ≤ trials, trials ≥ 1 and
    0 < confidence < 1.
    """
    if trials < 1 or not 0 <= successes <= trials:
        raise ValueError(f"{successes} of {trials} trials can't have succeeded")
    if not 0 < confidence < 1:
        raise ValueError(f"a confidence lies between 0 and 1, not at {confidence}")
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    share, spread = successes / trials, z * z / trials
    centre = (share + spread / 2) / (1 + spread)
    half = z * sqrt(share * (1 - share) / trials + spread / (4 * trials)) / (1 + spread)
    # With none or all, the formula gives 0 or 1 exactly; rounding must not leave them out.
    low = 0.0 if successes == 0 else max(0.0, centre - half)
    high = 1.0 if successes == trials else min(1.0, centre + half)
    return Interval(min(low, share), max(high, share))


def knowledge_rate(outcomes: Iterable[Outcome]) -> Share:
    """Graduates whose outcome is known, of all graduates; outcomes: one a graduate."""
    known, everybody = 0, 0
    for outcome in outcomes:
        everybody += 1
        known += outcome is not Outcome.UNKNOWN
    return Share(known, everybody)


def placement_rate(outcomes: Iterable[Outcome]) -> Share:
    """Graduates employed in CBEC, of those whose outcome is known; outcomes: one a graduate."""
    known = [outcome for outcome in outcomes if outcome is not Outcome.UNKNOWN]
    return Share(sum(outcome is Outcome.CBEC for outcome in known), len(known))


def retention(spells: Iterable[Spell], days: int, today: date) -> Share:
    """Who was still there so many days after the first, of those who started at least so long ago.

    Day 0 is the first day; whose last day is the day asked for was still there. ValueError for negative days.
    """
    if days < 0:
        raise ValueError(f"retention is asked for after 0 days or more, not {days}")
    span = timedelta(days=days)
    old = [spell for spell in spells if spell.started_on + span <= today]
    return Share(sum(s.ended_on is None or s.ended_on >= s.started_on + span for s in old), len(old))


def turnover(spells: Iterable[Spell], until: date, period: timedelta = YEAR) -> Turnover:
    """Leavers of the period that ends with a day, against the average of its daily headcounts.

    The period has its whole days, `until` the last of them. A leaver is who had the last day in it, the last day
    of the period too. ValueError for a period of less than a day.
    """
    if period.days < 1:
        raise ValueError("turnover is asked for over a day or more")
    since = until - timedelta(days=period.days - 1)
    leavers, person_days = 0, 0
    for spell in spells:
        first, last = max(spell.started_on, since), min(spell.ended_on or until, until)
        person_days += max(0, (last - first).days + 1)
        leavers += spell.ended_on is not None and since <= spell.ended_on <= until
    return Turnover(leavers, person_days / period.days)


def median_days(pairs: Iterable[tuple[date, date]]) -> float | None:
    """The median number of days from the first date of each pair to the second; None without pairs.

    Days to placement: from the day on which a student first took part in a round to the first day in the position.
    Half a day is possible, between two in the middle. ValueError where the second date is before the first.
    """
    spans = [(second - first).days for first, second in pairs]
    if any(span < 0 for span in spans):
        raise ValueError("nobody is placed before the search began")
    return float(median(spans)) if spans else None
