"""Levels, requirements, students and positions as values (DESIGN.md, section 3)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

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
    university: str = ""

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
    enterprise: str = ""

    def share(self, requirement: Requirement) -> float:
        """The requirement's weight after normalising the position's weights to sum to 1."""
        return requirement.weight / sum(r.weight for r in self.requirements)
