"""Two at once end in one result: real threads and processes on one real database."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable

import pytest
from flask import Flask
from sqlalchemy import func, select

from talentbank.accounts import service as accounts
from talentbank.accounts.models import Organisation
from talentbank.audit import AuditEntry
from talentbank.config import ROOT
from talentbank.deposits import service as deposits
from talentbank.deposits.models import Position, PositionState
from talentbank.errors import Conflict, Invalid, Refusal
from talentbank.extensions import db
from talentbank.permissions import STRANGER
from talentbank.rounds import queries, service
from talentbank.rounds.models import Round, RoundState
from talentbank.rounds.offers import service as offering
from talentbank.rounds.offers.models import Offer, OfferState
from talentbank.rounds.runs import queries as runs
from talentbank.rounds.runs import service as running
from talentbank.rounds.runs.models import MatchedPair, Run
from tests import factories
from tests.market import Market
from tests.rounds.life import chosen, frozen, published, run_again, solved

TIMES = 4


def at_once(app: Flask, *acts: Callable[[], object]) -> list[object]:
    """Do each in a thread of its own, all from the same moment on; results, or the refusals that came instead."""
    barrier = threading.Barrier(len(acts))
    results: list[object] = [None] * len(acts)

    def do(place: int) -> None:
        with app.app_context():
            barrier.wait()
            try:
                acts[place]()
                results[place] = "done"
            except Refusal as refusal:
                results[place] = type(refusal)
            finally:
                db.session.remove()

    threads = [threading.Thread(target=do, args=(place,)) for place in range(len(acts))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    db.session.rollback()  # what the threads wrote is seen only by a transaction that begins after them
    return results


def count(model: type[object]) -> int:
    return db.session.scalar(select(func.count()).select_from(model)) or 0


def test_two_who_press_run_at_once_get_one_run(app: Flask) -> None:
    with app.app_context():
        m = Market()
        for turn in range(1, TIMES + 1):
            made = frozen(m.chamber)
            at = m.chamber, made.id, made.version  # read now: later it would be what the other one made of it
            run = lambda at=at: running.start(*at)  # noqa: E731
            assert sorted(map(str, at_once(app, run, run))) == sorted(map(str, ["done", Conflict]))
            assert count(Run) == turn
            assert count(MatchedPair) == 3 * turn
            db.session.expire_all()
            service.cancel(m.chamber, made.id, queries.round_(made.id).version)


def test_two_who_publish_at_once_send_the_offers_out_once(app: Flask) -> None:
    with app.app_context():
        m = Market()
        found, run = solved(m.chamber)
        found = chosen(m.chamber, found.id, run.number)
        at = m.chamber, found.id, found.version
        publish = lambda: offering.publish(*at)  # noqa: E731
        assert sorted(map(str, at_once(app, publish, publish))) == sorted(map(str, ["done", Conflict]))
        assert count(Offer) == 3


def test_choosing_another_run_while_people_are_told_tells_and_publishes_what_was_looked_at(app: Flask) -> None:
    with app.app_context():
        m = Market()
        found, run = solved(m.chamber)
        other = run_again(m.chamber, found.id, min_score=1.0, trust=0.0)
        for _ in range(TIMES):
            found = running.select_run(m.chamber, found.id, queries.round_(found.id).version, run.number)
            at = (m.chamber, found.id, found.version)
            choose = lambda at=at: running.select_run(*at, other.number)  # noqa: E731
            tell = lambda at=at: offering.tell_unmatched(*at)  # noqa: E731
            assert at_once(app, choose, tell).count(Conflict) == 1
            db.session.expire_all()
            found = queries.round_(found.id)
            if found.told_at is not None:
                break
        if found.told_at is not None:
            assert found.selected_run_id == run.id
            offering.publish(m.chamber, found.id, found.version)
            assert set(db.session.scalars(select(Offer.run_id))) == {run.id}
        else:
            assert found.selected_run_id == other.id


@pytest.mark.parametrize("second", [True, False])
def test_two_answers_at_once_are_one_answer(app: Flask, second: bool) -> None:
    with app.app_context():
        m = Market()
        published(m.chamber)
        for actor, student_id in ((m.strong, m.strong_id), (m.weak, m.weak_id), (m.artist, m.artist_id)):
            offer = db.session.scalars(select(Offer).where(Offer.student_id == student_id)).one()
            first = lambda actor=actor, offer=offer: offering.answer_offer(actor, offer.id, True)  # noqa: E731
            other = lambda actor=actor, offer=offer: offering.answer_offer(actor, offer.id, second, "pay")  # noqa: E731
            answers = at_once(app, first, other)
            assert sorted(map(str, answers)) == sorted(map(str, ["done", Conflict]))
            accepted = answers[0] == "done" or second
            assert offer.state is (OfferState.ACCEPTED if accepted else OfferState.DECLINED)
        db.session.expire_all()
        entries = db.session.scalars(select(AuditEntry).where(AuditEntry.subject.startswith("offer:"))).all()
        assert len(entries) == 3


def test_a_seat_is_not_promised_while_it_is_taken_away(app: Flask) -> None:
    with app.app_context():
        m = Market()
        for _ in range(TIMES):
            found, run = solved(m.chamber)
            found = chosen(m.chamber, found.id, run.number)
            at = m.chamber, found.id, found.version
            publish = lambda at=at: offering.publish(*at)  # noqa: E731
            close = lambda: deposits.set_state(m.enterprise, m.studio, PositionState.CLOSED)  # noqa: E731
            published_, closed = at_once(app, publish, close)
            assert closed == "done"
            offers = db.session.scalars(select(Offer).where(Offer.run_id == run.id)).all()
            assert len(offers) == (3 if published_ == "done" else 0)
            if published_ == "done":
                break
            deposits.set_state(m.enterprise, m.studio, PositionState.OPEN)
            db.session.expire_all()
            service.cancel(m.chamber, found.id, queries.round_(found.id).version)


def test_a_position_changed_in_two_windows_keeps_the_first_change(app: Flask) -> None:
    with app.app_context():
        m = Market()

        def change(title: str) -> object:
            values = deposits.PositionDeposit(
                title, "design", "meishan", 1, 80_000, 120_000, [deposits.RequirementDeposit("visual_design", 3)]
            )
            return deposits.change(m.enterprise, m.studio, values, 1)

        results = at_once(app, lambda: change("One"), lambda: change("Two"))
        assert sorted(map(str, results)) == sorted(map(str, ["done", Conflict]))
        stored = db.session.get_one(Position, m.studio)
        assert stored.title == ("One" if results[0] == "done" else "Two")
        assert stored.version == 2


def test_one_name_is_registered_once(app: Flask) -> None:
    with app.app_context():
        asked = [factories.registration(name_zh="示例同名") for _ in range(2)]
        register = [lambda values=values: accounts.register_enterprise(STRANGER, values) for values in asked]
        results = at_once(app, *register)
        assert sorted(map(str, results)) == sorted(map(str, ["done", Invalid]))
        assert count(Organisation) == 1


PROCESS = """
import sys
from talentbank import create_app
from talentbank.errors import Conflict
from talentbank.permissions import Actor, Role
from talentbank.rounds.runs import service
app = create_app({"SQLALCHEMY_DATABASE_URI": sys.argv[1], "TESTING": True, "SECRET_KEY": "only for tests"})
with app.app_context():
    print("ready", flush=True)
    sys.stdin.readline()
    try:
        service.start(Actor(Role.CHAMBER, name="商示"), int(sys.argv[2]), int(sys.argv[3]))
        print("done")
    except Conflict:
        print("conflict")
"""


def test_two_processes_that_run_at_once_get_one_run(app: Flask) -> None:
    with app.app_context():
        m = Market()
        made = frozen(m.chamber)
        uri = app.config["SQLALCHEMY_DATABASE_URI"]
        both = [
            subprocess.Popen(
                [sys.executable, "-c", PROCESS, uri, str(made.id), str(made.version)],
                cwd=ROOT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            for _ in range(2)
        ]
        for process in both:
            assert process.stdout and process.stdout.readline() == "ready\n"
        said = [process.communicate("go\n")[0].strip() for process in both]
        assert sorted(said) == ["conflict", "done"]
        assert count(Run) == 1
        assert db.session.scalars(select(Round.state)).one() is RoundState.SOLVED
        assert runs.run(made.id, 1).matched == 3
