"""What the matcher is measured against: the ways that anyone would try first, each with its scoring."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from ortools.graph.python import min_cost_flow
from scipy.optimize import linear_sum_assignment

from talentbank.engine import UNIT, Problem
from talentbank.engine.competency import MAX_LEVEL

TRUST = 0.5
ROWS = 2048
"""Students of a group that one matrix product scores."""


def _features(problem: Problem, kind: type) -> tuple[Any, Any]:
    """0/1 features of students and what each is worth to positions, so that fits are one product (DESIGN.md, 4)."""
    threshold = np.arange(1, MAX_LEVEL + 1)
    reached = [
        (share * (levels[:, :, None] >= threshold)).astype(kind).reshape(problem.students, -1)
        for share, levels in ((1 - TRUST, problem.claimed), (TRUST, problem.verified))
    ]
    required = problem.required[:, :, None]
    worth = problem.share[:, :, None] / np.maximum(required, 1) * (threshold <= required)
    return reached[0] + reached[1], np.ascontiguousarray(worth.astype(kind).reshape(problem.positions, -1).T)


def scipy_dense(problem: Problem) -> int:
    """One matrix of all pairs, columns repeated by headcount, linear_sum_assignment; the total in 1/UNIT."""
    students, positions = _features(problem, np.float64)
    score = np.rint(students @ positions * UNIT)
    eligible = (
        problem.takes_category[:, problem.category]
        & problem.takes_city[:, problem.city]
        & (problem.min_salary[:, None] <= problem.max_salary)
    )
    score[~eligible] = 0
    column = np.repeat(np.arange(problem.positions), np.minimum(problem.headcount, problem.students))
    rows, columns = linear_sum_assignment(score[:, column], maximize=True)
    return int(score[rows, column[columns]].sum())


def _grouped(problem: Problem, kind: type) -> Iterator[tuple[Any, Any, Any, Any]]:
    """Students, positions, scores and eligibility, block by block of a category and city."""
    features, worth = _features(problem, kind)
    for category in range(problem.takes_category.shape[1]):
        for city in range(problem.takes_city.shape[1]):
            places = np.flatnonzero((problem.category == category) & (problem.city == city))
            rows = np.flatnonzero(problem.takes_category[:, category] & problem.takes_city[:, city])
            of_group = np.ascontiguousarray(worth[:, places])
            for low in range(0, len(rows), ROWS):
                block = rows[low : low + ROWS]
                allowed = problem.min_salary[block, None] <= problem.max_salary[places]
                yield block, places, features[block] @ of_group, allowed


def limit(problem: Problem) -> int:
    """Score every eligible pair once, grouped, and keep nothing but how many there were: what can't be beaten."""
    best = np.zeros(problem.students, np.float32)
    count = 0
    for rows, _, score, allowed in _grouped(problem, np.float32):
        score[~allowed] = -1
        count += int(np.count_nonzero(allowed))
        best[rows] = np.maximum(best[rows], score.max(axis=1, initial=0))
    return count


def ortools_all_pairs(problem: Problem) -> int:
    """Every eligible pair an arc of one SimpleMinCostFlow, scoring grouped; the total in 1/UNIT."""
    tails, heads, costs = [], [], []
    for rows, places, score, allowed in _grouped(problem, np.float64):
        units = np.rint(score * UNIT).astype(np.int64)
        i, j = np.nonzero(allowed & (units > 0))
        tails.append(rows[i].astype(np.int32))
        heads.append(places[j].astype(np.int32))
        costs.append(units[i, j])
    n, m = problem.students, problem.positions
    tail, head, cost = (np.concatenate(some) for some in (tails, heads, costs))
    del tails, heads, costs
    flow = min_cost_flow.SimpleMinCostFlow()
    flow.add_arcs_with_capacity_and_unit_cost(tail, n + head, np.ones(len(tail), np.int64), -cost)
    flow.add_arcs_with_capacity_and_unit_cost(
        np.arange(n), np.full(n, n + m), np.ones(n, np.int64), np.zeros(n, np.int64)
    )
    flow.add_arcs_with_capacity_and_unit_cost(
        n + np.arange(m), np.full(m, n + m), problem.headcount, np.zeros(m, np.int64)
    )
    flow.set_nodes_supplies(np.arange(n + m + 1), np.concatenate([np.ones(n, np.int64), np.zeros(m, np.int64), [-n]]))
    if flow.solve() != flow.OPTIMAL:
        raise RuntimeError("no optimum was found")
    return -int(flow.optimal_cost())
