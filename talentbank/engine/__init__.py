"""Ground floor: pure functions on arrays and values. No Flask, no SQLAlchemy, no clock, no randomness."""

from talentbank.engine.assignment import Assignment, Result, Stopped, assign, entry_prices, solve, warm_up
from talentbank.engine.policy import UNIT, Policy, Quota
from talentbank.engine.problem import Problem, Wishes, pose
from talentbank.engine.promises import Infeasible

__all__ = [
    "UNIT",
    "Assignment",
    "Infeasible",
    "Policy",
    "Problem",
    "Quota",
    "Result",
    "Stopped",
    "Wishes",
    "assign",
    "entry_prices",
    "pose",
    "solve",
    "warm_up",
]
