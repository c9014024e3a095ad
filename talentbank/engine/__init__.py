"""Ground floor: pure functions on arrays and values. No Flask, no SQLAlchemy, no clock, no randomness.

The matcher, from what is asked to what is answered:

- `competency`, `problem`, `policy`: who takes part, what is asked for, what the chamber decides. `scoring`: what each
  pair scores, and why it may not be matched.
- `nudges`: pairs whose weight the chamber moves. `slack`: by how much promises that can't be met fall short.
- `assignment`: `solve` and the other doors. Inside, `market` makes a problem ready; `tables`, `sweep` and `optimum`
  find the few pairs that matter; `augment` solves those, or, in small rounds, `dense` all of them; `forest`, `flow`,
  `integer` and `promises` keep quotas; `draw` decides ties. `compiled` is the door to numba, and `warming` opens it
  early.
- `verification`, by its own `reading` of the pairs: the proof, checked. `explanation`: why, and what to learn next.
  `stability`: what justified envy is left.
"""

from talentbank.engine.assignment import Assignment, Result, Stopped, assign, entry_prices, solve
from talentbank.engine.explanation import Explanation, explain
from talentbank.engine.policy import UNIT, Nudge, Policy, Quota
from talentbank.engine.problem import Problem, Wishes, pose
from talentbank.engine.promises import Infeasible
from talentbank.engine.verification import Verdict, verify
from talentbank.engine.warming import warm_up

__all__ = [
    "UNIT",
    "Assignment",
    "Explanation",
    "Infeasible",
    "Nudge",
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
