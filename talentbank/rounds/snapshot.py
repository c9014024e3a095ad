"""A round's frozen input: who takes part, as canonical JSON with its SHA-256, and the solve of it.

What people change afterwards does not reach a snapshot; solving it again gives the same pairs.
"""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from talentbank.engine.assignment import Result, solve
from talentbank.engine.competency import Candidate, Opening, Requirement
from talentbank.engine.policy import UNIT, Policy
from talentbank.engine.problem import pose
from talentbank.engine.scoring import Fit, columns, fit_of


@dataclass(frozen=True)
class Snapshot:
    """Policy, students and positions of a round; text is what was stored, byte by byte."""

    text: str

    @classmethod
    def freeze(cls, policy: dict[str, Any], candidates: list[Candidate], openings: list[Opening]) -> Snapshot:
        """Write students and positions down, each in the order of their ids."""
        content = {
            "policy": policy,
            "students": [_of_candidate(c) for c in sorted(candidates, key=lambda c: int(c.id))],
            "positions": [_of_opening(o) for o in sorted(openings, key=lambda o: int(o.id))],
        }
        return cls(json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":")))

    @property
    def digest(self) -> str:
        """SHA-256 of the text, in hexadecimal."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    @cached_property
    def _content(self) -> dict[str, Any]:
        content: dict[str, Any] = json.loads(self.text)
        return content

    @property
    def policy(self) -> dict[str, Any]:
        """objective, trust, min_score, must_have_on and, since rounds draw by one, seed."""
        return dict(self._content["policy"])

    @cached_property
    def candidates(self) -> list[Candidate]:
        """The students, in the order of their ids."""
        return [_to_candidate(c) for c in self._content["students"]]

    @cached_property
    def openings(self) -> list[Opening]:
        """The positions, in the order of their ids; headcount is what was still free."""
        return [_to_opening(o) for o in self._content["positions"]]

    @property
    def _scoring(self) -> dict[str, Any]:
        policy = self.policy
        return {
            "trust": policy["trust"],
            "min_score": policy["min_score"],
            "must_have_verified": policy["must_have_on"] == "verified",
        }

    @property
    def _terms(self) -> Policy:
        policy = self.policy
        return Policy(objective=policy["objective"], seed=policy.get("seed", ""), **self._scoring)

    def fits(self, student_id: int) -> dict[int, Fit]:
        """A student's fit to every position of the round, by position id."""
        candidate = next((c for c in self.candidates if c.id == str(student_id)), None)
        return {int(o.id): fit_of(candidate, o, **self._scoring) for o in self.openings} if candidate else {}

    @property
    def student_ids(self) -> list[int]:
        """Who took part."""
        return [int(c.id) for c in self.candidates]

    def scores(self, position_id: int) -> dict[int, float]:
        """The score of each student who could be matched with a position, by student id."""
        openings = [o for o in self.openings if o.id == str(position_id)]
        if not openings:
            return {}
        problem = pose(self.candidates, openings)
        _, rows, units = next(columns(problem, self._terms))
        return {int(problem.student_ids[i]): u / UNIT for i, u in zip(rows.tolist(), units.tolist(), strict=True)}

    def solve(self) -> Solution:
        """Score every pair and match; pure, so that it needs no transaction."""
        started = time.perf_counter()
        result = solve(pose(self.candidates, self.openings), self._terms)
        return Solution(self, result, time.perf_counter() - started)


@dataclass(frozen=True)
class Solution:
    """A solved snapshot: its result, students and positions in the order of their ids."""

    snapshot: Snapshot
    result: Result
    seconds: float

    @property
    def seats(self) -> int:
        return sum(o.headcount for o in self.snapshot.openings)


def _of_candidate(candidate: Candidate) -> dict[str, Any]:
    return {
        "id": int(candidate.id),
        "categories": sorted(candidate.categories),
        "cities": sorted(candidate.cities),
        "min_salary": candidate.min_salary,
        "claimed": dict(candidate.claimed),
        "verified": {code: level for code, level in candidate.verified.items() if level},
        "university": candidate.university,
    }


def _to_candidate(content: dict[str, Any]) -> Candidate:
    return Candidate(
        id=str(content["id"]),
        categories=frozenset(content["categories"]),
        cities=frozenset(content["cities"]),
        min_salary=content["min_salary"],
        claimed=content["claimed"],
        verified=content["verified"],
        university=content.get("university", ""),  # snapshots of old have none
    )


def _of_opening(opening: Opening) -> dict[str, Any]:
    return {
        "id": int(opening.id),
        "category": opening.category,
        "city": opening.city,
        "headcount": opening.headcount,
        "max_salary": opening.max_salary,
        "requirements": [[r.competency, r.level, r.weight, r.must_have] for r in opening.requirements],
        "enterprise": opening.enterprise,
    }


def _to_opening(content: dict[str, Any]) -> Opening:
    return Opening(
        id=str(content["id"]),
        category=content["category"],
        city=content["city"],
        headcount=content["headcount"],
        max_salary=content["max_salary"],
        requirements=tuple(Requirement(*row) for row in content["requirements"]),
        enterprise=content.get("enterprise", ""),
    )
