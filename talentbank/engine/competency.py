"""Levels, requirements, and their encoding as vectors (DESIGN.md, sections 3 and 4)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

MAX_LEVEL = 5
"""0 none, 1 aware, 2 assisted, 3 independent, 4 leads, 5 expert."""


@dataclass(frozen=True, slots=True)
class Requirement:
    """One competency that a position asks for: level 1..5, weight relative to the position's others."""

    competency: str
    level: int
    weight: float = 1.0
    must_have: bool = False


@dataclass(frozen=True, slots=True)
class Candidate:
    """One student as a round sees it. Empty categories or cities mean any; salary in RMB a year.

    A level of a competency that is not named is 0.
    """

    id: str
    categories: frozenset[str] = frozenset()
    cities: frozenset[str] = frozenset()
    min_salary: int = 0
    claimed: Mapping[str, int] = field(default_factory=dict)
    verified: Mapping[str, int] = field(default_factory=dict)
    available: bool = True

    def level(self, competency: str) -> int:
        """The claimed level that counts, max(C, V): nobody is below what was verified."""
        return max(self.claimed.get(competency, 0), self.verified.get(competency, 0))


@dataclass(frozen=True, slots=True)
class Opening:
    """One position as a round sees it: headcount in seats, salary in RMB a year."""

    id: str
    category: str
    city: str
    headcount: int
    max_salary: int
    requirements: tuple[Requirement, ...]

    def share(self, requirement: Requirement) -> float:
        """The requirement's weight after normalising the position's weights to sum to 1."""
        return requirement.weight / sum(r.weight for r in self.requirements)


@dataclass(frozen=True, slots=True)
class Encoding:
    """Candidates and openings as arrays: n students, m positions, K competencies that anybody asks for.

    claimed and verified (n, K) and required (m, K) are levels 0..5, 0 in required meaning «not asked
    for»; weight (m, K) sums to 1 along each row; accepts (n, m) holds what needs no arithmetic on
    competencies: category, city, salary and availability.
    """

    claimed: NDArray[np.int8]
    verified: NDArray[np.int8]
    required: NDArray[np.int8]
    must_have: NDArray[np.bool_]
    weight: NDArray[np.float64]
    accepts: NDArray[np.bool_]
    headcount: NDArray[np.int64]


def encode(candidates: Sequence[Candidate], openings: Sequence[Opening]) -> Encoding:
    """Encode values as arrays, in the order given."""
    codes = sorted({r.competency for o in openings for r in o.requirements})
    column = {code: k for k, code in enumerate(codes)}
    claimed = np.zeros((len(candidates), len(codes)), dtype=np.int8)
    verified = np.zeros_like(claimed)
    for i, candidate in enumerate(candidates):
        for code, k in column.items():
            claimed[i, k] = candidate.level(code)
            verified[i, k] = candidate.verified.get(code, 0)

    required = np.zeros((len(openings), len(codes)), dtype=np.int8)
    must_have = np.zeros(required.shape, dtype=np.bool_)
    weight = np.zeros(required.shape)
    for j, opening in enumerate(openings):
        for requirement in opening.requirements:
            k = column[requirement.competency]
            required[j, k] = requirement.level
            must_have[j, k] = requirement.must_have
            weight[j, k] = opening.share(requirement)

    return Encoding(
        claimed=claimed,
        verified=verified,
        required=required,
        must_have=must_have,
        weight=weight,
        accepts=_accepts(candidates, openings),
        headcount=np.array([o.headcount for o in openings], dtype=np.int64),
    )


def _accepts(candidates: Sequence[Candidate], openings: Sequence[Opening]) -> NDArray[np.bool_]:
    """Which student would take which position, before any competency is looked at: (n, m) bool."""

    def allowed(chosen: list[frozenset[str]], offered: list[str]) -> NDArray[np.bool_]:
        values = sorted(set(offered))
        member = np.array([[not some or v in some for v in values] for some in chosen], dtype=np.bool_)
        column = np.array([values.index(v) for v in offered], dtype=np.intp)
        return member.reshape(len(chosen), len(values))[:, column]

    floor = np.array([c.min_salary for c in candidates], dtype=np.int64)
    top = np.array([o.max_salary for o in openings], dtype=np.int64)
    available = np.array([c.available for c in candidates], dtype=np.bool_)
    return np.asarray(
        allowed([c.categories for c in candidates], [o.category for o in openings])
        & allowed([c.cities for c in candidates], [o.city for o in openings])
        & (floor[:, None] <= top[None, :])
        & available[:, None]
    )
