"""One run, solved and proven: pure, from a snapshot and a policy to the rows that are kept."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from talentbank.engine import assignment, explanation, stability, verification
from talentbank.engine.policy import UNIT
from talentbank.engine.problem import Ints, Problem
from talentbank.engine.scoring import columns, fit_of
from talentbank.engine.slack import shortfalls
from talentbank.rounds.policy import RunPolicy
from talentbank.rounds.runs.models import Method
from talentbank.rounds.snapshot import Snapshot

Tell = Callable[[str, float], bool | None]

LONGEST_CHOICE = 50


class UnprovenError(RuntimeError):
    """What the solver returned is not proven to be what was asked for: nothing of it may be kept."""


@dataclass(frozen=True, slots=True)
class Solution:
    """Rows of MatchedPair, PositionOutcome and Explained without their run, and figures of the run itself.

    Explained rows name a step by its competency's code.
    """

    pairs: list[dict[str, Any]]
    outcomes: list[dict[str, Any]]
    explained: list[dict[str, Any]]
    figures: dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What either method found, in 1/UNIT."""

    position: Ints
    score: Ints
    filled: Ints
    eligible: Ints
    surplus: Ints
    price: Ints
    entry: Ints | None


def solve(snapshot: Snapshot, policy: RunPolicy, method: Method, tell: Tell) -> Solution:
    """Match, prove, count blocking pairs and explain.

    Raises Stopped, Infeasible, and UnprovenError where `verify` finds fault with what the solver returned.
    """
    started = time.perf_counter()
    problem = snapshot.problem(policy)
    if method is Method.OPTIMUM:
        found, explained, figures = _optimum(problem, policy, tell)
    else:
        found, explained, figures = _deferred(problem, policy, tell)
    blocking = stability.blocking_pairs(problem, policy.terms(), found.position, tell)
    pairs = _pairs(snapshot, policy, problem, found)
    outcomes = [
        {
            "position_id": int(problem.position_ids[j]),
            "seats": int(problem.headcount[j]),
            "filled": int(found.filled[j]),
            "price": int(found.price[j]) / UNIT,
            "entry": None if found.entry is None else int(found.entry[j]) / UNIT,
            "eligible": int(found.eligible[j]),
            "blocking": int(blocking.position[j]),
        }
        for j in range(problem.positions)
    ]
    scores = [pair["score"] for pair in pairs]
    figures |= {
        "seats": int(problem.headcount.sum()),
        "eligible_pairs": int(found.eligible.sum()),
        "matched": len(pairs),
        "total_score": int(found.score.sum()) / UNIT,
        "median": statistics.median(scores) if scores else 0.0,
        "blocking": blocking.count,
        "choices": _choices(pairs),
        "seconds": time.perf_counter() - started,
    }
    return Solution(pairs, outcomes, explained, figures)


def _optimum(
    problem: Problem, policy: RunPolicy, tell: Tell
) -> tuple[_Outcome, list[dict[str, Any]], dict[str, Any]]:
    result = assignment.solve(problem, policy.terms(), tell)
    verdict = verification.verify(problem, result)
    if verdict.count:
        raise UnprovenError("; ".join(str(fault) for fault in verdict.faults[:3]))
    entry = assignment.entry_prices(problem, result)
    told = explanation.explain(problem, result, tell, entry=entry)
    found = _Outcome(
        result.position, result.score, result.filled, result.eligible, result.surplus, result.price, entry
    )
    figures = {
        "bonus": result.bonus / UNIT,
        "certificate": result.certificate / UNIT,
        "gap": result.gap / UNIT,
        "levy": [levy / UNIT for levy in result.levy],
        "scarcity": {
            code: cost / UNIT
            for code, cost in zip(problem.competencies, explanation.scarcity(problem, result).tolist(), strict=True)
        },
    }
    return found, _explained(problem, told), figures


def _deferred(
    problem: Problem, policy: RunPolicy, tell: Tell
) -> tuple[_Outcome, list[dict[str, Any]], dict[str, Any]]:
    stable = stability.deferred_acceptance(problem, policy.terms(), tell)
    nothing = np.zeros(problem.positions, np.int64)
    eligible = _eligible(problem, policy)
    surplus = np.zeros(problem.students, np.int64)
    return _Outcome(stable.position, stable.score, stable.filled, eligible, surplus, nothing, None), [], {}


def _eligible(problem: Problem, policy: RunPolicy) -> Ints:
    """How many students could be matched with each position, (m,)."""
    found = np.zeros(problem.positions, np.int64)
    for j, rows, _ in columns(problem, policy.terms()):
        found[j] = len(rows)
    return found


def _pairs(snapshot: Snapshot, policy: RunPolicy, problem: Problem, found: _Outcome) -> list[dict[str, Any]]:
    rows = []
    for i, j in enumerate(found.position.tolist()):
        if j < 0:
            continue
        student, position = int(problem.student_ids[i]), int(problem.position_ids[j])
        rows.append(
            {
                "student_id": student,
                "position_id": position,
                "score": int(found.score[i]) / UNIT,
                "fit": fit_of(snapshot.candidates[i], snapshot.openings[j], **policy.scoring).value,
                "surplus": int(found.surplus[i]) / UNIT,
                "choice": snapshot.said_by_student[student].choice(position),
                "wanted": snapshot.said_by_position[position].choice(student),
            }
        )
    return rows


def _choices(pairs: list[dict[str, Any]]) -> list[int]:
    """How many got their first, second … choice, up to the last one that anybody got."""
    counts = [sum(pair["choice"] == n for pair in pairs) for n in range(1, LONGEST_CHOICE + 1)]
    while counts and counts[-1] == 0:
        counts.pop()
    return counts


def _explained(problem: Problem, told: explanation.Explanation) -> list[dict[str, Any]]:
    def place(j: int) -> int | None:
        return int(problem.position_ids[j]) if j >= 0 else None

    return [
        {
            "student_id": int(problem.student_ids[i]),
            "eligible": int(told.eligible[i]),
            "alternative_id": place(int(told.alternative[i])),
            "alternative_score": int(told.alternative_score[i]) / UNIT,
            "lacked": int(told.lacked[i]) / UNIT,
            "condition": explanation.CONDITIONS[told.condition[i]].value if told.condition[i] >= 0 else "",
            "condition_gain": max(0, int(told.condition_gain[i])) / UNIT,
            "condition_position_id": place(int(told.condition_position[i])),
            "step_id": problem.competencies[told.step[i]] if told.step[i] >= 0 else None,
            "step_gain": max(0, int(told.step_gain[i])) / UNIT,
            "step_position_id": place(int(told.step_position[i])),
        }
        for i in range(problem.students)
    ]


def unmet_promises(snapshot: Snapshot, policy: RunPolicy) -> list[list[int]]:
    """Which promises can't be kept, and by how many: [index of the quota, people missing] each."""
    missing = shortfalls(snapshot.problem(policy), replace(policy, nudges=()).terms())
    return [[at, short] for at, short in enumerate(missing) if short > 0]
