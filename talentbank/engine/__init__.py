"""Ground floor: pure functions on arrays and values. No Flask, no SQLAlchemy, no clock, no randomness."""

from talentbank.engine.assignment import Assignment, Result, Stopped, assign, entry_prices, solve
from talentbank.engine.explanation import Explanation, explain
from talentbank.engine.policy import UNIT, Policy, Quota
from talentbank.engine.problem import Problem, Wishes, pose
from talentbank.engine.promises import Infeasible
from talentbank.engine.verification import Verdict, verify
from talentbank.engine.warming import warm_up

__all__ = [
    "UNIT",
    "Assignment",
    "Explanation",
    "Infeasible",
    "Policy",
    "Problem",
    "Quota",
    "Result",
    "Stopped",
    "Verdict",
    "Wishes",
    "assign",
    "entry_prices",
    "explain",
    "pose",
    "solve",
    "verify",
    "warm_up",
]
