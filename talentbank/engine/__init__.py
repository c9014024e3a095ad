"""Ground floor: pure functions on arrays and values. No Flask, no SQLAlchemy, no clock, no randomness."""

from talentbank.engine.assignment import Assignment, assign

__all__ = ["Assignment", "assign"]
