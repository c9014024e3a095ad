"""A bank with something of everything in it, and somebody of each role to read its pages."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select

from talentbank.accounts.models import User
from talentbank.deposits import queries as deposits
from talentbank.deposits.flags import service as flags
from talentbank.extensions import db, now, today
from talentbank.permissions import Actor, Role
from talentbank.placements import service as placements
from talentbank.rounds import queries as rounds
from talentbank.rounds import service as matching
from talentbank.rounds.appeals import service as appeals
from talentbank.rounds.models import LIVE, RoundPosition, RoundStudent
from talentbank.rounds.offers import queries as offering
from talentbank.rounds.offers import service as answers
from talentbank.rounds.offers.models import Offer, OfferState
from talentbank.rounds.runs import drafts, hints
from talentbank.rounds.runs import service as running
from talentbank.rounds.runs.models import Run
from talentbank.rounds.service import Policy
from tests.conftest import Stage, copy, fill, once
from tests.rounds.life import opened, published, run_again, solved
from tests.web.reader import Reader

DEMO = "demo.example"


def person(email: str) -> User:
    return db.session.scalars(select(User).where(User.email == email)).one()


def _live_a_little() -> None:
    """A published round with an answer of each kind, a first day, and a round in each state before."""
    chamber = person(f"chamber@{DEMO}").actor
    for held in rounds.rounds():
        if held.state in LIVE:
            matching.cancel(chamber, held.id, held.version)
    first, run = published(chamber, name="Round Published")
    enterprise = person(f"enterprise@{DEMO}").actor
    mine = offering.offers(enterprise, "open", None, first.id, 1).items
    _decide_a_little(chamber, solved(chamber, name="Round Solved", objective="placements")[0].id)
    appeals.make(person(f"student@{DEMO}").actor, first.id, "question", "Why this position?")
    for offer, accepted in ((mine[0], True), (mine[1], True), (mine[2], False)):
        student = offering.offer(chamber, offer.id).student.user
        why = {} if accepted else {"declined_for": "city", "reason": "Too far."}
        answers.answer_offer(student.actor, offer.id, accepted=accepted, **why)
    placements.start(enterprise, mine[0].id, today())
    opened(chamber, name="Round Open")
    matching.make_round(chamber, Policy(name="Round Draft", objective="placements"))
    cancelled = matching.make_round(chamber, Policy(name="Round Cancelled"))
    matching.cancel(chamber, cancelled.id, cancelled.version)
    offers = db.session.scalars(select(Offer).where(Offer.run_id == run.id)).all()
    _report_a_little(chamber, {offer.position_id for offer in offers})
    assert {OfferState.OPEN, OfferState.ACCEPTED} <= {offer.state for offer in offers}


def _report_a_little(chamber: Actor, offered: set[int]) -> None:
    """A report that waits, and one that blocked its position."""
    student = person(f"student@{DEMO}").actor
    found = deposits.all_positions(student, deposits.PositionFilter())
    false, costly = [position.id for position in found if position.id not in offered][:2]
    flags.make(student, false, "false", "It is another job.")
    flags.decide(chamber, flags.make(student, costly, "fees", "They asked for a deposit.").id, "uphold", "They did.")


def _decide_a_little(chamber: Actor, round_id: int) -> None:
    """A hint, a quota, a second run, a draft for comment, and a run that is chosen."""
    run = db.session.scalars(select(Run).where(Run.round_id == round_id)).one()
    student = db.session.scalars(select(RoundStudent.student_id).where(RoundStudent.round_id == round_id)).first()
    position = db.session.scalars(select(RoundPosition.position_id).where(RoundPosition.round_id == round_id)).first()
    assert student and position
    hints.set_hint(chamber, round_id, student, position, "encourage", 0.1, "They know each other.")
    hints.set_quota(chamber, round_id, None, None, "design", 0, 60, "No more can start at once.")
    run_again(chamber, round_id, method="deferred_acceptance")
    drafts.show_draft(chamber, round_id, run.number, now() + timedelta(days=2))
    running.select_run(chamber, round_id, rounds.round_(round_id).version, run.number)


@pytest.fixture(scope="session")
def lively_database(demo_database: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    def make(folder: Path) -> Path:
        path = copy(demo_database, folder)
        fill(path, _live_a_little)
        return path

    return once(tmp_path_factory, "lively", make)


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
