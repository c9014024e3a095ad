"""Promises that can't be met together, named: a smallest set of quotas none of which could stay if the others do.

The deletion filter: leave promises out one after the other, and keep out those without which the rest still can't be
met (J. W. Chinneck, E. W. Dravnieks, «Locating minimal infeasible constraint sets in linear programs», ORSA Journal
on Computing 3(2), 1991).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from talentbank.engine.policy import Quota


class Infeasible(ValueError):  # noqa: N818  (what can't be is no error of ours)
    """A policy that can't be kept: promises (indices of its quotas) that together can't be met.

    Every one of them can be met if one of the others is given up. Empty where the pinned pairs alone break a limit.
    """

    def __init__(self, promises: Sequence[int], quotas: Sequence[Quota]) -> None:
        self.promises = tuple(promises)
        said = "; ".join(f"quotas[{at}]: {described(quotas[at])}" for at in promises)
        super().__init__(
            f"these promises can't be met together: {said}" if promises else "the pinned pairs alone break a limit"
        )


def described(quota: Quota) -> str:
    """A promise in words."""
    whom = {"from": quota.university, "with": quota.enterprise, "in": quota.category}
    return " ".join(
        [f"at least {quota.at_least}", *(f"{word} {name}" for word, name in whom.items() if name is not None)]
    )


def without(quotas: Sequence[Quota], given_up: set[int]) -> tuple[Quota, ...]:
    """The same quotas, some of them without their promise."""
    return tuple(replace(quota, at_least=0) if at in given_up else quota for at, quota in enumerate(quotas))


def conflict(
    quotas: Sequence[Quota], suspects: Sequence[int], feasible: Callable[[tuple[Quota, ...]], bool]
) -> list[int]:
    """A smallest set of promises, among the suspects, that can't be met together.

    feasible tells whether all promises of some quotas can be met; those beside the suspects are known to be in
    nobody's way. Asks once for each suspect.
    """
    promised = [at for at, quota in enumerate(quotas) if quota.at_least > 0]
    given_up = {at for at in promised if at not in suspects}
    for at in suspects:
        if not feasible(without(quotas, given_up | {at})):
            given_up.add(at)
    return [at for at in promised if at not in given_up]
