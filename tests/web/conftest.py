"""A bank with something of everything in it, and somebody of each role to read its pages."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select

from talentbank.accounts import service as accounts
from talentbank.accounts.models import User
from talentbank.accounts.service import Registration
from talentbank.extensions import db, today
from talentbank.permissions import STRANGER, Role
from talentbank.placements import service as placements
from talentbank.rounds import queries as rounds
from talentbank.rounds import service as matching
from talentbank.rounds.models import Offer, OfferState
from talentbank.rounds.service import Policy
from tests.conftest import Stage, copy, fill
from tests.web.reader import Reader

DEMO = "demo.example"


def person(email: str) -> User:
    return db.session.scalars(select(User).where(User.email == email)).one()


def _live_a_little() -> None:
    """A published round with an answer of each kind, a first day, a solved, a draft and a cancelled round."""
    chamber = person(f"chamber@{DEMO}").actor
    first = matching.make_round(chamber, Policy(name="Round Published"))
    matching.run_round(chamber, first.id, first.version)
    matching.publish(chamber, first.id, rounds.round_(first.id).version)
    offers = db.session.scalars(select(Offer).order_by(Offer.id)).all()
    mine = rounds.offers(person(f"enterprise@{DEMO}").actor, "open", None, None, 1).items
    for offer, accepted in ((mine[0], True), (mine[1], True), (mine[2], False)):
        student = rounds.offer(chamber, offer.id).student.user
        matching.answer_offer(student.actor, offer.id, accepted=accepted, reason="" if accepted else "Too far.")
    placements.start(person(f"enterprise@{DEMO}").actor, mine[0].id, today())
    for name, run, cancelled in (
        ("Round Solved", True, False),
        ("Round Draft", False, False),
        ("Round Cancelled", False, True),
    ):
        made = matching.make_round(chamber, Policy(name=name, objective="placements"))
        if run:
            matching.run_round(chamber, made.id, made.version)
        if cancelled:
            matching.cancel(chamber, made.id, made.version)
    accounts.register_enterprise(
        STRANGER, Registration("示例待审核企业", "", "WeChat", "待示审", f"pending@{DEMO}", "a good long one")
    )
    assert {OfferState.OPEN, OfferState.ACCEPTED} <= {offer.state for offer in offers}


@pytest.fixture(scope="session")
def lively_database(demo_database: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = copy(demo_database, tmp_path_factory.mktemp("lively"))
    fill(path, _live_a_little)
    return path


@pytest.fixture(scope="session")
def lively_stage(tmp_path_factory: pytest.TempPathFactory) -> Stage:
    """Beside the other one, for tests that need both."""
    return Stage(tmp_path_factory.mktemp("lively-stage"))


@pytest.fixture
def bank(lively_stage: Stage, lively_database: Path) -> Flask:
    """The app on a copy of the lively bank."""
    return lively_stage.set(lively_database)


@pytest.fixture
def reader(bank: Flask) -> Callable[..., Reader]:
    """Make a reader: signed in as a role's demo person, as an address, or a stranger (None)."""

    def make(who: Role | str | None = None, language: str = "en") -> Reader:
        if who in (None, Role.STRANGER):
            return Reader(bank, None, language)
        address = f"{who.value}@{DEMO}" if isinstance(who, Role) else str(who)
        with bank.app_context():
            return Reader(bank, person(address).get_id(), language)

    return make
