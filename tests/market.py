"""A small market to act in: one enterprise with two positions, three students, and those who look on."""

from __future__ import annotations

from typing import Any

from talentbank.accounts.models import Organisation
from talentbank.deposits.service import RequirementDeposit
from talentbank.extensions import db
from talentbank.permissions import Actor, Role
from tests import factories


class Market:
    """A shop with two seats and a studio with one; somebody strong, somebody weak, and an artist."""

    def __init__(self) -> None:
        self.enterprise = factories.person(Role.ENTERPRISE)
        self.university = factories.person(Role.UNIVERSITY)
        self.chamber = factories.person(Role.CHAMBER)
        self.shop = self.position({"platform_ops": 4, "data_analysis": 2}, headcount=2)
        self.studio = self.position({"visual_design": 3}, category="design", must=("visual_design",))
        self.strong, self.strong_id = self.student({"platform_ops": 4, "data_analysis": 3})
        self.weak, self.weak_id = self.student({"platform_ops": 2})
        self.artist, self.artist_id = self.student({"visual_design": 4}, {"visual_design": 3}, categories=["design"])

    def position(
        self, asks: dict[str, int], *, must: tuple[str, ...] = (), of: Actor | None = None, **changes: Any
    ) -> int:
        """An open position's id; asks: levels by competency code, each of weight 1; one seat unless said."""
        rows = [RequirementDeposit(code, level, 1.0, code in must) for code, level in asks.items()]
        return factories.position(of or self.enterprise, **{"requirements": rows, "headcount": 1, **changes}).id

    def student(
        self, claimed: dict[str, int], verified: dict[str, int] | None = None, **values: Any
    ) -> tuple[Actor, int]:
        """A student of the market's university: who acts, and the profile's id."""
        actor = factories.person(Role.STUDENT, db.session.get(Organisation, self.university.organisation_id))
        return actor, factories.student(actor, claimed, verified, **{"cohort": 2027, **values}).id
