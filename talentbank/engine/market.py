"""A problem under a policy, made ready to be solved: weights of what is special, seats, and the forest of quotas."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from talentbank.engine.forest import Forest, Named, laminar, named, planted, seats_only
from talentbank.engine.nudges import Nudges
from talentbank.engine.policy import UNIT, Policy
from talentbank.engine.problem import Ints, Problem
from talentbank.engine.scoring import Terms
from talentbank.engine.tables import Special, Tables, grouped, special_pairs, tables

HEAVIEST = 2**60
"""Weights stay below, so that no sum of four of them leaves 63 bits."""


@dataclass(frozen=True, slots=True)
class Market:
    """Positions in the order of their groups (`order`), with no more seats than one beyond the students.

    bonus: what each person placed counts beside the score and the nudge; pin: each pinned one on top. Under quotas
    the weights of pinned pairs are without the pin: there they have no choice. forest: None for quotas that are not
    laminar.
    """

    problem: Problem
    policy: Policy
    order: Ints
    terms: Terms
    special: Special
    nudges: Nudges
    capacity: Ints
    bonus: int
    pin: int
    whom: list[Named]
    forest: Forest | None

    @property
    def heaviest(self) -> int:
        """What no weight is above, the pin aside."""
        return UNIT + self.nudges.largest + self.bonus

    def tables(self) -> Tables:
        """What the sweeps read."""
        made = tables(self.problem, self.policy, self.terms, self.order, self.bonus, self.special)
        likeness = np.arange(self.problem.students) if self.policy.quotas else made.likeness
        return made._replace(capacity=self.capacity, likeness=likeness)


def market(problem: Problem, policy: Policy) -> Market:
    """Make a problem ready. Raises ValueError for a policy that does not go with it."""
    nudges = Nudges.of(problem, policy)
    bonus, pin = bonuses(problem.students, problem.headcount, UNIT + nudges.largest, policy)
    order, terms = grouped(problem), Terms.of(problem, policy)
    special = special_pairs(problem, policy, terms, order, bonus, 0 if policy.quotas else pin, nudges)
    capacity = np.minimum(problem.headcount, problem.students + 1)[order]
    whom = [
        some._replace(positions=None if some.positions is None else some.positions[order])
        for some in named(problem, policy.quotas)
    ]
    forest: Forest | None = seats_only(problem.students, capacity)
    if policy.quotas:
        forest = planted(problem.students, capacity, policy.quotas, whom) if laminar(whom) else None
    return Market(problem, policy, order, terms, special, nudges, capacity, bonus, pin, whom, forest)


def bonuses(students: int, headcount: Ints, largest: int, policy: Policy) -> tuple[int, int]:
    """What a placed and a pinned person count beside the score, so that no gain in score outweighs one of them.

    largest: the largest score, S, whatever its sign, and nudges with it. Totals of two matchings differ by at most
    2·K·S with K = min(n, seats), so one more person with 1 + 2·K·S counts for more than any total; the same again for
    pins over placed people. K counts as 1 where there is no seat, so that nudges are outweighed there too. Every sum
    that the solver forms is of at most four weights, each below HEAVIEST = 2^60, so that none leaves 63 bits; what
    can't be kept below that is refused.
    """
    most = max(1, min(students, int(headcount.sum())))
    bonus = 1 + 2 * most * largest if policy.objective == "placements" else 0
    pin = 1 + 2 * most * (bonus + largest) if policy.pinned else 0
    if bonus + pin + largest >= HEAVIEST:
        raise ValueError(f"score is too large: {largest} units among {most} people do not stay below 2^60")
    return bonus, pin
