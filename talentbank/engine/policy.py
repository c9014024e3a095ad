"""What the chamber decides about a run: its policy, with pins, bans, nudges and quotas (DESIGN.md, section 4)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

Objective = Literal["score", "placements"]

UNIT = 1_000_000
"""Scores, prices and totals are whole numbers of 1/UNIT."""

Pair = tuple[str, str]
"""A student's id and a position's."""


@dataclass(frozen=True, slots=True)
class Nudge:
    """An encouragement of a pair, or below 0 a discouragement, in units of score, -1..1; several of one pair add up.

    It is added to what the pair weighs in the objective, not to its score. Raises ValueError naming the argument.
    """

    student: str
    position: str
    amount: float

    def __post_init__(self) -> None:
        if not -1 <= self.amount <= 1:
            raise ValueError(f"amount is {self.amount}: a nudge is between -1 and 1")


@dataclass(frozen=True, slots=True)
class Quota:
    """How many may or must be placed among those whom it names: at_least is a promise, at_most a limit, None for
    none.

    What it names is joined by «and»: a university alone means all its students, with an enterprise those of its
    students who are placed there. Raises ValueError naming the argument.
    """

    university: str | None = None
    enterprise: str | None = None
    category: str | None = None
    at_least: int = 0
    at_most: int | None = None

    def __post_init__(self) -> None:
        if self.university is None and self.enterprise is None and self.category is None:
            raise ValueError("university, enterprise or category must be named by a quota")
        if self.at_least < 0:
            raise ValueError(f"at_least is {self.at_least}: quotas are whole numbers, 0 or more")
        if self.at_most is not None and self.at_most < self.at_least:
            raise ValueError(f"at_most is {self.at_most}: it must be {self.at_least} or more, as at_least is")


@dataclass(frozen=True, slots=True)
class Policy:
    """What the chamber decides about a run.

    trust is v and weights are a, b, c of DESIGN.md section 4; min_score rules out pairs that score less; pinned pairs
    are matched on any account, banned ones never; seed is what the draw between equally good matchings hangs on;
    quotas bound how many are placed from a university, with an enterprise or in a category.

    nudges move what single pairs weigh in the objective and leave their scores alone: min_score and must-haves are
    tested without them, and no total counts them. Under objective «score» a pair that weighs 0 or less is not
    matched; under «placements» no nudge costs anybody a seat. Those of ids that a problem doesn't have count for
    nothing, nor do those of pinned students, whose pair is matched on any account.

    Raises ValueError naming the argument.
    """

    objective: Objective = "score"
    trust: float = 0.5
    min_score: float = 0.0
    must_have_verified: bool = False
    weights: tuple[float, float, float] = (1.0, 0.0, 0.0)
    seed: str = ""
    pinned: tuple[Pair, ...] = ()
    banned: tuple[Pair, ...] = ()
    nudges: tuple[Nudge, ...] = ()
    quotas: tuple[Quota, ...] = ()

    def __post_init__(self) -> None:
        if self.objective not in ("score", "placements"):
            raise ValueError(f"objective must be 'score' or 'placements', not {self.objective!r}")
        if not 0 <= self.trust <= 1:
            raise ValueError(f"trust must be between 0 and 1, not {self.trust}")
        if not np.isfinite(self.min_score) or abs(self.min_score) > UNIT:
            raise ValueError(f"min_score must be a finite number from -{UNIT} to {UNIT}, not {self.min_score}")
        if len(self.weights) != 3:
            raise ValueError(f"weights must be three numbers (fit, student, enterprise), not {len(self.weights)}")
        for at, weight in enumerate(self.weights):
            if not 0 <= weight <= 1:
                raise ValueError(f"weights[{at}] is {weight}: weights are between 0 and 1")
        if abs(sum(self.weights) - 1) > 1e-9:
            raise ValueError(f"weights must sum to 1, not to {sum(self.weights)}")

    @property
    def least_units(self) -> int:
        """The lowest score that can be matched, in 1/UNIT."""
        return int(np.ceil(round(self.min_score * UNIT, 3)))
