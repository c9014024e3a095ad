"""A run's policy as it is written down: all that decides a result beside the snapshot."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

from talentbank.engine.policy import Nudge, Policy, Quota

Pair = tuple[int, int]
"""A student's id and a position's."""

QuotaRow = tuple[str | None, str | None, str | None, int, int | None]
"""University, enterprise (ids of organisations, as text), category, at least, at most."""


@dataclass(frozen=True, slots=True)
class RunPolicy:
    """Everything that the chamber decides about a run (DESIGN.md, section 4), in values that JSON knows.

    weights are a, b, c. pinned, banned: pairs that are matched on any account, or never. nudges: what is added to the
    weight of single pairs (encouraged, discouraged, or those of a run to stay close to). gone: students who have left
    since the round was frozen; lost: (position, seats) that are gone since.
    """

    objective: str = "score"
    trust: float = 0.5
    min_score: float = 0.0
    must_have_on: str = "claimed"
    weights: tuple[float, float, float] = (1.0, 0.0, 0.0)
    seed: str = ""
    pinned: tuple[Pair, ...] = ()
    banned: tuple[Pair, ...] = ()
    nudges: tuple[tuple[int, int, float], ...] = ()
    quotas: tuple[QuotaRow, ...] = ()
    gone: tuple[int, ...] = ()
    lost: tuple[tuple[int, int], ...] = ()

    @classmethod
    def read(cls, content: Mapping[str, Any]) -> Self:
        """The policy that JSON holds; what policies of old do not say is as it was then."""
        return cls(**{name: _frozen(value) for name, value in content.items() if name in cls.__dataclass_fields__})

    @classmethod
    def load(cls, text: str) -> Self:
        """The policy of a stored run."""
        return cls.read(json.loads(text))

    @property
    def text(self) -> str:
        """Canonical JSON."""
        return json.dumps(asdict(self), ensure_ascii=False, sort_keys=True, separators=(",", ":"))

    @property
    def scoring(self) -> dict[str, Any]:
        """What a single pair's fit hangs on, as `engine.scoring.fit_of` takes it."""
        return {
            "trust": self.trust,
            "min_score": self.min_score,
            "must_have_verified": self.must_have_on == "verified",
        }

    def terms(self, *, bound: bool = True) -> Policy:
        """The policy as the engine takes it; without what binds single pairs or groups unless bound."""
        policy = Policy(
            objective="placements" if self.objective == "placements" else "score",
            trust=self.trust,
            min_score=self.min_score,
            must_have_verified=self.must_have_on == "verified",
            weights=self.weights,
            seed=self.seed,
        )
        return policy if not bound else self._bound(policy)

    def _bound(self, policy: Policy) -> Policy:
        return Policy(
            objective=policy.objective,
            trust=policy.trust,
            min_score=policy.min_score,
            must_have_verified=policy.must_have_verified,
            weights=policy.weights,
            seed=policy.seed,
            pinned=tuple((str(s), str(p)) for s, p in self.pinned),
            banned=tuple((str(s), str(p)) for s, p in self.banned),
            nudges=tuple(Nudge(str(s), str(p), amount) for s, p, amount in self.nudges),
            quotas=tuple(Quota(*row) for row in self.quotas),
        )


def _frozen(value: Any) -> Any:
    return tuple(_frozen(item) for item in value) if isinstance(value, list) else value


def commitment(digest: str, policy: str) -> str:
    """What is published before a run: SHA-256 of the snapshot's digest, a line feed, and the policy's text."""
    return hashlib.sha256(f"{digest}\n{policy}".encode()).hexdigest()
