"""By how much promises fall short where they can't all be kept.

The elastic programme: every promise may be missed by some people, at a price, and the cheapest way to miss them is
looked for (J. W. Chinneck, «Feasibility and Infeasibility in Optimization», 2008, chapter 6). Students who could be
placed at the same positions and whom the same quotas name are one variable a position, counted in people.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array

from talentbank.engine.forest import Named, named
from talentbank.engine.nudges import Nudges
from talentbank.engine.policy import Policy
from talentbank.engine.problem import Problem
from talentbank.engine.promises import Infeasible
from talentbank.engine.scoring import columns

Rows = list[tuple[dict[int, float], float, float]]
"""Rows of a programme: coefficients by variable, and the bounds of their sum."""


def shortfalls(problem: Problem, policy: Policy, weights: Sequence[float] | None = None) -> tuple[int, ...]:
    """By how many people each quota's promise has to fall short at least, (q,), so that the rest can be kept.

    Minimises Σ weight · people missing, weights above 0 by quota, 1 each if not given; of equally good ways the one
    in which the first quotas miss least. 0 for a promise that can be met and for quotas that promise nothing. Pins,
    bans, limits, headcounts and eligibility are kept. Raises Infeasible where the pins alone break a limit, and
    ValueError for weights that do not go with the quotas.
    """
    quotas = policy.quotas
    cost = [1.0] * len(quotas) if weights is None else [float(weight) for weight in weights]
    if len(cost) != len(quotas) or any(weight <= 0 for weight in cost):
        raise ValueError(f"weights must be {len(quotas)} numbers above 0, one for each quota")
    promised = [at for at, quota in enumerate(quotas) if quota.at_least > 0]
    if not promised:
        return (0,) * len(quotas)
    whom = named(problem, quotas)
    kinds, places = _kinds(problem, policy, whom)
    rows, size = _rows(problem, policy, whom, kinds, places)
    first = size - len(quotas)
    objective = {first + at: cost[at] for at in promised}
    best = _least(rows, size, first, objective)
    if best is None:
        raise Infeasible((), quotas)
    found = [0] * len(quotas)
    if best.sum() == 0:
        return tuple(found)
    total = sum(weight * best[variable - first] for variable, weight in objective.items())
    rows.append((dict(objective), -np.inf, total + 1e-6))
    for at in promised:
        again = _least(rows, size, first, {first + at: 1.0})
        assert again is not None  # noqa: S101  (what was feasible stays so)
        found[at] = int(again[at])
        rows.append(({first + at: 1.0}, found[at], found[at]))
    return tuple(found)


def _kinds(
    problem: Problem, policy: Policy, whom: Sequence[Named]
) -> tuple[list[tuple[int, tuple[int, ...], tuple[bool, ...]]], list[int]]:
    """Students who are alike, pins aside: how many, where they could be placed, by which quotas they are named; and
    the seats that pins leave at each position."""
    nudges = Nudges.of(problem, policy)
    held = {problem.student_index[student] for student, _ in policy.pinned}
    open_to: list[list[int]] = [[] for _ in range(problem.students)]
    for j, rows, scores in columns(problem, policy):
        worth = scores + nudges.at(rows, j) > 0 if policy.objective == "score" else np.ones(len(rows), np.bool_)
        for i in rows[worth].tolist():
            if i not in held:
                open_to[i].append(j)
    naming = [some.students for some in whom]
    alike = Counter(
        (tuple(places), tuple(bool(mask is None or mask[i]) for mask in naming))
        for i, places in enumerate(open_to)
        if places
    )
    left = problem.headcount.tolist()
    for _, position in policy.pinned:
        left[problem.position_index[position]] -= 1
    return [(count, places, by) for (places, by), count in alike.items()], left


def _rows(
    problem: Problem,
    policy: Policy,
    whom: Sequence[Named],
    kinds: Sequence[tuple[int, tuple[int, ...], tuple[bool, ...]]],
    left: Sequence[int],
) -> tuple[Rows, int]:
    """The programme's rows and how many variables it has: people of a kind at a position, then people missing."""
    rows: Rows = []
    at_place: dict[int, dict[int, float]] = {}
    by_quota: list[dict[int, float]] = [{} for _ in whom]
    size = 0
    for count, places, named_by in kinds:
        own: dict[int, float] = {}
        for j in places:
            own[size] = 1.0
            at_place.setdefault(j, {})[size] = 1.0
            for at, some in enumerate(whom):
                if named_by[at] and (some.positions is None or some.positions[j]):
                    by_quota[at][size] = 1.0
            size += 1
        rows.append((own, 0, count))
    rows += [(here, 0, max(0, left[j])) for j, here in at_place.items()]
    for at, (quota, some) in enumerate(zip(policy.quotas, whom, strict=True)):
        placed = sum(
            (some.students is None or bool(some.students[problem.student_index[s]]))
            and (some.positions is None or bool(some.positions[problem.position_index[p]]))
            for s, p in policy.pinned
        )
        if quota.at_most is not None:
            rows.append((by_quota[at], -np.inf, quota.at_most - placed))
        if quota.at_least > 0:
            rows.append((by_quota[at] | {size + at: 1.0}, quota.at_least - placed, np.inf))
    return rows, size + len(whom)


def _least(rows: Rows, size: int, first: int, objective: dict[int, float]) -> NDArray[np.float64] | None:
    """People missing, (q,), where the objective is least; None if nothing fits."""
    entries = [(r, variable, value) for r, (row, _, _) in enumerate(rows) for variable, value in row.items()]
    if not entries:
        entries = [(0, 0, 0.0)]
    r, variable, value = zip(*entries, strict=True)
    matrix = csr_array((value, (r, variable)), shape=(len(rows), size))
    cost = np.zeros(size)
    cost[list(objective)] = list(objective.values())
    bounds = np.array([(low, high) for _, low, high in rows]).T
    solved = milp(
        cost,
        integrality=np.ones(size, np.int64),
        bounds=Bounds(0, np.inf),
        constraints=LinearConstraint(matrix, bounds[0], bounds[1]),
    )
    return None if solved.x is None else np.rint(solved.x[first:])
