"""Pairs that the chamber encourages or discourages: what a policy adds to the weights of single pairs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from talentbank.engine.policy import UNIT, Policy
from talentbank.engine.problem import Ints, Problem


@dataclass(frozen=True, slots=True)
class Nudges:
    """What is added to weights: key (w,), student · width + position, ascending; amount (w,) in 1/UNIT."""

    key: Ints
    amount: Ints
    width: int

    @classmethod
    def of(cls, problem: Problem, policy: Policy) -> Nudges:
        """The nudges of a policy, those of one pair added up; without those of whom the problem doesn't know, and of
        pinned students, who have no choice."""
        rows, columns, width = problem.student_index, problem.position_index, max(problem.positions, 1)
        held = {student for student, _ in policy.pinned}
        found = [
            (rows[nudge.student] * width + columns[nudge.position], nudge.amount)
            for nudge in policy.nudges
            if nudge.student in rows and nudge.position in columns and nudge.student not in held
        ]
        key, which = np.unique(np.array([key for key, _ in found], np.int64), return_inverse=True)
        amount = np.zeros(len(key), np.int64)
        np.add.at(amount, which, np.rint(UNIT * np.array([amount for _, amount in found])).astype(np.int64))
        return cls(key, amount, width)

    @property
    def student(self) -> Ints:
        return self.key // self.width

    @property
    def position(self) -> Ints:
        return self.key % self.width

    @property
    def largest(self) -> int:
        """The most by which a weight is moved, up or down."""
        return int(np.abs(self.amount).max(initial=0))

    def at(self, student: ArrayLike, position: ArrayLike) -> Ints:
        """What is added to the weights of some pairs, 0 for most; the arguments go together as in sums."""
        key = np.asarray(student, np.int64) * self.width + np.asarray(position, np.int64)
        if not len(self.key):
            return np.zeros_like(key)
        found = np.minimum(np.searchsorted(self.key, key), len(self.key) - 1)
        return np.where(self.key[found] == key, self.amount[found], 0)
