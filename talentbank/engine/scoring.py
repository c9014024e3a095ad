"""Eligibility and score of every pair (DESIGN.md, section 4), and of one pair with its parts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from talentbank.engine.competency import MAX_LEVEL, Candidate, Encoding, Opening, encode

DECIMALS = 9
"""Scores are rounded once, so that the order of a machine's additions can't decide a tie."""


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


def fit_matrix(encoding: Encoding, trust: float) -> NDArray[np.float64]:
    """Fit of all pairs, (n, m), as one product of 0/1 student features with position features.

    min(1, L/R) = (1/R) Σ_{t=1..R} [L ≥ t], so feature (k, t) of a student is [L_k ≥ t], and that of a
    position w_k / R_k where t ≤ R_k.
    """
    _check_trust(trust)
    thresholds = np.arange(1, MAX_LEVEL + 1)
    features = encoding.required.shape[1] * MAX_LEVEL
    required = encoding.required[:, :, None]
    per_level = encoding.weight[:, :, None] / np.maximum(required, 1) * (thresholds <= required)
    reached = [
        share * (levels[:, :, None] >= thresholds).reshape(len(levels), features)
        for share, levels in ((1 - trust, encoding.claimed), (trust, encoding.verified))
    ]
    fit = (reached[0] + reached[1]) @ per_level.reshape(len(per_level), features).T
    return np.round(fit, DECIMALS)


def eligible_pairs(encoding: Encoding, *, must_have_verified: bool = False) -> NDArray[np.bool_]:
    """Pairs that may be matched, (n, m): accepted on both sides, and every must-have at its level."""
    level = encoding.verified if must_have_verified else encoding.claimed
    eligible = encoding.accepts.copy()
    for j in range(len(encoding.required)):
        asked = encoding.must_have[j]
        if asked.any():
            eligible[:, j] &= (level[:, asked] >= encoding.required[j, asked]).all(axis=1)
    return eligible


def score_pairs(
    candidates: Sequence[Candidate],
    openings: Sequence[Opening],
    *,
    trust: float,
    min_score: float = 0.0,
    must_have_verified: bool = False,
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Scores (n, m) with NaN for an ineligible pair, and headcounts (m,): what `assign` takes."""
    encoding = encode(candidates, openings)
    score = fit_matrix(encoding, trust)
    eligible = eligible_pairs(encoding, must_have_verified=must_have_verified)
    score[~eligible | (score < min_score)] = np.nan
    return score, encoding.headcount


def fit_of(
    candidate: Candidate,
    opening: Opening,
    *,
    trust: float,
    min_score: float = 0.0,
    must_have_verified: bool = False,
) -> Fit:
    """The fit of one pair with everything that explains it; the same numbers as the matrix."""
    _check_trust(trust)
    parts = []
    for requirement in opening.requirements:
        claimed = candidate.level(requirement.competency)
        verified = candidate.verified.get(requirement.competency, 0)
        share = opening.share(requirement)
        by_claim, by_proof = _cover(claimed, requirement.level), _cover(verified, requirement.level)
        parts.append(
            Part(
                competency=requirement.competency,
                required=requirement.level,
                claimed=claimed,
                verified=verified,
                must_have=requirement.must_have,
                share=share,
                value=share * ((1 - trust) * by_claim + trust * by_proof),
            )
        )
    value = round(sum(part.value for part in parts), DECIMALS)
    obstacles = list(_refusals(candidate, opening))
    if any(p.must_have and (p.verified if must_have_verified else p.claimed) < p.required for p in parts):
        obstacles.append(Obstacle.MUST_HAVE)
    if value < min_score:
        obstacles.append(Obstacle.MIN_SCORE)
    return Fit(value, tuple(parts), tuple(obstacles))


def _cover(level: int, required: int) -> float:
    return min(1.0, level / required)


def _refusals(candidate: Candidate, opening: Opening) -> list[Obstacle]:
    """What the two sides rule out before any competency is looked at."""
    refused = {
        Obstacle.UNAVAILABLE: not candidate.available,
        Obstacle.CATEGORY: bool(candidate.categories) and opening.category not in candidate.categories,
        Obstacle.CITY: bool(candidate.cities) and opening.city not in candidate.cities,
        Obstacle.SALARY: opening.max_salary < candidate.min_salary,
    }
    return [obstacle for obstacle, holds in refused.items() if holds]


def _check_trust(trust: float) -> None:
    if not 0 <= trust <= 1:
        raise ValueError(f"trust must be between 0 and 1, not {trust}")
