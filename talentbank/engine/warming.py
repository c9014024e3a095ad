"""Compiling ahead, so that nobody's first round waits for it."""

from __future__ import annotations

from dataclasses import replace

from talentbank.engine.assignment import SMALL, entry_prices, solve
from talentbank.engine.competency import Candidate, Opening, Requirement
from talentbank.engine.explanation import explain
from talentbank.engine.policy import Policy, Quota
from talentbank.engine.problem import pose
from talentbank.engine.stability import blocking_pairs, deferred_acceptance


def warm_up() -> None:
    """Compile what large markets need, once a machine; afterwards it only loads it."""
    requirement = Requirement("any", 1)
    many = 1 + int(SMALL**0.5)
    candidates = [Candidate(str(i), claimed={"any": 1 + i % 2}, university="any") for i in range(many)]
    openings = [Opening(str(j), "any", "any", 1, 1, (requirement,)) for j in range(many)]
    problem, policy = pose(candidates, openings), Policy(banned=(("0", "0"),))
    result = solve(problem, policy, near=solve(problem))
    solve(problem, replace(policy, quotas=(Quota(university="any", at_most=1),)), near=result)
    explain(problem, result, entry=entry_prices(problem, result))
    blocking_pairs(problem, policy, deferred_acceptance(problem, policy).position)
