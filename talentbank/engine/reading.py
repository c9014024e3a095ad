"""Scores of every pair as `scoring.columns` has them, for many students of one category and city at once.

It is what `verify` reads: plain numpy, and nothing of the solver's, not even its compiler.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from talentbank.engine.policy import UNIT, Pair, Policy
from talentbank.engine.problem import Ints, Problem
from talentbank.engine.scoring import NANO, Terms, rounded

BLOCK = 16_384
"""Students who are scored together, so that their levels stay in the cache."""

SHARE = 128
"""Positions of one category and city that a thread takes at a time."""

BARRED = -(2**50)
"""What a must-have adds that isn't reached: nothing else makes up for it, and no sum of it leaves 63 bits."""


def known(problem: Problem, pairs: tuple[Pair, ...]) -> Ints:
    """Pairs by index, (p, 2), without those that the problem does not know."""
    students, positions = problem.student_index, problem.position_index
    found = [(students[i], positions[j]) for i, j in pairs if i in students and j in positions]
    return np.array(found, np.int64).reshape(-1, 2)


def nudged(problem: Problem, policy: Policy) -> dict[tuple[int, int], int]:
    """What nudges add to the weights of pairs, by index, in 1/UNIT: of pairs that the problem knows, and of students
    who are not pinned."""
    held = {student for student, _ in policy.pinned}
    found: Counter[tuple[int, int]] = Counter()
    for nudge in policy.nudges:
        i, j = problem.student_index.get(nudge.student), problem.position_index.get(nudge.position)
        if i is not None and j is not None and nudge.student not in held:
            found[i, j] += round(nudge.amount * UNIT)
    return found


class Column(NamedTuple):
    """Some students with their scores at one position, negative where they can't be matched there.

    at (n,): where in those a student stands who is one of them; for others anything that is out of range.
    """

    position: int
    student: Ints
    score: Ints
    at: Ints


class Listed:
    """Single pairs by position, those of position j from start[j] to start[j + 1], with a value each."""

    def __init__(self, problem: Problem, student: Ints, position: Ints, value: Ints | None = None) -> None:
        order = np.argsort(position, kind="stable")
        self.start = np.searchsorted(position[order], np.arange(problem.positions + 1)).tolist()
        self.student = student[order]
        self.value = np.zeros_like(self.student) if value is None else value[order]

    def among(self, column: Column) -> tuple[Ints, Ints]:
        """Where in a column those stand who are listed, and their values."""
        here = slice(self.start[column.position], self.start[column.position + 1])
        at = column.at[self.student[here]]
        there = (at >= 0) & (at < len(column.student))
        return at[there], self.value[here][there]


class Pairs:
    """Scores as `scoring.columns` has them, for many students of one category and city at once."""

    def __init__(self, problem: Problem, policy: Policy) -> None:
        self.problem = problem
        self.terms = Terms.of(problem, policy)
        self.value = np.where(self.terms.reached, self.terms.value, BARRED)
        self.code = np.ascontiguousarray(problem.level_code.T)
        self.start = np.searchsorted(self.terms.position, np.arange(problem.positions + 1)).tolist()
        self.wishes = [
            Listed(problem, w.student, w.position, np.rint(NANO * weight * w.value).astype(np.int64))
            for weight, w in zip(policy.weights[1:], (problem.by_student, problem.by_enterprise), strict=True)
        ]
        banned = np.concatenate([problem.ruled_out, known(problem, policy.banned)])
        self.banned = Listed(problem, banned[:, 0], banned[:, 1])
        nudges = nudged(problem, policy)
        rows = np.array([(*pair, amount) for pair, amount in nudges.items()], np.int64).reshape(-1, 3)
        self.nudges = Listed(problem, rows[:, 0], rows[:, 1], rows[:, 2])
        self.largest_nudge = max(map(abs, nudges.values()), default=0)
        self.least = policy.least_units

    def shares(self) -> list[Ints]:
        """All positions, up to SHARE of one category and city together."""
        group = self.problem.category * self.problem.takes_city.shape[1] + self.problem.city
        order = np.argsort(group, kind="stable")
        groups = np.split(order, np.flatnonzero(np.diff(group[order])) + 1) if len(order) else []
        return [positions[low : low + SHARE] for positions in groups for low in range(0, len(positions), SHARE)]

    def columns(self, positions: Ints) -> Iterator[Column]:
        """Columns of positions of one category and city: of the students who accept those, by what they want to
        earn, each BLOCK in turn."""
        problem = self.problem
        members = np.flatnonzero(
            problem.takes_category[:, problem.category[positions[0]]]
            & problem.takes_city[:, problem.city[positions[0]]]
            & problem.available
        )
        members = members[np.argsort(problem.min_salary[members], kind="stable")]
        asked = np.flatnonzero(problem.required[positions].any(axis=0)).tolist()
        for low in range(0, len(members), BLOCK):
            block = members[low : low + BLOCK]
            content = np.searchsorted(problem.min_salary[block], problem.max_salary[positions], side="right")
            at = np.full(problem.students, -1)
            at[block] = np.arange(len(block))
            code = {k: self.code[k].take(block) for k in asked}
            for j, count in zip(positions.tolist(), content.tolist(), strict=True):
                if count:
                    yield self._scored(j, block[:count], at, code)

    def weights(self, column: Column) -> Ints:
        """A column's scores with the nudges on them."""
        at, amount = self.nudges.among(column)
        if not len(at):
            return column.score
        weight = column.score.copy()
        weight[at] += amount
        return weight

    def _scored(self, j: int, students: Ints, at: Ints, code: dict[int, NDArray[np.uint8]]) -> Column:
        nano = np.zeros(len(students), np.int64)
        for r in range(self.start[j], self.start[j + 1]):
            nano += self.value[r].take(code[int(self.terms.competency[r])][: len(students)])
        column = Column(j, students, nano, at)
        for wishes in self.wishes:
            np.add.at(nano, *wishes.among(column))
        score = rounded(nano)
        score[self.banned.among(column)[0]] = BARRED
        if self.least > 0:
            score[score < self.least] = BARRED
        return column._replace(score=score)
