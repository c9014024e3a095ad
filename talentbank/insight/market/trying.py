"""One more seat, course or subsidy on a round's snapshot: by the prices of its run, and by solving again. Pure.

Nothing is stored, and nothing here names a person: a trial counts.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

from talentbank.engine import whatif
from talentbank.engine.assignment import Result, Stopped, solve
from talentbank.engine.forest import laminar, named
from talentbank.engine.policy import UNIT
from talentbank.engine.problem import Bools, Ints, Problem
from talentbank.errors import Invalid
from talentbank.extensions import lazy_gettext as _l
from talentbank.rounds.policy import RunPolicy
from talentbank.rounds.snapshot import Snapshot

MOST_PAIRS = 400_000
"""Of a student and a position: larger rounds are not solved while somebody waits for a page."""
MOST_CROSSED = 40_000
"""The same where quotas cross each other: that takes longer, and can't be given up half way."""
LONGEST = 20.0
"""Seconds after which a trial is given up."""
MOST_SEATS = 20
MOST_COURSE = 500
MOST_RMB = 500_000


@dataclass(frozen=True, slots=True)
class Seats:
    """So many more seats in a position (by id), or in each position of a category: one of the two is set."""

    seats: int
    position: int | None = None
    category: str = ""


@dataclass(frozen=True, slots=True)
class Course:
    """A course with so many seats that raises one competency (by code) by a level: as verified, or as claimed."""

    seats: int
    competency: str
    verified: bool


@dataclass(frozen=True, slots=True)
class Subsidy:
    """So many RMB a year on top of the highest salary of the positions in a city and of a category; "" for any."""

    rmb: int
    city: str = ""
    category: str = ""


Change = Seats | Course | Subsidy


@dataclass(frozen=True, slots=True)
class Numbers:
    """What a matching comes to: people placed, and the total of their scores with the run's nudges."""

    placed: int
    total: float


@dataclass(frozen=True, slots=True)
class Trial:
    """What a change brings. reach: seats added, people taught, or positions that pay more.

    people, score: what it brings by the prices; people is None where the objective does not count them by themselves,
    but with their scores. exact: by theory the two are the same, as of one seat more in one position without quotas.
    better, worse: people who are placed now or score higher than before, and the other way round. nudged: scores
    count with nudges.
    """

    before: Numbers
    after: Numbers
    reach: int
    people: int | None
    score: float
    exact: bool
    better: int
    worse: int
    nudged: bool

    @property
    def placed(self) -> int:
        """People placed more, by solving again."""
        return self.after.placed - self.before.placed

    @property
    def gained(self) -> float:
        """What the total score gains, by solving again."""
        return self.after.total - self.before.total

    @property
    def agree(self) -> bool:
        """Whether both ways say the same."""
        return self.people in (None, self.placed) and abs(self.score - self.gained) < 0.5 / UNIT


def trial(snapshot: Snapshot, policy: RunPolicy, change: Change) -> Trial:
    """Try a change on a run's snapshot and policy. Raises Invalid naming the argument, or for too large a round."""
    problem = snapshot.problem(policy)
    crossed = not laminar(named(problem, policy.terms().quotas))
    most = MOST_CROSSED if crossed else MOST_PAIRS
    if problem.students * problem.positions > most:
        raise too_large(most)
    until = time.monotonic() + LONGEST

    def in_time(_phase: str, _share: float) -> bool:
        return time.monotonic() < until

    try:
        before = solve(problem, policy.terms(), in_time)
        changed, reach = _changed(snapshot, problem, before, change)
        found = whatif.try_out(problem, before, changed, in_time)
    except Stopped:
        raise too_large() from None
    people, score = whatif.people_and_score(found.promised, before.bonus)
    was, now = (np.where(r.position >= 0, r.score, -1) for r in (found.before, found.after))
    one_seat = isinstance(change, Seats) and change.position is not None and change.seats == 1
    return Trial(
        before=Numbers(before.matched, whatif.weight(problem, before, 0) / UNIT),
        after=Numbers(found.after.matched, whatif.weight(changed, found.after, 0) / UNIT),
        reach=reach,
        people=people if before.bonus else None,
        score=score / UNIT,
        exact=one_seat and not policy.quotas and found.promised == found.gained,
        nudged=bool(policy.nudges),
        better=int((now > was).sum()),
        worse=int((now < was).sum()),
    )


def by_price(price: float, bonus: float) -> tuple[int | None, float]:
    """What one seat more brings by its price, as a run keeps it: people (None where a run has no bonus), score."""
    people, score = whatif.people_and_score(round(price * UNIT), round(bonus * UNIT))
    return people if bonus else None, score / UNIT


def too_large(most: int = MOST_PAIRS) -> Invalid:
    """The sentence for a round that can't be solved while somebody waits."""
    return Invalid(
        _l(
            "This round is too large to be solved again while you wait: more than %(pairs)s pairs of a student and a "
            "position, or more than %(seconds)s seconds. What the prices say stands in the table.",
            pairs=f"{most:,}",
            seconds=round(LONGEST),
        )
    )


def _wrong(name: str) -> Invalid:
    return Invalid(
        _l("%(name)s: there is no such thing in this round. Go back, and choose from the list.", name=name)
    )


def _changed(snapshot: Snapshot, problem: Problem, before: Result, change: Change) -> tuple[Problem, int]:
    """The problem with the change, and how many seats, people or positions it reached."""
    if isinstance(change, Seats):
        places = _positions(snapshot, category=change.category, position=change.position)
        if not places.any():
            raise _wrong("position")
        more = np.where(places, change.seats, 0).astype(np.int64)
        return whatif.with_seats(problem, more), int(more.sum())
    if isinstance(change, Subsidy):
        places = _positions(snapshot, city=change.city, category=change.category)
        if not places.any():
            raise _wrong("city, category")
        return whatif.with_pay(problem, places, change.rmb), int(places.sum())
    if change.competency not in problem.competencies:
        raise _wrong("competency")
    k = problem.competencies.index(change.competency)
    taught = _taught(problem, before, k, change)
    return whatif.with_level(problem, taught, k, verified=change.verified), len(taught)


def _positions(snapshot: Snapshot, *, city: str = "", category: str = "", position: int | None = None) -> Bools:
    """Which of the round's positions a change names, (m,)."""
    return np.array(
        [
            (not city or o.city == city)
            and (not category or o.category == category)
            and (position is None or o.id == str(position))
            for o in snapshot.openings
        ],
        np.bool_,
    )


def _taught(problem: Problem, before: Result, k: int, course: Course) -> Ints:
    """Whom a course takes: students below the highest level that seats ask for, as many as it has seats, those first
    whose level brings most at the prices (`whatif.single_gains`); of equal gains the first in the snapshot."""
    level = problem.verified if course.verified else problem.claimed
    lacking = (level[:, k] < problem.required[:, k].max()) & problem.available
    lacking[whatif.pinned(problem, before)] = False
    everybody = np.flatnonzero(lacking)
    changed = whatif.with_level(problem, everybody, k, verified=course.verified)
    gains = whatif.single_gains(problem, before, changed)
    return everybody[np.argsort(-gains[everybody], kind="stable")][: course.seats]
