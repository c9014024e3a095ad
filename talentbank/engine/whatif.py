"""What a change to the market would bring: at the prices of the run before it, beside what solving again finds.

Whatever dual prices p pay for the market as it was, no matching of the changed market weighs more than these prices
make of it, Σ_j p_j · headcount'_j + Σ_i max(0, max_j w'_ij − p_j) with levies among the prices: weak duality. What
that exceeds the optimum before by is therefore the most that a change can bring. Both ends of the prices tell it, the
least and the greatest (`entry_prices`), and the lower number counts.

The optimum is concave in seats (D. Gale, «The Theory of Linear Economic Models», 1960, chapter 5) and bends at whole
numbers only, so that each further seat brings as much as the one before it or less. The least price of a position is
its slope upwards: without quotas it IS what the first seat more brings, to the last unit, and n seats bring n times
that at the most. (Its greatest price is the slope downwards: what the total loses with the last of its seats.)
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from talentbank.engine.assignment import Progress, Result, entry_prices, solve
from talentbank.engine.competency import MAX_LEVEL
from talentbank.engine.forest import named
from talentbank.engine.nudges import Nudges
from talentbank.engine.problem import MOST_SEATS, Bools, Ints, Problem
from talentbank.engine.scoring import columns
from talentbank.engine.tables import NEVER
from talentbank.engine.verification import verify


@dataclass(frozen=True, slots=True, eq=False)
class WhatIf:
    """The optimum before and after a change; promised and gained in 1/UNIT of the objective before.

    promised: what the change brings by the prices, which gained never exceeds. gained: what it brings by solving
    again, people at the bonus before and nudges included.
    """

    before: Result
    after: Result
    promised: int
    gained: int


def with_seats(problem: Problem, more: Ints) -> Problem:
    """The problem with so many more seats, (m,). Raises ValueError for fewer than none."""
    if (more < 0).any():
        raise ValueError("more must be 0 or more at every position")
    return replace(problem, headcount=np.minimum(problem.headcount + more, MOST_SEATS))


def with_level(problem: Problem, students: Ints, competency: int, *, verified: bool) -> Problem:
    """The problem with one competency of some students a level higher: as verified too, or as claimed alone."""
    claimed, shown = problem.claimed.copy(), problem.verified.copy()
    claimed[students, competency] = np.minimum(claimed[students, competency] + 1, MAX_LEVEL)
    if verified:
        shown[students, competency] = np.minimum(shown[students, competency] + 1, MAX_LEVEL)
    return replace(problem, claimed=np.maximum(claimed, shown), verified=shown)


def with_pay(problem: Problem, positions: Bools, rmb: int) -> Problem:
    """The problem with the top salary of some positions, (m,), raised by so many RMB a year."""
    return replace(problem, max_salary=problem.max_salary + np.where(positions, rmb, 0))


def try_out(problem: Problem, before: Result, changed: Problem, progress: Progress | None = None) -> WhatIf:
    """Solve the changed problem under the same policy, and say what the prices before it promise.

    changed: of the same students and positions. Raises Stopped if progress returns False.
    """
    after = solve(changed, before.policy, progress)
    bonus = before.bonus
    gained = weight(changed, after, bonus) - weight(problem, before, bonus)
    return WhatIf(before, after, promised(problem, before, changed), gained)


def promised(problem: Problem, result: Result, changed: Problem) -> int:
    """The most that a change can bring, by the prices of the result before it, in 1/UNIT of its objective."""
    # What quotas that cross each other leave open may be had on top: 0 for all others.
    left_open = verify(problem, result).gap if result.policy.quotas else 0
    return left_open + min(_at(problem, result, changed, price) for price in _ends(problem, result))


def single_gains(problem: Problem, result: Result, changed: Problem) -> Ints:
    """What each student alone would bring with the row that it has in the changed problem, (n,) in 1/UNIT.

    At the greatest prices, as `explanation` has it: exact for the unmatched, without quotas, and at least so much for
    the matched.
    """
    price = entry_prices(problem, result)
    gains: Ints = np.maximum(0, _surpluses(changed, result, price) - _surpluses(problem, result, price))
    return gains


def weight(problem: Problem, result: Result, bonus: int) -> int:
    """What a matching weighs in the objective, pins aside, where each person placed counts so much, in 1/UNIT."""
    rows = np.flatnonzero(result.position >= 0)
    nudged = Nudges.of(problem, result.policy).at(rows, result.position[rows])
    return int(result.total) + bonus * len(rows) + int(nudged.sum())


def people_and_score(units: int, bonus: int) -> tuple[int, int]:
    """What units of the objective stand for: people placed, 0 where they do not count by themselves, and score."""
    people = (units + bonus // 2) // bonus if bonus else 0
    return people, units - people * bonus


def _ends(problem: Problem, result: Result) -> tuple[Ints, ...]:
    if result.policy.quotas:
        return (result.price,)
    return result.price, entry_prices(problem, result)


def _at(problem: Problem, result: Result, changed: Problem, price: Ints) -> int:
    more = changed.headcount - problem.headcount
    seats = sum(int(price[j]) * int(more[j]) for j in np.flatnonzero(more))
    return seats + int((_surpluses(changed, result, price) - _surpluses(problem, result, price)).sum())


def _surpluses(problem: Problem, result: Result, price: Ints) -> Ints:
    """What each student has left of its best position at these prices, (n,); 0 for the pinned, who do not choose."""
    policy, nudges = result.policy, Nudges.of(problem, result.policy)
    left = np.zeros(problem.students, np.int64)
    whom = named(problem, policy.quotas)
    for j, rows, score in columns(problem, policy):
        cost = np.full(problem.students, price[j])
        for levy, some in zip(result.levy, whom, strict=True):
            if some.positions is None or some.positions[j]:
                cost[slice(None) if some.students is None else some.students] += levy
        net = score + result.bonus + nudges.at(rows, np.full(len(rows), j)) - cost[rows]
        left[rows] = np.maximum(left[rows], net)
    left[pinned(problem, result)] = 0
    return left


def pinned(problem: Problem, result: Result) -> Ints:
    """The students whom the policy placed by hand."""
    found = (problem.student_index.get(student, NEVER) for student, _ in result.policy.pinned)
    return np.array([i for i in found if i != NEVER], np.int64)
