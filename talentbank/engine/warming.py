"""Compiling ahead, so that nobody's first round waits for it."""

from __future__ import annotations

from talentbank.engine.assignment import SMALL, solve
from talentbank.engine.competency import Candidate, Opening, Requirement
from talentbank.engine.policy import Policy
from talentbank.engine.problem import pose


def warm_up() -> None:
    """Compile what `solve` needs for large markets, once a machine; afterwards this only loads it."""
    requirement = Requirement("any", 1)
    many = 1 + int(SMALL**0.5)
    candidates = [Candidate(str(i), claimed={"any": 1 + i % 2}) for i in range(many)]
    openings = [Opening(str(j), "any", "any", 1, 1, (requirement,)) for j in range(many)]
    problem = pose(candidates, openings)
    solve(problem, Policy(banned=(("0", "0"),)), near=solve(problem))
