"""Eligibility and score of every pair (DESIGN.md, section 4), and of one pair with its parts.

Scores are whole numbers of 1/UNIT from here on. What a requirement adds is rounded to 1/NANO, a sum of at most a few
dozen of those is exact, and it is rounded once to 1/UNIT: the same on every machine, in whatever order it is added.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from talentbank.engine.competency import MAX_LEVEL, Candidate, Opening
from talentbank.engine.policy import UNIT, Policy
from talentbank.engine.problem import Ints, Problem

DECIMALS = 6
"""Of a score: 1/UNIT."""

NANO = 1000 * UNIT
CODES = (MAX_LEVEL + 1) ** 2
"""How many pairs of a claimed and a verified level there are."""


class Obstacle(StrEnum):
    """Why a student and a position can't be paired, whatever the score."""

    UNAVAILABLE = "unavailable"
    CATEGORY = "category"
    CITY = "city"
    SALARY = "salary"
    MUST_HAVE = "must_have"
    MIN_SCORE = "min_score"


@dataclass(frozen=True, slots=True)
class Part:
    """What one requirement adds to a fit: share · [(1 − v)·cover(C, R) + v·cover(V, R)]."""

    competency: str
    required: int
    claimed: int
    verified: int
    must_have: bool
    share: float
    value: float

    @property
    def missing(self) -> int:
        """Levels between what counts as claimed and what is asked for."""
        return max(0, self.required - self.claimed)


@dataclass(frozen=True, slots=True)
class Fit:
    """One student's fit to one position, 0..1, with its parts and what rules the pair out."""

    value: float
    parts: tuple[Part, ...]
    obstacles: tuple[Obstacle, ...]

    @property
    def eligible(self) -> bool:
        return not self.obstacles


def worth(required: Any, share: Any, trust: float, claimed: Any, verified: Any) -> NDArray[np.int64]:
    """What requirements add, in 1/NANO, for levels that count as claimed and as verified; arrays of one shape."""
    cover = (1 - trust) * np.minimum(1.0, claimed / required) + trust * np.minimum(1.0, verified / required)
    return np.asarray(np.rint(NANO * share * cover), np.int64)


def rounded(nano: Any) -> Any:
    """1/NANO as 1/UNIT, halves up."""
    return (nano + NANO // UNIT // 2) // (NANO // UNIT)


@dataclass(frozen=True, slots=True)
class Terms:
    """Every requirement of a problem under a policy, position by position: r of them.

    position, competency (r,): where each stands; value (r, CODES) in 1/NANO by level code; reached (r, CODES):
    whether the level does for a must-have, True where it is none. must-haves come first within a position.
    """

    position: Ints
    competency: Ints
    value: NDArray[np.int64]
    reached: NDArray[np.bool_]

    @classmethod
    def of(cls, problem: Problem, policy: Policy) -> Terms:
        """Work out what each level is worth to each requirement."""
        position, competency = np.nonzero(problem.required)
        order = np.lexsort((competency, ~problem.must_have[position, competency], position))
        position, competency = position[order], competency[order]
        required = problem.required[position, competency][:, None].astype(np.int64)
        share = problem.share[position, competency][:, None] * policy.weights[0]
        code = np.arange(CODES)[None, :]
        verified = code % (MAX_LEVEL + 1)
        claimed = np.maximum(code // (MAX_LEVEL + 1), verified)
        level = verified if policy.must_have_verified else claimed
        return cls(
            position=position,
            competency=competency,
            value=worth(required, share, policy.trust, claimed, verified),
            reached=(level >= required) | ~problem.must_have[position, competency][:, None],
        )


def columns(problem: Problem, policy: Policy) -> Iterator[tuple[int, Ints, Ints]]:
    """Position by position: its column, the students who are eligible there, and their scores in 1/UNIT.

    This is the plain reading of DESIGN.md; the solver has a quicker one of its own, and `verify` uses this.
    """
    terms = Terms.of(problem, policy)
    at = np.searchsorted(terms.position, np.arange(problem.positions + 1))
    wishes = _by_position(problem, policy)
    banned = _banned(problem, policy)
    for j in range(problem.positions):
        eligible = (
            problem.takes_category[:, problem.category[j]]
            & problem.takes_city[:, problem.city[j]]
            & (problem.min_salary <= problem.max_salary[j])
            & problem.available
        )
        if j in banned:
            eligible[banned[j]] = False
        rows = np.flatnonzero(eligible)
        nano = np.zeros(len(rows), np.int64)
        reached = np.ones(len(rows), np.bool_)
        for r in range(at[j], at[j + 1]):
            code = problem.level_code[rows, terms.competency[r]]
            nano += terms.value[r, code]
            reached &= terms.reached[r, code]
        for students, value in wishes.get(j, ()):
            found = np.searchsorted(rows, students)
            there = (found < len(rows)) & (rows[np.minimum(found, len(rows) - 1)] == students) if len(rows) else []
            np.add.at(nano, found[there], value[there])
        score = rounded(nano)
        kept = reached & (score >= policy.least_units)
        yield j, rows[kept], score[kept]


def _by_position(problem: Problem, policy: Policy) -> dict[int, list[tuple[Ints, Ints]]]:
    """The wishes about each position: students and what their wish adds, in 1/NANO."""
    found: dict[int, list[tuple[Ints, Ints]]] = {}
    for weight, wishes in zip(policy.weights[1:], (problem.by_student, problem.by_enterprise), strict=True):
        value = np.rint(NANO * weight * wishes.value).astype(np.int64)
        for j in np.unique(wishes.position).tolist():
            here = wishes.position == j
            found.setdefault(j, []).append((wishes.student[here], value[here]))
    return found


def _banned(problem: Problem, policy: Policy) -> dict[int, list[int]]:
    """The students who are ruled out at each position, by either side or by the policy."""
    found: dict[int, list[int]] = {}
    for i, j in problem.ruled_out.tolist():
        found.setdefault(j, []).append(i)
    for student, position in policy.banned:
        if student in problem.student_index and position in problem.position_index:
            found.setdefault(problem.position_index[position], []).append(problem.student_index[student])
    return found


def fit_of(
    candidate: Candidate,
    opening: Opening,
    *,
    trust: float,
    min_score: float = 0.0,
    must_have_verified: bool = False,
) -> Fit:
    """The fit of one pair with everything that explains it; the same number as the round's."""
    policy = Policy(trust=trust, min_score=min_score, must_have_verified=must_have_verified)
    parts = []
    for requirement in opening.requirements:
        claimed = candidate.level(requirement.competency)
        verified = candidate.verified.get(requirement.competency, 0)
        share = opening.share(requirement)
        parts.append(
            Part(
                competency=requirement.competency,
                required=requirement.level,
                claimed=claimed,
                verified=verified,
                must_have=requirement.must_have,
                share=share,
                value=int(worth(requirement.level, share, trust, claimed, verified)) / NANO,
            )
        )
    units = rounded(sum(round(part.value * NANO) for part in parts))
    obstacles = list(_refusals(candidate, opening))
    if any(p.must_have and (p.verified if must_have_verified else p.claimed) < p.required for p in parts):
        obstacles.append(Obstacle.MUST_HAVE)
    if units < policy.least_units:
        obstacles.append(Obstacle.MIN_SCORE)
    return Fit(units / UNIT, tuple(parts), tuple(obstacles))


def _refusals(candidate: Candidate, opening: Opening) -> list[Obstacle]:
    """What the two sides rule out before any competency is looked at."""
    refused = {
        Obstacle.UNAVAILABLE: not candidate.available,
        Obstacle.CATEGORY: bool(candidate.categories) and opening.category not in candidate.categories,
        Obstacle.CITY: bool(candidate.cities) and opening.city not in candidate.cities,
        Obstacle.SALARY: opening.max_salary < candidate.min_salary,
    }
    return [obstacle for obstacle, holds in refused.items() if holds]
