"""Quotas that cross each other: a programme in whole numbers, solved by HiGHS through scipy.

«At most 3 from one university to one enterprise» beside «at most 40 in operations» is no flow, and the prices of its
relaxation may leave a gap. `scipy.optimize.milp` (Q. Huangfu, J. A. J. Hall, «Parallelizing the dual revised simplex
method», Mathematical Programming Computation 10, 2018) branches until there is none, or tells how large it is. People
come before scores by solving twice. Students and positions go in in the order of the lottery, so that the order of
the rows changes nothing; among equally good matchings HiGHS has the choice.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, linprog, milp

from talentbank.engine.market import Market
from talentbank.engine.policy import UNIT, Quota
from talentbank.engine.problem import Ints
from talentbank.engine.promises import Infeasible, conflict
from talentbank.engine.scoring import columns
from talentbank.engine.tables import NEVER, indices, lightest_of

MOST_PAIRS = 3_000_000
"""Eligible pairs that a programme may have."""

INFEASIBLE = 2
"""HiGHS's word for it, in scipy's codes."""


@dataclass(frozen=True, slots=True)
class Programmed:
    """A matching under crossed quotas: as Result has it, with the duals of the relaxation in whole units."""

    position: Ints
    score: Ints
    price: Ints
    surplus: Ints
    levy: tuple[int, ...]
    gap: int
    eligible: Ints


@dataclass(frozen=True, slots=True)
class _Pairs:
    """Eligible pairs, (e,): students, positions, scores in 1/UNIT, the same with nudges, which quotas name each,
    (quotas, e), and which are pinned, (e,)."""

    student: Ints
    position: Ints
    score: Ints
    nudged: Ints
    names: Any
    pinned: Any
    eligible: Ints


def solve(ready: Market, turn: Ints, rank: Ints) -> Programmed:
    """The best matching. turn (n,), rank (m,): the lottery. Raises Infeasible, and ValueError for too many pairs."""
    pairs = _pairs(ready, turn, rank)
    programme = _Programme(_rows(ready, pairs), pairs.pinned.astype(np.float64))
    low, high = _bounds(ready, ready.policy.quotas)
    ones = np.ones(len(pairs.student))
    if ready.policy.objective == "placements":
        people = programme.best(ones, low, high)
        _check_feasible(ready, programme, people)
        most = round(-people.fun)
        programme_of_most = _Programme(
            sparse.vstack([programme.rows, sparse.csr_matrix(ones[None, :])], format="csr"), programme.least
        )
        found = programme_of_most.best(pairs.nudged / UNIT, np.append(low, most), np.append(high, most))
    else:
        found = programme.best(pairs.nudged / UNIT, low, high)
    _check_feasible(ready, programme, found)
    chosen = np.flatnonzero(found.x > 0.5)
    position = np.full(ready.problem.students, NEVER, np.int64)
    score = np.zeros(ready.problem.students, np.int64)
    position[pairs.student[chosen]] = pairs.position[chosen]
    score[pairs.student[chosen]] = pairs.score[chosen]
    bound = int(np.floor(-found.mip_dual_bound * UNIT + 0.01))
    gap = max(0, bound - int(pairs.nudged[chosen].sum()))
    price, surplus, levy = _relaxed(ready, pairs, programme.rows)
    return Programmed(position, score, price, surplus, levy, gap, pairs.eligible)


@dataclass(frozen=True, slots=True)
class _Programme:
    """Choices of pairs: rows (r, e) that are bounded, and the least that each pair is taken, 1 for pinned ones."""

    rows: Any
    least: Any

    def best(self, value: Any, low: Any, high: Any) -> Any:
        """The choice of the greatest value whose rows stay within bounds, as scipy answers it."""
        if not len(value):
            met = not (low > 0).any()
            chosen = value if met else None
            return SimpleNamespace(x=chosen, status=INFEASIBLE * (not met), fun=0.0, mip_dual_bound=0.0)
        return milp(
            -value,
            integrality=np.ones(len(value), np.int64),
            bounds=Bounds(self.least, np.ones(len(value))),
            constraints=LinearConstraint(self.rows, low, high),
            options={"mip_rel_gap": 0},
        )


def _pairs(ready: Market, turn: Ints, rank: Ints) -> _Pairs:
    problem, policy = ready.problem, ready.policy
    width = max(problem.positions, 1)
    pins = indices(problem, policy.pinned, "pinned") @ np.array([width, 1])
    eligible = np.zeros(problem.positions, np.int64)
    students, positions, scores, nudged = [], [], [], []
    lightest = lightest_of(policy)
    for j, rows, score in columns(problem, policy):
        eligible[j] = len(rows)
        own = score + ready.nudges.at(rows, j)
        kept = (own >= lightest) & ~np.isin(rows, ready.special.held)
        kept |= np.isin(rows * width + j, pins)  # a pinned pair may score nothing
        students.append(rows[kept])
        positions.append(np.full(int(kept.sum()), j, np.int64))
        scores.append(score[kept])
        nudged.append(own[kept])
        if sum(map(len, students)) > MOST_PAIRS:
            raise ValueError(f"quotas that cross each other are solved for at most {MOST_PAIRS} eligible pairs")
    empty = [np.zeros(0, np.int64)]
    student, position = np.concatenate(empty + students), np.concatenate(empty + positions)
    order = np.lexsort((rank[position], turn[student]))
    student, position = student[order], position[order]
    place = np.argsort(ready.order)[position]
    names = np.ones((len(policy.quotas), len(student)), np.bool_)
    for q, whom in enumerate(ready.whom):
        if whom.students is not None:
            names[q] &= whom.students[student]
        if whom.positions is not None:
            names[q] &= whom.positions[place]
    pinned = np.isin(student * width + position, pins)
    score, own = np.concatenate(empty + scores)[order], np.concatenate(empty + nudged)[order]
    return _Pairs(student, position, score, own, names, pinned, eligible)


def _rows(ready: Market, pairs: _Pairs) -> Any:
    """Who is counted where, (n + m + quotas, e): students, positions, quotas."""
    count = np.arange(len(pairs.student))
    ones = np.ones(len(count))
    n, m = ready.problem.students, ready.problem.positions
    by_student = sparse.csr_matrix((ones, (pairs.student, count)), (n, len(count)))
    by_position = sparse.csr_matrix((ones, (pairs.position, count)), (m, len(count)))
    return sparse.vstack([by_student, by_position, sparse.csr_matrix(pairs.names.astype(np.float64))], format="csr")


def _bounds(ready: Market, quotas: tuple[Quota, ...]) -> tuple[Any, Any]:
    n, m = ready.problem.students, ready.problem.positions
    low = np.concatenate([np.zeros(n + m), [quota.at_least for quota in quotas]])
    most = [np.inf if quota.at_most is None else quota.at_most for quota in quotas]
    return low, np.concatenate([np.ones(n), ready.problem.headcount, most])


def _check_feasible(ready: Market, programme: _Programme, found: Any) -> None:
    if found.x is not None:
        return
    quotas = ready.policy.quotas
    if found.status != INFEASIBLE:
        raise ValueError(f"quotas could not be solved: {found.message}")
    nothing = np.zeros(programme.rows.shape[1])

    def feasible(some: tuple[Quota, ...]) -> bool:
        return programme.best(nothing, *_bounds(ready, some)).x is not None

    promised = [at for at, quota in enumerate(quotas) if quota.at_least > 0]
    raise Infeasible(conflict(quotas, promised, feasible), quotas)


def _relaxed(ready: Market, pairs: _Pairs, rows: Any) -> tuple[Ints, Ints, tuple[int, ...]]:
    """The relaxation's prices, surpluses and levies in whole units, mended so that they pay for every pair."""
    quotas, n, m = ready.policy.quotas, ready.problem.students, ready.problem.positions
    if not len(pairs.student):
        return np.zeros(m, np.int64), np.zeros(n, np.int64), (0,) * len(quotas)
    weight = pairs.nudged + ready.bonus + pairs.pinned.astype(np.int64) * ready.pin
    low, high = _bounds(ready, quotas)
    promise, limit = np.flatnonzero(low > 0), np.flatnonzero(np.isfinite(high))
    both = sparse.vstack([rows[limit], -rows[promise]], format="csr")
    found = linprog(
        -weight / UNIT, both, np.concatenate([high[limit], -low[promise]]), bounds=(0, None), method="highs"
    )
    dual = np.zeros(len(low), np.int64)
    marginal = np.rint(-found.ineqlin.marginals * UNIT).astype(np.int64)
    dual[limit] += marginal[: len(limit)]
    dual[promise] -= marginal[len(limit) :]
    price = np.maximum(dual[n : n + m], 0)
    cost = price[pairs.position] + pairs.names.T.astype(np.int64) @ dual[n + m :]
    surplus = np.zeros(n, np.int64)
    np.maximum.at(surplus, pairs.student, weight - cost)
    return price, surplus, tuple(dual[n + m :].tolist())
