"""Made-up markets of any size, the same from the same seed: 4 to 12 competencies a student, 3 to 8 a position, about
one pair in six eligible, and the cases in which matchers tend to go wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from typing import Any

import numpy as np

from talentbank.engine import Problem

COMPETENCIES, CATEGORIES, CITIES = 40, 4, 6
SEED = 2026


def market(students: int, positions: int, seats: int, seed: int = SEED) -> Problem:
    """A random market."""
    random = np.random.default_rng(seed)
    claimed = _levels(random, students, 4, 12)
    verified = np.minimum(claimed, random.integers(0, 6, claimed.shape)).astype(np.int8)
    required = _levels(random, positions, 3, 8)
    weight = random.integers(1, 6, required.shape) * (required > 0)
    return Problem(
        student_ids=tuple(f"s{i}" for i in range(students)),
        position_ids=tuple(f"p{j}" for j in range(positions)),
        competencies=tuple(f"c{k}" for k in range(COMPETENCIES)),
        claimed=claimed,
        verified=verified,
        takes_category=_takes(random, students, CATEGORIES, 0.5),
        takes_city=_takes(random, students, CITIES, 0.2),
        min_salary=random.integers(4, 12, students) * 10_000,
        available=np.ones(students, np.bool_),
        required=required,
        share=weight / weight.sum(axis=1, keepdims=True),
        must_have=np.zeros(required.shape, np.bool_),
        category=random.integers(0, CATEGORIES, positions),
        city=random.integers(0, CITIES, positions),
        max_salary=random.integers(6, 16, positions) * 10_000,
        headcount=random.multinomial(seats - positions, np.full(positions, 1 / positions)) + 1,
        university=tuple(f"u{u}" for u in random.integers(0, 20, students)),
        enterprise=tuple(f"e{e}" for e in random.integers(0, max(2, positions // 20), positions)),
    )


def _levels(random: np.random.Generator, rows: int, least: int, most: int) -> Any:
    """Levels 1 to 5 of least to most competencies a row."""
    levels = np.zeros((rows, COMPETENCIES), np.int8)
    chosen = np.argsort(random.random(levels.shape), axis=1)[:, :most]
    count = random.integers(least, most + 1, rows)
    row, rank = np.nonzero(np.arange(most) < count[:, None])
    levels[row, chosen[row, rank]] = random.integers(1, 6, len(row))
    return levels


def _takes(random: np.random.Generator, rows: int, values: int, share: float) -> Any:
    """What each accepts: one value for sure, the others by chance."""
    takes = random.random((rows, values)) < share
    takes[np.arange(rows), random.integers(0, values, rows)] = True
    return takes


def fresh(problem: Problem, **changes: Any) -> Problem:
    """The same problem, or a changed one, with nothing worked out yet."""
    return Problem(**({entry.name: getattr(problem, entry.name) for entry in fields(problem)} | changes))


Change = Callable[[Problem], dict[str, Any]]


def _first(*names: str) -> Change:
    """Everybody like the first."""
    return lambda p: {name: np.repeat(getattr(p, name)[:1], len(getattr(p, name)), axis=0) for name in names}


def _open(p: Problem) -> dict[str, Any]:
    """Everybody takes everything."""
    every = {name: np.ones_like(getattr(p, name)) for name in ("takes_category", "takes_city")}
    return every | {"min_salary": np.zeros_like(p.min_salary)}


_students_alike = _first("claimed", "verified", "takes_category", "takes_city", "min_salary")
_positions_alike = _first("required", "share", "must_have", "category", "city", "max_salary")


def _good_at_all(p: Problem) -> dict[str, Any]:
    return {"claimed": np.full_like(p.claimed, 3), "verified": np.full_like(p.verified, 2)}


CASES: dict[str, Change] = {
    "random": lambda _: {},
    "seats scarce": lambda p: {"headcount": np.maximum(1, p.headcount // 5)},
    "seats plentiful": lambda p: {"headcount": p.headcount * 10},
    "all students alike": lambda p: _students_alike(p) | _good_at_all(p),
    "all positions alike": _positions_alike,
    "all alike on both sides": lambda p: _open(p) | _positions_alike(p) | _good_at_all(p),
    "one huge position": lambda p: {"headcount": np.where(np.arange(p.positions) == 0, p.headcount.sum(), 1)},
    "nobody eligible": lambda p: {"available": np.zeros_like(p.available)},
    "everyone eligible": _open,
}
