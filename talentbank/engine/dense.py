"""The optimum of a small market: every pair in one matrix, columns repeated by headcount, solved by scipy.

`scipy.optimize.linear_sum_assignment` (D. F. Crouse, «On implementing 2D rectangular assignment algorithms», IEEE
Trans. Aerospace and Electronic Systems 52(4), 2016) adds and subtracts weights and nothing else, so that it is exact
in whole numbers as long as they stay below 2^53. Prices are the least dual solution (G. Demange, D. Gale, M.
Sotomayor, «Multi-item auctions», J. Political Economy 94(4), 1986), found as longest paths between positions.

This shares no step with the way of large markets but the draw, and tests hold the two against each other.
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import linear_sum_assignment

from talentbank.engine.nudges import Nudges
from talentbank.engine.optimum import Optimum, Seating
from talentbank.engine.policy import Policy
from talentbank.engine.problem import Ints, Problem
from talentbank.engine.scoring import columns
from talentbank.engine.tables import NEVER, lightest_of

EXACT = 2**53
"""Whole numbers below are exact as floating-point ones."""

LOW = -(2**62)


def weights(problem: Problem, policy: Policy, bonus: int, pin: int) -> tuple[Ints, Ints]:
    """Weights of all pairs, (n, m), NEVER for those that can't be matched, and how many are eligible, (m,)."""
    weight = np.full((problem.students, problem.positions), NEVER, np.int64)
    eligible = np.zeros(problem.positions, np.int64)
    nudges, lightest = Nudges.of(problem, policy), lightest_of(policy)
    for j, rows, score in columns(problem, policy):
        eligible[j] = len(rows)
        own = score + nudges.at(rows, j)
        weight[rows, j] = np.where(own >= lightest, own + bonus, NEVER)
    for student, position in policy.pinned:
        i, j = problem.student_index[student], problem.position_index[position]
        pinned = max(weight[i, j], bonus) + pin  # a pinned pair may score nothing
        weight[i] = NEVER
        weight[i, j] = pinned
    return weight, eligible


def optimum(weight: Ints, capacity: Ints) -> Optimum:
    """The optimum of the pairs of weight 0 or more; seats beyond the number of students change nothing.

    Raises ValueError for weights that floating-point numbers don't hold exactly.
    """
    n, m = weight.shape
    if n and int(weight.max(initial=0)) * min(n, int(capacity.sum())) >= EXACT:
        raise ValueError("weights of a small market are too large to be exact")
    column_of = np.repeat(np.arange(m), np.minimum(capacity, n))
    rows, columns_ = linear_sum_assignment(np.maximum(weight, 0)[:, column_of].astype(np.float64), maximize=True)
    seat = np.full(n, NEVER, np.int64)
    chosen = column_of[columns_]
    gains = weight[rows, chosen] > 0
    seat[rows[gains]] = chosen[gains]
    price = _least_prices(weight, capacity, seat)
    surplus = np.where(weight >= 0, weight - price, 0).max(axis=1, initial=0)
    excess = np.where(weight >= 0, weight - price - surplus[:, None], LOW)
    student, place = np.nonzero(excess == 0)
    return Optimum(Seating(seat, price, surplus), np.arange(n), student, place, int(excess.max(initial=0)), None)


def _least_prices(weight: Ints, capacity: Ints, seat: Ints) -> Ints:
    """The smallest prices that support a seating, (m,).

    A full position's price covers what its best unmatched student would bring, and, for whoever sits at k but would
    bring more at j, p_j ≥ p_k + w_ij − w_ik: longest paths over the positions. Positions with free seats cost
    nothing. Sweeps repeat until nothing rises; there are at most m, as no path is longer.
    """
    m = len(capacity)
    filled = np.bincount(seat[seat >= 0], minlength=m)
    full = filled == capacity
    known = np.where(weight >= 0, weight, LOW)
    price = np.where(full, np.maximum(0, known[seat < 0].max(axis=0, initial=0)), 0)
    step = np.full((m, m), LOW)
    for k in np.flatnonzero(filled):
        sitting = known[seat == k]
        step[k] = (sitting - sitting[:, [k]]).max(axis=0)
    for _ in range(m):
        raised = np.where(full, np.maximum(price, (price[:, None] + step).max(axis=0, initial=0)), 0)
        if (raised == price).all():
            break
        price = raised
    return price
